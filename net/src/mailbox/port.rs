//! How the rest of the process reaches a network thread: everything for it since it last looked, behind one lock.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::Notify;

use super::locked;
use crate::driver::{LinkKey, Origin};
use crate::protocol::Goodbye;

/// Packets of another thread's socket that may wait, 6 MB of the largest. They come from clients that have changed their
/// address, which is rare, and from whoever makes up connection ids, which is why there is an end to it.
const PACKETS_MAX: usize = 4_096;

/// A connection whose datagrams are to be sent at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// When, on [`super::now_us`]'s clock.
    pub(crate) at_us: u64,
    pub(crate) link: LinkKey,
}

/// What a network thread finds when it looks.
#[derive(Debug, Default)]
pub(crate) struct PortNews {
    /// Connections with something to send.
    pub(crate) called: Vec<LinkKey>,
    /// The departures of ticks, each in order of time.
    pub(crate) departures: Vec<Vec<Due>>,
    /// Logins that the gateway has answered.
    pub(crate) placed: Vec<(LinkKey, Result<(), Goodbye>)>,
    /// Packets that came through the socket of another thread.
    pub(crate) packets: Vec<(Origin, Bytes)>,
    /// All sessions are to end.
    pub(crate) closing: Option<Goodbye>,
    /// The thread is to end.
    pub(crate) is_over: bool,
}

/// The way to a network thread.
#[derive(Default)]
pub(crate) struct Port {
    news: Mutex<PortNews>,
    /// Lists of departures that are done with, to be filled again.
    spare: Mutex<Vec<Vec<Due>>>,
    wake: Notify,
}

impl Port {
    /// Adds to the news and wakes the thread.
    pub(crate) fn tell(&self, news: impl FnOnce(&mut PortNews)) {
        news(&mut locked(&self.news));
        self.wake.notify_one();
    }

    /// Hands a packet over that came through the socket of another thread; false when too many wait.
    pub(crate) fn divert(&self, origin: Origin, packet: &[u8]) -> bool {
        let mut news = locked(&self.news);
        if news.packets.len() >= PACKETS_MAX {
            return false;
        }
        news.packets.push((origin, Bytes::copy_from_slice(packet)));
        drop(news);
        self.wake.notify_one();
        true
    }

    /// A connection has something to send.
    pub(super) fn call(&self, link: LinkKey) {
        self.tell(|news| news.called.push(link));
    }

    /// Exchanges the news for what `into` holds, which has to be nothing.
    pub(crate) fn take(&self, into: &mut PortNews) {
        std::mem::swap(&mut *locked(&self.news), into);
    }

    /// Gives a list of departures back.
    pub(crate) fn reuse(&self, mut done: Vec<Due>) {
        done.clear();
        locked(&self.spare).push(done);
    }

    /// Waits for news.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }
}

/// Who is sent to in a tick, and when: filled with [`super::SceneEnd::send_datagrams_at`] in order of time, and handed
/// over to the network threads as a whole.
#[derive(Default)]
pub struct Departures {
    lists: Vec<(Arc<Port>, Vec<Due>)>,
}

impl Departures {
    pub(super) fn add(&mut self, port: &Arc<Port>, link: LinkKey, at_us: u64) {
        let due = Due { at_us, link };
        match self.lists.iter_mut().find(|(known, _)| Arc::ptr_eq(known, port)) {
            Some((_, list)) => list.push(due),
            None => self.lists.push((Arc::clone(port), vec![due])),
        }
    }

    /// Hands everything over; what was added is sent from now on.
    pub fn hand_over(&mut self) {
        for (port, list) in self.lists.iter_mut().filter(|(_, list)| !list.is_empty()) {
            let empty = locked(&port.spare).pop().unwrap_or_default();
            let list = std::mem::replace(list, empty);
            port.tell(|news| news.departures.push(list));
        }
    }
}

impl std::fmt::Debug for Departures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Departures").field("threads", &self.lists.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_nobody_takes_are_refused_at_a_bound() {
        let origin = Origin { remote: ([192, 0, 2, 1], 7_000).into(), local_ip: None, ecn: None };
        let (port, mut news) = (Port::default(), PortNews::default());
        assert_eq!((0..PACKETS_MAX + 100).filter(|_| port.divert(origin, b"packet")).count(), PACKETS_MAX);
        port.take(&mut news);
        assert_eq!(news.packets.len(), PACKETS_MAX);
        assert!(port.divert(origin, b"packet"), "there is room again");
    }
}
