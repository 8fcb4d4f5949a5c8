//! The three records by which the format was agreed on load as they were written, and do in a scene what they say.

use sim::features::combat::Vitals;
use sim::features::skills::{CastCommand, Mana};
use sim::intent::CastTarget;
use sim::testing::{TestScene, test_assets};

const FIREBALL: &str = r#"(
  id: "skill/fireball", tags: ["school.fire", "spell"],
  cast: Cast(ms: 1_500, move: Cancels, pushback: (ms: 250, max: 2), interruptible: true),
  gcd: (group: "magic", ms: 1_500, hasted: true), queue_window_ms: 400,
  cost: [(attr: "mana", amount: 120, when: OnFinish)], cooldown: (ms: 8_000, tag: "cooldown.fireball", charges: 1),
  target: Unit(filter: Enemy, range_m: 30.0, los: AtStartAndEnd, facing_deg: 120),
  timeline: [
    (at: Finish, do: [Launch(projectile: "projectile/fireball")]),
    (at: Hit, do: [Damage(school: Fire, formula: "direct.magic", coef: 1_150),
                   ApplyEffect(to: Target, effect: "effect/burning", chance_pct: 30)]),
  ],
)"#;
const BURNING: &str = r#"(
  id: "effect/burning", tags: ["school.fire", "dot"], dispel: Magic, duration: Ms(8_000),
  period: (ms: 2_000, first: AfterPeriod, on_refresh: Keep),
  stack: (by: Source, max: 5, on_apply: RefreshDuration, on_expire: ClearAll, overflow: [Apply("effect/scorched")]),
  capture: {"power": SnapshotOnApply, "haste": Dynamic}, modifiers: [(attr: "armor", op: Increased(-500), per_stack: true)],
  periodic: [Damage(school: Fire, formula: "dot.standard", coef: 35)], grants: ["state.burning"],
)"#;
const WOLF_ALPHA: &str = r#"(
  id: "monster/wolf_alpha", level: (12, 14), rank: Elite, faction: "beast", extends: "monster/base_wolf",
  attributes: {"hp_max": Scale(Curve("hp.elite"), 120)}, move: (profile: "move/quadruped", run_mps: 6.5, radius_m: 0.6),
  senses: (aggro_m: 12.0, z_m: 3.0, los: true, assist_m: 10.0), threat: "threat/default",
  leash: (radius_m: 40.0, timer_ms: 12_000, unreachable_ms: 6_000, on_evade: FullReset),
  ai: "ai/pack_hunter", skills: ["skill/bite", "skill/howl"], loot: "loot/wolf_alpha", corpse_ms: 120_000,
)"#;

/// What the three refer to, as short as can be.
const REFERRED_TO: [(&str, &str); 10] = [
    ("projectiles/fireball.ron", r#"(id: "projectile/fireball", speed_mps: 20, radius_m: 0.3)"#),
    (
        "effects/scorched.ron",
        r#"(id: "effect/scorched", duration: Ms(4_000), modifiers: [(attr: "armor", op: Flat(-5))])"#,
    ),
    (
        "monsters/base_wolf.ron",
        r#"(id: "monster/base_wolf", abstract: true, level: (1, 1), faction: "beast", attributes: {"hp_max": Flat(100),
            "attack": Flat(20), "armor": Flat(10)}, move: (profile: "move/quadruped"), senses: (aggro_m: 8),
            leash: (radius_m: 30), skills: ["skill/bite"])"#,
    ),
    ("factions/beast.ron", r#"(id: "faction/beast")"#),
    ("curves/hp.ron", r#"(id: "curve/hp.elite", points: [(1, 100), (100, 10_000)])"#),
    (
        "movements/quadruped.ron",
        r#"(id: "move/quadruped", run_mps: 6.0, walk_mps: 2.5, acceleration: 10.0, friction: 6.0, stop_speed_mps: 2.0,
            radius_m: 0.4, height_m: 1.0, step_height_m: 0.4, slope_max_deg: 45.0)"#,
    ),
    ("ai/pack_hunter.ron", r#"(id: "ai/pack_hunter", root: Selector([Do(CastAny), Do(Approach())]))"#),
    (
        "skills/wolf.ron",
        r#"[(id: "skill/bite", gcd: (ms: 1_000), target: Unit(filter: Enemy, range_m: 3), timeline: [(at: Hit, do: [Damage(coef: 1_000)])]),
            (id: "skill/howl", gcd: (ms: 1_000), cooldown: (ms: 20_000), target: Caster, timeline: [(at: Finish, do: [Apply("effect/might")])])]"#,
    ),
    ("loots/wolf.ron", r#"(id: "loot/wolf_alpha", gold: (1, 5), rows: [])"#),
    (
        "classes/wizard.ron",
        r#"(id: "class/wizard", movement: "move/test", attributes: {"hp_max": Flat(5_000), "mana_max": Flat(500),
            "attack": Flat(0), "power": Flat(200), "armor": Flat(0), "crit_bp": Flat(0)}, skills: ["skill/fireball"])"#,
    ),
];

fn scene() -> TestScene {
    let mut more = vec![
        ("skills/mage/fireball.ron", FIREBALL),
        ("effects/fire/burning.ron", BURNING),
        ("monsters/forest/wolf_alpha.ron", WOLF_ALPHA),
    ];
    more.extend(REFERRED_TO);
    TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {})
}

#[test]
fn the_designers_examples_load_as_written_and_work() {
    let mut scene = scene();
    let wizard = scene.player_of_class("class/wizard", 0.0, 0.0);
    let wolf = scene.monster_at("monster/wolf_alpha", 0.0, 20.0);
    scene.tick();
    // 120 % of a curve of 100 a level, at a level from 12 to 14.
    let hp_max = scene.get::<Vitals>(wolf).hp_max;
    assert!([1_440, 1_560, 1_680].contains(&hp_max), "{hp_max}");
    let fireball = scene.config.assets.skills.by_name("skill/fireball").expect("it is there");
    scene.command(wizard, &CastCommand { skill: fireball, target: CastTarget::Unit(wolf) });
    // A second and a half of casting, and a second in the air.
    scene.ticks(60);
    assert!(scene.get::<Vitals>(wolf).hp < hp_max, "the fireball arrives");
    assert_eq!(scene.get::<Mana>(wizard).mp_max - scene.get::<Mana>(wizard).mp, 120, "paid on finishing");
}
