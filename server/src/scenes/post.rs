//! How the gateway and other scenes reach the thread that runs a scene: a bounded queue per thread, written to
//! without ever waiting. A full queue hands the order back, and whoever sent it says no to the player.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use net::sessions::Handover;
use sim::ids::PlayerId;
use sim::input::Character;

/// Orders that may wait for one thread: as many as players may log in within a tick or two.
const WAITING_MAX: usize = 4_096;

/// Brings a player's session to a scene; the character comes from the directory when the scene takes it.
pub struct Attach {
    /// Place of the scene in the server's list.
    pub scene: usize,
    /// Who comes.
    pub player: PlayerId,
    /// The character that is made now, if none is kept; `None` for a session that resumes one.
    pub newcomer: Option<Character>,
    /// Where to appear; `None` for where the character was, or the scene's first spawn point.
    pub spawn_point: Option<String>,
    /// The session.
    pub session: Handover,
}

/// The senders to all tick threads.
#[derive(Clone)]
pub struct Post {
    threads: Vec<SyncSender<Attach>>,
    scene_count: usize,
}

impl Post {
    /// Makes the queues of `thread_count` (at least 1) threads that share `scene_count` scenes.
    #[must_use]
    pub fn new(thread_count: usize, scene_count: usize) -> (Self, Vec<Receiver<Attach>>) {
        let (threads, receivers) = (0..thread_count.max(1)).map(|_| sync_channel(WAITING_MAX)).unzip();
        (Self { threads, scene_count }, receivers)
    }

    /// Which thread runs a scene: they are dealt out in turn.
    #[must_use]
    pub fn thread_of(&self, scene: usize) -> usize {
        scene % self.threads.len()
    }

    /// Sends a session to its scene's thread.
    ///
    /// # Errors
    /// Hands it back when the thread's queue is full, or the thread is gone, or there is no such scene.
    pub fn send(&self, attach: Attach) -> Result<(), Box<Attach>> {
        let thread = self.threads.get(self.thread_of(attach.scene)).filter(|_| attach.scene < self.scene_count);
        let Some(thread) = thread else { return Err(Box::new(attach)) };
        thread.try_send(attach).map_err(|refused| match refused {
            std::sync::mpsc::TrySendError::Full(attach) | std::sync::mpsc::TrySendError::Disconnected(attach) => {
                Box::new(attach)
            }
        })
    }
}
