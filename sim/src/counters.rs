//! What the simulation counts for whoever runs it: refusals by reason, fights, deaths. Never read by a system,
//! so counting cannot change the world.

use std::collections::BTreeMap;

use bevy_ecs::prelude::*;

/// Movement that was refused, by reason.
pub const MOVE_REJECTED: &str = "move_rejected_total";
/// Commands that were refused, by reason.
pub const COMMAND_REJECTED: &str = "command_rejected_total";
/// Doors that were worked, by what came of it.
pub const DOORS: &str = "door_worked_total";
/// Hits and heals, by kind.
pub const COMBAT: &str = "combat_count";

/// Counts since the last [`Counters::take`], by metric and label.
#[derive(Resource, Debug, Default)]
pub struct Counters {
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

impl Counters {
    /// Adds one to a metric under a label.
    pub fn add(&mut self, metric: &'static str, label: &'static str) {
        *self.counts.entry((metric, label)).or_default() += 1;
    }

    /// A metric's count under a label since the last `take`.
    #[must_use]
    pub fn count(&self, metric: &'static str, label: &'static str) -> u64 {
        self.counts.get(&(metric, label)).copied().unwrap_or(0)
    }

    /// Hands out all counts as (metric, label, count) and begins anew.
    pub fn take(&mut self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + use<> {
        std::mem::take(&mut self.counts).into_iter().map(|((metric, label), count)| (metric, label, count))
    }
}
