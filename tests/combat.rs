//! Combat by the rules: damage, death, respawn, recovery, and a log that leaves nothing out. The words in which
//! the tests of all fighting features speak stand here as well.

use bevy_ecs::prelude::*;
use sim::actor::Motion;
use sim::assets::{Id, School, SkillDef};
use sim::command::CommandRejected;
use sim::counters::{COMBAT, Counters};
use sim::features::combat::{
    Attributes, Died, EffectAction, EffectQueued, HealthChanged, HealthKind, Level, Origin, Outcome, Vitals,
};
use sim::features::skills::CastCommand;
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::testing::{TestScene, test_assets};

/// What the tests of fighting need beyond the small game data of every test.
pub(crate) const MORE: [(&str, &str); 6] = [
    (
        "effects/fighting.ron",
        r#"[
        (id: "effect/hush", name: "Hush", polarity: Harmful, duration: Ms(2000), grants: ["state.silenced"]),
        (id: "effect/roots", name: "Roots", polarity: Harmful, duration: Ms(2000), grants: ["state.rooted"]),
        (id: "effect/aegis", name: "Aegis", polarity: Helpful, duration: Ms(2000), grants: ["state.invulnerable"]),
        (id: "effect/frailty", name: "Frailty", polarity: Harmful, duration: Ms(2000),
         modifiers: [(attr: "hp_max", op: More(-5000))]),
    ]"#,
    ),
    (
        "skills/fighting.ron",
        r#"[
        (id: "skill/stab", name: "Stab",
         target: Unit(filter: Enemy, range_m: 3.0, facing_deg: 90.0), timeline: [(at: Hit, do: [Damage(coef: 1_000)])]),
        (id: "skill/hush", name: "Hush", target: Unit(filter: Enemy, range_m: 20.0),
         timeline: [(at: Hit, do: [ApplyEffect(effect: "effect/hush")])]),
        (id: "skill/roots", name: "Roots", target: Unit(filter: Enemy, range_m: 20.0),
         timeline: [(at: Hit, do: [ApplyEffect(effect: "effect/roots")])]),
        (id: "skill/aegis", name: "Aegis", target: Caster, timeline: [(at: Hit, do: [ApplyEffect(effect: "effect/aegis")])]),
        (id: "skill/frailty", name: "Frailty", target: Unit(filter: Enemy, range_m: 20.0),
         timeline: [(at: Hit, do: [ApplyEffect(effect: "effect/frailty")])]),
        (id: "skill/rain", name: "Rain",
         target: Ground(range_m: 20.0, radius_m: 4.0, filter: Enemy, targets_max: 8), timeline: [(at: Hit, do: [Damage(coef: 1_000)])]),
        (id: "skill/sweep", name: "Sweep",
         target: Cone(radius_m: 5.0, angle_deg: 90.0, filter: Enemy, targets_max: 8), timeline: [(at: Hit, do: [Damage(coef: 1_000)])]),
        (id: "skill/taunt", name: "Taunt", target: Unit(filter: Enemy, range_m: 20.0),
         timeline: [(at: Hit, do: [Threat(amount: 1000)])]),
    ]"#,
    ),
    (
        "classes/fighting.ron",
        r#"[(id: "class/stone", name: "Stone", movement: "move/test",
        attributes: {"hp_max": Flat(1000), "mana_max": Flat(100), "attack": Flat(100), "armor": Flat(0), "crit_bp": Flat(2000), "crit_damage_bp": Flat(20000)},
        skills: ["skill/stab", "skill/hush", "skill/roots", "skill/aegis", "skill/frailty", "skill/rain",
                 "skill/sweep", "skill/taunt", "skill/bolt", "skill/mend"])]"#,
    ),
    (
        "items/fighting.ron",
        r#"[
        (id: "item/tail", name: "Tail", stack_max: 5),
        (id: "item/crown", name: "Crown", quality: Rare),
    ]"#,
    ),
    (
        "loots/fighting.ron",
        r#"[(id: "loot/king", gold: (10, 20), rows: [
            (drop: Item("item/tail"), count: (2, 4)),
            (drop: Item("item/crown"), chance_bp: 5000),
        ]), (id: "loot/treasure", rows: [(drop: Item("item/tail")), (drop: Item("item/crown"))])]"#,
    ),
    (
        "monsters/fighting.ron",
        r#"[
        (id: "monster/king", name: "King", level: (1, 1), faction: "vermin", move: (profile: "move/test"),
         attributes: {"hp_max": Flat(100), "mana_max": Flat(0), "attack": Flat(1), "armor": Flat(0)},
         senses: (aggro_m: 0.0), leash: (radius_m: 30.0), skills: ["skill/strike"], respawn_ms: 5000, corpse_ms: 3000,
         loot: "loot/king"),
        (id: "monster/treasure", name: "Treasure", level: (1, 1), faction: "vermin", move: (profile: "move/test"),
         attributes: {"hp_max": Flat(100), "mana_max": Flat(0), "attack": Flat(1), "armor": Flat(0)},
         senses: (aggro_m: 0.0), leash: (radius_m: 30.0), skills: ["skill/strike"], respawn_ms: 5000, corpse_ms: 3000,
         loot: "loot/treasure"),
        (id: "monster/stroller", name: "Stroller", level: (1, 1), faction: "folk", move: (profile: "move/test"),
         attributes: {"hp_max": Flat(100), "mana_max": Flat(0), "attack": Flat(1), "armor": Flat(0)},
         senses: (aggro_m: 0.0), leash: (radius_m: 30.0), wander_m: 5.0, skills: ["skill/strike"],
         respawn_ms: 5000, corpse_ms: 3000),
    ]"#,
    ),
];

/// Ticks after the last blow until one is out of combat, by the profile of the tests' scenes.
pub(crate) const CALM_TICKS: u32 = 100;

/// A flat scene with [`MORE`].
pub(crate) fn arena() -> TestScene {
    TestScene::of(&test_assets(&MORE), "scene/flat", 1, |_| {})
}

pub(crate) fn skill(scene: &TestScene, name: &str) -> Id<SkillDef> {
    scene.config.assets.skills.by_name(name).expect("the skill is in the game data")
}

/// Asks for a cast; one tick passes.
pub(crate) fn cast(scene: &mut TestScene, caster: SimId, name: &str, target: CastTarget) {
    let command = CastCommand { skill: skill(scene, name), target };
    scene.command(caster, &command);
    scene.tick();
}

/// Everything of one kind that was told in the last tick.
pub(crate) fn told<M: Message + Clone>(scene: &TestScene) -> Vec<M> {
    scene.scene.world().resource::<Messages<M>>().iter_current_update_messages().cloned().collect()
}

/// Why the last tick refused something.
pub(crate) fn refusals(scene: &TestScene) -> Vec<&'static str> {
    told::<CommandRejected>(scene).iter().map(|told| told.reason).collect()
}

/// Has an effect of one actor reach another in the next tick, without any skill's rules.
pub(crate) fn strike(scene: &mut TestScene, source: SimId, target: SimId, what: EffectAction) {
    let faction = *scene.get::<sim::actor::Faction>(source);
    let worth = scene.get::<Attributes>(source).worth(*scene.get::<Level>(source), faction);
    let (origin, periodic, depth) = (Origin::World, false, 0);
    scene.scene.world_mut().write_message(EffectQueued { source, target, worth, what, origin, periodic, depth });
}

/// Kills in the next tick.
pub(crate) fn kill(scene: &mut TestScene, source: SimId, target: SimId) {
    strike(scene, source, target, EffectAction::Damage { formula: None, school: School::Physical, coef: u32::MAX });
    scene.tick();
    assert!(scene.get::<Vitals>(target).is_dead());
}

/// Has a blow of so many thousandths of attack reach another; one tick passes.
pub(crate) fn hurt(scene: &mut TestScene, source: SimId, target: SimId, coef: u32) {
    strike(scene, source, target, EffectAction::Damage { formula: None, school: School::Physical, coef });
    scene.tick();
}

pub(crate) fn hp(scene: &TestScene, id: SimId) -> u32 {
    scene.get::<Vitals>(id).hp
}

#[test]
fn a_blow_takes_what_the_formula_says_and_is_logged_once() {
    let mut scene = TestScene::flat();
    let (fighter, dummy) = (scene.player_at(0.0, 0.0), scene.monster_at("monster/dummy", 2.0, 0.0));
    scene.tick();
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    let lost = 100_000 - hp(&scene, dummy);
    assert!((24..=26).contains(&lost), "50 attack, half kept off, 5 % up or down: {lost}");
    let entry = HealthChanged {
        target: dummy,
        source: fighter,
        amount: -i32::try_from(lost).unwrap(),
        kind: HealthKind::Direct,
        outcome: Outcome::Hit,
        school: School::Physical,
        absorbed: 0,
        over: 0,
        origin: Origin::Skill(skill(&scene, "skill/strike")),
    };
    assert_eq!(told::<HealthChanged>(&scene), [entry]);
    assert_eq!(scene.scene.world().resource::<Counters>().count(COMBAT, "hit"), 1);
}

#[test]
fn friends_do_not_hurt_one_another() {
    let mut scene = TestScene::flat();
    let (fighter, friend) = (scene.player_at(0.0, 0.0), scene.player_at(1.0, 0.0));
    scene.tick();
    cast(&mut scene, fighter, "skill/quake", CastTarget::Caster);
    assert_eq!(hp(&scene, friend), 500);
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(friend));
    strike(&mut scene, fighter, friend, EffectAction::Damage { formula: None, school: School::Physical, coef: 1_000 });
    scene.tick();
    assert_eq!(hp(&scene, friend), 500);
}

#[test]
fn the_invulnerable_lose_nothing() {
    let mut scene = arena();
    let (stone, dummy) = (scene.player_of_class("class/stone", 0.0, 0.0), scene.monster_at("monster/dummy", 2.0, 0.0));
    scene.tick();
    cast(&mut scene, stone, "skill/aegis", CastTarget::Caster);
    strike(&mut scene, dummy, stone, EffectAction::Damage { formula: None, school: School::Physical, coef: 100_000 });
    scene.tick();
    assert_eq!(hp(&scene, stone), 1_000);
}

#[test]
fn a_dead_player_lies_still_and_stands_at_a_spawn_point_after_10_seconds() {
    let mut scene = TestScene::flat();
    let (fighter, dummy) = (scene.player_at(40.0, 0.0), scene.monster_at("monster/dummy", 42.0, 0.0));
    scene.tick();
    strike(
        &mut scene,
        dummy,
        fighter,
        EffectAction::Damage { formula: None, school: School::Physical, coef: u32::MAX },
    );
    scene.tick();
    assert_eq!(told::<Died>(&scene), [Died { who: fighter, killer: Some(dummy) }]);
    assert_eq!(scene.get::<Motion>(fighter).speed_bp, 0);
    for tick in 1..200 {
        scene.tick();
        assert!(scene.get::<Vitals>(fighter).is_dead(), "alive after {tick} ticks");
    }
    scene.tick();
    assert_eq!(*scene.get::<Vitals>(fighter), Vitals::full(500));
    scene.tick();
    let place = scene.position(fighter);
    assert!(place.length() <= 5.0, "within the spawn point's disc: {place}");
    assert!(scene.get::<Motion>(fighter).speed_bp > 0);
}

#[test]
fn the_dead_are_not_hurt_again_and_not_healed() {
    let mut scene = TestScene::flat();
    let (fighter, friend) = (scene.player_at(0.0, 0.0), scene.player_at(1.0, 0.0));
    let dummy = scene.monster_at("monster/dummy", 2.0, 0.0);
    kill(&mut scene, dummy, fighter);
    strike(&mut scene, dummy, fighter, EffectAction::Damage { formula: None, school: School::Physical, coef: 1_000 });
    strike(&mut scene, friend, fighter, EffectAction::Heal { formula: None, coef: 1_000 });
    scene.tick();
    assert!(told::<HealthChanged>(&scene).is_empty() && told::<Died>(&scene).is_empty());
    assert_eq!(hp(&scene, fighter), 0);
}

#[test]
fn two_fatal_blows_in_one_tick_are_one_death_by_the_first() {
    let mut scene = TestScene::flat();
    let (one, other) = (scene.player_at(0.0, 0.0), scene.player_at(1.0, 0.0));
    let rat = scene.monster_at("monster/rat", 2.0, 0.0);
    for source in [other, one] {
        strike(
            &mut scene,
            source,
            rat,
            EffectAction::Damage { formula: None, school: School::Physical, coef: 100_000 },
        );
    }
    scene.tick();
    assert_eq!(told::<Died>(&scene), [Died { who: rat, killer: Some(one.min(other)) }]);
}

#[test]
fn hit_points_come_back_three_times_as_fast_out_of_combat() {
    let mut scene = TestScene::flat();
    let (fighter, dummy) = (scene.player_at(0.0, 0.0), scene.monster_at("monster/dummy", 90.0, 0.0));
    strike(&mut scene, dummy, fighter, EffectAction::Damage { formula: None, school: School::Physical, coef: 300_000 });
    scene.tick();
    let before = hp(&scene, fighter);
    scene.ticks(CALM_TICKS - 20);
    assert_eq!(hp(&scene, fighter) - before, 8, "2 a second for 4 s");
    scene.ticks(40);
    let calm = hp(&scene, fighter);
    scene.ticks(100);
    assert_eq!(hp(&scene, fighter) - calm, 30, "6 a second for 5 s");
}

#[test]
fn a_lower_maximum_takes_what_is_above_it_and_says_so() {
    let mut scene = arena();
    let (stone, rat) = (scene.player_of_class("class/stone", 0.0, 0.0), scene.monster_at("monster/king", 9.0, 0.0));
    scene.tick();
    cast(&mut scene, stone, "skill/frailty", CastTarget::Unit(rat));
    assert_eq!(*scene.get::<Vitals>(rat), Vitals::full(50));
    let entry = HealthChanged::own(rat, -50, HealthKind::Limit);
    assert_eq!(told::<HealthChanged>(&scene), [entry]);
    scene.ticks(41);
    assert_eq!(scene.get::<Vitals>(rat).hp_max, 100);
}

#[test]
fn the_log_adds_up_to_every_hit_point_in_a_long_fight() {
    let mut scene = arena();
    let stone = scene.player_of_class("class/stone", 0.0, 0.0);
    let dummy = scene.monster_at("monster/dummy", 0.0, 2.0);
    scene.tick();
    let mut expected = [i64::from(hp(&scene, stone)), i64::from(hp(&scene, dummy))];
    let mut crits = 0;
    for round in 0..400 {
        let name = ["skill/stab", "skill/bolt", "skill/frailty", "skill/mend"][round % 4];
        let target = if name == "skill/mend" { CastTarget::Caster } else { CastTarget::Unit(dummy) };
        cast(&mut scene, stone, name, target);
        for entry in told::<HealthChanged>(&scene) {
            assert!(entry.amount != 0 || entry.over > 0, "{entry:?}");
            expected[usize::from(entry.target == dummy)] += i64::from(entry.amount);
            crits += u32::from(entry.is_crit());
        }
        assert_eq!(expected, [i64::from(hp(&scene, stone)), i64::from(hp(&scene, dummy))], "round {round}");
    }
    assert!(crits > 0, "a fifth of the blows are critical");
}
