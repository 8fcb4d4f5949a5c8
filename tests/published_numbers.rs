//! Numbers that others published, shown by fights, casts and kills in scenes and not by the functions behind them: the damage
//! of Guild Wars 2, the recast times of Final Fantasy XIV, a full attack table, streaks with a memory, and the
//! experience of World of Warcraft. Seeds are fixed; distributions are judged by a chi-square.

use std::collections::BTreeMap;

use sim::features::combat::{EffectAction, HealthChanged, Level, Outcome};
use sim::features::progress::{ExperienceGained, Progress};
use sim::features::skills::{CastCommand, CastStarted, Cooldowns};
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::testing::{TestScene, test_assets};

use crate::combat::{kill, skill, strike, told};
use crate::skill_shapes::{EXACT, post, post_of};

fn scene_of(texts: &[(&str, &str)]) -> TestScene {
    TestScene::of(&test_assets(texts), "scene/flat", 1, |_| {})
}

/// A class and its attributes.
fn class(name: &str, attributes: &str) -> String {
    format!(
        r#"(id: "class/{name}", movement: "move/test", skills: ["skill/strike", "skill/recast", "skill/swing"],
            attributes: {{"hp_max": Flat(100_000), "attack": Flat(100), {attributes}}})"#
    )
}

const SKILLS: (&str, &str) = (
    "skills/published.ron",
    r#"[
    (id: "skill/recast", gcd: (ms: 2_500, hasted: true), queue_window_ms: 500, target: Caster,
     timeline: [(at: Finish, do: [Gain(attr: "mana", amount: 1)])]),
    (id: "skill/swing", target: Unit(filter: Enemy, range_m: 3), timeline: [(at: Hit, do: [Damage(formula: "gw2", coef: 1_000)])]),
]"#,
);
const FORMULAS: (&str, &str) = (
    "formulas/published.ron",
    r#"[(id: "formula/gw2", expr: "weapon * coef / 1000 * (power / max(target.armor, 1))", coef: (0, 10_000))]"#,
);

/// The value that a chi-square of so many degrees of freedom exceeds once in a thousand times (Wilson and Hilferty 1931).
fn once_in_a_thousand(degrees: usize) -> f64 {
    let part = 2.0 / (9.0 * degrees as f64);
    degrees as f64 * (1.0 - part + 3.09 * part.sqrt()).powi(3)
}

/// Chi-square of counts against what was expected; neighbours are put together until at least eight are expected.
fn chi_square(counts: &[(u32, f64)]) -> (f64, usize) {
    let (mut sum, mut bins, mut bin) = (0.0, 0, (0.0, 0.0));
    for &(found, expected) in counts {
        bin = (bin.0 + f64::from(found), bin.1 + expected);
        if bin.1 >= 8.0 {
            sum += (bin.0 - bin.1) * (bin.0 - bin.1) / bin.1;
            (bins, bin) = (bins + 1, (0.0, 0.0));
        }
    }
    (sum, bins)
}

fn is_likely(counts: &[(u32, f64)]) -> bool {
    let (sum, bins) = chi_square(counts);
    assert!(bins >= 2, "too little to judge: {counts:?}");
    sum < once_in_a_thousand(bins - 1)
}

#[test]
fn the_chi_square_tells_a_fair_die_from_a_loaded_one() {
    assert!((once_in_a_thousand(5) - 20.515).abs() < 0.3 && (once_in_a_thousand(20) - 45.315).abs() < 0.3);
    assert!(is_likely(&[(95, 100.0), (104, 100.0), (101, 100.0)]));
    assert!(!is_likely(&[(50, 100.0), (150, 100.0), (100, 100.0)]));
}

#[test]
fn damage_of_guild_wars_is_weapon_times_power_times_coefficient_by_armor() {
    // Weapon strength, power and armor of exotic gear, and a coefficient.
    let cases =
        [(1_000, 2_000, 0.8, 2_600), (1_048, 1_000, 1.0, 1_967), (1_100, 3_000, 1.5, 2_597), (690, 2_163, 0.35, 3_300)];
    for (weapon, power, coefficient, armor) in cases {
        let texts = [
            (
                "combat/gw2.ron",
                r#"[(id: "combat/seed", damage: (spread_bp: (10_000, 10_000), mitigation: Nothing))]"#.to_owned(),
            ),
            (
                "classes/gw2.ron",
                class("hero", &format!(r#""weapon": Flat({weapon}), "power": Flat({power}), "crit_bp": Flat(0)"#)),
            ),
            (
                "monsters/gw2.ron",
                format!(
                    r#"(id: "monster/target", extends: "monster/dummy",
                        attributes: {{"hp_max": Flat(100_000), "attack": Flat(0), "mana_max": Flat(0), "armor": Flat({armor})}})"#
                ),
            ),
            (SKILLS.0, SKILLS.1.replace("coef: 1_000", &format!("coef: {}", (coefficient * 1_000.0) as u32))),
            (FORMULAS.0, FORMULAS.1.to_owned()),
        ];
        let texts: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let mut scene = scene_of(&texts);
        let hero = scene.player_of_class("class/hero", 0.0, 0.0);
        let target = post_of(&mut scene, "monster/target", 2.0, 0.0);
        scene.ticks(2);
        crate::combat::cast(&mut scene, hero, "skill/swing", CastTarget::Unit(target));
        let published = f64::from(weapon) * f64::from(power) * coefficient / f64::from(armor);
        let found: Vec<i32> = told::<HealthChanged>(&scene).iter().map(|entry| -entry.amount).collect();
        assert_eq!(found, [published.round() as i32], "{weapon} x {power} x {coefficient} / {armor}");
    }
}

#[test]
fn recast_times_of_final_fantasy_are_kept_by_a_hundred_casts() {
    // What its formula makes of a recast of 2.5 s, as the haste that one rule of ours turns into the same.
    let attributes = r#"[
        (id: "attribute/speed", unit: Points, base: 364, min: 364, max: 5000),
        (id: "attribute/haste", unit: BasisPoints, min: -9000, max: 100000,
         derived: "10000000 / (1000 - floor(130 * (speed - 364) / 2170)) - 10000"),
    ]"#;
    for (speed, recast_ms) in [(364_u32, 2_500_u64), (1_000, 2_405), (2_000, 2_255)] {
        let published = (1_000 - 130 * (u64::from(speed) - 364) / 2_170) * 2_500 / 1_000;
        assert_eq!(published, recast_ms, "floor((1000 - floor(130 x (speed - 364) / 2170)) x 2500 / 1000)");
        let class = class("hero", &format!(r#""speed": Flat({speed}), "armor": Flat(1)"#));
        let texts =
            [("attributes/xiv.ron", attributes), ("classes/xiv.ron", class.as_str()), SKILLS, FORMULAS, EXACT[0]];
        let mut scene = scene_of(&texts);
        let hero = scene.player_of_class("class/hero", 0.0, 0.0);
        let id = skill(&scene, "skill/recast");
        let (mut ticks, mut ends_ms) = (Vec::new(), Vec::new());
        while ticks.len() <= 100 {
            scene.command(hero, &CastCommand { skill: id, target: CastTarget::Caster });
            scene.tick();
            if !told::<CastStarted>(&scene).is_empty() {
                ticks.push(u64::from(scene.scene.tick_number()));
                ends_ms.push(scene.get::<Cooldowns>(hero).gcd_end_ms(&scene.config.assets.skills[id]));
            }
            assert!(scene.scene.tick_number() < 6_000, "it casts");
        }
        assert!(ends_ms.windows(2).all(|pair| pair[1] - pair[0] == recast_ms), "speed {speed}: {ends_ms:?}");
        let took_ms = (ticks[100] - ticks[0]) * 50;
        assert!(took_ms.abs_diff(recast_ms * 100) <= 50, "speed {speed}: a hundred took {took_ms} ms");
    }
}

/// Blows without any skill's rules, so many a tick; their outcomes in order.
fn blows(scene: &mut TestScene, source: SimId, target: SimId, ticks: u32, each: u32) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for _ in 0..ticks {
        for _ in 0..each {
            strike(scene, source, target, EffectAction::Damage { formula: None, school: Default::default(), coef: 10 });
        }
        scene.tick();
        let log = told::<HealthChanged>(scene);
        outcomes.extend(log.iter().filter(|entry| entry.target == target).map(|entry| entry.outcome));
    }
    outcomes
}

/// A fighter whose blows are critical so often, and something to hit, under a profile.
fn bout(melee: &str, crit_bp: u32) -> (TestScene, SimId, SimId) {
    let profile = format!(r#"[(id: "combat/seed", damage: (spread_bp: (10_000, 10_000)), melee: {melee})]"#);
    let class = class("hero", &format!(r#""crit_bp": Flat({crit_bp}), "armor": Flat(1)"#));
    let texts =
        [("combat/bout.ron", profile.as_str()), ("classes/bout.ron", class.as_str()), SKILLS, FORMULAS, EXACT[1]];
    let mut scene = scene_of(&texts);
    let hero = scene.player_of_class("class/hero", 0.0, 0.0);
    let target = post(&mut scene, 2.0, 0.0);
    scene.ticks(2);
    (scene, hero, target)
}

#[test]
fn a_full_attack_table_leaves_22_of_40_percent_for_critical_blows_and_none_for_plain_ones() {
    let (mut scene, hero, target) = bout(
        "(table: [(row: Miss, base_bp: 2_700), (row: Dodge, base_bp: 650), (row: Parry, base_bp: 1_400),
                  (row: Glance, base_bp: 2_400), (row: Block, base_bp: 650)], crit: (model: TableRow))",
        4_000,
    );
    let outcomes = blows(&mut scene, hero, target, 250, 40);
    let published = [
        (Outcome::Miss, 0.27),
        (Outcome::Dodge, 0.065),
        (Outcome::Parry, 0.14),
        (Outcome::Glance, 0.24),
        (Outcome::Block, 0.065),
        (Outcome::Crit, 0.22),
    ];
    let count = |outcome| outcomes.iter().filter(|other| **other == outcome).count() as u32;
    let counts = published.map(|(outcome, part)| (count(outcome), part * outcomes.len() as f64));
    assert_eq!((outcomes.len(), count(Outcome::Hit)), (10_000, 0));
    assert!(is_likely(&counts), "{counts:?}: {:?}", chi_square(&counts));
}

#[test]
fn streaks_of_fights_follow_the_published_constants() {
    let published = [
        (500, 0.003_802),
        (1_000, 0.014_746),
        (1_500, 0.032_221),
        (2_000, 0.055_704),
        (2_500, 0.084_744),
        (3_000, 0.118_949),
        (5_000, 0.302_103),
    ];
    for (crit_bp, constant) in published {
        let (mut scene, hero, target) = bout("(crit: (model: Prd))", crit_bp);
        let outcomes = blows(&mut scene, hero, target, 300, 40);
        let mut lengths = BTreeMap::<u32, u32>::new();
        let mut length = 0;
        for outcome in &outcomes {
            length += 1;
            if *outcome == Outcome::Crit {
                *lengths.entry(length).or_default() += 1;
                length = 0;
            }
        }
        let crits: u32 = lengths.values().sum();
        // The chance of the N-th blow since the last critical one is C x N.
        let (mut left, mut counts) = (1.0_f64, Vec::new());
        for number in 1..=(1.0 / constant + 1.0) as u32 {
            let chance = (constant * f64::from(number)).min(1.0);
            counts.push((lengths.get(&number).copied().unwrap_or(0), left * chance * f64::from(crits)));
            left *= 1.0 - chance;
        }
        assert_eq!(counts.iter().map(|(found, _)| found).sum::<u32>(), crits, "{crit_bp} bp: no streak is longer");
        assert!(is_likely(&counts), "{crit_bp} bp: {:?} of {counts:?}", chi_square(&counts));
        let often = f64::from(crits) / outcomes.len() as f64 * 10_000.0;
        assert!((often / f64::from(crit_bp) - 1.0).abs() < 0.06, "{crit_bp} bp: {often} in the long run");
    }
}

#[test]
fn kills_teach_the_published_experience_and_gray_ones_nothing() {
    let levels = [1, 2, 31, 32, 40, 51, 52, 60, 71, 72];
    let monsters: Vec<String> = levels
        .iter()
        .map(|level| format!(r#"(id: "monster/of{level}", extends: "monster/dummy", level: ({level}, {level}))"#))
        .collect();
    let monsters = format!("[{}]", monsters.join(", "));
    let class = class("hero", r#""armor": Flat(1)"#);
    let texts = [
        ("monsters/xp.ron", monsters.as_str()),
        ("classes/xp.ron", class.as_str()),
        ("curves/xp.ron", r#"[(id: "curve/xp", points: [(1, 1_000_000), (90, 1_000_000)])]"#),
        SKILLS,
        FORMULAS,
        ("combat/xp.ron", r#"[(id: "combat/seed", experience: (level_max: 90))]"#),
    ];
    let teach = |player: u16, victim: u32| {
        let mut scene = scene_of(&texts);
        let hero = scene.player_of_class("class/hero", 0.0, 0.0);
        let entity = scene.entity(hero);
        let progress = Progress { level: player, xp: 0, xp_needed: 1_000_000 };
        scene.scene.world_mut().entity_mut(entity).insert((progress, Level(player)));
        let monster = scene.monster_at(&format!("monster/of{victim}"), 2.0, 0.0);
        kill(&mut scene, hero, monster);
        told::<ExperienceGained>(&scene).iter().map(|gained| gained.xp).sum::<u32>()
    };
    assert_eq!([teach(60, 60), teach(50, 60), teach(60, 40)], [345, 354, 0]);
    for (player, gray) in [(6, 1), (39, 31), (60, 51), (80, 71)] {
        assert_eq!(teach(player, gray), 0, "level {player} finds {gray} gray");
        assert!(teach(player, gray + 1) > 0, "level {player} learns from {}", gray + 1);
    }
}
