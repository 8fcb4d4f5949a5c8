//! Monsters and bosses made from text alone: they decide by their trees, go through their phases, call their adds, lose
//! their patience, and are as new when they have given up.

use sim::assets::School;
use sim::features::buffs::ActiveBuffs;
use sim::features::combat::EffectAction;
use sim::features::monsters::{AiTrace, Brain, Mind, Mood, Said, Summoned};
use sim::ids::SimId;
use sim::testing::{TestScene, test_assets};

use crate::combat::{hp, kill, strike, told};

const TEXTS: [(&str, &str); 2] = [
    (
        "ai/test.ron",
        r#"[
            (id: "ai/coward", root: Selector([
                Sequence([If(HpBelow(50)), Once(Do(Say("Help!")))]),
                Sequence([If(HpBelow(50)), Do(Flee(until_m: 15.0)), Do(Hold)]),
                Subtree("ai/default"),
            ])),
            (id: "ai/angry", root: Sequence([Once(Do(Say("Now I am angry."))), Subtree("ai/default")])),
        ]"#,
    ),
    (
        "monsters/bosses.ron",
        r#"[
            (
                id: "monster/coward", level: (3, 5), rank: Rare, faction: "vermin",
                move: (profile: "move/test", run_mps: 7.0, radius_m: 0.6),
                attributes: {"hp_max": Flat(1000), "attack": Flat(1), "hp_regen_milli": Flat(0)},
                senses: (aggro_m: 0.0), leash: (radius_m: 60.0), ai: "ai/coward", skills: ["skill/strike"],
            ),
            (
                id: "monster/king_rat", level: (5, 5), rank: Boss, faction: "vermin", move: (profile: "move/test"),
                attributes: {"hp_max": Flat(10000), "attack": Flat(1), "hp_regen_milli": Flat(0)},
                senses: (aggro_m: 0.0), leash: (radius_m: 40.0), skills: ["skill/strike"],
                phases: [
                    (name: "swarm", when: HpBelow(70), do: [
                        Say("To me!"), Summon(monster: "monster/rat", count: 3, most: 3),
                    ]),
                    (name: "wrath", when: AddsDead, ai: Some("ai/angry")),
                    (name: "end", when: After(3000), do: [Gain("effect/might")]),
                ],
                enrage: Some((after_ms: 20000, effect: "effect/might", say: Some("Enough!"))),
            ),
        ]"#,
    ),
];

fn scene() -> TestScene {
    TestScene::of(&test_assets(&TEXTS), "scene/flat", 1, |_| {})
}

const fn damage(coef: u32) -> EffectAction {
    EffectAction::Damage { school: School::Physical, formula: None, coef }
}

fn said(scene: &TestScene) -> Vec<String> {
    told::<Said>(scene).into_iter().map(|said| said.text).collect()
}

fn adds(scene: &mut TestScene) -> Vec<SimId> {
    let world = scene.scene.world_mut();
    let mut query = world.query::<(&SimId, &Summoned)>();
    let mut adds: Vec<SimId> = query.iter(world).map(|(&id, _)| id).collect();
    adds.sort_unstable();
    adds
}

fn hurt(scene: &mut TestScene, by: SimId, who: SimId, points: u32) {
    let before = hp(scene, who);
    while hp(scene, who) + points > before && hp(scene, who) > 0 {
        strike(scene, by, who, HIT);
        scene.tick();
    }
}

const HIT: EffectAction = damage(1_000);

/// A boss below 70 % that has called its adds, and whoever fights it.
fn swarm() -> (TestScene, SimId, SimId) {
    let mut scene = scene();
    let (fighter, boss) = (scene.player_at(2.0, 0.0), scene.monster_at("monster/king_rat", 0.0, 0.0));
    strike(&mut scene, fighter, boss, HIT);
    scene.ticks(5);
    assert_eq!((scene.get::<Mind>(boss).phase(), adds(&mut scene).len()), (None, 0));
    hurt(&mut scene, fighter, boss, 3_100);
    (scene, fighter, boss)
}

#[test]
fn a_monster_of_text_alone_decides_by_its_tree() {
    let mut scene = scene();
    let (fighter, coward) = (scene.player_at(2.0, 0.0), scene.monster_at("monster/coward", 0.0, 0.0));
    strike(&mut scene, fighter, coward, damage(100));
    scene.ticks(30);
    assert!(scene.position(coward).distance(scene.position(fighter)) < 3.0, "it fights");
    let called = (0..100).any(|_| {
        if hp(&scene, coward) > 480 {
            strike(&mut scene, fighter, coward, HIT);
        }
        scene.tick();
        said(&scene) == ["Help!"]
    });
    scene.ticks(100);
    let away_m = scene.position(coward).distance(scene.position(fighter));
    assert!(called && (14.0..20.0).contains(&away_m), "{away_m}");
}

#[test]
fn the_trace_of_a_watched_monster_says_why() {
    let mut scene = scene();
    let (fighter, coward) = (scene.player_at(2.0, 0.0), scene.monster_at("monster/coward", 0.0, 0.0));
    scene.scene.world_mut().resource_mut::<AiTrace>().watched.insert(coward);
    strike(&mut scene, fighter, coward, damage(100));
    scene.ticks(8);
    let thought = scene.scene.world().resource::<AiTrace>().last.get(&coward).cloned().expect("it has decided");
    let text = thought.trace.to_string();
    assert!(text.contains("If HpBelow(50) -> no (99 %)") && text.contains("Do Approach"), "{text}");
    assert!(thought.status.is_some() && (1..thought.nodes_max).contains(&thought.node_count), "{thought:?}");
}

#[test]
fn a_boss_calls_its_adds_below_70_percent_and_goes_on_when_they_are_dead() {
    let (mut scene, fighter, boss) = swarm();
    scene.ticks(2);
    let adds = adds(&mut scene);
    assert_eq!((scene.get::<Mind>(boss).phase(), adds.len()), (Some(0), 3));
    for &add in &adds {
        assert_eq!(scene.get::<Brain>(add).mood, Mood::Fighting { victim: fighter });
    }
    for add in adds {
        kill(&mut scene, fighter, add);
        scene.tick();
    }
    let angry = (0..8).any(|_| {
        scene.tick();
        said(&scene) == ["Now I am angry."]
    });
    assert!(angry && scene.get::<Mind>(boss).phase() == Some(1), "the phase has a tree of its own");
    scene.ticks(62);
    assert_eq!(scene.get::<Mind>(boss).phase(), Some(2), "3 s later");
    assert_eq!(scene.get::<ActiveBuffs>(boss).iter().len(), 1);
}

#[test]
fn a_fight_that_takes_too_long_enrages_the_boss_once() {
    let mut scene = scene();
    let (fighter, boss) = (scene.player_at(2.0, 0.0), scene.monster_at("monster/king_rat", 0.0, 0.0));
    strike(&mut scene, fighter, boss, HIT);
    scene.ticks(395);
    assert!(!scene.get::<Mind>(boss).is_enraged());
    let shouts = (0..40).filter(|_| {
        scene.tick();
        said(&scene) == ["Enough!"]
    });
    assert_eq!(shouts.count(), 1);
    assert!(scene.get::<Mind>(boss).is_enraged() && !scene.get::<ActiveBuffs>(boss).is_empty());
}

#[test]
fn a_boss_that_has_given_up_is_as_new_and_its_adds_are_gone() {
    let (mut scene, fighter, boss) = swarm();
    scene.ticks(2);
    scene.place(fighter, 300.0, 0.0);
    kill(&mut scene, boss, fighter);
    scene.ticks(60);
    assert!(matches!(scene.get::<Brain>(boss).mood, Mood::Idle), "{:?}", scene.get::<Brain>(boss));
    assert_eq!((hp(&scene, boss), adds(&mut scene).len()), (10_000, 0));
    assert_eq!(*scene.get::<Mind>(boss), Mind::default());
}
