//! Reconnecting: whoever loses the link comes back by token to the same character, where it stands, and nobody else sees
//! anything of it: whether the server had noticed the loss or not, for one client and for two hundred at once.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use net::client::{Client, ClientEndpoint, ConnectError, ConnectOptions, Trust};
use net::lossy_link::{Impairment, LossyLink};
use net::protocol::{Goodbye, ResumeToken};
use server::config::Config;
use server::serve::Server;
use sim::ids::SimId;
use sim::testing::test_assets;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::live_scene::BACKSTOP;

/// Clients cut off at once.
const CROWD: usize = 200;

fn run(test: impl AsyncFnOnce(&Server)) {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config { listen: free, http: free, seed: Some(1), ..Config::default() };
    let server = Server::start(&config, test_assets(&[])).expect("the server starts");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { timeout(BACKSTOP, test(&server)).await.expect("the test comes to its end") });
    server.stop();
}

async fn login(endpoint: &ClientEndpoint, server: SocketAddr, name: &str) -> Client {
    let options = ConnectOptions { name: name.to_owned(), class: String::new(), trust: Trust::AnyCertificate };
    Client::connect(endpoint, server, options).await.unwrap_or_else(|error| panic!("{name} does not get in: {error}"))
}

async fn resume(endpoint: &ClientEndpoint, server: SocketAddr, token: ResumeToken) -> Result<Client, ConnectError> {
    Client::resume(endpoint, server, token, Trust::AnyCertificate).await
}

async fn link_to(server: &Server) -> LossyLink {
    LossyLink::start(server.facts().listen, Impairment::default()).await.expect("the proxy starts")
}

fn own(client: &Client) -> SimId {
    client.world().scene().expect("it stands in a scene").own
}

/// Applies what comes until `count` more ticks were told, and checks what is shown after each.
async fn watch(client: &mut Client, count: u32, mut check: impl FnMut(&Client)) {
    let end = client.world().newest_tick() + count;
    while client.world().newest_tick() < end {
        // A world in which nothing happens is told once a second; who acts is answered at once.
        client.send_input(sim::locomotion::StepInput::default()).expect("the watcher is connected");
        assert!(client.next().await, "the watcher was dropped: {:?}", client.closed());
        check(client);
    }
}

/// Waits until `client` is shown `id` and answers since when.
async fn sees(client: &mut Client, id: SimId) -> u32 {
    loop {
        if let Some(entity) = client.world().entity(id) {
            return entity.entered_tick();
        }
        assert!(client.next().await, "the watcher was dropped: {:?}", client.closed());
    }
}

#[test]
fn a_cut_client_takes_its_character_over_before_the_server_notices_and_nobody_sees_it() {
    run(async |server| {
        let (endpoint, link) = (ClientEndpoint::bind().unwrap(), link_to(server).await);
        let mut watcher = login(&endpoint, server.facts().listen, "watcher").await;
        let mut cut = login(&endpoint, link.addr(), "wanderer").await;
        let since = sees(&mut watcher, own(&cut)).await;
        link.cut();
        watch(&mut watcher, 5, |_| {}).await;
        link.mend();
        let token = cut.resume_token().expect("the welcome has told one");
        let back = resume(&endpoint, link.addr(), token).await.expect("it comes back");
        assert_eq!(own(&back), own(&cut));
        assert!(back.resume_token().is_some_and(|next| next != token), "a session has a token of its own");
        watch(&mut watcher, 10, |watcher| {
            let shown = watcher.world().entity(own(&cut));
            assert_eq!(shown.map(net::client::world::RemoteEntity::entered_tick), Some(since), "it left or came anew");
        })
        .await;
        while cut.next().await {}
        assert_eq!(cut.goodbye(), Some(Goodbye::Kicked), "the session that still stood has ended");
    });
}

#[test]
fn a_link_dead_character_is_taken_over_where_it_stands_and_its_neighbours_are_told_again() {
    run(async |server| {
        let endpoint = ClientEndpoint::bind().unwrap();
        let mut watcher = login(&endpoint, server.facts().listen, "watcher").await;
        let lost = login(&endpoint, server.facts().listen, "wanderer").await;
        let (id, token) = (own(&lost), lost.resume_token().expect("a token"));
        let since = sees(&mut watcher, id).await;
        // Dropped without a word: the server sees the connection end, and the character waits.
        drop(lost);
        watch(&mut watcher, 10, |_| {}).await;
        let mut back = resume(&endpoint, server.facts().listen, token).await.expect("it comes back");
        assert_eq!(own(&back), id);
        sees(&mut back, own(&watcher)).await;
        watch(&mut watcher, 10, |watcher| {
            assert_eq!(watcher.world().entity(id).map(net::client::world::RemoteEntity::entered_tick), Some(since));
        })
        .await;
    });
}

#[test]
fn a_token_that_was_used_or_outlived_or_never_given_is_refused_with_a_reason() {
    run(async |server| {
        let (endpoint, address) = (ClientEndpoint::bind().unwrap(), server.facts().listen);
        let refused = async |token| match resume(&endpoint, address, token).await {
            Err(ConnectError::Refused(reason)) => Some(reason),
            _ => None,
        };
        let first = login(&endpoint, address, "ada").await;
        let used = first.resume_token().expect("a token");
        let second = resume(&endpoint, address, used).await.expect("the first use is fine");
        assert_eq!(refused(used).await, Some(Goodbye::ResumeRefused), "used");
        assert_eq!(refused([7; 32]).await, Some(Goodbye::ResumeRefused), "another server's");
        assert_eq!(refused([0; 32]).await, Some(Goodbye::ResumeRefused), "no token at all");
        let outlived = second.resume_token().expect("a token");
        assert_eq!(second.leave().await, Some(Goodbye::LoggedOut));
        // The character leaves in the tick of the goodbye; its place is given back right after it.
        while resume(&endpoint, address, outlived).await.is_ok() {}
        assert_eq!(refused(outlived).await, Some(Goodbye::ResumeRefused), "its character has left");
    });
}

#[test]
fn two_hundred_clients_cut_off_at_once_come_back_to_their_characters() {
    run(async |server| {
        let (endpoint, link) = (Arc::new(ClientEndpoint::bind().unwrap()), link_to(server).await);
        let address = link.addr();
        let mut logins = JoinSet::new();
        for number in 0..CROWD {
            let endpoint = Arc::clone(&endpoint);
            logins.spawn(async move { login(&endpoint, address, &format!("cut{number}")).await });
        }
        let cut = logins.join_all().await;
        link.cut();
        tokio::task::yield_now().await;
        link.mend();
        let mut returns = JoinSet::new();
        for client in cut {
            let endpoint = Arc::clone(&endpoint);
            returns.spawn(async move {
                let token = client.resume_token().expect("a token");
                let back = resume(&endpoint, address, token).await.unwrap_or_else(|error| panic!("{error}"));
                (own(&client), back)
            });
        }
        let mut back = returns.join_all().await;
        let characters: BTreeSet<SimId> = back.iter().map(|(id, _)| *id).collect();
        assert_eq!(characters.len(), CROWD);
        for (id, client) in &back {
            assert_eq!(own(client), *id, "another character than before");
        }
        let (_, observer) = &mut back[0];
        watch(observer, 10, |_| {}).await;
        let shown: Vec<SimId> = observer.world().entities().map(net::client::world::RemoteEntity::id).collect();
        assert!(shown.iter().all(|id| characters.contains(id)), "a duplicate stands among them");
    });
}
