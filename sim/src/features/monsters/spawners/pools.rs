//! Pools: of some spawners so many are active at a time. An active one whose monsters are all dead is cleared; after its
//! respawn time its turn goes to one that is drawn by weight from all that are not active, itself included. Pure.

use crate::assets::{PoolDef, SpawnerDef};
use crate::digest::{Digest, Digester};
use crate::random::Draw;

/// One pool of the scene.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pool {
    /// Spawners by their place in the scene's list, with their weights.
    members: Vec<(usize, u32)>,
    active: usize,
    turns: Vec<Turn>,
}

/// What one of the active places of a pool is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Turn {
    /// A spawner is active.
    Active(usize),
    /// Another one is drawn in this tick.
    Waits(u32),
}

impl Pool {
    /// A pool in front of its first draw, or with turns taken over from another epoch.
    pub(super) fn new(def: &PoolDef, spawners: &[SpawnerDef], turns: Vec<Turn>) -> Self {
        let place = |id: &str| spawners.iter().position(|spawner| spawner.id == id);
        let members = def.members.iter().filter_map(|member| Some((place(&member.spawner)?, member.weight)));
        let mut pool = Self { members: members.collect(), active: def.active as usize, turns };
        pool.turns.resize(pool.turns.len().max(pool.active), Turn::Waits(0));
        pool
    }

    pub(super) fn members(&self) -> impl Iterator<Item = usize> + '_ {
        self.members.iter().map(|&(spawner, _)| spawner)
    }

    pub(super) fn turns(&self) -> &[Turn] {
        &self.turns
    }

    pub(super) fn is_active(&self, spawner: usize) -> bool {
        self.turns.contains(&Turn::Active(spawner))
    }

    /// Ends the turns of those that are cleared; `back` says in which tick a cleared one's time is over, and `None` for one
    /// that is not cleared. A turn too many, as another epoch may leave it, is over for good.
    pub(super) fn end_turns(&mut self, back: impl Fn(usize) -> Option<u32>) {
        for turn in &mut self.turns {
            if let Turn::Active(spawner) = *turn
                && let Some(due_tick) = back(spawner)
            {
                *turn = Turn::Waits(due_tick);
            }
        }
        while self.turns.len() > self.active {
            let Some(at) = self.turns.iter().position(|turn| matches!(turn, Turn::Waits(_))) else { break };
            self.turns.remove(at);
        }
    }

    /// Draws for the turns whose time has come, each with a draw of its own; whoever is active from now on is returned.
    pub(super) fn begin_turns(&mut self, tick: u32, draw: impl Fn(usize) -> Draw) -> Vec<usize> {
        let mut begun = Vec::new();
        for at in 0..self.turns.len() {
            if !matches!(self.turns[at], Turn::Waits(due_tick) if due_tick <= tick) {
                continue;
            }
            if let Some(spawner) = self.drawn(draw(at)) {
                self.turns[at] = Turn::Active(spawner);
                begun.push(spawner);
            }
        }
        begun
    }

    fn drawn(&self, mut draw: Draw) -> Option<usize> {
        let free = || self.members.iter().filter(|&&(spawner, _)| !self.is_active(spawner));
        let whole: u32 = free().map(|&(_, weight)| weight).sum();
        let mut roll = draw.below(whole);
        let won = free().find(|&&(_, weight)| match roll.checked_sub(weight) {
            Some(left) => {
                roll = left;
                false
            }
            None => true,
        });
        won.map(|&(spawner, _)| spawner)
    }
}

impl Digest for Pool {
    fn digest(&self, digester: &mut Digester) {
        digester.u64(self.turns.len() as u64);
        for turn in &self.turns {
            match *turn {
                Turn::Active(spawner) => digester.u64(spawner as u64 * 2),
                Turn::Waits(due_tick) => digester.u64(u64::from(due_tick) * 2 + 1),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SimId;
    use crate::random::{Random, Stream};

    fn pool(active: usize, weights: &[u32]) -> Pool {
        let members = weights.iter().copied().enumerate().collect();
        Pool { members, active, turns: vec![Turn::Waits(0); active] }
    }

    fn draw(tick: u32) -> impl Fn(usize) -> Draw {
        move |at| Random::new(5).draw(tick, SimId::from_bits(0), Stream("test"), at as u64)
    }

    #[test]
    fn turns_go_by_weight() {
        let mut counts = [0_u32; 3];
        for tick in 0..12_000 {
            let mut pool = pool(1, &[1, 2, 3]);
            pool.begin_turns(tick, draw(tick)).into_iter().for_each(|spawner| counts[spawner] += 1);
        }
        // 2,000, 4,000 and 6,000; standard deviations 41, 52 and 55.
        for (count, expected) in counts.into_iter().zip([2_000, 4_000, 6_000]) {
            assert!(count.abs_diff(expected) < 170_u32, "{counts:?}");
        }
    }

    #[test]
    fn nobody_is_active_twice_and_a_cleared_one_waits_its_time() {
        let mut pool = pool(2, &[1, 1]);
        let mut begun = pool.begin_turns(1, draw(1));
        begun.sort_unstable();
        assert_eq!(begun, [0, 1]);
        pool.end_turns(|spawner| (spawner == 1).then_some(50));
        assert!(pool.is_active(0) && !pool.is_active(1));
        assert!(pool.begin_turns(49, draw(49)).is_empty());
        assert_eq!(pool.begin_turns(50, draw(50)), [1], "nobody else is there");
    }

    #[test]
    fn a_turn_too_many_ends_when_it_is_cleared() {
        let mut pool = Pool { active: 1, turns: vec![Turn::Active(0), Turn::Active(1)], ..pool(1, &[1, 1]) };
        pool.end_turns(|_| None);
        assert_eq!(pool.turns().len(), 2);
        pool.end_turns(|spawner| (spawner == 0).then_some(9));
        assert_eq!(pool.turns(), [Turn::Active(1)]);
    }
}
