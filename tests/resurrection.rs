//! Returning from the dead: an offer waits for an answer and keeps the spawn point waiting too.

use sim::features::combat::{
    EffectAction, HealthChanged, HealthKind, ReleaseCommand, Respawn, ReturnCommand, ReturnOffered, Vitals,
};
use sim::ids::SimId;
use sim::testing::{TestScene, test_assets};

use crate::combat::{MORE, arena, hp, kill, refusals, strike, told};

/// Ticks from death to the spawn point by the default profile.
const RESPAWN_TICKS: u32 = 200;

/// A dead player far from the spawn point, and a friend.
fn dead_and_friend(scene: &mut TestScene) -> (SimId, SimId) {
    let dead = scene.player_of_class("class/stone", 40.0, 0.0);
    let friend = scene.player_of_class("class/stone", 41.0, 0.0);
    let dummy = scene.monster_at("monster/dummy", 42.0, 0.0);
    scene.tick();
    kill(scene, dummy, dead);
    (dead, friend)
}

#[test]
fn whoever_accepts_lives_again_where_it_lies() {
    let mut scene = arena();
    let (dead, friend) = dead_and_friend(&mut scene);
    strike(&mut scene, friend, dead, EffectAction::Resurrect { hp_pct: 35 });
    scene.tick();
    assert_eq!(told::<ReturnOffered>(&scene), [ReturnOffered { who: dead, by: friend, hp_pct: 35 }]);
    assert!(scene.get::<Vitals>(dead).is_dead(), "it has not been asked yet");
    scene.command(dead, &ReturnCommand { accept: true });
    scene.tick();
    assert_eq!(*scene.get::<Vitals>(dead), Vitals { hp: 350, hp_max: 1_000, dead: false });
    let entry = HealthChanged { source: friend, ..HealthChanged::own(dead, 350, HealthKind::Respawn) };
    assert_eq!(told::<HealthChanged>(&scene), [entry]);
    assert!((scene.position(dead).x - 40.0).abs() < 0.1);
    scene.ticks(RESPAWN_TICKS + 2);
    assert!((scene.position(dead).x - 40.0).abs() < 0.1, "nobody takes the living to a spawn point");
}

#[test]
fn an_offer_keeps_the_spawn_point_waiting_until_it_is_declined() {
    let mut scene = arena();
    let (dead, friend) = dead_and_friend(&mut scene);
    strike(&mut scene, friend, dead, EffectAction::Resurrect { hp_pct: 35 });
    scene.ticks(RESPAWN_TICKS + 20);
    assert!(scene.get::<Vitals>(dead).is_dead());
    scene.command(dead, &ReturnCommand { accept: false });
    scene.ticks(4);
    assert_eq!(hp(&scene, dead), 1_000);
    scene.tick();
    assert!(scene.position(dead).length() <= 6.0);
}

#[test]
fn the_living_are_offered_nothing_and_no_offer_is_no_return() {
    let mut scene = arena();
    let (dead, friend) = dead_and_friend(&mut scene);
    strike(&mut scene, dead, friend, EffectAction::Resurrect { hp_pct: 35 });
    scene.tick();
    assert!(told::<ReturnOffered>(&scene).is_empty());
    scene.command(dead, &ReturnCommand { accept: true });
    scene.tick();
    assert_eq!(refusals(&scene), ["no_offer"]);
    assert!(scene.get::<Vitals>(dead).is_dead());
}

#[test]
fn whoever_returns_at_a_spawn_point_is_as_weak_as_the_profile_says() {
    let profile = r#"[(id: "combat/seed", resurrection: (release_pct: 40, sickness: ["effect/frailty"]))]"#;
    let more: Vec<(&str, &str)> = MORE.into_iter().chain([("combat/weak.ron", profile)]).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {});
    let (dead, _) = dead_and_friend(&mut scene);
    scene.ticks(RESPAWN_TICKS);
    assert_eq!(hp(&scene, dead), 400);
    scene.tick();
    assert_eq!(scene.get::<Vitals>(dead).hp_max, 500, "sick");
}

fn release(scene: &mut TestScene, who: SimId) {
    scene.command(who, &ReleaseCommand);
    scene.tick();
}

#[test]
fn whoever_asks_for_it_stands_at_the_spawn_point_at_once() {
    let mut scene = arena();
    let (dead, _) = dead_and_friend(&mut scene);
    scene.ticks(3);
    let at_tick = scene.get::<Respawn>(dead).at_tick.expect("it is dead");
    assert_eq!(at_tick, scene.scene.tick_number() - 3 + RESPAWN_TICKS);
    release(&mut scene, dead);
    assert!(refusals(&scene).is_empty() && scene.get::<Vitals>(dead).is_dead());
    release(&mut scene, dead);
    assert_eq!(refusals(&scene), ["released"]);
    assert_eq!((hp(&scene, dead), scene.get::<Respawn>(dead).at_tick), (1_000, None));
    assert!(scene.position(dead).length() <= 6.0, "{}", scene.position(dead));
    scene.ticks(RESPAWN_TICKS);
    release(&mut scene, dead);
    assert_eq!(refusals(&scene), ["alive"]);
}

#[test]
fn who_asks_to_be_taken_waits_for_no_offer() {
    let mut scene = arena();
    let (dead, friend) = dead_and_friend(&mut scene);
    strike(&mut scene, friend, dead, EffectAction::Resurrect { hp_pct: 35 });
    scene.tick();
    release(&mut scene, dead);
    scene.command(dead, &ReturnCommand { accept: true });
    scene.tick();
    assert_eq!((refusals(&scene), hp(&scene, dead)), (vec!["no_offer"], 1_000));
}

#[test]
fn how_soon_one_may_ask_is_the_profiles() {
    let profile = r#"(id: "combat/seed", resurrection: (release_after_ms: 2_000))"#;
    let more: Vec<(&str, &str)> = MORE.into_iter().chain([("combat/slow.ron", profile)]).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {});
    let (dead, _) = dead_and_friend(&mut scene);
    scene.ticks(38);
    release(&mut scene, dead);
    assert_eq!(refusals(&scene), ["too_soon"]);
    release(&mut scene, dead);
    assert!(refusals(&scene).is_empty());
    scene.tick();
    assert_eq!(hp(&scene, dead), 1_000);
}
