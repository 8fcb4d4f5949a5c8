//! When to send the next input. The server says of the newest input it has applied how much later or earlier it should have
//! come (`OwnState::input_shift`); the phase of sending follows, evenly and within 2 % of 20 Hz.
//!
//! The phase is measured where inputs are made, so it does not matter whether the owner heeds the advice at once, runs its own
//! clock faster ([`Pacing::time_scale`]) or was asleep, and advice that is still on its way is never given twice.

use smallvec::SmallVec;

use super::TICK_US;
use crate::protocol::{INPUT_SHIFT_UNIT_US, OwnState};

/// Inputs whose moment of sending is remembered: round trips of 6 s.
const SENT_MAX: usize = 128;
/// Most that one tick's sending moves, in microseconds: 2 % of a tick, so that the server's rate of steps stays even.
const CORRECTION_US_MAX: i64 = 1_000;
/// A judgement this far from what was believed is no jitter, in microseconds: the server's ticks have moved.
const MOVED_US: i64 = 8_000;
/// Part of a judgement that is believed at once, and of one that says that the ticks have moved.
const GAINS: (i64, i64) = (16, 3);
/// Most of the jitter that inputs are sent earlier for, in microseconds; beyond it earlier is only later for everybody.
const CUSHION_US_MAX: i64 = 20_000;
const TICK: i64 = TICK_US.cast_signed();

/// Keeps the phase of sending.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pacing {
    /// Sequence numbers with their phase: when each was sent, less its number of ticks.
    sent: SmallVec<[(u32, i64); 4]>,
    judged_sequence: u32,
    /// The phase at which inputs come as asked for.
    wanted_us: Option<i64>,
    /// Mean deviation of the judgements from it: the jitter of the way.
    deviation_us: i64,
    /// Advice given since the last input.
    advised_us: i64,
}

impl Pacing {
    /// Notes that an input was sent.
    pub(crate) fn sent(&mut self, sequence: u32, now_us: u64) {
        if self.sent.len() == SENT_MAX {
            self.sent.remove(0);
        }
        let now_us = i64::try_from(now_us).unwrap_or(i64::MAX);
        self.sent.push((sequence, now_us.saturating_sub(i64::from(sequence) * TICK)));
        self.advised_us = 0;
    }

    /// Takes in what the server says of the newest applied input; each input is judged once.
    pub(crate) fn judge(&mut self, own: &OwnState) {
        if own.applied_sequence <= self.judged_sequence {
            return;
        }
        self.judged_sequence = own.applied_sequence;
        let older = self.sent.iter().take_while(|&&(sequence, _)| sequence < own.applied_sequence).count();
        self.sent.drain(..older);
        let Some(&(_, phase_us)) = self.sent.first().filter(|&&(sequence, _)| sequence == own.applied_sequence) else {
            return;
        };
        let judged_us = phase_us + i64::from(own.input_shift) * INPUT_SHIFT_UNIT_US;
        let Some(wanted_us) = &mut self.wanted_us else {
            self.wanted_us = Some(judged_us);
            return;
        };
        let surprise_us = within_a_tick(judged_us - *wanted_us);
        let (small, large) = GAINS;
        *wanted_us += surprise_us / if surprise_us.abs() > MOVED_US { large } else { small };
        self.deviation_us += (surprise_us.abs() - self.deviation_us) / small;
    }

    /// What to add to the time until the next input, -1,000 to 1,000 microseconds; what was given out since the last
    /// input is not given again.
    pub(crate) fn take(&mut self) -> i64 {
        let correction_us = self.correction_us() - self.advised_us;
        self.advised_us += correction_us;
        correction_us
    }

    /// How fast the owner's clock shall run, 0.98 to 1.02: above 1 when its inputs come too late.
    #[allow(clippy::cast_precision_loss, reason = "a correction is at most 1,000")]
    pub(crate) fn time_scale(&self) -> f32 {
        TICK as f32 / (TICK + self.correction_us()) as f32
    }

    fn correction_us(&self) -> i64 {
        let (Some(wanted_us), Some(&(_, phase_us))) = (self.wanted_us, self.sent.last()) else { return 0 };
        let cushion_us = (2 * self.deviation_us).min(CUSHION_US_MAX);
        within_a_tick(wanted_us - cushion_us - phase_us).clamp(-CORRECTION_US_MAX, CORRECTION_US_MAX)
    }
}

/// A phase is the same a tick later: the shorter way there, in -25,000 to 25,000 microseconds.
fn within_a_tick(us: i64) -> i64 {
    (us + TICK / 2).rem_euclid(TICK) - TICK / 2
}

#[cfg(test)]
mod tests;
