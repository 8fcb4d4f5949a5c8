//! Shields: points that take damage or healing in place of their bearer. Of several, the one with the highest priority is
//! used up first, then the one that ends first, then the oldest; each takes its share of what the ones before it left.
//! What is used up ends.

use bevy_ecs::prelude::*;

use super::ending::{Cause, Ending};
use super::{ActiveBuffs, Buff};
use crate::assets::{AbsorbDef, AbsorbKind, Assets, AttributeId, School};
use crate::features::combat::{PatientItem, Worth};
use crate::formula::Scope;

/// Points that one application of a shield gives to someone.
pub(super) fn shield_points(absorb: &AbsorbDef, worth: &Worth, target: &PatientItem<'_, '_>, assets: &Assets) -> u32 {
    let formula = absorb.formula.as_ref().and_then(|formula| assets.formulas.get(formula.id()));
    let points = match formula {
        _ if absorb.coef == 0 => 0,
        None => i64::from(worth.of(AttributeId::ATTACK).max(0)) * i64::from(absorb.coef) / 1_000,
        Some(formula) => formula.eval(&Scope {
            target: Some(target.attributes.all()),
            level: worth.level,
            target_level: target.level.0,
            cause: worth.cause,
            target_pools: (target.vitals.hp, target.mana.mp),
            coef: i32::try_from(absorb.coef).unwrap_or(i32::MAX),
            ..Scope::of(&worth.attributes)
        }),
    };
    u32::try_from(points.max(0)).unwrap_or(u32::MAX).saturating_add(absorb.amount)
}

/// What is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// Points of damage of a school.
    Damage(School),
    /// Points of healing.
    Healing,
}

/// Has the shields take what they take of so many points; returns what they took.
pub(super) fn absorb(buffs: &mut Mut<ActiveBuffs>, incoming: Incoming, points: u32, mut ending: Ending<'_>) -> u32 {
    if points == 0 || buffs.list.iter().all(|buff| buff.shield == 0) {
        return 0;
    }
    let mut order: Vec<(i32, u32, usize)> = Vec::new();
    for (index, buff) in buffs.list.iter().enumerate() {
        if let Some(shield) = shield_of(buff, incoming, ending.assets) {
            order.push((-shield.priority, buff.end_tick, index));
        }
    }
    order.sort_unstable();
    let (mut left, mut spent) = (points, Vec::new());
    for &(.., index) in &order {
        // What a shield has left is no news to clients.
        let Some(buff) = buffs.bypass_change_detection().list.get_mut(index) else { continue };
        let share_pct = shield_of(buff, incoming, ending.assets).map_or(0, |shield| shield.share_pct.min(100));
        let share = u32::try_from((u64::from(left) * u64::from(share_pct)).div_ceil(100)).unwrap_or(left);
        let taken = share.min(buff.shield);
        buff.shield -= taken;
        left -= taken;
        if buff.shield == 0 {
            spent.push(index);
        }
    }
    spent.sort_unstable();
    for (gone, index) in spent.into_iter().enumerate() {
        ending.end(buffs, index - gone, Cause::UsedUp);
    }
    points - left
}

fn shield_of<'a>(buff: &Buff, incoming: Incoming, assets: &'a Assets) -> Option<&'a AbsorbDef> {
    if buff.shield == 0 || !buff.working {
        return None;
    }
    let shield = assets.effects.get(buff.effect)?.absorb.as_ref()?;
    let takes = match incoming {
        Incoming::Damage(school) => {
            shield.takes == AbsorbKind::Damage && (shield.schools.is_empty() || shield.schools.contains(&school))
        }
        Incoming::Healing => shield.takes == AbsorbKind::Healing,
    };
    takes.then_some(shield)
}
