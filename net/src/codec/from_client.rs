//! What clients send, in both directions of the codec: inputs in datagrams, messages in frames.
//!
//! The decoders are the outermost thing a stranger's bytes meet; see [`crate::protocol`] for the bounds they keep.

use bytes::Bytes;
use rkyv::rancor::Failure;

use super::{
    DecodeError, EncodeError, archive_into, archived, check_length, check_nothing_left_over, string_bytes_outside,
};
use crate::protocol::{
    ArchivedClientMessage, ArchivedInputDatagram, ArchivedWireStep, CLASS_BYTES_MAX, CLIENT_FRAME_BYTES_MAX,
    COMMAND_BYTES_MAX, ClientMessage, DATAGRAM_BYTES_MAX, DATAGRAM_INPUT, INPUT_STEPS_MAX, InputDatagram,
    NAME_BYTES_MAX, NAME_BYTES_MIN,
};

/// Bits of `WireStep::flags` that have a meaning.
const STEP_FLAGS: u8 = 0b0000_0001;

/// Reads an input datagram, leading byte included. Steps come out inside `1..=INPUT_STEPS_MAX`, with sequence numbers
/// from 1, known flags and directions in `-127..=127`.
pub fn decode_input(datagram: &[u8]) -> Result<InputDatagram, DecodeError> {
    check_length(datagram.len(), DATAGRAM_BYTES_MAX)?;
    let archive = match datagram.split_first() {
        None => return Err(DecodeError::Empty),
        Some((&DATAGRAM_INPUT, archive)) => archive,
        Some((&other, _)) => return Err(DecodeError::UnknownType(other)),
    };
    let input = archived::<ArchivedInputDatagram>(archive, DATAGRAM_BYTES_MAX)?;
    check_nothing_left_over(
        archive.len(),
        size_of::<ArchivedInputDatagram>(),
        input.steps.len() * size_of::<ArchivedWireStep>(),
    )?;
    check_input(input)?;
    rkyv::deserialize::<InputDatagram, Failure>(input).map_err(|Failure| DecodeError::Malformed)
}

fn check_input(input: &ArchivedInputDatagram) -> Result<(), DecodeError> {
    let count = input.steps.len();
    if count == 0 {
        return Err(DecodeError::Empty);
    }
    if count > INPUT_STEPS_MAX {
        return Err(DecodeError::TooManySteps(count));
    }
    // The oldest step has `sequence - (count - 1)`, and the first step there is has 1.
    if u32::try_from(count).is_ok_and(|count| input.sequence.to_native() < count) {
        return Err(DecodeError::BadSequence);
    }
    for step in input.steps.iter() {
        if step.flags & !STEP_FLAGS != 0 {
            return Err(DecodeError::BadFlags(step.flags));
        }
        if step.x == i8::MIN || step.z == i8::MIN {
            return Err(DecodeError::BadDirection);
        }
    }
    Ok(())
}

/// Writes an input datagram with its leading byte into the emptied `into`.
pub fn encode_input(input: &InputDatagram, into: &mut Vec<u8>) -> Result<(), EncodeError> {
    into.clear();
    into.push(DATAGRAM_INPUT);
    archive_into(input, into, DATAGRAM_BYTES_MAX)
}

/// Reads one frame of a client's stream, without its prefix. Names, classes, bodies and sequence numbers come out
/// inside their bounds; whether a command exists is the scene's to say.
pub fn decode_client_message(frame: &[u8]) -> Result<ClientMessage, DecodeError> {
    let message = archived::<ArchivedClientMessage>(frame, CLIENT_FRAME_BYTES_MAX)?;
    let pointed_bytes = match message {
        ArchivedClientMessage::Login { name, class } => {
            string_bytes_outside(name.len()) + string_bytes_outside(class.len())
        }
        ArchivedClientMessage::Command { body, .. } => body.len(),
        ArchivedClientMessage::Resume { .. }
        | ArchivedClientMessage::Follow { .. }
        | ArchivedClientMessage::Keyframe { .. }
        | ArchivedClientMessage::StateHash { .. }
        | ArchivedClientMessage::Alive
        | ArchivedClientMessage::Logout => 0,
    };
    check_nothing_left_over(frame.len(), size_of::<ArchivedClientMessage>(), pointed_bytes)?;
    match message {
        ArchivedClientMessage::Login { name, class } => {
            if !name_is_valid(name) {
                return Err(DecodeError::BadName);
            }
            if !class_is_valid(class) {
                return Err(DecodeError::BadClass);
            }
        }
        ArchivedClientMessage::Command { sequence, body, .. } => {
            if sequence.to_native() == 0 {
                return Err(DecodeError::BadSequence);
            }
            check_length(body.len(), COMMAND_BYTES_MAX)?;
        }
        ArchivedClientMessage::Resume { .. }
        | ArchivedClientMessage::Follow { .. }
        | ArchivedClientMessage::Keyframe { .. }
        | ArchivedClientMessage::StateHash { .. }
        | ArchivedClientMessage::Alive
        | ArchivedClientMessage::Logout => {}
    }
    rkyv::deserialize::<ClientMessage, Failure>(message).map_err(|Failure| DecodeError::Malformed)
}

/// Writes one frame of a client's stream, without its prefix.
pub fn encode_client_message(message: &ClientMessage) -> Result<Bytes, EncodeError> {
    let mut bytes = Vec::new();
    archive_into(message, &mut bytes, CLIENT_FRAME_BYTES_MAX)?;
    Ok(bytes.into())
}

/// Whether `name` may be a character's name: [`NAME_BYTES_MIN`] to [`NAME_BYTES_MAX`] of `A-Z a-z 0-9 _ -`.
pub fn name_is_valid(name: &str) -> bool {
    (NAME_BYTES_MIN..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Record ids are lower-case paths; the empty one asks for the default class.
fn class_is_valid(class: &str) -> bool {
    class.len() <= CLASS_BYTES_MAX
        && class
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'/' | b'_' | b'-'))
}
