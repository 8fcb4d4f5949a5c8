//! How buffs end: by time, by a rule, by a dispel, used up, or with their bearer. Each end is told to whatever the
//! effect does then, and to the memory of diminishing returns.

use bevy_ecs::prelude::*;

use super::deeds::Author;
use super::{ActiveBuffs, Buff, FOREVER, diminish};
use crate::assets::Assets;
use crate::features::combat::EffectQueued;
use crate::ids::SimId;

/// Why a buff ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Its time is over.
    Expired,
    /// Something ended it before its time.
    Removed,
    /// Its shield is used up.
    UsedUp,
    /// Someone took it away.
    Dispelled(SimId),
}

/// Whose buffs end, when, and where what follows is queued.
pub(super) struct Ending<'a> {
    pub(super) bearer: SimId,
    pub(super) tick: u32,
    pub(super) depth: u8,
    pub(super) assets: &'a Assets,
    pub(super) out: &'a mut Vec<EffectQueued>,
}

impl Ending<'_> {
    /// Ends the buff at a place of the list.
    pub(super) fn end(&mut self, buffs: &mut ActiveBuffs, index: usize, cause: Cause) -> Option<Buff> {
        if index >= buffs.list.len() {
            return None;
        }
        let buff = buffs.list.remove(index);
        let def = self.assets.effects.get(buff.effect)?;
        if let Some(category) = def.diminish.as_ref().map(|category| category.id()).filter(|_| cause != Cause::Expired)
        {
            let end_of = |other: &Buff| {
                let other_def = self.assets.effects.get(other.effect)?;
                let same = other_def.diminish.as_ref().is_some_and(|known| known.id() == category);
                (same && other.end_tick != FOREVER).then_some(other.end_tick)
            };
            let last_end_tick = buffs.list.iter().filter_map(end_of).fold(self.tick, u32::max);
            diminish::ended(&mut buffs.diminished, category, &self.assets.diminishing[category], last_end_tick);
        }
        let author = Author::of(&buff, self.depth);
        match cause {
            Cause::Expired => author.act(&def.on_expire, self.bearer, self.out),
            Cause::Removed => author.act(&def.on_remove, self.bearer, self.out),
            Cause::UsedUp => {
                if let Some(absorb) = &def.absorb {
                    author.act(&absorb.on_break, self.bearer, self.out);
                }
                author.act(&def.on_remove, self.bearer, self.out);
            }
            Cause::Dispelled(by) => {
                author.act(&def.on_dispel, by, self.out);
                author.act(&def.on_remove, self.bearer, self.out);
            }
        }
        Some(buff)
    }

    /// Ends the buffs that a rule names; the list counts as changed only when one goes.
    pub(super) fn end_where(
        &mut self,
        buffs: &mut Mut<ActiveBuffs>,
        cause: Cause,
        mut rule: impl FnMut(&Buff) -> bool,
    ) {
        let mut index = 0;
        while let Some(buff) = buffs.list.get(index) {
            if rule(buff) {
                self.end(buffs, index, cause);
            } else {
                index += 1;
            }
        }
    }
}

/// Removes everything that came from someone in silence.
pub(crate) fn clear_of_source(buffs: &mut Mut<ActiveBuffs>, source: SimId) {
    if buffs.list.iter().any(|buff| buff.source == source) {
        buffs.list.retain(|buff| buff.source != source);
    }
}

/// Removes all buffs in silence: nothing follows from it and nothing is remembered.
pub(crate) fn clear_all(buffs: &mut Mut<ActiveBuffs>) {
    if !buffs.list.is_empty() || !buffs.diminished.is_empty() {
        buffs.list.clear();
        buffs.diminished.clear();
    }
}
