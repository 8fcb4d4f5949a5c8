//! Edits of running scenes: loads changed texts as the epoch that follows on the running one, compares the geometry with
//! what the scenes stand on, bakes again the tiles that differ, and makes the inputs by which scenes take both over. What a
//! scene cannot take over while it runs (its bounds, doors and area of interest) is a fault; any fault keeps every scene
//! as it is.

use std::sync::Arc;

use glam::Vec3;
use navbake::{BakeError, BakeOptions, rebake};
use sim::assets::{AssetReport, AssetSources, Assets, SceneDef, SceneGround};
use sim::epoch::{self, AssetsEdit, EpochError, LoadedAhead};
use sim::input::SceneInput;
use sim::input::geometry_edit::{
    EDIT_BYTES_MAX, GeometryEdit, GeometryEditError, NavmeshEdit, Prepared, PreparedAhead,
};
use sim::space::navmesh::NavArchive;
use sim::space::triangles::TriangleSoup;

use super::scenes::{Ground, seeds};
use crate::assets::faults;

/// Where walkable ground is looked for around a place of the running data, in metres.
const NEAR_M: Vec3 = Vec3::new(1.0, 3.0, 1.0);

/// Turns changed texts into changes of scenes.
pub struct Editor {
    assets: Arc<Assets>,
    scenes: Vec<Standing>,
}

/// What a scene stands on now.
struct Standing {
    /// The definition it runs with, and its newest geometry.
    def: SceneDef,
    archive: Arc<NavArchive>,
    ground: SceneGround,
}

/// A change for one scene.
pub struct Change {
    /// Place of the scene in the list of scenes.
    pub scene: usize,
    /// Its id.
    pub name: String,
    /// What to push into it.
    pub input: SceneInput,
    /// Tiles of its navmesh that differ, (x, z).
    pub changed_tiles: Vec<(i32, i32)>,
    /// Tiles that were baked.
    pub baked_tiles: usize,
    /// Tiles it has.
    pub tiles: usize,
}

/// What a look at the texts found.
#[derive(Default)]
pub struct Looked {
    /// The next epoch, for all scenes; `None` when the texts are those that run.
    pub epoch: Option<NextEpoch>,
    /// What to hand to single scenes after it; the editor counts on it that they get both.
    pub changes: Vec<Change>,
    /// Scenes that are new in the data: they wait for the next start.
    pub new_scenes: Vec<String>,
}

/// Game data that is ready to follow on the running data.
pub struct NextEpoch {
    /// All of it.
    pub assets: Arc<Assets>,
    /// What is different in its texts.
    pub edit: AssetsEdit,
}

impl NextEpoch {
    /// What to push into a scene.
    #[must_use]
    pub fn input(&self) -> SceneInput {
        SceneInput::Assets { edit: self.edit.clone(), ahead: LoadedAhead(Some(Arc::clone(&self.assets))) }
    }
}

/// Why nothing is changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The data as a whole is not good.
    #[error("the game data has faults\n\n{0}")]
    Faults(String),
    /// The baker refuses the new geometry.
    #[error("`{scene}`: {source}")]
    Bake {
        /// Which.
        scene: String,
        /// Where and why.
        source: BakeError,
    },
    /// The scene could not take the change over.
    #[error("`{scene}`: {source}")]
    Unusable {
        /// Which.
        scene: String,
        /// Why.
        source: GeometryEditError,
    },
    /// More than a log can hold.
    #[error(
        "`{scene}`: the change has {bytes} bytes, but at most {EDIT_BYTES_MAX} are logged at once; restart instead"
    )]
    TooLarge {
        /// Which.
        scene: String,
        /// Size of the change.
        bytes: usize,
    },
    /// The data cannot follow on what runs.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// A place the running scene needs is walled up.
    #[error("`{scene}`: ({x}, {z}), where players arrive in the running scene, would not be walkable")]
    WalledUp {
        /// Which.
        scene: String,
        /// Where.
        x: f32,
        /// Where.
        z: f32,
    },
}

struct Candidate {
    scene: usize,
    standing: Standing,
    change: Change,
}

impl Editor {
    /// An editor for scenes that run `assets` on `grounds`, one for each in the order of their ids.
    #[must_use]
    pub fn new(assets: &Arc<Assets>, grounds: &[Ground]) -> Self {
        let standing = |(def, ground): (&SceneDef, &Ground)| Standing {
            def: def.clone(),
            archive: Arc::clone(&ground.archive),
            ground: SceneGround { geometry: Arc::clone(&ground.geometry), navmesh: Arc::clone(&ground.navmesh) },
        };
        let scenes = assets.scenes.iter().map(|(_, def)| def).zip(grounds).map(standing).collect();
        Self { assets: Arc::clone(assets), scenes }
    }

    /// Loads the texts, looks for scenes whose geometry has changed, and makes everything ready.
    ///
    /// # Errors
    /// [`EditError`]; then nothing has changed, and the next look starts from the same state.
    pub fn look(&mut self, sources: &AssetSources) -> Result<Looked, EditError> {
        if sources.hash() == self.assets.hash {
            return Ok(Looked::default());
        }
        let edit = AssetsEdit::between(&self.assets.sources, sources);
        let bytes = edit.bytes();
        if bytes > epoch::EDIT_BYTES_MAX {
            return Err(EpochError::TooLarge { bytes }.into());
        }
        let assets = self.assets.load_next(sources).map_err(|report| EditError::Faults(faults(&report, sources)))?;
        let mut candidates = Vec::new();
        for ((id, _), (scene, standing)) in self.assets.scenes.iter().zip(self.scenes.iter().enumerate()) {
            epoch::can_follow(&self.assets, &assets, id)?;
            if assets.scenes[id].geometry != standing.def.geometry {
                candidates.push(standing.changed(scene, &assets.scenes[id])?);
            }
        }
        self.check(&candidates, sources)?;
        Ok(self.commit(candidates, assets, edit))
    }

    /// The new data on the new ground.
    fn check(&self, candidates: &[Candidate], sources: &AssetSources) -> Result<(), EditError> {
        let grounds = |name: &str| {
            let new = candidates.iter().find(|candidate| candidate.change.name == name);
            let standing = new.map(|new| &new.standing);
            standing.or_else(|| self.scenes.iter().find(|standing| standing.def.id == name))
        };
        let (assets, report): (_, AssetReport) = self.assets.examine_next_on(sources, |assets, scene| {
            Ok(grounds(&assets.scenes[scene].id).map(|standing| standing.ground.clone()))
        });
        match assets {
            Some(_) => Ok(()),
            None => Err(EditError::Faults(faults(&report, sources))),
        }
    }

    fn commit(&mut self, candidates: Vec<Candidate>, assets: Assets, edit: AssetsEdit) -> Looked {
        let mut changes = Vec::new();
        for Candidate { scene, standing, change } in candidates {
            self.scenes[scene] = standing;
            changes.push(change);
        }
        for standing in &mut self.scenes {
            if let Some(id) = assets.scenes.by_name(&standing.def.id) {
                standing.def = assets.scenes[id].clone();
            }
        }
        let is_new = |def: &&SceneDef| !self.scenes.iter().any(|standing| standing.def.id == def.id);
        let new_scenes = assets.scenes.iter().map(|(_, def)| def).filter(is_new).map(|def| def.id.clone()).collect();
        let assets = Arc::new(assets);
        self.assets = Arc::clone(&assets);
        Looked { epoch: Some(NextEpoch { assets, edit }), changes, new_scenes }
    }
}

impl Standing {
    fn changed(&self, scene: usize, new: &SceneDef) -> Result<Candidate, EditError> {
        let name = || self.def.id.clone();
        // Everything but the geometry stays as it runs: doors, bounds, and where players arrive.
        let def = SceneDef { geometry: new.geometry.clone(), ..self.def.clone() };
        let (before, after) = (TriangleSoup::of_scene(&self.def), TriangleSoup::of_scene(&def));
        let geometry = sim::space::Geometry::build(&def)
            .map_err(|source| EditError::Unusable { scene: name(), source: source.into() })?;
        // One thread: the others are ticking.
        let options = BakeOptions { threads: 1, seeds: seeds(&def, &geometry) };
        let rebaked = rebake(&self.archive, &before, &after, &options);
        let rebaked = rebaked.map_err(|source| EditError::Bake { scene: name(), source })?;
        let navmesh = Some(NavmeshEdit::between(&self.archive, &rebaked.archive));
        let edit = GeometryEdit { geometry: def.geometry.clone(), navmesh };
        let bytes = edit.bytes();
        if bytes > EDIT_BYTES_MAX {
            return Err(EditError::TooLarge { scene: name(), bytes });
        }
        let prepared = edit.prepare(&self.def, &self.archive);
        let prepared = prepared.map_err(|source| EditError::Unusable { scene: name(), source })?;
        let standing = self.with(def, &prepared, rebaked.archive);
        // Where players arrive must stay where it was: the roof of what was built there will not do.
        let arrivals = seeds(&self.def, &self.ground.geometry);
        if let Some(at) = arrivals.into_iter().find(|&seed| standing.ground.navmesh.nearest(seed, NEAR_M).is_none()) {
            return Err(EditError::WalledUp { scene: name(), x: at.x, z: at.z });
        }
        let change = Change {
            scene,
            name: name(),
            changed_tiles: rebaked.changed_tiles,
            baked_tiles: rebaked.report.tiles,
            tiles: standing.archive.tiles.len(),
            input: SceneInput::Geometry { edit, ahead: PreparedAhead(Some(Arc::new(prepared))) },
        };
        Ok(Candidate { scene, standing, change })
    }

    fn with(&self, def: SceneDef, prepared: &Prepared, archive: NavArchive) -> Self {
        let navmesh = prepared.navmesh.as_ref().map_or(&self.ground.navmesh, |(navmesh, _)| navmesh);
        let ground = SceneGround { geometry: Arc::new(prepared.geometry.clone()), navmesh: Arc::clone(navmesh) };
        Self { def, archive: Arc::new(archive), ground }
    }
}
