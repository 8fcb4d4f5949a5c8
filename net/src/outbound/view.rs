//! What one client has been told, and what it is owed.
//!
//! Every state frame is remembered until the client acknowledges it. When a frame is given up, the entities in
//! it are owed: their whole state, as it is then, goes out with the next frame. So a client's picture is right
//! once the loss ends, and a stopped entity's last place arrives however often it was lost.

use std::collections::VecDeque;

use sim::ids::SimId;
use sim::interest::Interest;

use crate::protocol::{FRAME_ACK_BITS, InputDatagram, OwnState};

/// Ticks by which an acknowledged frame must be younger than one that is still missing, to give that one up.
const REORDER_TICKS: u32 = 2;
/// Ticks after which a frame is given up without any younger acknowledgement (0.5 s).
const FRAME_TIMEOUT_TICKS: u32 = 10;

/// One entity in one client's view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(super) id: SimId,
    /// The client needs the whole state, not only what changes now.
    pub(super) owed: bool,
    /// When it was last written into a frame, or came into view.
    pub(super) sent_tick: u32,
    /// The batch that told the client of it, until the client has acknowledged that.
    enter_batch: u32,
    /// When that was.
    enter_tick: u32,
}

#[derive(Debug)]
struct SentFrame {
    frame: u32,
    tick: u32,
    ids: Vec<SimId>,
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
    pub(super) pairs: Vec<Pair>,
    entering: Vec<SimId>,
    leaving: Vec<SimId>,
    sent: VecDeque<SentFrame>,
    spare_ids: Vec<Vec<SimId>>,
    counters: ViewCounters,
    batch_ack: u32,
    introduced: bool,
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

    pub(crate) fn counters(&self) -> ViewCounters {
        self.counters
    }

    /// Forgets everything told, for a character that begins anew.
    pub(crate) fn restart(&mut self) {
        self.pairs.clear();
        self.sent.clear();
        self.introduced = false;
        self.last_own = None;
    }

    /// True once the client knows which scene it is in.
    pub(super) fn is_introduced(&self) -> bool {
        self.introduced
    }

    pub(super) fn introduce(&mut self) {
        self.introduced = true;
    }

    /// Takes in what the client says it has received. An acknowledgement of what was never sent is an offence.
    pub(crate) fn acknowledge(&mut self, datagram: &InputDatagram, tick: u32) -> Result<(), &'static str> {
        if datagram.frame_ack > self.counters.frame || datagram.batch_ack > self.counters.batch {
            return Err("bad_ack");
        }
        self.acknowledge_batch(datagram.batch_ack);
        let mut newest_tick = None;
        let (ack, bits) = (datagram.frame_ack, datagram.frame_ack_bits);
        let mut waiting = std::mem::take(&mut self.sent);
        waiting.retain_mut(|sent| {
            let acknowledged = is_acknowledged(sent.frame, ack, bits);
            if acknowledged {
                newest_tick = newest_tick.max(Some(sent.tick));
                self.spare_ids.push(std::mem::take(&mut sent.ids));
            }
            !acknowledged
        });
        self.sent = waiting;
        let given_up = newest_tick.map_or(0, |newest| newest.saturating_sub(REORDER_TICKS - 1));
        self.give_up_before(given_up.max(tick.saturating_sub(FRAME_TIMEOUT_TICKS)));
        Ok(())
    }

    /// Gives up frames that nobody has acknowledged for too long.
    pub(super) fn give_up_old(&mut self, tick: u32) {
        self.give_up_before(tick.saturating_sub(FRAME_TIMEOUT_TICKS));
    }

    /// Follows what the character sees: pairs come and go, and are remembered for this tick's batch.
    pub(super) fn follow(&mut self, interest: &Interest) {
        self.entering.clear();
        self.leaving.clear();
        if self.introduced && interest.entered().is_empty() && interest.left().is_empty() {
            return;
        }
        let mut before = std::mem::take(&mut self.pairs).into_iter().peekable();
        for &id in interest.visible() {
            while let Some(gone) = before.next_if(|pair| pair.id < id) {
                self.leaving.push(gone.id);
            }
            let pair = before.next_if(|pair| pair.id == id).unwrap_or_else(|| {
                self.entering.push(id);
                Pair { id, owed: false, sent_tick: 0, enter_batch: u32::MAX, enter_tick: 0 }
            });
            self.pairs.push(pair);
        }
        self.leaving.extend(before.map(|pair| pair.id));
    }

    /// True when the client is shown the entity.
    pub(super) fn sees(&self, id: SimId) -> bool {
        self.pairs.binary_search_by_key(&id, |pair| pair.id).is_ok()
    }

    /// What came into view in this tick, sorted.
    pub(super) fn entering(&self) -> &[SimId] {
        &self.entering
    }

    /// What went out of view in this tick, sorted.
    pub(super) fn leaving(&self) -> &[SimId] {
        &self.leaving
    }

    /// Entities whose whole state the client needs.
    pub(super) fn owed(&self) -> impl Iterator<Item = SimId> + '_ {
        self.pairs.iter().filter(|pair| pair.owed).map(|pair| pair.id)
    }

    /// Counts a batch and answers its number.
    pub(super) fn next_batch(&mut self) -> u32 {
        self.counters.batch = self.counters.batch.wrapping_add(1).max(1);
        self.counters.batch
    }

    /// Notes that entities that came into view were told in a batch at `tick`.
    pub(super) fn told(&mut self, batch: u32, tick: u32) {
        for pair in self.pairs.iter_mut().filter(|pair| pair.enter_batch == u32::MAX) {
            *pair = Pair { enter_batch: batch, enter_tick: tick, sent_tick: tick, ..*pair };
        }
    }

    /// Counts a frame, remembers what is in it, and answers its number.
    pub(super) fn next_frame(&mut self, tick: u32, ids: &[SimId]) -> u32 {
        self.counters.frame = self.counters.frame.wrapping_add(1).max(1);
        self.last_frame_tick = tick;
        if !ids.is_empty() {
            let mut kept = self.spare_ids.pop().unwrap_or_default();
            kept.clear();
            kept.extend_from_slice(ids);
            self.sent.push_back(SentFrame { frame: self.counters.frame, tick, ids: kept });
        }
        self.counters.frame
    }

    fn acknowledge_batch(&mut self, batch: u32) {
        if batch <= self.batch_ack {
            return;
        }
        self.batch_ack = batch;
        for pair in self.pairs.iter_mut().filter(|pair| pair.enter_batch != 0 && pair.enter_batch <= batch) {
            // State that overtook the batch was thrown away by the client, yet acknowledged: send it again.
            pair.owed |= pair.sent_tick != pair.enter_tick;
            pair.enter_batch = 0;
        }
    }

    fn give_up_before(&mut self, tick: u32) {
        while let Some(lost) = self.sent.pop_front_if(|sent| sent.tick < tick) {
            for id in &lost.ids {
                if let Ok(at) = self.pairs.binary_search_by_key(id, |pair| pair.id)
                    && let Some(pair) = self.pairs.get_mut(at)
                {
                    pair.owed = true;
                }
            }
            self.spare_ids.push(lost.ids);
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
mod tests {
    use super::*;

    fn view_with(ids: &[SimId]) -> ClientView {
        let pair = |&id| Pair { id, owed: false, sent_tick: 1, enter_batch: 0, enter_tick: 1 };
        ClientView { pairs: ids.iter().map(pair).collect(), introduced: true, ..ClientView::default() }
    }

    fn ack(frame: u32, bits: u32) -> InputDatagram {
        InputDatagram {
            sequence: 1,
            view_tick: 0,
            forced_epoch: 0,
            claim_x_cm: 0,
            claim_z_cm: 0,
            frame_ack: frame,
            frame_ack_bits: bits,
            batch_ack: 0,
            steps: Vec::new(),
        }
    }

    #[test]
    fn a_frame_that_younger_ones_overtake_for_good_makes_its_entities_owed() {
        let (a, b) = (SimId::new(1, 0), SimId::new(2, 0));
        let mut view = view_with(&[a, b]);
        for (tick, id) in [(10, a), (11, b), (12, b), (13, b)] {
            view.next_frame(tick, &[id]);
        }
        view.acknowledge(&ack(2, 0), 12).unwrap();
        assert_eq!(view.owed().count(), 0, "it may still be on its way");
        view.acknowledge(&ack(4, 0b11), 14).unwrap();
        assert_eq!(view.owed().collect::<Vec<_>>(), [a]);
    }

    #[test]
    fn a_silent_client_is_owed_after_half_a_second() {
        let a = SimId::new(1, 0);
        let mut view = view_with(&[a]);
        view.next_frame(10, &[a]);
        view.give_up_old(20);
        assert_eq!(view.owed().count(), 0);
        view.give_up_old(21);
        assert_eq!(view.owed().count(), 1);
    }

    #[test]
    fn acknowledging_what_was_never_sent_is_refused() {
        assert_eq!(view_with(&[]).acknowledge(&ack(1, 0), 1), Err("bad_ack"));
    }
}
