//! Game data that is exchanged while a scene runs: what the log carries of an edit, and how the scene takes the next
//! epoch over. Receive stage, before everything else of the tick: [`SceneAssets`] is replaced and every hook that a
//! feature registered with [`EpochApp::on_epoch`] runs, in the order of registration.
//!
//! Ids outlive epochs: a record that stays keeps its id, a record that is gone keeps its number for itself
//! ([`crate::assets::Table`]). Nothing live, logged or on its way over the network is therefore ever renumbered.
//! What is left to a hook is to let go of what [`EpochSwap::is_gone`] names and to recompute what followed from values.
//! A definition kept as an `Arc` stays as it is, and the ids in it stay good: `table[id]` is what a retired record last
//! was. An epoch that equals the one before changes nothing at all.

#![allow(missing_docs, reason = "rkyv's derive writes resolvers without documentation; ours is complete")]

use std::sync::Arc;

use bevy_app::App;
use bevy_ecs::prelude::*;
use rkyv::{Archive, Deserialize, Serialize};

use crate::assets::{AssetReport, AssetSources, Assets, Id, Record, SceneDef, Table};
use crate::counters::Counters;
use crate::scene::{SceneAssets, SceneId};

/// Edits of the game data that reached a scene, by what became of them.
pub const ASSET_EDITS: &str = "asset_edits_total";
/// Largest edit that is sent to a scene, in bytes of paths and texts: with a tick's other inputs it fits into one frame
/// of the log.
pub const EDIT_BYTES_MAX: usize = 12 << 20;

/// The difference between two epochs of the game data, as it is logged.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct AssetsEdit {
    /// Hash of the data it is made against.
    pub base: u64,
    /// Hash of the data it leads to.
    pub hash: u64,
    /// Files that are new or different, with their text, and files that are gone; sorted by path.
    pub files: Vec<(String, Option<String>)>,
}

impl AssetsEdit {
    /// What leads from `old` to `new`.
    #[must_use]
    pub fn between(old: &AssetSources, new: &AssetSources) -> Self {
        let changed = new.iter().filter(|(path, text)| old.text(path) != Some(*text));
        let gone = old.iter().filter(|(path, _)| new.text(path).is_none());
        let mut files: Vec<_> = changed.map(|(path, text)| (path.to_owned(), Some(text.to_owned()))).collect();
        files.extend(gone.map(|(path, _)| (path.to_owned(), None)));
        files.sort();
        Self { base: old.hash(), hash: new.hash(), files }
    }

    /// Bytes of its paths and texts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let bytes = |(path, text): &(String, Option<String>)| path.len() + text.as_ref().map_or(0, String::len);
        self.files.iter().map(bytes).sum()
    }

    /// The texts it leads to.
    #[must_use]
    pub fn sources(&self, old: &AssetSources) -> AssetSources {
        let mut sources = old.clone();
        for (path, text) in &self.files {
            match text {
                Some(text) => sources.insert(path.as_str(), text.as_str()),
                None => sources.remove(path),
            }
        }
        sources
    }

    /// Loads what it leads to; the ids follow on those of `old`.
    ///
    /// # Errors
    /// [`EpochError`]; whatever the bytes of a log decode to, this does not panic.
    pub fn prepare(&self, old: &Assets) -> Result<Assets, EpochError> {
        if self.base != old.hash {
            return Err(EpochError::OutOfTurn { base: self.base, running: old.hash });
        }
        let bytes = self.bytes();
        if bytes > EDIT_BYTES_MAX {
            return Err(EpochError::TooLarge { bytes });
        }
        let new = old.load_next(&self.sources(&old.sources)).map_err(EpochError::Faults)?;
        match new.hash == self.hash {
            true => Ok(new),
            false => Err(EpochError::OtherHash { expected: self.hash, found: new.hash }),
        }
    }
}

/// The next epoch where somebody has loaded it already, or not: the log knows nothing of it.
#[derive(Clone, Default)]
pub struct LoadedAhead(pub Option<Arc<Assets>>);

/// Why data cannot follow on the data of a running scene.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// The edit is made against other data.
    #[error("the edit is made against data {base:016x}, but {running:016x} is running")]
    OutOfTurn {
        /// What it is made against.
        base: u64,
        /// What runs.
        running: u64,
    },
    /// The edit is larger than a log holds.
    #[error("the edit has {bytes} bytes, but at most {EDIT_BYTES_MAX} are logged at once; restart instead")]
    TooLarge {
        /// Of its paths and texts.
        bytes: usize,
    },
    /// The new data has faults.
    #[error("the new game data has faults\n{0}")]
    Faults(AssetReport),
    /// The edit leads to other data than it says.
    #[error("the edit should lead to data {expected:016x}, but leads to {found:016x}")]
    OtherHash {
        /// What it says.
        expected: u64,
        /// What came of it.
        found: u64,
    },
    /// The scene itself is gone.
    #[error("`{scene}` is running and cannot be taken out of the data; restart instead")]
    SceneGone {
        /// Its id.
        scene: String,
    },
    /// The scene has another frame, on which everything in it was built.
    #[error("`{part}` of `{scene}` cannot change while it is running; restart instead")]
    Frame {
        /// Its id.
        scene: String,
        /// Which field.
        part: &'static str,
    },
}

impl EpochError {
    /// Stable word for metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::OutOfTurn { .. } => "out_of_turn",
            Self::TooLarge { .. } => "too_large",
            Self::Faults(_) => "faults",
            Self::OtherHash { .. } => "other_hash",
            Self::SceneGone { .. } => "scene_gone",
            Self::Frame { .. } => "frame",
        }
    }
}

/// Whether a scene that runs on `old` can go on with `new`.
///
/// # Errors
/// [`EpochError::SceneGone`] or [`EpochError::Frame`].
pub fn can_follow(old: &Assets, new: &Assets, scene: Id<SceneDef>) -> Result<(), EpochError> {
    let was = &old.scenes[scene];
    let Some(is) = new.scenes.get(scene) else {
        return Err(EpochError::SceneGone { scene: was.id.clone() });
    };
    let parts = [("bounds", was.bounds == is.bounds), ("aoi", was.aoi == is.aoi), ("doors", was.doors == is.doors)];
    match parts.into_iter().find(|(_, is_same)| !is_same) {
        Some((part, _)) => Err(EpochError::Frame { scene: was.id.clone(), part }),
        None => Ok(()),
    }
}

/// One epoch following on another, shown to the hooks of features.
pub struct EpochSwap {
    /// What ran until now.
    pub old: Arc<Assets>,
    /// What runs from now on; [`SceneAssets`] holds it already.
    pub new: Arc<Assets>,
}

impl EpochSwap {
    /// The id itself when its record exists in the new data, `None` when the record is gone.
    #[must_use]
    pub fn map<T: KindOf>(&self, id: Id<T>) -> Option<Id<T>> {
        T::table(&self.new).get(id).map(|_| id)
    }

    /// True when the record was there and is not any more.
    #[must_use]
    pub fn is_gone<T: KindOf>(&self, id: Id<T>) -> bool {
        self.map(id).is_none()
    }

    /// True when the record reads differently now, or is gone, or has come back.
    #[must_use]
    pub fn has_changed<T: KindOf + PartialEq>(&self, id: Id<T>) -> bool {
        match (T::table(&self.old).arc(id), T::table(&self.new).arc(id)) {
            (Some(old), Some(new)) => !Arc::ptr_eq(old, new) && old != new,
            (old, new) => old.is_some() || new.is_some(),
        }
    }
}

/// A kind that has a table in [`Assets`].
pub trait KindOf: Record {
    /// Its table.
    fn table(assets: &Assets) -> &Table<Self>;
}

/// What a feature does when the game data is exchanged.
pub type EpochHook = fn(&mut World, &EpochSwap);

#[derive(Resource, Default)]
struct EpochHooks(Vec<EpochHook>);

/// Registration of what features do when the game data is exchanged.
pub trait EpochApp {
    /// Has `hook` run in Receive when an epoch follows on another, after those registered before.
    fn on_epoch(&mut self, hook: EpochHook) -> &mut Self;
}

impl EpochApp for App {
    fn on_epoch(&mut self, hook: EpochHook) -> &mut Self {
        self.world_mut().get_resource_or_init::<EpochHooks>().0.push(hook);
        self
    }
}

/// Takes an edit over, or counts why not.
pub(crate) fn apply(world: &mut World, edit: &AssetsEdit, ahead: &LoadedAhead) {
    let outcome = match next_epoch(world, edit, ahead) {
        Ok(swap) if swap.new.hash == swap.old.hash => "unchanged",
        Ok(swap) => {
            take_over(world, &swap);
            "applied"
        }
        Err(error) => error.reason(),
    };
    world.resource_mut::<Counters>().add(ASSET_EDITS, outcome);
}

fn next_epoch(world: &World, edit: &AssetsEdit, ahead: &LoadedAhead) -> Result<EpochSwap, EpochError> {
    let old = Arc::clone(&world.resource::<SceneAssets>().0);
    // What was loaded ahead counts only if it is what this edit leads to from here.
    let ahead = ahead.0.as_ref().filter(|new| edit.base == old.hash && new.hash == edit.hash);
    let new = match ahead {
        Some(new) => Arc::clone(new),
        None => Arc::new(edit.prepare(&old)?),
    };
    can_follow(&old, &new, world.resource::<SceneId>().0)?;
    Ok(EpochSwap { old, new })
}

fn take_over(world: &mut World, swap: &EpochSwap) {
    world.insert_resource(SceneAssets(Arc::clone(&swap.new)));
    let hooks = world.get_resource_or_init::<EpochHooks>().0.clone();
    for hook in hooks {
        hook(world, swap);
    }
}

impl std::fmt::Debug for LoadedAhead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "loaded" } else { "not loaded" })
    }
}

/// It adds nothing to the edit it goes with.
impl PartialEq for LoadedAhead {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_leads_from_one_set_of_texts_to_the_other() {
        let old = AssetSources::new("x").with("a", "1").with("b", "2").with("c", "3");
        let new = AssetSources::new("x").with("a", "1").with("b", "two").with("d", "4");
        let edit = AssetsEdit::between(&old, &new);
        let paths: Vec<_> = edit.files.iter().map(|(path, text)| (path.as_str(), text.as_deref())).collect();
        assert_eq!(paths, [("b", Some("two")), ("c", None), ("d", Some("4"))]);
        assert_eq!((edit.sources(&old), edit.bytes()), (new, 7));
    }
}
