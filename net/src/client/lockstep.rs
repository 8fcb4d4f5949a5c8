//! The client's half of frame synchronisation: the scene itself, simulated from the server's log of it.
//!
//! The client brings the game data and the ground; the seed and everything that happens come from the log. What the
//! simulation comes to is reported to the server at the ticks it asks for, and when the two differ the server sends the log
//! from its beginning and the scene is built anew.

use sim::digest::combined;
use sim::log::{LogError, LogHeader, LogPart, LogStream, TickRecord};
use sim::scene::{Scene, SceneConfig};

/// Why a log cannot be followed. The client can ask for the state instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// It is damaged, or not a log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// It began with other game data.
    #[error("the scene began with game data {recorded:016x}, and the client has {held:016x}")]
    OtherAssets {
        /// What the log says.
        recorded: u64,
        /// Of what the client has.
        held: u64,
    },
}

/// A scene that is followed.
pub struct FollowedScene {
    config: SceneConfig,
    log: LogStream,
    scene: Option<Scene>,
    /// The log has come from its beginning: what was on the way before is of a log that was asked for earlier.
    has_begun: bool,
    compare_ticks: u32,
    /// The last tick to be compared, and what it has come to.
    hash: Option<(u32, u64)>,
    restarts: u32,
    failed: Option<FollowError>,
}

impl FollowedScene {
    /// Prepares to follow a scene made from `config`, whatever its seed says. The ground has to be the server's.
    #[must_use]
    pub fn new(config: SceneConfig) -> FollowedScene {
        let log = LogStream::default();
        FollowedScene {
            config,
            log,
            scene: None,
            has_begun: false,
            compare_ticks: 0,
            hash: None,
            restarts: 0,
            failed: None,
        }
    }

    /// Takes in a piece of the log and simulates the ticks in it; answers a tick and its state hash when the piece reaches
    /// the present and one is due that has not been answered before.
    pub(super) fn take(&mut self, (anew, live): (bool, bool), compare_ticks: u32, bytes: &[u8]) -> Option<(u32, u64)> {
        if anew {
            self.restarts += u32::from(self.scene.is_some());
            (self.log, self.scene, self.hash, self.failed) = (LogStream::default(), None, None, None);
        }
        self.has_begun |= anew;
        if !self.has_begun {
            return None;
        }
        self.compare_ticks = compare_ticks;
        if self.failed.is_none() {
            self.log.push(bytes);
            self.failed = self.simulate().err();
        }
        // On the way through the past nobody waits for what it was.
        self.hash.take_if(|_| live && self.failed.is_none())
    }

    fn simulate(&mut self) -> Result<(), FollowError> {
        while let Some(part) = self.log.next_part()? {
            match part {
                LogPart::Header(header) => self.build(&header)?,
                LogPart::Tick(record) => self.tick(record),
                LogPart::End => {}
            }
        }
        Ok(())
    }

    fn build(&mut self, header: &LogHeader) -> Result<(), FollowError> {
        let assets = &self.config.assets;
        let scene = assets.scenes.by_name(&header.scene);
        let scene = scene.ok_or_else(|| LogError::UnknownScene { scene: header.scene.clone() })?;
        let (recorded, held) = (header.assets_hash, assets.hash);
        if recorded != held {
            return Err(FollowError::OtherAssets { recorded, held });
        }
        let mut built = Scene::new(&SceneConfig { scene, seed: header.seed, ..self.config.clone() }, |_| {});
        let ours: Vec<&str> = built.state_hashes().into_iter().map(|(subsystem, _)| subsystem).collect();
        if header.subsystems != ours {
            let (recorded, ours) = (header.subsystems.join(", "), ours.join(", "));
            return Err(LogError::OtherSubsystems { recorded, ours }.into());
        }
        self.scene = Some(built);
        Ok(())
    }

    fn tick(&mut self, record: TickRecord) {
        let Some(scene) = &mut self.scene else { return };
        record.inputs.into_iter().for_each(|input| scene.push(input));
        scene.tick();
        // Characters that leave are the server's to keep.
        scene.take_outputs();
        if self.compare_ticks > 0 && record.tick.is_multiple_of(self.compare_ticks) {
            self.hash = Some((record.tick, combined(&scene.state_hashes())));
        }
    }

    /// The scene as it is after the newest tick that came; `None` before the beginning of the log did.
    #[must_use]
    pub fn scene(&self) -> Option<&Scene> {
        self.scene.as_ref()
    }

    /// The same, to look into with queries. Whoever changes it is out of step.
    #[must_use]
    pub fn scene_mut(&mut self) -> Option<&mut Scene> {
        self.scene.as_mut()
    }

    /// How often the server had it begin anew.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Why it cannot go on, if it cannot.
    #[must_use]
    pub fn failed(&self) -> Option<&FollowError> {
        self.failed.as_ref()
    }
}
