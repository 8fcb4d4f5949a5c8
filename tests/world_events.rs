//! World events: a boss comes when its time is told, once; it dies or leaves; and everyone hears of each once.

use bevy_ecs::prelude::*;
use sim::features::combat::{Died, Vitals};
use sim::features::monsters::Species;
use sim::features::world_events::{Announced, WorldBoss};
use sim::ids::SimId;
use sim::input::{EventMoment, SceneInput, SceneOutput};
use sim::testing::{TestScene, test_assets};

use crate::combat::kill;

const RATS: &str = r#"(id: "event/rats", monster: "monster/rat", scene: "scene/flat", at: (40, 10), lifetime_ms: 5000,
    when: Every(minutes: 60), announce_min: [5])"#;

fn scene(place: &str) -> TestScene {
    TestScene::of(&test_assets(&[("events/rats.ron", RATS)]), place, 1, |_| {})
}

fn tell(scene: &mut TestScene, moment: EventMoment) {
    scene.scene.push(SceneInput::WorldEvent { event: "event/rats".into(), moment });
    scene.tick();
}

/// Who was told in this tick.
fn told(scene: &TestScene) -> Vec<(SimId, EventMoment)> {
    let messages = scene.scene.world().resource::<Messages<Announced>>();
    messages.iter_current_update_messages().map(|told| (told.to, told.moment.clone())).collect()
}

fn bosses(scene: &mut TestScene) -> Vec<SimId> {
    let world = scene.scene.world_mut();
    world.query_filtered::<&SimId, With<WorldBoss>>().iter(world).copied().collect()
}

/// What the scene has told outside since the last call.
fn outside(scene: &mut TestScene) -> Vec<EventMoment> {
    let outputs = scene.scene.take_outputs().into_iter();
    let moment = |output| match output {
        SceneOutput::WorldEvent { event, moment } if event == "event/rats" => Some(moment),
        _ => None,
    };
    outputs.filter_map(moment).collect()
}

#[test]
fn a_boss_comes_once_and_the_outside_hears_of_it() {
    let mut scene = scene("scene/flat");
    tell(&mut scene, EventMoment::Due);
    let [boss] = bosses(&mut scene)[..] else { panic!("one boss is there") };
    assert_eq!(outside(&mut scene), [EventMoment::Begun]);
    assert_eq!(scene.get::<Species>(boss).0, scene.config.assets.monsters.by_name("monster/rat").unwrap());
    assert_eq!((scene.position(boss).x, scene.position(boss).z), (40.0, 10.0));
    tell(&mut scene, EventMoment::Due);
    assert_eq!((bosses(&mut scene), outside(&mut scene)), (vec![boss], Vec::new()));
}

#[test]
fn an_event_of_another_scene_brings_nobody_here() {
    let mut scene = scene("scene/walled");
    tell(&mut scene, EventMoment::Due);
    assert_eq!((bosses(&mut scene), outside(&mut scene)), (Vec::new(), Vec::new()));
}

#[test]
fn everyone_hears_of_it_once_in_any_scene() {
    let mut scene = scene("scene/walled");
    let (one, other) = (scene.player_at(0.0, 0.0), scene.player_at(1.0, 0.0));
    tell(&mut scene, EventMoment::Soon { minutes: 5 });
    assert_eq!(told(&scene), [one, other].map(|to| (to, EventMoment::Soon { minutes: 5 })));
    scene.tick();
    assert_eq!(told(&scene), Vec::new());
}

#[test]
fn its_death_is_told_with_the_name_of_who_struck_last() {
    let mut scene = scene("scene/flat");
    let hero = scene.player_at(38.0, 10.0);
    tell(&mut scene, EventMoment::Due);
    let boss = bosses(&mut scene)[0];
    outside(&mut scene);
    kill(&mut scene, hero, boss);
    assert!(scene.scene.world().resource::<Messages<Died>>().iter_current_update_messages().count() == 1);
    assert_eq!(outside(&mut scene), [EventMoment::Defeated { by: "player1".into() }]);
    scene.ticks(200);
    assert_eq!(
        (bosses(&mut scene), outside(&mut scene)),
        (Vec::new(), Vec::new()),
        "its corpse has gone, and no more is told"
    );
}

#[test]
fn it_leaves_when_its_time_is_over_and_nobody_fights_it() {
    let mut scene = scene("scene/flat");
    tell(&mut scene, EventMoment::Due);
    let boss = bosses(&mut scene)[0];
    scene.ticks(99);
    assert!(scene.exists(boss) && !scene.get::<Vitals>(boss).is_dead());
    scene.ticks(1);
    assert!(!scene.exists(boss));
    assert_eq!(outside(&mut scene), [EventMoment::Begun, EventMoment::Over]);
}

#[test]
fn a_moment_of_an_event_that_is_not_in_the_data_is_nothing() {
    let mut scene = scene("scene/flat");
    scene.player_at(0.0, 0.0);
    scene.scene.push(SceneInput::WorldEvent { event: "event/gone".into(), moment: EventMoment::Begun });
    scene.tick();
    assert_eq!(told(&scene), Vec::new());
}
