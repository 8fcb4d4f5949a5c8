//! Deeds that come to exactly what their formula says: a part of a blow that is given back, a part of it that becomes life.
//! Nothing is rolled, kept off or added; immunity and shields count as ever.

use std::sync::Arc;

use super::{Entry, Outcome, Raw, Resolver, Worklist};
use crate::assets::{AttributeId, School};
use crate::features::combat::EffectQueued;
use crate::features::combat::deed::{is_immune, whole_points};

impl Resolver<'_, '_> {
    /// Takes what a formula says.
    pub(super) fn wound(&mut self, deed: &EffectQueued, school: School, raw: Raw, work: &mut Worklist) {
        let (tick, rules) = (self.tick.0, Arc::clone(&self.rules.0));
        let Some((points, duel)) = self.whole(deed, raw) else { return };
        if let Some(mut source) = self.patient(deed.source) {
            source.fight.hit(tick, &rules.recovery);
        }
        let Some(mut target) = self.patient(deed.target) else { return };
        target.fight.hit(tick, &rules.recovery);
        let entry = Entry { school, ..Entry::NOTHING };
        if is_immune(&target.tags.granted, school) {
            return self.note(deed, Entry { outcome: Outcome::Immune, ..entry });
        }
        if points > 0 {
            self.take(deed, entry, points, duel, work);
        }
    }

    /// Gives what a formula says.
    pub(super) fn restore(&mut self, deed: &EffectQueued, raw: Raw, work: &mut Worklist) {
        let Some((points, _)) = self.whole(deed, raw).filter(|&(points, _)| points > 0) else { return };
        self.give_back(deed, points, Entry { school: School::Holy, ..Entry::NOTHING }, work);
    }

    /// The points of a deed, and whether the two fight a duel.
    fn whole(&mut self, deed: &EffectQueued, (formula, coef): Raw) -> Option<(u32, bool)> {
        let struck = self.struck(deed, AttributeId::DAMAGE_DONE_BP, AttributeId::DAMAGE_TAKEN_BP)?;
        let scope = self.scope(deed, &struck, coef);
        let points = whole_points(formula.and_then(|formula| self.assets.0.formulas.get(formula)), &scope);
        Some((points, struck.duel))
    }
}
