//! What an effect does, ready to happen: its actions on behalf of whoever applied it.

use crate::assets::{Action, EffectDef, Id};
use crate::features::combat::{EffectAction, EffectQueued, Origin, Worth};
use crate::ids::SimId;

use super::Buff;

/// On whose behalf something is done, and how deep in a chain.
#[derive(Debug, Clone)]
pub(super) struct Author {
    /// By which effect.
    pub(super) effect: Id<EffectDef>,
    /// Whose deed it is.
    pub(super) source: SimId,
    /// What it is worth.
    pub(super) worth: Worth,
    /// How many deeds set one another off before it.
    pub(super) depth: u8,
}

impl Author {
    /// Whoever applied a buff.
    pub(super) fn of(buff: &Buff, depth: u8) -> Self {
        Self { effect: buff.effect, source: buff.source, worth: buff.worth.clone(), depth }
    }

    /// Queues actions to `target`; what is meant for the caster goes to the source.
    pub(super) fn act(&self, actions: &[Action], target: SimId, out: &mut Vec<EffectQueued>) {
        out.extend(actions.iter().filter_map(|action| self.deed(action, target, false)));
    }

    /// Queues what an effect does once per period, times its stacks, in thousandths of the whole.
    pub(super) fn act_periodically(
        &self,
        actions: &[Action],
        target: SimId,
        (stacks, share): (u16, u32),
        out: &mut Vec<EffectQueued>,
    ) {
        let deeds = actions.iter().filter_map(|action| self.deed(action, target, true));
        out.extend(deeds.map(|deed| {
            let what = deed.what.times(u32::from(stacks));
            EffectQueued { what: if share < 1_000 { what.in_part(share) } else { what }, ..deed }
        }));
    }

    fn deed(&self, action: &Action, target: SimId, periodic: bool) -> Option<EffectQueued> {
        let (what, own) = EffectAction::of(action, |_| None)?;
        let target = if own { self.source } else { target };
        let (source, worth, origin) = (self.source, self.worth.clone(), Origin::Effect(self.effect));
        Some(EffectQueued { source, target, worth, what, origin, periodic, depth: self.depth })
    }
}
