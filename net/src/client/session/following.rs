//! Following: a client that is sent the log of its scene simulates the scene itself, and tells the server what it comes to.

use bytes::Bytes;
use sim::scene::SceneConfig;

use super::ClientSession;
use crate::client::lockstep::FollowedScene;
use crate::codec::{EncodeError, encode_client_message};
use crate::protocol::ClientMessage;

impl ClientSession {
    /// Begins to follow the log of the current scene, and returns the frame that asks for it, without prefix. It ends with
    /// the scene, and when the server says that there is no log, or no more of it.
    ///
    /// # Errors
    /// Never, as long as the message fits a frame.
    pub fn follow(&mut self, config: SceneConfig) -> Result<Bytes, EncodeError> {
        self.followed = Some(Box::new(FollowedScene::new(config)));
        self.ask_to_follow(true)
    }

    /// Follows no more, and returns the frame that asks for the state instead.
    ///
    /// # Errors
    /// Never, as long as the message fits a frame.
    pub fn unfollow(&mut self) -> Result<Bytes, EncodeError> {
        self.followed = None;
        self.ask_to_follow(false)
    }

    fn ask_to_follow(&self, log: bool) -> Result<Bytes, EncodeError> {
        let scene_epoch = self.world.scene().map_or(0, |scene| scene.epoch);
        encode_client_message(&ClientMessage::Follow { scene_epoch, log })
    }

    /// The scene as the client simulates it, while it follows one; when it does not, the scene is as its state says.
    #[must_use]
    pub fn followed(&self) -> Option<&FollowedScene> {
        self.followed.as_deref()
    }

    /// The same, to look into.
    #[must_use]
    pub fn followed_mut(&mut self) -> Option<&mut FollowedScene> {
        self.followed.as_deref_mut()
    }

    /// A piece of the log came; what the scene has come to is told when the server wants to compare.
    pub(super) fn on_log(&mut self, place: (bool, bool), compare_ticks: u32, bytes: &[u8]) {
        let scene_epoch = self.world.scene().map_or(0, |scene| scene.epoch);
        let hash = self.followed.as_mut().and_then(|followed| followed.take(place, compare_ticks, bytes));
        if let Some((tick, hash)) = hash {
            self.outgoing.extend(encode_client_message(&ClientMessage::StateHash { scene_epoch, tick, hash }));
        }
    }
}
