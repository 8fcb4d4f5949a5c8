//! Groups of monsters: they come together, give up together, are as new together and come back together.

use sim::assets::School;
use sim::features::combat::{EffectAction, Untouchable, Vitals};
use sim::features::monsters::{Brain, Group, Home, Mood, Vigilance};
use sim::ids::SimId;
use sim::testing::TestScene;

use crate::combat::{kill, strike};
use crate::spawners::{lair, living, slay};

/// Four that never call for help as far as another, 15 m apart, and one more that is on its own.
const PACK: &str = r#"spawners: [
        (id: "spawner/a", monster: "monster/dummy", at: (0, 0), count: 1),
        (id: "spawner/b", monster: "monster/dummy", at: (0, 15), count: 1),
        (id: "spawner/c", monster: "KIND", at: (0, 30), count: 1),
        (id: "spawner/d", monster: "KIND", at: (0, 45), count: 1),
        (id: "spawner/e", monster: "monster/dummy", at: (5, 0), count: 1),
    ],
    groups: [(id: "group/g", spawners: ["spawner/a", "spawner/b", "spawner/c", "spawner/d"], respawn: RESPAWN)]"#;

/// The pack of four, the latter two of a kind, and the loner, after a tick, with players far away.
fn pack(kind: &str, respawn: &str, players: usize) -> (TestScene, [SimId; 4], SimId, Vec<SimId>) {
    let mut scene = lair(&PACK.replace("RESPAWN", respawn).replace("KIND", kind), 1);
    scene.tick();
    let all: Vec<SimId> = living(&mut scene).into_iter().map(|(id, ..)| id).collect();
    let players = (0..players).map(|_| scene.player_at(-120.0, 0.0)).collect();
    (scene, [all[0], all[1], all[2], all[3]], all[4], players)
}

fn mood(scene: &TestScene, id: SimId) -> Mood {
    scene.get::<Brain>(id).mood
}

fn is_idle(scene: &TestScene, id: SimId) -> bool {
    matches!(mood(scene, id), Mood::Idle)
}

fn evades(scene: &TestScene, id: SimId) -> bool {
    matches!(mood(scene, id), Mood::Evading { .. })
}

fn fights(scene: &TestScene, id: SimId, victim: SimId) -> bool {
    mood(scene, id) == Mood::Fighting { victim }
}

const HIT: EffectAction = EffectAction::Damage { formula: None, school: School::Physical, coef: 10 };

/// Lets ticks pass until something is so, at most `ticks_max` of them.
fn until(scene: &mut TestScene, ticks_max: u32, so: impl Fn(&TestScene) -> bool) -> bool {
    (0..ticks_max).any(|_| {
        scene.tick();
        so(scene)
    })
}

#[test]
fn when_one_is_attacked_all_of_its_group_come_however_far_and_nobody_else() {
    let (mut scene, pack, loner, players) = pack("monster/dummy", "Each", 1);
    assert!(pack.iter().all(|&id| scene.get::<Group>(id).index == 0));
    scene.place(players[0], 12.0, 0.0);
    scene.ticks(10);
    assert!(pack.iter().all(|&id| is_idle(&scene, id)), "nobody is attacked");
    strike(&mut scene, players[0], pack[0], HIT);
    scene.ticks(2);
    assert!(pack.iter().all(|&id| fights(&scene, id, players[0])), "{:?}", pack.map(|id| mood(&scene, id)));
    assert!(is_idle(&scene, loner), "5 m away, but none of them");
}

#[test]
fn when_one_is_at_the_end_of_its_leash_all_give_up_and_are_as_new_in_one_tick() {
    let (mut scene, pack, _, players) = pack("monster/rat", "Each", 1);
    let player = players[0];
    scene.place(player, 4.0, 30.0);
    strike(&mut scene, player, pack[0], HIT);
    scene.ticks(2);
    assert!(pack.iter().all(|&id| fights(&scene, id, player)));
    // The rats follow 30 m far, the others 60 m.
    let gave_up = (0..300).any(|_| {
        let x = scene.position(pack[2]).x;
        scene.place(player, x + 6.0, 30.0);
        scene.tick();
        evades(&scene, pack[2]) || evades(&scene, pack[3])
    });
    assert!(gave_up && pack.iter().all(|&id| evades(&scene, id)), "{:?}", pack.map(|id| mood(&scene, id)));
    scene.place(player, -120.0, 0.0);
    let mut waited = 0;
    for _ in 0..400 {
        scene.tick();
        let home = |id: &SimId| scene.position(*id).distance(scene.get::<Home>(*id).feet) < 1.0;
        let idle = pack.iter().filter(|&&id| is_idle(&scene, id)).count();
        assert!(idle == 0 || idle == 4, "as new all at once: {:?}", pack.map(|id| mood(&scene, id)));
        waited += usize::from(idle == 0 && pack.iter().any(home));
        assert!(idle == 4 || pack.iter().all(|&id| scene.get::<Untouchable>(id).0));
    }
    assert!(waited > 5, "who was home first has waited for the others: {waited} ticks");
    for id in pack {
        let vitals = scene.get::<Vitals>(id);
        assert!(is_idle(&scene, id) && vitals.hp == vitals.hp_max && !scene.get::<Untouchable>(id).0);
    }
}

#[test]
fn who_has_lost_its_victim_turns_to_that_of_another_and_the_fight_ends_for_all_at_once() {
    let (mut scene, pack, _, players) = pack("monster/dummy", "Each", 2);
    scene.place(players[0], 3.0, -2.0);
    scene.place(players[1], -6.0, 12.0);
    strike(&mut scene, players[0], pack[0], HIT);
    strike(&mut scene, players[1], pack[1], HIT);
    scene.ticks(2);
    assert!(fights(&scene, pack[0], players[0]) && fights(&scene, pack[1], players[1]));
    kill(&mut scene, pack[3], players[0]);
    for _ in 0..40 {
        scene.tick();
        assert!(pack.iter().all(|&id| matches!(mood(&scene, id), Mood::Fighting { .. })), "it ends for none of them");
    }
    assert!(pack.iter().all(|&id| fights(&scene, id, players[1])));
    kill(&mut scene, pack[3], players[1]);
    assert!(until(&mut scene, 3, |scene| pack.iter().any(|&id| evades(scene, id))));
    assert!(pack.iter().all(|&id| evades(&scene, id)), "it ends for all: {:?}", pack.map(|id| mood(&scene, id)));
}

#[test]
fn a_group_comes_back_when_all_of_it_are_dead_and_all_at_once() {
    let (mut scene, pack, _, players) = pack("monster/dummy", "Together", 1);
    slay(&mut scene, players[0], &pack[..3]);
    scene.ticks(300);
    assert_eq!(living(&mut scene).len(), 2, "one of the group is alive, and the loner");
    slay(&mut scene, players[0], &pack[3..]);
    scene.ticks(98);
    assert_eq!(living(&mut scene).len(), 1);
    scene.ticks(2);
    let now = living(&mut scene);
    assert_eq!(now.len(), 5, "5 s after the last one died");
    assert_eq!(now.iter().filter(|(id, ..)| scene.scene.world().get::<Group>(scene.entity(*id)).is_some()).count(), 4);
}

#[test]
fn a_group_whose_dead_come_back_one_by_one_takes_them_into_its_fight() {
    let (mut scene, pack, loner, players) = pack("monster/dummy", "Each", 1);
    slay(&mut scene, players[0], &pack[1..2]);
    scene.place(players[0], 2.0, 0.0);
    strike(&mut scene, players[0], pack[0], HIT);
    scene.ticks(97);
    assert_eq!(living(&mut scene).len(), 4);
    scene.ticks(4);
    let (back, ..) =
        living(&mut scene).into_iter().find(|(id, ..)| *id != loner && !pack.contains(id)).expect("one is new");
    assert!(fights(&scene, back, players[0]), "{:?}", mood(&scene, back));
}

/// Three strollers in a row, so far apart that the last sleeps while somebody is with the first.
const ROW: &str = r#"spawners: [
        (id: "spawner/a", monster: "monster/stroller", at: (0, 0), count: 1),
        (id: "spawner/b", monster: "monster/stroller", at: (-95, 0), count: 1),
        (id: "spawner/c", monster: "monster/stroller", at: (95, 0), count: 1),
    ],
    groups: [(id: "group/g", spawners: ["spawner/a", "spawner/b", "spawner/c"])]"#;

#[test]
fn who_sleeps_when_its_group_is_attacked_comes_from_where_it_would_be_awake() {
    let mut scenes = [Vigilance::Near, Vigilance::Always].map(|vigilance| {
        let mut scene = lair(ROW, 6);
        scene.scene.world_mut().insert_resource(vigilance);
        let player = scene.player_at(-105.0, 0.0);
        scene.ticks(500);
        (scene, player)
    });
    let row: Vec<SimId> = living(&mut scenes[0].0).into_iter().map(|(id, ..)| id).collect();
    let places = scenes.each_ref().map(|(scene, _)| scene.position(row[2]));
    assert!(places[0] != places[1], "one sleeps and the other does not: {places:?}");
    for (scene, player) in &mut scenes {
        strike(scene, *player, row[1], HIT);
        scene.ticks(2);
        assert!(row.iter().all(|&id| fights(scene, id, *player)));
    }
    let mut compared = 0;
    for tick in 0..400 {
        for &id in &row {
            let [near, always] = scenes.each_ref().map(|(scene, _)| (mood(scene, id), scene.position(id)));
            assert_eq!(near.0, always.0, "{id}, {tick} ticks later");
            if !is_idle(&scenes[0].0, id) {
                assert_eq!(near.1, always.1, "{id}, {tick} ticks later");
                compared += 1;
            }
        }
        scenes.iter_mut().for_each(|(scene, _)| scene.tick());
    }
    assert!(compared > 300, "{compared}");
}
