//! Two scenes on a real server: through a portal a character keeps its session and what it has.

use std::time::Duration;

use net::client::{Client, ClientEndpoint, ConnectOptions, Trust};
use server::config::Config;
use server::serve::Server;
use sim::features::players::EnterPortalCommand;
use sim::locomotion::StepInput;
use tokio::time::{interval, timeout};

use crate::live_scene::BACKSTOP;

const GATES: &str = r#"[
    (
        id: "scene/a_gate", name: "Gate", bounds: (min: (-50.0, -50.0), max: (50.0, 50.0)),
        aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 10,
        geometry: [Heightfield(
            min: (-50.0, -50.0), cell_m: 50.0, columns: 2, rows: 2,
            heights: Inline([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        )],
        spawn_points: [(id: "spawn/gate", at: (0.0, 0.0), yaw_deg: 0.0, radius_m: 1.0)],
        portals: [(id: "portal/through", at: (0.0, 0.0), radius_m: 5.0, to: "scene/walled", spawn_point: "spawn/west")],
    ),
]"#;

fn local_config() -> Config {
    let any_port = "127.0.0.1:0".parse().expect("an address");
    Config { listen: any_port, http: any_port, seed: Some(1), ..Config::default() }
}

/// Sends inputs as a player would until the condition holds.
async fn play(client: &mut Client, what: &str, mut holds: impl FnMut(&Client) -> bool) {
    let playing = async {
        let mut pace = interval(Duration::from_millis(50));
        while !holds(client) {
            pace.tick().await;
            client.poll();
            client.send_input(StepInput::default()).expect("the session lives");
        }
    };
    assert!(timeout(BACKSTOP, playing).await.is_ok(), "this did not come true: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_leads_to_the_other_scene_and_keeps_the_session() {
    let assets = sim::testing::test_assets(&[("scenes/gate.ron", GATES)]);
    let config = local_config();
    let server = tokio::task::block_in_place(|| Server::start(&config, assets)).expect("the server starts");
    let endpoint = ClientEndpoint::bind().expect("a socket");
    let options = ConnectOptions { name: "traveller".into(), class: String::new(), trust: Trust::AnyCertificate };
    let mut client = Client::connect(&endpoint, server.facts().listen, options).await.expect("it gets in");
    assert_eq!(client.world().scene().expect("it is in").id, "scene/a_gate");
    play(&mut client, "a few ticks pass", |client| client.world().own().applied_sequence > 10).await;

    client.send_command(&EnterPortalCommand).expect("the link is up");
    play(&mut client, "it is in the other scene", |client| {
        client.world().scene().is_some_and(|scene| scene.id == "scene/walled")
    })
    .await;
    let arrived = client.world().own().applied_sequence;
    play(&mut client, "it plays on there", |client| client.world().own().applied_sequence > arrived + 10).await;
    assert_eq!(client.closed(), None);
    assert_eq!(client.stats().decode_errors, 0);

    client.send_command(&EnterPortalCommand).expect("the link is up");
    let mut refused = false;
    play(&mut client, "there is no portal here", |_| std::mem::replace(&mut refused, true)).await;
    assert_eq!(client.leave().await, Some(net::protocol::Goodbye::LoggedOut));
    tokio::task::block_in_place(|| server.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_tells_its_clients_why() {
    let assets = sim::testing::test_assets(&[]);
    let server = tokio::task::block_in_place(|| Server::start(&local_config(), assets)).expect("the server starts");
    let endpoint = ClientEndpoint::bind().expect("a socket");
    let options = ConnectOptions { name: "guest".into(), class: String::new(), trust: Trust::AnyCertificate };
    let mut client = Client::connect(&endpoint, server.facts().listen, options).await.expect("it gets in");
    let stopping = tokio::task::spawn_blocking(move || server.stop());
    let told = timeout(BACKSTOP, async { while client.next().await {} }).await;
    assert!(told.is_ok());
    assert_eq!(client.goodbye(), Some(net::protocol::Goodbye::Shutdown));
    stopping.await.expect("it stops");
}
