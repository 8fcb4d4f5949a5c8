//! Sessions as their mailboxes see them: what ends one and as what, what is still heard at its end, and which offences
//! travel along through a portal.

use net::codec::{decode_server_message, encode_client_message, encode_input};
use net::mailbox::{CloseCause, Inbound, SessionId, TaskEnd, mailbox};
use net::protocol::{
    ClientMessage, Goodbye, INPUT_STEPS_SENT, InputDatagram, KEYFRAME_TICKS_MIN, STRIKE_WINDOW_TICKS, ServerMessage,
    WireStep,
};
use net::sessions::{self, Join, SessionStats};
use sim::command::{ClientCommand, CommandLists};
use sim::counters::{COMMAND_REJECTED, Counters};
use sim::features::party::PartyCommand;
use sim::ids::PlayerId;
use sim::input::{Character, Players};
use sim::testing::TestScene;

const PLAYER: PlayerId = PlayerId(7);

/// A scene and one session in it.
struct Link {
    scene: TestScene,
    task: TaskEnd,
    sequence: u32,
}

impl Link {
    fn open() -> Self {
        let mut scene = TestScene::with_plugins(|app| {
            app.add_plugins(net::plugin);
        });
        let (task, end) = mailbox(SessionId::next());
        sessions::attach(&mut scene.scene, join(), end);
        scene.ticks(2);
        Self { scene, task, sequence: 0 }
    }

    fn push(&self, bytes: impl Into<bytes::Bytes>) {
        self.task.push(Inbound::Frame { bytes: bytes.into(), received_us: 0 }).expect("there is room");
    }

    fn say(&self, message: &ClientMessage) {
        self.push(encode_client_message(message).expect("it fits"));
    }

    /// A command that the scene refuses as `no_party`.
    fn command(&mut self) {
        self.sequence += 1;
        let names = self.scene.scene.world().resource::<CommandLists>().names().position(|name| name == "party");
        let kind = u16::try_from(names.expect("it is known")).expect("there are few");
        let (sequence, body) = (self.sequence, PartyCommand::Leave.encode());
        self.say(&ClientMessage::Command { sequence, scene_epoch: 1, kind, body });
    }

    /// A command whose number was used; there has to be one.
    fn replay(&self) {
        self.say(&ClientMessage::Command { sequence: self.sequence, scene_epoch: 1, kind: 0, body: Vec::new() });
    }

    /// What it was sent since the last time.
    fn answers(&self) -> Vec<ServerMessage> {
        let mut frames = Vec::new();
        self.task.take_frames(&mut frames);
        frames.iter().for_each(|frame| self.task.written(frame.len()));
        frames.iter().map(|frame| decode_server_message(frame).expect("it is whole")).collect()
    }

    fn carried_out(&self) -> u64 {
        self.scene.scene.world().resource::<Counters>().count(COMMAND_REJECTED, "no_party")
    }

    fn is_in_the_world(&self) -> bool {
        self.scene.scene.world().resource::<Players>().0.contains_key(&PLAYER)
    }

    fn through_a_portal(&mut self) {
        let session = sessions::release(&mut self.scene.scene, PLAYER).expect("it has not ended");
        sessions::attach(&mut self.scene.scene, join(), session);
    }

    fn closed(&mut self, reason: &str) -> u64 {
        let SessionStats { closed, .. } = sessions::take_stats(&mut self.scene.scene);
        closed.get(reason).copied().unwrap_or(0)
    }
}

fn join() -> Join {
    let character = Character { name: "ada".into(), class: "class/fighter".into(), parts: Vec::new() };
    Join { player: PLAYER, character, spawn_point: None }
}

#[test]
fn who_logs_out_and_hangs_up_in_one_tick_has_logged_out() {
    let mut link = Link::open();
    link.command();
    link.say(&ClientMessage::Logout);
    link.task.close(CloseCause::Peer);
    link.scene.ticks(2);
    assert_eq!((link.carried_out(), link.is_in_the_world()), (1, false));
    assert_eq!(link.closed("logged_out"), 1);
}

#[test]
fn what_was_said_before_the_link_was_lost_is_heard_and_the_character_stands() {
    let mut link = Link::open();
    link.command();
    let steps = vec![WireStep { x: 127, z: 0, flags: 0 }; INPUT_STEPS_SENT];
    let input = InputDatagram {
        sequence: 6,
        view_tick: 0,
        forced_epoch: 0,
        claim_x_cm: 0,
        claim_z_cm: 0,
        frame_ack: 0,
        frame_ack_bits: 0,
        batch_ack: 0,
        steps: steps.into(),
    };
    let mut bytes = Vec::new();
    encode_input(&input, &mut bytes).expect("it fits");
    link.task.push(Inbound::Datagram { bytes: bytes.into(), received_us: 0 }).expect("there is room");
    link.task.close(CloseCause::Lost);
    link.scene.ticks(2);
    assert_eq!((link.carried_out(), link.is_in_the_world(), link.closed("lost")), (1, true, 1));
    assert_eq!(sessions::count(&link.scene.scene), 0);
}

#[test]
fn a_flood_is_not_heard_to_its_end() {
    let mut link = Link::open();
    link.command();
    link.say(&ClientMessage::Logout);
    link.task.close(CloseCause::Flood);
    link.scene.tick();
    assert_eq!((link.carried_out(), link.is_in_the_world(), link.closed("flood")), (0, true, 1));
}

#[test]
fn who_has_logged_out_is_not_heard_any_more() {
    let mut link = Link::open();
    link.command();
    link.scene.tick();
    link.say(&ClientMessage::Logout);
    (0..3).for_each(|_| link.replay());
    link.scene.ticks(2);
    assert_eq!((link.closed("logged_out"), link.is_in_the_world()), (1, false));
}

#[test]
fn who_is_thrown_out_does_not_leave_cleanly() {
    let mut link = Link::open();
    (0..3).for_each(|_| link.push(&[0xee_u8; 64][..]));
    link.command();
    link.say(&ClientMessage::Logout);
    link.scene.ticks(2);
    assert_eq!((link.closed("abuse"), link.is_in_the_world(), link.carried_out()), (1, true, 0));
    assert_eq!(link.task.take().goodbye, Some(Goodbye::Abuse));
}

#[test]
fn offences_are_as_old_behind_a_portal_as_before_it() {
    let mut link = Link::open();
    link.command();
    (0..2).for_each(|_| link.replay());
    link.scene.ticks(STRIKE_WINDOW_TICKS - 5);
    link.through_a_portal();
    // Two portals in a row do not make them younger either.
    link.scene.ticks(4);
    link.through_a_portal();
    link.scene.ticks(4);
    link.replay();
    link.scene.ticks(2);
    assert_eq!(sessions::count(&link.scene.scene), 1, "the first two were too long ago");
    link.replay();
    link.scene.tick();
    link.through_a_portal();
    link.replay();
    link.scene.ticks(2);
    assert_eq!((sessions::count(&link.scene.scene), link.closed("abuse")), (0, 1), "they do count behind the portal");
}

#[test]
fn every_command_that_cannot_be_handed_over_is_answered_once() {
    let mut link = Link::open();
    link.command();
    link.scene.ticks(2);
    link.answers();
    let nothing = || Vec::new();
    for (sequence, scene_epoch, kind, body, expected) in [
        (2, 9, 0, nothing(), "stale_scene"),
        (2, 1, 0, nothing(), "replayed"),
        (1_000_000, 1, 0, nothing(), "sequence_jump"),
        (3, 1, 999, nothing(), "unknown_kind"),
        (4, 1, 0, nothing(), "malformed"),
    ] {
        link.say(&ClientMessage::Command { sequence, scene_epoch, kind, body });
        // No three offences within ten seconds.
        link.scene.ticks(STRIKE_WINDOW_TICKS / 2);
        let mut answers = link.answers();
        answers.retain(|answer| matches!(answer, ServerMessage::Rejected { .. }));
        assert_eq!(answers, [ServerMessage::Rejected { sequence, reason: expected.to_owned() }]);
    }
    assert_eq!(sessions::count(&link.scene.scene), 1);
}

#[test]
fn whoever_asks_for_keyframes_too_soon_is_given_one_when_it_is_time() {
    let mut link = Link::open();
    link.answers();
    let mut told_ticks = Vec::new();
    for tick in 0..4 * KEYFRAME_TICKS_MIN {
        if tick < KEYFRAME_TICKS_MIN + 3 {
            link.say(&ClientMessage::Keyframe { scene_epoch: 1 });
        }
        link.scene.tick();
        let answers = link.answers();
        let scenes = answers.iter().filter(|answer| matches!(answer, ServerMessage::Scene { .. }));
        told_ticks.extend(scenes.map(|_| tick));
    }
    assert_eq!(told_ticks, [0, KEYFRAME_TICKS_MIN, 2 * KEYFRAME_TICKS_MIN]);
}
