//! Intents: what an actor is going to do in this tick. Players' come from validated commands, monsters' from
//! their decisions; from here on nothing tells the two apart.

use bevy_ecs::prelude::*;
use glam::Vec3;
use smallvec::SmallVec;

use crate::assets::{Id, SkillDef};
use crate::ids::SimId;
use crate::locomotion::StepInput;

/// The steps an actor takes in this tick: usually one, none for an actor that stands, several when a player's
/// inputs arrive late. Written in Validate or Think, emptied by the Move stage.
#[derive(Component, Debug, Clone, Default)]
pub struct MoveIntent {
    /// In the order they are taken.
    pub steps: SmallVec<[StepInput; 2]>,
}

/// What a cast is aimed at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CastTarget {
    /// The caster itself, or nothing in particular.
    Caster,
    /// An entity.
    Unit(SimId),
    /// A place in metres.
    Ground(Vec3),
}

/// An actor begins a skill. Written in Validate (commands that passed every check) or Think, read in Act, which
/// checks again what may have changed within the tick.
#[derive(Message, Debug, Clone, Copy, PartialEq)]
pub struct CastIntent {
    /// Who casts.
    pub caster: SimId,
    /// What.
    pub skill: Id<SkillDef>,
    /// At what.
    pub target: CastTarget,
}
