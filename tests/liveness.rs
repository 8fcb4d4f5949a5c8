//! A session that says nothing is asked whether it is there, and ended when it does not answer; its character
//! stays a while longer. No clock is involved: all of it is counted in ticks.

use bytes::Bytes;
use net::codec::{decode_server_message, encode_client_message};
use net::mailbox::{CloseCause, Inbound, SessionId, TaskEnd, mailbox};
use net::protocol::{ClientMessage, Goodbye, PROBE_AFTER_TICKS, SILENT_SESSION_TICKS_MAX, ServerMessage};
use net::sessions::{self, Join};
use sim::features::players::{LINK_DEAD_TICKS, LinkDead};
use sim::features::skills::Punctuality;
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, Departure, Players, SceneInput, SceneOutput};
use sim::testing::TestScene;

struct Silence {
    scene: TestScene,
    task: TaskEnd,
    id: SimId,
}

impl Silence {
    fn begins() -> Self {
        let mut scene = TestScene::with_plugins(|app| {
            app.add_plugins(net::plugin);
        });
        let (task, end) = mailbox(SessionId::next());
        let character = Character { name: "quiet".into(), class: "class/fighter".into(), parts: Vec::new() };
        sessions::attach(&mut scene.scene, Join { player: PlayerId(1), character, spawn_point: None }, end);
        scene.tick();
        let (id, _) = scene.scene.world().resource::<Players>().0[&PlayerId(1)];
        Self { scene, task, id }
    }

    fn answer(&self) {
        let alive: Bytes = encode_client_message(&ClientMessage::Alive).expect("it fits");
        self.task.push(Inbound::Frame { bytes: alive, received_us: 0 }).expect("the inbox is empty");
    }

    /// What the client was told, and whether it was sent away.
    fn told(&self) -> (Vec<ServerMessage>, Option<Goodbye>) {
        let outgoing = self.task.take();
        let frames = outgoing.frames.iter().map(|frame| {
            self.task.written(frame.len());
            decode_server_message(frame).expect("the server writes what it reads")
        });
        (frames.collect(), outgoing.goodbye)
    }

    fn is_link_dead(&self) -> bool {
        self.scene.scene.world().get::<LinkDead>(self.scene.entity(self.id)).is_some()
    }
}

#[test]
fn a_silent_session_is_probed_after_30_seconds_and_ended_after_60() {
    let mut silence = Silence::begins();
    silence.scene.ticks(PROBE_AFTER_TICKS - 2);
    assert!(!silence.told().0.contains(&ServerMessage::Probe));
    silence.scene.tick();
    assert_eq!(silence.told(), (vec![ServerMessage::Probe], None));
    silence.scene.ticks(SILENT_SESSION_TICKS_MAX - PROBE_AFTER_TICKS);
    assert_eq!(silence.told().1, Some(Goodbye::Silent));
    assert!(silence.is_link_dead(), "the character stays");
}

#[test]
fn a_session_that_answers_its_probe_goes_on() {
    let mut silence = Silence::begins();
    for _ in 0..4 {
        silence.scene.ticks(PROBE_AFTER_TICKS);
        silence.answer();
    }
    silence.scene.tick();
    let (messages, goodbye) = silence.told();
    assert!(messages.contains(&ServerMessage::Probe) && goodbye.is_none());
    assert!(!silence.is_link_dead());
}

#[test]
fn a_dead_connection_leaves_a_character_that_departs_after_60_seconds() {
    let mut silence = Silence::begins();
    silence.task.close(CloseCause::Lost);
    silence.scene.ticks(1);
    assert!(silence.is_link_dead());
    silence.scene.ticks(LINK_DEAD_TICKS - 1);
    assert!(silence.scene.exists(silence.id));
    silence.scene.ticks(1);
    assert!(!silence.scene.exists(silence.id));
    let outputs = silence.scene.scene.take_outputs();
    assert!(matches!(&outputs[..], [SceneOutput::Departed { to: Departure::LinkDead, .. }]), "{outputs:?}");
}

#[test]
fn a_login_within_60_seconds_takes_the_character_over_where_it_stands() {
    let mut silence = Silence::begins();
    silence.task.close(CloseCause::Lost);
    silence.scene.ticks(LINK_DEAD_TICKS / 2);
    let place = silence.scene.position(silence.id);
    let (task, end) = mailbox(SessionId::next());
    let join = Join { player: PlayerId(1), character: Character::default(), spawn_point: None };
    sessions::attach(&mut silence.scene.scene, join, end);
    // Long enough for the lost link to have ended it, not for the new session to be too silent.
    silence.scene.ticks(LINK_DEAD_TICKS - 100);
    assert!(silence.scene.exists(silence.id) && !silence.is_link_dead());
    assert_eq!(silence.scene.position(silence.id), place);
    assert!(task.closed().is_none());
}

#[test]
fn who_logs_out_of_a_fight_stays_in_it() {
    let mut silence = Silence::begins();
    let place = silence.scene.position(silence.id);
    let rat = silence.scene.monster_at("monster/rat", place.x + 1.5, place.z);
    silence.scene.ticks(60);
    let hurt = silence.scene.get::<sim::features::combat::Vitals>(silence.id).hp;
    let logout: Bytes = encode_client_message(&ClientMessage::Logout).expect("it fits");
    silence.task.push(Inbound::Frame { bytes: logout, received_us: 0 }).expect("the inbox is empty");
    silence.scene.ticks(40);
    assert!(silence.is_link_dead(), "the character stays, and {rat} with it");
    assert!(silence.scene.get::<sim::features::combat::Vitals>(silence.id).hp < hurt);
}

#[test]
fn the_scene_is_told_the_measured_round_trip_when_it_changes_and_only_then() {
    let mut quiet = Silence::begins();
    let told = |quiet: &mut Silence, rtt_ms: u32| {
        quiet.task.measured(rtt_ms);
        quiet.scene.tick();
        let logged = quiet.scene.scene.applied_inputs().iter();
        logged.filter(|input| matches!(input, SceneInput::Latency { .. })).count()
    };
    assert_eq!(told(&mut quiet, 150), 1);
    assert_eq!(quiet.scene.get::<Punctuality>(quiet.id).rtt_ms, 150);
    assert_eq!((told(&mut quiet, 156), told(&mut quiet, 150)), (0, 0), "it varies by itself");
    assert_eq!(told(&mut quiet, 90), 1);
    assert_eq!(quiet.scene.get::<Punctuality>(quiet.id).rtt_ms, 90);
}
