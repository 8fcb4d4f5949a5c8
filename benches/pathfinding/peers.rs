//! The peers, each behind a feature, because C++ and other people's meshes are nothing that a build of the
//! server should need. A peer that does not search what we search is none: see each one's checks.

use sim::space::Navmesh;

use crate::field::Field;
use crate::finder::Finder;

#[cfg(feature = "detour")]
#[path = "peers/detour.rs"]
mod detour;
#[cfg(feature = "oxidized")]
#[path = "peers/oxidized.rs"]
mod oxidized;
#[cfg(feature = "polyanya")]
#[path = "peers/polyanya.rs"]
mod polyanya;

/// All peers that this build has, on a field's mesh.
#[allow(unused_variables, unused_mut, clippy::vec_init_then_push, reason = "depends on the features")]
pub(crate) fn all<'m>(field: &'m Field, ours: &'m Navmesh) -> Vec<Box<dyn Finder + 'm>> {
    let mut peers: Vec<Box<dyn Finder>> = Vec::new();
    #[cfg(feature = "detour")]
    peers.push(Box::new(detour::Detour::build(&field.archive, ours)));
    #[cfg(feature = "polyanya")]
    peers.push(Box::new(polyanya::Layers::build(&field.archive)));
    #[cfg(feature = "oxidized")]
    peers.push(Box::new(oxidized::Oxidized::build(field)));
    peers
}
