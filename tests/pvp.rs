//! Fights between players: flags go up by will and by deed and come down after a while; a scene may forbid it all or
//! allow it to everyone.

use sim::features::combat::{Allegiance, HealthChanged};
use sim::features::party::PartyCommand;
use sim::features::pvp::{FlagCommand, PvpFlag};
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::testing::{TestScene, test_assets};

use crate::combat::{arena, cast, hp, told};

/// Ticks a flag stays up by the default profile.
const FLAG_TICKS: u32 = 6_000;

/// Two players of `class/stone`, a metre apart.
fn two(scene: &mut TestScene) -> (SimId, SimId) {
    let pair = (scene.player_of_class("class/stone", 0.0, 0.0), scene.player_of_class("class/stone", 0.4, 0.0));
    scene.ticks(2);
    pair
}

fn raise(scene: &mut TestScene, who: SimId) {
    scene.command(who, &FlagCommand { up: true });
    scene.tick();
}

fn is_flagged(scene: &TestScene, who: SimId) -> bool {
    scene.get::<Allegiance>(who).flagged
}

#[test]
fn whoever_attacks_a_flagged_player_is_flagged_too_and_others_are_left_alone() {
    let mut scene = arena();
    let (one, other) = two(&mut scene);
    cast(&mut scene, one, "skill/stab", CastTarget::Unit(other));
    assert_eq!(hp(&scene, other), 1_000, "nobody is flagged");
    raise(&mut scene, other);
    cast(&mut scene, other, "skill/stab", CastTarget::Unit(one));
    assert_eq!(hp(&scene, one), 1_000, "a flag is no weapon against those without");
    cast(&mut scene, one, "skill/stab", CastTarget::Unit(other));
    assert!(hp(&scene, other) < 1_000 && is_flagged(&scene, one));
    cast(&mut scene, other, "skill/stab", CastTarget::Unit(one));
    assert!(hp(&scene, one) < 1_000);
}

#[test]
fn a_flag_comes_down_some_time_after_it_was_lowered() {
    let mut scene = arena();
    let (one, _) = two(&mut scene);
    raise(&mut scene, one);
    scene.command(one, &FlagCommand { up: false });
    scene.ticks(FLAG_TICKS);
    assert!(is_flagged(&scene, one));
    scene.ticks(2);
    assert!(!is_flagged(&scene, one) && !scene.get::<PvpFlag>(one).wanted);
}

#[test]
fn an_area_does_not_hurt_the_flagged_by_the_way() {
    let mut scene = arena();
    let (one, other) = two(&mut scene);
    raise(&mut scene, other);
    let place = scene.position(other);
    cast(&mut scene, one, "skill/rain", CastTarget::Ground(place));
    assert_eq!(hp(&scene, other), 1_000);
    raise(&mut scene, one);
    cast(&mut scene, one, "skill/rain", CastTarget::Ground(place));
    assert!(hp(&scene, other) < 1_000);
}

#[test]
fn whoever_heals_a_flagged_player_in_a_fight_is_flagged() {
    let mut scene = arena();
    let (one, other) = two(&mut scene);
    let healer = scene.player_of_class("class/stone", 2.0, 0.0);
    scene.tick();
    raise(&mut scene, other);
    cast(&mut scene, one, "skill/stab", CastTarget::Unit(other));
    assert!(!is_flagged(&scene, healer));
    cast(&mut scene, healer, "skill/mend", CastTarget::Unit(other));
    assert!(is_flagged(&scene, healer));
}

#[test]
fn a_party_does_not_fight_itself_even_where_everyone_may() {
    let free = r#"[(id: "scene/pit", bounds: (min: (-50.0, -50.0), max: (50.0, 50.0)), pvp: FreeForAll,
        aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 100,
        spawn_points: [(id: "spawn/pit", at: (0.0, 0.0))])]"#;
    let more: Vec<(&str, &str)> = crate::combat::MORE.into_iter().chain([("scenes/pit.ron", free)]).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/pit", 1, |_| {});
    let (one, other) = two(&mut scene);
    cast(&mut scene, one, "skill/stab", CastTarget::Unit(other));
    let hurt = hp(&scene, other);
    assert!(hurt < 1_000, "everyone may");
    scene.command(one, &PartyCommand::Invite { whom: other });
    scene.tick();
    scene.command(other, &PartyCommand::Accept);
    scene.ticks(2);
    cast(&mut scene, one, "skill/stab", CastTarget::Unit(other));
    assert!(told::<HealthChanged>(&scene).is_empty());
}
