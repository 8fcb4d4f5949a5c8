//! The flight recorder of a bot: every datagram and frame, both ways, and where its turns were. A bot that is shown what
//! cannot be true leaves it behind, and the client library can be fed with it again.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | kind: 1 datagram in, 2 frame in, 3 datagram out, 4 frame out, 5 turn, 6 truth |
//! | 8 | microseconds of the client's clock (LE); the number of the turn for a turn |
//! | 4 | length of what follows (LE) |
//! | length | the bytes |

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use net::client::{ClientSession, Passage};
use net::mailbox::now_us;
use sim::wire::Reader;

use crate::truth::Truth;

/// Bytes one bot's recording may have; a longer session is not recorded from then on, and says so.
const RECORDING_BYTES_MAX: usize = 24 << 20;

/// What one entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    DatagramIn = 1,
    FrameIn = 2,
    DatagramOut = 3,
    FrameOut = 4,
    Turn = 5,
    /// Where the server had told another that it was: `[id: u32] [tick: u32] [x, y, z: f32]`.
    Truth = 6,
}

impl EntryKind {
    fn from_byte(byte: u8) -> Option<Self> {
        let all = [Self::DatagramIn, Self::FrameIn, Self::DatagramOut, Self::FrameOut, Self::Turn, Self::Truth];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// One entry of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) kind: EntryKind,
    /// Microseconds, or the number of the turn.
    pub(crate) at: u64,
    pub(crate) bytes: &'a [u8],
}

/// The entries of one line so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recording {
    shared: Arc<Mutex<Tape>>,
}

#[derive(Debug, Default)]
struct Tape {
    bytes: Vec<u8>,
    is_full: bool,
}

impl Recording {
    /// Records everything that passes a session from now on.
    pub(crate) fn attach(&self, session: &mut ClientSession) {
        let tape = self.clone();
        session.tap(Box::new(move |passage| {
            let (kind, bytes) = match passage {
                Passage::DatagramIn(bytes) => (EntryKind::DatagramIn, bytes),
                Passage::FrameIn(bytes) => (EntryKind::FrameIn, bytes),
                Passage::DatagramOut(bytes) => (EntryKind::DatagramOut, bytes),
                Passage::FrameOut(bytes) => (EntryKind::FrameOut, bytes),
            };
            tape.put(kind, now_us(), bytes);
        }));
    }

    /// A turn begins: what is looked at after it is what was recorded before.
    pub(crate) fn turn(&self, turn: u32) {
        self.put(EntryKind::Turn, turn.into(), &[]);
    }

    /// What the bot was shown contradicts this, which the server had told another of itself.
    pub(crate) fn truth(&self, truth: &Truth) {
        self.put(EntryKind::Truth, 0, &truth.to_bytes());
    }

    fn put(&self, kind: EntryKind, at: u64, bytes: &[u8]) {
        let mut tape = self.tape();
        if tape.is_full || tape.bytes.len() + bytes.len() > RECORDING_BYTES_MAX {
            tape.is_full = true;
            return;
        }
        tape.bytes.push(kind as u8);
        tape.bytes.extend_from_slice(&at.to_le_bytes());
        tape.bytes.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        tape.bytes.extend_from_slice(bytes);
    }

    /// All of it so far; `None` when it is not whole.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        let tape = self.tape();
        (!tape.is_full).then(|| tape.bytes.clone())
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a recording back; ends at the first damage, or at its end.
pub(crate) fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut reader = Reader::new(bytes);
    std::iter::from_fn(move || {
        let kind = EntryKind::from_byte(reader.u8()?)?;
        let at = u64::from_le_bytes(reader.take(8)?.try_into().ok()?);
        let length = usize::try_from(reader.u32()?).ok()?;
        Some(Entry { kind, at, bytes: reader.take(length)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_read_back_as_it_was_written_and_damage_ends_it() {
        let recording = Recording::default();
        recording.put(EntryKind::FrameIn, 7, b"hello");
        recording.turn(3);
        let bytes = recording.bytes().unwrap();
        let read: Vec<Entry<'_>> = entries(&bytes).collect();
        let frame = Entry { kind: EntryKind::FrameIn, at: 7, bytes: b"hello" };
        assert_eq!(read, [frame, Entry { kind: EntryKind::Turn, at: 3, bytes: &[] }]);
        assert_eq!(entries(&bytes[..bytes.len() - 1]).count(), 1);
    }
}
