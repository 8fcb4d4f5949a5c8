//! How few bytes tell one client of 250 tumbling bodies? The scene of a published comparison of engines (asteroids that fly
//! within a sphere, keep a speed of their own, turn back at its border, and bounce off one another and a planetoid): 60
//! steps a second, 30 frames a second with place and rotation, precision 0.01 and 0.001. The tightest of that comparison,
//! Reactor, takes about 15 kB/s on the wire. Bytes here are those of the frames and the headers that carry each of them.

use std::time::{Duration, Instant};

use glam::{Quat, Vec3};
use net::motion::{MotionReceiver, MotionSender, Pose, Precision};
use rapier3d::prelude::*;
use sim::ids::SimId;
use sim::random::{Draw, Random, Stream};

const BODIES: u32 = 250;
/// Radius of the sphere in metres, for the density of 1,000 bodies in 50 m.
const BOUNDS_M: f32 = 31.5;
const STEPS_PER_FRAME: u32 = 2;
const STEP_S: f32 = 1.0 / 60.0;
const FRAMES_PER_SECOND: f64 = 30.0;
/// Two minutes, as the comparison was measured.
const FRAMES: u32 = 3_600;
/// Metres per second squared: towards the own speed, and back into the sphere.
const ACCELERATION: f32 = 5.0;
const BOUNDS_ACCELERATION: f32 = 10.0;
/// IPv4 and UDP 28; QUIC: first byte 1, connection id 8, packet number 2, seal 16, datagram type 1; number of the frame 4.
const HEADER_BYTES: usize = 28 + 28 + 4;

struct Asteroids {
    world: PhysicsPipeline,
    parameters: IntegrationParameters,
    islands: IslandManager,
    broad_phase: BroadPhaseBvh,
    narrow_phase: NarrowPhase,
    bodies: RigidBodySet,
    colliders: ColliderSet,
    impulse_joints: ImpulseJointSet,
    multibody_joints: MultibodyJointSet,
    soft_bodies: SoftBodySet,
    ccd: CCDSolver,
    flying: Vec<(RigidBodyHandle, f32)>,
}

fn within_sphere(draw: &mut Draw) -> Vec3 {
    loop {
        let place = Vec3::new(draw.unit(), draw.unit(), draw.unit()) * 2.0 - 1.0;
        if place.length_squared() <= 1.0 && place.length_squared() > 1e-4 {
            return place;
        }
    }
}

impl Asteroids {
    fn new() -> Self {
        let mut draw = Random::new(2_323).draw(0, SimId::new(1, 0), Stream("asteroids"), 0);
        let mut all = Self {
            world: PhysicsPipeline::new(),
            parameters: IntegrationParameters { dt: STEP_S, ..IntegrationParameters::default() },
            islands: IslandManager::new(),
            broad_phase: BroadPhaseBvh::new(),
            narrow_phase: NarrowPhase::new(),
            bodies: RigidBodySet::new(),
            colliders: ColliderSet::new(),
            impulse_joints: ImpulseJointSet::new(),
            multibody_joints: MultibodyJointSet::new(),
            soft_bodies: SoftBodySet::new(),
            ccd: CCDSolver::new(),
            flying: Vec::new(),
        };
        all.colliders.insert(ColliderBuilder::ball(4.0).build());
        for _ in 0..BODIES {
            let radius_m = 0.25 + 0.75 * draw.unit();
            let place = within_sphere(&mut draw).normalize() * (6.0 + (BOUNDS_M - 6.0) * draw.unit());
            let speed_mps = 1.0 + 3.0 * draw.unit();
            let body = RigidBodyBuilder::dynamic()
                .translation(place)
                .linvel(within_sphere(&mut draw).normalize() * speed_mps)
                .angvel(within_sphere(&mut draw) * 45_f32.to_radians())
                .can_sleep(false);
            let handle = all.bodies.insert(body.build());
            let shape = ColliderBuilder::ball(radius_m).restitution(0.6).build();
            all.colliders.insert_with_parent(shape, handle, &mut all.bodies);
            all.flying.push((handle, speed_mps));
        }
        all
    }

    fn step(&mut self) {
        for &(handle, target_mps) in &self.flying {
            let Some(body) = self.bodies.get_mut(handle) else { continue };
            let (place, velocity) = (body.translation(), body.linvel());
            let speed = velocity.length();
            let wanted = if place.length() > BOUNDS_M {
                velocity - place.normalize() * (BOUNDS_ACCELERATION * STEP_S)
            } else if (speed * speed - target_mps * target_mps).abs() > 0.001 {
                let change = (target_mps - speed).clamp(-ACCELERATION * STEP_S, ACCELERATION * STEP_S);
                velocity.normalize_or_zero() * (speed + change)
            } else {
                continue;
            };
            body.set_linvel(wanted, true);
        }
        self.world.step(
            Vec3::ZERO,
            &self.parameters,
            &mut self.islands,
            &mut self.broad_phase,
            &mut self.narrow_phase,
            &mut self.bodies,
            &mut self.colliders,
            &mut self.impulse_joints,
            &mut self.multibody_joints,
            &mut self.soft_bodies,
            &mut self.ccd,
            &(),
            &(),
        );
    }

    fn poses(&self) -> Vec<Pose> {
        let pose = |&(handle, _): &(RigidBodyHandle, f32)| {
            let body = self.bodies.get(handle)?;
            let turn = body.rotation();
            Some(Pose {
                position: body.translation(),
                rotation: Quat::from_xyzw(turn.x, turn.y, turn.z, turn.w).normalize(),
            })
        };
        self.flying.iter().filter_map(pose).collect()
    }
}

fn main() {
    for ack_after in [1, 3] {
        let mut asteroids = Asteroids::new();
        let mut sender = MotionSender::new(Precision::default());
        let mut receiver = MotionReceiver::new(Precision::default());
        let (mut bytes, mut first_bytes, mut off_m, mut off_rad) = (0, 0, 0.0_f32, 0.0_f32);
        let (mut writing, mut reading) = (Duration::ZERO, Duration::ZERO);
        for frame in 1..=FRAMES {
            (0..STEPS_PER_FRAME).for_each(|_| asteroids.step());
            let poses = asteroids.poses();
            let (mut packet, start) = (Vec::new(), Instant::now());
            sender.encode(frame, &poses, &mut packet);
            let written = start.elapsed();
            let shown = receiver.decode(frame, &packet).expect("its baseline was acknowledged");
            (writing, reading) = (writing + written, reading + start.elapsed() - written);
            for (truth, shown) in poses.iter().zip(shown) {
                off_m = off_m.max((truth.position - shown.position).abs().max_element());
                off_rad = off_rad.max((truth.rotation * shown.rotation.conjugate()).xyz().abs().max_element() * 2.0);
            }
            match frame {
                1 => first_bytes = packet.len(),
                _ => bytes += packet.len() + HEADER_BYTES,
            }
            if frame >= ack_after {
                sender.acknowledge(frame + 1 - ack_after);
            }
        }
        let per_frame = bytes as f64 / f64::from(FRAMES - 1);
        println!(
            "acknowledged after {ack_after} frames: {:.2} kB/s with headers ({:.1} B a frame, {:.2} B a body without); first frame {first_bytes} B",
            per_frame * FRAMES_PER_SECOND / 1_000.0,
            per_frame,
            (per_frame - HEADER_BYTES as f64) / f64::from(BODIES),
        );
        println!(
            "  off by {:.4} m and {:.5} rad at most; {:.1} us to write a frame, {:.1} us to read it",
            off_m,
            off_rad,
            writing.as_secs_f64() * 1e6 / f64::from(FRAMES),
            reading.as_secs_f64() * 1e6 / f64::from(FRAMES),
        );
    }
}
