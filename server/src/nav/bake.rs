//! Baking by command: the stale navmeshes of a directory of assets, one scene, or a mesh from a modelling program.
//! Nothing here decides what is walkable, and nothing is written that has not passed the baker's gate.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use navbake::{BakeOptions, BakeReport, Baked, ObjError, bake, read_obj};
use serde::Serialize;
use sim::assets::Assets;
use sim::space::navmesh::{NavArchive, NavFileError, NavSettings, Navmesh};

use super::scenes::{FOLDER, Recipe, bake_threads, file_name, write};

/// Largest mesh that is read, in bytes.
const OBJ_BYTES_MAX: u64 = 1 << 30;

/// What a bake came to.
#[derive(Debug, Serialize)]
pub struct BakeAnswer {
    /// The file that was written.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: usize,
    /// Triangles that went in.
    pub triangles: usize,
    /// Tiles that are not empty.
    pub tiles: usize,
    /// Convex polygons.
    pub polygons: usize,
    /// Parts between which there is no way.
    pub components: u32,
    /// Walkable area in square metres.
    pub area: f32,
    /// Tiles that failed the gate at first.
    pub repaired_tiles: usize,
    /// Attempts beyond the first, over all tiles.
    pub repairs: usize,
    /// Islands that nothing leads to and that were dropped.
    pub dropped_islands: usize,
    /// Time in the baker and its gate.
    pub elapsed_ms: f64,
}

/// Bakes a Wavefront OBJ.
///
/// # Errors
/// `FILE:LINE: words` for a broken file, the coordinates for a mesh that the gate refuses.
pub fn bake_obj(obj: &Path, out: &Path, settings: &NavSettings, threads: usize) -> anyhow::Result<BakeAnswer> {
    let cannot_read = || format!("cannot read {}", obj.display());
    let bytes = fs::metadata(obj).with_context(cannot_read)?.len();
    ensure!(bytes <= OBJ_BYTES_MAX, "{} has {bytes} bytes; at most {OBJ_BYTES_MAX} are read", obj.display());
    let text = fs::read(obj).with_context(cannot_read)?;
    // Names of materials and comments may be in any encoding; what matters is ASCII.
    let text = String::from_utf8_lossy(&text);
    let soup = read_obj(&text).map_err(|ObjError { line, what }| anyhow!("{}:{line}: {what}", obj.display()))?;
    let baked = bake(&soup, settings, &BakeOptions { threads, seeds: Vec::new() })?;
    finish(&baked, soup.geometry_hash(settings), soup.triangles.len(), out)
}

/// Bakes one scene of the game data.
///
/// # Errors
/// When there is no such scene, or the gate refuses it.
pub fn bake_scene(assets: &Assets, scene: &str, out: &Path, threads: usize) -> anyhow::Result<BakeAnswer> {
    let id = assets.scenes.by_name(scene).with_context(|| format!("the game data has no scene `{scene}`"))?;
    let recipe = Recipe::of(assets, id).with_context(|| scene.to_owned())?;
    let baked = recipe.bake(threads).with_context(|| scene.to_owned())?;
    finish(&baked, recipe.hash(), recipe.soup.triangles.len(), out)
}

/// What became of one scene of a directory.
#[derive(Debug)]
pub enum SceneBake {
    /// Its file was up to date.
    Fresh(PathBuf),
    /// It was baked, because of this.
    Baked(String, BakeAnswer),
}

/// Bakes every scene of `dir` whose navmesh is missing, stale or damaged, or all of them; `each` hears of every scene.
///
/// # Errors
/// At the first scene that cannot be baked or written.
pub fn bake_dir(
    assets: &Assets,
    dir: &Path,
    force: bool,
    mut each: impl FnMut(&str, &SceneBake),
) -> anyhow::Result<()> {
    for (id, def) in assets.scenes.iter() {
        let recipe = Recipe::of(assets, id).with_context(|| def.id.clone())?;
        let path = dir.join(FOLDER).join(file_name(&def.id));
        let done = match staleness(&path, recipe.hash()) {
            None if !force => SceneBake::Fresh(path),
            why => {
                let baked = recipe.bake(bake_threads()).with_context(|| def.id.clone())?;
                let answer = finish(&baked, recipe.hash(), recipe.soup.triangles.len(), &path)?;
                SceneBake::Baked(why.unwrap_or_else(|| "it was asked for".to_owned()), answer)
            }
        };
        each(&def.id, &done);
    }
    Ok(())
}

/// Why a file is not the navmesh of this hash, `None` when it is.
fn staleness(path: &Path, hash: u64) -> Option<String> {
    match fs::read(path).map(|bytes| NavArchive::from_bytes_for(&bytes, hash)) {
        Ok(Ok(_)) => None,
        Ok(Err(NavFileError::Stale { .. })) => Some("the scene has changed".to_owned()),
        Ok(Err(reason)) => Some(reason.to_string()),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Some("it had none".to_owned()),
        Err(cause) => Some(cause.to_string()),
    }
}

fn finish(baked: &Baked, hash: u64, triangles: usize, out: &Path) -> anyhow::Result<BakeAnswer> {
    let mesh = Navmesh::assemble(&baked.archive).context("the baked navmesh cannot be used")?;
    let bytes = baked.archive.to_bytes(hash);
    write(out, &bytes).with_context(|| format!("cannot write {}", out.display()))?;
    let BakeReport { tiles, polygons, repaired_tiles, repairs, dropped_islands, elapsed } = baked.report;
    Ok(BakeAnswer {
        file: out.to_owned(),
        bytes: bytes.len(),
        triangles,
        tiles,
        polygons,
        components: mesh.component_count(),
        area: mesh.area_m2(),
        repaired_tiles,
        repairs,
        dropped_islands,
        elapsed_ms: millis(elapsed),
    })
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

impl fmt::Display for BakeAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} triangles, {} tiles, {} polygons, {} components, {:.1} m2, {} bytes",
            self.file.display(),
            self.triangles,
            self.tiles,
            self.polygons,
            self.components,
            self.area,
            self.bytes
        )?;
        write!(
            f,
            "  {} tiles repaired in {} attempts, {} islands dropped, {:.0} ms",
            self.repaired_tiles, self.repairs, self.dropped_islands, self.elapsed_ms
        )
    }
}
