//! Skills: every reason for which a cast is refused, and the life of one that is not.

use glam::{Vec2, Vec3};
use sim::actor::Heading;
use sim::assets::School;
use sim::features::buffs::ActiveBuffs;
use sim::features::combat::{EffectAction, HealthChanged};
use sim::features::skills::{CastEnded, CastOutcome, Casting, Cooldowns, Mana, StopCastCommand};
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::testing::{TestScene, test_assets};

use crate::combat::{MORE, arena, cast, hp, kill, refusals, skill, strike, told};

const BOLT_TICKS: u32 = 30;

/// A fighter at the origin and a dummy in front of it, both in view of one another.
fn duel(dummy_x: f32) -> (TestScene, SimId, SimId) {
    let mut scene = arena();
    let (fighter, dummy) = (scene.player_at(0.0, 0.0), scene.monster_at("monster/dummy", dummy_x, 0.0));
    scene.tick();
    (scene, fighter, dummy)
}

fn outcomes(scene: &TestScene) -> Vec<CastOutcome> {
    told::<CastEnded>(scene).iter().map(|ended| ended.outcome).collect()
}

fn apply(scene: &mut TestScene, source: SimId, target: SimId, effect: &str) {
    let effect = scene.config.assets.effects.by_name(effect).unwrap();
    strike(scene, source, target, EffectAction::Apply { effect, chance_pct: 100 });
    scene.tick();
}

#[test]
fn an_instant_skill_takes_effect_in_the_tick_it_is_asked_for() {
    let (mut scene, fighter, dummy) = duel(2.0);
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    assert_eq!(outcomes(&scene), [CastOutcome::Finished]);
    assert!(hp(&scene, dummy) < 100_000);
}

#[test]
fn a_cast_takes_its_time_and_is_paid_at_its_start() {
    let (mut scene, fighter, dummy) = duel(10.0);
    cast(&mut scene, fighter, "skill/bolt", CastTarget::Unit(dummy));
    assert_eq!(scene.get::<Mana>(fighter).mp, 80);
    assert!(scene.get::<Casting>(fighter).0.is_some());
    for _ in 1..BOLT_TICKS {
        scene.tick();
        assert_eq!(hp(&scene, dummy), 100_000);
    }
    scene.tick();
    assert_eq!(outcomes(&scene), [CastOutcome::Finished]);
    assert!(hp(&scene, dummy) < 100_000 && scene.get::<Casting>(fighter).0.is_none());
    assert_eq!(scene.get::<ActiveBuffs>(dummy).iter().len(), 1, "it burns");
}

#[test]
fn the_global_cooldown_and_the_skills_own_refuse_by_name() {
    let (mut scene, fighter, dummy) = duel(2.0);
    cast(&mut scene, fighter, "skill/quake", CastTarget::Caster);
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["gcd"]);
    scene.ticks(18);
    cast(&mut scene, fighter, "skill/quake", CastTarget::Caster);
    assert_eq!(refusals(&scene), ["cooldown"]);
    scene.ticks(200 - 20 - 1);
    cast(&mut scene, fighter, "skill/quake", CastTarget::Caster);
    assert!(refusals(&scene).is_empty(), "10 s after it began");
}

#[test]
fn without_mana_nothing_is_cast() {
    let (mut scene, fighter, dummy) = duel(10.0);
    let entity = scene.entity(fighter);
    scene.scene.world_mut().entity_mut(entity).insert(Mana { mp: 19, mp_max: 100 });
    cast(&mut scene, fighter, "skill/bolt", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["mana"]);
}

#[test]
fn who_is_not_there_and_who_cannot_be_seen_are_refused_alike() {
    let (mut scene, fighter, dummy) = duel(2.0);
    let far = scene.monster_at("monster/dummy", 200.0, 0.0);
    for hidden in [SimId::new(999, 0), far] {
        cast(&mut scene, fighter, "skill/bolt", CastTarget::Unit(hidden));
        assert_eq!(refusals(&scene), ["no_target"]);
    }
    apply(&mut scene, dummy, dummy, "effect/hidden");
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["no_target"]);
    cast(&mut scene, fighter, "skill/strike", CastTarget::Caster);
    assert_eq!(refusals(&scene), ["no_target"], "an enemy must be named");
}

#[test]
fn the_dead_and_the_wrong_side_are_wrong_targets() {
    let (mut scene, fighter, dummy) = duel(2.0);
    cast(&mut scene, fighter, "skill/mend", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["wrong_target"]);
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(fighter));
    assert_eq!(refusals(&scene), ["wrong_target"]);
    kill(&mut scene, fighter, dummy);
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["wrong_target"]);
}

#[test]
fn out_of_range_is_out_of_range() {
    let (mut scene, fighter, dummy) = duel(3.1);
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["range"]);
    scene.place(dummy, 2.9, 0.0);
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    assert!(refusals(&scene).is_empty());
}

#[test]
fn a_wall_between_prevents_a_cast_and_protects_from_an_area() {
    let mut scene = TestScene::of(&test_assets(&MORE), "scene/walled", 1, |_| {});
    let stone = scene.player_of_class("class/stone", 4.0, 0.0);
    let (behind, before) = (scene.monster_at("monster/dummy", 6.0, 0.0), scene.monster_at("monster/dummy", 3.0, 1.0));
    scene.tick();
    cast(&mut scene, stone, "skill/bolt", CastTarget::Unit(behind));
    assert_eq!(refusals(&scene), ["line_of_sight"]);
    cast(&mut scene, stone, "skill/rain", CastTarget::Ground(Vec3::new(4.0, 0.0, 0.0)));
    assert_eq!((hp(&scene, behind), hp(&scene, before) < 100_000), (100_000, true));
}

#[test]
fn a_target_behind_is_refused_by_a_skill_with_an_arc() {
    let mut scene = arena();
    let (stone, dummy) = (scene.player_of_class("class/stone", 0.0, 0.0), scene.monster_at("monster/dummy", 2.0, 0.0));
    scene.tick();
    for (toward, expected) in [(Vec2::X, None), (-Vec2::X, Some("facing")), (Vec2::Y, Some("facing"))] {
        let entity = scene.entity(stone);
        scene.scene.world_mut().entity_mut(entity).insert(Heading::along(toward).unwrap());
        cast(&mut scene, stone, "skill/stab", CastTarget::Unit(dummy));
        assert_eq!(refusals(&scene).first().copied(), expected, "facing {toward}");
    }
}

#[test]
fn the_dead_the_stunned_and_the_silenced_cast_nothing() {
    let (mut scene, fighter, dummy) = duel(2.0);
    apply(&mut scene, dummy, fighter, "effect/hush");
    cast(&mut scene, fighter, "skill/bolt", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["silenced"]);
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    assert!(refusals(&scene).is_empty(), "a blow needs no voice");
    apply(&mut scene, dummy, fighter, "effect/daze");
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["stunned"]);
    kill(&mut scene, dummy, fighter);
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["dead"]);
}

#[test]
fn a_skill_of_another_class_is_unknown() {
    let (mut scene, fighter, dummy) = duel(2.0);
    cast(&mut scene, fighter, "skill/stab", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["unknown_skill"]);
}

#[test]
fn one_cast_at_a_time() {
    let (mut scene, fighter, dummy) = duel(2.0);
    cast(&mut scene, fighter, "skill/bolt", CastTarget::Unit(dummy));
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["casting"]);
    scene.ticks(BOLT_TICKS);
    let strike =
        sim::features::skills::CastCommand { skill: skill(&scene, "skill/strike"), target: CastTarget::Unit(dummy) };
    scene.command(fighter, &strike);
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["casting"], "the second of one tick");
    assert_eq!(told::<HealthChanged>(&scene).len(), 1);
}

#[test]
fn who_runs_cannot_begin_a_cast_that_running_would_end() {
    let (mut scene, fighter, dummy) = duel(10.0);
    scene.walk(fighter, Vec2::X);
    cast(&mut scene, fighter, "skill/bolt", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["moving"]);
    assert_eq!(scene.get::<Mana>(fighter).mp, 100);
}

#[test]
fn moving_and_stopping_break_a_cast_off_and_give_mana_and_cooldown_back() {
    for stop in [false, true] {
        let (mut scene, fighter, dummy) = duel(10.0);
        cast(&mut scene, fighter, "skill/bolt", CastTarget::Unit(dummy));
        scene.ticks(3);
        if stop {
            scene.command(fighter, &StopCastCommand);
        } else {
            scene.walk(fighter, Vec2::X);
        }
        scene.tick();
        assert_eq!(outcomes(&scene), [CastOutcome::Cancelled]);
        assert_eq!(scene.get::<Mana>(fighter).mp, 100);
        let (bolt, tick) = (skill(&scene, "skill/bolt"), scene.scene.tick_number());
        let cooldowns = scene.get::<Cooldowns>(fighter);
        assert!(
            !cooldowns.runs(bolt, &scene.config.assets.skills[bolt], tick) && cooldowns.gcd_runs(tick),
            "the global cooldown runs on"
        );
    }
}

#[test]
fn there_must_be_a_cast_to_stop_one() {
    let (mut scene, fighter, _) = duel(10.0);
    scene.command(fighter, &StopCastCommand);
    scene.tick();
    assert_eq!(refusals(&scene), ["not_casting"]);
}

#[test]
fn a_stun_and_a_silence_interrupt_a_cast_for_good() {
    for effect in ["effect/daze", "effect/hush"] {
        let (mut scene, fighter, dummy) = duel(10.0);
        cast(&mut scene, fighter, "skill/bolt", CastTarget::Unit(dummy));
        apply(&mut scene, dummy, fighter, effect);
        scene.tick();
        assert_eq!(outcomes(&scene), [CastOutcome::Interrupted]);
        assert_eq!(scene.get::<Mana>(fighter).mp, 80);
        let bolt = skill(&scene, "skill/bolt");
        let def = &scene.config.assets.skills[bolt];
        assert!(scene.get::<Cooldowns>(fighter).runs(bolt, def, scene.scene.tick_number()));
    }
}

#[test]
fn death_ends_a_cast() {
    let (mut scene, fighter, dummy) = duel(10.0);
    cast(&mut scene, fighter, "skill/bolt", CastTarget::Unit(dummy));
    kill(&mut scene, dummy, fighter);
    scene.tick();
    assert_eq!(outcomes(&scene), [CastOutcome::Interrupted]);
}

#[test]
fn a_target_may_run_a_tenth_beyond_the_range_and_no_farther() {
    for (x, expected) in [(27.4, CastOutcome::Finished), (27.6, CastOutcome::Failed)] {
        let (mut scene, fighter, dummy) = duel(10.0);
        cast(&mut scene, fighter, "skill/bolt", CastTarget::Unit(dummy));
        scene.ticks(BOLT_TICKS - 1);
        scene.place(dummy, x, 0.0);
        scene.tick();
        assert_eq!(outcomes(&scene), [expected], "at {x} m");
    }
}

#[test]
fn an_area_hits_the_nearest_and_no_more_than_it_says() {
    let mut scene = TestScene::flat();
    let fighter = scene.player_at(0.0, 0.0);
    let at = [5.5, 1.0, 3.0, 4.0, 6.5_f32];
    let dummies = at.map(|x| scene.monster_at("monster/dummy", x, 0.0));
    scene.tick();
    cast(&mut scene, fighter, "skill/quake", CastTarget::Caster);
    let hurt = dummies.map(|dummy| hp(&scene, dummy) < 100_000);
    assert_eq!(hurt, [false, true, true, true, false], "three targets at most, 6 m around");
}

#[test]
fn a_cone_hits_in_front_only() {
    let mut scene = arena();
    let stone = scene.player_of_class("class/stone", 0.0, 0.0);
    let dummies =
        [(3.0, 0.5), (3.0, -2.5), (-3.0, 0.0), (0.5, 4.0)].map(|(x, z)| scene.monster_at("monster/dummy", x, z));
    scene.tick();
    let entity = scene.entity(stone);
    scene.scene.world_mut().entity_mut(entity).insert(Heading::along(Vec2::X).unwrap());
    cast(&mut scene, stone, "skill/sweep", CastTarget::Caster);
    assert_eq!(dummies.map(|dummy| hp(&scene, dummy) < 100_000), [true, true, false, false]);
}

#[test]
fn help_goes_to_a_friend_or_else_to_oneself() {
    let mut scene = TestScene::flat();
    let (healer, friend) = (scene.player_at(0.0, 0.0), scene.player_at(5.0, 0.0));
    let dummy = scene.monster_at("monster/dummy", 50.0, 0.0);
    for target in [healer, friend] {
        strike(
            &mut scene,
            dummy,
            target,
            EffectAction::Damage { formula: None, school: School::Physical, coef: 200_000 },
        );
    }
    scene.tick();
    let before = [hp(&scene, healer), hp(&scene, friend)];
    cast(&mut scene, healer, "skill/mend", CastTarget::Unit(friend));
    assert!(
        told::<HealthChanged>(&scene).iter().all(|entry| entry.target == friend && (47..=53).contains(&entry.amount))
    );
    assert!(hp(&scene, friend) >= before[1] + 47);
    scene.ticks(20);
    cast(&mut scene, healer, "skill/mend", CastTarget::Caster);
    assert!(hp(&scene, healer) >= before[0] + 47);
}
