//! Assets of the process: the ones built into the binary, or a directory given by the user.
//! Reading files and showing reports happens here; what the data means and whether it is right is decided by `sim::assets`.
//! The navmeshes that lie beside the texts are no data: they follow from it, and are left to [`crate::nav`].
//! A process only ever holds complete, checked data: `load` gives all of it or the report.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use include_dir::{Dir, DirEntry, include_dir};
use sim::assets::{AssetReport, AssetSources, Assets};

use crate::nav::scenes::{self, NavStore};

mod current;
mod diagnostics;
pub mod reference;
pub mod worth;

pub use current::CurrentAssets;
pub use diagnostics::{Extent, check};

/// The data this binary was built with.
static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../assets");
/// How messages name the directory of the embedded data.
const EMBEDDED_ROOT: &str = "assets";
/// Deepest nesting of folders; it ends a walk through links that lead back.
const DEPTH_MAX: usize = 16;
/// Largest file read into memory at all; what is above the loader's own limit is reported there.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Why a directory of assets could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The directory itself is missing or is a file.
    #[error("`{path}` is not a directory of assets")]
    NotADirectory {
        /// The path as given.
        path: PathBuf,
    },
    /// A file or folder could not be read.
    #[error("cannot read `{path}`: {source}")]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not text.
    #[error("`{path}` is not UTF-8 text: the byte at offset {offset} is not valid")]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Offset of the first bad byte.
        offset: usize,
    },
    /// The name of a file is not text.
    #[error("`{path}` has a name that is not UTF-8")]
    BadName {
        /// The file or folder.
        path: PathBuf,
    },
    /// A file is larger than any file of assets.
    #[error("`{path}` has {bytes} bytes; files of assets are much smaller")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Folders are nested deeper than assets are.
    #[error("`{path}` is nested more than {DEPTH_MAX} folders deep")]
    TooDeep {
        /// The folder.
        path: PathBuf,
    },
}

/// A file of the embedded folder of navmeshes.
pub(crate) fn embedded_navmesh(name: &str) -> Option<&'static [u8]> {
    EMBEDDED.get_file(format!("{}/{name}", scenes::FOLDER)).map(include_dir::File::contents)
}

/// True for the files below the root that follow from the data.
fn is_navmesh(path: &str) -> bool {
    let folder = path.split_once('/').is_some_and(|(folder, _)| folder == scenes::FOLDER);
    folder && Path::new(path).extension().is_some_and(|extension| extension == scenes::EXTENSION)
}

/// The texts built into the binary.
pub fn embedded() -> AssetSources {
    let mut sources = AssetSources::new(EMBEDDED_ROOT);
    add_embedded(&EMBEDDED, &mut sources);
    sources
}

fn add_embedded(dir: &Dir<'_>, sources: &mut AssetSources) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => add_embedded(dir, sources),
            DirEntry::File(file) => {
                let path = file.path().to_str().map(|path| path.replace('\\', "/"));
                let path = path.filter(|path| !is_navmesh(path));
                if let (Some(path), Some(text)) = (path, file.contents_utf8()) {
                    sources.insert(path, text);
                }
            }
        }
    }
}

/// The texts of the files below `root`; names that begin with a dot are left out, as editors leave such files behind.
pub fn from_dir(root: &Path) -> Result<AssetSources, SourceError> {
    if !root.is_dir() {
        return Err(SourceError::NotADirectory { path: root.to_owned() });
    }
    let mut sources = AssetSources::new(root.to_string_lossy());
    add_dir(root, "", 0, &mut sources)?;
    Ok(sources)
}

fn add_dir(dir: &Path, prefix: &str, depth: usize, sources: &mut AssetSources) -> Result<(), SourceError> {
    if depth > DEPTH_MAX {
        return Err(SourceError::TooDeep { path: dir.to_owned() });
    }
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| SourceError::Unreadable { path, source }
    };
    for entry in fs::read_dir(dir).map_err(unreadable(dir))? {
        let path = entry.map_err(unreadable(dir))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(SourceError::BadName { path });
        };
        if name.starts_with('.') {
            continue;
        }
        let relative = format!("{prefix}{name}");
        let metadata = fs::metadata(&path).map_err(unreadable(&path))?;
        if metadata.is_dir() {
            add_dir(&path, &format!("{relative}/"), depth + 1, sources)?;
        } else if is_navmesh(&relative) {
            // Only its own reader knows whether it is any good.
        } else if metadata.len() > FILE_BYTES_MAX {
            return Err(SourceError::TooLarge { path, bytes: metadata.len() });
        } else {
            let bytes = fs::read(&path).map_err(unreadable(&path))?;
            let text = String::from_utf8(bytes)
                .map_err(|error| SourceError::NotUtf8 { offset: error.utf8_error().valid_up_to(), path })?;
            sources.insert(relative, text);
        }
    }
    Ok(())
}

/// The texts of `dir`, or those built into the binary.
pub fn sources(dir: Option<&Path>) -> Result<AssetSources, SourceError> {
    dir.map_or_else(|| Ok(embedded()), from_dir)
}

/// Loads and checks the data of `dir`, or the embedded data; the error prints every fault with its place.
pub fn load(dir: Option<&Path>) -> anyhow::Result<Arc<Assets>> {
    let sources = sources(dir).context("the assets could not be read")?;
    finish(Assets::examine(&sources), &sources)
}

/// The same, with every scene checked on its ground: what must be walkable is, and what must be reached can be.
pub fn load_on(dir: Option<&Path>, store: &NavStore) -> anyhow::Result<Arc<Assets>> {
    let sources = sources(dir).context("the assets could not be read")?;
    finish(examine_on(&sources, store), &sources)
}

/// Everything there is to say about `sources`, with the ground of their scenes.
pub(crate) fn examine_on(sources: &AssetSources, store: &NavStore) -> (Option<Assets>, AssetReport) {
    Assets::examine_on(sources, |assets, scene| store.ground_to_check(assets, scene))
}

/// All findings as people read them, without colours; for tests and tools.
#[must_use]
pub fn report_text(report: &AssetReport, sources: &AssetSources) -> String {
    diagnostics::render(report, sources, false)
}

/// All findings as people read them, and how many there are.
pub(crate) fn faults(report: &AssetReport, sources: &AssetSources) -> String {
    format!("{}{}", diagnostics::render(report, sources, false), diagnostics::error_count(report))
}

fn finish((assets, report): (Option<Assets>, AssetReport), sources: &AssetSources) -> anyhow::Result<Arc<Assets>> {
    let Some(assets) = assets else {
        bail!("the assets have faults\n\n{}", faults(&report, sources));
    };
    for warning in &report.findings {
        tracing::warn!(code = warning.code.as_str(), "{warning}");
    }
    ensure!(!assets.scenes.is_empty(), "the assets have no scene: players would have nowhere to go");
    ensure!(!assets.classes.is_empty(), "the assets have no class: players would have nothing to be");
    Ok(Arc::new(assets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_assets_load() {
        let assets = load(None).expect("the data in the repository is good");
        assert!(!assets.scenes.is_empty());
    }

    #[test]
    fn a_missing_directory_is_named() {
        let message = from_dir(Path::new("no/such/place")).expect_err("missing").to_string();
        assert_eq!(message, "`no/such/place` is not a directory of assets");
    }
}
