//! What arrives is what was: a client that loses, repeats and reorders its datagrams never shows an entity where it was
//! not, and once the loss ends it shows everything as it is.

use bytes::Bytes;
use glam::Vec3;
use net::mailbox::{SessionId, TaskEnd, mailbox};
use net::outbound::ReplicationLimits;
use net::sessions::{self, Join};
use sim::actor::{Heading, Kind, Position};
use sim::features::combat::Vitals;
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, Players};
use sim::interest::Pinned;
use sim::replicated::Replicate;
use sim::testing::TestScene;
use sim::tick::TICKS_PER_SECOND;

use self::watch::{CROWD, Path, Watch};

mod watch;

fn watched(seed: u64, path: Path) {
    let mut watch = Watch::new(seed, path);
    for _ in 0..600 {
        watch.stir();
        watch.tick();
    }
    // Everybody stops, and the path gets well: within half a second and the way itself all is as it is.
    watch.path.loss_bp = 0;
    for _ in 0..10 + 3 * path.delay_ticks {
        watch.tick();
    }
    assert_eq!(watch.difference(), None, "seed {seed}");
}

#[test]
fn a_place_is_never_wrong_whatever_the_path_does() {
    for (seed, loss_bp, delay_ticks) in [(1, 0, 0), (2, 500, 2), (3, 2_000, 4), (4, 3_000, 6), (5, 6_000, 3), (6, 0, 9)]
    {
        watched(seed, Path { loss_bp, repeat_bp: 1_000, delay_ticks });
    }
}

#[test]
fn walking_on_flat_ground_takes_four_bytes() {
    let mut watch = Watch::new(7, Path { loss_bp: 0, repeat_bp: 0, delay_ticks: 1 });
    for _ in 0..40 {
        watch.walk(Vec3::X * 0.1);
    }
    watch.received_bytes = 0;
    for _ in 0..20 {
        watch.walk(Vec3::X * 0.1);
    }
    let envelope_bytes = net::protocol::DATAGRAM_BYTES_MAX - net::codec::STATE_RECORDS_BYTES_MAX;
    assert_eq!(watch.received_bytes, 20 * (envelope_bytes + CROWD * 4));
}

const CLEAR: Path = Path { loss_bp: 0, repeat_bp: 0, delay_ticks: 0 };

/// Has a crowd walk to and fro, and checks the budget in every tick and the silence in every tick after `from`.
fn walk_about(watch: &mut Watch, limits: ReplicationLimits, ticks: u32, from: u32) {
    for tick in 0..ticks {
        watch.received_bytes = 0;
        watch.walk(if tick / 20 % 2 == 0 { Vec3::X } else { Vec3::NEG_X } * 0.3);
        assert!(watch.received_bytes <= limits.client_bytes_per_tick, "{} bytes in tick {tick}", watch.received_bytes);
        let silence = watch.longest_silence();
        assert!(
            tick < from || silence <= limits.silence_ticks,
            "nothing was heard of one for {silence} ticks in tick {tick}"
        );
    }
}

#[test]
fn in_a_crowd_of_2000_one_datagram_a_tick_forgets_nobody() {
    let limits = ReplicationLimits { client_bytes_per_tick: 1_150, ..ReplicationLimits::default() };
    let mut watch = Watch::alone(8, CLEAR, limits);
    (0..2_000).for_each(|_| watch.bear(10.0, Kind::Thing));
    walk_about(&mut watch, limits, 100, 1);
    for _ in 0..limits.silence_ticks + 2 {
        watch.tick();
    }
    assert_eq!(watch.difference(), None);
}

/// Has everybody jump, turn and bleed, so that all records are long.
fn fight(watch: &mut Watch, tick: u32) {
    for id in watch.crowd.clone() {
        let entity = watch.scene.entity(id);
        let mut entity = watch.scene.scene.world_mut().entity_mut(entity);
        entity.insert((Heading((tick % 6) as f32), Vitals { hp: 100 + tick % 50, ..Vitals::full(1_000) }));
    }
    watch.walk(if (tick / 20).is_multiple_of(2) { Vec3::X } else { Vec3::NEG_X } * 0.5);
}

#[test]
fn who_goes_first_is_told_in_every_tick_however_much_there_is_to_tell_of_others() {
    let mut watch = Watch::alone(10, CLEAR, ReplicationLimits::default());
    (0..400).for_each(|_| watch.bear(10.0, Kind::Thing));
    let foe = watch.crowd[399];
    let own = watch.scene.entity(watch.own);
    let pinned = Pinned { first: [foe].into_iter().collect(), ..Pinned::default() };
    watch.scene.scene.world_mut().entity_mut(own).insert(pinned);
    let bit = |watch: &Watch| watch.world.component(Position::NAME).expect("positions are replicated");
    for tick in 0..100 {
        fight(&mut watch, tick);
        let told_tick = watch.world.entity(foe).and_then(|foe| foe.value_tick(bit(&watch)));
        assert!(tick < 2 || told_tick == Some(watch.scene.scene.tick_number()), "{told_tick:?} in tick {tick}");
        assert!(tick < 20 || watch.longest_silence() <= 20, "{} ticks of silence", watch.longest_silence());
    }
}

#[test]
fn when_not_even_the_overdue_fit_those_wait_least_who_have_waited_longest() {
    let mut watch = Watch::alone(11, CLEAR, ReplicationLimits::default());
    (0..2_500).for_each(|_| watch.bear(10.0, Kind::Thing));
    for tick in 0..120 {
        fight(&mut watch, tick);
        assert!(tick < 60 || watch.longest_silence() <= 50, "{} ticks of silence", watch.longest_silence());
    }
}

#[test]
fn in_a_crowd_that_no_budget_holds_fewer_players_are_shown_and_the_silence_stays_bounded() {
    let limits = ReplicationLimits { client_bytes_per_tick: 300, ..ReplicationLimits::default() };
    let mut watch = Watch::alone(9, CLEAR, limits);
    (0..900).for_each(|_| watch.bear(10.0, Kind::Player(0)));
    walk_about(&mut watch, limits, 200, 80);
    let shown_count = watch.world.entities().len();
    assert!((100..800).contains(&shown_count), "{shown_count} are shown");
    let told = net::outbound::explain(watch.scene.scene.world(), PlayerId(99), watch.own).expect("it has a session");
    assert!(told.is_first && told.players_shown_max.is_some_and(|cap| cap < 800), "{told:?}");
    // With the crowd gone, those who are left are all shown again.
    for id in watch.crowd.split_off(60) {
        let entity = watch.scene.entity(id);
        watch.scene.scene.world_mut().despawn(entity);
    }
    for _ in 0..40 {
        watch.tick();
    }
    assert_eq!(watch.difference(), None);
}

#[test]
fn a_client_around_whom_nothing_happens_is_sent_nothing_more_once_it_is_silent() {
    let mut watch = Watch::new(10, CLEAR);
    for _ in 0..20 {
        watch.walk(Vec3::X * 0.1);
    }
    watch.is_mute = true;
    for _ in 0..80 {
        watch.tick();
    }
    watch.received_bytes = 0;
    for _ in 0..100 {
        watch.tick();
    }
    assert_eq!((watch.received_bytes, watch.awake_count()), (0, 0), "it is not even looked at");
    watch.walk(Vec3::X * 0.1);
    assert!(watch.received_bytes > 0, "what happens is told all the same");
    assert_eq!((watch.difference(), watch.awake_count()), (None, 1));
}

#[test]
fn a_session_that_sleeps_wakes_when_its_client_speaks() {
    let mut watch = Watch::new(11, CLEAR);
    watch.is_mute = true;
    while watch.awake_count() > 0 {
        watch.tick();
        assert!(watch.tick < 400, "it does not fall asleep");
    }
    watch.is_mute = false;
    watch.tick();
    assert_eq!(watch.awake_count(), 0, "what it says is on its way");
    watch.received_bytes = 0;
    watch.tick();
    assert_eq!(watch.awake_count(), 1, "it has spoken");
    for _ in 0..TICKS_PER_SECOND {
        watch.tick();
    }
    assert!(watch.received_bytes > 0, "whoever speaks is told once a second that it is heard");
    assert_eq!(watch.difference(), None);
}

/// Lets so many players in.
fn join(scene: &mut TestScene, count: u64) -> Vec<TaskEnd> {
    let join = |number: u64| {
        let (task, end) = mailbox(SessionId::next());
        let character = Character { name: format!("p{number}"), class: "class/fighter".into(), parts: Vec::new() };
        sessions::attach(&mut scene.scene, Join { player: PlayerId(number), character, spawn_point: None }, end);
        task
    };
    (0..count).map(join).collect()
}

#[test]
fn of_those_who_sleep_only_those_are_woken_around_whom_something_happens() {
    let mut scene = TestScene::with_plugins(|app| {
        app.add_plugins(net::plugin);
    });
    let tasks = join(&mut scene, 5);
    scene.tick();
    let ids: Vec<SimId> = scene.scene.world().resource::<Players>().0.values().map(|&(id, _)| id).collect();
    for (&id, x) in ids.iter().zip([-400.0, -200.0, 0.0, 200.0, 400.0]) {
        scene.place(id, x, 0.0);
    }
    scene.ticks(120);
    assert_eq!(sessions::awake_count(&scene.scene), 0, "nobody says anything");
    tasks.iter().for_each(|task| drop(task.take()));
    scene.place(ids[1], -199.0, 0.0);
    scene.place(ids[3], 201.0, 0.0);
    scene.tick();
    assert_eq!(sessions::awake_count(&scene.scene), 2);
    let told: Vec<bool> = tasks.iter().map(|task| !task.take().datagrams.is_empty()).collect();
    assert_eq!(told, [false, true, false, true, false]);
}

/// Hashes of a scene after a tick, by subsystem.
type Hashes = Vec<(&'static str, u64)>;

/// Everything that 30 players are sent in 60 ticks, and the hashes of their scene.
fn everything_sent(threads: usize) -> (Vec<Bytes>, Vec<Hashes>) {
    let limits = ReplicationLimits { threads, parallel_pairs_min: 0, ..ReplicationLimits::default() };
    let mut scene = TestScene::with_plugins(|app| {
        app.insert_resource(limits).add_plugins(net::plugin);
    });
    let tasks = join(&mut scene, 30);
    let (mut sent, mut hashes) = (Vec::new(), Vec::new());
    for tick in 0..60_u8 {
        scene.tick();
        hashes.push(scene.hash());
        let ids: Vec<SimId> = scene.scene.world().resource::<Players>().0.values().map(|&(id, _)| id).collect();
        for (number, id) in (0_u8..).zip(ids) {
            scene.place(id, f32::from(number % 7) * 20.0 - 60.0, f32::from((number + tick) % 40) * 3.0 - 60.0);
        }
        for task in &tasks {
            let mut frames = Vec::new();
            task.take_datagrams(&mut sent);
            task.take_frames(&mut frames);
            frames.iter().for_each(|frame| task.written(frame.len()));
            sent.append(&mut frames);
        }
    }
    (sent, hashes)
}

#[test]
fn what_clients_are_sent_does_not_depend_on_how_many_threads_put_it_together() {
    let alone = everything_sent(1);
    assert!(alone.0.len() > 1_000, "{} messages", alone.0.len());
    for threads in [2, 4] {
        assert!(everything_sent(threads) == alone, "{threads} threads");
    }
}
