//! Experience and levels: a kill teaches by the published formula, a party shares it, a level makes stronger and whole.

use sim::assets::AttributeId;
use sim::features::combat::{Attributes, HealthChanged, HealthKind, Level, Vitals};
use sim::features::party::PartyCommand;
use sim::features::players::Class;
use sim::features::progress::{ExperienceGained, LeveledUp, Progress};
use sim::features::taps::DamageList;
use sim::ids::SimId;
use sim::testing::{TestScene, test_assets};

use crate::combat::{MORE, hurt, kill, told};

const TAUGHT: [(&str, &str); 2] = [
    (
        "classes/taught.ron",
        r#"[(id: "class/taught", movement: "move/test", skills: ["skill/strike"],
        attributes: {"hp_max": PerLevel(100, 20), "attack": PerLevel(10, 5)})]"#,
    ),
    ("curves/taught.ron", r#"[(id: "curve/xp", points: [(1, 60), (60, 60)])]"#),
];

fn school() -> TestScene {
    let more: Vec<(&str, &str)> = MORE.into_iter().chain(TAUGHT).collect();
    TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {})
}

fn learned(scene: &TestScene, who: SimId) -> Vec<u32> {
    told::<ExperienceGained>(scene).iter().filter(|gain| gain.who == who).map(|gain| gain.xp).collect()
}

#[test]
fn a_kill_teaches_what_the_published_formula_says() {
    let mut scene = school();
    let pupil = scene.player_of_class("class/taught", 0.0, 0.0);
    let king = scene.monster_at("monster/king", 2.0, 0.0);
    kill(&mut scene, pupil, king);
    // (1 x 5 + 45) x 20 / 10, halved.
    assert_eq!(learned(&scene, pupil), [50]);
    assert_eq!(*scene.get::<Progress>(pupil), Progress { level: 1, xp: 50, xp_needed: 60 });
}

#[test]
fn an_elite_teaches_twice_as_much() {
    let chief = r#"[(id: "monster/chief", extends: "monster/king", rank: Elite)]"#;
    let more: Vec<(&str, &str)> = MORE.into_iter().chain(TAUGHT).chain([("monsters/chief.ron", chief)]).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {});
    let pupil = scene.player_of_class("class/taught", 0.0, 0.0);
    let chief = scene.monster_at("monster/chief", 2.0, 0.0);
    kill(&mut scene, pupil, chief);
    assert_eq!(learned(&scene, pupil), [100]);
}

#[test]
fn a_level_makes_stronger_and_whole_at_once() {
    let mut scene = school();
    let pupil = scene.player_of_class("class/taught", 0.0, 0.0);
    for x in [2.0, 3.0] {
        let king = scene.monster_at("monster/king", x, 0.0);
        kill(&mut scene, pupil, king);
    }
    assert_eq!(told::<LeveledUp>(&scene), [LeveledUp { who: pupil, level: 2 }]);
    assert_eq!((scene.get::<Level>(pupil).0, scene.get::<Progress>(pupil).xp), (2, 40));
    assert_eq!(*scene.get::<Vitals>(pupil), Vitals::full(120));
    assert_eq!(scene.get::<Attributes>(pupil).current(AttributeId::ATTACK), 15);
    let log = told::<HealthChanged>(&scene);
    assert!(log.iter().any(|entry| entry.kind == HealthKind::Level && entry.amount == 20));
}

#[test]
fn a_party_near_the_kill_shares_it_and_those_far_away_get_nothing() {
    let mut scene = school();
    let [one, other, far] = [0.0, 1.0, 2.0].map(|x| scene.player_of_class("class/taught", x, 0.0));
    scene.ticks(2);
    for whom in [other, far] {
        scene.command(one, &PartyCommand::Invite { whom });
        scene.tick();
        scene.command(whom, &PartyCommand::Accept);
        scene.tick();
    }
    scene.place(far, 200.0, 0.0);
    let king = scene.monster_at("monster/king", 3.0, 0.0);
    kill(&mut scene, one, king);
    assert_eq!((learned(&scene, one), learned(&scene, other), learned(&scene, far)), (vec![25], vec![25], vec![]));
}

#[test]
fn what_kills_a_player_learns_nothing_and_neither_does_a_killer_of_players() {
    let mut scene = school();
    let pupil = scene.player_of_class("class/taught", 0.0, 0.0);
    let king = scene.monster_at("monster/king", 2.0, 0.0);
    kill(&mut scene, king, pupil);
    assert!(told::<ExperienceGained>(&scene).is_empty());
}

#[test]
fn a_level_travels_with_the_character() {
    use sim::input::{Character, Players, SceneInput, SceneOutput};
    let mut scene = school();
    let pupil = scene.player_of_class("class/taught", 0.0, 0.0);
    for x in [2.0, 3.0] {
        let king = scene.monster_at("monster/king", x, 0.0);
        kill(&mut scene, pupil, king);
    }
    scene.ticks(crate::combat::CALM_TICKS + 1);
    let player = scene.player_of(pupil);
    scene.scene.push(SceneInput::Leave { player: player.0 });
    scene.tick();
    let departed = scene.scene.take_outputs().into_iter().find_map(|output| match output {
        SceneOutput::Departed { character, .. } => Some(character),
        _ => None,
    });
    let character: Character = departed.expect("it has left");
    scene.scene.push(SceneInput::Join { player: player.0, character, spawn_point: None });
    scene.tick();
    let (back, _) = scene.scene.world().resource::<Players>().0[&player];
    assert_eq!((scene.get::<Level>(back).0, scene.get::<Vitals>(back).hp_max), (2, 120));
    assert_eq!(scene.get::<Attributes>(back).current(AttributeId::ATTACK), 15);
    let _ = scene.get::<Class>(back);
}

/// A profile that shares experience by damage, in a scene of its own, and a beast that keeps to the custom.
const BY_DAMAGE: [(&str, &str); 3] = [
    (
        "combat/shares.ron",
        r#"(id: "combat/shares", tap: (owner: MostDamage, experience: ByDamage),
        melee: (crit: (model: Never)), damage: (spread_bp: (10_000, 10_000)))"#,
    ),
    ("scenes/shares.ron", r#"(id: "scene/shares", extends: "scene/flat", name: "Shares", combat: "combat/shares")"#),
    (
        "monsters/shares.ron",
        r#"(id: "monster/prince", extends: "monster/king", tap: (owner: FirstHit, experience: Owner))"#,
    ),
];

fn sharing_school() -> TestScene {
    let more: Vec<(&str, &str)> = MORE.into_iter().chain(TAUGHT).chain(BY_DAMAGE).collect();
    TestScene::of(&test_assets(&more), "scene/shares", 1, |_| {})
}

#[test]
fn the_kill_is_of_whoever_began_and_a_stranger_who_ends_it_learns_nothing() {
    let mut scene = school();
    let [one, other] = [0.0, 1.0].map(|x| scene.player_of_class("class/taught", x, 0.0));
    let king = scene.monster_at("monster/king", 2.0, 0.0);
    hurt(&mut scene, one, king, 100);
    kill(&mut scene, other, king);
    assert_eq!((learned(&scene, one), learned(&scene, other)), (vec![50], vec![]));
}

#[test]
fn who_began_and_has_gone_leaves_the_kill_to_the_next() {
    let mut scene = school();
    let [one, other] = [0.0, 1.0].map(|x| scene.player_of_class("class/taught", x, 0.0));
    let king = scene.monster_at("monster/king", 2.0, 0.0);
    hurt(&mut scene, one, king, 100);
    scene.place(one, 300.0, 0.0);
    kill(&mut scene, other, king);
    assert_eq!((learned(&scene, one), learned(&scene, other)), (vec![], vec![50]));
}

#[test]
fn a_monster_that_went_home_is_nobodys_any_more() {
    let mut scene = school();
    let [one, other] = [0.0, 1.0].map(|x| scene.player_of_class("class/taught", x, 0.0));
    let king = scene.monster_at("monster/king", 2.0, 0.0);
    hurt(&mut scene, one, king, 100);
    scene.ticks(2);
    assert_eq!(scene.get::<DamageList>(king).iter().len(), 1);
    scene.place(one, 300.0, 0.0);
    let forgot = (0..200).any(|_| {
        scene.tick();
        scene.get::<DamageList>(king).iter().len() == 0
    });
    assert!(forgot && scene.get::<DamageList>(king).total() == 0);
    scene.ticks(200);
    scene.place(one, 0.0, 0.0);
    kill(&mut scene, other, king);
    assert_eq!((learned(&scene, one), learned(&scene, other)), (vec![], vec![50]));
}

#[test]
fn by_damage_everyone_gets_a_part_and_a_monster_may_say_otherwise() {
    let mut scene = sharing_school();
    let [one, other] = [0.0, 1.0].map(|x| scene.player_of_class("class/taught", x, 0.0));
    let folk = scene.monster_at("monster/stroller", 20.0, 0.0);
    let king = scene.monster_at("monster/king", 2.0, 0.0);
    // 30 points of attack 10; and what no player did is nobody's: 20 of 100.
    hurt(&mut scene, one, king, 3_000);
    hurt(&mut scene, folk, king, 20_000);
    kill(&mut scene, other, king);
    assert_eq!((learned(&scene, one), learned(&scene, other)), (vec![15], vec![25]));
    let prince = scene.monster_at("monster/prince", 2.0, 0.0);
    hurt(&mut scene, one, prince, 100);
    kill(&mut scene, other, prince);
    assert_eq!((learned(&scene, one), learned(&scene, other)), (vec![50], vec![]));
}

#[test]
fn what_is_gray_teaches_nothing() {
    let mut scene = school();
    let (pupil, king) = (scene.player_of_class("class/taught", 0.0, 0.0), "monster/king");
    // Level 6 finds level 1 gray, level 5 does not: (5 x 5 + 45) x (5 - 4) / 5 = 14.
    for (level, gained) in [(6, vec![]), (5, vec![14])] {
        let entity = scene.entity(pupil);
        scene.scene.world_mut().entity_mut(entity).insert((Level(level), Progress { level, xp: 0, xp_needed: 60 }));
        let king = scene.monster_at(king, 2.0, 0.0);
        kill(&mut scene, pupil, king);
        assert_eq!(learned(&scene, pupil), gained, "level {level}");
    }
}
