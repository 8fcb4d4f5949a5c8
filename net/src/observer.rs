//! An observer: hears what a player's client would be told on a path without loss or delay, and leaves no trace in the
//! scene. For tools that look at a replay, and for tests.

use bytes::Bytes;
use sim::ids::PlayerId;
use sim::locomotion::StepInput;
use sim::scene::Scene;
use sim::tick::TICK_MS;

use crate::client::ClientSession;
use crate::mailbox::{Inbound, SessionId, TaskEnd, mailbox};
use crate::sessions;

/// A client that is not there.
pub struct Observer {
    task: TaskEnd,
    client: ClientSession,
    datagram: Vec<u8>,
    told_bytes: usize,
}

impl Observer {
    /// Looks over a player's shoulder from the next tick on. A client that plays this player is told that it was kicked.
    /// `None` when the player has no character in the scene.
    #[must_use]
    pub fn attach(scene: &mut Scene, player: PlayerId) -> Option<Observer> {
        let (task, end) = mailbox(SessionId::next());
        let client = ClientSession::default();
        sessions::attach_silently(scene, player, end).then_some(Observer {
            task,
            client,
            datagram: Vec::new(),
            told_bytes: 0,
        })
    }

    /// Takes in what the scene's last tick has sent, and acknowledges it. Call after every tick.
    pub fn follow(&mut self, scene: &Scene) {
        let outgoing = self.task.take();
        for frame in &outgoing.frames {
            self.task.written(frame.len());
            self.client.on_frame(frame);
        }
        let now_us = u64::from(scene.tick_number()) * u64::from(TICK_MS) * 1_000;
        self.told_bytes = outgoing.datagrams.iter().map(Bytes::len).sum();
        outgoing.datagrams.iter().for_each(|datagram| self.client.on_datagram(datagram, now_us));
        for frame in self.client.take_outgoing() {
            let _room = self.task.push(Inbound::Frame { bytes: frame, received_us: now_us });
        }
        // Its steps are not heard; what it has received is.
        if self.client.input(StepInput::default(), now_us, &mut self.datagram).is_ok() {
            let bytes = Bytes::copy_from_slice(&self.datagram);
            let _room = self.task.push(Inbound::Datagram { bytes, received_us: now_us });
        }
    }

    /// What it knows.
    #[must_use]
    pub fn client(&self) -> &ClientSession {
        &self.client
    }

    /// Bytes of the state datagrams of the last tick.
    #[must_use]
    pub fn told_bytes(&self) -> usize {
        self.told_bytes
    }
}
