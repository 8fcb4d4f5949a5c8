//! The rule of arrival: what enters a scene in one tick is applied by kind, then by player, then by the player's own
//! numbers, and never by when it came. Two scenes play the same plan, one in order and one shuffled anew in every tick;
//! their states, their events, their refusals and what leaves them must be the same in every tick.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use glam::{Vec2, Vec3};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use sim::command::{ClientCommand, CommandLists, CommandRejected};
use sim::features::combat::{EffectAction, ReleaseCommand, ReturnCommand, Vitals};
use sim::features::equipment::{EquipCommand, EquipSlot, UnequipCommand, UseFrom, UseItemCommand};
use sim::features::loot::{Bag, BagCommand, Choice, Piece, Pile, RollCommand, Stack, TakeCommand};
use sim::features::party::{LootRule, PartyCommand};
use sim::features::players::EnterPortalCommand;
use sim::features::pvp::{DuelCommand, FlagCommand};
use sim::features::skills::{CastCommand, ReleaseCastCommand, StopCastCommand};
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, InputProgress, Players, SceneInput};
use sim::intent::CastTarget;
use sim::interest::Interest;
use sim::locomotion::StepInput;
use sim::replicated::Changes;
use sim::roster::Roster;
use sim::testing::{TestScene, test_assets};

use crate::combat::{MORE, strike, told};

/// Players who meet.
const PLAYERS: u64 = 10;
/// Ticks of one play.
const TICKS: usize = 90;
/// Plays.
const PLAYS: u32 = 14;

/// One of everything that a command can set off.
const CROWD: [(&str, &str); 6] = [
    (
        "skills/crowd.ron",
        r#"[
        (id: "skill/draw", target: Unit(filter: Enemy, range_m: 40),
         cast: Charge(min_ms: 200, max_ms: 2_000, levels: [(from_ms: 600, scale_pct: 300)]),
         timeline: [(at: Release, do: [Damage(coef: 500)])]),
        (id: "skill/drain", tags: ["spell", "school.shadow"], target: Unit(filter: Enemy, range_m: 40),
         cast: Channel(ms: 1_000, tick_ms: 250, pushback: (ms: 250, max: 2)), cost: [(attr: "mana", amount: 2, when: PerTick)],
         timeline: [(at: EachTick, do: [Damage(school: Shadow, coef: 100)])]),
        (id: "skill/jab", gcd: (ms: 430), queue_window_ms: 400, target: Unit(filter: Enemy, range_m: 40),
         timeline: [(at: Hit, do: [Damage(coef: 400)])]),
        (id: "skill/fireball", target: Unit(filter: Enemy, range_m: 40),
         timeline: [(at: Finish, do: [Launch(projectile: "projectile/ball")]), (at: Hit, do: [Damage(school: Fire, coef: 300)])]),
        (id: "skill/fire", target: Ground(range_m: 40, radius_m: 3, filter: Enemy, targets_max: 8),
         timeline: [(at: Finish, do: [Area(area: "area/crowd")])]),
        (id: "skill/shove", target: Unit(filter: Enemy, range_m: 40),
         timeline: [(at: Hit, do: [Displace(Knockback(distance_m: 3)), Interrupt(lockout_ms: 500)])]),
        (id: "skill/blood", target: Caster, cost: [(attr: "hp", pct_of_max: 5)],
         timeline: [(at: Finish, do: [Gain(attr: "mana", amount: 5)])]),
        (id: "skill/raise", target: Unit(filter: Ally, range_m: 40, dead: true), timeline: [(at: Hit, do: [Resurrect(hp_pct: 50)])]),
    ]"#,
    ),
    ("projectiles/crowd.ron", r#"[(id: "projectile/ball", speed_mps: 30)]"#),
    (
        "areas/crowd.ron",
        r#"[(id: "area/crowd", radius_m: 4, duration_ms: 2_000, period_ms: 500, filter: Enemy,
             on_enter: [Damage(school: Fire, coef: 50)], on_tick: [Damage(school: Fire, coef: 100)])]"#,
    ),
    (
        "items/crowd.ron",
        r#"[
        (id: "item/axe", equip: (slot: MainHand, weapon: 12, modifiers: [(attr: "attack", op: Flat(10))])),
        (id: "item/helm", equip: (slot: Head, modifiers: [(attr: "hp_max", op: Flat(100))])),
        (id: "item/draught", stack_max: 5, on_use: (skill: "skill/mend", cooldown: (group: "potion", ms: 500))),
    ]"#,
    ),
    (
        "loots/crowd.ron",
        r#"[(id: "loot/prey", gold: (10, 20), rows: [(drop: Item("item/axe")), (drop: Item("item/draught"), count: (1, 3)),
             (drop: Item("item/crown"))])]"#,
    ),
    ("monsters/crowd.ron", r#"[(id: "monster/prey", extends: "monster/king", loot: "loot/prey", corpse_ms: 500)]"#),
];

const CLASS: &str = r#"[(id: "class/anyone", movement: "move/test",
    attributes: {"hp_max": Flat(1000), "mana_max": Flat(200), "attack": Flat(100), "armor": Flat(0), "crit_bp": Flat(2000),
                 "crit_damage_bp": Flat(20000), "hp_regen_milli": Flat(3000), "mana_regen_milli": Flat(9000)},
    skills: ["skill/stab", "skill/hush", "skill/roots", "skill/aegis", "skill/frailty", "skill/rain", "skill/sweep", "skill/taunt",
             "skill/bolt", "skill/mend", "skill/rage", "skill/vanish", "skill/draw", "skill/drain", "skill/jab", "skill/fireball",
             "skill/fire", "skill/shove", "skill/blood", "skill/raise"])]"#;

/// Something one player does; the numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
struct Deed {
    player: u64,
    verb: u8,
    a: u32,
    b: u32,
}

fn deed() -> impl Strategy<Value = Deed> {
    (1..=PLAYERS, 0_u8..VERBS, any::<u32>(), any::<u32>()).prop_map(|(player, verb, a, b)| Deed { player, verb, a, b })
}

/// What all do in one tick, and the order in which it comes in the other scene.
fn one_tick() -> impl Strategy<Value = (Vec<Deed>, Vec<usize>)> {
    prop::collection::vec(deed(), 0..24).prop_flat_map(|deeds| {
        let order: Vec<usize> = (0..deeds.len()).collect();
        (Just(deeds), Just(order).prop_shuffle())
    })
}

fn crowd() -> TestScene {
    let more: Vec<_> = MORE.into_iter().chain(CROWD).chain([("classes/crowd.ron", CLASS)]).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {});
    scene.scene.world_mut().resource_mut::<Changes>().watch(true);
    let mut band = Vec::new();
    for number in 0..PLAYERS {
        // Two stand where the portal is, the others in the middle of the prey.
        let x = if number < 2 { 100.0 } else { number as f32 };
        let id = scene.player_of_class("class/anyone", x, 0.5);
        give(&mut scene, id);
        band.push(id);
    }
    // Some are a party that rolls for what is rare.
    let leader = band[2];
    for &whom in &band[3..6] {
        scene.command(leader, &PartyCommand::Invite { whom });
        scene.tick();
        scene.command(whom, &PartyCommand::Accept);
        scene.tick();
    }
    scene.command(leader, &PartyCommand::SetLootRule { rule: LootRule::NeedBeforeGreed });
    scene.tick();
    scene
}

/// Puts things into the bag: two to wear and some to drink.
fn give(scene: &mut TestScene, id: SimId) {
    let (assets, entity) = (scene.config.assets.clone(), scene.entity(id));
    let mut bag = scene.scene.world_mut().get_mut::<Bag>(entity).expect("players have bags");
    for (serial, name) in (1..).zip(["item/axe", "item/helm", "item/draught", "item/draught"]) {
        let item = assets.items.by_name(name).expect("it is in the game data");
        let piece = assets.items[item].is_piece().then(|| Box::new(Piece { serial, ..Piece::default() }));
        bag.put(Stack { piece, ..Stack::plain(item, 1) }, &assets.items[item], false);
    }
}

/// An event: its kind, whom it is about, the other one, whether only the owner learns of it, and its body.
type Told = (u16, SimId, Option<SimId>, bool, Vec<u8>);

/// Everything that can be seen of a tick from outside, and the state after it.
#[derive(Debug, PartialEq)]
struct Seen {
    hashes: Vec<(&'static str, u64)>,
    events: Vec<Told>,
    changed: Vec<(SimId, u32)>,
    refused: Vec<CommandRejected>,
    left: String,
    counts: Vec<(&'static str, &'static str, u64)>,
}

fn look(scene: &mut TestScene) -> Seen {
    let (hashes, left) = (scene.hash(), format!("{:?}", scene.scene.take_outputs()));
    let counts = scene.scene.take_counts().collect();
    let world = scene.scene.world();
    let changes = world.resource::<Changes>();
    let events = changes.events().iter();
    let events = events.map(|e| (e.kind, e.subject, e.other, e.owner_only, changes.body(e).to_vec())).collect();
    let changed = world.resource::<Roster>().iter().map(|(id, _)| (id, changes.mask(id))).collect();
    Seen { hashes, events, changed, refused: told(scene), left, counts }
}

/// Kinds of deeds.
const VERBS: u8 = 44;

/// Turns deeds into inputs, by what the scene shows.
struct Scribe {
    sequences: BTreeMap<u64, u32>,
    /// Commands by player and number.
    sent: BTreeMap<(u64, u32), &'static str>,
    /// Players with steps, and with something about their session, in this tick: one of each a tick.
    stepped: BTreeSet<u64>,
    present: BTreeSet<u64>,
}

impl Scribe {
    fn write(&mut self, scene: &TestScene, deed: Deed) -> Option<SceneInput> {
        let Deed { player, verb, a, b } = deed;
        let Some(&(id, _)) = scene.scene.world().resource::<Players>().0.get(&PlayerId(player)) else {
            return self.present.insert(player).then(|| join(player));
        };
        let other = self.someone(scene, id, a);
        let slot = |n: u32| (n % 8) as u8;
        let command = match verb {
            0..14 => return Some(self.cast(scene, id, deed)),
            14 => self.send(scene, player, &StopCastCommand),
            15 | 16 => self.send(scene, player, &ReleaseCastCommand),
            17 | 18 => self.send(scene, player, &TakeCommand { pile: pile(scene, a)? }),
            19 => self.send(scene, player, &EnterPortalCommand),
            20 => self.send(scene, player, &PartyCommand::Invite { whom: other }),
            21 | 22 => self.send(scene, player, &PartyCommand::Accept),
            23 => self.send(scene, player, &party(a, b)),
            24 => self.send(scene, player, &bag(a, slot(b))),
            25 => self.send(
                scene,
                player,
                &RollCommand { pile: pile(scene, a)?, number: slot(b) % 2, choice: Choice::Need },
            ),
            26 => self.send(
                scene,
                player,
                &RollCommand { pile: pile(scene, a)?, number: slot(b) % 2, choice: Choice::Greed },
            ),
            27 => self.send(scene, player, &EquipCommand { from: slot(a) % 3, to: None }),
            28 => {
                let from = if a % 2 == 0 { EquipSlot::MainHand } else { EquipSlot::Head };
                self.send(scene, player, &UnequipCommand { from, to: None })
            }
            29 => self.send(scene, player, &UseItemCommand { from: UseFrom::Bag(slot(a)), target: CastTarget::Caster }),
            30 => self.send(scene, player, &FlagCommand { up: a % 4 > 0 }),
            31 | 32 => self.send(scene, player, &DuelCommand::Challenge { whom: other }),
            33 => self.send(scene, player, &DuelCommand::Accept),
            34 if a % 4 == 0 => self.send(scene, player, &DuelCommand::Forfeit),
            34 => self.send(scene, player, &DuelCommand::Decline),
            35 => self.send(scene, player, &ReturnCommand { accept: a % 4 > 0 }),
            36 => self.send(scene, player, &ReleaseCommand),
            37..41 => return self.stepped.insert(player).then(|| steps(scene, player, id, a)),
            41 => return self.present.insert(player).then_some(SceneInput::Latency { player, rtt_ms: a % 400 }),
            _ if a % 8 > 0 || !self.present.insert(player) => return None,
            42 => return Some(SceneInput::LinkLost { player }),
            _ => return Some(if b % 2 == 0 { join(player) } else { SceneInput::Leave { player } }),
        };
        Some(command)
    }

    fn send<C: ClientCommand>(&mut self, scene: &TestScene, player: u64, command: &C) -> SceneInput {
        let kind = scene.scene.world().resource::<CommandLists>().kind_of(C::NAME).expect("it is in the list");
        let sequence = self.sequences.entry(player).or_default();
        *sequence += 1;
        self.sent.insert((player, *sequence), C::NAME);
        SceneInput::Command { player, sequence: *sequence, kind, body: command.encode() }
    }

    /// Casts anything the class knows: at someone in view, at the ground, or at nobody.
    fn cast(&mut self, scene: &TestScene, id: SimId, Deed { player, verb, a, b }: Deed) -> SceneInput {
        let assets = &scene.config.assets;
        let known = &assets.classes[assets.classes.by_name("class/anyone").expect("it is in the game data")].skills;
        let skill = known[a as usize % known.len()].id();
        let target = match verb % 7 {
            0 => CastTarget::Caster,
            1 => {
                CastTarget::Ground(scene.position(id) + Vec3::new((b % 9) as f32 - 4.0, 0.0, (b / 9 % 9) as f32 - 4.0))
            }
            _ => CastTarget::Unit(self.someone(scene, id, b)),
        };
        self.send(scene, player, &CastCommand { skill, target })
    }

    /// Another player, or anything else in view.
    fn someone(&self, scene: &TestScene, id: SimId, n: u32) -> SimId {
        let players = &scene.scene.world().resource::<Players>().0;
        let visible = scene.get::<Interest>(id).visible();
        match n % 2 {
            0 if !visible.is_empty() => visible[n as usize / 2 % visible.len()],
            _ => players.values().nth(n as usize / 2 % players.len()).map_or(id, |&(other, _)| other),
        }
    }
}

fn join(player: u64) -> SceneInput {
    let character = Character { name: format!("player{player}"), class: "class/anyone".into(), parts: Vec::new() };
    SceneInput::Join { player, character, spawn_point: None }
}

/// A pile on the ground, if there is one.
fn pile(scene: &TestScene, n: u32) -> Option<SimId> {
    let world = scene.scene.world();
    let piles = world.resource::<Roster>().iter().filter(|&(_, entity)| world.get::<Pile>(entity).is_some());
    let piles: Vec<SimId> = piles.map(|(id, _)| id).collect();
    piles.get(n as usize % piles.len().max(1)).copied()
}

fn party(a: u32, b: u32) -> PartyCommand {
    let member = (b % 5) as u16;
    match a % 8 {
        0 => PartyCommand::Decline,
        1 => PartyCommand::Leave,
        2 => PartyCommand::Kick { member },
        3 => PartyCommand::Promote { member },
        4 => PartyCommand::SetRaid { raid: b.is_multiple_of(2) },
        _ => PartyCommand::SetLootRule { rule: LootRule::ALL[b as usize % LootRule::ALL.len()] },
    }
}

fn bag(a: u32, slot: u8) -> BagCommand {
    let to = (a / 4 % 8) as u8;
    match a % 8 {
        0 => BagCommand::Sort,
        1 => BagCommand::Destroy { slot, count: 1 },
        2 | 3 => BagCommand::Split { from: slot, to, count: 1 },
        _ => BagCommand::Move { from: slot, to },
    }
}

fn steps(scene: &TestScene, player: u64, id: SimId, a: u32) -> SceneInput {
    let progress = *scene.get::<InputProgress>(id);
    let wish = Vec2::from_angle((a % 64) as f32 / 10.0);
    let (x, z) = StepInput { wish, walk: false }.to_wire();
    let claim_cm = ((scene.position(id).x * 100.0) as i32, (scene.position(id).z * 100.0) as i32);
    let (forced_epoch, first_sequence) = (progress.forced_epoch, progress.applied_sequence + 1);
    SceneInput::Steps {
        player,
        forced_epoch,
        first_sequence,
        steps: vec![(x, z, 0); 1 + a as usize % 3].into(),
        claim_cm,
    }
}

/// What happens besides the players' doing, the same in both: prey comes, and now and then somebody dies and is offered life.
fn fate(scene: &mut TestScene, tick: usize) {
    if tick.is_multiple_of(3) {
        scene.monster_at("monster/prey", (tick % 11) as f32, -1.0);
    }
    let ids: Vec<SimId> = scene.scene.world().resource::<Players>().0.values().map(|&(id, _)| id).collect();
    let (Some(&one), Some(&other)) = (ids.first(), ids.last()) else { return };
    let victim = ids[tick / 20 % ids.len()];
    if tick % 20 == 5 {
        let prey = scene.monster_at("monster/prey", 1.0, 1.0);
        strike(scene, prey, victim, EffectAction::Damage { formula: None, school: Default::default(), coef: u32::MAX });
    }
    for id in ids.iter().copied().filter(|&id| tick % 5 == 3 && scene.get::<Vitals>(id).is_dead()).collect::<Vec<_>>() {
        let by = if id == one { other } else { one };
        strike(scene, by, id, EffectAction::Resurrect { hp_pct: 40 });
    }
}

/// Commands sent and commands refused so far, by name.
#[derive(Debug, Default)]
struct Tally {
    sent: BTreeMap<&'static str, u32>,
    refused: BTreeMap<&'static str, u32>,
    events: u32,
    shuffled: u32,
}

fn play(plan: &[(Vec<Deed>, Vec<usize>)], tally: &RefCell<Tally>) -> Result<(), TestCaseError> {
    let (mut straight, mut shuffled) = (crowd(), crowd());
    let mut scribe = Scribe {
        sequences: BTreeMap::new(),
        sent: BTreeMap::new(),
        stepped: BTreeSet::new(),
        present: BTreeSet::new(),
    };
    let mut tally = tally.borrow_mut();
    for (tick, (deeds, order)) in plan.iter().enumerate() {
        (scribe.stepped, scribe.present) = (BTreeSet::new(), BTreeSet::new());
        let inputs: Vec<_> = deeds.iter().map(|&deed| scribe.write(&straight, deed)).collect();
        inputs.iter().flatten().for_each(|input| straight.scene.push(input.clone()));
        order.iter().filter_map(|&at| inputs[at].as_ref()).for_each(|input| shuffled.scene.push(input.clone()));
        tally.shuffled += u32::from(!order.is_sorted());
        let [seen, other] = [&mut straight, &mut shuffled].map(|scene| {
            fate(scene, tick);
            scene.tick();
            look(scene)
        });
        tally.events += u32::try_from(seen.events.len()).unwrap_or(0);
        for refused in &seen.refused {
            let name = scribe.sent.get(&(refused.player.0, refused.sequence)).copied().unwrap_or("nothing");
            *tally.refused.entry(name).or_default() += 1;
        }
        prop_assert_eq!(&seen, &other, "tick {}", tick);
    }
    scribe.sent.into_values().for_each(|name| *tally.sent.entry(name).or_default() += 1);
    Ok(())
}

#[test]
fn what_comes_in_one_tick_does_the_same_in_whatever_order_it_came() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = ProptestConfig { cases: PLAYS, failure_persistence: None, ..ProptestConfig::default() };
    let tally = RefCell::new(Tally::default());
    let plan = prop::collection::vec(one_tick(), TICKS);
    let result = TestRunner::new_with_rng(config, rng).run(&plan, |plan| play(&plan, &tally));
    let tally = tally.into_inner();
    println!("{tally:?}");
    if let Err(error) = result {
        panic!("{error}");
    }
    let scene = crowd();
    for name in scene.scene.world().resource::<CommandLists>().names() {
        let of = |counts: &BTreeMap<&'static str, u32>| counts.get(name).copied().unwrap_or(0);
        assert!(of(&tally.sent) > of(&tally.refused), "no `{name}` was carried out: {tally:?}");
    }
    assert!(tally.shuffled > PLAYS * 50 && tally.events > 1_000, "{tally:?}");
}
