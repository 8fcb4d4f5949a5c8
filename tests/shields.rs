//! Shields and break bars in a scene: what they take, in which order, and what follows when they are used up.

use sim::assets::School;
use sim::features::buffs::BreakBar;
use sim::features::combat::{EffectAction, HealthChanged};
use sim::ids::SimId;
use sim::testing::TestScene;

use crate::combat::{hp, strike, told};
use crate::effects::{apply, names, refused, stage};

/// Has the dummy hit for about as many points as thousandths of its one attack point, less armor.
fn hit(scene: &mut TestScene, source: SimId, target: SimId, school: School, coef: u32) -> HealthChanged {
    strike(scene, source, target, EffectAction::Damage { formula: None, school, coef });
    scene.tick();
    told::<HealthChanged>(scene).into_iter().find(|entry| entry.target == target).expect("the blow is in the log")
}

#[test]
fn a_shield_takes_damage_first_and_breaks_with_what_it_does_then() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/bubble", polarity: Helpful, duration: Infinite,
             absorb: (amount: 50, on_break: [Apply("effect/spent")])),
            (id: "effect/spent", polarity: Helpful, duration: Infinite, grants: ["spent"])]"#,
    );
    apply(&mut scene, fighter, fighter, "effect/bubble");
    let first = hit(&mut scene, dummy, fighter, School::Fire, 40_000);
    assert_eq!((first.amount, hp(&scene, fighter)), (0, 500), "all of it is absorbed");
    assert!((25..=42).contains(&first.absorbed), "{first:?}");
    let second = hit(&mut scene, dummy, fighter, School::Fire, 40_000);
    assert_eq!(first.absorbed + second.absorbed, 50);
    assert_eq!(hp(&scene, fighter), 500 - second.amount.unsigned_abs());
    assert_eq!(names(&scene, fighter), ["effect/spent"]);
}

#[test]
fn the_highest_priority_is_used_up_first_and_then_what_ends_first() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/long", polarity: Helpful, duration: Ms(60_000), absorb: (amount: 30)),
            (id: "effect/short", polarity: Helpful, duration: Ms(30_000), absorb: (amount: 30)),
            (id: "effect/first", polarity: Helpful, duration: Infinite, absorb: (amount: 10, priority: 5)),
            (id: "effect/frost", polarity: Helpful, duration: Infinite, absorb: (amount: 99, schools: [Frost], priority: 9))]"#,
    );
    for effect in ["effect/long", "effect/short", "effect/first", "effect/frost"] {
        apply(&mut scene, fighter, fighter, effect);
    }
    hit(&mut scene, dummy, fighter, School::Fire, 20_000);
    assert_eq!(names(&scene, fighter), ["effect/long", "effect/short", "effect/frost"]);
    hit(&mut scene, dummy, fighter, School::Fire, 40_000);
    assert_eq!(names(&scene, fighter), ["effect/long", "effect/frost"]);
    assert_eq!(hp(&scene, fighter), 500);
}

#[test]
fn a_shield_may_follow_a_formula() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/barrier", polarity: Helpful, duration: Infinite,
             absorb: (formula: "heal.standard", coef: 2_000, amount: 7))]"#,
    );
    apply(&mut scene, fighter, fighter, "effect/barrier");
    // Twice 50 attack, and 7.
    assert_eq!(hit(&mut scene, dummy, fighter, School::Fire, 300_000).absorbed, 107);
}

#[test]
fn a_curse_may_take_healing() {
    let (mut scene, fighter, dummy) =
        stage(r#"[(id: "effect/blight", duration: Infinite, absorb: (amount: 60, takes: Healing))]"#);
    hit(&mut scene, dummy, fighter, School::Physical, 200_000);
    let hurt = hp(&scene, fighter);
    apply(&mut scene, dummy, fighter, "effect/blight");
    for _ in 0..2 {
        strike(&mut scene, fighter, fighter, EffectAction::Gain { pool: sim::assets::Pool::Hp, amount: 50 });
        scene.tick();
    }
    assert!(names(&scene, fighter).is_empty());
    assert!((40..=46).contains(&(hp(&scene, fighter) - hurt)), "100 less the 60 that the curse took");
}

#[test]
fn the_log_says_of_every_point_that_a_curse_took_from_a_healing_that_comes_again_and_again() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/blight", duration: Infinite, absorb: (amount: 60, takes: Healing)),
            (id: "effect/renew", polarity: Helpful, duration: Ms(4_000), period: (ms: 500), periodic: [Heal(coef: 400)])]"#,
    );
    hit(&mut scene, dummy, fighter, School::Physical, 300_000);
    apply(&mut scene, dummy, fighter, "effect/blight");
    apply(&mut scene, fighter, fighter, "effect/renew");
    let mut absorbed = 0;
    for _ in 0..80 {
        scene.tick();
        absorbed += told::<HealthChanged>(&scene).iter().map(|entry| entry.absorbed).sum::<u32>();
    }
    assert_eq!(absorbed, 60, "20 points a time: the first three are taken whole");
}

const BAR: &str = r#"[
    (id: "effect/mighty", polarity: Helpful, hidden: true, duration: Infinite,
     break_bar: (amount: 1_000, regen: 20, crowd_control_per_s: 100, lockout_ms: 5_000, on_break: [Apply("effect/open")])),
    (id: "effect/open", duration: Ms(3_000), grants: ["state.stunned"]),
    (id: "effect/blow", tags: ["crowd_control.stun"], duration: Ms(4_000), diminish: "stun", grants: ["state.stunned"]),
]"#;

#[test]
fn crowd_control_wears_the_bar_down_instead_of_holding() {
    let (mut scene, fighter, dummy) = stage(BAR);
    apply(&mut scene, dummy, dummy, "effect/mighty");
    let tick = |scene: &TestScene| scene.scene.world().resource::<sim::tick::SimTick>().0;
    assert!(scene.get::<BreakBar>(dummy).is_up(tick(&scene)));
    apply(&mut scene, fighter, dummy, "effect/blow");
    assert_eq!(names(&scene, dummy), ["effect/mighty"]);
    assert_eq!((refused(&scene, "break_bar"), scene.get::<BreakBar>(dummy).points_at(tick(&scene))), (1, 600));
    scene.ticks(20);
    assert_eq!(scene.get::<BreakBar>(dummy).points_at(tick(&scene)), 620);
}

#[test]
fn a_broken_bar_leaves_its_bearer_open_until_it_comes_back_full() {
    let (mut scene, fighter, dummy) = stage(BAR);
    apply(&mut scene, dummy, dummy, "effect/mighty");
    strike(&mut scene, fighter, dummy, EffectAction::Stagger { amount: 1_000 });
    scene.tick();
    assert_eq!(names(&scene, dummy), ["effect/mighty", "effect/open"]);
    apply(&mut scene, fighter, dummy, "effect/blow");
    assert_eq!(names(&scene, dummy).len(), 3, "crowd control works while the bar is down");
    scene.ticks(100);
    let tick = scene.scene.world().resource::<sim::tick::SimTick>().0;
    assert_eq!((scene.get::<BreakBar>(dummy).is_up(tick), scene.get::<BreakBar>(dummy).points_at(tick)), (true, 1_000));
    apply(&mut scene, fighter, dummy, "effect/blow");
    assert_eq!(names(&scene, dummy), ["effect/mighty"]);
}
