//! Areas of every shape against brute force: while everyone moves about, each holds exactly whom arithmetic in another
//! way says it does, the right ones first when it is full.

use glam::{Vec2, Vec3};
use sim::actor::{Heading, Position};
use sim::features::skills::{Area, Lasting};
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::random::{Random, Stream};
use sim::testing::{TestScene, test_assets};

use crate::combat::{cast, hp};

/// Every shape by a skill that lays it at a place, and a cone that goes with its caster.
const DATA: [(&str, &str); 3] = [
    (
        "areas/shapes.ron",
        r#"[
        (id: "area/circle", radius_m: 6, duration_ms: 4_000, period_ms: 1_000, filter: Enemy, on_tick: [Damage(coef: 1)]),
        (id: "area/cone", shape: Cone(angle_deg: 100), radius_m: 9, duration_ms: 4_000, period_ms: 1_000, filter: Enemy, on_tick: [Damage(coef: 1)]),
        (id: "area/wall", shape: Rectangle(length_m: 3, width_m: 16), duration_ms: 4_000, period_ms: 1_000, filter: Enemy, on_tick: [Damage(coef: 1)]),
        (id: "area/road", shape: Line(length_m: 14, width_m: 5), duration_ms: 4_000, period_ms: 1_000, filter: Enemy, targets_max: 3, on_tick: [Damage(coef: 1)]),
        (id: "area/breath", shape: Cone(angle_deg: 60), radius_m: 12, duration_ms: 4_000, period_ms: 1_000, filter: Enemy, follows: true, on_tick: [Damage(coef: 1)]),
    ]"#,
    ),
    (
        "skills/shapes.ron",
        r#"[
        (id: "skill/circle", target: Ground(range_m: 30, radius_m: 1, filter: Enemy, targets_max: 8), timeline: [(at: Finish, do: [Area(area: "area/circle")])]),
        (id: "skill/cone", target: Ground(range_m: 30, radius_m: 1, filter: Enemy, targets_max: 8), timeline: [(at: Finish, do: [Area(area: "area/cone")])]),
        (id: "skill/wall", target: Ground(range_m: 30, radius_m: 1, filter: Enemy, targets_max: 8), timeline: [(at: Finish, do: [Area(area: "area/wall")])]),
        (id: "skill/road", target: Ground(range_m: 30, radius_m: 1, filter: Enemy, targets_max: 8), timeline: [(at: Finish, do: [Area(area: "area/road")])]),
        (id: "skill/breath", target: Caster, timeline: [(at: Finish, do: [Area(area: "area/breath")])]),
    ]"#,
    ),
    (
        "classes/shapes.ron",
        r#"(id: "class/shaper", movement: "move/test",
        attributes: {"hp_max": Flat(100000), "attack": Flat(100), "armor": Flat(0)},
        skills: ["skill/circle", "skill/cone", "skill/wall", "skill/road", "skill/breath"])"#,
    ),
];

fn scene() -> (TestScene, SimId) {
    let mut scene = TestScene::of(&test_assets(&DATA), "scene/flat", 1, |_| {});
    let shaper = scene.player_of_class("class/shaper", 0.0, 0.0);
    (scene, shaper)
}

/// Where someone stands in an area's own axes: metres to the right and ahead of its place.
fn within(place: Vec3, heading: f32, at: Vec3) -> (f32, f32) {
    let turned = Vec2::from_angle(heading).rotate(Vec2::new(at.x - place.x, at.z - place.z));
    (turned.x, turned.y)
}

/// By what an area has someone at a place, if at all: asked by coordinates and angles. `None` where rounding decides.
fn expected(area: &str, (right, ahead): (f32, f32)) -> Option<Option<f32>> {
    let distance = right.hypot(ahead);
    let angle_deg = right.atan2(ahead).to_degrees().abs();
    let (limits, order) = match area {
        "area/circle" => (vec![(distance, 6.0)], distance),
        "area/cone" => (vec![(distance, 9.0), (angle_deg, 50.0)], distance),
        "area/breath" => (vec![(distance, 12.0), (angle_deg, 30.0)], distance),
        "area/wall" => (vec![(ahead.abs(), 1.5), (right.abs(), 8.0)], distance),
        _ => (vec![(ahead, 14.0), (-ahead, 0.0), (right.abs(), 2.5)], ahead),
    };
    let is_clear = distance > 1.0 && limits.iter().all(|(value, limit)| (value - limit).abs() > 0.02);
    is_clear.then(|| limits.iter().all(|(value, limit)| value <= limit).then_some(order))
}

/// Everything that lies there: what, where, which way, and who is in it.
fn lying(scene: &mut TestScene) -> Vec<(String, Vec3, f32, Vec<SimId>)> {
    let world = scene.scene.world_mut();
    let mut areas = world.query::<(&Area, &Position, &Heading, &Lasting)>();
    areas
        .iter(world)
        .map(|(area, at, heading, _)| (area.def().id.clone(), at.0, heading.0, area.inside().to_vec()))
        .collect()
}

#[test]
fn every_shape_holds_whom_brute_force_says_the_right_ones_first() {
    let (mut scene, shaper) = scene();
    let dummies: Vec<SimId> = (0..24).map(|_| scene.monster_at("monster/dummy", 20.0, 20.0)).collect();
    scene.ticks(2);
    let (mut held, mut left_out) = (0, 0);
    for round in 0..240 {
        let mut draw = Random::new(7).draw(round, shaper, Stream("areas"), 0);
        let mut metres = |most: u32| draw.below(most * 100) as f32 / 50.0 - most as f32;
        if round % 20 == 0 {
            let (x, z) = (metres(9), metres(9));
            for name in ["skill/circle", "skill/cone", "skill/wall", "skill/road", "skill/breath"] {
                cast(&mut scene, shaper, name, CastTarget::Ground(Vec3::new(x, 0.0, z)));
            }
        }
        dummies.iter().for_each(|&id| scene.place(id, metres(13), metres(13)));
        let entity = scene.entity(shaper);
        scene.scene.world_mut().entity_mut(entity).insert(Heading(metres(3)));
        // The grid knows them where they are from the second tick on.
        scene.ticks(2);
        let places: Vec<(SimId, Vec3)> = dummies.iter().map(|&id| (id, scene.position(id))).collect();
        for (area, place, heading, inside) in lying(&mut scene) {
            let judged: Vec<_> =
                places.iter().map(|(id, at)| (*id, expected(&area, within(place, heading, *at)))).collect();
            if judged.iter().any(|(_, order)| order.is_none()) {
                continue;
            }
            let mut wanted: Vec<(f32, SimId)> =
                judged.into_iter().filter_map(|(id, order)| Some((order.flatten()?, id))).collect();
            wanted.sort_by(|(a, one), (b, other)| a.total_cmp(b).then(one.cmp(other)));
            let most = if area == "area/road" { 3 } else { 32 };
            left_out += wanted.len().saturating_sub(most);
            wanted.truncate(most);
            let wanted: Vec<SimId> = wanted.into_iter().map(|(_, id)| id).collect();
            assert_eq!(inside, wanted, "{area} at {place} along {heading} in round {round}");
            held += wanted.len();
        }
    }
    assert!(held > 2_000 && left_out > 20, "{held} were in one, {left_out} had no room");
}

#[test]
fn a_wall_across_the_way_burns_who_stands_in_it_and_not_who_stands_before_it() {
    let (mut scene, shaper) = scene();
    let [at_its_end, before_it] = [(10.0, 7.0), (6.0, 0.0)].map(|(x, z)| scene.monster_at("monster/dummy", x, z));
    scene.ticks(2);
    let before = [at_its_end, before_it].map(|id| hp(&scene, id));
    cast(&mut scene, shaper, "skill/wall", CastTarget::Ground(Vec3::new(10.0, 0.0, 0.0)));
    scene.ticks(30);
    let lost = [(at_its_end, before[0]), (before_it, before[1])].map(|(id, before)| before - hp(&scene, id));
    assert!(lost[0] > 0 && lost[1] == 0, "{lost:?}");
}
