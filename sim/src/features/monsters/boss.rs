//! The phases of a fight: when the next one begins. Pure. A phase begins when its time has come and the one in front of
//! it has begun; several may begin in consecutive ticks.

use crate::assets::{MonsterDef, PhaseStart, ticks_of};

/// What decides about phases.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    pub(super) tick: u32,
    /// Place in the list, from 1; 0 before the first.
    pub(super) phase: u8,
    /// When the phase, or the fight, began.
    pub(super) phase_tick: u32,
    pub(super) hp_permille: u32,
    pub(super) adds_alive: usize,
}

impl Course {
    /// The phase that begins now, by its place from 1.
    pub(super) fn next_phase(&self, def: &MonsterDef) -> Option<u8> {
        let next = def.phases.get(usize::from(self.phase))?;
        let ticks = self.tick.wrapping_sub(self.phase_tick);
        let begins = match next.when {
            PhaseStart::HpBelow(pct) => self.hp_permille < pct * 10,
            PhaseStart::After(ms) => ticks >= ticks_of(ms),
            // Not in the tick in which the adds were called and have not come yet.
            PhaseStart::AddsDead => self.adds_alive == 0 && ticks > 1,
            PhaseStart::Told => false,
        };
        begins.then_some(self.phase + 1)
    }
}
