//! Effects of what is worn: there as long as it is. Act: asks for those that are missing and has those removed that nothing
//! worn brings any more. They come and go by the same deeds as all effects, from the wearer to itself.

use bevy_ecs::prelude::*;

use super::Gear;
use crate::actor::Faction;
use crate::assets::{Assets, EffectDef, Id};
use crate::digest::{Digest, Digester};
use crate::features::buffs::ActiveBuffs;
use crate::features::combat::{Attributes, EffectAction, EffectQueued, Level, Origin, Vitals};
use crate::features::players::Carry;
use crate::ids::SimId;
use crate::wire::{Reader, put_varint};

/// The effects that equipment was answerable for when it was last looked at. Written in the Act stage.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct WornEffects(Vec<Id<EffectDef>>);

type Wearing<'a> =
    (&'a SimId, &'a Gear, &'a ActiveBuffs, &'a Vitals, (&'a Attributes, &'a Level, &'a Faction), &'a mut WornEffects);
/// Something was put on or taken off, an effect went, or the wearer came back to life.
type Reconsidered = Or<(Changed<Gear>, Changed<ActiveBuffs>, Changed<Vitals>)>;

pub(super) fn keep_worn_effects(mut wearers: Query<Wearing, Reconsidered>, mut effects: MessageWriter<EffectQueued>) {
    for (&id, gear, buffs, vitals, (attributes, level, faction), mut known) in &mut wearers {
        if gear.effects.is_empty() && known.0.is_empty() {
            continue;
        }
        let gone = known.0.iter().filter(|effect| !gear.effects.contains(effect) && buffs.of(**effect).is_some());
        let missing = gear.effects.iter().filter(|effect| vitals.is_alive() && buffs.of(**effect).is_none());
        let gone = gone.map(|&effect| EffectAction::Remove { effect, stacks: 0 });
        let missing = missing.map(|&effect| EffectAction::Apply { effect, chance_pct: 100 });
        effects.write_batch(gone.chain(missing).map(|what| EffectQueued {
            source: id,
            target: id,
            worth: attributes.worth(*level, *faction),
            what,
            origin: Origin::World,
            periodic: false,
            depth: 0,
        }));
        if known.0 != gear.effects {
            known.0.clone_from(&gear.effects);
        }
    }
}

/// The effects by their names, so that one that equipment no longer brings is known to be its own on arrival.
impl Carry for WornEffects {
    const NAME: &'static str = "worn_effects";
    fn save(&self, _: u32, assets: &Assets) -> Vec<u8> {
        let mut out = Vec::new();
        for &effect in &self.0 {
            let name = assets.effects[effect].id.as_bytes();
            put_varint(&mut out, u32::try_from(name.len()).unwrap_or(0));
            out.extend_from_slice(name);
        }
        out
    }
    fn load(bytes: &[u8], _: u32, assets: &Assets) -> Option<Self> {
        let (mut reader, mut known) = (Reader::new(bytes), Vec::new());
        while !reader.is_empty() {
            known.extend(assets.effects.by_name(std::str::from_utf8(reader.prefixed()?).ok()?));
        }
        Some(Self(known))
    }
}

impl Digest for WornEffects {
    fn digest(&self, digester: &mut Digester) {
        self.0.iter().for_each(|effect| digester.u32(effect.raw()));
    }
}
