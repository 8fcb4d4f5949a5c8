//! One network thread: a driver, the sessions behind it, and the loop that turns what the process tells it and what
//! comes from the network into visits.
//!
//! The datagrams of a tick leave one after another at the times the scene gave them, as many as are due in each slice
//! and never all in one burst. A login is a future of the gateway; it runs beside the slices, on the same thread.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use quinn_proto::ConnectionError;
use tokio::time::timeout;

use super::admission::{Admission, Refusal};
use super::routing;
use super::session::{Scratch, Session, Step, login_of};
use super::{Gateway, TransportEvent};
use crate::codec::FrameReader;
use crate::driver::{Answer, Application, Driver, Knock, Origin, Wire, pause};
use crate::mailbox::{Due, Port, PortNews, mailbox_through, now_us};
use crate::protocol::{ClientMessage, Goodbye};

/// How long the gateway may take to place a player.
const PLACE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a thread that is over waits for the last packets of closed connections.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest time between two slices, without any reason.
const IDLE_SLICE: Duration = Duration::from_secs(1);

/// A network thread.
pub(super) struct Serving {
    pub(super) driver: Driver<Session>,
    pub(super) desk: Desk,
}

/// What the sessions of a thread share.
pub(super) struct Desk {
    pub(super) gateway: Arc<dyn Gateway>,
    pub(super) admission: Arc<Admission>,
    /// The ports of all threads of the endpoint.
    pub(super) ports: Arc<[Arc<Port>]>,
    /// Which of them is this thread's.
    pub(super) index: usize,
    pub(super) scratch: Scratch,
    pub(super) closing: Option<Goodbye>,
    /// Logins that the gateway has not answered.
    pub(super) logins: usize,
}

/// The departures of one tick, as far as they have not left.
struct Leaving {
    list: Vec<Due>,
    gone: usize,
}

impl Serving {
    /// Runs until the endpoint is closed.
    pub(super) async fn run(mut self) {
        let _panic = TellOfPanic(Arc::clone(&self.desk.gateway));
        if let Err(error) = self.serve().await {
            tracing::error!(%error, thread = self.desk.index, "the game socket is broken; its sessions are lost");
            self.desk.gateway.failed();
        }
    }

    async fn serve(&mut self) -> io::Result<()> {
        let port = Arc::clone(&self.desk.ports[self.desk.index]);
        let (mut news, mut leaving) = (PortNews::default(), Vec::new());
        let mut over_at = None;
        loop {
            let began = Instant::now();
            port.take(&mut news);
            self.take_news(&mut news, &mut leaving);
            if std::mem::take(&mut news.is_over) {
                self.close_all();
                over_at = Some(began + DRAIN_TIMEOUT);
            }
            let next_departure = self.depart(&mut leaving, &port);
            let busy = self.driver.slice(&mut self.desk)?;
            if over_at.is_some_and(|over_at| self.driver.connections() == 0 || began >= over_at) {
                return Ok(());
            }
            let until = [self.driver.next_due(), next_departure].into_iter().flatten().min();
            let until = until.map_or(began + IDLE_SLICE, |until| until.min(began + IDLE_SLICE));
            let driver = &self.driver;
            let ready = async {
                tokio::select! {
                    () = poll_fn(|context| driver.poll_ready(context)) => {}
                    () = port.woken() => {}
                }
            };
            pause(began, busy, until, ready).await;
            if self.desk.logins > 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn take_news(&mut self, news: &mut PortNews, leaving: &mut Vec<Leaving>) {
        leaving.extend(news.departures.drain(..).map(|list| Leaving { list, gone: 0 }));
        for key in news.called.drain(..) {
            self.driver.touch(key);
        }
        for (key, placed) in news.placed.drain(..) {
            self.desk.logins -= 1;
            let gateway = self.desk.gateway.as_ref();
            match self.driver.link(key) {
                Some((mut wire, session)) => {
                    session.placed(placed, &mut wire, gateway);
                    // Who came in while the house closes leaves at once.
                    if let Some(reason) = self.desk.closing {
                        session.shut(reason, &mut wire);
                    }
                }
                None if placed.is_ok() => {
                    gateway.note(TransportEvent::Opened);
                    gateway.note(TransportEvent::Closed { cause: crate::mailbox::CloseCause::Lost });
                }
                None => {}
            }
        }
        for (origin, packet) in news.packets.drain(..) {
            self.driver.feed(&mut self.desk, origin, &packet);
        }
        if let Some(reason) = news.closing.take() {
            self.desk.closing = Some(reason);
            self.shut(reason);
        }
    }

    /// Tells everyone that the endpoint closes.
    fn shut(&mut self, reason: Goodbye) {
        let keys: Vec<_> = self.driver.keys().collect();
        for key in keys {
            if let Some((mut wire, session)) = self.driver.link(key) {
                session.shut(reason, &mut wire);
            }
        }
    }

    /// Closes whatever is left.
    fn close_all(&mut self) {
        let reason = self.desk.closing.unwrap_or(Goodbye::Shutdown);
        let keys: Vec<_> = self.driver.keys().collect();
        for key in keys {
            if let Some((mut wire, _)) = self.driver.link(key) {
                wire.close(reason.code(), reason.name());
            }
        }
    }

    /// Lets the datagrams go whose time has come, and tells when the next are due.
    fn depart(&mut self, leaving: &mut Vec<Leaving>, port: &Port) -> Option<Instant> {
        let (instant, now_us) = (Instant::now(), now_us());
        let mut next_us = None;
        leaving.retain_mut(|Leaving { list, gone }| {
            while let Some(due) = list.get(*gone) {
                if due.at_us > now_us {
                    next_us = Some(next_us.map_or(due.at_us, |next: u64| next.min(due.at_us)));
                    return true;
                }
                *gone += 1;
                if let Some((_, session)) = self.driver.link(due.link) {
                    session.release_datagrams();
                }
                self.driver.visit_handful(&mut self.desk);
            }
            port.reuse(std::mem::take(list));
            false
        });
        next_us.map(|next_us| instant + Duration::from_micros(next_us.saturating_sub(now_us)))
    }
}

/// Tells the gateway when its thread panics.
struct TellOfPanic(Arc<dyn Gateway>);

impl Drop for TellOfPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("a network thread has panicked; its sessions are lost");
            self.0.failed();
        }
    }
}

impl Desk {
    /// Asks the gateway for a place, beside the slices; the answer comes through the port.
    fn log_in(&mut self, session: &mut Session, message: ClientMessage, frames: FrameReader, wire: &mut Wire<'_>) {
        let login = match login_of(message, wire) {
            Ok(login) => login,
            Err(error) => return session.refuse_login(&error, wire, self.gateway.as_ref()),
        };
        let (port, key) = (Arc::clone(&self.ports[self.index]), wire.key());
        let (task, scene) = mailbox_through(login.session, Arc::clone(&port), key);
        session.placing(task, frames);
        let gateway = Arc::clone(&self.gateway);
        self.logins += 1;
        tokio::spawn(async move {
            let placed = timeout(PLACE_TIMEOUT, gateway.login(login, scene)).await;
            port.tell(|news| news.placed.push((key, placed.unwrap_or(Err(Goodbye::Internal)))));
        });
    }
}

impl Application for Desk {
    type Peer = Session;

    fn knock(&mut self, knock: Knock) -> Answer<Session> {
        if self.closing.is_some() {
            return Answer::Ignore;
        }
        let refusal = match self.admission.admit(knock.remote, knock.validated, now_us()) {
            Ok(place) => return Answer::Accept(Session::new(place)),
            Err(refusal) => refusal,
        };
        self.gateway.note(TransportEvent::Refused { reason: refusal.name() });
        match refusal {
            Refusal::Full => Answer::Ignore,
            Refusal::PerAddress => Answer::Refuse,
            Refusal::Retry => Answer::Retry,
        }
    }

    fn divert(&mut self, packet: &[u8], origin: Origin) -> bool {
        let Some(other) = routing::owner(packet, self.ports.len()).filter(|&owner| owner != self.index) else {
            return false;
        };
        if !self.ports[other].divert(origin, packet) {
            self.gateway.note(TransportEvent::Dropped { reason: "diverted", count: 1 });
        }
        true
    }

    fn connected(&mut self, session: &mut Session, wire: &mut Wire<'_>) {
        session.connected(wire);
    }

    fn datagram(&mut self, session: &mut Session, wire: &mut Wire<'_>, bytes: Bytes) {
        session.datagram(wire, bytes, self.gateway.as_ref());
    }

    fn visit(&mut self, session: &mut Session, wire: &mut Wire<'_>) {
        let step = session.visit(wire, self.gateway.as_ref(), &mut self.scratch);
        if let Step::Login(message, frames) = step {
            self.log_in(session, message, frames, wire);
        }
    }

    fn closed(&mut self, session: Session, wire: &mut Wire<'_>, reason: &ConnectionError) {
        session.gone(reason, wire, self.gateway.as_ref());
    }
}
