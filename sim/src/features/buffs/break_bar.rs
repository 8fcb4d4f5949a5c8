//! Break bars: while a bar is up, crowd control does not hold its bearer but wears the bar down, as `Stagger` does; when
//! it is empty the bearer is open for a while, and then it is full again. The bar comes with an effect.
//!
//! The component holds points at a tick and how fast they come back, so that it changes only when something happens. On
//! the wire `break_bar` is a varint of the full bar, 0 for none, and then varints of the points, of the points per second
//! that come back, of the tick they count from, and of the tick until which the bar is down.

use bevy_ecs::prelude::*;

use super::deeds::Author;
use super::{ActiveBuffs, Buff};
use crate::assets::{Assets, BreakBarDef, EffectDef, Id, ticks_of};
use crate::digest::{Digest, Digester};
use crate::features::combat::{EffectQueued, PatientItem, Worth};
use crate::ids::SimId;
use crate::replicated::Replicate;
use crate::tick::TICKS_PER_SECOND;
use crate::wire::{Reader, put_varint};

/// The break bar of an actor, if one of its effects brings one. Written in the Resolve stage.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BreakBar {
    /// The effect that brings it.
    effect: Option<Id<EffectDef>>,
    /// Points of the full bar; 0 without one.
    full: u32,
    /// Points at `since_tick`.
    points: u32,
    /// Points that come back per second.
    regen: u32,
    /// The tick the points count from.
    since_tick: u32,
    /// The tick from which on the bar is up.
    up_tick: u32,
}

/// A break bar as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakBarSeen {
    /// Points of the full bar, from 1.
    pub full: u32,
    /// Points at `since_tick`.
    pub points: u32,
    /// Points that come back per second.
    pub regen: u32,
    /// The tick the points count from.
    pub since_tick: u32,
    /// The tick from which on the bar is up.
    pub up_tick: u32,
}

impl BreakBar {
    /// Whether there is a bar and it is up.
    #[must_use]
    pub const fn is_up(&self, tick: u32) -> bool {
        self.full > 0 && tick >= self.up_tick
    }

    /// Points that are left at `tick`.
    #[must_use]
    pub fn points_at(&self, tick: u32) -> u32 {
        let passed_ticks = u64::from(tick.saturating_sub(self.since_tick));
        let back = passed_ticks * u64::from(self.regen) / u64::from(TICKS_PER_SECOND);
        self.points.saturating_add(u32::try_from(back).unwrap_or(u32::MAX)).min(self.full)
    }

    /// Takes points off; true when that breaks the bar.
    pub(super) fn stagger(&mut self, points: u32, lockout_ms: u32, tick: u32) -> bool {
        if !self.is_up(tick) || points == 0 {
            return false;
        }
        let left = self.points_at(tick).saturating_sub(points);
        (self.points, self.since_tick) = (left, tick);
        if left == 0 {
            self.up_tick = tick.saturating_add(ticks_of(lockout_ms));
            (self.points, self.since_tick) = (self.full, self.up_tick);
        }
        left == 0
    }

    /// The bar of the first effect that brings one: a new one is full, one that is there stays as it is.
    pub(super) fn follow(&mut self, buffs: &ActiveBuffs, assets: &Assets, tick: u32) {
        let bar_of = |buff: &Buff| Some((buff.effect, assets.effects.get(buff.effect)?.break_bar.as_ref()?));
        let brought = buffs.iter().filter(|buff| buff.working).find_map(bar_of);
        match brought {
            None => *self = Self::default(),
            Some((effect, def)) if self.effect != Some(effect) || self.full != def.amount => {
                let (full, regen) = (def.amount, def.regen);
                *self = Self { effect: Some(effect), full, points: full, regen, since_tick: tick, up_tick: tick };
            }
            Some((_, def)) => self.regen = def.regen,
        }
    }

    /// What the game data says about it.
    pub(super) fn def<'a>(&self, assets: &'a Assets) -> Option<&'a BreakBarDef> {
        assets.effects.get(self.effect?)?.break_bar.as_ref()
    }

    /// The effect that brings it.
    pub(super) const fn effect(&self) -> Option<Id<EffectDef>> {
        self.effect
    }

    /// What happens when it breaks, as its bearer's own doing.
    pub(super) fn on_break(
        &self,
        bearer: SimId,
        worth: Worth,
        depth: u8,
        assets: &Assets,
        out: &mut Vec<EffectQueued>,
    ) {
        if let (Some(effect), Some(def)) = (self.effect, self.def(assets)) {
            Author { effect, source: bearer, worth, depth }.act(&def.on_break, bearer, out);
        }
    }

    /// Reads the replicated bar; the inner `None` is "no bar".
    #[allow(clippy::option_option, reason = "unreadable and nothing are two things")]
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Option<BreakBarSeen>> {
        let full = reader.varint()?;
        if full == 0 {
            return Some(None);
        }
        let (points, regen) = (reader.varint()?, reader.varint()?);
        let (since_tick, up_tick) = (reader.varint()?, reader.varint()?);
        (points <= full).then_some(Some(BreakBarSeen { full, points, regen, since_tick, up_tick }))
    }
}

/// Takes points off someone's bar; what happens when it breaks is queued at a depth.
pub(super) fn wear_down(
    target: &mut PatientItem<'_, '_>,
    points: u32,
    (depth, tick): (u8, u32),
    assets: &Assets,
    out: &mut Vec<EffectQueued>,
) {
    let Some(def) = target.bar.def(assets).filter(|_| target.bar.is_up(tick)) else { return };
    if target.bar.stagger(points, def.lockout_ms, tick) {
        let side = target.side.side();
        target.bar.on_break(side.id, target.attributes.worth(*target.level, side.faction), depth, assets, out);
    }
}

/// Points that crowd control of so many ticks takes off.
pub(super) fn control_points(def: &BreakBarDef, length_ticks: u32) -> u32 {
    // Control without an end counts as a minute of it.
    let ticks = u64::from(length_ticks.min(60 * TICKS_PER_SECOND));
    let points = ticks * u64::from(def.crowd_control_per_s) / u64::from(TICKS_PER_SECOND);
    u32::try_from(points).unwrap_or(u32::MAX)
}

impl Replicate for BreakBar {
    const NAME: &'static str = "break_bar";
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.full);
        if self.full > 0 {
            for part in [self.points, self.regen, self.since_tick, self.up_tick] {
                put_varint(out, part);
            }
        }
    }
}

impl Digest for BreakBar {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.effect.map_or(u32::MAX, Id::raw));
        for part in [self.full, self.points, self.regen, self.since_tick, self.up_tick] {
            digester.u32(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAR: BreakBar =
        BreakBar { effect: None, full: 1_000, points: 1_000, regen: 20, since_tick: 100, up_tick: 100 };

    #[test]
    fn points_come_back_over_time_and_never_beyond_the_full_bar() {
        let mut bar = BAR;
        assert!(!bar.stagger(300, 5_000, 100));
        assert_eq!([100, 110, 120, 400, 1_000].map(|tick| bar.points_at(tick)), [700, 710, 720, 1_000, 1_000]);
    }

    #[test]
    fn an_empty_bar_is_down_for_a_while_and_comes_back_full() {
        let mut bar = BAR;
        bar.stagger(600, 5_000, 100);
        // 20 ticks brought 20 points back.
        assert!(!bar.stagger(419, 5_000, 120) && bar.stagger(1, 5_000, 120));
        assert!(!bar.is_up(219) && bar.is_up(220));
        assert!(!bar.stagger(5_000, 5_000, 150), "a bar that is down takes nothing");
        assert_eq!(bar.points_at(220), 1_000);
    }

    #[test]
    fn a_bar_is_read_back_and_a_cut_one_is_refused() {
        for bar in [BAR, BreakBar::default()] {
            let mut bytes = Vec::new();
            bar.encode(&mut bytes);
            let seen = BreakBar::from_wire(&mut Reader::new(&bytes)).unwrap();
            assert_eq!(seen.map(|seen| (seen.full, seen.up_tick)), (bar.full > 0).then_some((bar.full, bar.up_tick)));
            bytes.pop();
            assert_eq!(BreakBar::from_wire(&mut Reader::new(&bytes)), None);
        }
        assert_eq!(BreakBar::from_wire(&mut Reader::new(&[5, 6, 0, 0, 0])), None);
    }
}
