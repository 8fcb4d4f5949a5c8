//! How dead players return. After a while, or as soon as they ask, they stand at the nearest spawn point, perhaps with an
//! effect that reminds them of it; or somebody raises them where they lie. An offer to be raised waits for an answer, and
//! while it waits nobody is taken to a spawn point who does not ask. Validate: answers and requests. Resolve: offers are
//! made by the combat loop; the rest stands here.

use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use glam::Vec2;

use super::resolve::signed;
use super::{Attributes, CombatRules, EffectAction, EffectQueued, HealthChanged, HealthKind, Level, Origin, Vitals};
use crate::actor::{Faction, Position, Profile};
use crate::assets::{Assets, SceneDef, SpawnPointDef, ticks_of};
use crate::command::{ClientCommand, CommandError, Issued, Rejections};
use crate::digest::{Digest, Digester};
use crate::features::movement::ForceMove;
use crate::features::players::{Player, free_place};
use crate::features::skills::{Mana, ManaChange};
use crate::ids::SimId;
use crate::locomotion::body_shape;
use crate::random::{Random, Stream};
use crate::replicated::{Audience, ClientEvent, Replicate};
use crate::scene::{SceneAssets, SceneGeometry, SceneId};
use crate::tick::SimTick;
use crate::wire::{Reader, put_varint};

/// An offer to a dead player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnOffer {
    /// Who would raise it.
    pub by: SimId,
    /// Hit points and mana it would have, in percent.
    pub hp_pct: u32,
    /// When the offer lapses.
    pub until_tick: u32,
}

/// When and how a dead player returns. Written in Validate and Resolve.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Respawn {
    /// The tick in which it stands at a spawn point; `None` while alive.
    pub at_tick: Option<u32>,
    /// The tick from which it may ask to be taken there before that.
    pub release_tick: u32,
    /// What waits for an answer.
    pub offer: Option<ReturnOffer>,
}

impl Respawn {
    /// Somebody offers to raise it; the latest offer counts.
    pub(super) fn offer(&mut self, offer: ReturnOffer) {
        self.offer = Some(offer);
    }

    /// Takes the offer away; who would have been taken to a spawn point meanwhile is taken now.
    fn drop_offer(&mut self, tick: u32) -> Option<ReturnOffer> {
        self.at_tick = self.at_tick.map(|at_tick| at_tick.max(tick + 2));
        self.offer.take()
    }
}

/// The player's answer to an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnCommand {
    /// Whether it is accepted.
    pub accept: bool,
}

impl ClientCommand for ReturnCommand {
    const NAME: &'static str = "return";
    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        match body {
            [accept @ (0 | 1)] => Ok(Self { accept: *accept == 1 }),
            _ => Err(CommandError::Malformed),
        }
    }
    fn encode(&self) -> Vec<u8> {
        vec![u8::from(self.accept)]
    }
}

/// Asks to be taken to the spawn point now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseCommand;

impl ClientCommand for ReleaseCommand {
    const NAME: &'static str = "release";
    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        if body.is_empty() { Ok(Self) } else { Err(CommandError::Malformed) }
    }
    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// Varints: the tick in which it stands at a spawn point, 0 while alive; the tick from which it may ask for it.
impl Replicate for Respawn {
    const NAME: &'static str = "respawn";
    const AUDIENCE: Audience = Audience::Owner;
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.at_tick.unwrap_or(0));
        put_varint(out, self.release_tick);
    }
}

impl Respawn {
    /// Reads a replicated one; offers are told apart from it.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        let at_tick = Some(reader.varint()?).filter(|&tick| tick > 0);
        Some(Self { at_tick, release_tick: reader.varint()?, offer: None })
    }
}

/// Somebody offers to raise a dead player; told to that player alone.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnOffered {
    /// Whose character.
    pub who: SimId,
    /// Who would raise it.
    pub by: SimId,
    /// Hit points it would have, in percent.
    pub hp_pct: u32,
}

/// Body: who `u32`, varint percent.
impl ClientEvent for ReturnOffered {
    const NAME: &'static str = "return_offered";
    const AUDIENCE: Audience = Audience::Owner;
    fn subject(&self) -> SimId {
        self.who
    }
    fn other(&self) -> Option<SimId> {
        Some(self.by)
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.by.bits().to_le_bytes());
        put_varint(out, self.hp_pct);
    }
}

impl ReturnOffered {
    /// Reads the body of an event about `who`.
    pub fn from_wire(who: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { who, by: SimId::from_bits(reader.u32()?), hp_pct: reader.varint()? })
    }
}

type Answering<'a> = (&'a SimId, &'a mut Vitals, &'a mut Mana, &'a mut Respawn);

/// Whoever accepts lives again where it lies.
pub(super) fn answer_offers(
    tick: Res<SimTick>,
    mut asked: MessageReader<Issued<ReturnCommand>>,
    mut dead: Query<Answering>,
    mut log: MessageWriter<HealthChanged>,
    mut rejections: Rejections,
) {
    for Issued { by, command } in asked.read() {
        let Ok((&id, mut vitals, mut mana, mut respawn)) = dead.get_mut(by.entity) else { continue };
        let Some(offer) = respawn.offer.filter(|offer| vitals.dead && tick.0 < offer.until_tick) else {
            rejections.reject(by, "no_offer");
            continue;
        };
        if !command.accept {
            respawn.drop_offer(tick.0);
            continue;
        }
        *respawn = Respawn::default();
        wake(&mut vitals, &mut mana, offer.hp_pct);
        let entry = HealthChanged::own(id, signed(vitals.hp), HealthKind::Respawn);
        log.write(HealthChanged { source: offer.by, ..entry });
    }
}

/// Whoever asks for it is taken to the spawn point at once; an offer lapses.
pub(super) fn release_the_dead(
    tick: Res<SimTick>,
    mut asked: MessageReader<Issued<ReleaseCommand>>,
    mut dead: Query<(&Vitals, &mut Respawn)>,
    mut rejections: Rejections,
) {
    for Issued { by, .. } in asked.read() {
        let Ok((vitals, mut respawn)) = dead.get_mut(by.entity) else { continue };
        // The body is moved in this tick and wakes in the next.
        let now = tick.0 + 1;
        let reasons = [
            (!vitals.dead, "alive"),
            (respawn.at_tick.is_some_and(|at_tick| at_tick <= now), "released"),
            (respawn.at_tick.is_none() || tick.0 < respawn.release_tick, "too_soon"),
        ];
        if let Some((_, reason)) = reasons.into_iter().find(|(holds, _)| *holds) {
            rejections.reject(by, reason);
            continue;
        }
        (respawn.at_tick, respawn.offer) = (Some(now), None);
    }
}

/// Alive with a part of everything.
fn wake(vitals: &mut Vitals, mana: &mut Mut<Mana>, pct: u32) {
    let part = |whole: u32| u32::try_from(u64::from(whole) * u64::from(pct.min(100)) / 100).unwrap_or(whole);
    *vitals = Vitals { hp: part(vitals.hp_max).max(1), hp_max: vitals.hp_max, dead: false };
    mana.pay(u32::MAX);
    mana.gain(part(mana.mp_max));
}

/// Where and how one returns in this scene.
#[derive(SystemParam)]
pub(super) struct Return<'w> {
    tick: Res<'w, SimTick>,
    random: Res<'w, Random>,
    scene: Res<'w, SceneId>,
    rules: Res<'w, CombatRules>,
    assets: Res<'w, SceneAssets>,
    geometry: Res<'w, SceneGeometry>,
}

impl Return<'_> {
    /// A free place at the spawn point nearest to where the player died.
    fn place(&self, id: SimId, position: Position, profile: Option<&Profile>) -> Option<ForceMove> {
        let body = profile.map(|profile| body_shape(&self.assets.0.movements[profile.0]));
        let point = nearest_spawn_point(&self.assets.0.scenes[self.scene.0], position.place())?;
        let draw = self.random.draw(self.tick.0, id, Stream("respawn"), 0);
        let is_free = |feet| body.is_none_or(|body| self.geometry.0.is_free(feet, body));
        Some(ForceMove { id, to: free_place(point, &self.geometry.0, draw, is_free) })
    }

    /// What whoever returns at a spawn point bears for a while.
    fn sickness(&self, id: SimId, attributes: &Attributes, level: Level, faction: Faction) -> Vec<EffectQueued> {
        let deed = |effect| EffectQueued {
            source: id,
            target: id,
            worth: attributes.worth(level, faction),
            what: EffectAction::Apply { effect, chance_pct: 100 },
            origin: Origin::World,
            periodic: false,
            depth: 0,
        };
        self.rules.0.resurrection.sickness.iter().map(|effect| deed(effect.id())).collect()
    }
}

type Mortal<'a> = (
    (&'a SimId, &'a Position, Option<&'a Profile>),
    (&'a Attributes, &'a Level, &'a Faction),
    (&'a mut Vitals, &'a mut Mana, &'a mut Respawn),
);

/// Some time after their death players stand at the nearest spawn point again.
pub(super) fn respawn_players(
    scenery: Return,
    mut players: Query<Mortal, With<Player>>,
    mut moves: MessageWriter<ForceMove>,
    mut log: MessageWriter<HealthChanged>,
    mut queue: MessageWriter<EffectQueued>,
) {
    let (tick, rules) = (scenery.tick.0, &scenery.rules.0);
    let (mut moved, mut returned, mut sick) = (Vec::new(), Vec::new(), Vec::new());
    for (who, numbers, (mut vitals, mut mana, mut respawn)) in &mut players {
        let ((&id, &position, profile), (attributes, &level, &faction)) = (who, numbers);
        if !vitals.dead {
            respawn.set_if_neq(Respawn::default());
            continue;
        }
        if respawn.offer.is_some_and(|offer| offer.until_tick <= tick) {
            respawn.drop_offer(tick);
        }
        match respawn.at_tick {
            None => {
                respawn.at_tick = Some(tick + rules.recovery.respawn_ticks());
                respawn.release_tick = tick + ticks_of(rules.resurrection.release_after_ms);
            }
            Some(_) if respawn.offer.is_some() => {}
            // The body is moved first and wakes a tick later, so that nobody is alive at the place of death.
            Some(at_tick) if at_tick == tick + 1 => moved.extend(scenery.place(id, position, profile)),
            Some(at_tick) if at_tick <= tick => {
                *respawn = Respawn::default();
                wake(&mut vitals, &mut mana, rules.resurrection.release_pct);
                returned.push((id, vitals.hp));
                sick.extend(scenery.sickness(id, attributes, level, faction));
            }
            Some(_) => {}
        }
    }
    moved.sort_by_key(|forced: &ForceMove| forced.id);
    moves.write_batch(moved);
    returned.sort_by_key(|&(id, _)| id);
    log.write_batch(returned.into_iter().map(|(id, hp)| HealthChanged::own(id, signed(hp), HealthKind::Respawn)));
    sick.sort_by_key(|deed: &EffectQueued| deed.source);
    queue.write_batch(sick);
}

fn nearest_spawn_point(scene: &SceneDef, place: Vec2) -> Option<&SpawnPointDef> {
    let distance = |point: &&SpawnPointDef| Vec2::from(point.at).distance_squared(place);
    scene.spawn_points.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// The offer that a deed makes to a dead player.
pub(super) fn offer_of(deed: &EffectQueued, hp_pct: u32, rules: &CombatRules, tick: u32) -> ReturnOffer {
    ReturnOffer { by: deed.source, hp_pct, until_tick: tick + ticks_of(rules.0.resurrection.offer_ms) }
}

impl Digest for Respawn {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.at_tick.unwrap_or(0));
        digester.u32(self.release_tick);
        let (by, hp_pct, until_tick) =
            self.offer.map_or((0, 0, 0), |offer| (offer.by.bits(), offer.hp_pct, offer.until_tick));
        [by, hp_pct, until_tick].into_iter().for_each(|number| digester.u32(number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test_assets;

    #[test]
    fn answers_and_offers_come_back_from_the_wire() {
        let assets = test_assets(&[]);
        for accept in [true, false] {
            let command = ReturnCommand { accept };
            assert_eq!(ReturnCommand::decode(&command.encode(), &assets), Ok(command));
        }
        assert_eq!(ReturnCommand::decode(&[2], &assets), Err(CommandError::Malformed));
        let offered = ReturnOffered { who: SimId::new(1, 0), by: SimId::new(2, 3), hp_pct: 35 };
        let mut bytes = Vec::new();
        offered.encode(&mut bytes);
        assert_eq!(ReturnOffered::from_wire(offered.who, &mut Reader::new(&bytes)), Some(offered));
        assert_eq!(ReleaseCommand::decode(&ReleaseCommand.encode(), &assets), Ok(ReleaseCommand));
        assert_eq!(ReleaseCommand::decode(&[0], &assets), Err(CommandError::Malformed));
        for at_tick in [None, Some(200)] {
            let respawn = Respawn { at_tick, release_tick: 40, offer: None };
            bytes.clear();
            Replicate::encode(&respawn, &mut bytes);
            assert_eq!(Respawn::from_wire(&mut Reader::new(&bytes)), Some(respawn));
        }
    }

    #[test]
    fn a_dropped_offer_leaves_time_to_be_moved_before_waking() {
        let offer = ReturnOffer { by: SimId::new(1, 0), hp_pct: 50, until_tick: 900 };
        let mut respawn = Respawn { at_tick: Some(200), release_tick: 0, offer: Some(offer) };
        assert_eq!(respawn.drop_offer(900), Some(offer));
        assert_eq!(respawn, Respawn { at_tick: Some(902), release_tick: 0, offer: None });
        let mut early = Respawn { at_tick: Some(200), release_tick: 0, offer: Some(offer) };
        early.drop_offer(50);
        assert_eq!(early.at_tick, Some(200));
    }
}
