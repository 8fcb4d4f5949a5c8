//! Movement: players' inputs are queued, limited and applied with the shared step; monsters' likewise.
//! Validate: queues inputs, lets through what the budget allows. Move: integrates, follows forced moves, and
//! compares where a client believes itself with where it is.
//!
//! A client sends directions, never places, so it cannot jump; what it can do is send too many of them
//! ([`budget`]) or believe in a place it cannot have reached ([`claims`]). Both are counted and answered with
//! a forced position.

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;
use glam::{Vec2, Vec3};

use crate::actor::{Actor, Asleep, Heading, Motion, Position, Profile};
use crate::assets::Assets;
use crate::counters::{Counters, MOVE_REJECTED};
use crate::digest::{Digest, DigestApp, Digester};
use crate::epoch::{EpochApp, EpochSwap};
use crate::features::doors::Doors;
use crate::features::players::CarryApp;
use crate::features::skills::ValidateSystems;
use crate::ids::SimId;
use crate::input::{Admitted, InputProgress, StepsReceived};
use crate::intent::MoveIntent;
use crate::locomotion::{Mover, StepInput, speed_limit_mps, step};
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry, SceneNavmesh};
use crate::space::Geometry;
use crate::space::navmesh::Navmesh;
use crate::tick::{SimTick, TICK_SECONDS, Tick, TickSystems};

pub mod budget;
pub mod claims;
pub mod queue;

use budget::DistanceBudget;
use claims::Surroundings;
use queue::InputQueue;

/// Ticks without input after which a player's body comes to rest by itself (it may be in mid-air).
const SILENT_TICKS_MAX: u32 = 10;

/// Sets an actor down somewhere else: respawn, portal, dash. Read in the Move stage of the same or the next tick.
#[derive(Message, Debug, Clone, Copy, PartialEq)]
pub struct ForceMove {
    /// Whom.
    pub id: SimId,
    /// Feet position in metres.
    pub to: Vec3,
}

/// Order within the Move stage.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MoveSystems {
    /// Forced moves.
    Force,
    /// Intents become positions.
    Integrate,
    /// Clients' beliefs are compared with the result.
    Compare,
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.add_message::<ForceMove>();
    app.register_required_components::<crate::features::players::Player, InputQueue>();
    app.register_required_components::<crate::features::players::Player, DistanceBudget>();
    app.configure_sets(
        Tick,
        (MoveSystems::Force, MoveSystems::Integrate, MoveSystems::Compare).chain().in_set(TickSystems::Move),
    );
    app.add_systems(
        Tick,
        (
            (begin_anew, queue_steps, validate_moves).chain().in_set(ValidateSystems::Moves),
            follow_forced_moves.in_set(MoveSystems::Force),
            integrate.in_set(MoveSystems::Integrate),
            compare_claims.in_set(MoveSystems::Compare),
        ),
    );
    app.on_epoch(follow_epoch).carry::<DistanceBudget>();
    app.digest_component::<Motion>("movement").digest_component::<InputQueue>("movement");
    app.digest_component::<InputProgress>("movement").digest_component::<DistanceBudget>("movement");
}

/// A client that has just come counts its inputs from 1 again.
fn begin_anew(mut admitted: MessageReader<Admitted>, mut players: Query<(&mut InputQueue, &mut InputProgress)>) {
    for admitted in admitted.read() {
        if let Ok((mut queue, mut progress)) = players.get_mut(admitted.entity) {
            *queue = InputQueue::default();
            progress.applied_sequence = 0;
            progress.forced_epoch = progress.forced_epoch.wrapping_add(1);
        }
    }
}

fn queue_steps(
    mut received: MessageReader<StepsReceived>,
    mut players: Query<(&mut InputQueue, &mut InputProgress, &Position)>,
    mut counters: ResMut<Counters>,
) {
    for steps in received.read() {
        let Ok((mut queue, mut progress, position)) = players.get_mut(steps.entity) else { continue };
        if steps.forced_epoch != progress.forced_epoch {
            // Made before the client knew where it is now. Expected after every forced move: no offence.
            counters.add(MOVE_REJECTED, "stale_epoch");
            continue;
        }
        if !queue.push(steps) {
            counters.add(MOVE_REJECTED, "speed");
            reject(&mut queue, &mut progress, *position);
        }
    }
}

/// A player whose inputs are looked at.
#[derive(QueryData)]
#[query_data(mutable)]
struct Stepper {
    entity: Entity,
    queue: &'static mut InputQueue,
    budget: &'static mut DistanceBudget,
    motion: &'static Motion,
    profile: &'static Profile,
    progress: &'static mut InputProgress,
    intent: &'static mut MoveIntent,
}

/// Whoever sent something, moved or was moved since the last look.
type Stirred = Or<(Changed<InputQueue>, Changed<Motion>, Changed<MoveIntent>)>;

/// Lets through what the budget allows. A player who stands and sends nothing is not looked at.
fn validate_moves(
    (tick, assets): (Res<SimTick>, Res<SceneAssets>),
    mut players: ParamSet<(Query<Stepper, Stirred>, Query<Stepper>)>,
    mut unfinished: Local<Vec<Entity>>,
) {
    let before = unfinished.len();
    for mut player in &mut players.p0() {
        if player.advance(&assets.0, tick.0) {
            unfinished.push(player.entity);
        }
    }
    let mut everyone = players.p1();
    for at in 0..before {
        if let Ok(mut player) = everyone.get_mut(unfinished[at])
            && !player.budget.has_begun(tick.0)
            && player.advance(&assets.0, tick.0)
        {
            unfinished.push(player.entity);
        }
    }
    unfinished.drain(..before);
}

impl StepperItem<'_, '_> {
    /// Takes the steps of a tick out of the queue; true when there is something left to do that nothing else will tell of.
    fn advance(&mut self, assets: &Assets, tick: u32) -> bool {
        let limit_mps = speed_limit_mps(&assets.movements[self.profile.0], self.motion.speed_bp);
        self.budget.begin_tick(tick, limit_mps * TICK_SECONDS);
        let standing = self.motion.velocity == Vec3::ZERO;
        while let Some(next) = self.queue.peek() {
            let free = standing && next.wish == Vec2::ZERO && self.intent.steps.is_empty();
            if !free && !self.budget.allows_step() {
                break;
            }
            if let Some((sequence, input)) = self.queue.pop() {
                self.progress.applied_sequence = sequence;
                self.intent.steps.push(input);
            }
            if !free {
                self.budget.take_step();
            }
        }
        if standing {
            if !self.queue.is_rested() {
                self.queue.rest();
            }
        } else if self.queue.silent_ticks() > SILENT_TICKS_MAX && self.budget.allows_step() {
            // It coasts to a halt, no farther than it might have walked.
            self.intent.steps.push(StepInput::default());
        }
        !self.queue.is_empty() || (!standing && self.intent.steps.is_empty())
    }
}

/// Other game data may allow another speed: everybody is looked at once.
fn follow_epoch(world: &mut World, _: &EpochSwap) {
    let mut all = world.query::<&mut InputQueue>();
    all.iter_mut(world).for_each(|mut queue| queue.set_changed());
}

type Forced<'a> =
    (&'a mut Position, &'a mut Motion, Option<(&'a mut InputQueue, &'a mut InputProgress)>, &'a mut MoveIntent);

fn follow_forced_moves(mut forced: MessageReader<ForceMove>, roster: Res<Roster>, mut actors: Query<Forced>) {
    for &ForceMove { id, to } in forced.read() {
        let actor = roster.entity(id).and_then(|entity| actors.get_mut(entity).ok());
        let Some((mut position, mut motion, player, mut intent)) = actor else { continue };
        position.set_if_neq(Position(to));
        motion.velocity = Vec3::ZERO;
        intent.steps.clear();
        if let Some((mut queue, mut progress)) = player {
            reject(&mut queue, &mut progress, Position(to));
        }
    }
}

type Moving<'a> = (
    &'a mut MoveIntent,
    &'a mut Position,
    &'a mut Motion,
    &'a mut Heading,
    &'a Profile,
    Option<&'a mut DistanceBudget>,
);
type MovingItem<'a> = (
    Mut<'a, MoveIntent>,
    Mut<'a, Position>,
    Mut<'a, Motion>,
    Mut<'a, Heading>,
    &'a Profile,
    Option<Mut<'a, DistanceBudget>>,
);

type StepsOnItsOwn = (With<Actor>, Without<InputQueue>, Without<Asleep>);

/// Players take the steps they were let through; whoever else has steps to take, or is still in motion, moves too.
fn integrate(
    (assets, geometry): (Res<SceneAssets>, Res<SceneGeometry>),
    mut players: Query<Moving, (With<InputQueue>, Changed<MoveIntent>)>,
    mut others: Query<Moving, StepsOnItsOwn>,
) {
    players.iter_mut().chain(&mut others).for_each(|actor| take_steps(actor, &assets.0, &geometry.0));
}

fn take_steps(
    (mut intent, mut position, mut motion, mut heading, profile, budget): MovingItem,
    assets: &Assets,
    geometry: &Geometry,
) {
    let player = budget.is_some();
    if intent.steps.is_empty() && (player || motion.velocity == Vec3::ZERO) {
        return;
    }
    let profile = &assets.movements[profile.0];
    let mut mover = Mover { position: position.0, velocity: motion.velocity };
    if intent.steps.is_empty() {
        intent.steps.push(StepInput::default());
    }
    let mut facing = None;
    for input in intent.steps.drain(..) {
        mover = step(mover, input, motion.speed_bp, profile, geometry);
        facing = Heading::along(input.wish).or(facing);
    }
    if let Some(mut budget) = budget {
        budget.spend(Vec2::new(mover.position.x - position.0.x, mover.position.z - position.0.z).length());
    }
    position.set_if_neq(Position(mover.position));
    motion.set_if_neq(Motion { velocity: mover.velocity, ..*motion });
    if let Some(facing) = facing.filter(|_| motion.speed_bp > 0) {
        heading.set_if_neq(facing);
    }
}

type Claimant<'a> =
    (&'a mut InputQueue, &'a mut InputProgress, &'a mut Motion, &'a Position, &'a Profile, &'a DistanceBudget);

fn compare_claims(
    assets: Res<SceneAssets>,
    (geometry, navmesh, doors): (Res<SceneGeometry>, Res<SceneNavmesh>, Doors),
    mut counters: ResMut<Counters>,
    mut players: Query<Claimant, Changed<InputQueue>>,
) {
    for (mut queue, mut progress, mut motion, position, profile, budget) in &mut players {
        if !queue.claims(progress.applied_sequence) {
            continue;
        }
        let Some(claim) = queue.take_claim(progress.applied_sequence).filter(|claim| !claim.is_near(*position)) else {
            continue;
        };
        let profile = &assets.0.movements[profile.0];
        let refuse = |geometry: &Geometry, navmesh: Option<&Navmesh>| {
            claims::refuse(claim, *position, budget.recent_step_m(), Surroundings { profile, geometry, navmesh })
        };
        let navmesh = navmesh.0.as_deref();
        let refused = refuse(&geometry.0, navmesh).and_then(|reason| match doors.believed(&geometry.0, navmesh) {
            Some((geometry, navmesh)) => refuse(&geometry, navmesh.as_ref()),
            None => Some(reason),
        });
        if let Some(reason) = refused {
            counters.add(MOVE_REJECTED, reason);
            motion.velocity = Vec3::ZERO;
            reject(&mut queue, &mut progress, *position);
        }
    }
}

/// Voids what the client has sent and tells it, by a new epoch in its own state, where it is.
fn reject(queue: &mut InputQueue, progress: &mut InputProgress, at: Position) {
    queue.restart(at.place());
    progress.forced_epoch = progress.forced_epoch.wrapping_add(1);
}

impl Digest for InputProgress {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.applied_sequence);
        digester.u32(u32::from(self.forced_epoch));
    }
}
