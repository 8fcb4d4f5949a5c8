//! The client's half of the contract, without a socket.

use super::*;
use crate::codec::{decode_client_message, decode_input, encode_server_message, encode_state_frame};
use crate::protocol::{RESUME_TOKEN_BYTES, StateFrame, WireTable};

const EAST: StepInput = StepInput { wish: glam::Vec2::X, walk: false };

fn say(session: &mut ClientSession, message: &ServerMessage) {
    session.on_frame(&encode_server_message(message).unwrap_or_default());
}

fn enter_scene(session: &mut ClientSession, scene_epoch: u32) {
    let state = OwnState { position: [1.0, 0.0, 2.0], ..OwnState::default() };
    let scene = ServerMessage::Scene { scene: "scene/field".into(), scene_epoch, own: 1, tick: 100, state };
    say(session, &scene);
}

fn playing() -> ClientSession {
    let mut session = ClientSession::default();
    let (resume, wire) = ([9; RESUME_TOKEN_BYTES], WireTable::default());
    say(&mut session, &ServerMessage::Welcome { player_id: 7, assets_hash: 8, resume, wire });
    enter_scene(&mut session, 1);
    session
}

fn input(session: &mut ClientSession, now_us: u64) -> InputDatagram {
    let mut bytes = Vec::new();
    assert_eq!(session.input(EAST, now_us, &mut bytes), Ok(()));
    let decoded = decode_input(&bytes);
    assert!(decoded.is_ok(), "{decoded:?}");
    decoded.unwrap_or(InputDatagram {
        sequence: 0,
        view_tick: 0,
        forced_epoch: 0,
        claim_x_cm: 0,
        claim_z_cm: 0,
        frame_ack: 0,
        frame_ack_bits: 0,
        batch_ack: 0,
        steps: crate::protocol::InputSteps::new(),
    })
}

fn state(session: &mut ClientSession, frame: u32, own: OwnState, arrived_us: u64) {
    let frame = StateFrame { frame, tick: 100 + frame, scene_epoch: 1, is_whole: true, own, records: Vec::new() };
    let mut bytes = Vec::new();
    assert_eq!(encode_state_frame(&frame, &mut bytes), Ok(()));
    session.on_datagram(&bytes, arrived_us);
}

#[test]
fn every_input_repeats_the_last_steps_and_acknowledges_what_came() {
    let mut session = playing();
    for sequence in 1..=10 {
        let input = input(&mut session, 0);
        assert_eq!(input.sequence, sequence);
        assert_eq!(input.steps.len(), INPUT_STEPS_SENT.min(sequence as usize));
        assert_eq!(input.frame_ack, sequence - 1);
        state(&mut session, sequence, OwnState::default(), 0);
    }
}

#[test]
fn the_time_to_an_acknowledgement_is_measured_per_input() {
    let mut session = playing();
    for sequence in 1..=3u64 {
        input(&mut session, sequence * 50_000);
    }
    state(&mut session, 1, OwnState { applied_sequence: 2, ..OwnState::default() }, 170_000);
    assert_eq!(session.ack_us().drain().collect::<Vec<_>>(), [120_000, 70_000]);
}

#[test]
fn a_forced_position_voids_the_steps_before_it_and_is_echoed() {
    let mut session = playing();
    for _ in 0..4 {
        input(&mut session, 0);
    }
    let forced = OwnState { forced_epoch: 3, position: [9.0, 0.0, 9.5], ..OwnState::default() };
    state(&mut session, 1, forced, 0);
    let input = input(&mut session, 0);
    assert_eq!((input.sequence, input.steps.len(), input.forced_epoch), (5, 1, 3));
    assert_eq!((input.claim_x_cm, input.claim_z_cm), (900, 950));
    assert_eq!(session.stats().forced, 1);
}

#[test]
fn a_new_scene_voids_the_steps_and_the_prediction() {
    let mut session = playing();
    input(&mut session, 0);
    enter_scene(&mut session, 2);
    assert!(session.predictor().is_none());
    assert_eq!(input(&mut session, 0).steps.len(), 1);
}

#[test]
fn a_probe_is_answered_once() {
    let mut session = playing();
    say(&mut session, &ServerMessage::Probe);
    let answers: Vec<_> = session.take_outgoing().iter().map(|frame| decode_client_message(frame)).collect();
    assert_eq!(answers, [Ok(ClientMessage::Alive)]);
    assert!(session.take_outgoing().is_empty());
}

#[test]
fn rejections_and_the_goodbye_are_kept() {
    let mut session = playing();
    let kinds = [session.command(3, vec![1]), session.command(3, vec![2])];
    assert_eq!(kinds.map(|command| command.map(|(sequence, _)| sequence)), [Ok(1), Ok(2)]);
    say(&mut session, &ServerMessage::Rejected { sequence: 2, reason: "cooldown".into() });
    say(&mut session, &ServerMessage::Goodbye { reason: Goodbye::Kicked });
    assert_eq!(session.take_rejection(), Some(Rejection { sequence: 2, reason: "cooldown".into() }));
    assert_eq!((session.take_rejection(), session.goodbye()), (None, Some(Goodbye::Kicked)));
}

#[test]
fn what_cannot_be_read_is_counted() {
    let mut session = playing();
    session.on_datagram(&[1, 2, 3], 0);
    session.on_frame(&[0xff; 9]);
    assert_eq!(session.stats().decode_errors, 2);
}

#[test]
fn damage_is_mended_by_one_keyframe_and_new_damage_by_another() {
    let mut session = playing();
    let damage = |session: &mut ClientSession, batch: u32| {
        say(session, &ServerMessage::Batch { batch, tick: 1, records: vec![0xff; 3] });
        let asked = session.take_outgoing();
        asked.iter().map(|frame| decode_client_message(frame)).collect::<Vec<_>>()
    };
    let ask = [Ok(ClientMessage::Keyframe { scene_epoch: 1 })];
    assert_eq!(damage(&mut session, 1), ask);
    assert!(damage(&mut session, 2).is_empty(), "the server does not forget what it was asked");
    // Unless it never read it, because the client was saying too much at once.
    let again: Vec<u32> = (1..=150)
        .filter(|&frame| {
            state(&mut session, frame, OwnState::default(), 0);
            !session.take_outgoing().is_empty()
        })
        .collect();
    assert_eq!(again, [60, 120], "all that time nothing came");
    enter_scene(&mut session, 1);
    assert_eq!(damage(&mut session, 3), ask);
}
