//! `mainspring nav bake` and `mainspring assets bake`: what is baked for which agent, and how finely.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use sim::space::navmesh::NavSettings;

use super::{print, say};
use crate::nav::bake::{SceneBake, bake_dir, bake_obj, bake_scene};
use crate::nav::scenes::bake_threads;

/// What to bake, for whom, and into which file.
#[derive(Args, Debug)]
#[group(id = "source", required = true, multiple = false, args = ["obj", "scene"])]
pub(in crate::cli) struct BakeArgs {
    /// A mesh in Wavefront's OBJ format, y up, in metres
    #[arg(long, value_name = "MESH.obj")]
    obj: Option<PathBuf>,
    /// A scene of the game data, for the agents the data has
    #[arg(long, value_name = "scene/NAME", conflicts_with_all = AGENT)]
    scene: Option<String>,
    /// The game data of the scene; without it the data built into the program
    #[arg(long, value_name = "DIR", requires = "scene")]
    assets: Option<PathBuf>,
    /// Where to write the navmesh
    #[arg(short, long, value_name = "F.nav")]
    out: PathBuf,
    /// Radius of the agent in metres; 0 keeps no distance from walls [default: 0.6]
    #[arg(long, value_name = "METRES")]
    radius: Option<f32>,
    /// Height of the agent in metres [default: 2]
    #[arg(long, value_name = "METRES")]
    height: Option<f32>,
    /// Highest step the agent takes in metres [default: 0.9]
    #[arg(long, value_name = "METRES")]
    climb: Option<f32>,
    /// Steepest ground the agent walks on in degrees [default: 45]
    #[arg(long, value_name = "DEGREES")]
    slope: Option<f32>,
    /// Edge of a voxel in x and z in metres [default: 0.3]
    #[arg(long, value_name = "METRES")]
    cell: Option<f32>,
    /// Height of a voxel in metres [default: 0.2]
    #[arg(long, value_name = "METRES")]
    cell_height: Option<f32>,
    /// Voxels along a side of a tile [default: 128]
    #[arg(long, value_name = "CELLS")]
    tile: Option<u32>,
    /// Threads to bake on [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// What a scene's own data decides.
const AGENT: [&str; 7] = ["radius", "height", "climb", "slope", "cell", "cell_height", "tile"];

/// Bakes one navmesh.
pub(super) fn run(args: &BakeArgs) -> anyhow::Result<ExitCode> {
    let answer = match (&args.obj, &args.scene) {
        (Some(obj), _) => bake_obj(obj, &args.out, &args.settings(), args.threads()),
        (None, Some(scene)) => {
            let assets = crate::assets::load(args.assets.as_deref())?;
            bake_scene(&assets, scene, &args.out, args.threads())
        }
        (None, None) => anyhow::bail!("--obj or --scene is needed"),
    }?;
    print(&answer, args.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Bakes what is stale in a directory of game data.
pub(in crate::cli) fn bake_assets(dir: &Path, force: bool) -> anyhow::Result<ExitCode> {
    let assets = crate::assets::load(Some(dir))?;
    bake_dir(&assets, dir, force, |scene, done| match done {
        SceneBake::Fresh(path) => say(&format!("{scene}: {} is up to date\n", path.display())),
        SceneBake::Baked(why, answer) => say(&format!("{scene}: baked, as {why}\n{answer}\n")),
    })?;
    Ok(ExitCode::SUCCESS)
}

impl BakeArgs {
    /// The agent and the voxels of Recast's demonstration, where nothing else is asked for.
    fn settings(&self) -> NavSettings {
        NavSettings {
            radius_m: self.radius.unwrap_or(0.6),
            height_m: self.height.unwrap_or(2.0),
            climb_m: self.climb.unwrap_or(0.9),
            slope_deg: self.slope.unwrap_or(45.0),
            cell_m: self.cell.unwrap_or(0.3),
            cell_height_m: self.cell_height.unwrap_or(0.2),
            tile_cells: self.tile.unwrap_or(128),
        }
    }

    fn threads(&self) -> usize {
        self.threads.map_or_else(bake_threads, usize::from)
    }
}
