//! The queue window: a skill asked for a little before it may start waits and starts by itself, in the first tick in which it
//! may. One place, the newest wins. And punctuality: how late a player's casts may come and still be dated back, which is
//! the round trip that the server has measured and nothing a client says.

use bevy_ecs::prelude::*;

use crate::assets::{Id, SkillDef};
use crate::command::Issuer;
use crate::digest::{Digest, Digester};
use crate::input::LatencyMeasured;
use crate::intent::CastTarget;
use crate::tick::TICK_MS;

/// Longest part of a round trip that is made up for, in milliseconds: whoever delays its answers gains no more than this,
/// once, and never a cast over time.
pub const ALLOWANCE_MS_MAX: u32 = 250;
/// What is allowed for two clocks of 50 ms, the client's and the server's.
const CLOCKS_MS: u32 = 2 * TICK_MS - 1;

/// The round trip to a player as the server measured it. Written in Receive, from a logged input.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Punctuality {
    /// Milliseconds.
    pub rtt_ms: u32,
}

impl Punctuality {
    /// How late a cast may start and still be dated back, in milliseconds.
    #[must_use]
    pub fn allowance_ms(&self) -> u32 {
        self.rtt_ms.saturating_add(CLOCKS_MS).min(ALLOWANCE_MS_MAX)
    }
}

/// Takes over what the network has measured.
pub(super) fn take_latency(mut measured: MessageReader<LatencyMeasured>, mut players: Query<&mut Punctuality>) {
    for &LatencyMeasured { entity, rtt_ms } in measured.read() {
        if let Ok(mut punctuality) = players.get_mut(entity) {
            punctuality.rtt_ms = rtt_ms;
        }
    }
}

impl Digest for Punctuality {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.rtt_ms);
    }
}

/// The skill a player has asked for before its time. Written in Validate.
#[derive(Component, Debug, Clone, Copy, PartialEq, Default)]
pub struct CastQueue(pub Option<QueuedCast>);

/// A cast that waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueuedCast {
    /// Who asked, and under which number: a refusal names it.
    pub by: Issuer,
    /// What.
    pub skill: Id<SkillDef>,
    /// At what.
    pub target: CastTarget,
    /// The scene's time until which it waits, in milliseconds.
    pub until_ms: u64,
}

impl Digest for CastQueue {
    fn digest(&self, digester: &mut Digester) {
        if let Some(queued) = self.0 {
            digester.u32(queued.skill.raw() + 1);
            digester.u32(queued.by.sequence);
            digester.u64(queued.until_ms);
        }
    }
}
