//! What flies, what moves bodies by force, and what lies on the ground, against closed forms: arcs by gravity, arrows through
//! rows, leaps and pulls along a line, and areas by who stood in them when.

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};
use sim::actor::Heading;
use sim::features::combat::{EffectAction, HealthChanged, Push};
use sim::features::skills::{Area, Projectile};
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::interest::Interest;
use sim::random::{Random, Stream};
use sim::testing::{TestScene, test_assets};

use crate::combat::{cast, hp, refusals, strike, told};
use crate::effects::apply;
use crate::skill_shapes::{EXACT, post};

/// Height above the feet from which things are launched and at which they are aimed, in metres.
const CHEST_M: f32 = 1.2;
/// Length of a tick in seconds.
const TICK_S: f32 = 0.05;

const FLIGHTS: [(&str, &str); 5] = [
    ("effects/flights.ron", r#"[(id: "effect/shroud", duration: Infinite, grants: ["state.ghost"])]"#),
    (
        "skills/flights.ron",
        r#"[
        (id: "skill/mortar", target: Ground(range_m: 40, radius_m: 1, filter: Enemy, targets_max: 1),
         timeline: [(at: Finish, do: [Launch(projectile: "projectile/shell")])]),
        (id: "skill/arrow0", target: Caster, timeline: [(at: Finish, do: [Launch(projectile: "projectile/arrow0")])]),
        (id: "skill/arrow2", target: Caster, timeline: [(at: Finish, do: [Launch(projectile: "projectile/arrow2")])]),
        (id: "skill/arrow9", target: Caster, timeline: [(at: Finish, do: [Launch(projectile: "projectile/arrow9")])]),
        (id: "skill/mire", target: Ground(range_m: 40, radius_m: 1, filter: Enemy, targets_max: 8),
         timeline: [(at: Finish, do: [Area(area: "area/mire")])]),
        (id: "skill/leap", target: Caster, timeline: [(at: Finish, do: [Displace(Leap(distance_m: 7))])]),
        (id: "skill/charge", target: Unit(filter: Enemy, range_m: 30), timeline: [(at: Hit, do: [Displace(ChargeTo(distance_m: 12))])]),
        (id: "skill/pull", target: Unit(filter: Enemy, range_m: 30), timeline: [(at: Hit, do: [Displace(Pull(distance_m: 9))])]),
    ]"#,
    ),
    (
        "projectiles/flights.ron",
        r#"[
        (id: "projectile/shell", speed_mps: 12, path: Ballistic(gravity_mps2: 9.8), radius_m: 0.1, filter: Enemy, on_hit: [Damage(coef: 77)],
         range_m: 100),
        (id: "projectile/arrow0", speed_mps: 37, path: Straight, radius_m: 0.1, filter: Enemy, range_m: 30, on_hit: [Damage(coef: 10)],
         on_miss: [Gain(attr: "mana", amount: 5)]),
        (id: "projectile/arrow2", extends: "projectile/arrow0", pierce: 2),
        (id: "projectile/arrow9", extends: "projectile/arrow0", pierce: 9),
    ]"#,
    ),
    (
        "areas/flights.ron",
        r#"[(id: "area/mire", radius_m: 5, duration_ms: 6_000, period_ms: 700, filter: Enemy, on_enter: [Damage(coef: 1_000)],
             on_leave: [Damage(coef: 100_000)], on_tick: [Damage(coef: 1)])]"#,
    ),
    (
        "classes/flights.ron",
        r#"[(id: "class/gunner", movement: "move/test", attributes: {"hp_max": Flat(1000), "mana_max": Flat(100), "attack": Flat(1000), "crit_bp": Flat(0)},
             skills: ["skill/mortar", "skill/arrow0", "skill/arrow2", "skill/arrow9", "skill/mire", "skill/leap", "skill/charge", "skill/pull"])]"#,
    ),
];

/// A gunner at the origin who looks along `x`.
fn range() -> (TestScene, SimId) {
    let more: Vec<_> = EXACT.into_iter().chain(FLIGHTS).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {});
    let gunner = scene.player_of_class("class/gunner", 0.0, 0.0);
    turn(&mut scene, gunner, Vec2::X);
    (scene, gunner)
}

fn turn(scene: &mut TestScene, id: SimId, toward: Vec2) {
    let entity = scene.entity(id);
    scene.scene.world_mut().entity_mut(entity).insert(Heading::along(toward).expect("it has a direction"));
}

fn flying(scene: &mut TestScene) -> Option<Vec3> {
    let world = scene.scene.world_mut();
    world.query::<&Projectile>().iter(world).next().map(Projectile::place)
}

#[test]
fn a_shell_follows_the_parabola_of_its_gravity_and_comes_down_where_it_was_aimed() {
    for (x, z) in [(24.0, 0.0), (12.0, 9.0), (-6.0, 3.0_f32)] {
        let (mut scene, gunner) = range();
        scene.tick();
        let aim = Vec3::new(x, 0.0, z);
        cast(&mut scene, gunner, "skill/mortar", CastTarget::Ground(aim));
        assert_eq!(refusals(&scene), Vec::<&str>::new());
        // Over the ground 12 m/s; it rises from the chest and is at the height of its aim when it is there.
        let time_s = x.hypot(z) / 12.0;
        let rise_mps = (0.0 - CHEST_M) / time_s + 0.5 * 9.8 * time_s;
        let at = |s: f32| Vec3::new(x * s / time_s, CHEST_M + rise_mps * s - 0.5 * 9.8 * s * s, z * s / time_s);
        let (mut ticks, mut last) = (0, Vec3::ZERO);
        while let Some(place) = flying(&mut scene) {
            let expected = at(ticks as f32 * TICK_S);
            assert!(place.distance(expected) < 0.02, "after {ticks} ticks at {place}, not {expected}");
            last = place;
            ticks += 1;
            scene.tick();
            assert!(ticks < 200, "it comes down");
        }
        let expected_ticks = time_s / TICK_S;
        assert!((ticks as f32 - expected_ticks).abs() <= 1.5, "{ticks} ticks instead of {expected_ticks}");
        assert!(last.distance(aim) < 1.5, "{last} is the last place before {aim}");
    }
}

#[test]
fn a_shell_goes_over_the_heads_of_those_on_its_way_and_hits_who_stands_at_its_end() {
    let (mut scene, gunner) = range();
    let (under, end) = (post(&mut scene, 12.0, 0.0), post(&mut scene, 24.0, 0.0));
    scene.tick();
    cast(&mut scene, gunner, "skill/mortar", CastTarget::Unit(end));
    scene.ticks(60);
    assert_eq!((hp(&scene, under), hp(&scene, end)), (1_000_000, 1_000_000 - 77));
}

#[test]
fn what_a_ghost_throws_and_lays_down_is_seen_by_those_who_see_the_ghost() {
    let (mut scene, gunner) = range();
    let (living, other_ghost) = (scene.player_at(4.0, 4.0), scene.player_at(4.0, -4.0));
    scene.tick();
    apply(&mut scene, gunner, gunner, "effect/shroud");
    apply(&mut scene, other_ghost, other_ghost, "effect/shroud");
    for skill in ["skill/mortar", "skill/mire"] {
        cast(&mut scene, gunner, skill, CastTarget::Ground(Vec3::new(20.0, 0.0, 0.0)));
        assert_eq!(refusals(&scene), Vec::<&str>::new());
        scene.ticks(2);
        let world = scene.scene.world_mut();
        let mut works = world.query_filtered::<&SimId, Or<(With<Projectile>, With<Area>)>>();
        let works: Vec<SimId> = works.iter(world).copied().collect();
        assert_eq!(works.len(), 1, "{skill}");
        let sees = |who| scene.get::<Interest>(who).sees(works[0]);
        assert_eq!((sees(gunner), sees(other_ghost), sees(living)), (true, true, false), "{skill}");
        scene.ticks(60);
    }
}

#[test]
fn an_arrow_hits_as_many_as_it_pierces_and_one_more_in_the_order_of_the_way() {
    let mut draw = Random::new(21).draw(0, SimId::new(1, 0), Stream("row"), 0);
    for round in 0..24 {
        let (mut scene, gunner) = range();
        let posts: Vec<(SimId, f32, f32)> = (0..14)
            .map(|number| {
                let (x, z) = (1.5 + number as f32 * 2.3 + draw.unit(), draw.unit() * 1.6 - 0.8);
                (post(&mut scene, x, z), x, z)
            })
            .collect();
        scene.ticks(2);
        // A ball of 0.1 m meets a body of 0.4 m where their axes come within 0.5 m, up to 30 m from the chest.
        let touch = |x: f32, z: f32| (z.abs() < 0.5).then(|| x - (0.25 - z * z).sqrt()).filter(|way_m| *way_m <= 30.0);
        let mut row: Vec<(f32, SimId)> = posts.iter().filter_map(|&(id, x, z)| Some((touch(x, z)?, id))).collect();
        row.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (name, pierce) = [("skill/arrow0", 0), ("skill/arrow2", 2), ("skill/arrow9", 9)][round % 3];
        cast(&mut scene, gunner, name, CastTarget::Caster);
        let mut hits = Vec::new();
        for _ in 0..30 {
            scene.tick();
            hits.extend(told::<HealthChanged>(&scene).iter().map(|entry| entry.target));
        }
        let expected: Vec<SimId> = row.iter().map(|&(_, id)| id).take(pierce + 1).collect();
        assert_eq!(hits, expected, "round {round}, {name}");
        assert!(flying(&mut scene).is_none());
    }
}

#[test]
fn an_arrow_that_hits_nobody_does_to_its_source_what_it_says() {
    let (mut scene, gunner) = range();
    let entity = scene.entity(gunner);
    scene.scene.world_mut().entity_mut(entity).insert(sim::features::skills::Mana { mp: 0, mp_max: 100 });
    scene.tick();
    cast(&mut scene, gunner, "skill/arrow0", CastTarget::Caster);
    scene.ticks(30);
    assert_eq!(scene.get::<sim::features::skills::Mana>(gunner).mp, 5);
}

fn flat(scene: &TestScene, id: SimId) -> Vec2 {
    let place = scene.position(id);
    Vec2::new(place.x, place.z)
}

#[test]
fn leaps_charges_and_pulls_end_where_the_line_says() {
    let mut draw = Random::new(5).draw(0, SimId::new(1, 0), Stream("force"), 0);
    for round in 0..20 {
        let (mut scene, gunner) = range();
        let way = Vec2::from_angle(draw.unit() * std::f32::consts::TAU);
        let distance_m = 2.0 + draw.unit() * 18.0;
        let place = way * distance_m;
        let target = post(&mut scene, place.x, place.y);
        scene.ticks(2);
        let ahead = Vec2::from_angle(draw.unit() * std::f32::consts::TAU);
        turn(&mut scene, gunner, ahead);
        // Arm's length is 1.5 m between centres.
        let room_m = (distance_m - 1.5).max(0.0);
        let (name, aim, who, expected) = match round % 3 {
            0 => ("skill/leap", CastTarget::Caster, gunner, ahead * 7.0),
            1 => ("skill/charge", CastTarget::Unit(target), gunner, way * room_m.min(12.0)),
            _ => ("skill/pull", CastTarget::Unit(target), target, place - way * room_m.min(9.0)),
        };
        if name == "skill/leap" && place.distance(expected) < 12.0 {
            scene.place(target, 50.0, 50.0);
        }
        cast(&mut scene, gunner, name, aim);
        assert_eq!(refusals(&scene), Vec::<&str>::new());
        scene.ticks(2);
        assert!(flat(&scene, who).distance(expected) < 0.06, "{name} to {}, not {expected}", flat(&scene, who));
    }
}

#[test]
fn walls_stop_leaps_and_pulls() {
    let more: Vec<_> = EXACT.into_iter().chain(FLIGHTS).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/walled", 1, |_| {});
    // The wall stands from x = 4.75 to 5.25; a body has a radius of 0.4.
    let gunner = scene.player_of_class("class/gunner", 0.0, 0.0);
    turn(&mut scene, gunner, Vec2::X);
    let behind = post(&mut scene, 9.0, 0.0);
    scene.tick();
    cast(&mut scene, gunner, "skill/leap", CastTarget::Caster);
    strike(&mut scene, gunner, behind, EffectAction::Displace { how: Push::Toward, distance_cm: 900 });
    scene.ticks(2);
    assert!((3.9..=4.36).contains(&scene.position(gunner).x), "{}", scene.position(gunner));
    assert!((5.64..=6.1).contains(&scene.position(behind).x), "{}", scene.position(behind));
}

/// What an area did to someone: how often it came in, went out, and was ticked, from what it lost.
fn told_apart(lost: u32) -> (u32, u32, u32) {
    (lost % 100_000 / 1_000, lost / 100_000, lost % 1_000)
}

#[test]
fn an_area_does_to_everyone_what_their_comings_and_goings_in_it_say() {
    let (mut scene, gunner) = range();
    let mut draw = Random::new(8).draw(0, SimId::new(1, 0), Stream("mire"), 0);
    let middle = Vec2::new(15.0, 0.0);
    let posts: Vec<SimId> = (0..6).map(|number| post(&mut scene, 15.0, 10.0 + 2.0 * number as f32)).collect();
    scene.ticks(2);
    cast(&mut scene, gunner, "skill/mire", CastTarget::Ground(Vec3::new(middle.x, 0.0, middle.y)));
    let laid_tick = scene.scene.tick_number();
    // An area looks at where everyone stood at the end of the tick before.
    let mut counts = vec![(0_u32, 0_u32, 0_u32); posts.len()];
    let (mut inside, mut stood) = (vec![false; posts.len()], vec![false; posts.len()]);
    for tick in 1..=125_u32 {
        scene.tick();
        let elapsed_ms = (scene.scene.tick_number() - laid_tick) * 50;
        let lies = elapsed_ms <= 6_000;
        let beats = elapsed_ms.is_multiple_of(700) && lies;
        for (index, is) in stood.iter().map(|is| *is && lies).enumerate() {
            counts[index].0 += u32::from(is && !inside[index]);
            counts[index].1 += u32::from(!is && inside[index]);
            counts[index].2 += u32::from(is && beats);
            inside[index] = is;
        }
        stood = posts.iter().map(|&id| flat(&scene, id).distance(middle) <= 5.0).collect();
        for &id in &posts {
            if tick.is_multiple_of(3) && draw.chance_bp(2_000) {
                let place = middle + Vec2::from_angle(draw.unit() * 6.0) * (draw.unit() * 10.0);
                // Not right before everyone is ticked: whether who goes then is still there is nobody's promise.
                if !(tick + 1).is_multiple_of(14) {
                    scene.place(id, place.x, place.y);
                }
            }
        }
    }
    let lost: Vec<_> = posts.iter().map(|&id| told_apart(1_000_000 - hp(&scene, id))).collect();
    assert_eq!(lost, counts, "in, out, ticks");
    assert!(
        counts.iter().map(|count| count.0).sum::<u32>() >= 6 && counts.iter().any(|count| count.2 > 2),
        "{counts:?}"
    );
    let world = scene.scene.world_mut();
    assert_eq!(world.query::<&Area>().iter(world).count(), 0);
}
