//! Procs in a scene: what they react to, how often, for how long, and whose deeds they are.

use sim::assets::School;
use sim::features::combat::{EffectAction, HealthChanged};
use sim::ids::SimId;
use sim::testing::{TestScene, test_assets};

use crate::combat::{MORE, hp, strike, told};
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

/// A player and a dummy with effects and other records from text.
fn stage_with(effects: &str, more: &[(&str, &str)]) -> (TestScene, SimId, SimId) {
    let own = [("effects/own.ron", effects)];
    let all: Vec<(&str, &str)> = MORE.iter().chain(&own).chain(more).copied().collect();
    let mut scene = TestScene::of(&test_assets(&all), "scene/flat", 1, |_| {});
    let (fighter, dummy) = (scene.player_at(0.0, 0.0), scene.monster_at("monster/dummy", 10.0, 0.0));
    scene.tick();
    (scene, fighter, dummy)
}

/// What the last tick changed of someone's hit points, entry by entry.
fn changes(scene: &TestScene, id: SimId) -> Vec<i32> {
    told::<HealthChanged>(scene).iter().filter(|entry| entry.target == id).map(|entry| entry.amount).collect()
}

/// So many thousandths, rounded to the nearest.
fn part(points: i32, thousandths: i32) -> i32 {
    (points * thousandths + 500) / 1_000
}

#[test]
fn a_mirror_gives_back_exactly_three_tenths_of_whatever_arrives() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/mirror", polarity: Helpful, duration: Infinite,
             procs: [(on: [HitTaken], do: [Damage(school: Arcane, formula: "proc.share", coef: 300, exact: true)])]),
            (id: "effect/bare", duration: Infinite, modifiers: [(attr: "damage_taken_bp", op: More(5_000))])]"#,
    );
    apply(&mut scene, dummy, dummy, "effect/mirror");
    apply(&mut scene, dummy, fighter, "effect/bare");
    for coef in [1_000, 1_700, 3_330, 5_010, 7_770] {
        hit(&mut scene, fighter, dummy, coef);
        let ([taken], [given]) = (&changes(&scene, dummy)[..], &changes(&scene, fighter)[..]) else {
            panic!("one blow each way: {:?}", told::<HealthChanged>(&scene));
        };
        assert_eq!(*given, -part(-*taken, 300), "armor, luck and what makes it hurt more have no say");
    }
}

#[test]
fn a_leech_drinks_exactly_a_fifth_and_a_mirror_of_the_whole_blow_counts_what_a_shield_took() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/leech", polarity: Helpful, duration: Infinite,
             procs: [(on: [HitDealt], to: Self, do: [Heal(formula: "proc.share", coef: 200, exact: true)])]),
            (id: "effect/bubble", polarity: Helpful, duration: Infinite, absorb: (amount: 40)),
            (id: "effect/mirror", polarity: Helpful, duration: Infinite,
             procs: [(on: [HitTaken], do: [Damage(school: Arcane, formula: "proc.blow", coef: 300, exact: true)])])]"#,
    );
    hit(&mut scene, dummy, fighter, 250_000);
    apply(&mut scene, fighter, fighter, "effect/leech");
    apply(&mut scene, dummy, dummy, "effect/bubble");
    apply(&mut scene, dummy, dummy, "effect/mirror");
    for coef in [5_000, 3_210] {
        hit(&mut scene, fighter, dummy, coef);
        let log = told::<HealthChanged>(&scene);
        let blow = log.iter().find(|entry| entry.target == dummy).expect("it was hit");
        let (arrived, whole) = (-blow.amount, -blow.amount + blow.absorbed.cast_signed());
        assert!(arrived > 0 && (coef == 3_210 || blow.absorbed == 40), "{blow:?}");
        let mut own = changes(&scene, fighter);
        own.sort_unstable();
        assert_eq!(own, [-part(whole, 300), part(arrived, 200)]);
    }
}

#[test]
fn what_a_proc_applies_or_launches_remembers_the_blow() {
    let (mut scene, fighter, dummy) = stage_with(
        r#"[(id: "effect/igniting", polarity: Helpful, duration: Infinite,
             procs: [(on: [HitDealt], schools: [Fire], do: [Apply("effect/ignited"), Launch(projectile: "projectile/echo")])]),
            (id: "effect/ignited", duration: Ms(2_000), period: (ms: 1_000),
             periodic: [Damage(school: Frost, formula: "proc.share", coef: 250, exact: true)])]"#,
        &[
            (
                "projectiles/own.ron",
                r#"(id: "projectile/echo", speed_mps: 20, on_hit: [Damage(school: Frost, formula: "echo", coef: 500, exact: true)])"#,
            ),
            (
                "formulas/own.ron",
                r#"(id: "formula/echo", expr: "amount * coef / 1000 + 1000 * crit", coef: (0, 1_000))"#,
            ),
        ],
    );
    apply(&mut scene, fighter, fighter, "effect/igniting");
    hit(&mut scene, fighter, dummy, 8_000);
    let arrived = -changes(&scene, dummy)[0];
    let mut after = Vec::new();
    for _ in 0..45 {
        scene.tick();
        after.extend(changes(&scene, dummy));
    }
    let quarter = -part(arrived, 250);
    assert_eq!(
        after,
        [-part(arrived, 500), quarter, quarter],
        "the echo of half of it after ten metres, then the fire"
    );
}

#[test]
fn a_formula_knows_whether_the_blow_was_critical() {
    for (crit_bp, expected) in [(0, -3), (10_000, -7)] {
        let effects = format!(
            r#"[(id: "effect/keen", polarity: Helpful, duration: Infinite,
                 modifiers: [(attr: "crit_bp", op: Override({crit_bp}))],
                 procs: [(on: [HitDealt], do: [Damage(school: Nature, formula: "keen", coef: 1, exact: true)])])]"#
        );
        let formula = ("formulas/own.ron", r#"(id: "formula/keen", expr: "if(crit, 7, 3)")"#);
        let (mut scene, fighter, dummy) = stage_with(&effects, &[formula]);
        apply(&mut scene, fighter, fighter, "effect/keen");
        hit(&mut scene, fighter, dummy, 1_000);
        assert_eq!(changes(&scene, dummy)[1..], [expected]);
    }
}
