//! What happens when an effect meets itself: whether it joins an instance, how far stacks go, and what becomes
//! of the remaining time. Pure.

use smallvec::SmallVec;

use super::{BUFFS_MAX, Buff};
use crate::assets::{EffectDef, Reapply, StackBy};

/// How often the remaining time can hold the effect's duration when it is extended.
const EXTEND_TIMES_MAX: u32 = 2;

/// What an application came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Application {
    /// A new instance.
    New,
    /// An instance that was there gained a stack or time.
    Renewed,
    /// The actor has too many buffs.
    Full,
}

/// Applies `fresh` (one stack, full duration, starting at `tick`) to a list: the instance it joins takes over
/// its source and worth, gains a stack up to the most, and is renewed as the effect says.
pub fn apply(list: &mut SmallVec<[Buff; 2]>, def: &EffectDef, fresh: Buff, tick: u32) -> Application {
    let joins = |buff: &&mut Buff| {
        buff.effect == fresh.effect && (def.stack_by == StackBy::Target || buff.source == fresh.source)
    };
    if let Some(buff) = list.iter_mut().find(joins) {
        let stacks_max = u8::try_from(def.stacks_max).unwrap_or(u8::MAX);
        buff.stacks = buff.stacks.saturating_add(1).min(stacks_max.max(1));
        buff.end_tick = renewed_end(def, buff.end_tick, tick);
        (buff.source, buff.worth) = (fresh.source, fresh.worth);
        return Application::Renewed;
    }
    if list.len() >= BUFFS_MAX {
        return Application::Full;
    }
    list.push(fresh);
    Application::New
}

fn renewed_end(def: &EffectDef, end_tick: u32, tick: u32) -> u32 {
    let duration_ticks = def.duration_ticks();
    match def.on_reapply {
        Reapply::Refresh => end_tick.max(tick + duration_ticks),
        Reapply::Extend => (end_tick + duration_ticks).min(tick + duration_ticks * EXTEND_TIMES_MAX).max(end_tick),
        Reapply::Keep => end_tick,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Faction;
    use crate::assets::{Id, Polarity};
    use crate::features::combat::{Qualified, Worth};
    use crate::ids::SimId;

    fn effect(stack_by: StackBy, on_reapply: Reapply) -> EffectDef {
        EffectDef {
            id: "effect/test".into(),
            name: "Test".into(),
            tags: crate::assets::TagList::default(),
            polarity: Polarity::Harmful,
            duration_ms: 5_000,
            period_ms: 0,
            stacks_max: 3,
            stack_by,
            on_reapply,
            modifiers: Vec::new(),
            periodic: Vec::new(),
            grants: crate::assets::TagList::default(),
            breaks_on_damage: false,
            persists: false,
        }
    }

    fn fresh(effect: u32, source: u32, tick: u32) -> Buff {
        let worth =
            Worth { attributes: [].into(), level: 1, qualified: Qualified::default(), faction: Faction::PLAYERS };
        let (effect, source) = (Id::new(effect), SimId::new(source, 0));
        Buff { effect, source, worth, stacks: 1, start_tick: tick, end_tick: tick + 100, persists: false }
    }

    /// Applications as (source, tick), then the instances as (stacks, end).
    fn after(def: &EffectDef, applications: &[(u32, u32)]) -> Vec<(u8, u32)> {
        let mut list = SmallVec::new();
        for &(source, tick) in applications {
            apply(&mut list, def, fresh(0, source, tick), tick);
        }
        list.iter().map(|buff| (buff.stacks, buff.end_tick)).collect()
    }

    #[test]
    fn each_source_has_its_own_instance_or_all_share_one() {
        assert_eq!(
            after(&effect(StackBy::Source, Reapply::Refresh), &[(1, 0), (2, 10), (1, 20)]),
            [(2, 120), (1, 110)]
        );
        assert_eq!(after(&effect(StackBy::Target, Reapply::Refresh), &[(1, 0), (2, 10), (1, 20)]), [(3, 120)]);
    }

    #[test]
    fn stacks_end_at_the_most() {
        assert_eq!(after(&effect(StackBy::Source, Reapply::Refresh), &[(1, 0); 9]), [(3, 100)]);
    }

    #[test]
    fn the_remaining_time_is_renewed_extended_up_to_twice_or_kept() {
        assert_eq!(after(&effect(StackBy::Source, Reapply::Refresh), &[(1, 0), (1, 60)]), [(2, 160)]);
        assert_eq!(after(&effect(StackBy::Source, Reapply::Extend), &[(1, 0), (1, 60)]), [(2, 200)]);
        assert_eq!(after(&effect(StackBy::Source, Reapply::Extend), &[(1, 0), (1, 0), (1, 0), (1, 0)]), [(3, 200)]);
        assert_eq!(after(&effect(StackBy::Source, Reapply::Keep), &[(1, 0), (1, 60)]), [(2, 100)]);
    }

    #[test]
    fn a_full_list_refuses_what_is_new_and_renews_what_is_there() {
        let (def, mut list) = (effect(StackBy::Source, Reapply::Refresh), SmallVec::new());
        for kind in 0..40 {
            let expected = if kind < 32 { Application::New } else { Application::Full };
            assert_eq!(apply(&mut list, &def, fresh(kind, 1, 0), 0), expected);
        }
        assert_eq!(apply(&mut list, &def, fresh(5, 1, 0), 0), Application::Renewed);
    }
}
