//! The codec's promises: round trips are equal, no bytes make a decoder panic, and each bound has its own reason.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::protocol::*;

fn step() -> impl Strategy<Value = WireStep> {
    (-127i8..=127, -127i8..=127, 0u8..=1).prop_map(|(x, z, flags)| WireStep { x, z, flags })
}

fn input() -> impl Strategy<Value = InputDatagram> {
    let acks = (any::<u32>(), any::<u32>(), any::<u32>());
    let claim = (any::<i32>(), any::<i32>());
    let steps = vec(step(), 1..=INPUT_STEPS_MAX);
    (16u32.., any::<u32>(), any::<u8>(), claim, acks, steps).prop_map(
        |(sequence, view_tick, forced_epoch, claim, acks, steps)| InputDatagram {
            sequence,
            view_tick,
            forced_epoch,
            claim_x_cm: claim.0,
            claim_z_cm: claim.1,
            frame_ack: acks.0,
            frame_ack_bits: acks.1,
            batch_ack: acks.2,
            steps: steps.into(),
        },
    )
}

fn client_message() -> impl Strategy<Value = ClientMessage> {
    prop_oneof![
        ("[A-Za-z0-9_-]{2,24}", "[a-z0-9_/-]{0,64}").prop_map(|(name, class)| ClientMessage::Login { name, class }),
        (1u32.., any::<u16>(), vec(any::<u8>(), 0..=COMMAND_BYTES_MAX)).prop_map(|(sequence, kind, body)| {
            ClientMessage::Command { sequence, scene_epoch: sequence / 2, kind, body }
        }),
        any::<ResumeToken>().prop_map(|token| ClientMessage::Resume { token }),
        (any::<u32>(), any::<bool>()).prop_map(|(scene_epoch, log)| ClientMessage::Follow { scene_epoch, log }),
        any::<u32>().prop_map(|scene_epoch| ClientMessage::Keyframe { scene_epoch }),
        (any::<u32>(), any::<u32>(), any::<u64>()).prop_map(|(scene_epoch, tick, hash)| ClientMessage::StateHash {
            scene_epoch,
            tick,
            hash
        }),
        Just(ClientMessage::Alive),
        Just(ClientMessage::Logout),
    ]
}

fn own_state() -> impl Strategy<Value = OwnState> {
    let number = -1e5f32..1e5;
    let triple = [number.clone(), number.clone(), number];
    (any::<u32>(), any::<u8>(), any::<i8>(), triple.clone(), triple, any::<u16>()).prop_map(
        |(applied_sequence, forced_epoch, input_shift, position, velocity, speed_bp)| OwnState {
            applied_sequence,
            forced_epoch,
            input_shift,
            position,
            velocity,
            speed_bp,
        },
    )
}

fn state_frame() -> impl Strategy<Value = StateFrame> {
    let records = vec(any::<u8>(), 0..=STATE_RECORDS_BYTES_MAX);
    (1u32.., any::<u32>(), any::<u32>(), own_state(), records)
        .prop_map(|(frame, tick, scene_epoch, own, records)| StateFrame { frame, tick, scene_epoch, own, records })
}

fn wire_table() -> impl Strategy<Value = WireTable> {
    let names = vec("[a-z_]{1,20}", 0..20);
    let component = ("[a-z_]{1,20}", any::<u8>()).prop_map(|(name, value_bytes)| WireComponent { name, value_bytes });
    (vec(component, 0..=32), names.clone(), names).prop_map(|(components, events, commands)| WireTable {
        components,
        events,
        commands,
    })
}

fn server_message() -> impl Strategy<Value = ServerMessage> {
    let scene = ("[a-z/]{1,40}", any::<u32>(), any::<u32>(), any::<u32>(), own_state());
    prop_oneof![
        (any::<u64>(), any::<u64>(), any::<ResumeToken>(), wire_table()).prop_map(
            |(player_id, assets_hash, resume, wire)| ServerMessage::Welcome { player_id, assets_hash, resume, wire }
        ),
        scene.prop_map(|(scene, scene_epoch, own, tick, state)| ServerMessage::Scene {
            scene,
            scene_epoch,
            own,
            tick,
            state,
        }),
        (any::<u32>(), any::<u32>(), vec(any::<u8>(), 0..2_000))
            .prop_map(|(batch, tick, records)| { ServerMessage::Batch { batch, tick, records } }),
        (any::<u32>(), "[a-z_]{1,30}").prop_map(|(sequence, reason)| ServerMessage::Rejected { sequence, reason }),
        (any::<[bool; 2]>(), any::<u32>(), vec(any::<u8>(), 0..2_000)).prop_map(
            |([anew, live], compare_ticks, bytes)| { ServerMessage::Log { anew, live, compare_ticks, bytes } }
        ),
        Just(ServerMessage::Probe),
        any::<u32>().prop_map(|scene_epoch| ServerMessage::FollowEnded { scene_epoch }),
        (any::<u64>(), vec(("[a-z/]{1,80}", any::<u32>()), 0..9)).prop_map(|(assets_hash, numbered)| {
            let numbered = numbered.into_iter().map(|(id, number)| NumberedRecord { id, number }).collect();
            ServerMessage::Data { assets_hash, numbered }
        }),
        proptest::sample::select(Goodbye::ALL.to_vec()).prop_map(|reason| ServerMessage::Goodbye { reason }),
    ]
}

fn encoded_input(input: &InputDatagram) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert_eq!(encode_input(input, &mut bytes), Ok(()));
    bytes
}

fn plain_input() -> InputDatagram {
    InputDatagram {
        sequence: 9,
        view_tick: 4,
        forced_epoch: 0,
        claim_x_cm: -5,
        claim_z_cm: 7,
        frame_ack: 1,
        frame_ack_bits: 0,
        batch_ack: 0,
        steps: [WireStep { x: 127, z: 0, flags: 0 }].into_iter().collect(),
    }
}

/// Runs every decoder; what they answer does not matter, only that they answer.
fn decode_all(bytes: &[u8]) {
    let _ = decode_input(bytes);
    let _ = decode_client_message(bytes);
    let _ = decode_state_frame(bytes);
    let _ = decode_server_message(bytes);
}

fn mutate(bytes: &mut Vec<u8>, edits: &[(usize, u8)], cut: usize) {
    let length = bytes.len();
    for (at, value) in edits {
        if let Some(byte) = bytes.get_mut(at % length.max(1)) {
            *byte = *value;
        }
    }
    bytes.truncate(length.saturating_sub(cut));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn an_input_survives_the_wire(input in input()) {
        prop_assert_eq!(decode_input(&encoded_input(&input)), Ok(input));
    }

    #[test]
    fn a_client_message_survives_the_wire(message in client_message()) {
        let bytes = encode_client_message(&message).unwrap_or_default();
        prop_assert_eq!(decode_client_message(&bytes), Ok(message));
    }

    #[test]
    fn a_state_frame_survives_the_wire(frame in state_frame()) {
        let mut bytes = Vec::new();
        prop_assert_eq!(encode_state_frame(&frame, &mut bytes), Ok(()));
        prop_assert_eq!(decode_state_frame(&bytes), Ok(frame));
    }

    #[test]
    fn a_server_message_survives_the_wire(message in server_message()) {
        let bytes = encode_server_message(&message).unwrap_or_default();
        prop_assert_eq!(decode_server_message(&bytes), Ok(message));
    }

    #[test]
    fn random_bytes_never_panic(mut bytes in vec(any::<u8>(), 0..1_400), kind in any::<bool>()) {
        decode_all(&bytes);
        if let Some(first) = bytes.first_mut() {
            *first = if kind { DATAGRAM_INPUT } else { DATAGRAM_STATE };
        }
        decode_all(&bytes);
    }

    #[test]
    fn mutated_envelopes_never_panic(
        input in input(), message in client_message(), frame in state_frame(), answer in server_message(),
        edits in vec((any::<usize>(), any::<u8>()), 1..6), cut in 0usize..4,
    ) {
        let mut state = Vec::new();
        prop_assert_eq!(encode_state_frame(&frame, &mut state), Ok(()));
        let envelopes = [
            encoded_input(&input),
            encode_client_message(&message).unwrap_or_default().to_vec(),
            state,
            encode_server_message(&answer).unwrap_or_default().to_vec(),
        ];
        for mut bytes in envelopes {
            mutate(&mut bytes, &edits, cut);
            decode_all(&bytes);
        }
    }

    #[test]
    fn an_accepted_input_is_inside_every_bound(
        input in input(), edits in vec((any::<usize>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = encoded_input(&input);
        mutate(&mut bytes, &edits, 0);
        if let Ok(input) = decode_input(&bytes) {
            prop_assert!((1..=INPUT_STEPS_MAX).contains(&input.steps.len()));
            prop_assert!(usize::try_from(input.sequence).is_ok_and(|sequence| sequence >= input.steps.len()));
            prop_assert!(input.steps.iter().all(|step| step.flags <= 1 && step.x != -128 && step.z != -128));
            prop_assert_eq!(encoded_input(&input), bytes, "two spellings of one input");
        }
    }

    #[test]
    fn frames_come_out_whole_however_the_stream_is_cut(
        frames in vec(vec(any::<u8>(), 1..300), 1..6), cuts in vec(1usize..40, 1..20),
    ) {
        let mut stream = Vec::new();
        for frame in &frames {
            stream.extend(frame_prefix(frame.len()));
            stream.extend(frame);
        }
        let mut reader = FrameReader::new(CLIENT_FRAME_BYTES_MAX);
        let mut came = Vec::new();
        let mut cuts = cuts.into_iter().cycle();
        let mut rest = stream.as_slice();
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
            reader.push(chunk);
            rest = after;
            while let Ok(Some(frame)) = reader.next_frame() {
                came.push(frame.to_vec());
            }
        }
        prop_assert_eq!(came, frames);
    }
}

#[test]
fn each_bound_of_an_input_has_its_own_reason() {
    let reason = |change: &dyn Fn(&mut InputDatagram)| {
        let mut input = plain_input();
        change(&mut input);
        decode_input(&encoded_input(&input)).err().map(|error| error.reason())
    };
    assert_eq!(reason(&|_| {}), None);
    assert_eq!(reason(&|input| input.steps.clear()), Some("empty"));
    assert_eq!(reason(&|input| input.sequence = 0), Some("bad_sequence"));
    let still = WireStep { x: 0, z: 0, flags: 0 };
    assert_eq!(reason(&|input| input.steps = vec![still; 10].into()), Some("bad_sequence"));
    assert_eq!(reason(&|input| input.steps = vec![still; 17].into()), Some("too_many_steps"));
    let step = |x, flags| WireStep { x, z: 0, flags };
    assert_eq!(reason(&|input| input.steps = vec![step(0, 2)].into()), Some("bad_flags"));
    assert_eq!(reason(&|input| input.steps = vec![step(-128, 0)].into()), Some("bad_direction"));
}

#[test]
fn a_datagram_of_another_type_or_size_is_named() {
    let mut bytes = encoded_input(&plain_input());
    assert_eq!(decode_state_frame(&bytes), Err(DecodeError::UnknownType(DATAGRAM_INPUT)));
    bytes.insert(1, 0);
    assert_eq!(decode_input(&bytes), Err(DecodeError::TrailingBytes { bytes: 1 }));
    assert_eq!(decode_input(&[]), Err(DecodeError::Empty));
    let long = [DATAGRAM_INPUT; DATAGRAM_BYTES_MAX + 1];
    assert_eq!(decode_input(&long).err().map(|error| error.reason()), Some("oversized"));
}

#[test]
fn names_and_classes_outside_their_alphabet_are_refused() {
    let login = |name: &str, class: &str| {
        let message = ClientMessage::Login { name: name.into(), class: class.into() };
        decode_client_message(&encode_client_message(&message).unwrap_or_default()).err()
    };
    assert_eq!(login("Ada_99", "class/mage"), None);
    for name in ["", "A", "Ada Lovelace", "Ad\u{1b}[0m", "\u{202e}adA", &"a".repeat(25)] {
        assert_eq!(login(name, ""), Some(DecodeError::BadName), "{name:?}");
    }
    for class in ["class/\u{0}", "Class", "../x", &"a".repeat(65)] {
        assert_eq!(login("Ada", class), Some(DecodeError::BadClass), "{class:?}");
    }
}

#[test]
fn an_oversized_body_or_frame_is_refused() {
    let command = |bytes: usize| ClientMessage::Command { sequence: 1, scene_epoch: 1, kind: 0, body: vec![7; bytes] };
    let bytes = encode_client_message(&command(COMMAND_BYTES_MAX + 1)).unwrap_or_default();
    assert_eq!(decode_client_message(&bytes).err().map(|error| error.reason()), Some("oversized"));
    assert!(encode_client_message(&command(CLIENT_FRAME_BYTES_MAX)).is_err());
    let prefix = frame_prefix(CLIENT_FRAME_BYTES_MAX + 1);
    assert_eq!(frame_length(prefix, CLIENT_FRAME_BYTES_MAX).err().map(|error| error.reason()), Some("oversized"));
    assert_eq!(frame_length([0; 4], CLIENT_FRAME_BYTES_MAX), Err(DecodeError::Empty));
}

#[test]
fn a_client_refuses_numbers_that_are_not_finite() {
    let mut frame = StateFrame { frame: 1, tick: 1, scene_epoch: 1, own: OwnState::default(), records: Vec::new() };
    frame.own.velocity = [0.0, f32::NAN, 0.0];
    let mut bytes = Vec::new();
    assert_eq!(encode_state_frame(&frame, &mut bytes), Ok(()));
    assert_eq!(decode_state_frame(&bytes), Err(DecodeError::NotFinite));
}

#[test]
fn a_full_state_frame_fits_its_datagram_exactly() {
    let frame =
        |records| StateFrame { frame: 1, tick: 1, scene_epoch: 1, own: OwnState::default(), records: vec![0; records] };
    let mut bytes = Vec::new();
    assert_eq!(encode_state_frame(&frame(STATE_RECORDS_BYTES_MAX), &mut bytes), Ok(()));
    assert_eq!(bytes.len(), DATAGRAM_BYTES_MAX);
    assert!(encode_state_frame(&frame(STATE_RECORDS_BYTES_MAX + 1), &mut bytes).is_err());
}

#[test]
fn every_goodbye_has_its_own_code_and_name() {
    for reason in Goodbye::ALL {
        assert_eq!(Goodbye::from_code(u64::from(reason.code())), Some(reason));
    }
    assert_eq!(Goodbye::from_code(12), None);
    let names: std::collections::BTreeSet<_> = Goodbye::ALL.into_iter().map(Goodbye::name).collect();
    assert_eq!(names.len(), Goodbye::ALL.len());
}
