//! Watches the directory of game data of a running server and hands each next epoch of it, and edited geometry, to its
//! scenes. Everything slow happens on a thread of its own: reading, checking, baking. A scene takes a change over at its
//! next tick; a fault is logged with its place, counted, and changes nothing. A file that is read half-written is such a
//! fault at worst: the editor that finishes it wakes the watch again. No edit is lost: what changed before there was a
//! watch is found by its first look, and what changes during a look causes another.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use sim::input::SceneInput;
use tracing::{error, info, warn};

use super::edits::{Change, Editor, Looked, NextEpoch};
use super::scenes::FOLDER;
use crate::assets::CurrentAssets;
use crate::metrics::Metrics;

/// How long files must be left alone before they are read: editors write in several steps.
const QUIET: Duration = Duration::from_millis(300);
/// How long they may go on changing until they are read all the same.
const PATIENCE: Duration = Duration::from_secs(3);

/// Keeps watching until it is dropped.
pub struct Watch {
    _watcher: RecommendedWatcher,
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
    // Room for one: an edit that finds it taken will be seen by the look that is due.
    let (sender, edits) = sync_channel(1);
    let cannot = || format!("cannot watch {}", dir.display());
    let root = dir.to_owned();
    let heard = move |event: notify::Result<Event>| {
        if is_edit(&event, &root) {
            let _a_look_is_due_anyway = sender.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(heard).with_context(cannot)?;
    watcher.watch(dir, RecursiveMode::Recursive).with_context(cannot)?;
    metrics.set_assets_epoch(current.get().hash);
    let watched = Watched { dir: dir.to_owned(), editor, scenes, current, metrics };
    std::thread::Builder::new().name("assets-watch".to_owned()).spawn(move || watched.run(&edits))?;
    info!(path = %dir.display(), "watching the game data: what is edited is taken over while the server runs");
    Ok(Watch { _watcher: watcher })
}

struct Watched {
    dir: PathBuf,
    editor: Editor,
    scenes: Vec<SyncSender<SceneInput>>,
    current: CurrentAssets,
    metrics: Arc<Metrics>,
}

impl Watched {
    fn run(mut self, edits: &Receiver<()>) {
        while self.look() && edits.recv().is_ok() && settle(edits) {}
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

/// Waits until the files are left alone; false when nobody watches any more.
fn settle(edits: &Receiver<()>) -> bool {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match edits.recv_timeout(QUIET) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    true
}

/// Whether the texts below `dir` may be different now. To open and read them is none: the watch itself does it at every
/// look, and would wake itself for ever.
fn is_edit(event: &notify::Result<Event>, dir: &Path) -> bool {
    match event {
        Ok(event) if event.need_rescan() => true,
        Ok(Event { kind: EventKind::Access(AccessKind::Close(AccessMode::Write)), paths, .. }) => concerns(paths, dir),
        Ok(Event { kind: EventKind::Access(_), .. }) => false,
        Ok(Event { paths, .. }) => concerns(paths, dir),
        Err(cause) => {
            warn!(%cause, "the game data may have changed unseen");
            true
        }
    }
}

/// Not what the baker wrote, nor what editors leave behind.
fn concerns(paths: &[PathBuf], dir: &Path) -> bool {
    paths.iter().any(|path| {
        let below = path.strip_prefix(dir).unwrap_or(path);
        let hidden = below.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
        !hidden && !below.starts_with(FOLDER)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn reading_the_game_data_is_no_edit_of_it() {
        let dir = std::env::temp_dir().join(format!("mainspring-{}-reading", std::process::id()));
        fs::create_dir_all(dir.join(FOLDER)).unwrap();
        let [read, hidden, baked, written] =
            ["read.ron", ".read.ron.swp", "navmeshes/field.nav", "written.ron"].map(|name| dir.join(name));
        fs::write(&read, "()").unwrap();
        let (sender, events) = channel();
        let mut watcher = notify::recommended_watcher(sender).unwrap();
        watcher.watch(&dir, RecursiveMode::Recursive).unwrap();
        assert_eq!(crate::assets::from_dir(&dir).unwrap().text("read.ron"), Some("()"));
        for path in [hidden, baked, written] {
            fs::write(path, "()").unwrap();
        }
        // The system tells in order what was done.
        let heard = events.iter().find(|event| is_edit(event, &dir)).unwrap().unwrap();
        assert_eq!(heard.paths, [dir.join("written.ron")]);
        fs::remove_dir_all(&dir).unwrap();
    }
}
