//! Replay bundles: what a bot leaves behind that was shown what cannot be true. A folder with its recording and a plan in
//! words; feeding the recording through the client library again shows the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use net::client::ClientSession;
use serde::{Deserialize, Serialize};
use sim::assets::Assets;

use crate::bot::Bot;
use crate::herd::Field;
use crate::recording::{EntryKind, Recording, entries};
use crate::truth::Truth;
use crate::{Behaviour, Plan, RunError};

/// The file in a bundle that says what it is.
const ABOUT: &str = "bundle.json";
/// The file with the recording.
const RECORDING: &str = "recording.bin";

/// What a bundle is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What was typed.
    pub command_line: String,
    /// The seed of the bots.
    pub seed: u64,
    /// The bot's number.
    pub number: u32,
    /// What it did.
    pub behaviour: String,
    /// Hash of the game data, in hexadecimal.
    pub assets_hash: String,
    /// Whether it checked what it was shown of others.
    #[serde(default = "always")]
    pub checks: bool,
    /// Turns between two of its looks at everything in view; absent in bundles that were left before this was told.
    #[serde(default)]
    pub look_turns: Option<u32>,
    /// The bot's turn in which it saw what cannot be true.
    pub turn: u32,
    /// What that was.
    pub violation: String,
    /// The newest log of the server on the same machine, for `mainspring replay`.
    pub server_log: Option<PathBuf>,
}

fn always() -> bool {
    true
}

/// What came of feeding a bundle through the client library again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// What the bundle is of.
    pub about: About,
    /// What was seen in this run that cannot be true, in words.
    pub violations: Vec<String>,
    /// Datagrams and frames that were fed.
    pub fed: usize,
}

impl Replayed {
    /// Whether the recorded violation was seen again.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.violations.contains(&self.about.violation)
    }
}

/// Why a bundle cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file is missing or cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The description is damaged.
    #[error("{path} is no description of a bundle: {source}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The game data is another.
    #[error("the bundle was made with other game data (hash {theirs}) than this ({ours:016x}): pass it with --assets")]
    OtherAssets {
        /// The bundle's hash.
        theirs: String,
        /// The hash at hand.
        ours: u64,
    },
    /// The scenes cannot be built.
    #[error(transparent)]
    Scenes(#[from] RunError),
}

/// Writes a bundle into a folder of its own below `folder`, and answers where it is; `None` for a recording that is not
/// whole.
pub(crate) fn save(folder: &Path, about: &About, recording: &Recording) -> io::Result<Option<PathBuf>> {
    let Some(bytes) = recording.bytes() else { return Ok(None) };
    let own = folder.join(format!("bot-{}-turn-{}", about.number, about.turn));
    fs::create_dir_all(&own)?;
    fs::write(own.join(ABOUT), serde_json::to_string_pretty(about).map_err(io::Error::other)?)?;
    fs::write(own.join(RECORDING), bytes)?;
    Ok(Some(own))
}

/// Feeds a bundle through the client library again, with the same eyes on it.
///
/// # Errors
/// [`ReplayError`] when the bundle cannot be read or belongs to other game data.
pub fn replay(folder: &Path, assets: Arc<Assets>) -> Result<Replayed, ReplayError> {
    let path = folder.join(ABOUT);
    let read = |path: &Path| fs::read(path).map_err(|source| ReplayError::Unreadable { path: path.into(), source });
    let about: About = serde_json::from_slice(&read(&path)?).map_err(|source| ReplayError::Damaged { path, source })?;
    if about.assets_hash != format!("{:016x}", assets.hash) {
        return Err(ReplayError::OtherAssets { theirs: about.assets_hash, ours: assets.hash });
    }
    let recording = read(&folder.join(RECORDING))?;
    let behaviour: Behaviour = about.behaviour.parse().unwrap_or(Behaviour::Idle);
    let plan = Plan { seed: about.seed, behaviour, ..Plan::new(([127, 0, 0, 1], 0).into(), assets) };
    let field = Field::new(&plan)?;
    let (mut bot, mut session, mut fed) = (Bot::of_bundle(&field, &about), ClientSession::default(), 0);
    for entry in entries(&recording) {
        match entry.kind {
            EntryKind::DatagramIn => session.on_datagram(entry.bytes, entry.at),
            EntryKind::FrameIn => session.on_frame(entry.bytes),
            EntryKind::DatagramOut | EntryKind::FrameOut => {}
            EntryKind::Truth => {
                if let Some(truth) = Truth::from_bytes(entry.bytes) {
                    bot.hear_truth(&session, &truth);
                }
            }
            EntryKind::Turn => bot.look_again(&mut session, u32::try_from(entry.at).unwrap_or(u32::MAX)),
        }
        fed += usize::from(!matches!(entry.kind, EntryKind::Turn | EntryKind::Truth));
    }
    let (_, violations) = bot.into_violations();
    Ok(Replayed { about, violations, fed })
}

/// The newest file in a server's folder of logs.
pub(crate) fn newest_log(data: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(data.join("replay")).ok()?.flatten();
    let dated = files.filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path())));
    dated.max().map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use sim::testing::test_assets;

    use super::*;

    const OLD: &str = r#"{ "command_line": "", "seed": 1, "number": 0, "behaviour": "roam", "assets_hash": "0", "turn": 60,
        "violation": "", "server_log": null }"#;

    /// The turns up to the 120th in which a bot looks at everything in view.
    fn looks(about: &About) -> Vec<u32> {
        let field = Field::new(&Plan::new(([127, 0, 0, 1], 0).into(), test_assets(&[]))).unwrap();
        let (mut bot, mut session) = (Bot::of_bundle(&field, about), ClientSession::default());
        let look = |turn| {
            bot.look_again(&mut session, turn);
            bot.looks_now().then_some(turn)
        };
        (1..=120).filter_map(look).collect()
    }

    #[test]
    fn a_bot_of_a_bundle_looks_as_often_as_the_one_that_left_it() {
        let old: About = serde_json::from_str(OLD).unwrap();
        assert_eq!(looks(&old).len(), 12, "as in a small test");
        let large = About { look_turns: Some(60), ..old.clone() };
        let read: About = serde_json::from_str(&serde_json::to_string(&large).unwrap()).unwrap();
        assert_eq!(looks(&read), [60, 120]);
        assert_eq!(looks(&About { checks: false, ..old }).len(), 0);
    }
}
