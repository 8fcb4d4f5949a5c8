//! What a bad way does to a player's own character: next to nothing. Clients walk about for minutes of virtual time over ways
//! that lose, delay and reorder, and their predictions hold; who has lost its view is told it anew.

use glam::Vec2;
use net::codec::encode_server_message;
use net::protocol::ServerMessage;
use net::sessions;
use sim::random::{Random, Stream};
use sim::testing::test_assets;

use crate::virtual_net::{TICK_US, VirtualNet, Way};

/// Walkers at a time, each on a way of its own.
const WALKERS: usize = 4;
/// How long they walk, in ticks (2 minutes each).
const TICKS: u64 = 2_400;

/// Corrections and forced positions for every ten seconds of walking.
fn corrections_per_10_s(scene: &str, way: Way, seed: u64) -> f64 {
    let mut net = VirtualNet::of(&test_assets(&[]), scene, seed);
    for number in 0..WALKERS {
        net.join(way);
        net.predict(number);
        net.seats[number].wish = Some(Vec2::ZERO);
    }
    net.run(100 * TICK_US, |_| {});
    let count = |net: &VirtualNet| -> u64 {
        net.seats.iter().map(|seat| seat.session.stats().corrections + seat.session.stats().forced).sum()
    };
    let before = count(&net);
    let (random, mut round) = (Random::new(seed), 0_u32);
    net.run(TICKS * TICK_US, |net| {
        round += 1;
        for (number, seat) in (1_u32..).zip(&mut net.seats) {
            let mut draw = random.draw(round / 15, sim::ids::SimId::new(number, 0), Stream("walk"), 0);
            seat.wish = Some(Vec2::from_angle(draw.unit() * std::f32::consts::TAU));
        }
    });
    let walked_10_s = WALKERS as f64 * TICKS as f64 / 200.0;
    let found = (count(&net) - before) as f64 / walked_10_s;
    let worst = net.seats.iter().map(|seat| seat.session.timings()).next().expect("there is one");
    println!("{scene}, {way:?}: {found:.2} corrections for 10 s of walking, {worst:?}");
    found
}

#[test]
fn a_walker_is_hardly_ever_corrected_at_5_and_20_and_30_per_cent_loss_and_200_ms() {
    for (seed, loss) in [(1, 0.05), (2, 0.2), (3, 0.3)] {
        for scene in ["scene/flat", "scene/walled"] {
            let found = corrections_per_10_s(scene, Way { loss, delay_ms: 200, jitter_ms: 40 }, seed);
            assert!(found < 1.0, "{found} corrections in 10 s of walking in {scene} at {loss}, seed {seed}");
        }
    }
}

#[test]
fn on_a_long_way_without_loss_nobody_is_corrected() {
    let found = corrections_per_10_s("scene/walled", Way { loss: 0.0, delay_ms: 100, jitter_ms: 20 }, 4);
    assert!(found.abs() < f64::EPSILON, "{found}");
}

#[test]
fn inputs_come_shortly_before_their_tick_and_the_echo_is_the_way_and_little_more() {
    let mut net = VirtualNet::of(&test_assets(&[]), "scene/flat", 5);
    for number in 0..7 {
        net.join(Way { loss: 0.0, delay_ms: 10, jitter_ms: 0 });
        net.seats[number].wish = Some(Vec2::X);
    }
    net.run(60 * TICK_US, |_| {});
    for seat in &mut net.seats {
        seat.session.ack_us().drain().for_each(drop);
    }
    net.run(200 * TICK_US, |_| {});
    for seat in &mut net.seats {
        let echoes_us: Vec<u32> = seat.session.ack_us().drain().collect();
        // 20 ms there and back, 3 ms of margin, and the millisecond in which time passes here.
        assert!(echoes_us.len() > 190 && echoes_us.iter().all(|&us| us <= 26_000), "{echoes_us:?}");
    }
}

#[test]
fn who_asks_is_told_the_whole_view_anew_once_a_second_and_walks_on() {
    let mut net = VirtualNet::of(&test_assets(&[]), "scene/flat", 7);
    let way = Way { loss: 0.1, delay_ms: 40, jitter_ms: 10 };
    let (asking, other) = (net.join(way), net.join(way));
    net.predict(asking);
    for seat in [asking, other] {
        net.seats[seat].wish = Some(Vec2::Y);
    }
    net.run(60 * TICK_US, |_| {});
    let told_tick = |net: &VirtualNet| net.seats[asking].session.world().scene().map(|scene| scene.entered_tick);
    let first = told_tick(&net);
    for _ in 0..2 {
        let ask = net.seats[asking].session.ask_for_keyframe().expect("it fits");
        net.send_frame(asking, ask);
    }
    net.run(40 * TICK_US, |_| {});
    let second = told_tick(&net);
    assert!(second > first);
    assert_eq!(sessions::take_stats(&mut net.inner.scene).rejected.get("keyframe_rate"), Some(&1));
    // A batch that does not follow: it asks by itself.
    let session = &mut net.seats[asking].session;
    let message = ServerMessage::Batch { batch: session.world().batch_ack(), tick: 1, records: Vec::new() };
    session.on_frame(&encode_server_message(&message).expect("it fits"));
    net.run(40 * TICK_US, |_| {});
    assert!(told_tick(&net) > second);
    let session = &net.seats[asking].session;
    assert_eq!((session.world().entities().len(), session.stats().corrections, session.goodbye()), (2, 0, None));
    assert!(session.predictor().is_some(), "it predicts on");
}
