//! When connections want to be looked at again: a ring of slots, each with the connections that are due in it.
//!
//! Entries are never moved or taken out. A connection whose time moved later is found too early, looks at its real
//! time and is put in again; one that is gone is found and skipped. Arming costs a push, a packet costs nothing.

use std::time::{Duration, Instant};

use super::LinkKey;

/// Length of a slot. A timer fires one to two slots late: that lets an acknowledgement wait for a datagram that is
/// about to leave anyway, and matters to no timeout.
const SLOT_US: u64 = 5_000;
const SLOT: Duration = Duration::from_micros(SLOT_US);
/// Slots of the ring: 20 s; what is due later is looked at once more on the way.
const SLOTS: usize = 4_096;
const WORD_BITS: usize = u64::BITS as usize;

/// A moment in slots since the wheel began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(u64);

impl Slot {
    /// Later than every moment: not armed.
    pub(super) const NEVER: Slot = Slot(u64::MAX);
}

/// The ring.
pub(super) struct Wheel {
    began: Instant,
    /// The first slot that has not been emptied.
    next: u64,
    slots: Vec<Vec<LinkKey>>,
    /// A bit for every slot that holds something.
    occupied: [u64; SLOTS / WORD_BITS],
    /// Room for entries found too early, for its user.
    pub(super) early: Vec<(LinkKey, Instant)>,
}

impl Wheel {
    pub(super) fn new(now: Instant) -> Wheel {
        Wheel {
            began: now,
            next: 0,
            slots: vec![Vec::new(); SLOTS],
            occupied: [0; SLOTS / WORD_BITS],
            early: Vec::new(),
        }
    }

    /// The slot in which something due at `due` is found: after it, and within the ring.
    pub(super) fn slot(&self, due: Instant) -> Slot {
        let slots = due.saturating_duration_since(self.began).as_micros() / SLOT.as_micros();
        let slot = u64::try_from(slots).unwrap_or(u64::MAX).saturating_add(2);
        Slot(slot.clamp(self.next, self.next + SLOTS as u64 - 1))
    }

    /// Puts a connection into a slot given by [`Wheel::slot`].
    pub(super) fn arm(&mut self, key: LinkKey, Slot(slot): Slot) {
        let place = place_of(slot);
        if let (Some(held), Some(word)) = (self.slots.get_mut(place), self.occupied.get_mut(place / WORD_BITS)) {
            held.push(key);
            *word |= 1 << (place % WORD_BITS);
        }
    }

    /// Takes out everything in slots that have begun by `now`, with its slot.
    pub(super) fn expire(&mut self, now: Instant, mut found: impl FnMut(LinkKey, Slot)) {
        let slots = now.saturating_duration_since(self.began).as_micros() / SLOT.as_micros();
        let current = u64::try_from(slots).unwrap_or(u64::MAX);
        // Whatever is armed stands within one round of the ring: after a pause longer than that, every slot is looked at
        // once, by the number it was armed under.
        let last = current.min(self.next + SLOTS as u64 - 1);
        for slot in self.next..=last {
            let place = place_of(slot);
            let Some(word) = self.occupied.get_mut(place / WORD_BITS) else { continue };
            if *word & 1 << (place % WORD_BITS) != 0 {
                *word &= !(1 << (place % WORD_BITS));
                if let Some(held) = self.slots.get_mut(place) {
                    held.drain(..).for_each(|key| found(key, Slot(slot)));
                }
            }
        }
        self.next = self.next.max(current.saturating_add(1));
    }

    /// When the next slot that holds something begins.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let first = place_of(self.next);
        let ahead = (0..=SLOTS / WORD_BITS).find_map(|step| {
            let word_index = (first / WORD_BITS + step) % (SLOTS / WORD_BITS);
            let mut word = self.occupied.get(word_index).copied().unwrap_or(0);
            if step == 0 {
                word &= u64::MAX << (first % WORD_BITS);
            }
            let place = word_index * WORD_BITS + word.trailing_zeros() as usize;
            (word != 0).then(|| (place + SLOTS - first) % SLOTS)
        })?;
        Some(self.began + Duration::from_micros((self.next + ahead as u64) * SLOT_US))
    }
}

fn place_of(slot: u64) -> usize {
    usize::try_from(slot % SLOTS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(index: u32) -> LinkKey {
        LinkKey { index, generation: 0 }
    }

    fn expired(wheel: &mut Wheel, now: Instant) -> Vec<u32> {
        let mut found = Vec::new();
        wheel.expire(now, |key, _| found.push(key.index));
        found
    }

    #[test]
    fn an_entry_is_found_after_its_time_and_at_most_two_slots_late() {
        let began = Instant::now();
        for due_us in (0..60_000).step_by(777) {
            let mut wheel = Wheel::new(began);
            let due = began + Duration::from_micros(due_us);
            wheel.arm(key(1), wheel.slot(due));
            let next = wheel.next_due().expect("one is armed");
            assert!(next > due && next <= due + 2 * SLOT, "{due_us} us");
            assert!(expired(&mut wheel, due).is_empty());
            assert_eq!(expired(&mut wheel, next), [1]);
            assert_eq!(wheel.next_due(), None);
        }
    }

    #[test]
    fn what_is_due_beyond_the_ring_is_found_at_its_end() {
        let began = Instant::now();
        let mut wheel = Wheel::new(began);
        wheel.arm(key(1), wheel.slot(began + Duration::from_secs(3_600)));
        let end = began + SLOT * u32::try_from(SLOTS).expect("fits");
        assert!(expired(&mut wheel, end - 2 * SLOT).is_empty());
        assert_eq!(expired(&mut wheel, end), [1]);
    }

    #[test]
    fn the_next_due_slot_is_found_wherever_the_ring_stands() {
        let began = Instant::now();
        let mut wheel = Wheel::new(began);
        for round in 0..3_000u32 {
            let now = began + Duration::from_millis(u64::from(round) * 37);
            expired(&mut wheel, now);
            let due = now + Duration::from_millis(u64::from(round % 501) * 13);
            wheel.arm(key(round), wheel.slot(due));
            let next = wheel.next_due().expect("one is armed");
            assert!(next > now && next <= due + 2 * SLOT, "round {round}");
        }
    }

    #[test]
    fn a_pause_of_any_length_loses_nothing_and_finds_all_under_the_slots_they_were_armed_for() {
        let began = Instant::now();
        for pause_ms in (0..100_000).step_by(3_331) {
            let mut wheel = Wheel::new(began);
            // The ring stands anywhere.
            let start = began + Duration::from_secs(37);
            expired(&mut wheel, start);
            let arm = |index| {
                let slot = wheel.slot(start + Duration::from_millis(u64::from(index) * 90));
                wheel.arm(key(index), slot);
                (index, slot)
            };
            let mut armed: Vec<_> = (0..200).map(arm).collect();
            let mut found = Vec::new();
            for now in [start + Duration::from_millis(pause_ms), start + Duration::from_secs(200)] {
                wheel.expire(now, |key, slot| found.push((key.index, slot)));
            }
            armed.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, armed, "a pause of {pause_ms} ms");
            assert_eq!(wheel.next_due(), None);
            let soon = start + Duration::from_secs(201);
            wheel.arm(key(1), wheel.slot(soon));
            assert_eq!(expired(&mut wheel, soon + 2 * SLOT), [1]);
        }
    }
}
