//! The door: turns a login that the endpoint has read into a session of some scene, and counts what the endpoint
//! reports. Names are whoever claims them: the embedded default has no accounts. The same name is the same player,
//! and the newest login wins. Who lost the link comes back by token, to the character as it stands in its scene.

use std::sync::Arc;

use net::endpoint::{Credentials, Gateway, Login, LoginAnswer, TransportEvent};
use net::mailbox::SceneEnd;
use net::protocol::Goodbye;
use net::resumption::{TokenDigest, new_resume_token};
use net::sessions::Handover;
use sim::ids::PlayerId;
use sim::input::Character;
use tracing::{debug, error, info};

use crate::assets::CurrentAssets;
use crate::health::{Health, Phase};
use crate::metrics::GatewayMetrics;
use crate::scenes::directory::{Directory, Entry, Ticket};
use crate::scenes::post::{Attach, Post};
use crate::scenes::stable_hash;
use crate::tick_loop::PANIC_EXIT_CODE;

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
    entry: Entry,
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

    fn failed(&self) {
        // A server that a part of its players cannot reach is to be started anew, and none that looks healthy.
        error!("a network thread has failed; the process ends");
        std::process::exit(PANIC_EXIT_CODE);
    }
}

impl LocalGateway {
    fn place(&self, login: Login, end: SceneEnd) -> Result<(), Goodbye> {
        let Login { credentials, session, remote } = login;
        if self.health.phase() == Phase::Stopping {
            return Err(Goodbye::Shutdown);
        }
        let handover = Handover::new(end, new_resume_token().ok_or(Goodbye::Internal)?);
        let ticket = Ticket { session, resume: handover.resume() };
        let Entered { player, entry, newcomer } = self.enter(credentials, ticket)?;
        let scene = entry.scene;
        debug!(%player, %remote, scene, name = newcomer.as_ref().map(|newcomer| &newcomer.name), "login");
        let attach = Attach { scene, player, newcomer, spawn_point: None, session: handover };
        self.post.send(attach).map_err(|attach| {
            info!(player = %attach.player, "a login was refused: its scene's queue is full");
            // Who plays goes on, and may still come back.
            self.directory.take_back(attach.player, session, entry);
            Goodbye::Full
        })
    }

    /// Finds out who it is and where they belong.
    fn enter(&self, credentials: Credentials, ticket: Ticket) -> Result<Entered, Goodbye> {
        match credentials {
            Credentials::Name { name, class } => {
                let class = self.class_named(class).ok_or(Goodbye::BadLogin)?;
                let player = player_of_name(&name);
                let entry = self.directory.enter(player, ticket).map_err(|_| Goodbye::Full)?;
                let newcomer = Some(Character { name, class, parts: Vec::new() });
                Ok(Entered { player, entry, newcomer })
            }
            Credentials::Resume { token } => {
                let resumed = self.directory.resume(TokenDigest::of(&token), ticket);
                let (player, entry) = resumed.map_err(|_| Goodbye::ResumeRefused)?;
                Ok(Entered { player, entry, newcomer: None })
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
    use net::mailbox::{SessionId, mailbox};
    use net::protocol::RESUME_TOKEN_BYTES;
    use sim::testing::test_assets;

    use super::*;
    use crate::metrics::Metrics;
    use crate::scenes::directory::SceneEntry;

    #[test]
    fn a_login_refused_for_a_full_queue_leaves_the_session_that_plays_its_token() {
        // The thread of the scene is gone, which is as full as can be.
        let (post, _) = Post::new(1, 1);
        let scenes = vec![SceneEntry { name: "scene/field".to_owned(), players_max: 9 }];
        let gateway = LocalGateway {
            assets: CurrentAssets::new(test_assets(&[])),
            directory: Arc::new(Directory::new(scenes, 0, 9)),
            post,
            health: Arc::new(Health::new([])),
            metrics: Metrics::new("test").unwrap().gateway(),
        };
        let player = player_of_name("Ada");
        let token = [7; RESUME_TOKEN_BYTES];
        let playing = Ticket { session: SessionId::next(), resume: Some(TokenDigest::of(&token)) };
        gateway.directory.enter(player, playing).unwrap();
        for credentials in
            [Credentials::Name { name: "ada".to_owned(), class: String::new() }, Credentials::Resume { token }]
        {
            let session = SessionId::next();
            let login = Login { credentials, session, remote: ([192, 0, 2, 1], 7_000).into() };
            assert_eq!(gateway.place(login, mailbox(session).1), Err(Goodbye::Full));
        }
        let later = Ticket { session: SessionId::next(), resume: None };
        let resumed = gateway.directory.resume(TokenDigest::of(&token), later);
        assert_eq!(resumed, Ok((player, Entry { scene: 0, former: Some(playing) })));
    }

    #[test]
    fn capitals_do_not_make_another_player() {
        assert_eq!(player_of_name("Ada"), player_of_name("aDA"));
        assert_ne!(player_of_name("Ada"), player_of_name("Adb"));
    }
}
