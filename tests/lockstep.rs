//! Frame synchronisation: server and clients simulate one scene in step from the same log, over ways that lose; who comes to
//! something else is found, named and brought back, and a scene that everybody has left begins anew.

use std::sync::Arc;

use glam::Vec2;
use net::sessions;
use sim::actor::Position;
use sim::assets::Assets;
use sim::digest::combined;
use sim::input::{Players, SceneInput};
use sim::testing::test_assets;

use crate::virtual_net::{TICK_US, VirtualNet, Way};

/// Where they meet: two rats, and comparisons once a second.
const ARENA: &str = r#"[(
    id: "scene/arena", name: "Arena", bounds: (min: (-30.0, -30.0), max: (30.0, 30.0)),
    aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 8, sync: Frames(compare_ms: 1000),
    geometry: [Box(center: (0.0, -0.5, 0.0), size: (60.0, 1.0, 60.0)), Box(center: (6.0, 1.0, 0.0), size: (1.0, 2.0, 8.0))],
    spawn_points: [(id: "spawn/a", at: (0.0, 0.0), radius_m: 4.0)],
    spawners: [(id: "spawner/rats", monster: "monster/rat", at: (10.0, 10.0), radius_m: 4.0, count: 2)],
)]"#;

fn arena() -> Arc<Assets> {
    test_assets(&[("scenes/arena.ron", ARENA)])
}

fn follower(net: &mut VirtualNet, way: Way) -> usize {
    let number = net.join(way);
    let config = net.inner.config.clone();
    let ask = net.seats[number].session.follow(config).expect("it fits");
    net.send_frame(number, ask);
    net.seats[number].wish = Some(Vec2::ZERO);
    number
}

/// Everybody walks in circles of their own for so many ticks.
fn walk(net: &mut VirtualNet, ticks: u64) {
    let mut round = 0_u16;
    net.run(ticks * TICK_US, |net| {
        round += 1;
        for (number, seat) in (1_u8..).zip(&mut net.seats) {
            seat.wish = Some(Vec2::from_angle(f32::from(round) / 10.0 / f32::from(number)));
        }
    });
}

/// Nothing new happens until everything on the way has come.
fn settle(net: &mut VirtualNet, number: usize) {
    for _ in 0..400 {
        net.run(TICK_US, |_| {});
        let tick = net.inner.scene.tick_number();
        let followed = net.seats[number].session.followed().expect("it follows");
        if followed.scene().is_some_and(|scene| tick - scene.tick_number() <= 12) {
            return;
        }
    }
    panic!("follower {number} never caught up");
}

/// The state hash of the server after every tick, and checks of the followers' against it.
#[test]
fn two_clients_and_the_server_come_to_the_same_over_600_frames_with_loss() {
    let mut net = VirtualNet::of(&arena(), "scene/arena", 1);
    let way = Way { loss: 0.1, delay_ms: 40, jitter_ms: 30 };
    for _ in 0..2 {
        follower(&mut net, way);
    }
    let (mut truth, mut compared, mut round) = (std::collections::BTreeMap::new(), 0, 0_u16);
    net.run(600 * TICK_US, |net| {
        round += 1;
        let tick = net.inner.scene.tick_number();
        truth.insert(tick, combined(&net.inner.scene.state_hashes()));
        for (number, seat) in (1_u8..).zip(&mut net.seats) {
            seat.wish = Some(Vec2::from_angle(f32::from(round) / 10.0 / f32::from(number)));
            let Some(scene) = seat.session.followed_mut().and_then(|followed| followed.scene_mut()) else { continue };
            if let Some(&ours) = truth.get(&scene.tick_number()) {
                assert_eq!(combined(&scene.state_hashes()), ours, "tick {} of {number}", scene.tick_number());
                compared += 1;
            }
        }
    });
    assert!(compared > 1_000, "{compared} ticks were compared");
    let stats = sessions::take_stats(&mut net.inner.scene);
    assert!(stats.state_hashes_equal >= 40, "the server compared {} reports", stats.state_hashes_equal);
    assert_eq!(stats.desyncs, []);
    let players: Vec<_> = net.seats.iter().map(|seat| net.inner.position(seat.id)).collect();
    assert!(players[0].distance(players[1]) > 0.1 && players[0].length() > 0.5, "they did walk: {players:?}");
}

#[test]
fn who_joins_late_is_brought_from_the_beginning_to_the_present() {
    let mut net = VirtualNet::of(&arena(), "scene/arena", 2);
    follower(&mut net, Way::default());
    walk(&mut net, 2_000);
    let late = follower(&mut net, Way { loss: 0.2, delay_ms: 80, jitter_ms: 20 });
    settle(&mut net, late);
    walk(&mut net, 100);
    assert_eq!(sessions::take_stats(&mut net.inner.scene).desyncs, []);
    let id = net.seats[0].id;
    let followed = net.seats[late].session.followed().expect("it follows").scene().expect("it is there").world();
    assert_eq!(followed.resource::<Players>().0.len(), 2, "it knows who was there before it");
    let shown =
        followed.resource::<sim::roster::Roster>().entity(id).and_then(|entity| followed.get::<Position>(entity));
    assert!(shown.is_some_and(|place| place.0.distance(net.inner.position(id)) < 3.0), "{shown:?}");
}

#[test]
fn a_client_that_tampers_is_named_and_brought_back_and_in_the_end_thrown_out() {
    let mut net = VirtualNet::of(&arena(), "scene/arena", 3);
    for _ in 0..2 {
        follower(&mut net, Way { loss: 0.0, delay_ms: 20, jitter_ms: 0 });
    }
    walk(&mut net, 60);
    for offence in 1..=3 {
        tamper(&mut net, 1);
        walk(&mut net, 45);
        let desyncs = sessions::take_stats(&mut net.inner.scene).desyncs;
        assert!(!desyncs.is_empty(), "offence {offence} was not found");
        assert!(desyncs.iter().all(|(player, _)| player.0 == 2), "the wrong one is named: {desyncs:?}");
        if offence < 3 {
            settle(&mut net, 1);
            assert_eq!(net.seats[1].session.followed().map(|followed| followed.restarts()), Some(offence));
        }
    }
    assert_eq!(sessions::count(&net.inner.scene), 1, "the honest one plays on alone");
    walk(&mut net, 40);
    assert!(sessions::take_stats(&mut net.inner.scene).state_hashes_equal > 0);
}

#[test]
fn a_follower_can_have_the_state_again_and_others_never_notice_that_the_scene_gives_its_log() {
    let mut net = VirtualNet::of(&arena(), "scene/arena", 4);
    let way = Way { loss: 0.05, delay_ms: 20, jitter_ms: 5 };
    let plain = net.join(way);
    let changing = follower(&mut net, way);
    walk(&mut net, 100);
    let shown = |net: &VirtualNet, seat: usize| net.seats[seat].session.world().entities().count();
    assert_eq!(shown(&net, plain), 4, "two players and two rats, as in any scene");
    assert!(net.seats[changing].session.timings().loss < 0.3, "its own state still comes");
    let ask = net.seats[changing].session.unfollow().expect("it fits");
    net.send_frame(changing, ask);
    walk(&mut net, 100);
    assert_eq!(shown(&net, changing), 4);
    assert!(net.seats[changing].session.world().position(net.seats[plain].id).is_some());
}

#[test]
fn a_scene_that_gives_no_log_goes_on_with_the_state() {
    let mut net = VirtualNet::of(&test_assets(&[]), "scene/flat", 5);
    follower(&mut net, Way::default());
    walk(&mut net, 40);
    assert!(net.seats[0].session.followed().is_none(), "it was told that there is nothing to follow");
    assert_eq!((net.seats[0].session.world().entities().count(), net.seats[0].session.goodbye()), (1, None));
    let rejected = sessions::take_stats(&mut net.inner.scene).rejected;
    assert_eq!(rejected.get("not_followed"), Some(&1));
}

/// Has a client ask for the log, or for the state again.
fn ask(net: &mut VirtualNet, number: usize, log: bool) {
    let config = net.inner.config.clone();
    let session = &mut net.seats[number].session;
    let ask = if log { session.follow(config) } else { session.unfollow() };
    net.send_frame(number, ask.expect("it fits"));
}

/// Sets a follower's own character down somewhere better, in its own copy of the scene.
fn tamper(net: &mut VirtualNet, number: usize) {
    let seat = &mut net.seats[number];
    let world = seat.session.followed_mut().expect("it follows").scene_mut().expect("it is there").world_mut();
    let entity = world.resource::<sim::roster::Roster>().entity(seat.id).expect("it is in the scene");
    world.get_mut::<Position>(entity).expect("it has a place").0.x += 9.0;
}

#[test]
fn a_difference_counts_once_however_many_reports_of_it_are_on_their_way() {
    let mut net = VirtualNet::of(&arena(), "scene/arena", 6);
    let far = follower(&mut net, Way { loss: 0.0, delay_ms: 1_900, jitter_ms: 0 });
    walk(&mut net, 200);
    tamper(&mut net, far);
    walk(&mut net, 300);
    assert_eq!(sessions::take_stats(&mut net.inner.scene).desyncs.len(), 1);
    assert_eq!(net.seats[far].session.followed().map(|followed| followed.restarts()), Some(1));
    walk(&mut net, 200);
    let stats = sessions::take_stats(&mut net.inner.scene);
    assert!(stats.desyncs.is_empty() && stats.state_hashes_equal >= 5, "{stats:?}");
}

#[test]
fn who_follows_and_follows_no_more_in_turns_is_told_everything_once_a_second_and_ends_as_it_asked_last() {
    let mut net = VirtualNet::of(&arena(), "scene/arena", 7);
    let way = Way { loss: 0.0, delay_ms: 20, jitter_ms: 0 };
    let (fickle, other) = (follower(&mut net, way), net.join(way));
    walk(&mut net, 40);
    let mut entered = std::collections::BTreeSet::new();
    for round in 0..100 {
        ask(&mut net, fickle, round % 3 == 0);
        walk(&mut net, 1);
        entered.extend(net.seats[fickle].session.world().scene().map(|scene| scene.entered_tick));
    }
    assert!((2..=7).contains(&entered.len()), "100 ticks are five seconds: {entered:?}");
    for log in [true, false, true, false] {
        ask(&mut net, fickle, log);
        walk(&mut net, 60);
        let session = &net.seats[fickle].session;
        let followed = session.followed().and_then(|followed| followed.scene());
        assert_eq!(followed.is_some_and(|scene| net.inner.scene.tick_number() - scene.tick_number() < 12), log);
        if !log {
            let shown = session.world().position(net.seats[other].id).expect("it is in view");
            assert!(shown.distance(net.inner.position(net.seats[other].id)) < 3.0, "the state goes on");
        }
    }
}

#[test]
fn differences_are_not_forgotten_by_following_anew() {
    let mut net = VirtualNet::of(&arena(), "scene/arena", 8);
    let way = Way { loss: 0.0, delay_ms: 20, jitter_ms: 0 };
    follower(&mut net, way);
    let cheat = follower(&mut net, way);
    for offence in 1..=3 {
        walk(&mut net, 60);
        settle(&mut net, cheat);
        tamper(&mut net, cheat);
        walk(&mut net, 45);
        assert_eq!(sessions::count(&net.inner.scene), if offence == 3 { 1 } else { 2 });
        if offence == 3 {
            break;
        }
        ask(&mut net, cheat, false);
        walk(&mut net, 25);
        ask(&mut net, cheat, true);
    }
}

#[test]
fn when_the_log_has_grown_too_long_followers_go_on_with_the_state() {
    let mut net = VirtualNet::of(&arena(), "scene/arena", 9);
    let way = Way { loss: 0.05, delay_ms: 20, jitter_ms: 5 };
    let (other, following) = (net.join(way), follower(&mut net, way));
    walk(&mut net, 60);
    assert!(net.seats[following].session.followed().is_some_and(|followed| followed.scene().is_some()));
    let body = vec![0; net::protocol::LOG_BYTES_MAX];
    net.inner.scene.push(SceneInput::Command { player: 99, sequence: 1, kind: 0, body });
    walk(&mut net, 60);
    for again in [false, true] {
        if again {
            ask(&mut net, following, true);
            walk(&mut net, 40);
        }
        let session = &net.seats[following].session;
        assert!(session.followed().is_none(), "whoever draws it would draw a scene that stands still");
        assert_eq!((session.world().entities().count(), session.goodbye()), (4, None));
        let shown = session.world().position(net.seats[other].id).expect("it is in view");
        assert!(shown.distance(net.inner.position(net.seats[other].id)) < 3.0);
    }
    assert_eq!(sessions::take_stats(&mut net.inner.scene).rejected.get("not_followed"), Some(&1));
}

mod served {
    //! The same behind a whole server: real connections, its ground, its metrics and its recorder.

    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};

    use net::client::{Client, ClientEndpoint, ConnectOptions, Trust};
    use net::protocol::Goodbye;
    use server::config::Config;
    use server::nav::scenes::NavStore;
    use server::replay::{Outcome, replay};
    use server::serve::Server;
    use sim::locomotion::StepInput;
    use sim::scene::SceneConfig;

    use super::*;
    use crate::live_scene::BACKSTOP;

    async fn fighter(server: &Server, endpoint: &ClientEndpoint, name: &str) -> Client {
        let options = ConnectOptions { name: name.to_owned(), class: String::new(), trust: Trust::AnyCertificate };
        Client::connect(endpoint, server.facts().listen, options).await.expect("it gets in")
    }

    /// What a client would have on its disk.
    fn own_copy(assets: &Arc<Assets>) -> SceneConfig {
        let scene = assets.scenes.by_name("scene/arena").expect("there is one");
        let ground = NavStore::new(None, None).ground(assets, scene).expect("it can be baked");
        let (geometry, navmesh) = (ground.geometry, Some(ground.navmesh));
        SceneConfig { scene, seed: 0, assets: Arc::clone(assets), geometry, navmesh }
    }

    fn metric(server: &Server, line: &str) -> u64 {
        let mut stream = TcpStream::connect(server.facts().http).expect("the pages are served");
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").expect("it listens");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("it answers");
        let found = page.lines().find_map(|found| found.strip_prefix(line));
        found.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("no {line} in\n{page}"))
    }

    async fn step_until(client: &mut Client, mut holds: impl FnMut(&mut Client) -> bool) {
        while !holds(client) {
            client.send_input(StepInput::from_wire(90, 90, false)).expect("the link is up");
            assert!(client.next().await, "dropped: {:?}", client.closed());
        }
    }

    fn ticks_of(client: &mut Client) -> u32 {
        client.followed().and_then(|followed| followed.scene()).map_or(0, |scene| scene.tick_number())
    }

    #[test]
    fn a_served_match_is_followed_to_the_hash_and_the_next_begins_anew_and_both_logs_replay() {
        // Without the rats: whoever logs out of a fight stays in it.
        let peaceful = ARENA.lines().filter(|line| !line.contains("spawner")).collect::<Vec<_>>().join("\n");
        let assets = test_assets(&[("scenes/arena.ron", &peaceful)]);
        let folder = tempfile::tempdir().expect("a folder");
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let data = Some(folder.path().to_owned());
        let config = Config { listen: free, http: free, seed: Some(1), data, ..Config::default() };
        let server = Server::start(&config, Arc::clone(&assets)).expect("the server starts");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let play = async {
            let endpoint = ClientEndpoint::bind().expect("a socket");
            let mut first = fighter(&server, &endpoint, "ada").await;
            first.follow(own_copy(&assets)).expect("the link is up");
            step_until(&mut first, |client| ticks_of(client) > 60).await;
            assert_eq!(first.followed().and_then(|followed| followed.failed()), None);
            step_until(&mut first, |_| metric(&server, "follower_state_hashes_total{reason=\"equal\"}") >= 2).await;
            assert_eq!(metric(&server, "follower_state_hashes_total{reason=\"different\"}"), 0);
            let ticks = ticks_of(&mut first);
            assert_eq!(first.leave().await, Some(Goodbye::LoggedOut));
            let mut second = fighter(&server, &endpoint, "bo").await;
            second.follow(own_copy(&assets)).expect("the link is up");
            step_until(&mut second, |client| ticks_of(client) > 5).await;
            assert!(ticks_of(&mut second) < ticks, "the scene did not begin anew");
        };
        runtime.block_on(async { tokio::time::timeout(BACKSTOP, play).await.expect("it comes to its end") });
        server.stop();
        let logs = std::fs::read_dir(folder.path().join("replay"))
            .expect("there is one")
            .map(|entry| entry.expect("it is read").path());
        let logs: Vec<_> = logs.filter(|path| path.to_string_lossy().contains("arena")).collect();
        assert_eq!(logs.len(), 2, "a log for each match: {logs:?}");
        for log in logs {
            let replayed = replay(&std::fs::read(log).expect("it is read"), &NavStore::new(None, None));
            assert!(matches!(replayed, Ok(Outcome::Equal { ticks: 1.., .. })));
        }
    }
}
