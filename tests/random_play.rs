//! Seeded random play: players of every class join, run, fight, loot, walk through portals, lose their link and
//! come back in the real field, and after every tick the invariants are checked. The first one that breaks is
//! named with its tick; the seed is in the message. `determinism` replays the same play.

use glam::{Vec2, Vec3};
use sim::actor::{Concealment, Kind, Position};
use sim::command::{ClientCommand, CommandLists};
use sim::features::combat::Vitals;
use sim::features::equipment::{EquipCommand, EquipSlot, UnequipCommand, UseFrom, UseItemCommand};
use sim::features::loot::{BagCommand, Choice, RollCommand, TakeCommand};
use sim::features::party::{LootRule, PartyCommand};
use sim::features::players::{Class, EnterPortalCommand};
use sim::features::skills::{CastCommand, StopCastCommand};
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, InputProgress, Players, SceneInput};
use sim::intent::CastTarget;
use sim::interest::{Interest, Pinned};
use sim::random::{Draw, Random, Stream};
use sim::roster::Roster;
use sim::testing::TestScene;

/// Players that take part.
const PLAYERS: u64 = 24;

#[test]
fn no_invariant_breaks_in_random_play() {
    let mut play = RandomPlay::in_the_field(7);
    for tick in 1..=1_200 {
        play.tick();
        play.check(tick);
    }
    for label in ["hit", "crit", "death"] {
        let count = play.counts.get(&(sim::counters::COMBAT, label)).copied().unwrap_or(0);
        assert!(count > 0, "the play is not idle: {label} is missing in {:?}", play.counts);
    }
}

/// A scene and a seed that plays it.
pub(crate) struct RandomPlay {
    pub(crate) scene: TestScene,
    random: Random,
    seed: u64,
    counts: std::collections::BTreeMap<(&'static str, &'static str), u64>,
    sequences: std::collections::BTreeMap<u64, u32>,
}

impl RandomPlay {
    pub(crate) fn in_the_field(seed: u64) -> Self {
        let scene = TestScene::from_config(crate::crowd::field_config(seed), |_| {});
        Self {
            scene,
            random: Random::new(seed),
            seed,
            counts: Default::default(),
            sequences: std::collections::BTreeMap::new(),
        }
    }

    /// Every player does something, then a tick passes.
    pub(crate) fn tick(&mut self) {
        let tick = self.scene.scene.tick_number() + 1;
        for player in 1..=PLAYERS {
            let draw = self.random.draw(tick, SimId::from_bits(u32::try_from(player).unwrap_or(0)), Stream("play"), 0);
            self.act(player, tick, draw);
        }
        self.scene.tick();
        self.scene.scene.take_outputs();
        for (metric, label, count) in self.scene.scene.take_counts() {
            *self.counts.entry((metric, label)).or_default() += count;
        }
    }

    fn act(&mut self, player: u64, tick: u32, mut draw: Draw) {
        let Some(&(id, _)) = self.scene.scene.world().resource::<Players>().0.get(&PlayerId(player)) else {
            if draw.chance_bp(500) {
                self.join(player);
            }
            return;
        };
        match draw.below(1_000) {
            0..3 => self.push(SceneInput::LinkLost { player }),
            3..6 => self.join(player),
            6..8 => self.push(SceneInput::Leave { player }),
            8..12 => self.send(player, &EnterPortalCommand),
            12..20 => self.send(player, &StopCastCommand),
            20..120 => self.fight(player, id, &mut draw),
            120..150 => self.keep_house(player, id, &mut draw),
            _ => self.walk(player, id, tick, &mut draw),
        }
    }

    fn join(&mut self, player: u64) {
        let classes: Vec<String> = self.scene.config.assets.classes.iter().map(|(_, def)| def.id.clone()).collect();
        let class = classes[player as usize % classes.len()].clone();
        let parts = vec![("place".to_owned(), self.place_among_monsters(player))];
        let character = Character { name: format!("player{player}"), class, parts };
        self.push(SceneInput::Join { player, character, spawn_point: None });
    }

    /// A saved place near a spawner, as a character that was there before brings it along.
    fn place_among_monsters(&self, player: u64) -> Vec<u8> {
        let config = &self.scene.config;
        let spawners = &config.assets.scenes[config.scene].spawners;
        let (x, z) = spawners[player as usize % spawners.len()].at;
        let y = config.geometry.top(x, z).map_or(0.0, |ground| ground.height_m);
        let scene = (config.scene.index() as u32).to_le_bytes();
        [&scene[..], [x, y, z].map(f32::to_le_bytes).as_flattened()].concat()
    }

    /// Casts anything at anyone in view, takes loot, or asks for what is not there.
    fn fight(&mut self, player: u64, id: SimId, draw: &mut Draw) {
        let visible = self.scene.get::<Interest>(id).visible();
        let target = visible.get(draw.below(visible.len() as u32) as usize).copied().unwrap_or(SimId::from_bits(99));
        let assets = &self.scene.config.assets;
        let known = &assets.classes[self.scene.get::<Class>(id).0].skills;
        let skill = match draw.below(8) {
            0 => assets.skills.id_of_raw(draw.below(assets.skills.len() as u32)).expect("in range"),
            _ => known[draw.below(known.len() as u32) as usize].id(),
        };
        let at = self.scene.position(id) + Vec3::new(draw.unit() * 20.0 - 10.0, 0.0, draw.unit() * 20.0 - 10.0);
        match draw.below(10) {
            0 => self.send(player, &CastCommand { skill, target: CastTarget::Caster }),
            1 => self.send(player, &CastCommand { skill, target: CastTarget::Ground(at) }),
            2 => self.send(player, &TakeCommand { pile: target }),
            _ => self.send(player, &CastCommand { skill, target: CastTarget::Unit(target) }),
        }
    }

    /// Does anything with the bag, with what is worn and with a party, sensible or not.
    fn keep_house(&mut self, player: u64, id: SimId, draw: &mut Draw) {
        let visible = self.scene.get::<Interest>(id).visible();
        let other = visible.get(draw.below(visible.len() as u32) as usize).copied().unwrap_or(SimId::from_bits(99));
        let mut number = |end: u32| draw.below(end) as u8;
        let (from, to, slot) = (number(42), number(42), EquipSlot::from_byte(number(16)).expect("in range"));
        let (verb, count, member) = (number(16), u32::from(number(4)), u16::from(number(6)));
        match verb {
            0 => self.send(player, &BagCommand::Move { from, to }),
            1 => self.send(player, &BagCommand::Split { from, to, count }),
            2 => self.send(player, &BagCommand::Destroy { slot: from, count }),
            3 => self.send(player, &BagCommand::Sort),
            4 => self.send(player, &EquipCommand { from, to: None }),
            5 => self.send(player, &UnequipCommand { from: slot, to: None }),
            6 => {
                let target = CastTarget::Unit(id);
                self.send(player, &UseItemCommand { from: UseFrom::Bag(from), target });
            }
            7 => self.send(player, &RollCommand { pile: other, number: member as u8, choice: Choice::Need }),
            8 | 9 => self.send(player, &PartyCommand::Invite { whom: other }),
            10 | 11 => self.send(player, &PartyCommand::Accept),
            12 => self.send(player, &PartyCommand::Leave),
            13 => self.send(player, &PartyCommand::Kick { member }),
            14 => self.send(player, &PartyCommand::SetLootRule { rule: LootRule::ALL[usize::from(from % 4)] }),
            _ => self.send(player, &PartyCommand::SetRaid { raid: count > 1 }),
        }
    }

    /// Runs in a direction that changes every few seconds.
    fn walk(&mut self, player: u64, id: SimId, tick: u32, draw: &mut Draw) {
        let key = SimId::from_bits(u32::try_from(player).unwrap_or(0));
        let mut course = self.random.draw(tick / 100, key, Stream("course"), 0);
        let wish = Vec2::from_angle(course.unit() * std::f32::consts::TAU);
        let step = sim::locomotion::StepInput { wish, walk: draw.chance_bp(1_000) };
        let next = self.scene.get::<InputProgress>(id).applied_sequence + 1;
        let claim = self.scene.get::<Position>(id).place();
        self.scene.steps(id, next, &[step], claim);
    }

    fn send<C: ClientCommand>(&mut self, player: u64, command: &C) {
        let kind = self.scene.scene.world().resource::<CommandLists>().kind_of(C::NAME).expect("it is in the list");
        let sequence = self.sequences.entry(player).or_default();
        *sequence += 1;
        let sequence = *sequence;
        self.push(SceneInput::Command { player, sequence, kind, body: command.encode() });
    }

    fn push(&mut self, input: SceneInput) {
        self.scene.scene.push(input);
    }

    fn check(&self, tick: u32) {
        let world = self.scene.scene.world();
        let seed = self.seed;
        for (id, entity) in world.resource::<Roster>().iter() {
            let name = format!("tick {tick}, seed {seed}, {id}");
            assert_eq!(world.get::<SimId>(entity), Some(&id), "{name}: the roster and the world agree");
            if let Some(&Position(place)) = world.get::<Position>(entity) {
                assert!(place.is_finite(), "{name}: at {place}");
                assert!(self.scene.config.geometry.contains(place.x, place.z), "{name}: out of bounds at {place}");
                let ground = self.scene.config.geometry.ground(place.x, place.z, place.y + 0.5);
                // What flies is swept against the ground and may end its last tick within it.
                let flies = matches!(world.get::<Kind>(entity), Some(Kind::Projectile(_)));
                assert!(
                    flies || ground.is_some_and(|ground| ground.height_m <= place.y + 0.05),
                    "{name}: below the ground at {place}"
                );
            }
            if let Some(vitals) = world.get::<Vitals>(entity) {
                assert!(vitals.hp <= vitals.hp_max && vitals.hp_max > 0, "{name}: {vitals:?}");
                assert_eq!(vitals.is_dead(), vitals.hp == 0, "{name}: {vitals:?}");
            }
            if let Some(interest) = world.get::<Interest>(entity) {
                self.check_interest(interest, entity, &name);
            }
        }
        for (player, &(id, entity)) in &world.resource::<Players>().0 {
            assert_eq!(world.get::<SimId>(entity), Some(&id), "tick {tick}, seed {seed}: {player} has a character");
        }
    }

    fn check_interest(&self, interest: &Interest, viewer: bevy_ecs::entity::Entity, name: &str) {
        let world = self.scene.scene.world();
        let place = world.get::<Position>(viewer).expect("a viewer has a place").place();
        let phase = world.get::<Concealment>(viewer).copied().unwrap_or_default().phase;
        assert!(interest.visible().windows(2).all(|pair| pair[0] < pair[1]), "{name}: sorted, each once");
        for &seen in interest.visible() {
            let Some(entity) = world.resource::<Roster>().entity(seen) else {
                panic!("{name}: sees {seen}, who is gone")
            };
            let at = world.get::<Position>(entity).expect("what is seen has a place").place();
            let is_pinned = world.get::<Pinned>(viewer).is_some_and(|pinned| pinned.anywhere.contains(&seen));
            assert!(is_pinned || at.distance(place) <= 70.01, "{name}: sees {seen} at {} m", at.distance(place));
            assert_eq!(world.get::<Concealment>(entity).copied().unwrap_or_default().phase, phase, "{name}: {seen}");
        }
    }
}
