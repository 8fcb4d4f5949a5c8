//! The door: turns a login that the endpoint has read into a session of some scene, and counts what the endpoint
//! reports. Names are whoever claims them: the embedded default has no accounts. The same name is the same player,
//! and the newest login wins. Who lost the link comes back by token, to the character as it stands in its scene.

use std::sync::Arc;

use net::endpoint::{Credentials, Gateway, Login, LoginAnswer, TransportEvent, new_resume_token};
use net::mailbox::SceneEnd;
use net::protocol::Goodbye;
use net::sessions::Handover;
use sim::ids::PlayerId;
use sim::input::Character;
use tracing::{debug, info};

use crate::assets::CurrentAssets;
use crate::health::{Health, Phase};
use crate::metrics::GatewayMetrics;
use crate::scenes::directory::{Directory, Ticket};
use crate::scenes::post::{Attach, Post};
use crate::scenes::stable_hash;

/// The gateway of a server whose scenes run in the same process.
pub struct LocalGateway {
    /// The game data, for the names of classes.
    pub assets: CurrentAssets,
    /// Who is where.
    pub directory: Arc<Directory>,
    /// The way to the scenes' threads.
    pub post: Post,
    /// Whether players may come.
    pub health: Arc<Health>,
    /// Counts.
    pub metrics: GatewayMetrics,
}

/// A player with a place in the directory.
struct Entered {
    player: PlayerId,
    scene: usize,
    /// The player was not present before.
    newly: bool,
    newcomer: Option<Character>,
}

/// The player behind a name; capitals make no difference.
#[must_use]
pub fn player_of_name(name: &str) -> PlayerId {
    PlayerId(stable_hash(name.bytes().map(|byte| byte.to_ascii_lowercase())))
}

impl Gateway for LocalGateway {
    fn login(&self, login: Login, end: SceneEnd) -> LoginAnswer<'_> {
        Box::pin(std::future::ready(self.place(login, end)))
    }

    fn note(&self, event: TransportEvent) {
        self.metrics.note(event);
    }
}

impl LocalGateway {
    fn place(&self, login: Login, end: SceneEnd) -> Result<(), Goodbye> {
        let Login { credentials, session, remote } = login;
        if self.health.phase() == Phase::Stopping {
            return Err(Goodbye::Shutdown);
        }
        let ticket = Ticket { session, resume: new_resume_token().ok_or(Goodbye::Internal)? };
        let Entered { player, scene, newly, newcomer } = self.enter(credentials, ticket)?;
        debug!(%player, %remote, scene, name = newcomer.as_ref().map(|newcomer| &newcomer.name), "login");
        let handover = Handover::new(end, ticket.resume);
        let attach = Attach { scene, player, newcomer, spawn_point: None, session: handover };
        self.post.send(attach).map_err(|attach| {
            info!(player = %attach.player, "a login was refused: its scene's queue is full");
            if newly {
                self.directory.cancel(attach.player, session);
            }
            Goodbye::Full
        })
    }

    /// Finds out who it is and where they belong.
    fn enter(&self, credentials: Credentials, ticket: Ticket) -> Result<Entered, Goodbye> {
        match credentials {
            Credentials::Name { name, class } => {
                let class = self.class_named(class).ok_or(Goodbye::BadLogin)?;
                let player = player_of_name(&name);
                let (scene, newly) = self.directory.enter(player, ticket).map_err(|_| Goodbye::Full)?;
                let newcomer = Some(Character { name, class, parts: Vec::new() });
                Ok(Entered { player, scene, newly, newcomer })
            }
            Credentials::Resume { token } => {
                let resumed = self.directory.resume(&token, ticket);
                let (player, scene) = resumed.map_err(|_| Goodbye::ResumeRefused)?;
                Ok(Entered { player, scene, newly: false, newcomer: None })
            }
        }
    }

    /// The class asked for; an empty name asks for the first there is.
    fn class_named(&self, class: String) -> Option<String> {
        let assets = self.assets.get();
        let classes = &assets.classes;
        if class.is_empty() {
            return classes.iter().next().map(|(_, def)| def.id.clone());
        }
        classes.by_name(&class).map(|_| class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_do_not_make_another_player() {
        assert_eq!(player_of_name("Ada"), player_of_name("aDA"));
        assert_ne!(player_of_name("Ada"), player_of_name("Adb"));
    }
}
