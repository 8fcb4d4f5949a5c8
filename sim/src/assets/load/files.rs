//! The first part of a run: which file is what, what is built in, and records that extend others.
//! Afterwards every file of the run holds plain records, whoever wrote the parts of them.

use std::{collections::BTreeSet, sync::Arc};

use super::{FILE_BYTES_MAX, RonFile, Run, TABLES_FOLDER};
use crate::assets::{
    core,
    extends::{Written, extend},
    kinds::KINDS,
    report::{Code, nearest},
    span::ScannedRecord,
};

impl<'s> Run<'s> {
    pub(super) fn sort_files(&mut self) {
        for (path, text) in self.sources.iter() {
            let folder = path.split_once('/').map_or("", |(folder, _)| folder);
            let kind = KINDS.iter().find(|kind| kind.folder == folder).map(|kind| kind.name);
            if text.len() > FILE_BYTES_MAX {
                let message = format!("this file has {} bytes, but at most {FILE_BYTES_MAX} are accepted", text.len());
                self.findings.add(Code::TooLarge, path, 0..0, message);
            } else if let Some(kind) = kind.filter(|_| path.ends_with(".ron")) {
                self.scan_file(kind, path, text);
            } else if folder == TABLES_FOLDER && path.ends_with(".csv") {
                self.tables.add(path, text, &mut self.memo, &mut self.findings);
            } else {
                self.misplaced(path, folder, kind.is_some() || folder == TABLES_FOLDER);
            }
        }
    }

    /// Puts the built-in records in front, without those that the data has too.
    pub(super) fn add_core(&mut self) {
        let mut own = BTreeSet::new();
        for file in &self.files {
            own.extend(
                file.scan.records.iter().filter_map(|record| record.facts(&file.text).id.clone()).map(|(id, _)| id),
            );
        }
        for (kind, path, text) in core::FILES {
            let mut scan = self.memo.0.scan(text, &mut self.memo.1);
            let is_own = |record: &ScannedRecord| record.facts(text).id().is_some_and(|id| own.contains(id));
            if scan.records.iter().any(|record| is_own(record)) {
                Arc::make_mut(&mut scan).records.retain(|record| !is_own(record));
            }
            self.files.insert(0, RonFile { kind, path: path.into(), text: text.into(), scan });
        }
    }

    /// Puts joined records in the place of those that extend others, and takes abstract ones out.
    pub(super) fn extend(&mut self) {
        let mut places = Vec::new();
        let mut written = Vec::new();
        for (file_index, file) in self.files.iter().enumerate() {
            for (index, record) in file.scan.records.iter().enumerate().filter(|(_, record)| !record.is_broken) {
                places.push((file_index, index));
                let (kind, facts) = (file.kind, record.facts(&file.text));
                written.push(Written { kind, file: &file.path, text: &file.text, node: &record.node, facts });
            }
        }
        let extended = extend(&written, &mut self.memo, &mut self.findings);
        let id = |index: usize| written.get(index).and_then(|record| record.facts.id());
        let abstracts = extended.iter().filter(|(_, joined)| joined.is_none()).filter_map(|(index, _)| id(*index));
        self.abstracts = abstracts.map(str::to_owned).collect();
        let meant = written.iter().filter(|record| record.facts.is_marked && record.says("unused"));
        self.meant = meant.filter_map(|record| record.facts.id()).map(str::to_owned).collect();
        // From the back, so that the places in front stay where they are.
        for index in extended.keys().rev() {
            let (file, record) = places[*index];
            Arc::make_mut(&mut self.files[file].scan).records.remove(record);
        }
        for (index, joined) in extended {
            let (file, record) = places[index];
            if let Some(joined) = joined {
                let (kind, path) = (self.files[file].kind, format!("{}#{record}", self.files[file].path));
                let (text, mut scan) = (joined.text.clone().into(), self.memo.0.scan(&joined.text, &mut self.memo.1));
                // What a missing parent would have said is not missing.
                if !joined.is_whole {
                    let records = &mut Arc::make_mut(&mut scan).records;
                    records.iter_mut().for_each(|record| Arc::make_mut(record).is_broken = true);
                }
                self.findings.add_joined(path.clone(), joined);
                self.files.push(RonFile { kind, path: path.into(), text, scan });
            }
        }
    }

    fn scan_file(&mut self, kind: &'static str, path: &'s str, text: &'s str) {
        let scan = self.memo.0.scan(text, &mut self.memo.1);
        for fault in &scan.faults {
            self.findings.add(Code::Syntax, path, fault.span.clone(), fault.message.clone());
        }
        if scan.records.is_empty() && scan.faults.is_empty() {
            self.findings.add(Code::Empty, path, 0..0, "this file has no records".to_owned());
        }
        self.files.push(RonFile { kind, path: path.into(), text: text.into(), scan });
    }

    fn misplaced(&mut self, path: &str, folder: &str, is_known_folder: bool) {
        if is_known_folder {
            let wanted = if folder == TABLES_FOLDER { ".csv" } else { ".ron" };
            self.findings.add(Code::Misplaced, path, 0..0, format!("files in `{folder}` must end in `{wanted}`"));
            return;
        }
        let folders = || KINDS.iter().map(|kind| kind.folder).chain([TABLES_FOLDER]);
        let help = match nearest(folder, folders()) {
            Some(candidate) => format!("did you mean `{candidate}`?"),
            None => format!("the folders are {}", folders().collect::<Vec<_>>().join(", ")),
        };
        let message = match folder {
            "" => "this file must stand in one of the folders for assets".to_owned(),
            _ => format!("`{folder}` is not a folder for assets"),
        };
        self.findings.add(Code::Misplaced, path, 0..0, message).help(help);
    }
}
