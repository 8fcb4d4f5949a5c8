//! Slots: every session of a scene has its own moment of the tick, for what it is sent and for what it sends. Pure sums.
//!
//! A session's slot is its rank among the scene's sessions. Datagrams leave in slot order, spread over the first part of the
//! tick, and inputs shall arrive in slot order shortly before the tick that uses them. The first to be sent to is the first to
//! be heard from, so that neither end meets everybody at once and nobody's input waits for long.

use crate::protocol::{INPUT_SHIFT_MAX, INPUT_SHIFT_UNIT_US};

/// Time between the datagrams of two neighbours, in microseconds, as long as there is room.
const SEND_STEP_US: u64 = 10;
/// Time over which all of a scene's datagrams are spread, in microseconds, at most: half a tick.
const SEND_SPREAD_US_MAX: u64 = 25_000;
/// How long before its tick the last of the inputs shall be there, in microseconds.
pub const INPUT_MARGIN_US: u64 = 3_000;
/// Time between the inputs of two neighbours, in microseconds, as long as there is room.
const INPUT_STEP_US: u64 = 7;
/// Time over which the inputs of all are spread, in microseconds, at most.
const INPUT_SPREAD_US_MAX: u64 = 20_000;
/// Half a tick, in microseconds: who is farther than that from the moment asked for is nearer to that of another tick.
const HALF_TICK_US: i64 = sim::tick::TICK_MS as i64 * 500;

/// The moments of one session within a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    rank: u64,
    count: u64,
}

impl Slot {
    /// The slot of the session of that rank, from 0, among `count` of a scene. A rank beyond the count is the last.
    #[must_use]
    pub fn new(rank: usize, count: usize) -> Slot {
        let count = u64::try_from(count).unwrap_or(u64::MAX).max(1);
        Slot { rank: u64::try_from(rank).unwrap_or(u64::MAX).min(count - 1), count }
    }

    /// How long after the tick its datagrams leave, in microseconds: 0 to 25,000.
    #[must_use]
    pub fn send_offset_us(self) -> u64 {
        self.part_of(self.count.saturating_mul(SEND_STEP_US).min(SEND_SPREAD_US_MAX))
    }

    /// How long before the tick that uses them its inputs shall arrive, in microseconds: 3,000 to 23,000.
    #[must_use]
    pub fn input_lead_us(self) -> u64 {
        let spread_us = self.count.saturating_mul(INPUT_STEP_US).min(INPUT_SPREAD_US_MAX);
        INPUT_MARGIN_US + spread_us - self.part_of(spread_us)
    }

    /// How much later (positive) or earlier (negative) the client shall send, in quarters of a millisecond, when its newest
    /// input has waited `wait_us` for its tick. An input that waited so long that it only just missed the tick before asks
    /// for the shorter way, to send earlier.
    #[must_use]
    pub fn input_shift(self, wait_us: u64) -> i8 {
        let (wait_us, lead_us) = (signed(wait_us), signed(self.input_lead_us()));
        let excess_us = wait_us.saturating_sub(lead_us);
        let shift_us = if excess_us > HALF_TICK_US { excess_us.saturating_sub(2 * HALF_TICK_US) } else { excess_us };
        let max = i64::from(INPUT_SHIFT_MAX);
        i8::try_from((shift_us / INPUT_SHIFT_UNIT_US).clamp(-max, max)).unwrap_or(0)
    }

    /// The part of a spread that lies before this rank.
    fn part_of(self, spread_us: u64) -> u64 {
        u64::try_from(u128::from(self.rank) * u128::from(spread_us) / u128::from(self.count)).unwrap_or(spread_us)
    }
}

fn signed(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_sent_to_first_is_heard_from_first_and_nobody_outside_the_tick() {
        for count in [1, 2, 50, 2_500, 100_000] {
            let slots: Vec<Slot> = (0..count).map(|rank| Slot::new(rank, count)).collect();
            assert!(slots.is_sorted_by_key(|slot| slot.send_offset_us()));
            assert!(slots.is_sorted_by(|a, b| a.input_lead_us() >= b.input_lead_us()));
            for slot in slots {
                assert!(slot.send_offset_us() < SEND_SPREAD_US_MAX);
                assert!((INPUT_MARGIN_US..=INPUT_MARGIN_US + INPUT_SPREAD_US_MAX).contains(&slot.input_lead_us()));
            }
        }
    }

    #[test]
    fn a_handful_is_not_spread_over_the_whole_tick() {
        assert_eq!(Slot::new(9, 10).send_offset_us(), 90);
        assert_eq!((Slot::new(0, 10).input_lead_us(), Slot::new(9, 10).input_lead_us()), (3_070, 3_007));
        assert_eq!(Slot::new(0, 0), Slot::new(7, 1), "a slot exists whatever is asked for");
    }

    #[test]
    fn what_came_too_early_is_sent_later_and_what_just_missed_its_tick_earlier() {
        let slot = Slot::new(0, 0);
        let lead_us = slot.input_lead_us();
        assert_eq!(slot.input_shift(lead_us), 0);
        assert_eq!(slot.input_shift(lead_us + 10_000), 40);
        assert_eq!(slot.input_shift(0), -12);
        assert_eq!(slot.input_shift(lead_us + 49_000), -4, "1 ms too late for the tick before");
        assert_eq!(slot.input_shift(u64::MAX), INPUT_SHIFT_MAX, "clamped");
    }
}
