//! What the server sends, in both directions of the codec: state in datagrams, messages in frames.
//!
//! A client decodes as carefully as a server does: it may be talking to anybody. The records inside stay packed here;
//! `net::records` reads them. Also the numbers and names of the reasons to say goodbye.

use bytes::Bytes;
use rkyv::rancor::Failure;
use rkyv::string::ArchivedString;

use super::{
    DecodeError, EncodeError, archive_into, archived, check_length, check_nothing_left_over, string_bytes_outside,
};
use crate::protocol::{
    ArchivedNumberedRecord, ArchivedOwnState, ArchivedServerMessage, ArchivedStateFrame, ArchivedWireComponent,
    ArchivedWireTable, DATAGRAM_BYTES_MAX, DATAGRAM_STATE, Goodbye, LOG_PIECE_BYTES_MAX, NUMBERED_MAX,
    SERVER_FRAME_BYTES_MAX, ServerMessage, StateFrame,
};

/// Bytes of records one [`StateFrame`] carries beside its leading byte and its envelope.
pub const STATE_RECORDS_BYTES_MAX: usize = DATAGRAM_BYTES_MAX - 1 - size_of::<ArchivedStateFrame>();
/// Bytes of records one [`ServerMessage::Batch`] carries beside its envelope.
pub const BATCH_RECORDS_BYTES_MAX: usize = SERVER_FRAME_BYTES_MAX - size_of::<ArchivedServerMessage>();
/// Longest scene id, reason code or name in a wire table a client accepts, in bytes.
const WORD_BYTES_MAX: usize = 128;
/// Components a record's mask has bits for.
const COMPONENTS_MAX: usize = 32;
/// Events or commands a client accepts in a wire table.
const KINDS_MAX: usize = 1_024;

/// Reads a state datagram, leading byte included. The numbers of `own` come out finite.
pub fn decode_state_frame(datagram: &[u8]) -> Result<StateFrame, DecodeError> {
    check_length(datagram.len(), DATAGRAM_BYTES_MAX)?;
    let archive = match datagram.split_first() {
        None => return Err(DecodeError::Empty),
        Some((&DATAGRAM_STATE, archive)) => archive,
        Some((&other, _)) => return Err(DecodeError::UnknownType(other)),
    };
    let frame = archived::<ArchivedStateFrame>(archive, DATAGRAM_BYTES_MAX)?;
    check_nothing_left_over(archive.len(), size_of::<ArchivedStateFrame>(), frame.records.len())?;
    if frame.frame.to_native() == 0 {
        return Err(DecodeError::BadSequence);
    }
    check_finite(&frame.own)?;
    rkyv::deserialize::<StateFrame, Failure>(frame).map_err(|Failure| DecodeError::Malformed)
}

/// Writes a state datagram with its leading byte into the emptied `into`.
pub fn encode_state_frame(frame: &StateFrame, into: &mut Vec<u8>) -> Result<(), EncodeError> {
    into.clear();
    into.push(DATAGRAM_STATE);
    archive_into(frame, into, DATAGRAM_BYTES_MAX)
}

/// Reads one frame of the server's stream, without its prefix.
pub fn decode_server_message(frame: &[u8]) -> Result<ServerMessage, DecodeError> {
    let message = archived::<ArchivedServerMessage>(frame, SERVER_FRAME_BYTES_MAX)?;
    let pointed_bytes = match message {
        ArchivedServerMessage::Welcome { wire, .. } => table_bytes_outside(wire),
        ArchivedServerMessage::Scene { scene, .. } => string_bytes_outside(scene.len()),
        ArchivedServerMessage::Batch { records, .. } => records.len(),
        ArchivedServerMessage::Log { bytes, .. } => bytes.len(),
        ArchivedServerMessage::Rejected { reason, .. } => string_bytes_outside(reason.len()),
        ArchivedServerMessage::Data { numbered, .. } => numbered
            .iter()
            .map(|record| size_of::<ArchivedNumberedRecord>() + string_bytes_outside(record.id.len()))
            .sum(),
        ArchivedServerMessage::Probe
        | ArchivedServerMessage::Goodbye { .. }
        | ArchivedServerMessage::FollowEnded { .. } => 0,
    };
    check_nothing_left_over(frame.len(), size_of::<ArchivedServerMessage>(), pointed_bytes)?;
    match message {
        ArchivedServerMessage::Welcome { wire, .. } => check_table(wire)?,
        ArchivedServerMessage::Scene { scene, state, .. } => {
            check_length(scene.len(), WORD_BYTES_MAX)?;
            check_finite(state)?;
        }
        ArchivedServerMessage::Rejected { reason, .. } => check_length(reason.len(), WORD_BYTES_MAX)?,
        ArchivedServerMessage::Log { bytes, .. } => check_length(bytes.len(), LOG_PIECE_BYTES_MAX)?,
        ArchivedServerMessage::Data { numbered, .. } => {
            check_length(numbered.len(), NUMBERED_MAX)?;
            numbered.iter().try_for_each(|record| check_length(record.id.len(), WORD_BYTES_MAX))?;
        }
        _ => {}
    }
    rkyv::deserialize::<ServerMessage, Failure>(message).map_err(|Failure| DecodeError::Malformed)
}

/// Writes one frame of the server's stream, without its prefix.
pub fn encode_server_message(message: &ServerMessage) -> Result<Bytes, EncodeError> {
    let mut bytes = Vec::new();
    encode_server_message_into(message, &mut bytes)?;
    Ok(bytes.into())
}

/// The same into a buffer, whose content goes.
pub(crate) fn encode_server_message_into(message: &ServerMessage, into: &mut Vec<u8>) -> Result<(), EncodeError> {
    into.clear();
    archive_into(message, into, SERVER_FRAME_BYTES_MAX)
}

/// What a table points to. Strings that share their bytes count once each, so that a small frame of many pointers to
/// one long string is refused before it is unfolded.
fn table_bytes_outside(wire: &ArchivedWireTable) -> usize {
    let names = |list: &[ArchivedString]| -> usize {
        list.iter().map(|name| size_of::<ArchivedString>() + string_bytes_outside(name.len())).sum()
    };
    let components: usize = wire
        .components
        .iter()
        .map(|component| size_of::<ArchivedWireComponent>() + string_bytes_outside(component.name.len()))
        .sum();
    components + names(&wire.events) + names(&wire.commands)
}

fn check_table(wire: &ArchivedWireTable) -> Result<(), DecodeError> {
    check_length(wire.components.len(), COMPONENTS_MAX)?;
    check_length(wire.events.len(), KINDS_MAX)?;
    check_length(wire.commands.len(), KINDS_MAX)?;
    let names = wire.components.iter().map(|component| &component.name);
    for name in names.chain(wire.events.iter()).chain(wire.commands.iter()) {
        check_length(name.len(), WORD_BYTES_MAX)?;
    }
    Ok(())
}

fn check_finite(own: &ArchivedOwnState) -> Result<(), DecodeError> {
    let numbers = own.position.iter().chain(own.velocity.iter());
    if numbers.into_iter().all(|number| number.to_native().is_finite()) { Ok(()) } else { Err(DecodeError::NotFinite) }
}

impl Goodbye {
    /// Every reason, in the order of [`Goodbye::code`].
    pub const ALL: [Goodbye; 12] = [
        Goodbye::Kicked,
        Goodbye::Shutdown,
        Goodbye::Abuse,
        Goodbye::Flood,
        Goodbye::SlowReader,
        Goodbye::Silent,
        Goodbye::BadLogin,
        Goodbye::Full,
        Goodbye::LoggedOut,
        Goodbye::LoginTimeout,
        Goodbye::Internal,
        Goodbye::ResumeRefused,
    ];

    /// The QUIC application error code that closes a connection for this reason.
    pub fn code(self) -> u32 {
        self as u32
    }

    /// The reason behind an application error code.
    pub fn from_code(code: u64) -> Option<Goodbye> {
        Goodbye::ALL.into_iter().find(|reason| u64::from(reason.code()) == code)
    }

    /// A stable lower-case word for metrics, logs and the reason phrase of the close.
    pub fn name(self) -> &'static str {
        match self {
            Goodbye::Kicked => "kicked",
            Goodbye::Shutdown => "shutdown",
            Goodbye::Abuse => "abuse",
            Goodbye::Flood => "flood",
            Goodbye::SlowReader => "slow_reader",
            Goodbye::Silent => "silent",
            Goodbye::BadLogin => "bad_login",
            Goodbye::Full => "full",
            Goodbye::LoggedOut => "logged_out",
            Goodbye::LoginTimeout => "login_timeout",
            Goodbye::Internal => "internal",
            Goodbye::ResumeRefused => "resume_refused",
        }
    }
}
