//! Watches the directory of game data of a running server and hands each next epoch of it, and edited geometry, to its
//! scenes. Everything slow happens on a thread of its own: reading, checking, baking. A scene takes a change over at its
//! next tick; a fault is logged with its place, counted, and changes nothing. A file that is read half-written is such a
//! fault at worst: the editor that finishes it wakes the watch again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use notify_debouncer_mini::notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer, new_debouncer};
use sim::input::SceneInput;
use tracing::{error, info, warn};

use super::edits::{Change, Editor, Looked, NextEpoch};
use super::scenes::FOLDER;
use crate::assets::CurrentAssets;
use crate::metrics::Metrics;

/// How long files must be left alone before they are read: editors write in several steps.
const QUIET: Duration = Duration::from_millis(300);

/// Keeps watching until it is dropped.
pub struct Watch {
    _debouncer: Debouncer<RecommendedWatcher>,
}

/// The ends of the ways to all scenes, by their places in the list; a scene takes at most one change a tick.
#[must_use]
pub fn ways(scenes: usize) -> (Vec<SyncSender<SceneInput>>, Vec<Receiver<SceneInput>>) {
    (0..scenes).map(|_| sync_channel(1)).unzip()
}

/// Watches `dir`.
///
/// # Errors
/// When the system gives no watch or no thread.
pub fn start(
    dir: &Path,
    editor: Editor,
    scenes: Vec<SyncSender<SceneInput>>,
    current: CurrentAssets,
    metrics: Arc<Metrics>,
) -> anyhow::Result<Watch> {
    let (sender, events) = channel();
    let cannot = || format!("cannot watch {}", dir.display());
    let mut debouncer = new_debouncer(QUIET, sender).with_context(cannot)?;
    debouncer.watcher().watch(dir, RecursiveMode::Recursive).with_context(cannot)?;
    metrics.set_assets_epoch(current.get().hash);
    let watched = Watched { dir: dir.to_owned(), editor, scenes, current, metrics };
    std::thread::Builder::new().name("assets-watch".to_owned()).spawn(move || watched.run(&events))?;
    info!(path = %dir.display(), "watching the game data: what is edited is taken over while the server runs");
    Ok(Watch { _debouncer: debouncer })
}

struct Watched {
    dir: PathBuf,
    editor: Editor,
    scenes: Vec<SyncSender<SceneInput>>,
    current: CurrentAssets,
    metrics: Arc<Metrics>,
}

impl Watched {
    fn run(mut self, events: &Receiver<DebounceEventResult>) {
        for event in events {
            let concerns_us = match event {
                Ok(events) => events.iter().any(|event| concerns(&event.path, &self.dir)),
                Err(cause) => {
                    warn!(%cause, "the game data may have changed unseen");
                    true
                }
            };
            if concerns_us && !self.look() {
                return;
            }
        }
    }

    /// False when the server is stopping.
    fn look(&mut self) -> bool {
        let began = Instant::now();
        let sources = match crate::assets::from_dir(&self.dir) {
            Ok(sources) => sources,
            Err(cause) => {
                self.metrics.count_assets_reload("unreadable");
                error!(%cause, "the edited game data cannot be read; the scenes stay as they are");
                return true;
            }
        };
        match self.editor.look(&sources) {
            Ok(Looked { epoch: None, .. }) => {
                self.metrics.count_assets_reload("unchanged");
                true
            }
            Ok(Looked { epoch: Some(epoch), changes, new_scenes }) => {
                for scene in new_scenes {
                    warn!(scene, "a new scene in the game data waits for the next start");
                }
                self.begin(&epoch, began) && changes.into_iter().all(|change| self.hand_over(change, began))
            }
            Err(cause) => {
                self.metrics.count_assets_reload("refused");
                error!("the edited game data is not taken over, the scenes stay as they are: {cause}");
                true
            }
        }
    }

    /// False when the server is stopping.
    fn begin(&self, epoch: &NextEpoch, began: Instant) -> bool {
        self.metrics.count_assets_reload("applied");
        self.metrics.set_assets_epoch(epoch.assets.hash);
        self.current.set(Arc::clone(&epoch.assets));
        let hash = format!("{:016x}", epoch.assets.hash);
        let (files, took_ms) = (epoch.edit.files.len(), began.elapsed().as_millis());
        info!(files, hash, took_ms, "the next epoch of the game data is handed to all scenes");
        self.scenes.iter().all(|way| way.send(epoch.input()).is_ok())
    }

    fn hand_over(&self, change: Change, began: Instant) -> bool {
        let Change { scene, name, input, changed_tiles, baked_tiles, tiles } = change;
        let (changed, took_ms) = (changed_tiles.len(), began.elapsed().as_millis());
        info!(scene = name, changed, baked_tiles, tiles, took_ms, "edited geometry is handed to the scene");
        self.scenes.get(scene).is_none_or(|way| way.send(input).is_ok())
    }
}

/// Not what the baker wrote, nor what editors leave behind.
fn concerns(path: &Path, dir: &Path) -> bool {
    let below = path.strip_prefix(dir).unwrap_or(path);
    let hidden = below.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
    !hidden && !below.starts_with(FOLDER)
}
