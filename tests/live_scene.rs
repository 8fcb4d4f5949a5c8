//! `LiveScene`: a scene of the test's own behind a real QUIC endpoint on loopback. The test ticks it by hand, a
//! little faster than a server would, so nothing waits for a wall clock but the network itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use net::client::{Client, ClientEndpoint, ConnectOptions, Trust};
use net::endpoint::{Certificate, Credentials, Endpoint, EndpointLimits, Gateway, Login, LoginAnswer, TransportEvent};
use net::mailbox::{SceneEnd, now_us};
use net::protocol::Goodbye;
use net::sessions::{self, Join};
use sim::actor::Position;
use sim::assets::Assets;
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, Players};
use sim::interest::Interest;
use sim::roster::Roster;
use sim::scene::Scene;
use sim::testing::TestScene;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Time between two ticks: quinn's own timers work in real time, so the scene must not outrun them.
const TICK_PERIOD: Duration = Duration::from_millis(10);
/// How long a test over real connections may hang before it fails: far longer than any takes on a busy machine, so that
/// no outcome depends on it.
pub(crate) const BACKSTOP: Duration = Duration::from_secs(300);
/// The same in ticks.
const PATIENCE_TICKS: u32 = 30_000;

/// A scene and its endpoint.
pub(crate) struct LiveScene {
    pub(crate) inner: TestScene,
    endpoint: Endpoint,
    clients: ClientEndpoint,
    arrivals: mpsc::UnboundedReceiver<(Login, SceneEnd)>,
    pace: Interval,
}

struct Door(mpsc::UnboundedSender<(Login, SceneEnd)>);

impl Gateway for Door {
    fn login(&self, login: Login, end: SceneEnd) -> LoginAnswer<'_> {
        let sent = self.0.send((login, end)).map_err(|_| Goodbye::Internal);
        Box::pin(async move { sent })
    }
    fn note(&self, _: TransportEvent) {}
}

impl LiveScene {
    /// The flat test scene.
    pub(crate) fn flat() -> Self {
        Self::of(&sim::testing::test_assets(&[]), "scene/flat")
    }

    /// Any scene.
    pub(crate) fn of(assets: &Arc<Assets>, scene: &str) -> Self {
        let inner = TestScene::of(assets, scene, 1, |app| {
            app.add_plugins(net::plugin);
        });
        let (sender, arrivals) = mpsc::unbounded_channel();
        let certificate = Certificate::self_signed().expect("a certificate can be made");
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let endpoint = Endpoint::bind(any_port, &certificate, Arc::new(Door(sender)), EndpointLimits::default());
        Self {
            inner,
            endpoint: endpoint.expect("loopback can be bound"),
            clients: ClientEndpoint::bind().expect("a socket can be opened"),
            arrivals,
            pace: unhurried(TICK_PERIOD),
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.endpoint.local_addr()
    }

    pub(crate) fn scene(&self) -> &Scene {
        &self.inner.scene
    }

    /// Lets in who has knocked, and one tick pass, when it is time for it.
    pub(crate) async fn tick(&mut self) {
        self.pace.tick().await;
        self.tick_now();
    }

    /// Lets in who has knocked, and one tick pass; whoever calls it keeps the time.
    pub(crate) fn tick_now(&mut self) {
        while let Ok((login, end)) = self.arrivals.try_recv() {
            let Credentials::Name { name, class } = login.credentials else {
                end.goodbye(Goodbye::ResumeRefused);
                continue;
            };
            let player = player_of(&name);
            let class = if class.is_empty() { "class/fighter".to_owned() } else { class };
            let character = Character { name, class, parts: Vec::new() };
            sessions::attach(&mut self.inner.scene, Join { player, character, spawn_point: None }, end);
        }
        sessions::begin_tick(&mut self.inner.scene, now_us());
        self.inner.scene.tick();
    }

    /// Connects a client, through `server` if that is not the scene's own address.
    pub(crate) async fn join_through(&mut self, name: &str, server: SocketAddr) -> Client {
        self.join_as(name, "", server).await
    }

    /// Connects a client with a character of a class.
    pub(crate) async fn join_as(&mut self, name: &str, class: &str, server: SocketAddr) -> Client {
        let options = ConnectOptions { name: name.into(), class: class.into(), trust: Trust::AnyCertificate };
        let clients = std::mem::replace(&mut self.clients, ClientEndpoint::bind().expect("a socket can be opened"));
        let mut connecting = std::pin::pin!(Client::connect(&clients, server, options));
        let joined = loop {
            tokio::select! {
                biased;
                joined = &mut connecting => break joined,
                () = self.tick() => {}
            }
        };
        joined.unwrap_or_else(|error| panic!("{name} does not get in: {error}"))
    }

    /// Connects a client.
    pub(crate) async fn join(&mut self, name: &str) -> Client {
        let server = self.addr();
        self.join_through(name, server).await
    }

    /// Ticks until the condition holds; every client applies what has come before each look.
    pub(crate) async fn until(
        &mut self,
        clients: &mut [&mut Client],
        what: &str,
        mut holds: impl FnMut(&mut Self, &mut [&mut Client]) -> bool,
    ) {
        for _ in 0..PATIENCE_TICKS {
            self.tick().await;
            for client in clients.iter_mut() {
                client.poll();
            }
            if holds(self, clients) {
                return;
            }
        }
        panic!("this did not come true: {what}");
    }

    /// The character of a name.
    pub(crate) fn character(&self, name: &str) -> SimId {
        self.inner.scene.world().resource::<Players>().0[&player_of(name)].0
    }

    /// Everything a character sees, with its place.
    pub(crate) fn seen_by(&self, id: SimId) -> Vec<(SimId, glam::Vec3)> {
        let world = self.inner.scene.world();
        let roster = world.resource::<Roster>();
        let visible = self.inner.get::<Interest>(id).visible().iter();
        visible.filter_map(|&seen| Some((seen, world.get::<Position>(roster.entity(seen)?)?.0))).collect()
    }
}

/// Beats of a period that are not made up for when the machine held them up: connections would seem to lag behind.
pub(crate) fn unhurried(period: Duration) -> Interval {
    let mut pace = interval(period);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// The player behind a name in these tests.
pub(crate) fn player_of(name: &str) -> PlayerId {
    PlayerId(name.bytes().fold(1, |hash, byte| hash * 31 + u64::from(byte)))
}
