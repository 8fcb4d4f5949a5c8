//! A client that watches a crowd over a path that loses, repeats and delays its datagrams, and what it shows beside what is.

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

/// Entities around the watcher.
pub(super) const CROWD: usize = 60;

/// What a path does to datagrams, and how many ticks it takes at most; the stream is only delayed.
#[derive(Clone, Copy)]
pub(super) struct Path {
    pub(super) loss_bp: u32,
    pub(super) repeat_bp: u32,
    pub(super) delay_ticks: u32,
}

/// One watching client, and everything that moves around it.
pub(super) struct Watch {
    pub(super) scene: TestScene,
    pub(super) task: TaskEnd,
    pub(super) own: SimId,
    pub(super) world: ClientWorld,
    pub(super) crowd: Vec<SimId>,
    pub(super) path: Path,
    pub(super) random: Random,
    pub(super) tick: u32,
    pub(super) sequence: u32,
    pub(super) datagrams: Vec<(u32, Bytes)>,
    pub(super) frames: VecDeque<(u32, Bytes)>,
    pub(super) inputs: Vec<(u32, Bytes)>,
    /// Where everything was in every tick, in centimetres as on the wire.
    pub(super) places: BTreeMap<(SimId, u32), [i32; 3]>,
    pub(super) received_bytes: usize,
    /// The client sends nothing.
    pub(super) is_mute: bool,
}

impl Watch {
    /// Sessions that the last tick looked at.
    pub(super) fn awake_count(&self) -> usize {
        sessions::awake_count(&self.scene.scene)
    }

    pub(super) fn new(seed: u64, path: Path) -> Self {
        let mut watch = Self::alone(seed, path, ReplicationLimits::default());
        (0..CROWD).for_each(|_| watch.bear(30.0, Kind::Thing));
        watch
    }

    pub(super) fn alone(seed: u64, path: Path, limits: ReplicationLimits) -> Self {
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

    pub(super) fn draw(&self, id: SimId, what: &'static str) -> Draw {
        self.random.draw(self.tick, id, Stream(what), 0)
    }

    /// Puts somebody at random within `reach_m` of the watcher.
    pub(super) fn bear(&mut self, reach_m: f32, kind: Kind) {
        let centre = self.scene.position(self.own);
        let world = self.scene.scene.world_mut();
        let id = world.resource_mut::<Roster>().allocate(self.tick);
        let mut draw = self.random.draw(self.tick, id, Stream("birth"), 0);
        let place = centre + Vec3::new(draw.unit() * 2.0 - 1.0, draw.unit() * 0.2, draw.unit() * 2.0 - 1.0) * reach_m;
        self.crowd.push(id);
        world.spawn((id, kind, Position(place), Heading(0.0), Faction::default(), Concealment::default()));
    }

    /// Walks, climbs, rests, jumps and turns everybody by chance; each has moods of some seconds.
    pub(super) fn stir(&mut self) {
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
    pub(super) fn tick(&mut self) {
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
    pub(super) fn send(&mut self) {
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

    pub(super) fn deliver(&mut self) {
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
    pub(super) fn check(&self) {
        // Before the first message nothing is known at all.
        let Some(bit) = self.world.component(Position::NAME) else { return };
        for entity in self.world.entities().filter(|entity| entity.id() != self.own) {
            let tick = entity.value_tick(bit).expect("everything here has a place");
            let shown = entity.value(bit).expect("it has a value");
            let truth = self.places[&(entity.id(), tick)];
            assert_eq!(
                Position::cm_from_wire(shown),
                Some(truth),
                "{} at tick {tick}, seen in tick {}",
                entity.id(),
                self.tick
            );
        }
    }

    pub(super) fn answer(&mut self) {
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
    pub(super) fn difference(&self) -> Option<String> {
        let visible = self.scene.get::<Interest>(self.own).visible();
        let shown: Vec<SimId> = self.world.entities().map(net::client::world::RemoteEntity::id).collect();
        if shown != visible {
            return Some(format!("{visible:?} is in view and {shown:?} is shown"));
        }
        let (position, heading) = (self.world.component(Position::NAME)?, self.world.component(Heading::NAME)?);
        visible.iter().filter(|&&id| id != self.own).find_map(|&id| {
            let place = Position::cm_to_wire(self.scene.get::<Position>(id).to_cm());
            let facing = self.scene.get::<Heading>(id).to_byte();
            let entity = self.world.entity(id)?;
            let is_right = entity.value(position) == Some(&place) && entity.value(heading) == Some(&[facing]);
            (!is_right).then(|| format!("{id} is shown as of tick {:?}", entity.value_tick(position)))
        })
    }

    /// Ticks for which nothing new is known of whoever waits longest.
    pub(super) fn longest_silence(&self) -> u32 {
        let bit = self.world.component(Position::NAME).expect("positions are replicated");
        let others = self.world.entities().filter(|entity| entity.id() != self.own);
        let now = self.scene.scene.tick_number();
        others.map(|entity| now - entity.value_tick(bit).expect("everything here has a place")).max().unwrap_or(0)
    }

    /// One tick in which everybody takes a step.
    pub(super) fn walk(&mut self, step: Vec3) {
        for &id in &self.crowd {
            let entity = self.scene.entity(id);
            self.scene.scene.world_mut().get_mut::<Position>(entity).expect("it has a place").0 += step;
        }
        self.tick();
    }
}
