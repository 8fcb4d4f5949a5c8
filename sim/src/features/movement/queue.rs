//! The inputs of one player that wait to be applied: in sequence, each once, however often a client repeats
//! them, and not too many.

use std::collections::VecDeque;

use bevy_ecs::prelude::*;
use glam::Vec2;

use super::claims::Claim;
use crate::digest::{Digest, Digester};
use crate::input::StepsReceived;
use crate::locomotion::StepInput;

/// Steps that may wait. An honest client never has so many on the way beyond what it is allowed at once; more
/// means that it makes them faster than time passes.
pub const QUEUED_STEPS_MAX: usize = 24;

/// Steps waiting to be applied. Written by movement.
#[derive(Component, Debug, Clone, Default)]
pub struct InputQueue {
    steps: VecDeque<(u32, StepInput)>,
    newest_sequence: u32,
    claim: Option<Claim>,
    agreed: Option<(u32, Vec2)>,
    silent_ticks: u32,
}

impl InputQueue {
    /// Takes what is new in a message; false when too many steps wait, which then all are void.
    #[must_use]
    pub fn push(&mut self, received: &StepsReceived) -> bool {
        for (behind, &(x, z, flags)) in (0..).zip(&received.steps) {
            // A client at the end of its numbers has no more steps: nothing wraps, nothing repeats.
            let Some(sequence) = received.first_sequence.checked_add(behind) else { break };
            if sequence > self.newest_sequence {
                self.newest_sequence = sequence;
                self.silent_ticks = self.silent_ticks.saturating_sub(1);
                self.steps.push_back((sequence, StepInput::from_wire(x, z, flags & 1 == 1)));
            }
        }
        #[allow(clippy::cast_precision_loss, reason = "a scene is far smaller than 2^24 cm")]
        let place = Vec2::new(received.claim_cm.0 as f32, received.claim_cm.1 as f32) / 100.0;
        let before = self.agreed;
        self.claim = Some(Claim { sequence: self.newest_sequence, place, before });
        self.steps.len() <= QUEUED_STEPS_MAX
    }

    /// The step that is next.
    #[must_use]
    pub fn peek(&self) -> Option<StepInput> {
        self.steps.front().map(|&(_, input)| input)
    }

    /// Takes the step that is next, with its sequence number.
    pub fn pop(&mut self) -> Option<(u32, StepInput)> {
        self.steps.pop_front()
    }

    /// True when no step waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// True when nothing is owed.
    #[must_use]
    pub const fn is_rested(&self) -> bool {
        self.silent_ticks == 0
    }

    /// Nothing is owed by a body that stands.
    pub fn rest(&mut self) {
        self.silent_ticks = 0;
    }

    /// Ticks for which no step came, less the steps that came since; counted by this call, once a tick.
    pub fn silent_ticks(&mut self) -> u32 {
        self.silent_ticks = self.silent_ticks.saturating_add(1);
        self.silent_ticks
    }

    /// True when there is a belief about the end of the step `applied`.
    #[must_use]
    pub fn claims(&self, applied: u32) -> bool {
        self.claim.is_some_and(|claim| claim.sequence == applied)
    }

    /// The client's belief about the end of the step `applied`, once.
    pub fn take_claim(&mut self, applied: u32) -> Option<Claim> {
        let claim = self.claim.take_if(|claim| claim.sequence == applied)?;
        self.agreed = Some((claim.sequence, claim.place));
        Some(claim)
    }

    /// Voids everything that waits; the client stands at `place` now. What it numbered stays used up.
    pub fn restart(&mut self, place: Vec2) {
        self.steps.clear();
        self.claim = None;
        self.agreed = Some((self.newest_sequence, place));
    }
}

impl Digest for InputQueue {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.newest_sequence);
        digester.u64(self.steps.len() as u64);
        digester.u32(self.silent_ticks);
    }
}
