//! Mending: when the client asks for its whole view because something that it was told is missing or damaged.
//!
//! The server forgets no request that it has read, but a busy client's are dropped like anything over its rate limit: while
//! the view does not come, it is asked for again now and then. Ticks are the server's, as its state frames tell them.

use crate::protocol::KEYFRAME_TICKS_MIN;

/// Ticks after which it is asked for again: longer than the server may put it off, and a long way there and back.
const AGAIN_TICKS: u32 = 3 * KEYFRAME_TICKS_MIN;

/// What is known of a request.
#[derive(Debug, Default)]
pub(super) struct Mending {
    asked_tick: Option<u32>,
    newest_tick: u32,
}

impl Mending {
    /// Everything came anew in a tick.
    pub(super) fn done(tick: u32) -> Self {
        Self { asked_tick: None, newest_tick: tick }
    }

    /// Something is missing or damaged; true when that is to be asked for, and has not been yet.
    pub(super) fn is_new_damage(&mut self) -> bool {
        let is_new = self.asked_tick.is_none();
        self.asked_tick.get_or_insert(self.newest_tick);
        is_new
    }

    /// A state frame came; true when it is time to ask again.
    pub(super) fn is_overdue(&mut self, tick: u32) -> bool {
        self.newest_tick = tick;
        let is_overdue = self.asked_tick.is_some_and(|asked| tick.saturating_sub(asked) >= AGAIN_TICKS);
        if is_overdue {
            self.asked_tick = Some(tick);
        }
        is_overdue
    }
}
