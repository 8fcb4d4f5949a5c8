//! `mainspring replay LOG`: makes the scene of a log again from the game data in it, feeds it what was logged (edits of the
//! data too), and compares every subsystem's hash after every tick. The first difference is named; a log that cannot be
//! trusted is refused.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bevy_app::App;
use sim::assets::{AssetSources, Assets};
use sim::digest::combined;
use sim::log::{LogError, LogHeader, LogReader, TickRecord};
use sim::scene::Scene;
use sim::tick::TICK_MS;

use crate::cli::say;
use crate::nav::scenes::{FOLDER, GroundError, NavStore};
use crate::scenes::on_ground;

/// How a replay ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every tick was the same.
    Equal {
        /// Ticks replayed.
        ticks: u32,
        /// Hashes after the last of them, by subsystem.
        hashes: Vec<(&'static str, u64)>,
    },
    /// The first tick that was not.
    Different {
        /// Its number.
        tick: u32,
        /// The first subsystem that differs, in the order of the hashes.
        subsystem: &'static str,
        /// In the log.
        recorded: u64,
        /// In this run.
        replayed: u64,
    },
}

/// Why a log was not replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log cannot be trusted or does not fit the program.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The game data in the log is not good for this program.
    #[error("the game data in the log has faults for this program\n\n{0}")]
    Faults(String),
    /// The scene's ground cannot be built from this game data.
    #[error("the scene cannot be built: {0}")]
    Ground(#[from] GroundError),
}

/// Replays a log held in memory, with the game data in it and on the navmesh that `store` has for its scene.
///
/// # Errors
/// [`ReplayError`] when the log is damaged, truncated, or made with another program.
pub fn replay(log: &[u8], store: &NavStore) -> Result<Outcome, ReplayError> {
    let log = LogReader::open(log)?;
    let mut scene = build(log.header(), log.data(), store, |_| {})?;
    check_subsystems(log.header(), &mut scene)?;
    let mut hashes = Vec::new();
    for record in log.ticks() {
        hashes = run_tick(&mut scene, record);
        if let Some(different) = compare(record, &hashes) {
            return Ok(different);
        }
    }
    Ok(Outcome::Equal { ticks: scene.tick_number(), hashes })
}

/// The command: reads the file, replays it and prints what came of it. Exit code 1 for a difference, 2 for a log
/// that is refused.
///
/// # Errors
/// When the file cannot be read.
pub fn command(path: &Path, assets_dir: Option<&Path>) -> anyhow::Result<ExitCode> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let store = NavStore::new(assets_dir, data_dir(path));
    let began = Instant::now();
    match replay(&bytes, &store) {
        Ok(Outcome::Equal { ticks, hashes }) => {
            say(&text_of_equal(ticks, &hashes, began.elapsed()));
            Ok(ExitCode::SUCCESS)
        }
        Ok(Outcome::Different { tick, subsystem, recorded, replayed }) => {
            say(&format!(
                "tick {tick} differs first in `{subsystem}`: recorded {recorded:016x}, replayed {replayed:016x}\n"
            ));
            Ok(ExitCode::from(1))
        }
        Err(error) => {
            eprintln!("error: {}: {error}", path.display());
            Ok(ExitCode::from(2))
        }
    }
}

/// The data directory a log lies in, if it has navmeshes: what the server baked need not be baked again.
fn data_dir(log: &Path) -> Option<&Path> {
    log.parent()?.parent().filter(|data| data.join(FOLDER).is_dir())
}

/// The scene of a log as it was before its first tick, with `extra` added to it.
///
/// # Errors
/// [`ReplayError`] when the log was made with another program or its game data is not good for this one.
pub fn scene_of(
    log: &LogReader,
    path: &Path,
    assets_dir: Option<&Path>,
    extra: impl FnOnce(&mut App),
) -> Result<Scene, ReplayError> {
    let mut scene = build(log.header(), log.data(), &NavStore::new(assets_dir, data_dir(path)), extra)?;
    check_subsystems(log.header(), &mut scene)?;
    Ok(scene)
}

fn build(
    header: &LogHeader,
    data: &AssetSources,
    store: &NavStore,
    extra: impl FnOnce(&mut App),
) -> Result<Scene, ReplayError> {
    let (recorded, held) = (header.assets_hash, data.hash());
    if recorded != held {
        return Err(LogError::OtherAssets { recorded, held }.into());
    }
    let assets = Assets::load(data).map_err(|report| ReplayError::Faults(crate::assets::faults(&report, data)))?;
    let assets = &Arc::new(assets);
    let scene = assets.scenes.by_name(&header.scene);
    let scene = scene.ok_or_else(|| LogError::UnknownScene { scene: header.scene.clone() })?;
    let ground = store.ground(assets, scene)?;
    Ok(on_ground(assets, scene, header.seed, &ground, extra))
}

fn check_subsystems(header: &LogHeader, scene: &mut Scene) -> Result<(), LogError> {
    let ours: Vec<&str> = scene.state_hashes().into_iter().map(|(subsystem, _)| subsystem).collect();
    if header.subsystems == ours {
        return Ok(());
    }
    Err(LogError::OtherSubsystems { recorded: header.subsystems.join(", "), ours: ours.join(", ") })
}

fn run_tick(scene: &mut Scene, record: &TickRecord) -> Vec<(&'static str, u64)> {
    for input in &record.inputs {
        scene.push(input.clone());
    }
    scene.tick();
    scene.take_outputs();
    scene.state_hashes()
}

fn compare(record: &TickRecord, hashes: &[(&'static str, u64)]) -> Option<Outcome> {
    let pairs = hashes.iter().zip(&record.hashes);
    let mut different = pairs.filter(|((_, replayed), recorded)| replayed != *recorded);
    different.next().map(|(&(subsystem, replayed), &recorded)| Outcome::Different {
        tick: record.tick,
        subsystem,
        recorded,
        replayed,
    })
}

fn text_of_equal(ticks: u32, hashes: &[(&'static str, u64)], took: Duration) -> String {
    let world_s = f64::from(ticks) * f64::from(TICK_MS) / 1_000.0;
    let speed = world_s / took.as_secs_f64().max(1e-9);
    let mut text = format!(
        "{ticks} ticks ({world_s:.1} s of the world) are the same, replayed {speed:.0} times as fast as they were\n"
    );
    for (subsystem, hash) in hashes {
        text.push_str(&format!("  {subsystem:<12} {hash:016x}\n"));
    }
    let all = combined(hashes);
    text + &format!("{} subsystems, final hash {all:016x}\n", hashes.len())
}
