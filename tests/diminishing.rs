//! Diminishing returns in a scene: the published 100 / 50 / 25 / 0 %, the window, the cap between players, and where
//! it all does not count.

use sim::features::buffs::ActiveBuffs;
use sim::ids::SimId;
use sim::testing::{TestScene, test_assets};

use crate::combat::MORE;
use crate::effects::{apply, refused, stage};

const STUNS: &str = r#"[
    (id: "effect/blow", tags: ["crowd_control.stun"], duration: Ms(4_000), diminish: "stun", grants: ["state.stunned"]),
    (id: "effect/coma", tags: ["crowd_control.stun"], duration: Ms(40_000), diminish: "stun", grants: ["state.stunned"]),
    (id: "effect/net", tags: ["crowd_control.root"], duration: Ms(4_000), diminish: "root", grants: ["state.rooted"]),
]"#;

/// Two players whom nothing keeps from fighting.
fn players() -> (TestScene, SimId, SimId) {
    let arena = r#"(id: "scene/pit", name: "Pit", pvp: FreeForAll, bounds: (min: (-50.0, -50.0), max: (50.0, 50.0)),
        aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 100,
        geometry: [Heightfield(min: (-50.0, -50.0), cell_m: 50.0, columns: 2, rows: 2,
            heights: Inline([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]))],
        spawn_points: [(id: "spawn/pit", at: (0.0, 0.0), yaw_deg: 0.0, radius_m: 5.0)])"#;
    let more: Vec<(&str, &str)> =
        MORE.iter().copied().chain([("effects/own.ron", STUNS), ("scenes/pit.ron", arena)]).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/pit", 1, |_| {});
    let (one, other) = (scene.player_at(0.0, 0.0), scene.player_at(5.0, 0.0));
    scene.tick();
    (scene, one, other)
}

/// How many ticks an effect lasts that is applied now; waits for its end and a second more.
fn length(scene: &mut TestScene, source: SimId, target: SimId, effect: &str) -> u32 {
    let before = refused(scene, "diminished");
    apply(scene, source, target, effect);
    if refused(scene, "diminished") > before {
        return 0;
    }
    let mut length = 0;
    while !scene.get::<ActiveBuffs>(target).is_empty() {
        scene.tick();
        length += 1;
    }
    scene.ticks(20);
    length
}

#[test]
fn between_players_each_stun_lasts_half_of_the_one_before_and_the_fourth_not_at_all() {
    let (mut scene, one, other) = players();
    let lengths = [0; 4].map(|_| length(&mut scene, one, other, "effect/blow"));
    assert_eq!(lengths, [80, 40, 20, 0]);
    assert_eq!(length(&mut scene, one, other, "effect/net"), 80, "roots are another category");
    scene.ticks(300);
    assert_eq!(length(&mut scene, one, other, "effect/blow"), 80, "15 s after the end of the last all is forgotten");
}

#[test]
fn between_players_nothing_holds_longer_than_ten_seconds() {
    let (mut scene, one, other) = players();
    assert_eq!(length(&mut scene, one, other, "effect/coma"), 200);
    assert_eq!(length(&mut scene, one, other, "effect/coma"), 100);
}

#[test]
fn monsters_are_held_as_long_and_as_often_as_the_effect_says() {
    let (mut scene, fighter, dummy) = stage(STUNS);
    assert_eq!([0; 3].map(|_| length(&mut scene, fighter, dummy, "effect/blow")), [80; 3]);
    assert_eq!(length(&mut scene, fighter, dummy, "effect/coma"), 800);
}

#[test]
fn a_category_may_count_everywhere() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/shout", tags: ["crowd_control"], duration: Ms(4_000), diminish: "taunt", grants: ["shouted_at"])]"#,
    );
    assert_eq!([0; 4].map(|_| length(&mut scene, fighter, dummy, "effect/shout")), [80, 40, 20, 0]);
}
