//! Navigation: whoever has a goal walks there, round obstacles and past one another. Think: the path service gives
//! out paths within its budget, walkers follow them and avoid each other, which becomes their steps. Move: walkers
//! that overlap after all are set apart.
//!
//! Paths come from the scene's navmesh, heights from locomotion alone. Without a navmesh walkers go straight.
//! Nothing here depends on the order in which walkers are stored.

use bevy_app::App;
use bevy_ecs::prelude::*;
use glam::Vec3;

use crate::digest::DigestApp;
use crate::features::movement::MoveSystems;
use crate::tick::{Tick, TickSystems};

pub mod avoidance;
mod bodies;
mod crowd;
mod fields;
mod follow;
mod reach;
mod requests;
mod separation;
mod service;
mod straight;
mod walk;

pub use reach::{Reach, Wayfinding};
pub use service::{NODES_PER_SEARCH_MAX, NODES_PER_TICK_MAX, PATHS_PER_TICK_MAX, PathService, PathStats};
pub use walk::{Goal, Guided, StuckReason, Walk, WalkStatus, WalkTo};

/// What became of walks, by reason.
pub const NAVIGATION: &str = "navigation_total";
/// How far from the mesh, along each axis, a body or its goal may be and still counts as on it, in metres: the mesh is
/// made for the largest body and keeps its distance from walls.
const SNAP_M: Vec3 = Vec3::new(2.0, 2.0, 2.0);
/// Places that are farther apart in height are on different storeys, in metres.
const STOREY_M: f32 = 2.5;

/// The order of navigation in its stages. Whoever writes [`WalkTo`] does so before `Plan`.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NavigationSystems {
    /// Think: goals become paths.
    Plan,
    /// Think: paths become steps.
    Steer,
    /// Move, after positions have changed: overlapping walkers part.
    Separate,
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.init_resource::<PathService>();
    app.register_required_components::<WalkTo, Walk>();
    app.register_required_components::<WalkTo, Guided>();
    app.configure_sets(
        Tick,
        (
            (NavigationSystems::Plan, NavigationSystems::Steer).chain().in_set(TickSystems::Think),
            NavigationSystems::Separate
                .in_set(TickSystems::Move)
                .after(MoveSystems::Integrate)
                .before(MoveSystems::Compare),
        ),
    );
    app.add_systems(
        Tick,
        (
            service::plan.in_set(NavigationSystems::Plan),
            (follow::follow, crowd::avoid_others).chain().in_set(NavigationSystems::Steer),
            separation::separate.in_set(NavigationSystems::Separate),
        ),
    );
    app.digest_component::<WalkTo>("navigation")
        .digest_component::<Walk>("navigation")
        .digest_resource::<PathService>("navigation");
}
