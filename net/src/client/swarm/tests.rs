//! A swarm at a real endpoint, with a hall in place of a scene that welcomes everyone and keeps their ends.

use std::sync::{Mutex, PoisonError};

use super::*;
use crate::codec::{decode_input, encode_server_message, encode_state_frame};
use crate::endpoint::{
    Certificate, Credentials, Endpoint, EndpointLimits, Gateway, Login, LoginAnswer, TransportEvent,
};
use crate::mailbox::{CloseCause, Inbound, SceneEnd};
use crate::protocol::{Goodbye, NO_RESUME_TOKEN, OwnState, ServerMessage, StateFrame, WireTable};

type Failure = Box<dyn std::error::Error>;

#[derive(Default)]
struct Hall {
    guests: Mutex<Vec<(String, SceneEnd)>>,
    /// Nobody opens.
    is_deaf: bool,
}

impl Hall {
    fn guests(&self) -> std::sync::MutexGuard<'_, Vec<(String, SceneEnd)>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gateway for Hall {
    fn login(&self, login: Login, end: SceneEnd) -> LoginAnswer<'_> {
        if self.is_deaf {
            return Box::pin(std::future::pending());
        }
        let messages = [
            ServerMessage::Welcome {
                player_id: 1,
                assets_hash: 2,
                resume: NO_RESUME_TOKEN,
                wire: WireTable::default(),
            },
            ServerMessage::Scene {
                scene: "scene/hall".into(),
                scene_epoch: 1,
                own: 7,
                tick: 1,
                state: OwnState::default(),
            },
        ];
        for message in messages {
            assert_eq!(end.send_frame(encode_server_message(&message).unwrap_or_default()), Ok(()));
        }
        let Credentials::Name { name, .. } = login.credentials else {
            return Box::pin(async { Err(Goodbye::Internal) });
        };
        self.guests().push((name, end));
        Box::pin(std::future::ready(Ok(())))
    }

    fn note(&self, _event: TransportEvent) {}
}

/// How long a test may hang before it fails; no outcome depends on it.
const BACKSTOP: Duration = Duration::from_secs(300);

struct House {
    hall: Arc<Hall>,
    endpoint: Endpoint,
    swarm: Swarm,
}

impl House {
    fn open(sockets: usize) -> Result<House, Failure> {
        House::with(Hall::default(), sockets)
    }

    fn with(hall: Hall, sockets: usize) -> Result<House, Failure> {
        let (hall, certificate) = (Arc::new(hall), Certificate::self_signed()?);
        let gateway: Arc<dyn Gateway> = Arc::<Hall>::clone(&hall);
        let endpoint = Endpoint::bind("127.0.0.1:0".parse()?, &certificate, gateway, EndpointLimits::default())?;
        Ok(House { hall, endpoint, swarm: Swarm::bind(sockets)? })
    }

    fn send_in(&mut self, name: &str) -> Result<ClientId, Failure> {
        let options = ConnectOptions { name: name.into(), class: String::new(), trust: Trust::AnyCertificate };
        Ok(self.swarm.connect(self.endpoint.local_addr(), &options)?)
    }

    /// Turns until `done`, and returns what happened meanwhile.
    async fn until(&mut self, done: impl Fn(&Swarm, &Hall) -> bool) -> Result<Vec<(ClientId, Happened)>, Failure> {
        let (mut happened, began) = (Vec::new(), Instant::now());
        while began.elapsed() < BACKSTOP {
            if done(&self.swarm, &self.hall) {
                return Ok(happened);
            }
            let until = Instant::now() + Duration::from_millis(1);
            self.swarm.turn(until, |id, what, _| happened.push((id, what))).await?;
        }
        Err(format!("it did not come to that; what came is {happened:?}").into())
    }

    async fn enter(&mut self, count: usize) -> Result<Vec<ClientId>, Failure> {
        let ids: Vec<ClientId> =
            (0..count).map(|number| self.send_in(&format!("bee-{number}"))).collect::<Result<_, _>>()?;
        let all = ids.clone();
        self.until(move |swarm, _| all.iter().all(|&id| swarm.session(id).world().scene().is_some())).await?;
        Ok(ids)
    }
}

#[tokio::test]
async fn a_swarm_enters_and_hears_so_once_for_each() -> Result<(), Failure> {
    let mut house = House::open(3)?;
    let ids = (0..30).map(|number| house.send_in(&format!("bee-{number}"))).collect::<Result<Vec<_>, _>>()?;
    let happened = house.until(|_, hall| hall.guests().len() == 30).await?;
    let more = house.until(|swarm, _| ids.iter().all(|&id| swarm.session(id).world().scene().is_some())).await?;
    let entered = happened.iter().chain(&more).filter(|(_, what)| *what == Happened::Entered);
    let mut entered: Vec<ClientId> = entered.map(|(id, _)| *id).collect();
    entered.sort_unstable();
    assert_eq!(entered, ids);
    Ok(())
}

#[tokio::test]
async fn inputs_arrive_and_state_comes_back_to_the_one_it_is_for() -> Result<(), Failure> {
    let mut house = House::open(1)?;
    let ids = house.enter(3).await?;
    house.swarm.send_input(ids[1], StepInput::default())?;
    let drained = |hall: &Hall| {
        let mut items = Vec::new();
        for (_, end) in hall.guests().iter().filter(|(name, _)| name == "bee-1") {
            end.drain(&mut items);
        }
        items
    };
    let items = Mutex::new(Vec::new());
    house
        .until(|_, hall| {
            let mut items = items.lock().unwrap_or_else(PoisonError::into_inner);
            items.extend(drained(hall));
            !items.is_empty()
        })
        .await?;
    let items = items.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Some(Inbound::Datagram { bytes, .. }) = items.first() else { return Err("no datagram came".into()) };
    assert_eq!(decode_input(bytes).map(|input| input.sequence), Ok(1));
    let own = OwnState { applied_sequence: 1, ..OwnState::default() };
    let mut bytes = Vec::new();
    encode_state_frame(&StateFrame { frame: 1, tick: 2, scene_epoch: 1, own, records: Vec::new() }, &mut bytes)?;
    for (name, end) in house.hall.guests().iter() {
        if name == "bee-1" {
            end.send_datagrams(2, [Bytes::from(bytes.clone())]);
        }
    }
    house.until(|swarm, _| swarm.session(ids[1]).stats().frames_received == 1).await?;
    assert_eq!(house.swarm.session(ids[0]).stats().frames_received, 0);
    let stats = house.swarm.stats(ids[1]);
    assert!(stats.sent_bytes > 1_200 && stats.received_bytes > 1_200 && stats.rtt > Duration::ZERO, "{stats:?}");
    Ok(())
}

#[tokio::test]
async fn who_waits_for_an_answer_to_the_login_goes_on_asking_for_acknowledgements() -> Result<(), Failure> {
    let mut house = House::with(Hall { is_deaf: true, ..Hall::default() }, 1)?;
    let id = house.send_in("bee")?;
    house.until(|swarm, _| swarm.has_spoken(id)).await?;
    let spoken = house.swarm.stats(id).sent_datagrams;
    while house.swarm.stats(id).sent_datagrams < spoken + 15 {
        assert_eq!(house.swarm.closed(id), None, "the server gave up first");
        house.swarm.turn(Instant::now() + Duration::from_millis(1), |_, _, _| {}).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_goodbye_reaches_one_client_after_everything_said_before_it() -> Result<(), Failure> {
    let mut house = House::open(1)?;
    let ids = house.enter(2).await?;
    for (name, end) in house.hall.guests().iter().filter(|(name, _)| name == "bee-0") {
        for sequence in 0..100 {
            let message = ServerMessage::Rejected { sequence, reason: name.clone() };
            end.send_frame(encode_server_message(&message)?)?;
        }
        end.goodbye(Goodbye::Kicked);
    }
    let happened = house.until(|swarm, _| swarm.closed(ids[0]).is_some()).await?;
    assert_eq!(happened.last(), Some(&(ids[0], Happened::Closed(Closed::Goodbye(Goodbye::Kicked)))));
    assert_eq!(std::iter::from_fn(|| house.swarm.session_mut(ids[0]).take_rejection()).count(), 100);
    assert_eq!((house.swarm.connected(), house.swarm.closed(ids[1])), (1, None));
    assert!(house.swarm.send_frame(ids[0], b"late").is_err());
    Ok(())
}

#[tokio::test]
async fn a_close_is_heard_at_once_and_a_cut_is_not() -> Result<(), Failure> {
    let mut house = House::open(1)?;
    let ids = house.enter(2).await?;
    house.swarm.cut(ids[0]);
    house.swarm.close(ids[1]);
    house.until(|_, hall| hall.guests().iter().any(|(_, end)| end.closed() == Some(CloseCause::Peer))).await?;
    assert_eq!(house.hall.guests()[0].1.closed(), None);
    assert_eq!((house.swarm.connected(), house.swarm.closed(ids[0])), (0, Some(Closed::Here)));
    Ok(())
}

#[tokio::test]
async fn of_a_client_whose_end_was_told_only_its_counts_are_kept() -> Result<(), Failure> {
    let mut house = House::open(1)?;
    let ids = house.enter(2).await?;
    house.swarm.cut(ids[0]);
    let mut told = Vec::new();
    house.swarm.turn(Instant::now(), |id, what, session| told.push((id, what, session.accepted().is_some()))).await?;
    assert_eq!(told, [(ids[0], Happened::Closed(Closed::Here), true)]);
    assert!(house.swarm.session(ids[0]).accepted().is_some(), "its owner may look at it until the next turn");
    house.swarm.turn(Instant::now(), |_, _, _| {}).await?;
    assert!(house.swarm.crowd.members[0].life.is_none() && house.swarm.crowd.members[1].life.is_some());
    assert!(house.swarm.session_mut(ids[0]).accepted().is_none());
    assert_eq!(house.swarm.closed(ids[0]), Some(Closed::Here));
    assert!(house.swarm.stats(ids[0]).sent_bytes > 1_200 && !house.swarm.has_spoken(ids[0]));
    assert_eq!(house.swarm.send_input(ids[0], StepInput::default()), Err(SendError::Closed));
    Ok(())
}
