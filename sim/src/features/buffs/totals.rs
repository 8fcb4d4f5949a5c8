//! What all buffs of an actor amount to. Tags are worked out at once whenever a list changes, so that the next deed of
//! the same tick meets them; attributes, concealment, the break bar and the clock once, at the end of the stage.

use bevy_ecs::prelude::*;

use super::break_bar::BreakBar;
use super::clock::BuffClock;
use super::{ActiveBuffs, Tags};
use crate::actor::Concealment;
use crate::assets::{Assets, TagId};
use crate::features::combat::{Change, ChangeSource, Contributor, Modifiers};
use crate::scene::SceneAssets;
use crate::tick::SimTick;

/// Works out which buffs work and which tags they and what their bearer does grant. An effect whose `ongoing` tags are missing rests; since tags
/// only ever wake effects, the result does not depend on the order of the list.
pub(super) fn settle(buffs: &mut ActiveBuffs, tags: &mut Mut<Tags>, assets: &Assets) {
    let doing = tags.doing;
    let mut granted = doing.tags(assets);
    buffs.reacts_to = 0;
    buffs.list.iter_mut().for_each(|buff| buff.working = false);
    loop {
        let before = granted;
        for buff in buffs.list.iter_mut().filter(|buff| !buff.working) {
            let Some(def) = assets.effects.get(buff.effect) else { continue };
            if def.ongoing.iter().all(|tag| granted.has(tag.id())) {
                buff.working = true;
                granted = granted.union(def.grants.set());
                buffs.reacts_to |= def.reacts_to();
            }
        }
        if granted == before {
            break;
        }
    }
    tags.set_if_neq(Tags { granted, doing });
}

type Changed<'a> =
    (&'a mut ActiveBuffs, &'a mut Modifiers, &'a mut Tags, &'a mut Concealment, &'a mut BreakBar, &'a mut BuffClock);

/// Works out everything wherever a list has changed.
pub(super) fn work_out_changes(
    tick: Res<SimTick>,
    assets: Res<SceneAssets>,
    mut actors: Query<Changed, bevy_ecs::query::Changed<ActiveBuffs>>,
) {
    for (mut buffs, mut modifiers, mut tags, mut concealment, mut bar, mut clock) in &mut actors {
        let assets = &assets.0;
        settle(buffs.bypass_change_detection(), &mut tags, assets);
        Modifiers::set(&mut modifiers, Contributor::Effects, changes(&buffs, assets));
        let (stealth, ghost) = (tags.has(TagId::STEALTH), tags.has(TagId::GHOST));
        let hidden = Concealment { stealth, ghost, ..*concealment };
        concealment.set_if_neq(hidden);
        let mut next = *bar;
        next.follow(&buffs, assets, tick.0);
        bar.set_if_neq(next);
        clock.wind(&buffs, assets, tick.0);
    }
}

fn changes(buffs: &ActiveBuffs, assets: &Assets) -> Vec<Change> {
    let mut changes = Vec::new();
    for buff in buffs.list.iter().filter(|buff| buff.working) {
        let Some(def) = assets.effects.get(buff.effect) else { continue };
        let source = ChangeSource::Effect(buff.effect, buff.source);
        changes.extend(def.modifiers.iter().map(|modifier| Change::of(modifier, buff.stacks, source)));
    }
    changes
}
