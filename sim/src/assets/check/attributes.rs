//! The rules of attributes and of what classes and monsters say about them.
//! A value is checked after evaluation, at the first and the last level it is used at, against the attribute's own range.

use super::{Check, Checker};
use crate::assets::{AttributeDef, AttributeTable, kinds::Records, report::Code};

/// Where attributes may range at most: far enough for every game, small enough for all arithmetic.
const VALUE_MAX: i64 = 1_000_000_000;

impl Check for AttributeDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        check.whole("min", self.min, -VALUE_MAX..=VALUE_MAX);
        check.whole("max", self.max, -VALUE_MAX..=VALUE_MAX);
        if self.min > self.max {
            let message = format!("{} ranges from {} to {}, so it has no value", check.title, self.min, self.max);
            check.contradiction("min", "max", message);
        } else {
            check.whole("base", self.base, i64::from(self.min)..=i64::from(self.max));
        }
    }
}

/// Checks the map at `path` at each of `levels`.
pub(crate) fn check_table(
    path: &str,
    table: &AttributeTable,
    levels: &[u16],
    records: &Records,
    check: &mut Checker<'_, '_>,
) {
    for (index, (attribute, value)) in table.iter().enumerate() {
        let place = format!("{path}.{}", attribute.name());
        if table.iter().take(index).any(|(other, _)| other.name() == attribute.name()) {
            let message = format!("{} has the attribute `{}` twice", check.title, attribute.name());
            if let Some(note) = check.report(Code::DuplicateField, &place, message) {
                note.label("again");
            }
        }
        let Some(def) = attribute.found().and_then(|id| records.attributes.get(id)) else { continue };
        let outside = levels
            .iter()
            .filter_map(|&level| Some((level, value.at(level, &|curve| records.curves.get(curve))?)))
            .find(|(_, value)| !(i64::from(def.min)..=i64::from(def.max)).contains(value));
        if let Some((level, value)) = outside {
            let message = format!(
                "`{}` is {value} at level {level}, but must be from {} to {}",
                attribute.name(),
                def.min,
                def.max
            );
            if let Some(note) = check.report(Code::OutOfRange, &place, message) {
                note.label("out of range");
            }
        }
    }
}
