//! Watches the directory of game data of a running server and hands edited geometry to its scenes. Everything slow
//! happens on a thread of its own: reading, checking, baking. A scene takes a change over at its next tick; a fault is
//! logged with its place and changes nothing.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use notify_debouncer_mini::notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer, new_debouncer};
use sim::input::SceneInput;
use tracing::{error, info, warn};

use super::edits::{Change, Editor, Looked};
use super::scenes::FOLDER;

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
pub fn start(dir: &Path, editor: Editor, scenes: Vec<SyncSender<SceneInput>>) -> anyhow::Result<Watch> {
    let (sender, events) = channel();
    let cannot = || format!("cannot watch {}", dir.display());
    let mut debouncer = new_debouncer(QUIET, sender).with_context(cannot)?;
    debouncer.watcher().watch(dir, RecursiveMode::Recursive).with_context(cannot)?;
    let watched = Watched { dir: dir.to_owned(), editor, scenes };
    std::thread::Builder::new().name("assets-watch".to_owned()).spawn(move || watched.run(&events))?;
    info!(path = %dir.display(), "watching the game data: edited geometry is taken over while the server runs");
    Ok(Watch { _debouncer: debouncer })
}

struct Watched {
    dir: PathBuf,
    editor: Editor,
    scenes: Vec<SyncSender<SceneInput>>,
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
                error!(%cause, "the edited game data cannot be read; the scenes stay as they are");
                return true;
            }
        };
        match self.editor.look(&sources) {
            Ok(Looked { changes, has_others }) => {
                if has_others {
                    warn!("something else than geometry has changed in the game data; that waits for the next start");
                }
                changes.into_iter().all(|change| self.hand_over(change, began))
            }
            Err(cause) => {
                error!("the edited game data is not taken over, the scenes stay as they are: {cause}");
                true
            }
        }
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
