//! Bodies that fly, tumble and bounce, through paths that lose frames and delay acknowledgements: every pose that is shown is
//! as exact as promised.

use sim::ids::SimId;
use sim::random::{Draw, Random, Stream};

use super::*;

/// A body that flies and tumbles, and now and then bounces off something.
struct Flier {
    pose: Pose,
    velocity: Vec3,
    spin: Vec3,
}

impl Flier {
    fn new(draw: &mut Draw) -> Self {
        let position = vector(draw) * 30.0;
        let rotation = Quat::from_scaled_axis(vector(draw) * 3.0);
        Self { pose: Pose { position, rotation }, velocity: vector(draw) * 0.12, spin: vector(draw) * 0.026 }
    }

    fn fly(&mut self, draw: &mut Draw) {
        if draw.chance_bp(200) {
            (self.velocity, self.spin) = (vector(draw) * 0.12, vector(draw) * 0.026);
        }
        if draw.chance_bp(5) {
            self.pose.position = vector(draw) * 300.0;
        }
        self.pose.position += self.velocity;
        self.pose.rotation = (Quat::from_scaled_axis(self.spin) * self.pose.rotation).normalize();
    }
}

fn vector(draw: &mut Draw) -> Vec3 {
    Vec3::new(draw.unit(), draw.unit(), draw.unit()) * 2.0 - 1.0
}

fn draw(seed: u64) -> Draw {
    Random::new(seed).draw(0, SimId::new(1, 0), Stream("motion"), 0)
}

/// How far a rotation may be off around each axis, in radians: half a step, and what three axes share of it.
const OFF_RAD_MAX: f64 = 0.0015;

fn assert_close(truth: &[Flier], shown: &[Pose], when: &str) {
    assert_eq!(truth.len(), shown.len());
    for (truth, shown) in truth.iter().zip(shown) {
        let off_m = (truth.pose.position - shown.position).abs().max_element();
        assert!(off_m <= 0.0051, "{when}: a place is off by {off_m} m");
        let off = truth.pose.rotation.as_dquat() * shown.rotation.as_dquat().conjugate();
        let off_rad = off.xyz().abs().max_element() * 2.0;
        assert!(off_rad <= OFF_RAD_MAX, "{when}: a rotation is off by {off_rad} rad");
    }
}

/// Flies frames through a path that loses some of them and delays acknowledgements. Answers the bytes of all frames.
fn fly(seed: u64, frames: u32, loss_bp: u32, ack_delay: u32) -> usize {
    let mut draw = draw(seed);
    let mut fliers: Vec<Flier> = (0..50).map(|_| Flier::new(&mut draw)).collect();
    let mut sender = MotionSender::new(Precision::default());
    let mut receiver = MotionReceiver::new(Precision::default());
    let (mut acks, mut total_bytes) = (VecDeque::new(), 0);
    for frame in 1..=frames {
        if frame % 40 == 0 {
            fliers.push(Flier::new(&mut draw));
        } else if frame % 90 == 1 {
            fliers.pop();
        }
        fliers.iter_mut().for_each(|flier| flier.fly(&mut draw));
        let poses: Vec<Pose> = fliers.iter().map(|flier| flier.pose).collect();
        let mut bytes = Vec::new();
        sender.encode(frame, &poses, &mut bytes);
        total_bytes += bytes.len();
        if !draw.chance_bp(loss_bp) {
            let shown = receiver.decode(frame, &bytes).expect("its baseline was acknowledged");
            assert_close(&fliers, shown, &format!("seed {seed}, frame {frame}"));
            acks.push_back(frame);
        }
        while acks.front().is_some_and(|ack| ack + ack_delay <= frame) {
            sender.acknowledge(acks.pop_front().unwrap_or(0));
        }
    }
    total_bytes
}

#[test]
fn every_frame_that_comes_is_exact_to_half_a_step_whatever_is_lost() {
    for seed in 0..8 {
        for (loss_bp, ack_delay) in [(0, 0), (0, 3), (3_000, 4), (7_000, 10)] {
            fly(seed, 400, loss_bp, ack_delay);
        }
    }
}

#[test]
fn steady_flight_costs_less_than_a_byte_a_body() {
    let bytes = fly(1, 1_000, 0, 0);
    assert!(bytes < 1_000 * 50, "{bytes} bytes for 50 bodies in 1,000 frames");
}

#[test]
fn a_frame_whose_baseline_never_came_is_refused_and_changes_nothing() {
    let pose = Pose { position: Vec3::ONE, rotation: Quat::IDENTITY };
    let mut sender = MotionSender::new(Precision::default());
    let mut receiver = MotionReceiver::new(Precision::default());
    let (mut first, mut second) = (Vec::new(), Vec::new());
    sender.encode(1, &[pose], &mut first);
    sender.acknowledge(1);
    sender.encode(2, &[pose], &mut second);
    assert_eq!(receiver.decode(2, &second), Err(MotionError::UnknownBaseline(1)));
    assert!(receiver.decode(1, &first).is_ok());
    assert!(receiver.decode(2, &second).is_ok());
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_changes_nothing() {
    let pose = Pose { position: Vec3::ONE, rotation: Quat::IDENTITY };
    let mut sender = MotionSender::new(Precision::default());
    sender.acknowledge(7);
    let mut bytes = Vec::new();
    sender.encode(8, &[pose], &mut bytes);
    assert!(MotionReceiver::new(Precision::default()).decode(8, &bytes).is_ok());
}

#[test]
fn damage_is_an_error_or_other_poses_but_never_a_panic() {
    let mut draw = draw(3);
    let fliers: Vec<Flier> = (0..20).map(|_| Flier::new(&mut draw)).collect();
    let poses: Vec<Pose> = fliers.iter().map(|flier| flier.pose).collect();
    let mut sender = MotionSender::new(Precision::default());
    let mut bytes = Vec::new();
    sender.encode(1, &poses, &mut bytes);
    for _ in 0..2_000 {
        let mut damaged = bytes.clone();
        for _ in 0..=draw.below(4) {
            let at = draw.below(u32::try_from(damaged.len()).unwrap_or(1)) as usize;
            damaged[at] = u8::try_from(draw.below(256)).unwrap_or(0);
        }
        damaged.truncate(draw.below(u32::try_from(bytes.len() + 1).unwrap_or(1)) as usize);
        let mut receiver = MotionReceiver::new(Precision::default());
        if let Ok(read) = receiver.decode(1, &damaged) {
            assert!(read.iter().all(|pose| pose.position.is_finite() && pose.rotation.is_finite()));
        }
    }
}
