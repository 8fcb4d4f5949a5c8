//! The endpoint over real QUIC on loopback, with a hall in place of a scene: it welcomes everyone and keeps their ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sim::locomotion::StepInput;

use super::*;
use crate::client::{Client, ClientEndpoint, Closed, ConnectError, ConnectOptions, Trust};
use crate::codec::{decode_input, encode_server_message, encode_state_frame};
use crate::lossy_link::{Impairment, LossyLink};
use crate::mailbox::Inbound;
use crate::protocol::{CLIENT_FRAME_BYTES_MAX, NO_RESUME_TOKEN, OwnState, ServerMessage, StateFrame, WireTable};

type Failure = Box<dyn std::error::Error>;

/// How long a test may hang before it fails; no outcome depends on it.
const BACKSTOP: Duration = Duration::from_secs(300);

#[derive(Default)]
struct Hall {
    guests: Mutex<Vec<(Login, SceneEnd)>>,
    events: Mutex<Vec<TransportEvent>>,
    refuse: Option<Goodbye>,
    /// Nobody opens.
    is_deaf: bool,
    /// Whatever is to be noted is too much.
    is_brittle: bool,
    has_failed: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gateway for Hall {
    fn login(&self, login: Login, end: SceneEnd) -> LoginAnswer<'_> {
        Box::pin(async move {
            if let Some(reason) = self.refuse {
                return Err(reason);
            }
            if self.is_deaf {
                std::future::pending::<()>().await;
            }
            let (resume, wire) = (NO_RESUME_TOKEN, WireTable::default());
            say(&end, &ServerMessage::Welcome { player_id: 1, assets_hash: 2, resume, wire });
            let state = OwnState::default();
            say(&end, &ServerMessage::Scene { scene: "scene/hall".into(), scene_epoch: 1, own: 7, tick: 1, state });
            locked(&self.guests).push((login, end));
            Ok(())
        })
    }

    fn failed(&self) {
        self.has_failed.store(true, Ordering::Release);
    }

    fn note(&self, event: TransportEvent) {
        assert!(!self.is_brittle, "this thread ends here");
        locked(&self.events).push(event);
    }
}

fn say(end: &SceneEnd, message: &ServerMessage) {
    assert_eq!(end.send_frame(encode_server_message(message).unwrap_or_default()), Ok(()));
}

fn is_of(login: &Login, guest: &str) -> bool {
    matches!(&login.credentials, Credentials::Name { name, .. } if name == guest)
}

/// A listening hall and a socket for its guests.
struct House {
    hall: Arc<Hall>,
    endpoint: Endpoint,
    door: ClientEndpoint,
    hash: [u8; 32],
}

impl House {
    fn open(hall: Hall, limits: EndpointLimits) -> Result<House, Failure> {
        let (hall, certificate) = (Arc::new(hall), Certificate::self_signed()?);
        let gateway: Arc<dyn Gateway> = Arc::<Hall>::clone(&hall);
        let endpoint = Endpoint::bind("127.0.0.1:0".parse()?, &certificate, gateway, limits)?;
        Ok(House { hall, endpoint, door: ClientEndpoint::bind()?, hash: certificate.sha256() })
    }

    fn default() -> Result<House, Failure> {
        House::open(Hall::default(), EndpointLimits::default())
    }

    async fn guest(&self, name: &str) -> Result<Client, ConnectError> {
        let options = ConnectOptions { name: name.into(), class: "class/mage".into(), trust: Trust::Sha256(self.hash) };
        Client::connect(&self.door, self.endpoint.local_addr(), options).await
    }

    /// Looks at a guest's end until `find` finds something.
    async fn until<T>(&self, name: &str, find: impl Fn(&SceneEnd) -> Option<T>) -> Result<T, Failure> {
        bounded(async {
            loop {
                let found = locked(&self.hall.guests)
                    .iter()
                    .find_map(|(login, end)| if is_of(login, name) { find(end) } else { None });
                match found {
                    Some(found) => return found,
                    None => tokio::task::yield_now().await,
                }
            }
        })
        .await
    }

    fn with_guest(&self, name: &str, act: impl Fn(&SceneEnd)) {
        locked(&self.hall.guests).iter().filter(|(login, _)| is_of(login, name)).for_each(|(_, end)| act(end));
    }

    fn noted(&self, event: TransportEvent) -> bool {
        locked(&self.hall.events).contains(&event)
    }
}

async fn bounded<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    Ok(timeout(BACKSTOP, future).await?)
}

/// Applies what comes until the connection is gone.
async fn last_words(client: &mut Client) -> Result<Option<Closed>, Failure> {
    bounded(async { while client.next().await {} }).await?;
    Ok(client.closed())
}

fn drained(end: &SceneEnd) -> Option<Vec<Inbound>> {
    let mut items = Vec::new();
    end.drain(&mut items);
    (!items.is_empty()).then_some(items)
}

#[tokio::test]
async fn a_login_is_handed_over_and_the_scene_answers() -> Result<(), Failure> {
    let house = House::default()?;
    let client = house.guest("Ada").await?;
    assert_eq!(client.world().scene().map(|scene| scene.id.as_str()), Some("scene/hall"));
    let guests = locked(&house.hall.guests);
    let credentials = Credentials::Name { name: "Ada".into(), class: "class/mage".into() };
    assert_eq!(guests.first().map(|(login, _)| &login.credentials), Some(&credentials));
    assert_eq!(house.endpoint.connections(), 1);
    Ok(())
}

#[tokio::test]
async fn inputs_arrive_and_state_comes_back() -> Result<(), Failure> {
    let house = House::default()?;
    let mut client = house.guest("Ada").await?;
    client.send_input(StepInput::default())?;
    let items = house.until("Ada", drained).await?;
    let Some(Inbound::Datagram { bytes, .. }) = items.first() else { return Err("no datagram came".into()) };
    assert_eq!(decode_input(bytes).map(|input| input.sequence), Ok(1));
    let own = OwnState { applied_sequence: 1, ..OwnState::default() };
    let mut bytes = Vec::new();
    encode_state_frame(
        &StateFrame { frame: 1, tick: 2, scene_epoch: 1, is_whole: true, own, records: Vec::new() },
        &mut bytes,
    )?;
    house.with_guest("Ada", |end| {
        end.send_datagrams(2, [Bytes::from(bytes.clone())]);
    });
    bounded(client.next()).await?;
    assert_eq!((client.stats().frames_received, client.ack_us().len()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn who_waits_for_an_answer_to_the_login_goes_on_asking_for_acknowledgements() -> Result<(), Failure> {
    let house = House::open(Hall { is_deaf: true, ..Hall::default() }, EndpointLimits::default())?;
    let link = LossyLink::start(house.endpoint.local_addr(), Impairment::default()).await?;
    let options = ConnectOptions { name: "Ada".into(), class: String::new(), trust: Trust::AnyCertificate };
    let passed = async {
        while link.stats().forwarded < 40 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        gave_up = Client::connect(&house.door, link.addr(), options) => return Err(format!("{gave_up:?}").into()),
        () = passed => {}
    }
    let events = locked(&house.hall.events);
    assert!(!events.iter().any(|event| matches!(event, TransportEvent::Dropped { .. })), "{events:?}");
    Ok(())
}

#[tokio::test]
async fn a_datagram_of_nothing_is_no_message() -> Result<(), Failure> {
    let house = House::default()?;
    let mut client = house.guest("Ada").await?;
    client.send_raw_datagram(Bytes::new())?;
    client.send_input(StepInput::default())?;
    let items = house.until("Ada", drained).await?;
    let Some(Inbound::Datagram { bytes, .. }) = items.first() else { return Err("no datagram came".into()) };
    assert_eq!(decode_input(bytes).map(|input| input.sequence), Ok(1));
    Ok(())
}

#[tokio::test]
async fn a_server_with_another_certificate_is_not_trusted() -> Result<(), Failure> {
    let house = House::default()?;
    let options = ConnectOptions { name: "Ada".into(), class: String::new(), trust: Trust::Sha256([0; 32]) };
    let refused = Client::connect(&house.door, house.endpoint.local_addr(), options).await;
    assert!(matches!(refused, Err(ConnectError::Handshake { .. })), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_goodbye_comes_after_everything_said_before_it() -> Result<(), Failure> {
    let house = House::default()?;
    let mut client = house.guest("Ada").await?;
    house.with_guest("Ada", |end| {
        for sequence in 0..100 {
            say(end, &ServerMessage::Rejected { sequence, reason: "cooldown".into() });
        }
        end.goodbye(Goodbye::Kicked);
    });
    assert_eq!(last_words(&mut client).await?, Some(Closed::Goodbye(Goodbye::Kicked)));
    assert_eq!(std::iter::from_fn(|| client.take_rejection()).count(), 100);
    let cause = house.until("Ada", SceneEnd::closed).await?;
    assert_eq!(cause, CloseCause::Goodbye(Goodbye::Kicked));
    Ok(())
}

#[tokio::test]
async fn a_closing_endpoint_tells_everyone_why() -> Result<(), Failure> {
    let house = House::default()?;
    let mut clients = [house.guest("Ada").await?, house.guest("Bob").await?];
    bounded(house.endpoint.close(Goodbye::Shutdown)).await?;
    for client in &mut clients {
        assert_eq!(last_words(client).await?, Some(Closed::Goodbye(Goodbye::Shutdown)));
    }
    assert_eq!(house.endpoint.connections(), 0);
    Ok(())
}

#[tokio::test]
async fn a_refusal_reaches_the_client() -> Result<(), Failure> {
    let house = House::open(Hall { refuse: Some(Goodbye::Full), ..Hall::default() }, EndpointLimits::default())?;
    let refused = house.guest("Ada").await;
    assert!(matches!(refused, Err(ConnectError::Refused(Goodbye::Full))), "{refused:?}");
    assert!(house.noted(TransportEvent::Refused { reason: "full" }));
    Ok(())
}

#[tokio::test]
async fn a_bad_name_never_reaches_the_gateway() -> Result<(), Failure> {
    let house = House::default()?;
    let refused = house.guest("Ada Lovelace").await;
    assert!(matches!(refused, Err(ConnectError::Refused(Goodbye::BadLogin))), "{refused:?}");
    assert!(locked(&house.hall.guests).is_empty());
    assert!(house.noted(TransportEvent::Refused { reason: "bad_name" }));
    Ok(())
}

#[tokio::test]
async fn an_oversized_prefix_ends_one_session_and_no_other() -> Result<(), Failure> {
    let house = House::default()?;
    let (mut bad, mut good) = (house.guest("Mallory").await?, house.guest("Ada").await?);
    bad.send_raw_stream_bytes(Bytes::copy_from_slice(&frame_prefix_of(CLIENT_FRAME_BYTES_MAX + 1)))?;
    assert_eq!(last_words(&mut bad).await?, Some(Closed::Goodbye(Goodbye::Abuse)));
    assert_eq!(house.until("Mallory", SceneEnd::closed).await?, CloseCause::Abuse);
    good.send_input(StepInput::default())?;
    house.until("Ada", drained).await?;
    Ok(())
}

fn frame_prefix_of(bytes: usize) -> [u8; 4] {
    crate::codec::frame_prefix(bytes)
}

#[tokio::test]
async fn a_flood_is_dropped_counted_and_ended() -> Result<(), Failure> {
    let house = House::default()?;
    let mut client = house.guest("Mallory").await?;
    let flood = async {
        while client.closed().is_none() {
            for _ in 0..20 {
                let _gone = client.send_raw_datagram(Bytes::from_static(b"noise"));
            }
            client.poll();
            tokio::task::yield_now().await;
        }
    };
    bounded(flood).await?;
    assert_eq!(client.closed(), Some(Closed::Goodbye(Goodbye::Flood)));
    assert_eq!(house.until("Mallory", SceneEnd::closed).await?, CloseCause::Flood);
    let dropped = house.until("Mallory", |end| Some(end.drain(&mut Vec::new()).dropped)).await?;
    assert!(dropped > u64::from(crate::protocol::FLOOD_DROPS_MAX), "{dropped}");
    Ok(())
}

#[tokio::test]
async fn too_many_from_one_address_are_refused_and_a_place_given_back_is_free() -> Result<(), Failure> {
    let limits = EndpointLimits { connections_per_address_max: 1, loopback_exempt: false, ..EndpointLimits::default() };
    let house = House::open(Hall::default(), limits)?;
    let first = house.guest("Ada").await?;
    let refused = house.guest("Bob").await;
    assert!(matches!(refused, Err(ConnectError::Handshake { .. })), "{refused:?}");
    drop(first);
    assert_eq!(house.until("Ada", SceneEnd::closed).await?, CloseCause::Peer);
    bounded(house.endpoint.admission.emptied()).await?;
    house.guest("Bob").await?;
    Ok(())
}

#[tokio::test]
async fn under_load_newcomers_prove_their_address_and_still_come_in() -> Result<(), Failure> {
    let limits = EndpointLimits { retry_above_handshakes: 0, ..EndpointLimits::default() };
    let house = House::open(Hall::default(), limits)?;
    house.guest("Ada").await?;
    assert!(house.noted(TransportEvent::Refused { reason: "retry" }));
    Ok(())
}

#[tokio::test]
async fn one_who_never_logs_in_is_shown_out() -> Result<(), Failure> {
    let house = House::default()?;
    let connection = crate::client::connect_silently(&house.door, house.endpoint.local_addr()).await?;
    let error = bounded(connection.closed()).await?;
    let quinn::ConnectionError::ApplicationClosed(close) = error else { return Err(error.into()) };
    assert_eq!(Goodbye::from_code(close.error_code.into_inner()), Some(Goodbye::LoginTimeout));
    assert!(house.noted(TransportEvent::Refused { reason: "login_timeout" }));
    assert!(!locked(&house.hall.events).iter().any(|event| matches!(event, TransportEvent::Closed { .. })));
    Ok(())
}

#[tokio::test]
async fn that_a_thread_has_panicked_is_told_to_who_can_do_something_about_it() -> Result<(), Failure> {
    let limits = EndpointLimits { connections_max: 0, ..EndpointLimits::default() };
    let house = House::open(Hall { is_brittle: true, ..Hall::default() }, limits)?;
    let failed = async {
        while !house.hall.has_failed.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        guest = house.guest("Ada") => Err(format!("{guest:?}").into()),
        () = failed => Ok(()),
    }
}

#[tokio::test]
async fn with_several_sockets_a_client_that_changes_its_address_is_still_known() -> Result<(), Failure> {
    let limits = EndpointLimits { sockets: 4, ..EndpointLimits::default() };
    let house = House::open(Hall::default(), limits)?;
    let mut client = house.guest("Ada").await?;
    // The kernel deals each new address to any of the four.
    for _ in 0..12 {
        house.door.rebind()?;
        client.send_input(StepInput::default())?;
        house.until("Ada", drained).await?;
    }
    assert_eq!((client.closed(), house.endpoint.connections()), (None, 1));
    Ok(())
}
