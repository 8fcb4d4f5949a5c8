//! The list by which mailboxes tell their scene that there is something to drain.

use std::sync::{Arc, Mutex};

use super::locked;

/// A list of tokens, shared by a scene and the mailboxes of its sessions; see [`super::SceneEnd::listen`]. A mailbox is
/// on it at most once between two drains, so it is as long as sessions have something to say.
#[derive(Debug, Clone, Default)]
pub struct Ready(Arc<Mutex<Vec<u64>>>);

impl Ready {
    pub(super) fn push(&self, token: u64) {
        locked(&self.0).push(token);
    }

    /// Replaces `into` by the tokens that came since the last call, in ascending order and each once.
    pub fn take(&self, into: &mut Vec<u64>) {
        into.clear();
        std::mem::swap(&mut *locked(&self.0), into);
        into.sort_unstable();
        into.dedup();
    }
}
