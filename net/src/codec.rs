//! Bytes to envelopes and back: total, validated, and the only place that sees archived types.
//!
//! Every decoder checks the length first, then lets `bytecheck` validate the archive, then checks that no byte is left
//! over, then the semantic bounds; what it returns is an owned value inside the limits of [`crate::protocol`].
//! No input makes a decoder panic or allocate more than its own length, on either side of the wire.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod framing;
mod from_client;
mod from_server;
#[cfg(test)]
mod tests;

use rkyv::Portable;
use rkyv::api::high::{HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Failure;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::string::repr::INLINE_CAPACITY;

pub use framing::{FRAME_PREFIX_BYTES, FrameReader, frame_length, frame_prefix};
pub use from_client::{decode_client_message, decode_input, encode_client_message, encode_input, name_is_valid};
pub(crate) use from_server::encode_server_message_into;
pub use from_server::{
    BATCH_RECORDS_BYTES_MAX, STATE_RECORDS_BYTES_MAX, decode_server_message, decode_state_frame, encode_server_message,
    encode_state_frame,
};

/// Why bytes were not an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There were no bytes, or a list that needs an entry had none.
    #[error("nothing in it")]
    Empty,
    /// The whole or a part of it is longer than its limit.
    #[error("{bytes} bytes where at most {max} are allowed")]
    Oversized {
        /// The length found or announced.
        bytes: usize,
        /// The limit it breaks.
        max: usize,
    },
    /// The leading byte of a datagram names no type this side reads.
    #[error("a datagram of unknown type {0:#04x}")]
    UnknownType(u8),
    /// The archive is not valid.
    #[error("the bytes are not an archive of this message")]
    Malformed,
    /// The archive is valid and something else is there too.
    #[error("{bytes} bytes belong to nothing")]
    TrailingBytes {
        /// How many.
        bytes: usize,
    },
    /// A sequence number is 0, or steps reach back before the first.
    #[error("a sequence number is out of range")]
    BadSequence,
    /// An input repeats more steps than allowed.
    #[error("{0} steps in one input")]
    TooManySteps(usize),
    /// A step has reserved bits set.
    #[error("a step has the flags {0:#04x}")]
    BadFlags(u8),
    /// A direction has -128, which is beyond full speed.
    #[error("a direction is out of range")]
    BadDirection,
    /// A character name is too short, too long or has other characters than allowed.
    #[error("the name is not acceptable")]
    BadName,
    /// A class name is too long or has other characters than allowed.
    #[error("the class is not acceptable")]
    BadClass,
    /// A number that has to be finite is not.
    #[error("a number is not finite")]
    NotFinite,
}

impl DecodeError {
    /// A stable lower-case word for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            DecodeError::Empty => "empty",
            DecodeError::Oversized { .. } => "oversized",
            DecodeError::UnknownType(_) => "unknown_type",
            DecodeError::Malformed => "malformed",
            DecodeError::TrailingBytes { .. } => "trailing_bytes",
            DecodeError::BadSequence => "bad_sequence",
            DecodeError::TooManySteps(_) => "too_many_steps",
            DecodeError::BadFlags(_) => "bad_flags",
            DecodeError::BadDirection => "bad_direction",
            DecodeError::BadName => "bad_name",
            DecodeError::BadClass => "bad_class",
            DecodeError::NotFinite => "not_finite",
        }
    }
}

/// Why an envelope could not be written; a mistake of the side that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// It is longer than its channel carries.
    #[error("the message takes {bytes} bytes and its channel carries {max}")]
    Oversized {
        /// Bytes it takes.
        bytes: usize,
        /// Bytes the channel carries.
        max: usize,
    },
    /// An archive cannot address so much.
    #[error("the message cannot be archived")]
    Archive,
}

/// Views `bytes` as an archive of `T` after checking length and validity.
fn archived<T>(bytes: &[u8], bytes_max: usize) -> Result<&T, DecodeError>
where
    T: Portable + for<'a> CheckBytes<HighValidator<'a, Failure>>,
{
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    check_length(bytes.len(), bytes_max)?;
    rkyv::access::<T, Failure>(bytes).map_err(|Failure| DecodeError::Malformed)
}

/// Archives `value` behind what `into` already holds, which is lost on an error.
fn archive_into(
    value: &impl for<'a> rkyv::Serialize<HighSerializer<Vec<u8>, ArenaHandle<'a>, Failure>>,
    into: &mut Vec<u8>,
    bytes_max: usize,
) -> Result<(), EncodeError> {
    let written = rkyv::api::high::to_bytes_in::<_, Failure>(value, std::mem::take(into))
        .map_err(|Failure| EncodeError::Archive)?;
    let bytes = written.len();
    *into = written;
    if bytes > bytes_max {
        return Err(EncodeError::Oversized { bytes, max: bytes_max });
    }
    Ok(())
}

fn check_length(bytes: usize, max: usize) -> Result<(), DecodeError> {
    if bytes > max {
        return Err(DecodeError::Oversized { bytes, max });
    }
    Ok(())
}

/// Compares the length of an archive with its root and what the root points to.
///
/// An archive is unaligned, so an honest writer leaves no gap; bytes between the parts could only be there to hide
/// something or to make two spellings of one message.
fn check_nothing_left_over(bytes: usize, root_bytes: usize, pointed_bytes: usize) -> Result<(), DecodeError> {
    let used = root_bytes + pointed_bytes;
    match bytes.checked_sub(used) {
        Some(0) => Ok(()),
        Some(bytes) => Err(DecodeError::TrailingBytes { bytes }),
        // Parts that overlap are another spelling too.
        None => Err(DecodeError::Malformed),
    }
}

/// The bytes a string of this length takes outside of its root: short ones stand in the root itself.
fn string_bytes_outside(length: usize) -> usize {
    if length <= INLINE_CAPACITY { 0 } else { length }
}
