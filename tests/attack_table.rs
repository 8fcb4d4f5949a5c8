//! A scene fights by its profile: blows miss, are dodged, parried and blocked, and the log says which.

use std::collections::BTreeMap;

use sim::features::combat::{EffectAction, HealthChanged, Luck, Meters, Outcome, Vitals};
use sim::testing::{TestScene, test_assets};

use crate::combat::{MORE, strike, told};

const TABLE: [(&str, &str); 2] = [
    (
        "scenes/ring.ron",
        r#"[(id: "scene/ring", bounds: (min: (-50.0, -50.0), max: (50.0, 50.0)),
        aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 100, combat: "combat/table",
        spawn_points: [(id: "spawn/ring", at: (0.0, 0.0))])]"#,
    ),
    (
        "monsters/ring.ron",
        r#"[(id: "monster/fencer", level: (1, 1), faction: "vermin", move: (profile: "move/test"),
        attributes: {"hp_max": Flat(10_000_000), "dodge_bp": Flat(1_000), "parry_bp": Flat(1_500),
                     "block_bp": Flat(1_000), "block_amount": Flat(5)},
        senses: (aggro_m: 0.0), leash: (radius_m: 60.0), skills: ["skill/strike"], respawn_ms: 5000, corpse_ms: 3000)]"#,
    ),
];

fn ring() -> TestScene {
    let more: Vec<(&str, &str)> = MORE.into_iter().chain(TABLE).collect();
    TestScene::of(&test_assets(&more), "scene/ring", 1, |_| {})
}

#[test]
fn blows_come_to_what_the_table_says_as_often_as_it_says() {
    let mut scene = ring();
    let stone = scene.player_of_class("class/stone", 0.0, 0.0);
    let fencer = scene.monster_at("monster/fencer", 2.0, 0.0);
    scene.tick();
    let mut counts: BTreeMap<Outcome, u32> = BTreeMap::new();
    let (mut lost, before) = (0_i64, i64::from(scene.get::<Vitals>(fencer).hp));
    for _ in 0..100 {
        for _ in 0..50 {
            strike(
                &mut scene,
                stone,
                fencer,
                EffectAction::Damage { formula: None, school: Default::default(), coef: 1_000 },
            );
        }
        scene.tick();
        for entry in told::<HealthChanged>(&scene).iter().filter(|entry| entry.target == fencer) {
            *counts.entry(entry.outcome).or_default() += 1;
            assert_eq!(entry.amount == 0, entry.outcome.is_avoided(), "{entry:?}");
            lost -= i64::from(entry.amount);
        }
    }
    // Of 5,000: 5 % miss, 10 % dodge, 15 % parry, 10 % block, 20 % critical.
    let expected = [
        (Outcome::Miss, 250),
        (Outcome::Dodge, 500),
        (Outcome::Parry, 750),
        (Outcome::Block, 500),
        (Outcome::Crit, 1_000),
        (Outcome::Hit, 2_000),
    ];
    for (outcome, count) in expected {
        let found = counts.get(&outcome).copied().unwrap_or(0);
        assert!(found.abs_diff(count) < 130, "{outcome:?}: {found} instead of about {count}");
    }
    assert_eq!(before - i64::from(scene.get::<Vitals>(fencer).hp), lost, "the log adds up");
    let meter = scene.scene.world().resource::<Meters>().of(stone).expect("it fights").clone();
    assert_eq!((meter.done.count, meter.done.damage), (5_000, lost.unsigned_abs()));
}

#[test]
fn spells_cannot_be_dodged_and_their_streaks_are_remembered() {
    let mut scene = ring();
    let stone = scene.player_of_class("class/stone", 0.0, 0.0);
    let fencer = scene.monster_at("monster/fencer", 2.0, 0.0);
    scene.tick();
    let fire = EffectAction::Damage { formula: None, school: sim::assets::School::Fire, coef: 1_000 };
    let (mut run, mut longest) = (0, 0);
    for _ in 0..60 {
        (0..20).for_each(|_| strike(&mut scene, stone, fencer, fire));
        scene.tick();
        for entry in told::<HealthChanged>(&scene).iter().filter(|entry| entry.target == fencer) {
            assert!(matches!(entry.outcome, Outcome::Hit | Outcome::Crit | Outcome::Miss), "{entry:?}");
            match entry.outcome {
                Outcome::Crit => run = 0,
                Outcome::Hit => run += 1,
                _ => {}
            }
            longest = longest.max(run);
        }
    }
    // 20 %: C = 0.0557, so the 18th in a row is certain.
    assert!((3..=17).contains(&longest), "{longest} in a row were not critical");
    assert_ne!(*scene.get::<Luck>(stone), Luck::default());
}

#[test]
fn commands_of_one_tick_come_to_the_same_in_any_order_of_arrival() {
    use sim::features::skills::CastCommand;
    use sim::intent::CastTarget;
    let play = |reversed: bool| {
        let mut scene = ring();
        let mut fighters: Vec<_> =
            [0.0_f32, 1.0, 2.0].map(|x| scene.player_of_class("class/stone", x, 0.0)).into_iter().collect();
        let fencer = scene.monster_at("monster/fencer", 1.0, 1.0);
        scene.tick();
        if reversed {
            fighters.reverse();
        }
        let skill = crate::combat::skill(&scene, "skill/stab");
        for _ in 0..30 {
            for &fighter in &fighters {
                scene.command(fighter, &CastCommand { skill, target: CastTarget::Unit(fencer) });
            }
            scene.tick();
        }
        scene.hash()
    };
    let combat = |hashes: Vec<(&'static str, u64)>| {
        hashes
            .into_iter()
            .filter(|(part, _)| ["combat", "buffs", "skills", "monsters"].contains(part))
            .collect::<Vec<_>>()
    };
    assert_eq!(combat(play(false)), combat(play(true)));
}
