//! What is worn, worked out: modifiers, effects and skills of all items, of their rolls and of the sets they make.

use bevy_ecs::prelude::*;

use super::Equipment;
use crate::assets::{Assets, AttributeId, EffectDef, Id, ItemDef, ModifierOp, SetDef, SkillDef};
use crate::features::combat::{Change, ChangeSource, Contributor, Modifiers};
use crate::scene::SceneAssets;

/// What a character's equipment does. Written in the Act stage when the equipment changes; read by whoever works out
/// attributes, effects and known skills. It follows from [`Equipment`] alone, so it is neither hashed nor carried.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct Gear {
    /// Changes of attributes, with what they come from.
    pub changes: Vec<Change>,
    /// Effects that last as long as it is worn, each once, in the order of slots, then of sets.
    pub effects: Vec<Id<EffectDef>>,
    /// Skills the wearer has.
    pub skills: Vec<Id<SkillDef>>,
}

impl Gear {
    /// What equipment does.
    #[must_use]
    pub fn of(worn: &Equipment, assets: &Assets) -> Self {
        let mut gear = Self::default();
        let mut sets: Vec<(Id<SetDef>, Vec<Id<ItemDef>>)> = Vec::new();
        for stack in worn.iter().filter_map(|(_, thing)| thing.stack()) {
            let def = &assets.items[stack.item];
            // An item that can no longer be worn stays where it is and does nothing.
            let Some(equip) = &def.equip else { continue };
            let by = ChangeSource::Item(stack.item);
            if equip.weapon > 0 {
                let op = ModifierOp::Flat(i32::try_from(equip.weapon).unwrap_or(i32::MAX));
                gear.changes.push(plain(AttributeId::WEAPON, op, by));
            }
            gear.changes.extend(equip.modifiers.iter().map(|modifier| Change::of(modifier, 1, by)));
            let rolls = stack.piece.iter().flat_map(|piece| &piece.rolls);
            gear.changes.extend(rolls.map(|roll| plain(roll.attribute, roll.modifier(), by)));
            add_each(&mut gear.effects, equip.effects.iter().map(crate::assets::Ref::id));
            add_each(&mut gear.skills, equip.skills.iter().map(crate::assets::Ref::id));
            if let Some(set) = def.set.as_ref().map(crate::assets::Ref::id) {
                match sets.iter_mut().find(|(other, _)| *other == set) {
                    // Two of one ring are one part of a set.
                    Some((_, items)) => add_each(items, [stack.item]),
                    None => sets.push((set, vec![stack.item])),
                }
            }
        }
        for (set, items) in sets {
            gear.add_set(set, u32::try_from(items.len()).unwrap_or(u32::MAX), assets);
        }
        gear
    }

    fn add_set(&mut self, set: Id<SetDef>, pieces: u32, assets: &Assets) {
        for bonus in assets.sets[set].bonuses.iter().filter(|bonus| bonus.pieces <= pieces) {
            let by = ChangeSource::Set(set);
            self.changes.extend(bonus.modifiers.iter().map(|modifier| Change::of(modifier, 1, by)));
            add_each(&mut self.effects, bonus.effects.iter().map(crate::assets::Ref::id));
        }
    }
}

/// A change that always counts.
const fn plain(attribute: AttributeId, op: ModifierOp, source: ChangeSource) -> Change {
    Change { attribute, op, times: 1, source, when: None }
}

fn add_each<T: PartialEq>(list: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    for one in more {
        if !list.contains(&one) {
            list.push(one);
        }
    }
}

/// Act: works out what has been put on or taken off, and hands its modifiers to the attributes.
pub(super) fn work_out_gear(
    assets: Res<SceneAssets>,
    mut wearers: Query<(&Equipment, &mut Gear, &mut Modifiers), Changed<Equipment>>,
) {
    for (worn, mut gear, mut modifiers) in &mut wearers {
        let next = Gear::of(worn, &assets.0);
        Modifiers::set(&mut modifiers, Contributor::Equipment, next.changes.clone());
        gear.set_if_neq(next);
    }
}
