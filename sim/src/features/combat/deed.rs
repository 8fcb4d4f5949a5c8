//! What a deed is, apart from what becomes of it: how it reaches its target, what it is worth before
//! anything is rolled, and whether its target is proof against it. Pure.

use super::{EffectQueued, Origin};
use crate::assets::{Assets, AttackKind, AttributeId, FormulaDef, School, TagId, TagSet};
use crate::formula::Scope;

/// Reach up to which a physical skill is a blow from near, in metres.
const MELEE_M: f32 = 5.0;

/// How a deed reaches its target.
pub(super) fn attack_kind(deed: &EffectQueued, school: School, assets: &Assets) -> AttackKind {
    let reach_m = match deed.origin {
        Origin::Skill(skill) => assets.skills.get(skill).map_or(0.0, |skill| skill.target.reach_m()),
        Origin::Effect(_) | Origin::World => 0.0,
    };
    match school {
        _ if deed.periodic => AttackKind::Periodic,
        School::Physical if reach_m <= MELEE_M => AttackKind::Melee,
        School::Physical => AttackKind::Ranged,
        _ => AttackKind::Spell,
    }
}

/// Whether nothing of a school can hurt whoever has these tags.
pub(super) fn is_immune(tags: &TagSet, school: School) -> bool {
    let magic = school != School::Physical && tags.has(TagId::IMMUNE_MAGIC);
    tags.has(TagId::INVULNERABLE) || magic || tags.has(school.immunity())
}

/// What a formula makes of a coefficient, in whole points rounded as it says; without one it is thousandths of attack,
/// rounded to the nearest.
pub(super) fn whole_points(formula: Option<&FormulaDef>, scope: &Scope<'_>) -> u32 {
    let points = match formula {
        Some(formula) => formula.eval(scope).max(0).unsigned_abs(),
        None => raw_milli(None, scope).saturating_add(500) / 1_000,
    };
    u32::try_from(points).unwrap_or(u32::MAX)
}

/// What a formula makes of a coefficient, in thousandths of a point; without one it is thousandths of attack.
pub(super) fn raw_milli(formula: Option<&FormulaDef>, scope: &Scope<'_>) -> u64 {
    let attack = || scope.source.get(AttributeId::ATTACK.index()).copied().unwrap_or(0).max(0).unsigned_abs();
    match formula {
        Some(formula) => {
            let coef = scope.coef.clamp(formula.coef.0, formula.coef.1);
            formula.eval_milli(&Scope { coef, ..*scope })
        }
        None => u64::from(attack()) * u64::from(scope.coef.max(0).unsigned_abs()),
    }
}
