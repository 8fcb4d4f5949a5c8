//! What the loader reads: an ordered map from path to text, so that loading needs no file system and no clock.
//! Paths are relative to the assets directory and use `/`; `root` is only put in front of them in messages.
//! The hash covers paths and texts, never the root, and does not depend on the line endings of a check-out.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use xxhash_rust::xxh3::Xxh3;

use super::core;

/// The texts of an assets directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssetSources {
    root: String,
    files: BTreeMap<String, Arc<str>>,
}

impl AssetSources {
    /// No files yet; `root` is the directory as the user wrote it, for messages.
    pub fn new(root: impl Into<String>) -> Self {
        Self { root: root.into(), files: BTreeMap::new() }
    }

    /// Adds or replaces the file at `path`, relative to the root and with `/` between folders.
    pub fn insert(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.files.insert(path.into(), text.into().into());
    }

    /// Takes the file at `path` out.
    pub fn remove(&mut self, path: &str) {
        self.files.remove(path);
    }

    /// The same sources with one more file; for tests and tools that build sources in one expression.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, text: impl Into<String>) -> Self {
        self.insert(path, text);
        self
    }

    /// The text at `path`, relative to the root, or the built-in one at a path below `core/`.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(AsRef::as_ref).or_else(|| core::text(path))
    }

    /// Every path with its text, in the order of paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_ref()))
    }

    /// How a message names the file at `path`.
    pub fn display_path(&self, path: &str) -> String {
        if core::text(path).is_some() {
            return format!("(built in) {path}");
        }
        match self.root.trim_end_matches('/') {
            "" => path.to_owned(),
            root => format!("{root}/{path}"),
        }
    }

    /// xxh3 over every path and text in the order of paths, with CR LF read as LF.
    pub fn hash(&self) -> u64 {
        let mut hasher = Xxh3::new();
        for (path, text) in &self.files {
            // The lengths keep a text that looks like the next path from hashing the same.
            hasher.update(&(path.len() as u64).to_le_bytes());
            hasher.update(path.as_bytes());
            let text = if text.contains('\r') { text.replace("\r\n", "\n").into() } else { Cow::Borrowed(&**text) };
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_ignores_the_root_and_line_endings() {
        let unix = AssetSources::new("a").with("items/x.ron", "one\ntwo\n");
        let windows = AssetSources::new("b/c").with("items/x.ron", "one\r\ntwo\r\n");
        assert_eq!(unix.hash(), windows.hash());
    }

    #[test]
    fn the_hash_tells_paths_and_texts_apart() {
        let base = AssetSources::new("").with("a", "bc");
        assert_ne!(base.hash(), AssetSources::new("").with("ab", "c").hash());
        assert_ne!(base.hash(), AssetSources::new("").with("a", "bd").hash());
    }
}
