//! Skills from asset text alone: channels, charges, combos, kicks, push-back, the queue, latency, what flies, and what lies
//! on the ground.

use glam::Vec3;
use sim::actor::Heading;
use sim::features::combat::{EffectAction, HealthChanged, HealthKind, Origin, Push};
use sim::features::skills::{
    Area, CastCommand, CastEnded, CastOutcome, CastStarted, Casting, Cooldowns, Mana, Projectile, ReleaseCastCommand,
};
use sim::ids::SimId;
use sim::input::SceneInput;
use sim::intent::CastTarget;
use sim::testing::{TestScene, test_assets};

use crate::combat::{cast, hp, refusals, skill, strike, told};

const DATA: [(&str, &str); 4] = [
    (
        "skills/engine.ron",
        r#"[
        (id: "skill/drain", tags: ["spell", "school.shadow"], target: Unit(filter: Enemy, range_m: 25),
         cast: Channel(ms: 2_000, tick_ms: 500, pushback: (ms: 500, max: 2)),
         cost: [(attr: "mana", amount: 30, when: PerTick)],
         timeline: [(at: EachTick, do: [Damage(coef: 1_000)])]),
        (id: "skill/draw", target: Unit(filter: Enemy, range_m: 25),
         cast: Charge(min_ms: 500, max_ms: 2_000, levels: [(from_ms: 1_000, scale_pct: 300)]),
         timeline: [(at: Release, do: [Damage(coef: 1_000)])]),
        (id: "skill/jab", gcd: (ms: 1_430, group: "test"), queue_window_ms: 400, target: Unit(filter: Enemy, range_m: 25),
         becomes: (skill: "skill/cross", within_ms: 1_000), timeline: [(at: Hit, do: [Damage(coef: 1_000)])]),
        (id: "skill/cross", target: Unit(filter: Enemy, range_m: 25),
         requires: (combo: (after: "skill/jab", within_ms: 2_000)), timeline: [(at: Hit, do: [Damage(coef: 4_000)])]),
        (id: "skill/beat", gcd: (ms: 1_430), queue_window_ms: 400, target: Unit(filter: Enemy, range_m: 25),
         timeline: [(at: Hit, do: [Threat(amount: 1)])]),
        (id: "skill/slow_bolt", tags: ["spell", "school.fire"], target: Unit(filter: Enemy, range_m: 25),
         cast: Cast(ms: 1_000, pushback: (ms: 250, max: 2)), timeline: [(at: Hit, do: [Damage(coef: 1_000)])]),
        (id: "skill/kick", target: Unit(filter: Enemy, range_m: 5), timeline: [(at: Hit, do: [Interrupt(lockout_ms: 2_000)])]),
        (id: "skill/fireball", tags: ["spell"], target: Unit(filter: Enemy, range_m: 30),
         timeline: [(at: Finish, do: [Launch(projectile: "projectile/fireball")]), (at: Hit, do: [Damage(coef: 1_000)])]),
        (id: "skill/arrow", target: Caster,
         timeline: [(at: Finish, do: [Launch(projectile: "projectile/arrow")])]),
        (id: "skill/fire", target: Ground(range_m: 20, radius_m: 1, filter: Enemy, targets_max: 8),
         timeline: [(at: Finish, do: [Area(area: "area/fire")])]),
        (id: "skill/chain", target: Chain(filter: Enemy, range_m: 20, jumps: 2, jump_m: 4, falloff_pct: 50),
         timeline: [(at: Hit, do: [Damage(coef: 8_000)])]),
        (id: "skill/beam", target: Line(length_m: 10, width_m: 1, filter: Enemy, targets_max: 2),
         timeline: [(at: Hit, do: [Damage(coef: 1_000)])]),
        (id: "skill/blood", target: Caster, cost: [(attr: "hp", pct_of_max: 10)],
         timeline: [(at: Finish, do: [Gain(attr: "mana", amount: 1)])]),
        (id: "skill/twice", cooldown: (ms: 5_000, charges: 2), target: Caster,
         timeline: [(at: Finish, do: [Gain(attr: "mana", amount: 1)])]),
    ]"#,
    ),
    (
        "projectiles/engine.ron",
        r#"[
        (id: "projectile/fireball", speed_mps: 20),
        (id: "projectile/arrow", speed_mps: 60, path: Straight, filter: Enemy, pierce: 1, on_hit: [Damage(coef: 1_000)]),
    ]"#,
    ),
    (
        "areas/engine.ron",
        r#"(id: "area/fire", radius_m: 4, duration_ms: 3_000, period_ms: 1_000, filter: Enemy, on_tick: [Damage(coef: 1_000)])"#,
    ),
    (
        "classes/engine.ron",
        r#"(id: "class/tester", movement: "move/test",
        attributes: {"hp_max": Flat(1000), "mana_max": Flat(100), "attack": Flat(100), "armor": Flat(0)},
        skills: ["skill/drain", "skill/draw", "skill/jab", "skill/beat", "skill/slow_bolt", "skill/kick", "skill/fireball",
                 "skill/arrow", "skill/fire", "skill/chain", "skill/beam", "skill/blood", "skill/twice"])"#,
    ),
];

/// A tester at the origin who looks along `x`, and a dummy in front.
fn bout(x: f32) -> (TestScene, SimId, SimId) {
    let mut scene = TestScene::of(&test_assets(&DATA), "scene/flat", 1, |_| {});
    let tester = scene.player_of_class("class/tester", 0.0, 0.0);
    let entity = scene.entity(tester);
    scene.scene.world_mut().entity_mut(entity).insert(Heading(std::f32::consts::FRAC_PI_2));
    let dummy = scene.monster_at("monster/dummy", x, 0.0);
    scene.ticks(2);
    (scene, tester, dummy)
}

/// Ticks until something costs the dummy hit points, counted up to a second after the end of `most`.
fn blows(scene: &mut TestScene, dummy: SimId, ticks: u32) -> Vec<u32> {
    let mut at = Vec::new();
    for tick in 1..=ticks {
        scene.tick();
        let hits = told::<HealthChanged>(scene).into_iter().filter(|entry| entry.target == dummy && entry.amount < 0);
        at.extend(hits.map(|_| tick));
    }
    at
}

fn outcomes(scene: &TestScene) -> Vec<CastOutcome> {
    told::<CastEnded>(scene).iter().map(|ended| ended.outcome).collect()
}

#[test]
fn a_channel_ticks_at_its_times_and_is_paid_by_the_tick() {
    let (mut scene, tester, dummy) = bout(10.0);
    cast(&mut scene, tester, "skill/drain", CastTarget::Unit(dummy));
    assert_eq!(blows(&mut scene, dummy, 45), [10, 20, 30], "the fourth tick cannot be paid any more");
    assert!(scene.get::<Mana>(tester).mp < 30 && scene.get::<Casting>(tester).0.is_none());
}

#[test]
fn a_blow_shortens_a_channel_and_lengthens_a_cast() {
    let (mut scene, tester, dummy) = bout(10.0);
    cast(&mut scene, tester, "skill/slow_bolt", CastTarget::Unit(dummy));
    for _ in 0..3 {
        strike(
            &mut scene,
            dummy,
            tester,
            EffectAction::Damage { formula: None, school: Default::default(), coef: 1_000 },
        );
        scene.tick();
    }
    assert_eq!(blows(&mut scene, dummy, 40), [20 + 10 - 3], "pushed back twice by 250 ms and not a third time");
    cast(&mut scene, tester, "skill/drain", CastTarget::Unit(dummy));
    strike(&mut scene, dummy, tester, EffectAction::Damage { formula: None, school: Default::default(), coef: 1_000 });
    assert!(blows(&mut scene, dummy, 60).len() <= 3, "half a second is lost");
}

#[test]
fn a_charge_is_worth_what_its_hold_was() {
    let (mut scene, tester, dummy) = bout(10.0);
    let mut lost = Vec::new();
    for hold in [2, 15, 25] {
        let before = hp(&scene, dummy);
        cast(&mut scene, tester, "skill/draw", CastTarget::Unit(dummy));
        scene.ticks(hold);
        scene.command(tester, &ReleaseCastCommand);
        scene.ticks(12);
        lost.push(before - hp(&scene, dummy));
    }
    assert!(lost[0] > 0 && lost[1].abs_diff(lost[0]) < 10, "{lost:?}: let go too early, it waits for the least hold");
    assert!(lost[2] > 2 * lost[1], "{lost:?}");
}

#[test]
fn a_kick_ends_a_cast_and_locks_its_school_alone() {
    let mut scene = TestScene::of(&test_assets(&DATA), "scene/flat", 1, |_| {});
    let (tester, dummy) =
        (scene.player_of_class("class/tester", 0.0, 0.0), scene.monster_at("monster/dummy", 3.0, 0.0));
    scene.ticks(2);
    cast(&mut scene, tester, "skill/slow_bolt", CastTarget::Unit(dummy));
    strike(&mut scene, dummy, tester, EffectAction::Interrupt { lockout_ms: 2_000 });
    scene.tick();
    assert_eq!(outcomes(&scene), [CastOutcome::Interrupted]);
    cast(&mut scene, tester, "skill/slow_bolt", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["locked_out"]);
    cast(&mut scene, tester, "skill/drain", CastTarget::Unit(dummy));
    assert!(refusals(&scene).is_empty(), "shadow is not fire");
    scene.ticks(45);
    cast(&mut scene, tester, "skill/slow_bolt", CastTarget::Unit(dummy));
    assert!(refusals(&scene).is_empty(), "it is over");
}

#[test]
fn a_button_becomes_the_next_step_of_its_combo_for_a_while() {
    let (mut scene, tester, dummy) = bout(3.0);
    cast(&mut scene, tester, "skill/jab", CastTarget::Unit(dummy));
    let first = 100_000 - hp(&scene, dummy);
    cast(&mut scene, tester, "skill/jab", CastTarget::Unit(dummy));
    assert_eq!(told::<CastStarted>(&scene)[0].skill, skill(&scene, "skill/cross"));
    assert!(100_000 - hp(&scene, dummy) > 3 * first);
}

#[test]
fn an_early_cast_waits_and_a_newer_one_takes_its_place() {
    let (mut scene, tester, dummy) = bout(3.0);
    cast(&mut scene, tester, "skill/beat", CastTarget::Unit(dummy));
    scene.ticks(10);
    cast(&mut scene, tester, "skill/beat", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["gcd"], "880 ms too early");
    scene.ticks(11);
    cast(&mut scene, tester, "skill/beat", CastTarget::Unit(dummy));
    assert!(refusals(&scene).is_empty(), "it waits");
    cast(&mut scene, tester, "skill/beat", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["replaced"]);
    let mut waited = 0;
    while told::<CastStarted>(&scene).is_empty() {
        scene.tick();
        waited += 1;
    }
    assert_eq!(waited, 5, "29 ticks after the first");
}

/// Casts of one rotation in five minutes by a player whose commands and confirmations take `rtt_ticks` together, and of
/// whom the server has measured `rtt_ms`. It asks when it believes the global cooldown over, never before.
fn rotation(rtt_ticks: u32, rtt_ms: u32) -> usize {
    let (mut scene, tester, dummy) = bout(3.0);
    let player = scene.player_of(tester).0;
    scene.scene.push(SceneInput::Latency { player, rtt_ms });
    let (mut casts, mut send_in) = (0, 0_u32);
    for _ in 0..6_000 {
        if send_in == 0 {
            let command = CastCommand { skill: skill(&scene, "skill/beat"), target: CastTarget::Unit(dummy) };
            scene.command(tester, &command);
        }
        send_in = send_in.wrapping_sub(1);
        scene.tick();
        if told::<CastStarted>(&scene).iter().any(|started| started.caster == tester) {
            casts += 1;
            // It learns when its cooldown ends from the server and asks that moment, but all of it takes its time.
            let end =
                scene.get::<Cooldowns>(tester).gcd_end_ms(&scene.config.assets.skills[skill(&scene, "skill/beat")]);
            let left = u32::try_from(end.div_ceil(50)).unwrap().saturating_sub(scene.scene.tick_number());
            send_in = left + rtt_ticks - 1;
        }
    }
    casts
}

#[test]
fn who_is_far_away_casts_as_often_as_who_is_near_and_who_lies_gains_nothing() {
    let (near, far) = (rotation(0, 10), rotation(3, 150));
    let ideal = 300_000 / 1_430 + 1;
    assert!((near as f64 - far as f64).abs() <= 0.02 * near as f64, "{near} and {far} casts in five minutes");
    for (late_ticks, claimed_ms) in [(0, 60_000), (1, 60_000), (3, 60_000), (4, 200), (0, 0)] {
        let liar = rotation(late_ticks, claimed_ms);
        assert!(liar <= ideal && liar <= near + 1, "{liar} casts with {claimed_ms} ms, ideal are {ideal}");
    }
}

#[test]
fn a_homing_projectile_takes_its_time_and_does_what_its_skill_does() {
    let (mut scene, tester, dummy) = bout(20.0);
    cast(&mut scene, tester, "skill/fireball", CastTarget::Unit(dummy));
    assert_eq!(hp(&scene, dummy), 100_000);
    let at = blows(&mut scene, dummy, 40);
    assert!(at.len() == 1 && (18..=22).contains(&at[0]), "{at:?}: 20 m at 20 m/s");
}

#[test]
fn an_arrow_goes_through_one_and_ends_in_the_second() {
    let (mut scene, tester, dummy) = bout(5.0);
    let more = [10.0, 15.0_f32].map(|x| scene.monster_at("monster/dummy", x, 0.0));
    scene.tick();
    cast(&mut scene, tester, "skill/arrow", CastTarget::Caster);
    scene.ticks(20);
    assert_eq!([dummy, more[0], more[1]].map(|id| hp(&scene, id) < 100_000), [true, true, false]);
    let left = scene.scene.world_mut().query::<&Projectile>().iter(scene.scene.world()).count();
    assert_eq!(left, 0);
}

#[test]
fn fire_on_the_ground_burns_whoever_is_in_it_until_it_ends() {
    let (mut scene, tester, dummy) = bout(7.0);
    cast(&mut scene, tester, "skill/fire", CastTarget::Ground(Vec3::new(4.0, 0.0, 0.0)));
    assert_eq!(blows(&mut scene, dummy, 100), [20, 40, 60]);
    assert_eq!(scene.scene.world_mut().query::<&Area>().iter(scene.scene.world()).count(), 0);
}

#[test]
fn a_chain_weakens_from_link_to_link_and_a_line_keeps_to_its_strip() {
    let (mut scene, tester, dummy) = bout(5.0);
    let more = [(8.0, 0.0), (8.0, 2.0), (5.0, 3.0_f32)].map(|(x, z)| scene.monster_at("monster/dummy", x, z));
    scene.tick();
    cast(&mut scene, tester, "skill/beam", CastTarget::Caster);
    assert_eq!([dummy, more[0], more[1]].map(|id| hp(&scene, id) < 100_000), [true, true, false]);
    let before = [dummy, more[0], more[1]].map(|id| hp(&scene, id));
    cast(&mut scene, tester, "skill/chain", CastTarget::Unit(dummy));
    let lost: Vec<u32> =
        [dummy, more[0], more[1]].iter().zip(before).map(|(id, hp_before)| hp_before - hp(&scene, *id)).collect();
    assert!(lost[0] > lost[1] && lost[1] > lost[2] && lost[2] > 0, "{lost:?}");
    assert_eq!(hp(&scene, more[2]), 100_000, "two jumps and no more");
}

#[test]
fn a_price_in_blood_is_paid_and_logged_and_charges_are_counted() {
    let (mut scene, tester, _) = bout(5.0);
    cast(&mut scene, tester, "skill/blood", CastTarget::Caster);
    assert_eq!(hp(&scene, tester), 900);
    let (blood, price) = (skill(&scene, "skill/blood"), HealthChanged::own(tester, -100, HealthKind::Price));
    assert_eq!(told::<HealthChanged>(&scene), [HealthChanged { origin: Origin::Skill(blood), ..price }]);
    for expected in [&[][..], &[], &["cooldown"]] {
        cast(&mut scene, tester, "skill/twice", CastTarget::Caster);
        assert_eq!(refusals(&scene), expected);
    }
}

#[test]
fn a_knock_back_ends_where_a_body_could_have_walked() {
    let (mut scene, tester, dummy) = bout(5.0);
    strike(&mut scene, dummy, tester, EffectAction::Displace { how: Push::Away, distance_cm: 600 });
    scene.ticks(2);
    assert!((scene.position(tester).x + 6.0).abs() < 0.05, "{}", scene.position(tester));
}

#[test]
fn commands_of_one_tick_give_the_same_whatever_the_order_they_came_in() {
    let run = |swap: bool| {
        let mut scene = TestScene::of(&test_assets(&DATA), "scene/flat", 1, |_| {});
        let players = [0.0, 1.0_f32].map(|z| scene.player_of_class("class/tester", 0.0, z));
        let dummy = scene.monster_at("monster/dummy", 5.0, 0.0);
        scene.ticks(2);
        let order = if swap { [players[1], players[0]] } else { players };
        for id in order {
            for name in ["skill/fireball", "skill/beat"] {
                let command = CastCommand { skill: skill(&scene, name), target: CastTarget::Unit(dummy) };
                scene.command(id, &command);
            }
        }
        scene.ticks(30);
        scene.hash()
    };
    assert_eq!(run(false), run(true));
}
