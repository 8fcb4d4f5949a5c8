//! What one client has been told, and what it lacks.
//!
//! For each entity in view one number is kept: the tick up to which everything about it has been sent. For nearly all it
//! is the tick that the client was served last, and stands there once for all of them; the others are set apart. A frame
//! that is given up sets it back for what was in the frame, so that what changed since goes out with the next one, as it
//! is then. So a client's picture is right once the loss ends, and a stopped entity's last place arrives however often it
//! was lost. Frames are remembered as what was unusual in them, not as lists of what they held.

use std::collections::VecDeque;

use sim::ids::SimId;
use sim::interest::Interest;
use sim::tick::TICKS_PER_SECOND;

use super::encode::crowd::Crowd;
use crate::protocol::{FRAME_ACK_BITS, InputDatagram, OwnState};

/// Ticks by which an acknowledged frame must be younger than one that is still missing, to give that one up.
const REORDER_TICKS: u32 = 2;
/// Ticks after which a frame is given up without any younger acknowledgement, at least (0.5 s) and at most (2 s): twice
/// as many as acknowledgements take.
const FRAME_TIMEOUT_TICKS: std::ops::RangeInclusive<u32> = 10..=40;
/// Ticks between frames to a client around whom nothing happens (1 s): they carry the acknowledgement that was lost.
const HEARTBEAT_TICKS: u32 = TICKS_PER_SECOND;
/// Ticks without a datagram after which a client is silent (2 s): what it lacks is kept for when it speaks again.
const SILENT_TICKS: u32 = 40;

/// One entity in one client's view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(super) id: SimId,
    /// Everything that changed up to this tick has been sent.
    pub(super) since_tick: u32,
}

/// The range of a frame without records: no id is in it.
const NOBODY: (SimId, SimId) = (SimId::from_bits(1), SimId::from_bits(0));
/// The range of everything there is.
const EVERYBODY: (SimId, SimId) = (SimId::from_bits(0), SimId::from_bits(u32::MAX));

/// Newcomers remembered before those that have left again are looked for.
const NEWCOMERS_KEPT: usize = 64;

/// A frame on its way.
#[derive(Debug)]
struct SentFrame {
    frame: u32,
    tick: u32,
    first: SimId,
    last: SimId,
    /// How many of [`ClientView::exceptions`] belong to it.
    exception_count: u32,
    is_acknowledged: bool,
}

/// An entity that was not told of the last step alone but of more, and since when it had lacked that.
#[derive(Debug, Clone, Copy)]
struct Exception {
    id: SimId,
    since_tick: u32,
}

/// An entity that came into view, until the client has acknowledged the batch that says so.
#[derive(Debug, Clone, Copy)]
struct Newcomer {
    id: SimId,
    batch: u32,
    tick: u32,
}

/// Numbers that go on counting when a session moves to another scene.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ViewCounters {
    frame: u32,
    batch: u32,
}

/// The picture one client has of the scene.
#[derive(Debug, Default)]
pub(crate) struct ClientView {
    /// Everything that the client is shown, sorted.
    pub(super) shown: Vec<SimId>,
    /// Those of them of which it has been sent less than everything up to `told_tick`, or more; sorted.
    pub(super) apart: Vec<Pair>,
    /// Of all others everything that changed up to this tick has been sent.
    pub(super) told_tick: u32,
    newcomers: Vec<Newcomer>,
    sent: VecDeque<SentFrame>,
    /// Of all frames in `sent`, in their order, and then of the frame that is being written.
    exceptions: VecDeque<Exception>,
    open_exceptions: u32,
    /// While the client is silent: the oldest tick that it may lack something of.
    unheard_since: Option<u32>,
    heard_tick: u32,
    ack_ticks: u32,
    counters: ViewCounters,
    batch_ack: u32,
    introduced: bool,
    /// Who is shown in a crowd.
    pub(super) crowd: Crowd,
    /// Some of what it is shown may be beyond the radius.
    pub(super) sees_far: bool,
    /// The last tick's budget did not hold everything.
    pub(super) is_short: bool,
    /// Whose record is longer than what a whole tick's budget holds: it goes first of all in the next, and alone.
    pub(super) next_alone: Option<SimId>,
    /// How many entities had to wait in the last tick.
    pub(super) left_out_count: usize,
    /// How many were told of since datagrams were last handed over.
    pub(super) told_count: u64,
    pub(super) last_own: Option<OwnState>,
    pub(super) last_frame_tick: u32,
    /// Datagrams of this tick, for the Transmit stage.
    pub(super) outgoing: Vec<bytes::Bytes>,
}

impl ClientView {
    /// The view of a client that knows nothing of this scene.
    pub(crate) fn new(counters: ViewCounters) -> Self {
        Self { counters, batch_ack: counters.batch, ..Self::default() }
    }

    /// Reads a little of every cache line that serving the client reads, so that they are near when it is served.
    pub(super) fn touch(&self) -> u32 {
        const LINE_IDS: usize = 64 / size_of::<SimId>();
        let shown = self.shown.iter().step_by(LINE_IDS).fold(0, |sum: u32, id| sum.wrapping_add(id.bits()));
        let apart = self.apart.first().map_or(0, |pair| pair.since_tick);
        let sent = self.sent.front().map_or(0, |sent| sent.tick) ^ self.sent.back().map_or(0, |sent| sent.tick);
        shown ^ apart ^ sent
    }

    pub(crate) fn counters(&self) -> ViewCounters {
        self.counters
    }

    /// Forgets everything told, for a character that begins anew.
    pub(crate) fn restart(&mut self) {
        *self = Self {
            batch_ack: self.batch_ack,
            heard_tick: self.heard_tick,
            ack_ticks: self.ack_ticks,
            ..Self::new(self.counters)
        };
    }

    /// True once the client knows which scene it is in.
    pub(super) fn is_introduced(&self) -> bool {
        self.introduced
    }

    pub(super) fn introduce(&mut self, tick: u32) {
        self.introduced = true;
        self.heard_tick = tick;
    }

    /// True for a client that has not sent a datagram for 2 s: nothing waits for an acknowledgement.
    pub(super) fn is_silent(&self, tick: u32) -> bool {
        tick.saturating_sub(self.heard_tick) > SILENT_TICKS
    }

    /// Takes in what the client says it has received. An acknowledgement of what was never sent is an offence.
    pub(crate) fn acknowledge(&mut self, datagram: &InputDatagram, tick: u32) -> Result<(), &'static str> {
        if datagram.frame_ack > self.counters.frame || datagram.batch_ack > self.counters.batch {
            return Err("bad_ack");
        }
        self.heard_tick = tick;
        self.acknowledge_batch(datagram.batch_ack);
        if let Some(lacking_since) = self.unheard_since.take() {
            self.set_back(EVERYBODY, lacking_since);
        }
        let mut newest_tick = 0;
        for sent in self.sent.iter_mut().filter(|sent| !sent.is_acknowledged) {
            sent.is_acknowledged = is_acknowledged(sent.frame, datagram.frame_ack, datagram.frame_ack_bits);
            if sent.is_acknowledged && sent.tick > newest_tick {
                newest_tick = sent.tick;
                self.ack_ticks = (self.ack_ticks * 7 / 8).max(tick.saturating_sub(sent.tick));
            }
        }
        self.give_up_before(newest_tick.saturating_sub(REORDER_TICKS - 1));
        self.give_up_old(tick);
        Ok(())
    }

    /// Gives up frames that nobody has acknowledged for too long.
    pub(super) fn give_up_old(&mut self, tick: u32) {
        let timeout_ticks = (self.ack_ticks * 2).clamp(*FRAME_TIMEOUT_TICKS.start(), *FRAME_TIMEOUT_TICKS.end());
        let before = tick.saturating_sub(timeout_ticks);
        if self.is_silent(tick) {
            self.keep_for_later(before);
        } else {
            self.give_up_before(before);
        }
    }

    /// True for a client that is owed nothing: unless something happens around it, there is nothing to send.
    pub(super) fn rests(&self, tick: u32) -> bool {
        let is_all_shown = !self.is_short && self.crowd.cap().is_none();
        let is_told = self.introduced && self.last_own.is_some() && is_all_shown && self.sent.is_empty();
        let is_heard = self.heard_tick == tick || (self.is_due(tick) && !self.is_silent(tick));
        is_told && !is_heard && !self.sees_far
    }

    /// True for a client that rests until something happens around it or it is heard again.
    pub(crate) fn sleeps(&self, tick: u32) -> bool {
        self.is_silent(tick) && self.rests(tick)
    }

    /// True when the client has not been sent a frame for a second.
    pub(super) fn is_due(&self, tick: u32) -> bool {
        tick.wrapping_sub(self.last_frame_tick) >= HEARTBEAT_TICKS
    }

    /// Follows what the client is to be shown, sorted: entities come and go, and are added to lists for this tick's batch.
    pub(super) fn follow(&mut self, wanted: &[SimId], tick: u32, entering: &mut Vec<SimId>, leaving: &mut Vec<SimId>) {
        let mut before = self.shown.iter().copied().peekable();
        for &id in wanted {
            while let Some(gone) = before.next_if(|&shown| shown < id) {
                leaving.push(gone);
            }
            if before.next_if_eq(&id).is_none() {
                entering.push(id);
            }
        }
        leaving.extend(before);
        // They may hold what was followed step by step.
        entering.sort_unstable();
        leaving.sort_unstable();
        self.shown.clear();
        self.shown.extend_from_slice(wanted);
        self.set_apart(tick, entering, leaving);
    }

    /// The same for few changes, in place; says whether the client is shown what is visible then. If not,
    /// [`ClientView::follow`] has to finish it.
    pub(super) fn follow_steps(
        &mut self,
        interest: &Interest,
        tick: u32,
        entering: &mut Vec<SimId>,
        leaving: &mut Vec<SimId>,
    ) -> bool {
        for &id in interest.left() {
            if let Ok(at) = self.shown.binary_search(&id) {
                self.shown.remove(at);
                leaving.push(id);
            }
        }
        for &id in interest.entered() {
            if let Err(at) = self.shown.binary_search(&id) {
                self.shown.insert(at, id);
                entering.push(id);
            }
        }
        let is_whole = self.shown.len() == interest.visible().len();
        if is_whole {
            self.set_apart(tick, entering, leaving);
        }
        is_whole
    }

    /// Of who enters the batch of this tick tells everything; of who has left nothing is known. Both lists are sorted.
    fn set_apart(&mut self, tick: u32, entering: &[SimId], leaving: &[SimId]) {
        if !leaving.is_empty() {
            self.apart.retain(|pair| leaving.binary_search(&pair.id).is_err());
        }
        if !entering.is_empty() {
            self.apart.extend(entering.iter().map(|&id| Pair { id, since_tick: tick }));
            self.apart.sort_unstable_by_key(|pair| pair.id);
        }
    }

    /// True when the client is shown the entity.
    pub(super) fn sees(&self, id: SimId) -> bool {
        self.shown.binary_search(&id).is_ok()
    }

    /// The tick up to which the client has been sent everything about an entity it is shown.
    pub(super) fn since_tick(&self, id: SimId) -> Option<u32> {
        let apart = self.apart.binary_search_by_key(&id, |pair| pair.id);
        self.sees(id).then(|| apart.map_or(self.told_tick, |at| self.apart[at].since_tick))
    }

    /// Sets everything that the client is shown apart, whatever it was told of it.
    pub(super) fn set_all_apart(&mut self, buffer: &mut Vec<Pair>) {
        if self.apart.len() != self.shown.len() {
            self.list_pairs(buffer);
            self.apart.clone_from(buffer);
        }
    }

    /// Everything that the client is shown, sorted, into a list.
    pub(super) fn list_pairs(&self, into: &mut Vec<Pair>) {
        let mut apart = self.apart.iter().copied().peekable();
        let pair = |&id| apart.next_if(|pair| pair.id == id).unwrap_or(Pair { id, since_tick: self.told_tick });
        into.clear();
        into.extend(self.shown.iter().map(pair));
    }

    /// Ticks since the last datagram of the client.
    pub(super) fn unheard_ticks(&self, tick: u32) -> u32 {
        tick.saturating_sub(self.heard_tick)
    }

    /// Counts a batch and answers its number.
    pub(super) fn next_batch(&mut self) -> u32 {
        self.counters.batch = self.counters.batch.wrapping_add(1).max(1);
        self.counters.batch
    }

    /// Notes that entities that came into view were told in a batch at `tick`.
    pub(super) fn told(&mut self, entered: &[SimId], batch: u32, tick: u32) {
        // Of those that have gone again nothing needs to be known: a client that never acknowledges costs no more for it.
        if self.newcomers.len() > NEWCOMERS_KEPT + 2 * self.shown.len() {
            let Self { shown, newcomers, .. } = self;
            newcomers.retain(|newcomer| shown.binary_search(&newcomer.id).is_ok());
            newcomers.sort_by_key(|newcomer| (newcomer.id, std::cmp::Reverse(newcomer.batch)));
            newcomers.dedup_by_key(|newcomer| newcomer.id);
        }
        self.newcomers.extend(entered.iter().map(|&id| Newcomer { id, batch, tick }));
    }

    /// Notes that the frame being written tells an entity of everything after `since_tick`, not of this tick alone.
    pub(super) fn except(&mut self, id: SimId, since_tick: u32) {
        self.exceptions.push_back(Exception { id, since_tick });
        self.open_exceptions += 1;
    }

    /// Counts a frame and answers its number. It is remembered with its records, from one id to another; without any too,
    /// because its acknowledgement says that an older one is lost.
    pub(super) fn next_frame(&mut self, tick: u32, records: Option<(SimId, SimId)>) -> u32 {
        self.counters.frame = self.counters.frame.wrapping_add(1).max(1);
        self.last_frame_tick = tick;
        let (frame, exception_count) = (self.counters.frame, std::mem::take(&mut self.open_exceptions));
        let (first, last) = records.unwrap_or(NOBODY);
        self.sent.push_back(SentFrame { frame, tick, first, last, exception_count, is_acknowledged: false });
        frame
    }

    fn acknowledge_batch(&mut self, batch: u32) {
        if batch <= self.batch_ack {
            return;
        }
        self.batch_ack = batch;
        let mut newcomers = std::mem::take(&mut self.newcomers);
        // State that overtook the batch may have met the entity's last stay in view and gone with it, yet was
        // acknowledged: send it again.
        let known = newcomers.iter().filter(|newcomer| newcomer.batch <= batch);
        self.set_all_back(known.map(|newcomer| ((newcomer.id, newcomer.id), newcomer.tick)));
        newcomers.retain(|newcomer| newcomer.batch > batch);
        self.newcomers = newcomers;
    }

    fn give_up_before(&mut self, tick: u32) {
        while let Some(sent) = self.sent.pop_front_if(|sent| sent.tick < tick) {
            if !sent.is_acknowledged {
                self.set_back((sent.first, sent.last), sent.tick.saturating_sub(1));
                // The own state was in it too.
                self.last_own = None;
            }
            for _ in 0..sent.exception_count {
                let exception = self.exceptions.pop_front();
                if let Some(Exception { id, since_tick }) = exception.filter(|_| !sent.is_acknowledged) {
                    self.set_back((id, id), since_tick);
                }
            }
        }
    }

    /// Of frames that a silent client has not acknowledged only the oldest tick is kept.
    fn keep_for_later(&mut self, before: u32) {
        while let Some(sent) = self.sent.pop_front_if(|sent| sent.tick < before) {
            let mut lacking_since = sent.tick.saturating_sub(1);
            for exception in self.exceptions.drain(..sent.exception_count as usize) {
                lacking_since = lacking_since.min(exception.since_tick);
            }
            if !sent.is_acknowledged {
                self.unheard_since = Some(self.unheard_since.map_or(lacking_since, |tick| tick.min(lacking_since)));
            }
        }
    }

    /// Everything after a tick is lacking, for those in a range of ids.
    fn set_back(&mut self, range: (SimId, SimId), since_tick: u32) {
        self.set_all_back([(range, since_tick)]);
    }

    /// The same for many ranges, each with its tick.
    fn set_all_back(&mut self, ranges: impl IntoIterator<Item = ((SimId, SimId), u32)>) {
        let Self { shown, apart, told_tick, .. } = self;
        let known_count = apart.len();
        for ((first, last), since_tick) in ranges {
            let (start, end) = (shown.partition_point(|&id| id < first), shown.partition_point(|&id| id <= last));
            for &id in shown.get(start..end).unwrap_or_default() {
                match apart[..known_count].binary_search_by_key(&id, |pair| pair.id) {
                    Ok(at) => apart[at].since_tick = apart[at].since_tick.min(since_tick),
                    Err(_) if since_tick < *told_tick => apart.push(Pair { id, since_tick }),
                    Err(_) => {}
                }
            }
        }
        if apart.len() > known_count {
            // Of one that several ranges name, the least goes first and stays.
            apart.sort_unstable_by_key(|pair| (pair.id, pair.since_tick));
            apart.dedup_by_key(|pair| pair.id);
        }
    }
}

fn is_acknowledged(frame: u32, ack: u32, bits: u32) -> bool {
    match ack.checked_sub(frame) {
        Some(0) => true,
        Some(behind) if behind <= FRAME_ACK_BITS => bits & (1 << (behind - 1)) != 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
