//! What arrives is what was: a client that loses, repeats and reorders its datagrams never shows an entity where it was
//! not, and once the loss ends it shows everything as it is.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use glam::Vec3;
use net::client::world::ClientWorld;
use net::codec::{decode_server_message, decode_state_frame, encode_input};
use net::mailbox::{Inbound, SessionId, TaskEnd, mailbox};
use net::protocol::{InputDatagram, WireStep};
use net::sessions::{self, Join};
use sim::actor::{Concealment, Faction, Heading, Position};
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, InputProgress, Players};
use sim::interest::Interest;
use sim::random::{Draw, Random, Stream};
use sim::replicated::Replicate;
use sim::roster::Roster;
use sim::testing::TestScene;

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
}

impl Watch {
    fn new(seed: u64, path: Path) -> Self {
        let mut scene = TestScene::with_plugins(|app| {
            app.add_plugins(net::plugin);
        });
        let (task, end) = mailbox(SessionId::next());
        let character = Character { name: "watcher".into(), class: "class/fighter".into(), parts: Vec::new() };
        sessions::attach(&mut scene.scene, Join { player: PlayerId(99), character, spawn_point: None }, end);
        scene.tick();
        let (own, _) = scene.scene.world().resource::<Players>().0[&PlayerId(99)];
        let mut watch = Self {
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
        };
        (0..CROWD).for_each(|_| watch.bear());
        watch
    }

    fn draw(&self, id: SimId, what: &'static str) -> Draw {
        self.random.draw(self.tick, id, Stream(what), 0)
    }

    fn bear(&mut self) {
        let centre = self.scene.position(self.own);
        let world = self.scene.scene.world_mut();
        let id = world.resource_mut::<Roster>().allocate(self.tick);
        let mut draw = self.random.draw(self.tick, id, Stream("birth"), 0);
        let place = centre + Vec3::new(draw.unit() * 60.0 - 30.0, draw.unit() * 5.0, draw.unit() * 60.0 - 30.0);
        self.crowd.push(id);
        world.spawn((id, Position(place), Heading(0.0), Faction::default(), Concealment::default()));
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
            steps: vec![WireStep { x: 0, z: 0, flags: 0 }],
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
    let walk = |watch: &mut Watch| {
        for &id in &watch.crowd {
            let entity = watch.scene.entity(id);
            watch.scene.scene.world_mut().get_mut::<Position>(entity).expect("it has a place").0.x += 0.1;
        }
        watch.tick();
    };
    for _ in 0..40 {
        walk(&mut watch);
    }
    watch.received_bytes = 0;
    for _ in 0..20 {
        walk(&mut watch);
    }
    let envelope_bytes = net::protocol::DATAGRAM_BYTES_MAX - net::codec::STATE_RECORDS_BYTES_MAX;
    assert_eq!(watch.received_bytes, 20 * (envelope_bytes + CROWD * 4));
}
