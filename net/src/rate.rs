//! Limits on what one session may send, kept in integers and without a clock: `now_us` is always an argument.
//!
//! The endpoint asks here before a byte is decoded. Too much is dropped and counted; too many drops close the session.

use crate::protocol::{COMMANDS_PER_SECOND, FLOOD_DROPS_MAX, MESSAGES_BURST, MESSAGES_PER_SECOND};

/// Dropped messages forgiven per second: who stays a little over the limit is slowed down, not thrown out.
const DROPS_FORGIVEN_PER_SECOND: u32 = 8;
const MICROS_PER_SECOND: u64 = 1_000_000;

/// A token bucket: `per_second` on average, `burst` at once after silence.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    per_second: u64,
    full_micro: u64,
    /// Millionths of a token, so that no fraction is ever rounded away.
    level_micro: u64,
    filled_us: u64,
}

impl TokenBucket {
    /// A full bucket; `now_us` is any monotonic clock in microseconds.
    pub fn new(per_second: u32, burst: u32, now_us: u64) -> TokenBucket {
        let full_micro = u64::from(burst) * MICROS_PER_SECOND;
        TokenBucket { per_second: u64::from(per_second), full_micro, level_micro: full_micro, filled_us: now_us }
    }

    /// Takes one token if there is one. A clock that goes back adds nothing.
    pub fn take(&mut self, now_us: u64) -> bool {
        let elapsed_us = now_us.saturating_sub(self.filled_us);
        self.filled_us = self.filled_us.max(now_us);
        let gained_micro = elapsed_us.saturating_mul(self.per_second);
        self.level_micro = self.level_micro.saturating_add(gained_micro).min(self.full_micro);
        match self.level_micro.checked_sub(MICROS_PER_SECOND) {
            Some(rest) => {
                self.level_micro = rest;
                true
            }
            None => false,
        }
    }
}

/// What to do with a message that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Hand it on.
    Pass,
    /// Drop it and count it.
    Drop,
    /// Drop it and close the session as a flood.
    Flood,
}

/// The limits of one session after its login.
#[derive(Debug, Clone)]
pub struct SessionRate {
    messages: TokenBucket,
    commands: TokenBucket,
    drops: TokenBucket,
}

impl SessionRate {
    /// Full buckets of [`MESSAGES_PER_SECOND`] and [`COMMANDS_PER_SECOND`], and [`FLOOD_DROPS_MAX`] drops to spend.
    pub fn new(now_us: u64) -> SessionRate {
        SessionRate {
            messages: TokenBucket::new(MESSAGES_PER_SECOND, MESSAGES_BURST, now_us),
            commands: TokenBucket::new(COMMANDS_PER_SECOND, 2 * COMMANDS_PER_SECOND, now_us),
            drops: TokenBucket::new(DROPS_FORGIVEN_PER_SECOND, FLOOD_DROPS_MAX, now_us),
        }
    }

    /// Judges a datagram, or anything else that only counts as a message.
    pub fn message(&mut self, now_us: u64) -> Verdict {
        if self.messages.take(now_us) { Verdict::Pass } else { self.dropped(now_us) }
    }

    /// Judges a frame of the stream, which counts as a message and as a command.
    pub fn command(&mut self, now_us: u64) -> Verdict {
        if self.messages.take(now_us) && self.commands.take(now_us) { Verdict::Pass } else { self.dropped(now_us) }
    }

    /// Counts a message dropped for another reason, such as a full inbox.
    pub fn dropped(&mut self, now_us: u64) -> Verdict {
        if self.drops.take(now_us) { Verdict::Drop } else { Verdict::Flood }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: u64 = MICROS_PER_SECOND;

    #[test]
    fn a_burst_is_followed_by_the_average() {
        let mut bucket = TokenBucket::new(10, 20, 0);
        assert_eq!((0..100).filter(|_| bucket.take(0)).count(), 20);
        let taken = (1..=10 * SECOND_US / 1_000).filter(|ms| bucket.take(ms * 1_000)).count();
        assert_eq!(taken, 100);
    }

    #[test]
    fn fractions_of_a_token_are_not_lost() {
        let mut bucket = TokenBucket::new(3, 1, 0);
        assert!(bucket.take(0));
        let taken = (1..=10 * SECOND_US / 7).filter(|step| bucket.take(step * 7)).count();
        assert_eq!(taken, 29, "ten seconds give thirty, less the microsecond the last one misses");
    }

    #[test]
    fn a_clock_that_jumps_neither_overflows_nor_gives_more_than_a_burst() {
        let mut bucket = TokenBucket::new(u32::MAX, 5, 100);
        assert_eq!((0..100).filter(|_| bucket.take(u64::MAX)).count(), 5);
        assert!(!bucket.take(0), "time went back");
    }

    #[test]
    fn an_honest_client_never_drops() {
        let mut rate = SessionRate::new(0);
        for tick in 0..20 * 600u64 {
            let now_us = tick * 50_000;
            assert_eq!(rate.message(now_us), Verdict::Pass);
            if tick % 2 == 0 {
                assert_eq!(rate.command(now_us), Verdict::Pass);
            }
        }
    }

    #[test]
    fn a_flood_is_recognised_within_its_first_second() {
        let mut rate = SessionRate::new(0);
        let flood = (0..10_000u64).position(|message| rate.message(message * 100) == Verdict::Flood);
        assert!(flood.is_some_and(|message| message < 400), "{flood:?}");
    }

    #[test]
    fn commands_have_their_own_smaller_limit() {
        let mut rate = SessionRate::new(0);
        let passed = (0..60).filter(|_| rate.command(0) == Verdict::Pass).count();
        assert_eq!(passed, 20);
        assert_eq!(rate.message(0), Verdict::Pass);
    }
}
