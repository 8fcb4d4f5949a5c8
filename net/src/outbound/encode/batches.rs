//! Batches: what goes to a client on the stream in one tick: what went, what came, what happened, and what only the
//! owner sees.

use sim::ids::SimId;
use sim::replicated::{Changes, EventRecord};

use super::{Picture, Scratch};
use crate::protocol::{SERVER_FRAME_BYTES_MAX, ServerMessage};
use crate::records::{put_enter, put_event, put_leave, put_owner};
use crate::sessions::Session;

/// Bytes of records in one batch; the rest of the frame is the envelope.
const BATCH_BYTES_MAX: usize = SERVER_FRAME_BYTES_MAX - 1_024;

/// Writes what the scratch has gathered for the client; answers the bytes.
pub(super) fn write(session: &mut Session, own_id: SimId, picture: &Picture<'_>, scratch: &mut Scratch) -> u64 {
    let Scratch { shapes, entering, oversized, leaving, events, batch, owner, datagram: frame, .. } = scratch;
    let mut batches = Batches { tick: picture.tick, bytes: 0, last: None, out: batch, frame };
    batches.out.clear();
    for &id in leaving.iter() {
        batches.record(session, |out| put_leave(out, id));
    }
    // What is too much for a datagram is told like one that comes into view; the stream loses nothing.
    for &id in entering.iter().chain(oversized.iter()) {
        batches.record(session, |out| {
            put_enter(out, id);
            shapes.write(out, id, picture.source, picture.encoded);
        });
    }
    let changes = picture.changes;
    for event in events.iter().filter_map(|&event| changes.events().get(event as usize)) {
        // Who struck from out of sight stays unnamed; what was in view and is no more in the scene keeps no secret.
        let is_gone = |id| leaving.contains(&id) && picture.source.roster.entity(id).is_none();
        let is_hidden = event.other.is_some_and(|other| !session.view.sees(other) && !is_gone(other));
        batches.record(session, |out| put_seen(out, event, changes, is_hidden));
    }
    if !owner.is_empty() {
        batches.record(session, |out| {
            put_owner(out, own_id);
            out.extend_from_slice(owner);
        });
    }
    batches.flush(session);
    if let Some(last) = batches.last {
        // Only the last batch of the tick vouches for all that came into view in it.
        session.view.told(entering, last, picture.tick);
        session.view.told(oversized, last, picture.tick);
    }
    batches.bytes
}

/// The first four bytes of an event's body name the other one: of a shorter body nothing is told at all.
fn put_seen(out: &mut Vec<u8>, event: &EventRecord, changes: &Changes, is_hidden: bool) {
    put_event(out, event.kind, event.subject, changes.body(event));
    let body = out.len() - changes.body(event).len();
    if is_hidden {
        out.iter_mut().skip(body).take(size_of::<SimId>()).for_each(|byte| *byte = 0);
    }
}

struct Batches<'a> {
    tick: u32,
    bytes: u64,
    last: Option<u32>,
    out: &'a mut Vec<u8>,
    frame: &'a mut Vec<u8>,
}

impl Batches<'_> {
    /// Appends a record, in a further batch when this one is full.
    fn record(&mut self, session: &mut Session, mut write: impl FnMut(&mut Vec<u8>)) {
        let start = self.out.len();
        write(self.out);
        if self.out.len() > BATCH_BYTES_MAX && start > 0 {
            self.out.truncate(start);
            self.flush(session);
            write(self.out);
        }
    }

    fn flush(&mut self, session: &mut Session) {
        if self.out.is_empty() {
            return;
        }
        let batch = session.view.next_batch();
        self.bytes += self.out.len() as u64;
        let records = std::mem::take(self.out);
        let message = ServerMessage::Batch { batch, tick: self.tick, records };
        session.send_along(&message, self.frame);
        if let ServerMessage::Batch { records, .. } = message {
            *self.out = records;
            self.out.clear();
        }
        self.last = Some(batch);
    }
}
