//! Static geometry that changes while a scene runs: what the log carries of a change, and what it turns into.
//! Receive stage, before anybody joins: the colliders and the navmesh of the scene are replaced as one.
//!
//! What a change turns into follows from its logged part, the scene's definition and the navmesh before it; it may
//! be [`Prepared`] on another thread, and is made in the tick where nobody has done so, with the same result. Doors
//! stay as they are.

#![allow(missing_docs, reason = "rkyv's derive writes resolvers without documentation; ours is complete")]

use std::collections::BTreeMap;
use std::sync::Arc;

use bevy_ecs::prelude::*;
use rkyv::{Archive, Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::assets::{GeometryDef, SceneDef};
use crate::command::write_archive;
use crate::counters::Counters;
use crate::digest::{Digest, Digester};
use crate::scene::{SceneAssets, SceneGeometry, SceneId, SceneNavmesh, with_doors_of};
use crate::space::Geometry;
use crate::space::geometry::GeometryError;
use crate::space::navmesh::{NavArchive, NavSettings, Navmesh, NavmeshError, TileMesh};

/// Changes of geometry, by what became of them.
pub const GEOMETRY_EDITS: &str = "geometry_edits_total";
/// Largest change that is sent to a scene, in bytes of its archive: with a tick's other inputs it fits into one frame
/// of the log.
pub const EDIT_BYTES_MAX: usize = 12 << 20;

/// Farthest coordinate of any part, in metres; beyond it the collision library's arithmetic could overflow.
const COORDINATE_MAX_M: f32 = 1e6;
/// Most cells along a side of a heightfield.
const CELLS_MAX: u32 = 65_536;

/// New static geometry for a scene, as it is logged.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct GeometryEdit {
    /// The scene's whole list, in the place of [`SceneDef::geometry`].
    pub geometry: Vec<GeometryDef>,
    /// How its navmesh changes; `None` leaves it as it is.
    pub navmesh: Option<NavmeshEdit>,
}

/// The difference between two navmeshes of one scene.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct NavmeshEdit {
    /// The agent of both.
    pub settings: NavSettings,
    /// Doors of both.
    pub door_count: u16,
    /// Tiles that are new or different, sorted by (z, x).
    pub tiles: Vec<TileMesh>,
    /// Tiles (x, z) that are empty now.
    pub emptied: Vec<(i32, i32)>,
}

/// What the scene's navmesh was assembled from; a scene without it takes changes as if it had been empty. Written by
/// whoever builds the scene, then by changes of geometry.
#[derive(Resource, Debug, Clone)]
pub struct NavmeshSource(pub Arc<NavArchive>);

/// A change ready to be taken over: doors as at the beginning of the scene.
pub struct Prepared {
    /// The colliders.
    pub geometry: Geometry,
    /// The navmesh and what it was assembled from, where the change has one.
    pub navmesh: Option<(Arc<Navmesh>, Arc<NavArchive>)>,
    hash: u64,
}

/// A change that somebody has prepared already, or not: the log knows nothing of it.
#[derive(Clone, Default)]
pub struct PreparedAhead(pub Option<Arc<Prepared>>);

/// Why a change cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GeometryEditError {
    /// A part of the list is not what a loader would have let through.
    #[error("geometry[{index}] cannot be used: {what}")]
    Part {
        /// Place in the list.
        index: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// The collision library refuses it.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The new navmesh is none.
    #[error("the changed navmesh cannot be used: {0}")]
    Navmesh(#[from] NavmeshError),
}

/// The colliders of the scene were replaced. Written in Receive; whoever keeps something that follows from the old
/// ones drops it, and bodies that were caught are set free.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeometryReplaced;

/// How often and by what the geometry was changed.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GeometryRevision {
    /// Changes so far.
    pub count: u32,
    /// Of the last one's archive.
    pub hash: u64,
}

impl GeometryEdit {
    /// Builds what the change turns `def` into; `before` is the scene's navmesh so far.
    ///
    /// # Errors
    /// [`GeometryEditError`]; whatever the bytes of a log decode to, this does not panic.
    pub fn prepare(&self, def: &SceneDef, before: &NavArchive) -> Result<Prepared, GeometryEditError> {
        for (index, part) in self.geometry.iter().enumerate() {
            check_part(part).map_err(|what| GeometryEditError::Part { index, what })?;
        }
        let geometry = Geometry::build(&SceneDef { geometry: self.geometry.clone(), ..def.clone() })?;
        let assemble = |edit: &NavmeshEdit| {
            let archive = edit.apply(before);
            Navmesh::assemble(&archive).map(|mesh| (Arc::new(mesh), Arc::new(archive)))
        };
        let navmesh = self.navmesh.as_ref().map(assemble).transpose()?;
        Ok(Prepared { geometry, navmesh, hash: xxh3_64(&write_archive(self)) })
    }

    /// Bytes of its archive, to be compared with [`EDIT_BYTES_MAX`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        write_archive(self).len()
    }
}

impl NavmeshEdit {
    /// What turns `before` into `after`.
    #[must_use]
    pub fn between(before: &NavArchive, after: &NavArchive) -> Self {
        let old = by_place(&before.tiles);
        let new = by_place(&after.tiles);
        let differs = |tile: &&TileMesh| old.get(&(tile.z, tile.x)) != Some(tile);
        Self {
            settings: after.settings,
            door_count: after.door_count,
            tiles: after.tiles.iter().filter(differs).cloned().collect(),
            emptied: old.keys().filter(|place| !new.contains_key(place)).map(|&(z, x)| (x, z)).collect(),
        }
    }

    /// `before` with the change.
    #[must_use]
    pub fn apply(&self, before: &NavArchive) -> NavArchive {
        let mut tiles = by_place(&before.tiles);
        for (x, z) in &self.emptied {
            tiles.remove(&(*z, *x));
        }
        for tile in &self.tiles {
            tiles.insert((tile.z, tile.x), tile);
        }
        let tiles = tiles.into_values().cloned().collect();
        NavArchive { settings: self.settings, door_count: self.door_count, tiles }
    }
}

fn by_place(tiles: &[TileMesh]) -> BTreeMap<(i32, i32), &TileMesh> {
    tiles.iter().map(|tile| ((tile.z, tile.x), tile)).collect()
}

/// The rules without which the collision library could panic; the loader's are stricter.
fn check_part(part: &GeometryDef) -> Result<(), &'static str> {
    let near = |value: f32| value.abs() <= COORDINATE_MAX_M;
    let is_place = |&(x, y, z): &(f32, f32, f32)| near(x) && near(y) && near(z);
    let is_size = |&(x, y, z): &(f32, f32, f32)| [x, y, z].iter().all(|&side| side > 1e-4 && near(side));
    let holds = |holds: bool, what| if holds { Ok(()) } else { Err(what) };
    match part {
        GeometryDef::Box { center, size, yaw_deg } => {
            holds(is_place(center) && near(*yaw_deg), "a number is too large")?;
            holds(is_size(size), "a side has no length that can be used")
        }
        GeometryDef::Boxes { size, yaw_deg, at } => {
            holds(at.iter().all(is_place) && near(*yaw_deg), "a number is too large")?;
            holds(is_size(size), "a side has no length that can be used")
        }
        GeometryDef::Heightfield { min, cell_m, columns, rows, heights } => {
            holds(near(min.0) && near(min.1) && near(*cell_m), "a number is too large")?;
            holds(*cell_m > 1e-4, "a cell has no length that can be used")?;
            holds(*columns <= CELLS_MAX && *rows <= CELLS_MAX, "there are too many cells")?;
            holds(heights.samples_m().iter().all(|&height_m| near(height_m)), "a height is too large")
        }
        GeometryDef::Trimesh { vertices, triangles } => {
            holds(!triangles.is_empty(), "the mesh has no triangle")?;
            holds(vertices.iter().all(is_place), "a corner is too far out")?;
            let exists = |&corner: &u32| (corner as usize) < vertices.len();
            holds(triangles.iter().all(|(a, b, c)| [a, b, c].into_iter().all(exists)), "a corner does not exist")
        }
    }
}

/// Takes a change over, or counts why not.
pub(super) fn apply(world: &mut World, edit: &GeometryEdit, ahead: &PreparedAhead) {
    let prepared = match &ahead.0 {
        Some(prepared) => Ok(Arc::clone(prepared)),
        None => prepare_here(world, edit).map(Arc::new),
    };
    let outcome = match prepared {
        Ok(prepared) => {
            take_over(world, &prepared);
            "applied"
        }
        Err(_) => "refused",
    };
    world.resource_mut::<Counters>().add(GEOMETRY_EDITS, outcome);
}

fn prepare_here(world: &World, edit: &GeometryEdit) -> Result<Prepared, GeometryEditError> {
    let assets = &world.resource::<SceneAssets>().0;
    let def = &assets.scenes[world.resource::<SceneId>().0];
    let empty = NavArchive::default();
    edit.prepare(def, world.get_resource::<NavmeshSource>().map_or(&empty, |source| &source.0))
}

fn take_over(world: &mut World, prepared: &Prepared) {
    let before = Arc::clone(&world.resource::<SceneGeometry>().0);
    let as_before = |geometry: Geometry, door| geometry.with_door(door, before.is_door_open(door));
    let geometry = (0..before.door_count()).fold(prepared.geometry.clone(), as_before);
    if let Some((mesh, archive)) = &prepared.navmesh {
        world.insert_resource(SceneNavmesh(Some(with_doors_of(&geometry, mesh))));
        world.insert_resource(NavmeshSource(Arc::clone(archive)));
    }
    world.insert_resource(SceneGeometry(Arc::new(geometry)));
    let mut revision = world.resource_mut::<GeometryRevision>();
    *revision = GeometryRevision { count: revision.count + 1, hash: prepared.hash };
    world.write_message(GeometryReplaced);
}

impl std::fmt::Debug for PreparedAhead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "prepared" } else { "not prepared" })
    }
}

/// It adds nothing to the change it goes with.
impl PartialEq for PreparedAhead {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Digest for GeometryRevision {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.count);
        digester.u64(self.hash);
    }
}
