//! The ground of every scene: its colliders and the navmesh that fits them. A navmesh comes from the file beside the
//! game data if it was baked from the very same geometry, else from the cache of the data directory, else it is baked
//! now and kept there. Servers, replays and bots all get it here, so they get the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use glam::Vec3;
use navbake::{BakeError, BakeOptions, Baked, bake, scene_settings};
use sim::assets::{Assets, Id, SceneDef, SceneGround};
use sim::space::Geometry;
use sim::space::geometry::GeometryError;
use sim::space::navmesh::{NavArchive, NavFileError, NavSettings, Navmesh, NavmeshError};
use sim::space::triangles::TriangleSoup;
use tracing::{debug, info, warn};

use crate::scenes::stable_hash;

/// Folder of navmeshes, beside the game data and in the data directory.
pub const FOLDER: &str = "navmeshes";
/// Ending of a navmesh's file.
pub const EXTENSION: &str = "nav";

/// What bodies stand on and agents walk on in a scene, as the scene begins.
#[derive(Clone)]
pub struct Ground {
    /// The colliders.
    pub geometry: Arc<Geometry>,
    /// The navmesh, with all doors open.
    pub navmesh: Arc<Navmesh>,
    /// What the navmesh was assembled from.
    pub archive: Arc<NavArchive>,
}

/// Why a scene has no ground.
#[derive(Debug, thiserror::Error)]
pub enum GroundError {
    /// The colliders cannot be built.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The baker or its gate refuses the geometry.
    #[error(transparent)]
    Bake(#[from] BakeError),
    /// What was read or baked is no mesh.
    #[error("the navmesh cannot be used: {0}")]
    Mesh(#[from] NavmeshError),
}

/// What the navmesh of a scene is baked from.
pub struct Recipe {
    /// The scene's triangles.
    pub soup: TriangleSoup,
    /// The agent.
    pub settings: NavSettings,
    /// Where agents come from. What cannot be reached from any is left out.
    pub seeds: Vec<Vec3>,
}

impl Recipe {
    /// The recipe of a scene.
    ///
    /// # Errors
    /// When the scene's colliders cannot be built, so that its places have no heights.
    pub fn of(assets: &Assets, scene: Id<SceneDef>) -> Result<Self, GeometryError> {
        let def = &assets.scenes[scene];
        let settings = scene_settings(assets, scene);
        Ok(Self { soup: TriangleSoup::of_scene(def), settings, seeds: seeds(def, &Geometry::build(def)?) })
    }

    /// Identifies everything the bytes of the navmesh follow from; it is the hash in the file.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let geometry = self.soup.geometry_hash(&self.settings).to_le_bytes();
        let seeds = self.seeds.iter().flat_map(Vec3::to_array).flat_map(|value| value.to_bits().to_le_bytes());
        stable_hash(geometry.into_iter().chain(seeds))
    }

    /// Bakes it on so many threads; the bytes do not depend on their count.
    ///
    /// # Errors
    /// As [`bake`].
    pub fn bake(&self, threads: usize) -> Result<Baked, BakeError> {
        bake(&self.soup, &self.settings, &BakeOptions { threads, seeds: self.seeds.clone() })
    }
}

/// Threads to bake on: all cores, as nobody plays yet.
#[must_use]
pub fn bake_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The places agents come from, on the ground: the spawn points. What only a portal stands on is of no use.
#[must_use]
pub fn seeds(def: &SceneDef, geometry: &Geometry) -> Vec<Vec3> {
    let on_ground = |(x, z)| {
        let height_m = geometry.floor(x, z).map_or(0.0, |ground| ground.height_m);
        Vec3::new(x, height_m, z)
    };
    def.spawn_points.iter().map(|point| on_ground(point.at)).collect()
}

/// The name of a scene's navmesh in [`FOLDER`]: `field.nav` for `scene/field`.
#[must_use]
pub fn file_name(scene: &str) -> String {
    format!("{}.{EXTENSION}", scene.rsplit('/').next().unwrap_or(scene))
}

/// Where navmeshes are kept.
pub struct NavStore {
    /// The directory of the game data; `None` for the data built into the program.
    assets_dir: Option<PathBuf>,
    /// A directory that may be written to.
    cache: Option<PathBuf>,
    /// What has been handed out, by the hash of its recipe.
    known: Mutex<BTreeMap<u64, Ground>>,
}

impl NavStore {
    /// Navmeshes of the game data in `assets_dir` (or built in), with a cache in the data directory if there is one.
    #[must_use]
    pub fn new(assets_dir: Option<&Path>, data: Option<&Path>) -> Self {
        let cache = data.map(|data| data.join(FOLDER));
        Self { assets_dir: assets_dir.map(Path::to_owned), cache, known: Mutex::default() }
    }

    /// The ground of a scene; bakes it if it has to.
    ///
    /// # Errors
    /// [`GroundError`]; the baker names the coordinates it fails at.
    pub fn ground(&self, assets: &Assets, scene: Id<SceneDef>) -> Result<Ground, GroundError> {
        let def = &assets.scenes[scene];
        let recipe = Recipe::of(assets, scene)?;
        let hash = recipe.hash();
        if let Some(ground) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&hash) {
            // Scenes with the same triangles may still differ in their bounds.
            return Ok(Ground { geometry: Arc::new(Geometry::build(def)?), ..ground.clone() });
        }
        let archive = match self.find(&def.id, hash) {
            Some(archive) => archive,
            None => self.bake(&def.id, &recipe, hash)?,
        };
        let navmesh = Arc::new(Navmesh::assemble(&archive)?);
        let ground = Ground { geometry: Arc::new(Geometry::build(def)?), navmesh, archive: Arc::new(archive) };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, ground.clone());
        Ok(ground)
    }

    /// The same, as a check of the game data wants it.
    ///
    /// # Errors
    /// [`GroundError`] in words.
    pub fn ground_to_check(&self, assets: &Assets, scene: Id<SceneDef>) -> Result<Option<SceneGround>, String> {
        let ground = self.ground(assets, scene).map_err(|error| error.to_string())?;
        Ok(Some(SceneGround { geometry: ground.geometry, navmesh: ground.navmesh }))
    }

    fn find(&self, scene: &str, hash: u64) -> Option<NavArchive> {
        let name = file_name(scene);
        let shipped = match &self.assets_dir {
            Some(dir) => read(&dir.join(FOLDER).join(&name)),
            None => crate::assets::embedded_navmesh(&name).map(<[u8]>::to_vec),
        };
        let cached = || read(&self.cached(hash)?);
        shipped.and_then(|bytes| fresh(scene, &bytes, hash)).or_else(|| fresh(scene, &cached()?, hash))
    }

    fn bake(&self, scene: &str, recipe: &Recipe, hash: u64) -> Result<NavArchive, GroundError> {
        let began = Instant::now();
        info!(scene, "baking the navmesh: there is none for this geometry");
        let Baked { archive, report } = recipe.bake(bake_threads())?;
        let (tiles, polygons, took_ms) = (report.tiles, report.polygons, began.elapsed().as_millis());
        match self.cached(hash).map(|path| (write(&path, &archive.to_bytes(hash)), path)) {
            Some((Ok(()), path)) => {
                info!(scene, tiles, polygons, took_ms, path = %path.display(), "navmesh baked and kept")
            }
            Some((Err(cause), path)) => {
                warn!(scene, tiles, polygons, took_ms, path = %path.display(), %cause, "navmesh baked, but it cannot be kept");
            }
            None => {
                let hint = "`mainspring assets bake` or --data keeps it for the next start";
                info!(scene, tiles, polygons, took_ms, hint, "navmesh baked");
            }
        }
        Ok(archive)
    }

    fn cached(&self, hash: u64) -> Option<PathBuf> {
        Some(self.cache.as_ref()?.join(format!("{hash:016x}.{EXTENSION}")))
    }
}

/// Writes a file whole or not at all.
///
/// # Errors
/// When the folder or the file cannot be made.
pub fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&unfinished, bytes)?;
    fs::rename(&unfinished, path)
}

fn read(path: &Path) -> Option<Vec<u8>> {
    match fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => None,
        Err(cause) => {
            warn!(path = %path.display(), %cause, "a navmesh cannot be read");
            None
        }
    }
}

fn fresh(scene: &str, bytes: &[u8], hash: u64) -> Option<NavArchive> {
    match NavArchive::from_bytes_for(bytes, hash) {
        Ok(archive) => Some(archive),
        Err(reason @ (NavFileError::Stale { .. } | NavFileError::Version { .. })) => {
            debug!(scene, %reason, "a navmesh is left out");
            None
        }
        Err(reason) => {
            warn!(scene, %reason, "a navmesh is left out");
            None
        }
    }
}
