//! A client against a server made of sums: ticks at some phase, a way of some length and jitter, slots as in a scene.

use std::collections::VecDeque;

use sim::ids::SimId;
use sim::random::{Random, Stream};

use super::*;
use crate::slots::Slot;

/// A server that ticks at `phase_us` after every full tick, and the way to it.
struct Way {
    phase_us: u64,
    delay_us: u64,
    jitter_us: u32,
    slot: Slot,
    random: Random,
    draws: u32,
}

impl Way {
    fn new(phase_us: u64, delay_us: u64, jitter_us: u32) -> Way {
        Way { phase_us, delay_us, jitter_us, slot: Slot::new(10, 400), random: Random::new(7), draws: 0 }
    }

    /// The first tick after `arrived_us`.
    fn tick_after(&self, arrived_us: u64) -> u64 {
        (arrived_us.saturating_sub(self.phase_us)).div_ceil(TICK_US) * TICK_US + self.phase_us
    }

    fn jitter_us(&mut self) -> u64 {
        self.draws += 1;
        let unit = self.random.draw(self.draws, SimId::new(1, 0), Stream("jitter"), 0).unit();
        (f64::from(unit) * f64::from(self.jitter_us)) as u64
    }
}

/// One tick of play.
struct Played {
    sent_us: u64,
    period_us: u64,
    /// How far the input came from the moment asked for, without the jitter of the way.
    off_us: i64,
}

/// Plays `ticks` from `start_us`; each answer takes as long as the way here. `change` may change the way.
fn play(way: &mut Way, start_us: u64, ticks: u32, mut change: impl FnMut(u32, &mut Way)) -> Vec<Played> {
    let mut pacing = Pacing::default();
    let mut now_us = start_us;
    let mut answers: VecDeque<(u64, OwnState)> = VecDeque::new();
    let mut played: Vec<Played> = Vec::new();
    for sequence in 1..=ticks {
        change(sequence, way);
        while let Some((_, own)) = answers.pop_front_if(|(at_us, _)| *at_us <= now_us) {
            pacing.judge(&own);
        }
        pacing.sent(sequence, now_us);
        let best_us = now_us + way.delay_us;
        let arrived_us = best_us + way.jitter_us();
        let tick_us = way.tick_after(arrived_us);
        let input_shift = way.slot.input_shift(tick_us - arrived_us);
        answers.push_back((
            tick_us + way.delay_us,
            OwnState { applied_sequence: sequence, input_shift, ..OwnState::default() },
        ));
        let lead_us = way.tick_after(best_us) - best_us;
        let off_us = within_a_tick(lead_us.cast_signed() - way.slot.input_lead_us().cast_signed());
        let period_us = played.last().map_or(TICK_US, |last| now_us - last.sent_us);
        played.push(Played { sent_us: now_us, period_us, off_us });
        now_us = now_us.saturating_add_signed(TICK_US.cast_signed() + pacing.take());
    }
    played
}

fn still(_: u32, _: &mut Way) {}

#[test]
fn from_any_phase_inputs_come_as_asked_within_two_seconds_on_any_way() {
    for delay_us in [100, 30_000, 120_000] {
        for phase_us in (0..TICK_US).step_by(3_571) {
            let played = play(&mut Way::new(phase_us, delay_us, 0), 1_000_000, 80, still);
            for late in &played[39..] {
                assert!(late.off_us.abs() < 1_000, "{} us off, way {delay_us}, phase {phase_us}", late.off_us);
            }
        }
    }
}

#[test]
fn under_five_milliseconds_of_jitter_the_moment_of_sending_stays_within_two() {
    for phase_us in (0..TICK_US).step_by(7_919) {
        let played = play(&mut Way::new(phase_us, 20_000, 5_000), 1_000_000, 1_200, still);
        let settled: Vec<i64> = played[80..].iter().map(|one| one.off_us).collect();
        let (min, max) = settled.iter().fold((i64::MAX, i64::MIN), |(min, max), &off| (min.min(off), max.max(off)));
        assert!(max - min <= 4_000, "it wandered between {min} and {max} us, phase {phase_us}");
        // Sent early enough for the latest to be there before its tick.
        assert!(min >= 2_000 - 3_000 && max < 10_000, "{min} to {max} us");
    }
}

#[test]
fn the_rate_of_inputs_never_leaves_two_per_cent() {
    for jitter_us in [0, 5_000, 40_000] {
        let played = play(&mut Way::new(31_000, 60_000, jitter_us), 1_000_000, 1_200, |sequence, way| {
            if sequence % 200 == 0 {
                way.phase_us = (way.phase_us + 23_000) % TICK_US;
            }
        });
        assert!(played.iter().all(|one| one.period_us.abs_diff(TICK_US) <= 1_000));
    }
}

#[test]
fn a_server_whose_ticks_move_is_followed_within_three_seconds() {
    let played = play(&mut Way::new(10_000, 50_000, 1_000), 1_000_000, 400, |sequence, way| {
        if sequence == 100 {
            way.phase_us = 27_000;
        }
    });
    assert!(played[99].off_us.abs() > 10_000, "the ticks did move: {}", played[99].off_us);
    for late in &played[160..] {
        assert!((-1_500..3_500).contains(&late.off_us), "{} us off", late.off_us);
    }
}

#[test]
fn a_client_that_slept_keeps_its_phase_and_does_not_hurry_after_the_lost_time() {
    let mut pacing = Pacing::default();
    pacing.sent(1, 1_000_000);
    pacing.judge(&OwnState { applied_sequence: 1, input_shift: 0, ..OwnState::default() });
    pacing.sent(2, 1_050_000 + 10 * TICK_US);
    assert_eq!(pacing.take(), 0);
}

#[test]
fn advice_is_given_once_and_the_clock_of_a_client_runs_by_it() {
    let mut pacing = Pacing::default();
    assert_eq!((pacing.take(), pacing.time_scale()), (0, 1.0), "nothing is known yet");
    pacing.sent(1, 1_000_000);
    pacing.judge(&OwnState { applied_sequence: 1, input_shift: -40, ..OwnState::default() });
    assert!((pacing.time_scale() - 50.0 / 49.0).abs() < 1e-4, "inputs come 10 ms late: {}", pacing.time_scale());
    assert_eq!((pacing.take(), pacing.take()), (-1_000, 0));
    pacing.sent(2, 1_049_000);
    assert_eq!(pacing.take(), -1_000);
}
