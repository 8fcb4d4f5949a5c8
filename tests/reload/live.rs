//! What is under way when the game data is exchanged, each from asset text: casts and channels, what flies and what lies on
//! the ground keep the definition they began with; buffs keep their time, stacks and what they captured; trees, procs and
//! cooldowns follow where they next matter; things outlive their records.

use sim::actor::Heading;
use sim::assets::AttributeId;
use sim::features::buffs::ActiveBuffs;
use sim::features::combat::{Attributes, HealthChanged, Vitals};
use sim::features::equipment::{EquipCommand, EquipSlot, Equipment};
use sim::features::loot::{Bag, Piece, Stack, Thing};
use sim::features::monsters::Said;
use sim::features::skills::{Area, Casting, Cooldowns, Mana, Projectile};
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::testing::{TestScene, test_assets};

use super::{count, reload, running};
use crate::combat::{cast, hp, refusals, skill, strike, told};

const SKILLS: &str = r#"[
    (id: "skill/slow", target: Unit(filter: Enemy, range_m: 30), cast: Cast(ms: 1_000),
     timeline: [(at: Hit, do: [Damage(coef: 1_000)])]),
    (id: "skill/drain", target: Unit(filter: Enemy, range_m: 30), cast: Channel(ms: 2_000, tick_ms: 500),
     timeline: [(at: EachTick, do: [Damage(coef: 1_000)])]),
    (id: "skill/ball", target: Unit(filter: Enemy, range_m: 30),
     timeline: [(at: Finish, do: [Launch(projectile: "projectile/ball")]), (at: Hit, do: [Damage(coef: 1_000)])]),
    (id: "skill/fire", target: Ground(range_m: 30, radius_m: 1, filter: Enemy, targets_max: 8),
     timeline: [(at: Finish, do: [Area(area: "area/fire")])]),
    (id: "skill/rest", cooldown: (ms: 4_000), target: Caster, timeline: [(at: Finish, do: [Gain(attr: "mana", amount: 1)])]),
]"#;
const PROJECTILES: &str = r#"(id: "projectile/ball", speed_mps: 20)"#;
const AREAS: &str = r#"(id: "area/fire", radius_m: 20, duration_ms: 3_000, period_ms: 1_000, filter: Enemy, on_tick: [Damage(coef: 1_000)])"#;
const EFFECTS: &str = r#"[
    (id: "effect/brand", duration: Ms(6_000), period: (ms: 1_000), stack: (max: 3), periodic: [Damage(coef: 10_000)]),
    (id: "effect/leash", duration: Ms(6_000), period: (ms: 1_000), capture: {"attack": Dynamic},
     periodic: [Damage(coef: 10_000)]),
    (id: "effect/embers", polarity: Helpful, duration: Infinite,
     procs: [(on: [HitDealt], charges: 3, do: [Apply("effect/spark")])]),
    (id: "effect/spark", duration: Infinite, stack: (max: 9), grants: ["sparking"]),
    (id: "effect/frost", duration: Infinite, stack: (max: 9), grants: ["chilled"]),
]"#;
const CLASSES: &str = r#"(id: "class/tester", movement: "move/test",
    attributes: {"hp_max": Flat(1000), "mana_max": Flat(100), "attack": Flat(100), "armor": Flat(0), "crit_bp": Flat(0),
                 "hp_regen_milli": Flat(0)},
    skills: ["skill/slow", "skill/drain", "skill/ball", "skill/fire", "skill/rest"])"#;
const ITEMS: &str = r#"[(id: "item/crown", equip: (slot: Head, modifiers: [(attr: "attack", op: Flat(10))])),
    (id: "item/salt", stack_max: 10)]"#;
const AI: &str = r#"[(id: "ai/proud", root: Sequence([Once(Do(Say("first"))), Subtree("ai/default")]))]"#;
const MONSTERS: &str = r#"(id: "monster/proud", level: (1, 1), faction: "vermin", move: (profile: "move/test"),
    attributes: {"hp_max": Flat(100000), "attack": Flat(1), "hp_regen_milli": Flat(0)},
    senses: (aggro_m: 0.0), leash: (radius_m: 60.0), ai: "ai/proud", skills: ["skill/strike"])"#;
const DATA: [(&str, &str); 8] = [
    ("skills/live.ron", SKILLS),
    ("projectiles/live.ron", PROJECTILES),
    ("areas/live.ron", AREAS),
    ("effects/live.ron", EFFECTS),
    ("classes/live.ron", CLASSES),
    ("items/live.ron", ITEMS),
    ("ai/live.ron", AI),
    ("monsters/live.ron", MONSTERS),
];

/// A tester at the origin who looks along `x`, and a monster in front.
fn bout(monster: &str, x: f32) -> (TestScene, SimId, SimId) {
    let mut scene = TestScene::of(&test_assets(&DATA), "scene/flat", 1, |_| {});
    let tester = scene.player_of_class("class/tester", 0.0, 0.0);
    let entity = scene.entity(tester);
    scene.scene.world_mut().entity_mut(entity).insert(Heading(std::f32::consts::FRAC_PI_2));
    let foe = scene.monster_at(monster, x, 0.0);
    scene.ticks(2);
    (scene, tester, foe)
}

/// Has one file read otherwise in the next tick.
fn edit(scene: &mut TestScene, path: &str, from: &str, to: &str) {
    let text = running(scene).sources.text(path).expect("it is there").to_owned();
    assert!(text.contains(from), "{from} is in {path}");
    reload(scene, |texts| texts.insert(path, text.replace(from, to)));
}

/// The ticks of the next `ticks` in which someone lost hit points, with how many.
fn losses(scene: &mut TestScene, who: SimId, ticks: u32) -> Vec<(u32, i32)> {
    let mut found = Vec::new();
    for tick in 1..=ticks {
        scene.tick();
        let hits = told::<HealthChanged>(scene).into_iter().filter(|entry| entry.target == who && entry.amount < 0);
        found.extend(hits.map(|entry| (tick, -entry.amount)));
    }
    found
}

/// At these ticks, each with what coefficient 1,000 is worth: 100 attack against 100 armour, 5 % up or down.
fn assert_plain(losses: &[(u32, i32)], ticks: &[u32]) {
    assert_eq!(losses.iter().map(|(tick, _)| *tick).collect::<Vec<_>>(), ticks, "{losses:?}");
    assert!(losses.iter().all(|(_, points)| (47..=53).contains(points)), "{losses:?}");
}

fn apply(scene: &mut TestScene, source: SimId, target: SimId, effect: &str) {
    let effect = running(scene).effects.by_name(effect).expect("it is there");
    strike(scene, source, target, sim::features::combat::EffectAction::Apply { effect, chance_pct: 100 });
    scene.tick();
}

fn borne(scene: &TestScene, id: SimId) -> Vec<(String, u16)> {
    let effects = &running(scene).effects;
    scene.get::<ActiveBuffs>(id).iter().map(|buff| (effects[buff.effect].id.clone(), buff.stacks)).collect()
}

#[test]
fn a_cast_under_way_ends_as_it_began_and_the_next_is_the_new_one() {
    let (mut scene, tester, dummy) = bout("monster/dummy", 10.0);
    cast(&mut scene, tester, "skill/slow", CastTarget::Unit(dummy));
    scene.ticks(4);
    let slow = r#"cast: Cast(ms: 1_000),
     timeline: [(at: Hit, do: [Damage(coef: 1_000)])])"#;
    let quick = r#"cast: Cast(ms: 500),
     timeline: [(at: Hit, do: [Damage(coef: 10_000)])])"#;
    edit(&mut scene, "skills/live.ron", slow, quick);
    assert_plain(&losses(&mut scene, dummy, 30), &[20 - 4]);
    assert_eq!(count(&scene, "applied"), 1);
    cast(&mut scene, tester, "skill/slow", CastTarget::Unit(dummy));
    let hits = losses(&mut scene, dummy, 30);
    assert!(matches!(hits[..], [(10, 470..=530)]), "{hits:?}");
}

#[test]
fn a_channel_goes_on_without_its_record() {
    let (mut scene, tester, dummy) = bout("monster/dummy", 10.0);
    cast(&mut scene, tester, "skill/drain", CastTarget::Unit(dummy));
    scene.ticks(4);
    reload(&mut scene, |texts| {
        let drain = &SKILLS[SKILLS.find("(id: \"skill/drain\"").unwrap()..SKILLS.find("(id: \"skill/ball\"").unwrap()];
        texts.insert("skills/live.ron", SKILLS.replace(drain, ""));
        texts.insert("classes/live.ron", CLASSES.replace("\"skill/drain\", ", ""));
    });
    assert_plain(&losses(&mut scene, dummy, 50), &[6, 16, 26, 36]);
    assert_eq!((count(&scene, "applied"), scene.get::<Casting>(tester).0.is_none()), (1, true));
    cast(&mut scene, tester, "skill/drain", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["unknown_skill"]);
}

#[test]
fn what_flies_hits_as_it_was_launched() {
    let (mut scene, tester, dummy) = bout("monster/dummy", 20.0);
    cast(&mut scene, tester, "skill/ball", CastTarget::Unit(dummy));
    scene.tick();
    let world = scene.scene.world_mut();
    assert_eq!(world.query::<&Projectile>().iter(world).count(), 1);
    let mut undisturbed = bout("monster/dummy", 20.0);
    cast(&mut undisturbed.0, undisturbed.1, "skill/ball", CastTarget::Unit(undisturbed.2));
    undisturbed.0.ticks(2);
    edit(&mut scene, "projectiles/live.ron", "speed_mps: 20", "speed_mps: 5");
    let ball = r#"(at: Hit, do: [Damage(coef: 1_000)])]),
    (id: "skill/fire""#;
    scene.tick();
    edit(&mut scene, "skills/live.ron", ball, &ball.replace("1_000", "9_000"));
    let expected = losses(&mut undisturbed.0, undisturbed.2, 60);
    assert_eq!(losses(&mut scene, dummy, 60), expected, "as if nothing had been edited");
    assert_eq!((count(&scene, "applied"), expected.len()), (2, 1));
    let far = scene.monster_at("monster/dummy", 20.0, 0.0);
    scene.ticks(2);
    cast(&mut scene, tester, "skill/ball", CastTarget::Unit(far));
    let hits = losses(&mut scene, far, 100);
    assert!(matches!(hits[..], [(60.., 420..=480)]), "slower and stronger: {hits:?}");
}

#[test]
fn what_lies_on_the_ground_burns_as_it_was_laid_and_ends_when_it_would() {
    let (mut scene, tester, dummy) = bout("monster/dummy", 10.0);
    let at = CastTarget::Ground(scene.position(dummy));
    cast(&mut scene, tester, "skill/fire", at);
    scene.ticks(5);
    edit(&mut scene, "areas/live.ron", "duration_ms: 3_000, period_ms: 1_000", "duration_ms: 9_000, period_ms: 500");
    assert_plain(&losses(&mut scene, dummy, 80), &[15, 35, 55]);
    let world = scene.scene.world_mut();
    assert_eq!(world.query::<&Area>().iter(world).count(), 0);
    assert_eq!(count(&scene, "applied"), 1);
}

#[test]
fn what_a_buff_captured_stays_and_what_is_dynamic_follows_the_data() {
    for (effect, factor) in [("effect/brand", 1), ("effect/leash", 3)] {
        let (mut scene, tester, dummy) = bout("monster/dummy", 10.0);
        apply(&mut scene, tester, dummy, effect);
        let before = losses(&mut scene, dummy, 20)[0].1;
        let end_tick = scene.get::<ActiveBuffs>(dummy).iter().next().map(|buff| buff.end_tick);
        edit(&mut scene, "classes/live.ron", "\"attack\": Flat(100)", "\"attack\": Flat(300)");
        let after = losses(&mut scene, dummy, 20)[0].1;
        assert_eq!(count(&scene, "applied"), 1);
        let (least, most) = (before * factor * 9 / 10, before * factor * 11 / 10);
        assert!((least..=most).contains(&after), "{effect}: {before} before, {after} after");
        assert_eq!(scene.get::<ActiveBuffs>(dummy).iter().next().map(|buff| buff.end_tick), end_tick);
    }
}

#[test]
fn a_buff_keeps_time_and_stacks_and_does_what_its_new_record_says() {
    let (mut scene, tester, dummy) = bout("monster/dummy", 10.0);
    (0..3).for_each(|_| apply(&mut scene, tester, dummy, "effect/brand"));
    let end_tick = scene.get::<ActiveBuffs>(dummy).iter().next().map(|buff| buff.end_tick);
    let before = losses(&mut scene, dummy, 20)[0].1;
    edit(
        &mut scene,
        "effects/live.ron",
        "stack: (max: 3), periodic: [Damage(coef: 10_000)]",
        "stack: (max: 2), periodic: [Damage(coef: 1_000)]",
    );
    let after = losses(&mut scene, dummy, 20)[0].1;
    assert_eq!(borne(&scene, dummy), [("effect/brand".to_owned(), 2)], "no more stacks than there may be");
    assert!(after * 12 < before && after > 0, "two stacks of a tenth: {before} before, {after} after");
    assert_eq!(scene.get::<ActiveBuffs>(dummy).iter().next().map(|buff| buff.end_tick), end_tick);
}

#[test]
fn forty_percent_stay_forty_percent_and_the_dead_stay_dead() {
    let (mut scene, tester, dummy) = bout("monster/dummy", 10.0);
    let entity = scene.entity(tester);
    scene.scene.world_mut().get_mut::<Vitals>(entity).expect("it lives").hp = 400;
    scene.scene.world_mut().get_mut::<Mana>(entity).expect("it casts").mp = 50;
    crate::combat::kill(&mut scene, tester, dummy);
    let classes = CLASSES.replace("\"hp_max\": Flat(1000)", "\"hp_max\": Flat(250)").replace("Flat(100)", "Flat(60)");
    let dummies = running(&scene).sources.text("monsters/test.ron").unwrap().replace("Flat(100000)", "Flat(500)");
    reload(&mut scene, |texts| {
        texts.insert("classes/live.ron", classes);
        texts.insert("monsters/test.ron", dummies);
    });
    scene.tick();
    assert_eq!(count(&scene, "applied"), 1);
    assert_eq!(*scene.get::<Vitals>(tester), Vitals { hp: 100, hp_max: 250, dead: false });
    let mana = scene.get::<Mana>(tester);
    assert_eq!((mana.mp, mana.mp_max), (30, 60));
    let log: Vec<_> = told::<HealthChanged>(&scene).iter().map(|entry| (entry.target, entry.amount)).collect();
    assert_eq!(log, [(tester, -300)], "the log knows");
    assert!(scene.get::<Vitals>(dummy).is_dead());
}

#[test]
fn a_tree_that_is_edited_in_a_fight_is_followed_from_the_next_decision_and_begins_anew() {
    let (mut scene, tester, proud) = bout("monster/proud", 2.0);
    let said = |scene: &mut TestScene, ticks: u32| {
        let mut words = Vec::new();
        for _ in 0..ticks {
            scene.tick();
            words.extend(told::<Said>(scene).into_iter().map(|said| said.text));
        }
        words
    };
    cast(&mut scene, tester, "skill/ball", CastTarget::Unit(proud));
    assert_eq!(said(&mut scene, 60), ["first"], "once in a fight");
    edit(&mut scene, "monsters/live.ron", "\"attack\": Flat(1)", "\"attack\": Flat(2)");
    assert_eq!(said(&mut scene, 40), [""; 0], "another edit does not disturb it");
    edit(&mut scene, "ai/live.ron", "first", "second");
    assert_eq!(said(&mut scene, 40), ["second"], "what the old tree remembered is forgotten");
    assert_eq!(count(&scene, "applied"), 2);
}

#[test]
fn a_proc_does_the_new_thing_and_keeps_count_of_its_charges() {
    let (mut scene, tester, dummy) = bout("monster/dummy", 10.0);
    let hit = |scene: &mut TestScene| {
        let what = sim::features::combat::EffectAction::Damage { formula: None, school: Default::default(), coef: 100 };
        strike(scene, tester, dummy, what);
        scene.tick();
    };
    apply(&mut scene, tester, tester, "effect/embers");
    hit(&mut scene);
    assert_eq!(borne(&scene, dummy), [("effect/spark".to_owned(), 1)]);
    edit(&mut scene, "effects/live.ron", "do: [Apply(\"effect/spark\")]", "do: [Apply(\"effect/frost\")]");
    (0..3).for_each(|_| hit(&mut scene));
    assert_eq!(borne(&scene, dummy), [("effect/spark".to_owned(), 1), ("effect/frost".to_owned(), 2)]);
    assert_eq!(borne(&scene, tester), [], "the third charge was the last");
}

#[test]
fn a_cooldown_that_runs_runs_on_when_its_skill_changes_goes_and_comes_back() {
    let (mut scene, tester, _) = bout("monster/dummy", 10.0);
    let rest = skill(&scene, "skill/rest");
    let runs = |scene: &TestScene| {
        let def = &running(scene).skills[rest];
        scene.get::<Cooldowns>(tester).runs(rest, def, scene.scene.tick_number())
    };
    cast(&mut scene, tester, "skill/rest", CastTarget::Caster);
    edit(&mut scene, "skills/live.ron", "cooldown: (ms: 4_000)", "cooldown: (ms: 1_000)");
    scene.ticks(40);
    assert!(runs(&scene), "it was begun with 4 s");
    reload(&mut scene, |texts| {
        let rest = &SKILLS[SKILLS.find("(id: \"skill/rest\"").unwrap()..];
        texts.insert("skills/live.ron", SKILLS.replace(rest, "]"));
        texts.insert("classes/live.ron", CLASSES.replace(", \"skill/rest\"", ""));
    });
    scene.tick();
    cast(&mut scene, tester, "skill/rest", CastTarget::Caster);
    assert_eq!(refusals(&scene), ["unknown_skill"]);
    reload(&mut scene, |texts| {
        texts.insert("skills/live.ron", SKILLS);
        texts.insert("classes/live.ron", CLASSES);
    });
    scene.tick();
    assert_eq!(count(&scene, "applied"), 3);
    cast(&mut scene, tester, "skill/rest", CastTarget::Caster);
    assert_eq!(refusals(&scene), ["cooldown"], "going and coming back gains nothing");
    scene.ticks(38);
    assert!(!runs(&scene));
}

#[test]
fn what_is_worn_outlives_its_record_as_it_was_and_counts_only_while_there_is_one() {
    let (mut scene, tester, dummy) = bout("monster/dummy", 10.0);
    let assets = running(&scene);
    let crown = assets.items.by_name("item/crown").expect("it is there");
    let piece = Piece { serial: 77, ..Piece::default() };
    let stack = Stack { piece: Some(Box::new(piece)), ..Stack::plain(crown, 1) };
    let entity = scene.entity(tester);
    let mut bag = scene.scene.world_mut().get_mut::<Bag>(entity).expect("it has a bag");
    assert_eq!(bag.put(stack, &assets.items[crown], false), 0);
    scene.command(tester, &EquipCommand { from: 0, to: None });
    scene.ticks(2);
    let worn = scene.get::<Equipment>(tester).thing(EquipSlot::Head).cloned().expect("it is worn");
    let attack = |scene: &TestScene| scene.get::<Attributes>(tester).current(AttributeId::ATTACK);
    assert_eq!(attack(&scene), 110);
    reload(&mut scene, |texts| texts.remove("items/live.ron"));
    scene.tick();
    assert_eq!((attack(&scene), count(&scene, "applied")), (100, 1));
    let relic = scene.get::<Equipment>(tester).thing(EquipSlot::Head);
    assert!(matches!(relic, Some(Thing::Relic(relic)) if relic.name == "item/crown"), "{relic:?}");
    reload(&mut scene, |texts| texts.insert("items/live.ron", ITEMS));
    scene.tick();
    assert_eq!(scene.get::<Equipment>(tester).thing(EquipSlot::Head), Some(&worn));
    assert_eq!((attack(&scene), hp(&scene, dummy)), (110, 100_000));
}
