//! Effects made at random, each setting others off: whatever the graph, no tick does more than its budget, no list grows
//! beyond its limit, and two equal runs stay equal.

use proptest::prelude::*;
use sim::assets::{AssetSources, Assets, School};
use sim::counters::Counters;
use sim::features::buffs::{ActiveBuffs, BUFFS_MAX};
use sim::features::combat::{DEPTH_MAX, EFFECT_DROPPED, EffectAction, HealthChanged};
use sim::features::skills::Conjuring;
use sim::testing::{TEST_ASSETS, TestScene, test_assets};

use crate::combat::{strike, told};

const EVENTS: [&str; 6] = ["HitDealt", "HitTaken", "PeriodicTaken", "EffectTaken", "EffectGiven", "HealTaken"];
const EFFECTS: usize = 8;

/// One effect: what it applies at its end, once per period and by two procs, and how it stacks.
type Shape = (usize, usize, [(usize, usize); 2], u16, bool);

fn text(number: usize, (expires, beats, procs, max, helpful): &Shape) -> String {
    let proc = |(event, effect): &(usize, usize)| {
        format!(
            r#"(on: [{}], allow_self: true, do: [Apply("effect/e{effect}"), Damage(coef: 10)]),
               (on: [{}], to: Self, do: [Apply("effect/e{effect}"), Heal(coef: 10)])"#,
            EVENTS[*event], EVENTS[*event]
        )
    };
    format!(
        r#"(id: "effect/e{number}", polarity: {}, duration: Ms(500), period: (ms: 100),
            stack: (max: {max}, overflow: [Apply("effect/e{beats}")], deny_overflow: true),
            periodic: [Apply("effect/e{beats}"), Damage(coef: 5), Heal(coef: 5)], on_expire: [Apply("effect/e{expires}")],
            procs: [{}, {}])"#,
        if *helpful { "Helpful" } else { "Harmful" },
        proc(&procs[0]),
        proc(&procs[1])
    )
}

fn any_shape() -> impl Strategy<Value = Shape> {
    let link = || (0..EVENTS.len(), 0..EFFECTS);
    (0..EFFECTS, 0..EFFECTS, [link(), link()], 1_u16..4, any::<bool>())
}

/// Plays a graph for a second and a half; the state hashes at the end.
fn play(texts: &str) -> Result<Vec<(&'static str, u64)>, TestCaseError> {
    let mut scene = TestScene::of(&test_assets(&[("effects/graph.ron", texts)]), "scene/flat", 1, |_| {});
    let (fighter, dummy) = (scene.player_at(0.0, 0.0), scene.monster_at("monster/dummy", 30.0, 0.0));
    scene.tick();
    for number in 0..EFFECTS {
        let effect = scene.config.assets.effects.by_name(&format!("effect/e{number}")).expect("it was made");
        for (source, target) in [(fighter, dummy), (dummy, fighter), (fighter, fighter), (dummy, dummy)] {
            strike(&mut scene, source, target, EffectAction::Apply { effect, chance_pct: 100 });
        }
    }
    for _ in 0..30 {
        strike(&mut scene, fighter, dummy, EffectAction::Damage { formula: None, school: School::Physical, coef: 10 });
        scene.tick();
        for id in [fighter, dummy] {
            prop_assert!(scene.get::<ActiveBuffs>(id).iter().len() <= BUFFS_MAX);
        }
        // Each source has its budget of deeds in a tick, and each deed writes one entry of the log at most.
        let most = 2 * sim::features::combat::SOURCE_EFFECTS_MAX as usize;
        prop_assert!(told::<HealthChanged>(&scene).len() <= most);
    }
    Ok(scene.hash())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_graph_of_effects_runs_past_its_budgets(shapes in prop::collection::vec(any_shape(), EFFECTS)) {
        let texts: Vec<String> = shapes.iter().enumerate().map(|(number, shape)| text(number, shape)).collect();
        let texts = format!("[{}]", texts.join(",\n"));
        // What applies itself again at one moment is refused when it is loaded.
        let sources = TEST_ASSETS.iter().fold(AssetSources::new("test"), |all, (path, text)| all.with(*path, *text));
        if let Err(report) = Assets::load(&sources.with("effects/graph.ron", texts.as_str())) {
            prop_assert!(report.findings.iter().any(|finding| finding.code == sim::assets::Code::EffectRing), "{report}");
            return Ok(());
        }
        prop_assert_eq!(play(&texts)?, play(&texts)?);
    }
}

#[test]
fn a_chain_ends_at_its_depth() {
    let links: Vec<String> = (0..9)
        .map(|number| {
            let next = number + 1;
            format!(r#"(id: "effect/l{number}", duration: Infinite, on_apply: [Apply("effect/l{next}")], grants: ["l{number}"])"#)
        })
        .chain([r#"(id: "effect/l9", duration: Infinite, grants: ["l9"])"#.to_owned()])
        .collect();
    let (mut scene, fighter, dummy) = crate::effects::stage(&format!("[{}]", links.join(",")));
    crate::effects::apply(&mut scene, fighter, dummy, "effect/l0");
    assert_eq!(crate::effects::names(&scene, dummy).len(), usize::from(DEPTH_MAX) + 1);
}

/// Blows on a dummy in three seconds after one thing has happened to it, and how many deeds were too deep.
fn blows_after(
    more: &[(&str, &str)],
    effect: Option<&str>,
    first: impl Fn(&TestScene) -> EffectAction,
) -> (usize, u64) {
    let mut scene = TestScene::of(&test_assets(more), "scene/flat", 1, |_| {});
    let (fighter, dummy) = (scene.player_at(0.0, 0.0), scene.monster_at("monster/dummy", 6.0, 0.0));
    scene.tick();
    if let Some(effect) = effect {
        crate::effects::apply(&mut scene, fighter, fighter, effect);
    }
    let first = first(&scene);
    strike(&mut scene, fighter, dummy, first);
    let mut blows = 0;
    for _ in 0..60 {
        scene.tick();
        blows += told::<HealthChanged>(&scene).iter().filter(|entry| entry.target == dummy).count();
    }
    let dropped = scene.scene.world().resource::<Counters>().count(EFFECT_DROPPED, "depth");
    (blows, dropped)
}

#[test]
fn an_endless_chain_over_projectiles_ends_at_its_depth() {
    let files = [
        (
            "effects/own.ron",
            r#"(id: "effect/volley", polarity: Helpful, duration: Infinite,
            procs: [(on: [HitDealt], allow_self: true, do: [Launch(projectile: "projectile/spark")])])"#,
        ),
        ("projectiles/own.ron", r#"(id: "projectile/spark", speed_mps: 60, on_hit: [Damage(coef: 100)])"#),
    ];
    let blow = EffectAction::Damage { formula: None, school: School::Physical, coef: 100 };
    let (blows, dropped) = blows_after(&files, Some("effect/volley"), |_| blow);
    assert_eq!((blows, dropped), (1 + usize::from(DEPTH_MAX), 1), "the blow, what it set off, and nothing deeper");
}

#[test]
fn what_launches_itself_or_lays_itself_down_ends_at_its_depth() {
    let projectile = [(
        "projectiles/own.ron",
        r#"(id: "projectile/hydra", speed_mps: 60, on_hit: [Damage(coef: 100), Launch(projectile: "projectile/hydra")])"#,
    )];
    let hydra = |scene: &TestScene| {
        let id = scene.config.assets.projectiles.by_name("projectile/hydra").expect("it is there");
        EffectAction::Conjure(Conjuring::Projectile(id))
    };
    assert_eq!(blows_after(&projectile, None, hydra), (1 + usize::from(DEPTH_MAX), 1));
    let area = [(
        "areas/own.ron",
        r#"(id: "area/moss", radius_m: 3, duration_ms: 200, filter: Enemy, on_enter: [Damage(coef: 100), Area(area: "area/moss")])"#,
    )];
    let moss = |scene: &TestScene| {
        let id = scene.config.assets.areas.by_name("area/moss").expect("it is there");
        EffectAction::Conjure(Conjuring::Area(id))
    };
    assert_eq!(blows_after(&area, None, moss), (1 + usize::from(DEPTH_MAX), 1));
}

#[test]
fn effects_that_apply_one_another_at_once_are_refused_with_their_ring() {
    let texts = r#"[(id: "effect/a", duration: Infinite, grants: ["aa"], on_apply: [Apply("effect/b")]),
(id: "effect/b", duration: Infinite, grants: ["bb"], on_apply: [Apply("effect/a")])]"#;
    let report = Assets::load(&AssetSources::new("x").with("effects/e.ron", texts)).unwrap_err();
    let rings: Vec<_> =
        report.findings.iter().filter(|finding| finding.code == sim::assets::Code::EffectRing).collect();
    assert_eq!(rings.len(), 1, "a ring is told once");
    assert_eq!((rings[0].line, rings[0].column), (1, 65));
    assert_eq!(rings[0].help.as_deref(), Some("the ring is `effect/a` -> `effect/b` -> `effect/a`"));
}
