//! Progress: experience for kills, and the levels it leads to. Receive: newcomers have the level they bring along.
//! Resolve: what has died teaches those whose kill it is (`taps`), before buffs change, so that a new level's numbers pass through
//! the same modifiers; then whoever has risen is whole again.
//!
//! Those of a party who are near the kill share it, by the rules of the scene's combat profile. How much experience a
//! level takes is the curve the profile names.

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;

use crate::actor::Position;
use crate::assets::{Assets, ExperienceRules, Rank};
use crate::digest::{Digest, DigestApp, Digester};
use crate::features::buffs::BuffSystems;
use crate::features::combat::{Attributes, CombatRules, DamageSystems, Died, HealthChanged, HealthKind, Level, Vitals};
use crate::features::loot::LootSystems;
use crate::features::monsters::Species;
use crate::features::party::Parties;
use crate::features::players::{Carry, CarryApp, Class, Player};
use crate::features::skills::{Mana, ManaChange};
use crate::features::taps::{self, Claim, DamageList, TapSystems};
use crate::ids::{PlayerId, SimId};
use crate::input::Players;
use crate::replicated::{Audience, ClientEvent, Replicate};
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::Tick;
use crate::wire::{Reader, put_varint};

mod experience;

pub use experience::{base_gain, gray_level, shares};

/// How far a character has come. Its level is [`Level`] for everyone; this is what only its player knows. Written in the
/// Resolve stage.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Level, from 1.
    pub level: u16,
    /// Experience since the last level.
    pub xp: u32,
    /// Experience from that level to the next; 0 at the highest.
    pub xp_needed: u32,
}

impl Default for Progress {
    fn default() -> Self {
        Self { level: 1, xp: 0, xp_needed: 0 }
    }
}

impl Progress {
    /// Reads replicated progress.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        let level = u16::try_from(reader.varint()?).ok()?;
        Some(Self { level, xp: reader.varint()?, xp_needed: reader.varint()? })
    }

    /// The same with more experience, on as many levels as it is enough for. `needed` says what a level takes; nothing is
    /// gained at the highest.
    #[must_use]
    pub fn gained(self, xp: u32, level_max: u16, needed: impl Fn(u16) -> u32) -> Self {
        let (mut level, mut xp) = (self.level, self.xp.saturating_add(xp));
        while level < level_max && xp >= needed(level).max(1) {
            xp -= needed(level).max(1);
            level += 1;
        }
        match level >= level_max {
            true => Self { level, xp: 0, xp_needed: 0 },
            false => Self { level, xp, xp_needed: needed(level).max(1) },
        }
    }
}

/// Progress's place in the Resolve stage.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProgressSystems {
    /// Whoever has risen is made whole.
    Restore,
}

/// A player has learned something from a kill; told to that player alone.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExperienceGained {
    /// Whose character.
    pub who: SimId,
    /// What died.
    pub from: SimId,
    /// Experience.
    pub xp: u32,
}

/// A player has risen to a level.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeveledUp {
    /// Whose character.
    pub who: SimId,
    /// The new level.
    pub level: u16,
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.register_required_components::<Player, Progress>();
    app.add_systems(
        Tick,
        (
            teach.after(TapSystems::Note).before(BuffSystems::Change),
            restore_the_risen.in_set(ProgressSystems::Restore).after(DamageSystems::Settle).before(LootSystems::Drop),
        ),
    );
    app.carry::<Progress>().digest_component::<Progress>("progress");
}

type Learner<'a> = (&'a SimId, &'a Position, &'a Class, &'a mut Progress, &'a mut Level, &'a Vitals);

/// Who can learn, and how it is shared.
#[derive(SystemParam)]
struct School<'w> {
    roster: Res<'w, Roster>,
    present: Res<'w, Players>,
    parties: Res<'w, Parties>,
    assets: Res<'w, SceneAssets>,
    rules: Res<'w, CombatRules>,
}

impl School<'_> {
    /// The claimant and those of its party who are near enough and alive, in the order of the party.
    fn company(&self, by: PlayerId, place: Position, learners: &Query<Learner, With<Player>>) -> Vec<Entity> {
        let near = |player: &PlayerId| {
            let &(_, entity) = self.present.0.get(player)?;
            let is_alive = learners.get(entity).is_ok_and(|(.., vitals)| vitals.is_alive());
            (*player == by || (is_alive && self.is_near(*player, place, learners))).then_some(entity)
        };
        self.parties.company_of(by).iter().filter_map(near).collect()
    }

    fn is_near(&self, player: PlayerId, place: Position, learners: &Query<Learner, With<Player>>) -> bool {
        #[allow(clippy::cast_precision_loss, reason = "at most 1,000")]
        let share_m = self.rules.0.experience.share_m as f32;
        let found = self.present.0.get(&player).and_then(|&(_, entity)| learners.get(entity).ok());
        found.is_some_and(|(_, position, ..)| position.0.distance(place.0) <= share_m)
    }
}

type Dead<'a> = (&'a Position, &'a Level, &'a Species, &'a DamageList);

/// The dead teach those whose kill they are.
fn teach(
    school: School,
    mut deaths: MessageReader<Died>,
    dead: Query<Dead, Without<Player>>,
    mut learners: Query<Learner, With<Player>>,
    mut numbers: Query<&mut Attributes>,
    (mut gains, mut rises): (MessageWriter<ExperienceGained>, MessageWriter<LeveledUp>),
) {
    let assets = &school.assets.0;
    let rules = &school.rules.0.experience;
    for death in deaths.read() {
        let victim = school.roster.entity(death.who).and_then(|entity| dead.get(entity).ok());
        let Some((&place, &Level(level), species, list)) = victim else { continue };
        let monster = assets.monsters.get(species.0);
        let elite = monster.is_some_and(|monster| matches!(monster.rank, Rank::Elite | Rank::Boss));
        let tap = taps::rules_of(monster, &school.rules.0);
        let claims = list.claims(tap, &school.parties, |player| school.is_near(player, place, &learners));
        for Claim { by, part, whole } in claims {
            let company = school.company(by, place, &learners);
            let levels: Vec<u16> =
                company.iter().filter_map(|&entity| learners.get(entity).ok()).map(|(.., level, _)| level.0).collect();
            for (entity, xp) in company.into_iter().zip(shares(rules, &levels, level, elite)) {
                let xp = u64::try_from(u128::from(xp) * u128::from(part) / u128::from(whole)).unwrap_or(0);
                let Ok((&who, _, class, mut progress, mut own_level, _)) = learners.get_mut(entity) else { continue };
                let xp = u32::try_from(xp).unwrap_or(u32::MAX);
                let next = progress.gained(xp, rules.level_max, |level| needed(rules, level, assets));
                if xp > 0 && progress.set_if_neq(next) {
                    gains.write(ExperienceGained { who, from: death.who, xp });
                }
                if next.level != own_level.0 {
                    *own_level = Level(next.level);
                    rises.write(LeveledUp { who, level: next.level });
                    if let Ok(mut attributes) = numbers.get_mut(entity) {
                        // What modifiers make of the new numbers is worked out later in this stage.
                        *attributes = Attributes::at_level(assets, &assets.classes[class.0].attributes, next.level);
                    }
                }
            }
        }
    }
}

/// What a level takes to the next.
fn needed(rules: &ExperienceRules, level: u16, assets: &Assets) -> u32 {
    u32::try_from(assets.curves[rules.curve.id()].at(i64::from(level))).unwrap_or(1)
}

type Risen<'a> = (&'a mut Vitals, &'a mut Mana);

/// Whoever has risen is whole again.
fn restore_the_risen(
    roster: Res<Roster>,
    mut rises: MessageReader<LeveledUp>,
    mut risen: Query<Risen>,
    mut log: MessageWriter<HealthChanged>,
) {
    for rise in rises.read() {
        let found = roster.entity(rise.who).and_then(|entity| risen.get_mut(entity).ok());
        let Some((mut vitals, mut mana)) = found.filter(|(vitals, _)| vitals.is_alive()) else { continue };
        let missing = vitals.hp_max - vitals.hp.min(vitals.hp_max);
        if missing > 0 {
            vitals.hp += missing;
            let amount = i32::try_from(missing).unwrap_or(i32::MAX);
            log.write(HealthChanged::own(rise.who, amount, HealthKind::Level));
        }
        mana.gain(u32::MAX);
    }
}

/// Varints: level, experience, experience needed.
impl Replicate for Progress {
    const NAME: &'static str = "progress";
    const AUDIENCE: Audience = Audience::Owner;
    fn encode(&self, out: &mut Vec<u8>) {
        [u32::from(self.level), self.xp, self.xp_needed].into_iter().for_each(|number| put_varint(out, number));
    }
}

/// A varint.
impl Replicate for Level {
    const NAME: &'static str = "level";
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u32::from(self.0));
    }
}

impl Carry for Progress {
    const NAME: &'static str = "progress";
    fn save(&self, _: u32, _: &Assets) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        bytes
    }
    fn load(bytes: &[u8], _: u32, _: &Assets) -> Option<Self> {
        let saved = Self::from_wire(&mut Reader::new(bytes))?;
        Some(Self { level: saved.level.clamp(1, 100), ..saved })
    }
}

impl Digest for Progress {
    fn digest(&self, digester: &mut Digester) {
        [u32::from(self.level), self.xp, self.xp_needed].into_iter().for_each(|number| digester.u32(number));
    }
}

/// Body: what died `u32`, varint experience.
impl ClientEvent for ExperienceGained {
    const NAME: &'static str = "experience_gained";
    const AUDIENCE: Audience = Audience::Owner;
    fn subject(&self) -> SimId {
        self.who
    }
    fn other(&self) -> Option<SimId> {
        Some(self.from)
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.from.bits().to_le_bytes());
        put_varint(out, self.xp);
    }
}

impl ExperienceGained {
    /// Reads the body of an event about `who`.
    pub fn from_wire(who: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { who, from: SimId::from_bits(reader.u32()?), xp: reader.varint()? })
    }
}

/// Body: varint level.
impl ClientEvent for LeveledUp {
    const NAME: &'static str = "leveled_up";
    fn subject(&self) -> SimId {
        self.who
    }
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u32::from(self.level));
    }
}

impl LeveledUp {
    /// Reads the body of an event about `who`.
    pub fn from_wire(who: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { who, level: u16::try_from(reader.varint()?).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experience_carries_over_levels_and_ends_at_the_highest() {
        let needed = |level: u16| u32::from(level) * 100;
        let start = Progress::default();
        assert_eq!(start.gained(50, 60, needed), Progress { level: 1, xp: 50, xp_needed: 100 });
        // 100 for level 2, 200 for level 3, 30 left.
        assert_eq!(start.gained(330, 60, needed), Progress { level: 3, xp: 30, xp_needed: 300 });
        assert_eq!(start.gained(330, 3, needed), Progress { level: 3, xp: 0, xp_needed: 0 });
        assert_eq!(start.gained(u32::MAX, 60, |_| 0).level, 60);
    }

    #[test]
    fn what_is_told_and_saved_comes_back() {
        let (who, from) = (SimId::new(3, 1), SimId::new(9, 0));
        let (gain, rise) = (ExperienceGained { who, from, xp: 345 }, LeveledUp { who, level: 61 });
        let progress = Progress { level: 61, xp: 70_000, xp_needed: 90_000 };
        let mut bytes = Vec::new();
        gain.encode(&mut bytes);
        assert_eq!(ExperienceGained::from_wire(who, &mut Reader::new(&bytes)), Some(gain));
        bytes.clear();
        rise.encode(&mut bytes);
        assert_eq!(LeveledUp::from_wire(who, &mut Reader::new(&bytes)), Some(rise));
        bytes.clear();
        Replicate::encode(&progress, &mut bytes);
        assert_eq!(Progress::from_wire(&mut Reader::new(&bytes)), Some(progress));
    }
}
