//! Buffs: what they do while they last, and how they end. Stacking has its own tests beside its code.

use bevy_ecs::change_detection::DetectChanges;
use sim::actor::{Concealment, Motion};
use sim::assets::{AttributeId, School, TagId};
use sim::features::buffs::{ActiveBuffs, Tags};
use sim::features::combat::{Attributes, EffectAction, HealthChanged, HealthKind};
use sim::ids::SimId;
use sim::input::{SceneInput, SceneOutput};
use sim::intent::CastTarget;
use sim::testing::TestScene;

use crate::combat::{arena, cast, hp, kill, strike, told};

fn apply(scene: &mut TestScene, source: SimId, target: SimId, effect: &str) {
    let effect = scene.config.assets.effects.by_name(effect).unwrap();
    strike(scene, source, target, EffectAction::Apply { effect, chance_pct: 100 });
    scene.tick();
}

fn duel() -> (TestScene, SimId, SimId) {
    let mut scene = arena();
    let (fighter, dummy) = (scene.player_at(0.0, 0.0), scene.monster_at("monster/dummy", 30.0, 0.0));
    scene.tick();
    (scene, fighter, dummy)
}

#[test]
fn a_burn_hurts_once_a_second_and_last_when_it_ends() {
    let (mut scene, fighter, dummy) = duel();
    apply(&mut scene, fighter, dummy, "effect/burn");
    let mut hurt_at = Vec::new();
    for tick in 1..=100 {
        scene.tick();
        let log = told::<HealthChanged>(&scene);
        assert!(
            log.iter().all(|entry| entry.kind == HealthKind::Periodic && entry.source == fighter && !entry.is_crit())
        );
        hurt_at.extend(log.iter().map(|_| tick));
    }
    assert_eq!(hurt_at, [20, 40, 60, 80]);
    assert!(scene.get::<ActiveBuffs>(dummy).is_empty());
}

#[test]
fn stacks_multiply_what_a_period_does() {
    let (mut scene, fighter, dummy) = duel();
    for _ in 0..5 {
        apply(&mut scene, fighter, dummy, "effect/burn");
    }
    scene.ticks(16);
    let log = told::<HealthChanged>(&scene);
    assert_eq!(log.len(), 1);
    // 3 stacks of a tenth of 50 attack, half kept off by defence: 7.5, 5 % up or down.
    assert!((-8..=-7).contains(&log[0].amount), "{}", log[0].amount);
}

#[test]
fn modifiers_last_as_long_as_their_buff() {
    let (mut scene, fighter, _) = duel();
    cast(&mut scene, fighter, "skill/rage", CastTarget::Caster);
    let attributes = scene.get::<Attributes>(fighter);
    assert_eq!(attributes.current(AttributeId::ATTACK), 55);
    assert_eq!(scene.get::<Motion>(fighter).speed_bp, 11_000);
    scene.ticks(19);
    cast(&mut scene, fighter, "skill/rage", CastTarget::Caster);
    assert_eq!(scene.get::<Attributes>(fighter).current(AttributeId::ATTACK), 60, "per stack");
    assert_eq!(scene.get::<Motion>(fighter).speed_bp, 11_000, "not per stack");
    scene.ticks(199);
    assert_eq!(scene.get::<Attributes>(fighter).current(AttributeId::ATTACK), 60);
    scene.tick();
    assert_eq!(scene.get::<Attributes>(fighter).current(AttributeId::ATTACK), 50);
    assert_eq!(scene.get::<Motion>(fighter).speed_bp, 10_000);
}

#[test]
fn the_stunned_and_the_rooted_do_not_move_until_it_is_over() {
    for (effect, state) in [("effect/daze", TagId::STUNNED), ("effect/roots", TagId::ROOTED)] {
        let (mut scene, fighter, dummy) = duel();
        apply(&mut scene, dummy, fighter, effect);
        assert!(scene.get::<Tags>(fighter).has(state));
        let place = scene.position(fighter);
        for _ in 0..39 {
            scene.walk(fighter, glam::Vec2::X);
            scene.tick();
            assert_eq!(scene.position(fighter), place, "{effect}");
        }
        scene.ticks(1);
        scene.walk(fighter, glam::Vec2::X);
        scene.tick();
        assert!(scene.position(fighter).x > place.x, "{effect}");
    }
}

#[test]
fn damage_and_attacking_reveal_the_hidden() {
    let (mut scene, fighter, dummy) = duel();
    cast(&mut scene, fighter, "skill/vanish", CastTarget::Caster);
    assert!(scene.get::<Concealment>(fighter).stealth);
    strike(&mut scene, dummy, fighter, EffectAction::Damage { formula: None, school: School::Physical, coef: 1_000 });
    scene.tick();
    assert!(!scene.get::<Concealment>(fighter).stealth);
    scene.ticks(20);
    cast(&mut scene, fighter, "skill/vanish", CastTarget::Caster);
    scene.place(fighter, 28.0, 0.0);
    scene.ticks(20);
    assert!(scene.get::<Concealment>(fighter).stealth);
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    assert!(!scene.get::<Concealment>(fighter).stealth);
}

#[test]
fn death_ends_all_but_what_persists() {
    let (mut scene, fighter, dummy) = duel();
    cast(&mut scene, fighter, "skill/rage", CastTarget::Caster);
    apply(&mut scene, dummy, fighter, "effect/burn");
    assert_eq!(scene.get::<ActiveBuffs>(fighter).iter().len(), 2);
    kill(&mut scene, dummy, fighter);
    let left: Vec<_> = scene.get::<ActiveBuffs>(fighter).iter().map(|buff| buff.effect).collect();
    assert_eq!(left, [scene.config.assets.effects.by_name("effect/might").unwrap()]);
}

#[test]
fn harm_does_not_stick_to_friends_nor_help_to_enemies() {
    let (mut scene, fighter, dummy) = duel();
    let friend = scene.player_at(3.0, 0.0);
    apply(&mut scene, fighter, friend, "effect/burn");
    apply(&mut scene, fighter, dummy, "effect/might");
    assert!(scene.get::<ActiveBuffs>(friend).is_empty() && scene.get::<ActiveBuffs>(dummy).is_empty());
}

#[test]
fn a_chance_of_30_percent_applies_in_30_percent() {
    let (mut scene, fighter, dummy) = duel();
    let effect = scene.config.assets.effects.by_name("effect/hush").unwrap();
    let mut applied = 0;
    for _ in 0..400 {
        strike(&mut scene, fighter, dummy, EffectAction::Apply { effect, chance_pct: 30 });
        let before = scene.get::<ActiveBuffs>(dummy).of(effect).map(|buff| buff.end_tick);
        scene.tick();
        applied += u32::from(scene.get::<ActiveBuffs>(dummy).of(effect).map(|buff| buff.end_tick) > before);
    }
    assert!((90..=150).contains(&applied), "{applied} of 400");
}

#[test]
fn a_list_that_does_not_change_is_not_marked_as_changed() {
    let (mut scene, fighter, dummy) = duel();
    apply(&mut scene, fighter, dummy, "effect/burn");
    let changed = |scene: &TestScene| {
        let entity = scene.scene.world().entity(scene.entity(dummy));
        entity.get_ref::<ActiveBuffs>().unwrap().last_changed()
    };
    let before = changed(&scene);
    scene.ticks(79);
    assert!(hp(&scene, dummy) < 100_000);
    assert_eq!(changed(&scene), before);
    scene.tick();
    assert_ne!(changed(&scene), before);
}

#[test]
fn what_persists_travels_with_the_time_that_is_left() {
    let (mut scene, fighter, _) = duel();
    cast(&mut scene, fighter, "skill/rage", CastTarget::Caster);
    scene.ticks(50);
    let player = scene.player_of(fighter).0;
    scene.scene.push(SceneInput::Leave { player });
    scene.tick();
    let Some(SceneOutput::Departed { character, .. }) = scene.scene.take_outputs().pop() else { panic!("it left") };
    scene.ticks(500);
    scene.scene.push(SceneInput::Join { player, character, spawn_point: None });
    scene.tick();
    let (fighter, _) = scene.scene.world().resource::<sim::input::Players>().0[&sim::ids::PlayerId(player)];
    assert_eq!(scene.get::<Attributes>(fighter).current(AttributeId::ATTACK), 55);
    scene.ticks(147);
    assert_eq!(scene.get::<ActiveBuffs>(fighter).iter().len(), 1);
    scene.ticks(3);
    assert!(scene.get::<ActiveBuffs>(fighter).is_empty());
}
