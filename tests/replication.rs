//! What arrives is what was: a client that loses, repeats and reorders its datagrams never shows an entity where it was
//! not, and once the loss ends it shows everything as it is.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use glam::Vec3;
use net::client::world::ClientWorld;
use net::codec::{decode_server_message, decode_state_frame, encode_input};
use net::mailbox::{Inbound, SessionId, TaskEnd, mailbox};
use net::outbound::ReplicationLimits;
use net::protocol::{InputDatagram, WireStep};
use net::sessions::{self, Join};
use sim::actor::{Concealment, Faction, Heading, Kind, Position};
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, InputProgress, Players};
use sim::interest::Interest;
use sim::random::{Draw, Random, Stream};
use sim::replicated::Replicate;
use sim::roster::Roster;
use sim::testing::TestScene;
use sim::tick::TICKS_PER_SECOND;

/// Entities around the watcher.
const CROWD: usize = 60;

/// What a path does to datagrams, and how many ticks it takes at most; the stream is only delayed.
#[derive(Clone, Copy)]
struct Path {
    loss_bp: u32,
    repeat_bp: u32,
    delay_ticks: u32,
}

/// One watching client, and everything that moves around it.
struct Watch {
    scene: TestScene,
    task: TaskEnd,
    own: SimId,
    world: ClientWorld,
    crowd: Vec<SimId>,
    path: Path,
    random: Random,
    tick: u32,
    sequence: u32,
    datagrams: Vec<(u32, Bytes)>,
    frames: VecDeque<(u32, Bytes)>,
    inputs: Vec<(u32, Bytes)>,
    /// Where everything was in every tick, in centimetres as on the wire.
    places: BTreeMap<(SimId, u32), [u16; 3]>,
    received_bytes: usize,
    /// The client sends nothing.
    is_mute: bool,
}

impl Watch {
    /// Sessions that the last tick looked at.
    fn awake_count(&self) -> usize {
        sessions::awake_count(&self.scene.scene)
    }

    fn new(seed: u64, path: Path) -> Self {
        let mut watch = Self::alone(seed, path, ReplicationLimits::default());
        (0..CROWD).for_each(|_| watch.bear(30.0, Kind::Thing));
        watch
    }

    fn alone(seed: u64, path: Path, limits: ReplicationLimits) -> Self {
        let mut scene = TestScene::with_plugins(|app| {
            app.insert_resource(limits).add_plugins(net::plugin);
        });
        let (task, end) = mailbox(SessionId::next());
        let character = Character { name: "watcher".into(), class: "class/fighter".into(), parts: Vec::new() };
        sessions::attach(&mut scene.scene, Join { player: PlayerId(99), character, spawn_point: None }, end);
        scene.tick();
        let (own, _) = scene.scene.world().resource::<Players>().0[&PlayerId(99)];
        Self {
            scene,
            task,
            own,
            world: ClientWorld::default(),
            crowd: Vec::new(),
            path,
            random: Random::new(seed),
            tick: 0,
            sequence: 0,
            datagrams: Vec::new(),
            frames: VecDeque::new(),
            inputs: Vec::new(),
            places: BTreeMap::new(),
            received_bytes: 0,
            is_mute: false,
        }
    }

    fn draw(&self, id: SimId, what: &'static str) -> Draw {
        self.random.draw(self.tick, id, Stream(what), 0)
    }

    /// Puts somebody at random within `reach_m` of the watcher.
    fn bear(&mut self, reach_m: f32, kind: Kind) {
        let centre = self.scene.position(self.own);
        let world = self.scene.scene.world_mut();
        let id = world.resource_mut::<Roster>().allocate(self.tick);
        let mut draw = self.random.draw(self.tick, id, Stream("birth"), 0);
        let place = centre + Vec3::new(draw.unit() * 2.0 - 1.0, draw.unit() * 0.2, draw.unit() * 2.0 - 1.0) * reach_m;
        self.crowd.push(id);
        world.spawn((id, kind, Position(place), Heading(0.0), Faction::default(), Concealment::default()));
    }

    /// Walks, climbs, rests, jumps and turns everybody by chance; each has moods of some seconds.
    fn stir(&mut self) {
        for id in self.crowd.clone() {
            let mut draw = self.draw(id, "stir");
            let mood = self.random.draw(self.tick / 30, id, Stream("mood"), 0).below(4);
            let entity = self.scene.entity(id);
            let mut entity = self.scene.scene.world_mut().entity_mut(entity);
            let mut place = entity.get::<Position>().expect("it has a place").0;
            match (mood, draw.below(1_000)) {
                (_, 0..4) => place += Vec3::new(draw.unit() - 0.5, 0.0, draw.unit() - 0.5) * 60.0,
                (0, _) => continue,
                (1, _) => place += Vec3::new(0.3, 0.0, 0.1),
                (2, _) => place += Vec3::new(-0.4, draw.unit() * 0.8 - 0.4, 0.4),
                _ => {
                    place += Vec3::new(draw.unit() - 0.5, 0.0, draw.unit() - 0.5) * 0.9;
                    entity.insert(Heading(draw.unit() * 6.0));
                }
            }
            entity.insert(Position(place));
        }
    }

    /// One tick of the scene, of the path and of the client.
    fn tick(&mut self) {
        self.tick += 1;
        self.scene.tick();
        let now = self.scene.scene.tick_number();
        let world = self.scene.scene.world();
        for (id, entity) in world.resource::<Roster>().iter() {
            if let Some(position) = world.get::<Position>(entity) {
                self.places.insert((id, now), position.to_cm());
            }
        }
        self.send();
        self.deliver();
        self.answer();
    }

    /// Puts what the server sends on its way.
    fn send(&mut self) {
        let (mut datagrams, mut frames) = (Vec::new(), Vec::new());
        self.task.take_datagrams(&mut datagrams);
        self.task.take_frames(&mut frames);
        for frame in frames {
            self.task.written(frame.len());
            self.frames.push_back((self.tick + self.path.delay_ticks, frame));
        }
        for (number, datagram) in (0..).zip(datagrams) {
            let mut draw = self.draw(SimId::new(number, 0), "path");
            self.received_bytes += datagram.len();
            let copies = 1 + u32::from(draw.chance_bp(self.path.repeat_bp));
            for _ in 0..copies {
                if !draw.chance_bp(self.path.loss_bp) {
                    self.datagrams.push((self.tick + draw.below(self.path.delay_ticks + 1), datagram.clone()));
                }
            }
        }
    }

    fn deliver(&mut self) {
        while let Some((_, frame)) = self.frames.pop_front_if(|(due, _)| *due <= self.tick) {
            self.world.on_message(decode_server_message(&frame).expect("the server writes what it reads"));
        }
        let (due, later) = std::mem::take(&mut self.datagrams).into_iter().partition(|&(due, _)| due <= self.tick);
        self.datagrams = later;
        for (_, datagram) in due {
            self.world.on_frame(&decode_state_frame(&datagram).expect("the server writes what it reads"));
            self.check();
        }
    }

    /// Every place known must be where the entity was in the tick it belongs to.
    fn check(&self) {
        // Before the first message nothing is known at all.
        let Some(bit) = self.world.component(Position::NAME) else { return };
        for entity in self.world.entities().filter(|entity| entity.id() != self.own) {
            let tick = entity.value_tick(bit).expect("everything here has a place");
            let shown = entity.value(bit).expect("it has a value");
            let truth = self.places[&(entity.id(), tick)].map(u16::to_le_bytes);
            assert_eq!(shown, truth.as_flattened(), "{} at tick {tick}, seen in tick {}", entity.id(), self.tick);
        }
    }

    fn answer(&mut self) {
        if self.is_mute {
            return;
        }
        self.sequence += 1;
        let (frame_ack, frame_ack_bits) = self.world.frame_acks();
        let entity = self.scene.entity(self.own);
        let progress = self.scene.scene.world().get::<InputProgress>(entity).expect("it is a player");
        let place = self.scene.position(self.own) * 100.0;
        #[allow(clippy::cast_possible_truncation, reason = "places are far smaller than 2^31 cm")]
        let input = InputDatagram {
            sequence: self.sequence,
            view_tick: self.tick,
            forced_epoch: progress.forced_epoch,
            claim_x_cm: place.x as i32,
            claim_z_cm: place.z as i32,
            frame_ack,
            frame_ack_bits,
            batch_ack: self.world.batch_ack(),
            steps: std::iter::once(WireStep { x: 0, z: 0, flags: 0 }).collect(),
        };
        let mut bytes = Vec::new();
        encode_input(&input, &mut bytes).expect("it fits");
        let mut draw = self.draw(self.own, "answer");
        if !draw.chance_bp(self.path.loss_bp) {
            self.inputs.push((self.tick + draw.below(self.path.delay_ticks + 1), bytes.into()));
        }
        let (due, later) = std::mem::take(&mut self.inputs).into_iter().partition(|&(due, _)| due <= self.tick);
        self.inputs = later;
        for (_, bytes) in due {
            let _full = self.task.push(Inbound::Datagram { bytes, received_us: 0 });
        }
    }

    /// The first thing the client shows otherwise than it is.
    fn difference(&self) -> Option<String> {
        let visible = self.scene.get::<Interest>(self.own).visible();
        let shown: Vec<SimId> = self.world.entities().map(net::client::world::RemoteEntity::id).collect();
        if shown != visible {
            return Some(format!("{visible:?} is in view and {shown:?} is shown"));
        }
        let (position, heading) = (self.world.component(Position::NAME)?, self.world.component(Heading::NAME)?);
        visible.iter().filter(|&&id| id != self.own).find_map(|&id| {
            let place = self.scene.get::<Position>(id).to_cm().map(u16::to_le_bytes);
            let facing = self.scene.get::<Heading>(id).to_byte();
            let entity = self.world.entity(id)?;
            let is_right =
                entity.value(position) == Some(place.as_flattened()) && entity.value(heading) == Some(&[facing]);
            (!is_right).then(|| format!("{id} is shown as of tick {:?}", entity.value_tick(position)))
        })
    }

    /// Ticks for which nothing new is known of whoever waits longest.
    fn longest_silence(&self) -> u32 {
        let bit = self.world.component(Position::NAME).expect("positions are replicated");
        let others = self.world.entities().filter(|entity| entity.id() != self.own);
        let now = self.scene.scene.tick_number();
        others.map(|entity| now - entity.value_tick(bit).expect("everything here has a place")).max().unwrap_or(0)
    }

    /// One tick in which everybody takes a step.
    fn walk(&mut self, step: Vec3) {
        for &id in &self.crowd {
            let entity = self.scene.entity(id);
            self.scene.scene.world_mut().get_mut::<Position>(entity).expect("it has a place").0 += step;
        }
        self.tick();
    }
}

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
