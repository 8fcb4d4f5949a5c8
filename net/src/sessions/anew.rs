//! Telling a client its scene from the beginning, as state or as log: for who asks for a keyframe, begins to follow, or
//! follows no more.
//!
//! Either is a thousand times what it takes to ask for it, so it is done at most once a second. Whoever asks sooner is told
//! then and need not ask again; of several wishes the newest counts. Receive stage, but for a log that has come to its end.

use super::Session;
use crate::lockstep::Follower;
use crate::protocol::{KEYFRAME_TICKS_MIN, ServerMessage};

/// What a client is told from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// The scene and everything in view.
    State,
    /// The scene's log.
    Log,
}

/// When a client was told from the beginning, and whether it is to be again.
#[derive(Debug, Default)]
pub(crate) struct Beginnings {
    last_tick: Option<u32>,
    owed: Option<Telling>,
}

impl Session {
    /// Tells the client its whole view anew; false when that has to wait. Whoever has the log has no view.
    pub(crate) fn give_keyframe(&mut self, tick: u32) -> bool {
        self.has_log() || self.begin_when_due(Telling::State, tick)
    }

    /// Sends the log from its beginning instead of the state.
    pub(crate) fn follow(&mut self, tick: u32) {
        self.begin_when_due(Telling::Log, tick);
    }

    /// Sends the state again, all of it, instead of the log.
    pub(crate) fn unfollow(&mut self, tick: u32) {
        if self.has_log() {
            self.begin_when_due(Telling::State, tick);
        }
    }

    /// The same for a log that there is no more of, at once, and says so.
    pub(crate) fn end_following(&mut self, tick: u32) {
        self.begin(Telling::State, tick);
        self.send(&ServerMessage::FollowEnded { scene_epoch: self.scene_epoch });
    }

    /// Does what had to wait, once it need not any more; true when nothing waits. To be asked in every tick until then, for
    /// which the session lists itself.
    pub(crate) fn begin_owed(&mut self, tick: u32) -> bool {
        let Some(telling) = self.beginnings.owed else { return true };
        let is_early = self.beginnings.last_tick.is_some_and(|last| tick.wrapping_sub(last) < KEYFRAME_TICKS_MIN);
        if is_early {
            self.end.list();
        } else {
            self.begin(telling, tick);
        }
        !is_early
    }

    /// The client is sent the log, or is about to be.
    fn has_log(&self) -> bool {
        self.follower.is_some() || self.beginnings.owed == Some(Telling::Log)
    }

    fn begin_when_due(&mut self, telling: Telling, tick: u32) -> bool {
        self.beginnings.owed = Some(telling);
        self.begin_owed(tick)
    }

    fn begin(&mut self, telling: Telling, tick: u32) {
        self.beginnings = Beginnings { last_tick: Some(tick), owed: None };
        match telling {
            Telling::State => {
                self.follower = None;
                self.view.restart();
            }
            Telling::Log => self.follower = Some(Follower::since(tick)),
        }
    }
}
