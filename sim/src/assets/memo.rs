//! What was read of files and records, kept with the data so that the data after it reads only what has changed. Only records that
//! could be read without a fault are kept, as they were before any reference was resolved: a record's own text is all
//! that decides what they are. Everything that follows from other records is done anew every time.

use std::{any::Any, collections::BTreeMap, fmt, sync::Arc};

use super::span::{Scan, scan};
use xxhash_rust::xxh3::xxh3_64;

/// What was read, by kind and hash of the record's text.
#[derive(Clone, Default)]
pub(crate) struct Memo {
    records: BTreeMap<(&'static str, u64), Arc<Entry>>,
    /// Where things stand in files, by the hash of their text.
    scans: BTreeMap<u64, Arc<Scanned>>,
}

struct Scanned {
    text: Box<str>,
    scan: Arc<Scan>,
}

struct Entry {
    text: Box<str>,
    value: Box<dyn Any + Send + Sync>,
}

impl Memo {
    /// What the text of a record was read as, if it was; it is kept for the data after this in `next`.
    pub(crate) fn recall<T: Clone + 'static>(&self, kind: &'static str, text: &str, next: &mut Self) -> Option<T> {
        let key = (kind, xxh3_64(text.as_bytes()));
        let entry = self.records.get(&key).filter(|entry| *entry.text == *text)?;
        let value = entry.value.downcast_ref::<T>()?.clone();
        next.records.insert(key, Arc::clone(entry));
        Some(value)
    }

    /// Where things stand in a text; it is kept for the data after this in `next`.
    pub(crate) fn scan(&self, text: &str, next: &mut Self) -> Arc<Scan> {
        let key = xxh3_64(text.as_bytes());
        let known = self.scans.get(&key).filter(|scanned| *scanned.text == *text);
        let scanned =
            known.cloned().unwrap_or_else(|| Arc::new(Scanned { text: text.into(), scan: Arc::new(scan(text)) }));
        let scan = Arc::clone(&scanned.scan);
        next.scans.insert(key, scanned);
        scan
    }

    /// Keeps what the text of a record was read as.
    pub(crate) fn keep<T: Clone + Send + Sync + 'static>(&mut self, kind: &'static str, text: &str, value: &T) {
        let entry = Entry { text: text.into(), value: Box::new(value.clone()) };
        self.records.insert((kind, xxh3_64(text.as_bytes())), Arc::new(entry));
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records", self.records.len())
    }
}

/// It adds nothing to the data it goes with.
impl PartialEq for Memo {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
