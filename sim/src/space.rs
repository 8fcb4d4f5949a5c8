//! Where things are: the static [`geometry`] of a scene and the [`grid`] of what moves in it.
//! Pure queries; no system runs here. Metres, `y` up.

pub mod geometry;
pub mod grid;
pub mod navmesh;
pub mod polygon;
pub mod terrain;
pub mod triangles;

pub use geometry::Geometry;
pub use grid::Grid;
