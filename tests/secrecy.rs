//! A client never receives a byte about what its character may not see: what it is sent is read back record by
//! record and compared with what is in view, while others hide, change phase, and strike from out of sight.

use net::codec::{decode_server_message, decode_state_frame};
use net::mailbox::{SessionId, TaskEnd, mailbox};
use net::protocol::{ServerMessage, WireTable};
use net::records::{BatchRecord, read_batch, read_state};
use net::sessions::{self, Join};
use sim::actor::Concealment;
use sim::features::combat::HealthChanged;
use sim::features::loot::LootTaken;
use sim::features::skills::CastCommand;
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, EventMoment, Players, SceneInput};
use sim::intent::CastTarget;
use sim::interest::Interest;
use sim::testing::{TestScene, test_assets};
use sim::wire::Reader;

/// A character, and everything its client is sent.
struct Eyes {
    scene: TestScene,
    task: TaskEnd,
    id: SimId,
    table: WireTable,
    told: Vec<HealthChanged>,
    taken: Vec<LootTaken>,
    announced_count: usize,
}

impl Eyes {
    fn open() -> Self {
        Self::open_with(&[])
    }

    /// With more game data.
    fn open_with(more: &[(&str, &str)]) -> Self {
        let mut scene = TestScene::of(&test_assets(more), "scene/flat", 1, |app| {
            app.add_plugins(net::plugin);
        });
        let (task, end) = mailbox(SessionId::next());
        let character = Character { name: "eyes".into(), class: "class/fighter".into(), parts: Vec::new() };
        sessions::attach(&mut scene.scene, Join { player: PlayerId(99), character, spawn_point: None }, end);
        scene.tick();
        let (id, _) = scene.scene.world().resource::<Players>().0[&PlayerId(99)];
        Self { scene, task, id, table: WireTable::default(), told: Vec::new(), taken: Vec::new(), announced_count: 0 }
    }

    /// One tick, after which everything sent in it must be about what is, or until now was, in view.
    fn tick(&mut self) {
        let before: Vec<SimId> = self.scene.get::<Interest>(self.id).visible().to_vec();
        self.scene.tick();
        let now: Vec<SimId> = self.scene.get::<Interest>(self.id).visible().to_vec();
        for frame in self.frames() {
            match frame {
                ServerMessage::Welcome { wire, .. } => self.table = wire,
                ServerMessage::Batch { records, .. } => self.check_batch(&records, &before, &now),
                _ => {}
            }
        }
        let mut datagrams = Vec::new();
        self.task.take_datagrams(&mut datagrams);
        for datagram in datagrams {
            let frame = decode_state_frame(&datagram).expect("the server writes what it reads");
            for record in read_state(&frame.records, &self.table) {
                let index = record.expect("it is whole").index as usize;
                assert!(now.iter().any(|id| id.index() == index), "state of #{index}, who is not in view");
            }
        }
    }

    /// Reads what was sent while the scene was set up, for the table alone.
    fn forget(&mut self) {
        for frame in self.frames() {
            if let ServerMessage::Welcome { wire, .. } = frame {
                self.table = wire;
            }
        }
    }

    fn frames(&self) -> Vec<ServerMessage> {
        let mut frames = Vec::new();
        self.task.take_frames(&mut frames);
        frames.iter().for_each(|frame| self.task.written(frame.len()));
        frames.iter().map(|frame| decode_server_message(frame).expect("it is whole")).collect()
    }

    fn check_batch(&mut self, records: &[u8], before: &[SimId], now: &[SimId]) {
        let health_changed = self.table.events.iter().position(|name| name == "health_changed");
        let loot_taken = self.table.events.iter().position(|name| name == "loot_taken");
        for record in read_batch(records, &self.table) {
            match record.expect("it is whole") {
                BatchRecord::Enter { id, .. } => assert!(now.contains(&id), "{id} enters unseen"),
                BatchRecord::Leave { id } => assert!(before.contains(&id) && !now.contains(&id), "{id} was not seen"),
                BatchRecord::OwnerValues { id, .. } => assert_eq!(id, self.id),
                BatchRecord::Event { kind, subject, body } => {
                    assert!(now.contains(&subject), "an event of {subject}, who is not in view");
                    if self.table.events.get(usize::from(kind)).is_some_and(|name| name == "announced") {
                        assert_eq!(subject, self.id, "what is for another player alone");
                        self.announced_count += 1;
                    }
                    if Some(usize::from(kind)) == health_changed {
                        let blow = HealthChanged::from_wire(subject, &mut Reader::new(body)).expect("it is whole");
                        assert!(blow.source.bits() == 0 || now.contains(&blow.source), "{} is named", blow.source);
                        self.told.push(blow);
                    }
                    if Some(usize::from(kind)) == loot_taken {
                        self.taken.push(LootTaken::from_wire(subject, &mut Reader::new(body)).expect("it is whole"));
                    }
                }
            }
        }
    }
}

#[test]
fn who_strikes_from_out_of_sight_is_not_named() {
    let mut eyes = Eyes::open();
    let place = eyes.scene.position(eyes.id);
    let archer = eyes.scene.player_at(0.0, 0.0);
    let dummy = eyes.scene.monster_at("monster/dummy", place.x + 55.0, place.z);
    eyes.scene.place(archer, place.x + 78.0, place.z);
    eyes.scene.tick();
    eyes.forget();
    eyes.tick();
    eyes.tick();
    assert!(eyes.scene.get::<Interest>(eyes.id).sees(dummy) && !eyes.scene.get::<Interest>(eyes.id).sees(archer));
    let skill = eyes.scene.config.assets.skills.by_name("skill/bolt").expect("the test data have it");
    eyes.scene.command(archer, &CastCommand { skill, target: CastTarget::Unit(dummy) });
    for _ in 0..60 {
        eyes.tick();
    }
    assert!(eyes.told.iter().any(|blow| blow.target == dummy && blow.amount < 0), "the blow itself is seen");
    assert!(eyes.told.iter().all(|blow| blow.source != archer));
}

#[test]
fn a_pile_is_named_to_those_who_saw_it_and_to_no_other() {
    let mut eyes = Eyes::open();
    let place = eyes.scene.position(eyes.id);
    let taker = eyes.scene.player_at(place.x, place.z);
    // Whatever has a place will do for a pile.
    let mut lie = |ahead_m: f32| eyes.scene.monster_at("monster/dummy", place.x + ahead_m, place.z);
    let (near, far, hiding) = (lie(10.0), lie(300.0), lie(15.0));
    eyes.scene.tick();
    eyes.forget();
    eyes.tick();
    let take = |eyes: &mut Eyes, pile: SimId| {
        let things = Vec::new();
        eyes.scene.scene.world_mut().write_message(LootTaken { taker, pile, gold: 1, things });
        eyes.tick();
        std::mem::take(&mut eyes.taken).iter().map(|taken| taken.pile.bits()).collect::<Vec<_>>()
    };
    assert_eq!(take(&mut eyes, near), [near.bits()]);
    assert_eq!(take(&mut eyes, far), [0]);
    let entity = eyes.scene.entity(near);
    eyes.scene.scene.world_mut().despawn(entity);
    assert_eq!(take(&mut eyes, near), [near.bits()], "it was in view until everything was taken");
    let entity = eyes.scene.entity(hiding);
    eyes.scene.scene.world_mut().entity_mut(entity).insert(Concealment { stealth: true, ..Concealment::default() });
    assert_eq!(take(&mut eyes, hiding), [0], "it is still there");
}

#[test]
fn what_is_for_one_player_alone_reaches_no_other_in_view() {
    let event = r#"(id: "event/rats", monster: "monster/rat", scene: "scene/flat", at: (40, 10), lifetime_ms: 5000,
        when: Every(minutes: 60))"#;
    let mut eyes = Eyes::open_with(&[("events/rats.ron", event)]);
    let place = eyes.scene.position(eyes.id);
    let other = eyes.scene.player_at(place.x, place.z);
    eyes.scene.tick();
    eyes.forget();
    assert!(eyes.scene.get::<Interest>(eyes.id).sees(other));
    eyes.scene.scene.push(SceneInput::WorldEvent { event: "event/rats".into(), moment: EventMoment::Begun });
    eyes.tick();
    eyes.tick();
    assert_eq!(eyes.announced_count, 1);
}

#[test]
fn nothing_is_sent_about_those_who_hide_or_are_elsewhere() {
    let mut eyes = Eyes::open();
    let place = eyes.scene.position(eyes.id);
    let rats: Vec<SimId> =
        (0..6_u8).map(|n| eyes.scene.monster_at("monster/rat", place.x + 30.0 + f32::from(n) * 7.0, place.z)).collect();
    for round in 0..200_usize {
        let rat = rats[round % rats.len()];
        let entity = eyes.scene.entity(rat);
        let phase = u16::from(round % 5 == 0);
        let concealment = Concealment { phase, stealth: round % 3 == 0, ghost: round % 7 == 0, dead: round % 2 == 0 };
        eyes.scene.scene.world_mut().entity_mut(entity).insert(concealment);
        let at = eyes.scene.position(rat);
        eyes.scene.place(rat, at.x + if round % 2 == 0 { 3.0 } else { -2.5 }, at.z);
        eyes.tick();
    }
    assert_eq!(eyes.scene.get::<Interest>(eyes.id).visible().first(), Some(&eyes.id));
}
