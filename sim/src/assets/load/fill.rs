//! What a record holds besides its text and that needs other records: trees with the trees they name, curves, and the
//! formulas that are written in terms of them.

use std::sync::Arc;

use super::{Loaded, Records, Run, checker};
use crate::assets::Id;
use crate::assets::check::{FormulaNames, check_circles, compile_ai, fill_curve, fill_derived, fill_formula};

impl Run<'_> {
    /// Makes the trees ready to run, once all of them are there.
    pub(super) fn compile_ai(&mut self, records: &mut Records) {
        let all = &records.ai;
        let mut trees = Vec::new();
        for Loaded { value, file, record, places } in all.0.values() {
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            trees.push(compile_ai(value, all, &mut check));
        }
        for (loaded, tree) in records.ai.0.values_mut().zip(trees) {
            Arc::make_mut(&mut loaded.value).tree = tree;
        }
    }

    /// Works out curves, then what is written in terms of them.
    pub(super) fn fill_formulas(&mut self, records: &mut Records) {
        for Loaded { value, file, record, places } in records.curves.0.values_mut() {
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            fill_curve(Arc::make_mut(value), &mut self.tables, &mut check);
        }
        let names = FormulaNames { names: &self.names, attributes: &records.attributes, curves: &records.curves };
        for Loaded { value, file, record, places } in records.formulas.0.values_mut() {
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            fill_formula(Arc::make_mut(value), &names, &mut check);
        }
        let mut derived = Vec::new();
        for (index, Loaded { value, file, record, places }) in &records.attributes.0 {
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            derived.push((*index, fill_derived(value, &names, &mut check)));
        }
        for (index, program) in derived {
            if let (Some(loaded), Some(program)) = (records.attributes.0.get_mut(&index), program) {
                Arc::make_mut(&mut loaded.value).program = Some(program);
            }
        }
        for (index, Loaded { file, record, places, .. }) in &records.attributes.0 {
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            check_circles(Id::new(*index), &records.attributes, &mut check);
        }
    }
}
