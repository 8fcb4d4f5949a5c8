//! Frames: the datagrams of one client's tick, filled record by record within its budget.

use sim::ids::SimId;
use sim::wire::put_varint;

use super::super::arena::Arena;
use super::super::passing::{Own, Passage, Passing, WORD_BYTES};
use super::Picture;
use crate::codec::encode_state_frame;
use crate::protocol::{DATAGRAM_BYTES_MAX, OwnState, StateFrame};
use crate::sessions::{FRAME_OVERHEAD_BYTES, Session};

/// Bytes an index takes in a record, at most.
const INDEX_BYTES_MAX: usize = 3;

/// Writes the frames of one client in one tick.
pub(super) struct FrameWriter<'a> {
    session: &'a mut Session,
    own: OwnState,
    tick: u32,
    arena: &'a mut Arena,
    records: &'a mut Vec<u8>,
    datagram: &'a mut Vec<u8>,
    /// The first and the last entity of the frame that is being written.
    range: Option<(SimId, SimId)>,
    /// This is the first frame of the tick.
    is_first: bool,
    /// Bytes of records that fit in this frame.
    room_bytes: usize,
    /// Bytes of datagrams that may still be sent in this tick, this one's not counted.
    left_bytes: usize,
    /// Bytes of the last datagram that are kept for who goes first.
    kept_bytes: usize,
    /// Not everything that the client lacks is told in this tick.
    is_partial: bool,
}

impl<'a> FrameWriter<'a> {
    pub(super) fn new(
        session: &'a mut Session,
        own: OwnState,
        picture: &Picture<'_>,
        (arena, records, datagram): (&'a mut Arena, &'a mut Vec<u8>, &'a mut Vec<u8>),
    ) -> Self {
        records.clear();
        let left_bytes = picture.limits.client_bytes_per_tick;
        let mut writer = Self {
            session,
            own,
            tick: picture.tick,
            arena,
            records,
            datagram,
            range: None,
            is_first: true,
            room_bytes: 0,
            left_bytes,
            kept_bytes: 0,
            is_partial: false,
        };
        writer.take_room();
        writer
    }

    /// Takes the bytes of one datagram out of the tick's; says whether records fit in it.
    fn take_room(&mut self) -> bool {
        let datagram_bytes = self.left_bytes.min(DATAGRAM_BYTES_MAX);
        self.left_bytes -= datagram_bytes;
        self.room_bytes = datagram_bytes.saturating_sub(FRAME_OVERHEAD_BYTES);
        self.room_bytes > INDEX_BYTES_MAX + WORD_BYTES
    }

    /// Writes the records of entities, in the order of their ids, of which the client was sent everything up to the last
    /// tick, as long as that takes no more than short records and there is room; answers how many entities it has passed
    /// and how many of them it has written.
    pub(super) fn pass(&mut self, passage: &mut Passage, ids: &[SimId], all: &[Passing], own: Own) -> (usize, usize) {
        let start = self.records.len();
        // A word is written for each of them, of which what is too much is written over or cut off.
        let end = self.room_bytes.min(start + (ids.len() + 1) * WORD_BYTES).max(start);
        self.records.resize(end, 0);
        let last = self.range.map(|(_, last)| last);
        let passed = passage.pass(ids, all, own, last, self.records.get_mut(start..).unwrap_or_default());
        self.records.truncate(start + passed.bytes);
        if let Some((first, last)) = passed.told {
            self.range = Some((self.range.map_or(first, |(first, _)| first), last));
        }
        (passed.count, passed.told_count)
    }

    /// Keeps so many bytes for those who go first; none of the other records takes them.
    pub(super) fn keep(&mut self, bytes: usize) {
        self.kept_bytes = bytes;
    }

    /// One who goes first comes next: what was kept for it is free.
    pub(super) fn give_back(&mut self, bytes: usize) {
        self.kept_bytes = self.kept_bytes.saturating_sub(bytes);
    }

    /// Somebody had to wait.
    pub(super) fn leave_out(&mut self) {
        self.is_partial = true;
    }

    /// Who is to go in a frame of its own, if anybody.
    pub(super) fn take_next_alone(&mut self) -> Option<SimId> {
        self.session.view.next_alone.take()
    }

    /// Bytes of records that this frame may have.
    #[inline]
    fn room_bytes(&self) -> usize {
        if self.has_more() { self.room_bytes } else { self.room_bytes.saturating_sub(self.kept_bytes) }
    }

    /// True when another frame may be sent in this tick.
    #[inline]
    fn has_more(&self) -> bool {
        self.left_bytes > FRAME_OVERHEAD_BYTES + INDEX_BYTES_MAX + WORD_BYTES
    }

    /// Writes a record of at most 7 bytes; false when the budget is used up.
    #[inline]
    pub(super) fn put_short(&mut self, id: SimId, (word, length): (u64, usize)) -> bool {
        if self.records.len() + INDEX_BYTES_MAX + length > self.room_bytes() && !self.turn_over() {
            return false;
        }
        let gap = self.gap_to(id);
        let start = self.records.len();
        if gap < 0x80 {
            self.records.extend_from_slice(&(u64::from(gap) | word << 8).to_le_bytes());
            self.records.truncate(start + 1 + length);
        } else {
            put_varint(self.records, gap);
            let start = self.records.len();
            self.records.extend_from_slice(&word.to_le_bytes());
            self.records.truncate(start + length);
        }
        true
    }

    /// Whether a record with so many bytes of values fits in a datagram at all.
    pub(super) fn fits(body_bytes: usize) -> bool {
        INDEX_BYTES_MAX + body_bytes <= DATAGRAM_BYTES_MAX - FRAME_OVERHEAD_BYTES
    }

    /// Writes a record that [fits](FrameWriter::fits); false when the budget is used up.
    pub(super) fn put(&mut self, id: SimId, body: &[u8]) -> bool {
        let bytes = INDEX_BYTES_MAX + body.len();
        // A record that no budget holds goes alone, and a little over it: else it would never go.
        let is_alone = self.is_first && self.records.is_empty();
        if !is_alone && self.records.len() + bytes > self.room_bytes() {
            if bytes > self.room_bytes && !self.has_more() {
                self.session.view.next_alone.get_or_insert(id);
            }
            if !self.turn_over() || bytes > self.room_bytes() {
                return false;
            }
        }
        let gap = self.gap_to(id);
        put_varint(self.records, gap);
        self.records.extend_from_slice(body);
        true
    }

    /// Notes that the record just written tells of everything after `since_tick`, not of this tick alone.
    pub(super) fn except(&mut self, id: SimId, since_tick: u32) {
        self.session.view.except(id, since_tick);
    }

    /// Writes what is left, and a frame without records when the own state is news or was not told for long.
    pub(super) fn finish(mut self) {
        let view = &self.session.view;
        let is_news =
            view.last_own.is_none_or(|last| OwnState { input_shift: self.own.input_shift, ..last } != self.own);
        let is_due = !view.is_silent(self.tick) && view.is_due(self.tick);
        let is_first = view.last_frame_tick != self.tick || view.last_own.is_none();
        if self.range.is_some() || (is_first && (is_news || is_due)) {
            self.write(!self.is_partial);
        }
        self.session.view.last_own = Some(self.own);
    }

    fn gap_to(&mut self, id: SimId) -> u32 {
        let (first, last) = match self.range {
            Some((first, last)) => (first, last.index()),
            None => (id, 0),
        };
        self.range = Some((first, id));
        u32::try_from(id.index() - last).unwrap_or(0)
    }

    /// Sends the frame off and begins another; false when the budget is used up.
    fn turn_over(&mut self) -> bool {
        if !self.has_more() {
            return false;
        }
        self.write(false);
        self.is_first = false;
        self.take_room()
    }

    /// Sends off what is written; what comes next goes in another frame if the budget allows one.
    pub(super) fn end_frame(&mut self) {
        if !self.turn_over() {
            self.write(false);
            (self.is_first, self.room_bytes) = (false, 0);
        }
    }

    fn write(&mut self, is_whole: bool) {
        let number = self.session.view.next_frame(self.tick, self.range.take());
        let records = std::mem::take(self.records);
        let (scene_epoch, own) = (self.session.scene_epoch, self.own);
        let frame = StateFrame { frame: number, tick: self.tick, scene_epoch, is_whole, own, records };
        match encode_state_frame(&frame, self.datagram) {
            Ok(()) => self.session.view.outgoing.push(self.arena.keep(self.datagram)),
            Err(error) => tracing::error!(%error, player = %self.session.player, "a state frame could not be written"),
        }
        *self.records = frame.records;
        self.records.clear();
    }
}
