//! Formulas as records: what a damage, a heal or an amount is worked out with. The language is in `crate::formula`; a record
//! adds how the end is rounded and within which bounds it stays. What a formula can come to is checked at load.

use serde::{Deserialize, Serialize};

use super::{Record, RefVisitor, Rounding};
use crate::formula::{MICRO, Program, Scope};

/// One formula, `formula/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormulaDef {
    /// `formula/name`; the name alone is what records write.
    pub id: String,
    /// The formula. Names are attributes of the source, `target.` and an attribute, `level`, `target.level`, `hp`, `mana`,
    /// `target.hp`, `target.mana`, `coef` and `stacks`. What a proc does knows the blow that set it off: `amount` are the
    /// points that arrived, `absorbed` those that shields took before, and `crit` is 1 for a critical one, else 0.
    pub expr: String,
    /// How the end is rounded to a whole number.
    #[serde(default)]
    pub round: Rounding,
    /// Least result; a smaller one becomes this.
    #[serde(default)]
    pub min: Option<i64>,
    /// Greatest result; a greater one becomes this.
    #[serde(default)]
    pub max: Option<i64>,
    /// Least and greatest `coef` it is meant for; a coefficient beyond becomes the nearest.
    #[serde(default = "usual_coef")]
    pub coef: (i32, i32),
    /// The formula ready to run; filled by the loader.
    #[serde(skip)]
    pub(crate) program: Program,
}

/// From nothing to a thousand times, in thousandths.
const fn usual_coef() -> (i32, i32) {
    (0, 1_000_000)
}

impl FormulaDef {
    /// The formula without rounding and bounds.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// The result for these inputs.
    #[must_use]
    pub fn eval(&self, scope: &Scope<'_>) -> i64 {
        let value = self.program.eval(scope, self.round);
        value.max(self.min.unwrap_or(i64::MIN)).min(self.max.unwrap_or(i64::MAX))
    }
}

impl FormulaDef {
    /// The result in thousandths before it is rounded, at least 0: for what is multiplied further.
    #[must_use]
    pub fn eval_milli(&self, scope: &Scope<'_>) -> u64 {
        if let Some(milli) = self.short_milli(scope) {
            return milli;
        }
        let bound = |whole: Option<i64>, none: i128| whole.map_or(none, |whole| i128::from(whole) * MICRO);
        let micro = self.program.eval_wide_micro(scope);
        let inside = micro.max(bound(self.min, i128::MIN)).min(bound(self.max, i128::MAX));
        u64::try_from(inside.max(0) / 1_000).unwrap_or(u64::MAX)
    }

    /// The same on 64 bits; `None` where those are too few.
    fn short_milli(&self, scope: &Scope<'_>) -> Option<u64> {
        let mut micro = self.program.eval_short_micro(scope)?;
        if let Some(min) = self.min {
            micro = micro.max(min.checked_mul(MICRO as i64)?);
        }
        if let Some(max) = self.max {
            micro = micro.min(max.checked_mul(MICRO as i64)?);
        }
        Some(micro.max(0).unsigned_abs() / 1_000)
    }
}

impl Record for FormulaDef {
    const KIND: &'static str = "formula";
    const FOLDER: &'static str = "formulas";

    fn id(&self) -> &str {
        &self.id
    }

    fn visit_refs(&mut self, _visitor: &mut dyn RefVisitor) {}
}
