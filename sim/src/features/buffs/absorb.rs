//! Shields: points that take damage or healing in place of their bearer. Of several, the one with the highest priority is
//! used up first, then the one that ends first, then the oldest; each takes its share of what the ones before it left.
//! What is used up ends.

use bevy_ecs::prelude::*;

use super::ending::{Cause, Ending};
use super::{ActiveBuffs, Buff};
use crate::assets::{AbsorbDef, AbsorbKind, Assets, AttributeId, School};
use crate::features::combat::Worth;

/// Points that one application of a shield gives.
pub(super) fn shield_points(absorb: &AbsorbDef, worth: &Worth) -> u32 {
    let attack = u64::from(worth.of(AttributeId::ATTACK).max(0).unsigned_abs());
    let points = attack * u64::from(absorb.coef) / 1_000 + u64::from(absorb.amount);
    u32::try_from(points).unwrap_or(u32::MAX)
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
