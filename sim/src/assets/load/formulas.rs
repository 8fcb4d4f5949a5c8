//! What records work out with: curves first, then formulas, then derived attributes and the circles among them.

use std::sync::Arc;

use super::{Loaded, Run, checker};
use crate::assets::{
    Id,
    check::{FormulaNames, check_circles, fill_curve, fill_derived, fill_formula},
    kinds::Records,
};

impl Run<'_> {
    /// Works out curves, then what is written in terms of them.
    pub(super) fn fill_formulas(&mut self, records: &mut Records) {
        for Loaded { value, file, record, places, .. } in records.curves.0.values_mut() {
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            fill_curve(Arc::make_mut(value), &mut self.tables, &mut check);
        }
        let names = FormulaNames { names: &self.names, attributes: &records.attributes, curves: &records.curves };
        for Loaded { value, file, record, places, .. } in records.formulas.0.values_mut() {
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            fill_formula(Arc::make_mut(value), &names, &mut check);
        }
        let mut derived = Vec::new();
        for (index, Loaded { value, file, record, places, .. }) in &records.attributes.0 {
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
