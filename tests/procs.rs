//! Procs in a scene: what they react to, how often, for how long, and whose deeds they are.

use sim::assets::School;
use sim::features::combat::EffectAction;
use sim::ids::SimId;
use sim::testing::TestScene;

use crate::combat::{hp, strike};
use crate::effects::{apply, borne, names, stage};

fn hit(scene: &mut TestScene, source: SimId, target: SimId, coef: u32) {
    strike(scene, source, target, EffectAction::Damage { formula: None, school: School::Fire, coef });
    scene.tick();
}

#[test]
fn thorns_hurt_whoever_strikes_and_do_not_answer_themselves() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/thorns", polarity: Helpful, duration: Infinite,
             procs: [(on: [HitTaken], do: [Damage(school: Nature, coef: 1_000)])])]"#,
    );
    apply(&mut scene, fighter, fighter, "effect/thorns");
    apply(&mut scene, dummy, dummy, "effect/thorns");
    let before = hp(&scene, dummy);
    hit(&mut scene, dummy, fighter, 1_000);
    let lost = before - hp(&scene, dummy);
    // One answer of 50 attack against 100 armor, and not a war of thorns.
    assert!((20..=55).contains(&lost), "{lost}");
}

#[test]
fn a_proc_rests_for_its_cooldown_and_ends_with_its_charges() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/embers", polarity: Helpful, duration: Infinite,
             procs: [(on: [HitDealt], cooldown_ms: 500, charges: 3, do: [Apply("effect/spark")])]),
            (id: "effect/spark", duration: Infinite, stack: (max: 9), grants: ["sparking"])]"#,
    );
    apply(&mut scene, fighter, fighter, "effect/embers");
    for _ in 0..11 {
        hit(&mut scene, fighter, dummy, 100);
    }
    assert_eq!(borne(&scene, dummy), [("effect/spark".to_owned(), 2)], "at the first hit and ten ticks later");
    assert_eq!(names(&scene, fighter), ["effect/embers"]);
    scene.ticks(10);
    hit(&mut scene, fighter, dummy, 100);
    assert_eq!(borne(&scene, dummy), [("effect/spark".to_owned(), 3)]);
    assert!(names(&scene, fighter).is_empty(), "the third charge was the last");
}

#[test]
fn conditions_must_all_hold() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/chill", duration: Infinite, grants: ["cold"]),
            (id: "effect/shatter", polarity: Helpful, duration: Infinite,
             procs: [(on: [HitDealt], schools: [Frost], do: [Apply("effect/a")]),
                     (on: [HitDealt], other_has: ["cold"], do: [Apply("effect/b")]),
                     (on: [HitDealt], amount_min: 1_000, do: [Apply("effect/c")]),
                     (on: [HitTaken], to: Self, self_hp_below_pct: 50, do: [Apply("effect/d")])]),
            (id: "effect/a", duration: Infinite, grants: ["aa"]), (id: "effect/b", duration: Infinite, grants: ["bb"]),
            (id: "effect/c", duration: Infinite, grants: ["cc"]),
            (id: "effect/d", polarity: Helpful, duration: Infinite, grants: ["dd"])]"#,
    );
    apply(&mut scene, fighter, fighter, "effect/shatter");
    hit(&mut scene, fighter, dummy, 1_000);
    assert!(names(&scene, dummy).is_empty());
    apply(&mut scene, fighter, dummy, "effect/chill");
    hit(&mut scene, fighter, dummy, 1_000);
    assert_eq!(names(&scene, dummy), ["effect/chill", "effect/b"]);
    hit(&mut scene, fighter, dummy, 100_000);
    assert_eq!(names(&scene, dummy), ["effect/chill", "effect/b", "effect/c"]);
    hit(&mut scene, dummy, fighter, 100_000);
    assert_eq!(names(&scene, fighter).len(), 1, "still above half");
    hit(&mut scene, dummy, fighter, 250_000);
    assert_eq!(names(&scene, fighter), ["effect/shatter", "effect/d"]);
}

#[test]
fn a_harmful_effects_procs_are_the_deeds_of_whoever_applied_it() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/judged", duration: Infinite,
             procs: [(on: [HitTaken], to: Source, do: [Gain(attr: "hp", amount: 10)])])]"#,
    );
    hit(&mut scene, dummy, fighter, 50_000);
    let before = hp(&scene, fighter);
    apply(&mut scene, fighter, dummy, "effect/judged");
    hit(&mut scene, fighter, dummy, 100);
    assert!((10..=13).contains(&(hp(&scene, fighter) - before)), "{} of {before}", hp(&scene, fighter));
}

#[test]
fn a_share_of_the_blow_comes_back_as_life() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/leech", polarity: Helpful, duration: Infinite,
             procs: [(on: [HitDealt], share_pct: 20, to: Self, do: [Gain(attr: "hp", amount: 0)])])]"#,
    );
    apply(&mut scene, fighter, fighter, "effect/leech");
    hit(&mut scene, dummy, fighter, 250_000);
    let (hurt, whole) = (hp(&scene, fighter), hp(&scene, dummy));
    hit(&mut scene, fighter, dummy, 10_000);
    let fifth = (whole - hp(&scene, dummy)) / 5;
    let gained = hp(&scene, fighter) - hurt;
    assert!((fifth..=fifth + 3).contains(&gained), "{gained} of {fifth}");
}

#[test]
fn procs_per_minute_do_not_depend_on_the_speed_of_the_blows() {
    let mut counts = Vec::new();
    for between_ticks in [10, 40] {
        let (mut scene, fighter, dummy) = stage(
            r#"[(id: "effect/imbued", polarity: Helpful, duration: Infinite,
                 procs: [(on: [HitDealt], ppm_milli: 6_000, do: [Apply("effect/mark")])]),
                (id: "effect/mark", duration: Infinite, stack: (max: 1_000), grants: ["marked"])]"#,
        );
        apply(&mut scene, fighter, fighter, "effect/imbued");
        // Ten minutes.
        for _ in 0..12_000 / between_ticks {
            hit(&mut scene, fighter, dummy, 100);
            scene.ticks(between_ticks - 1);
        }
        counts.push(borne(&scene, dummy)[0].1);
    }
    // 60 said, and the term against bad luck adds about an eighth.
    assert!(counts.iter().all(|count| (48..=88).contains(count)), "{counts:?}");
}
