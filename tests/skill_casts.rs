//! What casts cost and when, what comes back, what a caster may do meanwhile, and whom a skill can be aimed at: each told
//! apart from its neighbours by a skill of its own, and charges by a model of them.

use glam::Vec2;
use sim::actor::Motion;
use sim::features::combat::{EffectAction, HealthChanged, ReturnOffered};
use sim::features::skills::{CastEnded, CastOutcome, Casting, Cooldowns, Mana, ReleaseCastCommand, StopCastCommand};
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::random::{Random, Stream};
use sim::testing::{TestScene, test_assets};

use crate::combat::{cast, hp, kill, refusals, skill, strike, told};
use crate::skill_shapes::{EXACT, post};

const CASTS: [(&str, &str); 2] = [
    (
        "skills/casts.ron",
        r#"[
        (id: "skill/walk_and_cast", cast: Cast(ms: 1_000, move: Slows(4_000)), target: Caster, timeline: [(at: Finish, do: [Gain(attr: "hp", amount: 1)])]),
        (id: "skill/stand_and_cast", cast: Cast(ms: 1_000), target: Caster, timeline: [(at: Finish, do: [Gain(attr: "hp", amount: 1)])]),
        (id: "skill/run_and_cast", cast: Cast(ms: 1_000, move: Allows), target: Caster, timeline: [(at: Finish, do: [Gain(attr: "hp", amount: 1)])]),
        (id: "skill/siphon", cast: Channel(ms: 2_000, tick_ms: 500, first: Immediately), target: Unit(filter: Enemy, range_m: 20),
         cost: [(attr: "mana", amount: 7), (attr: "mana", amount: 11, when: PerTick), (attr: "hp", amount: 13, when: PerTick)],
         timeline: [(at: EachTick, do: [Damage(coef: 10)])]),
        (id: "skill/late_price", cast: Cast(ms: 500), target: Unit(filter: Enemy, range_m: 20), cooldown: (ms: 5_000),
         cost: [(attr: "mana", amount: 9), (attr: "mana", pct_of_max: 20, when: OnFinish), (attr: "hp", amount: 50, when: OnFinish)],
         timeline: [(at: Hit, do: [Damage(coef: 10)])]),
        (id: "skill/back_on_cancel", cast: Cast(ms: 1_000), target: Unit(filter: Enemy, range_m: 20), cooldown: (ms: 60_000),
         cost: [(attr: "mana", amount: 30), (attr: "hp", amount: 40)], timeline: [(at: Hit, do: [Damage(coef: 10)])]),
        (id: "skill/back_always", cast: Cast(ms: 1_000), target: Unit(filter: Enemy, range_m: 20), cooldown: (ms: 60_000), refund: Always,
         cost: [(attr: "mana", amount: 30), (attr: "hp", amount: 40)], timeline: [(at: Hit, do: [Damage(coef: 10)])]),
        (id: "skill/back_never", cast: Cast(ms: 1_000), target: Unit(filter: Enemy, range_m: 20), cooldown: (ms: 60_000), refund: Never,
         cost: [(attr: "mana", amount: 30), (attr: "hp", amount: 40)], timeline: [(at: Hit, do: [Damage(coef: 10)])]),
        (id: "skill/held", cast: Charge(min_ms: 200, max_ms: 1_000), target: Unit(filter: Enemy, range_m: 20), refund: Always,
         cost: [(attr: "mana", amount: 30)], timeline: [(at: Release, do: [Damage(coef: 10)])]),
        (id: "skill/lob", target: Unit(filter: Enemy, range_m: 20, min_range_m: 6), timeline: [(at: Hit, do: [Damage(coef: 10)])]),
        (id: "skill/raise", target: Unit(filter: Ally, range_m: 20, dead: true), timeline: [(at: Hit, do: [Resurrect(hp_pct: 50)])]),
        (id: "skill/darts", cooldown: (ms: 1_750, charges: 3), target: Caster, timeline: [(at: Finish, do: [Gain(attr: "hp", amount: 1)])]),
    ]"#,
    ),
    (
        "classes/casts.ron",
        r#"[(id: "class/caster", movement: "move/test",
             attributes: {"hp_max": Flat(1000), "mana_max": Flat(100), "attack": Flat(1000), "armor": Flat(0), "crit_bp": Flat(0)},
             skills: ["skill/walk_and_cast", "skill/stand_and_cast", "skill/run_and_cast", "skill/siphon", "skill/late_price",
                      "skill/back_on_cancel", "skill/back_always", "skill/back_never", "skill/held", "skill/lob", "skill/raise",
                      "skill/darts"])]"#,
    ),
];

/// A caster at the origin and something to hit in front, 10 m away.
fn range() -> (TestScene, SimId, SimId) {
    let more: Vec<_> = EXACT.into_iter().chain(CASTS).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {});
    let caster = scene.player_of_class("class/caster", 0.0, 0.0);
    let post = post(&mut scene, 10.0, 0.0);
    scene.ticks(2);
    (scene, caster, post)
}

fn mana(scene: &TestScene, id: SimId) -> u32 {
    scene.get::<Mana>(id).mp
}

fn outcomes(scene: &TestScene) -> Vec<CastOutcome> {
    told::<CastEnded>(scene).iter().map(|ended| ended.outcome).collect()
}

fn set_mana(scene: &mut TestScene, id: SimId, mp: u32) {
    let entity = scene.entity(id);
    scene.scene.world_mut().entity_mut(entity).insert(Mana { mp, mp_max: 100 });
}

#[test]
fn a_cast_that_slows_is_walked_at_that_part_of_the_speed_and_the_others_stop_or_do_nothing() {
    let mut metres = Vec::new();
    for name in ["skill/walk_and_cast", "skill/run_and_cast", "skill/stand_and_cast"] {
        let (mut scene, caster, _) = range();
        cast(&mut scene, caster, name, CastTarget::Caster);
        // Until it has reached its speed.
        for _ in 0..6 {
            scene.walk(caster, Vec2::Y);
            scene.tick();
        }
        let (from, casts) = (scene.position(caster), scene.get::<Casting>(caster).0.is_some());
        for _ in 0..8 {
            scene.walk(caster, Vec2::Y);
            scene.tick();
        }
        metres.push((scene.position(caster).distance(from), casts));
    }
    let expected = [(6.0 * 0.4 * 0.4, true), (6.0 * 0.4, true), (6.0 * 0.4, false)];
    for ((found_m, casts), (expected_m, expected)) in metres.iter().zip(expected) {
        assert!((found_m - expected_m).abs() < 0.05 && *casts == expected, "{metres:?}");
    }
}

#[test]
fn a_slowed_caster_is_as_fast_as_before_when_it_has_ended() {
    let (mut scene, caster, _) = range();
    let before = scene.get::<Motion>(caster).speed_bp;
    cast(&mut scene, caster, "skill/walk_and_cast", CastTarget::Caster);
    assert_eq!(scene.get::<Motion>(caster).speed_bp, before * 4 / 10);
    scene.ticks(20);
    assert_eq!((scene.get::<Motion>(caster).speed_bp, outcomes(&scene)), (before, vec![CastOutcome::Finished]));
}

#[test]
fn each_tick_of_a_channel_is_paid_and_the_one_that_cannot_be_paid_ends_it() {
    // At the start 7, then 11 with each of the ticks at 0, 500, 1,000, 1,500 and 2,000 ms.
    for (mp, ticks, left) in [(100, 5, 38), (41, 3, 1), (40, 3, 0), (39, 2, 10), (17, 0, 10)] {
        let (mut scene, caster, post) = range();
        set_mana(&mut scene, caster, mp);
        cast(&mut scene, caster, "skill/siphon", CastTarget::Unit(post));
        let (mut blows, mut prices) = (0, 0);
        for _ in 0..50 {
            let log = told::<HealthChanged>(&scene);
            blows += log.iter().filter(|entry| entry.target == post).count();
            prices += log.iter().filter(|entry| entry.target == caster).map(|entry| entry.amount).sum::<i32>();
            scene.tick();
        }
        assert_eq!((blows, mana(&scene, caster)), (ticks, left), "with {mp} mana");
        assert_eq!(prices, -13 * i32::try_from(ticks).unwrap(), "with {mp} mana");
        assert_eq!(hp(&scene, caster), 1_000 - 13 * ticks as u32);
    }
}

#[test]
fn what_is_paid_at_the_end_is_needed_at_the_start_and_again_at_the_end() {
    let (mut scene, caster, post) = range();
    set_mana(&mut scene, caster, 28);
    cast(&mut scene, caster, "skill/late_price", CastTarget::Unit(post));
    assert_eq!(refusals(&scene), ["mana"], "29 in all");
    set_mana(&mut scene, caster, 29);
    cast(&mut scene, caster, "skill/late_price", CastTarget::Unit(post));
    assert_eq!((mana(&scene, caster), hp(&scene, caster)), (20, 1_000), "nine at the start");
    scene.ticks(10);
    assert_eq!(outcomes(&scene), [CastOutcome::Finished]);
    assert_eq!((mana(&scene, caster), hp(&scene, caster), hp(&scene, post)), (0, 950, 999_990));

    let (mut scene, caster, post) = range();
    cast(&mut scene, caster, "skill/late_price", CastTarget::Unit(post));
    set_mana(&mut scene, caster, 19);
    scene.ticks(10);
    assert_eq!(outcomes(&scene), [CastOutcome::Failed]);
    assert_eq!((mana(&scene, caster), hp(&scene, caster), hp(&scene, post)), (19, 1_000, 1_000_000));
}

/// How a cast comes to grief.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Stopped,
    Kicked,
    Stunned,
    OutOfReach,
}

#[test]
fn mana_life_and_cooldown_come_back_when_the_rule_says_so() {
    for (name, backs) in [
        ("skill/back_on_cancel", &[End::Stopped][..]),
        ("skill/back_always", &[End::Stopped, End::Kicked, End::Stunned, End::OutOfReach]),
        ("skill/back_never", &[]),
    ] {
        for end in [End::Stopped, End::Kicked, End::Stunned, End::OutOfReach] {
            let (mut scene, caster, post) = range();
            cast(&mut scene, caster, name, CastTarget::Unit(post));
            assert_eq!((mana(&scene, caster), hp(&scene, caster)), (70, 960));
            let daze = scene.config.assets.effects.by_name("effect/daze").unwrap();
            match end {
                End::Stopped => scene.command(caster, &StopCastCommand),
                End::Kicked => strike(&mut scene, post, caster, EffectAction::Interrupt { lockout_ms: 0 }),
                End::Stunned => {
                    strike(&mut scene, post, caster, EffectAction::Apply { effect: daze, chance_pct: 100 });
                }
                End::OutOfReach => scene.place(post, 40.0, 0.0),
            }
            scene.ticks(25);
            let (id, tick) = (skill(&scene, name), scene.scene.tick_number());
            let runs = scene.get::<Cooldowns>(caster).runs(id, &scene.config.assets.skills[id], tick);
            let expected = if backs.contains(&end) { (100, 1_000, false) } else { (70, 960, true) };
            assert_eq!((mana(&scene, caster), hp(&scene, caster), runs), expected, "{name}, {end:?}");
            assert_eq!(hp(&scene, post), 1_000_000, "{name}, {end:?}: without effect");
        }
    }
}

#[test]
fn a_charge_that_is_let_go_has_taken_effect_and_gives_nothing_back() {
    let (mut scene, caster, post) = range();
    cast(&mut scene, caster, "skill/held", CastTarget::Unit(post));
    scene.ticks(5);
    scene.command(caster, &ReleaseCastCommand);
    scene.tick();
    assert_eq!((outcomes(&scene), mana(&scene, caster)), (vec![CastOutcome::Finished], 70));
    scene.command(caster, &ReleaseCastCommand);
    scene.tick();
    assert_eq!(refusals(&scene), ["not_casting"]);
}

#[test]
fn who_is_too_near_is_refused_and_the_edges_of_the_range_are_in_it() {
    for (x, expected) in [(5.9, Some("too_near")), (6.01, None), (19.99, None), (20.1, Some("range"))] {
        let (mut scene, caster, post) = range();
        scene.place(post, x, 0.0);
        scene.tick();
        cast(&mut scene, caster, "skill/lob", CastTarget::Unit(post));
        assert_eq!(refusals(&scene).first().copied(), expected, "at {x} m");
    }
}

#[test]
fn a_skill_for_the_dead_is_for_dead_friends_alone() {
    let (mut scene, caster, post) = range();
    let friend = scene.player_of_class("class/caster", 2.0, 0.0);
    scene.tick();
    for living in [caster, friend, post] {
        cast(&mut scene, caster, "skill/raise", CastTarget::Unit(living));
        assert_eq!(refusals(&scene), ["wrong_target"], "{living} lives or is no friend");
    }
    kill(&mut scene, post, friend);
    cast(&mut scene, caster, "skill/raise", CastTarget::Unit(friend));
    assert_eq!(refusals(&scene), Vec::<&str>::new());
    assert_eq!(told::<ReturnOffered>(&scene), [ReturnOffered { who: friend, by: caster, hp_pct: 50 }]);
    kill(&mut scene, caster, post);
    cast(&mut scene, caster, "skill/raise", CastTarget::Unit(post));
    assert_eq!(refusals(&scene), ["wrong_target"], "a dead enemy");
}

#[test]
fn charges_come_back_one_after_the_other_as_a_model_of_them_says() {
    const RECHARGE_MS: u64 = 1_750;
    let (mut scene, caster, _) = range();
    let mut draw = Random::new(4).draw(0, SimId::new(1, 0), Stream("darts"), 0);
    // When each that was spent comes back; the latest is the last.
    let (mut back_ms, mut refused) = (Vec::<u64>::new(), 0_u32);
    for _ in 0..4_000 {
        if !draw.chance_bp(500 + 2_000 * u32::from(scene.scene.tick_number() % 400 < 200)) {
            scene.tick();
            continue;
        }
        cast(&mut scene, caster, "skill/darts", CastTarget::Caster);
        let now_ms = u64::from(scene.scene.tick_number()) * 50;
        let spent = back_ms.iter().filter(|&&ms| ms > now_ms).count();
        assert_eq!(refusals(&scene).is_empty(), spent < 3, "{spent} of 3 spent, at {now_ms} ms");
        if spent == 3 {
            refused += 1;
            continue;
        }
        // One that is spent while another is away waits for that; otherwise it counts from the cast, which is dated back to
        // the last return if two clocks of 50 ms are all that lies between.
        let last_ms = back_ms.last().copied().unwrap_or(0);
        let date_ms = if last_ms > now_ms || now_ms - last_ms < 100 { last_ms } else { now_ms };
        back_ms.push(date_ms + RECHARGE_MS);
    }
    assert!(refused > 50 && back_ms.len() > 80, "{refused} refused, {} thrown", back_ms.len());
}
