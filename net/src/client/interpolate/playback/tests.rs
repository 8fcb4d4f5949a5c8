//! A walker seen over bad ways: what is shown is compared with where it truly was, sixty times a second.

use glam::Vec3;
use sim::actor::Position;
use sim::ids::SimId;
use sim::random::{Random, Stream};
use sim::replicated::Replicate;

use super::*;
use crate::client::interpolate::Track;
use crate::client::timing::ServerClock;

const SPEED_M_PER_TICK: f32 = 0.3;
const RENDER_US: u64 = 16_667;

/// What the way does to frames.
#[derive(Clone, Copy)]
struct Way {
    delay_us: u64,
    jitter_us: f32,
    loss: f32,
}

/// What was seen.
#[derive(Default)]
struct Seen {
    /// Farthest that what was shown was from where it was at the moment shown, in metres.
    error_m: f32,
    /// The longest way it was shown to go between two pictures, in metres, and the shortest.
    step_m: (f32, f32),
    delay_ticks: f64,
}

/// Runs east, with a turn every three seconds, in metres.
fn truth(moment: f32) -> Vec3 {
    let leg = (moment / 60.0).floor();
    let along = moment - leg * 60.0;
    let turned = (leg / 2.0).floor();
    let (x, z) = if leg % 2.0 == 0.0 {
        (turned * 60.0 + along, turned * 60.0)
    } else {
        ((turned + 1.0) * 60.0, turned * 60.0 + along)
    };
    Vec3::new(x, 0.0, z) * SPEED_M_PER_TICK
}

fn position_bytes(tick: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    Position(truth(tick as f32)).encode(&mut bytes);
    bytes
}

/// Watches for `ticks` ticks; the way may change.
fn watch(ticks: u32, seed: u64, way: impl Fn(u32) -> Way) -> Seen {
    let random = Random::new(seed);
    let mut arrivals: Vec<(u64, u32)> = (0..ticks)
        .filter_map(|tick| {
            let Way { delay_us, jitter_us, loss } = way(tick);
            let mut draw = random.draw(tick, SimId::new(1, 0), Stream("way"), 0);
            let late_us = (draw.unit() * jitter_us) as u64;
            (draw.unit() >= loss).then_some((1_000_000 + u64::from(tick) * TICK_US + delay_us + late_us, tick))
        })
        .collect();
    arrivals.sort_unstable();
    let mut arrivals = arrivals.into_iter().peekable();
    let (mut clock, mut playback, mut track) = (ServerClock::default(), Playback::default(), Track::default());
    let mut newest = 0;
    let mut seen = Seen { step_m: (0.0, f32::MAX), ..Seen::default() };
    let mut last: Option<(Vec3, f64)> = None;
    let end_us = 1_000_000 + u64::from(ticks) * TICK_US;
    for now_us in (1_500_000..end_us).step_by(RENDER_US as usize) {
        while let Some((at_us, tick)) = arrivals.next_if(|(at_us, _)| *at_us <= now_us) {
            let age_us = clock.arrived(tick, at_us);
            playback.arrived((tick + 1, tick), at_us, age_us, clock.tick_at(at_us));
            track.note((tick, newest), Some(&position_bytes(tick)), Some(&[0]));
            newest = newest.max(tick);
        }
        let moment = playback.moment(now_us);
        let Some(pose) = track.at(moment, (newest, newest)) else { continue };
        if let Some((place, before)) = last {
            assert!(moment >= before, "shown time ran backwards, from {before} to {moment}");
            assert!(moment - before < 1.11 * RENDER_US as f64 / TICK_US as f64 + 0.01, "shown time jumped");
            let step_m = pose.position.distance(place);
            // The first seconds are for finding out what the way is like.
            if now_us > 6_000_000 {
                seen.step_m = (seen.step_m.0.max(step_m), seen.step_m.1.min(step_m));
                seen.error_m = seen.error_m.max(pose.position.distance(truth(moment as f32)));
            }
        }
        last = Some((pose.position, moment));
        seen.delay_ticks = playback.delay_ticks();
    }
    seen
}

#[test]
fn on_an_even_way_others_are_shown_one_tick_ago_and_exactly() {
    let seen = watch(600, 1, |_| Way { delay_us: 30_000, jitter_us: 0.0, loss: 0.0 });
    assert!((1.0..1.02).contains(&seen.delay_ticks), "{} ticks", seen.delay_ticks);
    assert!(seen.error_m < 0.11, "{} m off", seen.error_m);
    assert!(seen.step_m.0 < SPEED_M_PER_TICK * 0.4, "a step of {} m", seen.step_m.0);
}

#[test]
fn under_jitter_the_delay_grows_by_what_it_takes_and_nothing_jumps() {
    for seed in 1..6 {
        let seen = watch(1_200, seed, |_| Way { delay_us: 30_000, jitter_us: 60_000.0, loss: 0.0 });
        assert!((1.9..2.6).contains(&seen.delay_ticks), "{} ticks", seen.delay_ticks);
        assert!(seen.error_m < SPEED_M_PER_TICK, "{} m off", seen.error_m);
        assert!(seen.step_m.0 < 1.5 * SPEED_M_PER_TICK, "a step of {} m", seen.step_m.0);
    }
}

#[test]
fn under_loss_and_jitter_what_is_shown_stays_within_a_step_of_the_truth() {
    for (seed, loss) in [(1, 0.05), (2, 0.2), (3, 0.3)] {
        let seen = watch(2_400, seed, |_| Way { delay_us: 100_000, jitter_us: 40_000.0, loss });
        assert!(seen.delay_ticks < DELAY_TICKS_MAX, "{} ticks", seen.delay_ticks);
        assert!(seen.error_m < 5.0 * SPEED_M_PER_TICK, "{} m off at {loss}", seen.error_m);
    }
}

#[test]
fn a_way_that_gets_worse_and_better_is_followed_without_a_jump() {
    let seen = watch(3_000, 4, |tick| Way {
        delay_us: 30_000,
        jitter_us: if (600..1_500).contains(&tick) { 150_000.0 } else { 5_000.0 },
        loss: 0.0,
    });
    assert!(seen.delay_ticks < 1.3, "it is even again: {} ticks", seen.delay_ticks);
    assert!(seen.error_m < 5.0 * SPEED_M_PER_TICK, "{} m off", seen.error_m);
}

#[test]
fn the_delay_is_bounded_however_bad_the_way_is() {
    let mut playback = Playback::default();
    for tick in 1..100 {
        playback.arrived((tick, tick), u64::from(tick) * TICK_US, 3_000_000, f64::from(tick));
    }
    assert!((playback.delay_ticks() - DELAY_TICKS_MAX).abs() < f64::EPSILON);
}

#[test]
fn after_a_long_gap_shown_time_begins_anew() {
    let mut playback = Playback::default();
    playback.arrived((1, 100), 1_000_000, 0, 100.0);
    playback.arrived((2, 500), 1_050_000, 0, 500.0);
    assert!((playback.moment(1_050_000) - 499.0).abs() < 0.01);
}
