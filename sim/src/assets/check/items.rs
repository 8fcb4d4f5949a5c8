//! The rules of items.

use super::{Check, Checker};
use crate::assets::{ItemDef, report::Code};

impl Check for ItemDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        check.whole("stack_max", self.stack_max, 1..=10_000);
        check.whole("value", self.value, 0..=1_000_000_000);
        if self.unique && self.stack_max > 1 {
            let message = format!("{} is unique, but {} of it make a stack", check.title, self.stack_max);
            if let Some(note) = check.report(Code::ItemConflict, "stack_max", message) {
                note.label("must be 1").help("leave `stack_max` out".to_owned());
            }
        }
    }
}
