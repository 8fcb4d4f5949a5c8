//! A whole server on free ports with real clients: logins, goodbyes, logs and pages.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use net::client::{Client, ClientEndpoint, ConnectOptions, Trust};
use sim::locomotion::StepInput;
use sim::log::{LogError, LogHeader, LogReader, LogWriter};
use sim::testing::{TEST_ASSETS, test_assets};
use tokio::time::timeout;

use super::*;
use crate::replay::{Outcome, ReplayError, replay};

fn config(data: Option<PathBuf>) -> Config {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    Config { listen: free, http: free, data, seed: Some(1), ..Config::default() }
}

/// How long a test may hang before it fails; no test's outcome depends on it.
const BACKSTOP: Duration = Duration::from_secs(300);

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(BACKSTOP, test).await.unwrap() })
}

async fn login(server: &Server, endpoint: &ClientEndpoint, name: &str) -> Client {
    let options = ConnectOptions { name: name.to_owned(), class: String::new(), trust: Trust::AnyCertificate };
    Client::connect(endpoint, server.facts().listen, options).await.unwrap()
}

/// The first line and the body of a page.
fn page(server: &Server, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(server.facts().http).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

/// What the server has counted under `name`, labels included.
fn counted(server: &Server, name: &str) -> u64 {
    let metrics = page(server, "/metrics").1;
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    value.map_or(0, |value| value.parse().unwrap())
}

const APPLIED: &str = "asset_edits_total{reason=\"applied\"}";
const RESHAPED: &str = "geometry_edits_total{reason=\"applied\"}";
const REFUSED: &str = "assets_reload_total{outcome=\"refused\"}";

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("mainspring-{}-{name}", std::process::id())))
    }
}

impl Folder {
    /// A directory with the game data of tests.
    fn test_assets(&self) -> PathBuf {
        let dir = self.0.join("assets");
        for (path, text) in TEST_ASSETS {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _may_never_have_been_made = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_second_login_with_the_same_name_kicks_the_first_and_takes_its_character_over() {
    let server = Server::start(&config(None), test_assets(&[])).unwrap();
    run(async {
        let endpoint = ClientEndpoint::bind().unwrap();
        let mut first = login(&server, &endpoint, "ada").await;
        let mut second = login(&server, &endpoint, "Ada").await;
        while first.next().await {}
        assert_eq!(first.goodbye(), Some(Goodbye::Kicked));
        while second.world().newest_tick() < first.world().newest_tick() + 5 {
            assert!(second.next().await);
        }
        let own = |client: &Client| client.world().scene().map(|scene| scene.own);
        assert_eq!(own(&second), own(&first));
    });
    server.stop();
}

#[test]
fn a_stopping_server_says_why_and_leaves_logs_that_replay() {
    let folder = Folder::new("stop");
    let assets = test_assets(&[]);
    let server = Server::start(&config(Some(folder.0.clone())), Arc::clone(&assets)).unwrap();
    run(async {
        let endpoint = ClientEndpoint::bind().unwrap();
        let mut client = login(&server, &endpoint, "ada").await;
        while client.world().newest_tick() < 20 {
            client.send_input(StepInput::from_wire(127, 0, false)).unwrap();
            assert!(client.next().await);
        }
        // Stopping waits for threads, and this thread has to hear the goodbye meanwhile.
        let stopping = std::thread::spawn(move || server.stop());
        while client.next().await {}
        assert_eq!(client.goodbye(), Some(Goodbye::Shutdown));
        stopping.join().unwrap();
    });
    let mut logs = Vec::new();
    for entry in std::fs::read_dir(folder.0.join("replay")).unwrap() {
        logs.push(std::fs::read(entry.unwrap().path()).unwrap());
    }
    assert_eq!(logs.len(), assets.scenes.len());
    let store = NavStore::new(None, Some(&folder.0));
    for log in &logs {
        assert!(matches!(replay(log, &store), Ok(Outcome::Equal { ticks: 1.., .. })));
        let torn = replay(&log[..log.len() - 1], &store);
        assert!(matches!(torn, Err(ReplayError::Log(LogError::Truncated { .. }))));
        let mut flipped = log.clone();
        flipped[log.len() / 2] ^= 1;
        assert!(replay(&flipped, &store).is_err());
    }
}

#[test]
fn the_pages_say_that_the_server_is_ready_and_count_its_players() {
    let server = Server::start(&config(None), test_assets(&[])).unwrap();
    run(async {
        let endpoint = ClientEndpoint::bind().unwrap();
        let mut client = login(&server, &endpoint, "ada").await;
        while client.world().newest_tick() < 5 {
            assert!(client.next().await);
        }
        assert_eq!(page(&server, "/readyz"), ("HTTP/1.1 200 OK".to_owned(), "ready\n".to_owned()));
        assert_eq!(page(&server, "/healthz").1, "alive\n");
        let metrics = page(&server, "/metrics").1;
        assert!(metrics.contains("online_players{server_id=\"mainspring\"} 1"), "{metrics}");
        assert!(metrics.contains("scene_player_count{scene_id=\"scene/flat\"} 1"), "{metrics}");
    });
    server.stop();
}

#[test]
fn an_unknown_class_is_refused() {
    let server = Server::start(&config(None), test_assets(&[])).unwrap();
    run(async {
        let endpoint = ClientEndpoint::bind().unwrap();
        let options =
            ConnectOptions { name: "ada".to_owned(), class: "class/king".to_owned(), trust: Trust::AnyCertificate };
        let refused = Client::connect(&endpoint, server.facts().listen, options).await.unwrap_err();
        assert!(matches!(refused, net::client::ConnectError::Refused(Goodbye::BadLogin)), "{refused}");
    });
    server.stop();
}

#[test]
fn edited_geometry_is_taken_over_while_the_server_runs_and_the_logs_replay() {
    let folder = Folder::new("edit");
    let (dir, data) = (folder.test_assets(), folder.0.join("data"));
    let assets = crate::assets::load(Some(&dir)).unwrap();
    let server =
        Server::start(&Config { assets: Some(dir.clone()), ..config(Some(data.clone())) }, Arc::clone(&assets));
    let server = server.unwrap();
    run(async {
        let endpoint = ClientEndpoint::bind().unwrap();
        let mut client = login(&server, &endpoint, "ada").await;
        let file = dir.join("scenes/test.ron");
        let edited =
            std::fs::read_to_string(&file).unwrap().replace("size: (0.5, 3.0, 40.0)", "size: (0.5, 3.0, 30.0)");
        std::fs::write(&file, edited).unwrap();
        while counted(&server, RESHAPED) < 1 {
            assert!(client.next().await);
        }
        // It may have been read half-written, too.
        let refused = counted(&server, REFUSED);
        std::fs::write(dir.join("effects/half.ron"), "(id: \"effect/ha").unwrap();
        while counted(&server, REFUSED) == refused {
            assert!(client.next().await, "a half-written file matters to nobody");
        }
        assert_eq!((counted(&server, RESHAPED), counted(&server, APPLIED)), (1, 2), "two scenes, one edit");
    });
    server.stop();
    let store = NavStore::new(Some(&dir), Some(&data));
    for entry in std::fs::read_dir(data.join("replay")).unwrap() {
        let log = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(matches!(replay(&log, &store), Ok(Outcome::Equal { ticks: 1.., .. })));
    }
}

#[test]
fn what_is_edited_while_the_server_starts_is_not_missed() {
    let folder = Folder::new("early");
    let dir = folder.test_assets();
    let assets = crate::assets::load(Some(&dir)).unwrap();
    std::fs::create_dir_all(dir.join("items")).unwrap();
    std::fs::write(dir.join("items/ring.ron"), "(id: \"item/ring\", equip: (slot: Ring))").unwrap();
    let server = Server::start(&Config { assets: Some(dir), ..config(None) }, assets).unwrap();
    run(async {
        let endpoint = ClientEndpoint::bind().unwrap();
        let mut client = login(&server, &endpoint, "ada").await;
        while counted(&server, APPLIED) < 2 {
            assert!(client.next().await);
        }
    });
    server.stop();
}

#[test]
fn a_log_with_edits_of_game_data_replays_when_that_data_is_long_gone() {
    let folder = Folder::new("gone");
    let (dir, data) = (folder.test_assets(), folder.0.join("data"));
    let assets = crate::assets::load(Some(&dir)).unwrap();
    let config = Config { assets: Some(dir.clone()), ..config(Some(data.clone())) };
    let server = Server::start(&config, Arc::clone(&assets)).unwrap();
    run(async {
        let endpoint = ClientEndpoint::bind().unwrap();
        let mut client = login(&server, &endpoint, "ada").await;
        let stronger = assets.sources.text("classes/test.ron").unwrap().replace("Flat(500)", "Flat(800)");
        let ring = "(id: \"item/ring\", equip: (slot: Ring))";
        for (count, file, text) in [(2, "classes/test.ron", stronger.as_str()), (4, "items/ring.ron", ring)] {
            std::fs::create_dir_all(dir.join("items")).unwrap();
            std::fs::write(dir.join(file), text).unwrap();
            while counted(&server, APPLIED) < count {
                client.send_input(StepInput::from_wire(127, 0, false)).unwrap();
                assert!(client.next().await);
            }
        }
    });
    server.stop();
    std::fs::remove_dir_all(&dir).unwrap();
    let store = NavStore::new(None, Some(&data));
    for entry in std::fs::read_dir(data.join("replay")).unwrap() {
        let log = std::fs::read(entry.unwrap().path()).unwrap();
        let read = LogReader::open(&log).unwrap();
        assert_eq!(read.data().hash(), assets.hash);
        let edits = read.ticks().iter().flat_map(|tick| &tick.inputs);
        assert_eq!(edits.filter(|input| matches!(input, SceneInput::Assets { .. })).count(), 2);
        assert!(matches!(replay(&log, &store), Ok(Outcome::Equal { ticks: 1.., .. })));
    }
}

#[test]
fn a_log_that_does_not_hold_the_data_it_names_is_refused() {
    let assets = test_assets(&[]);
    let header =
        LogHeader { scene: "scene/flat".to_owned(), seed: 1, assets_hash: assets.hash + 1, subsystems: Vec::new() };
    let (mut writer, mut log) = LogWriter::new(&header);
    log.extend(writer.data(&assets.sources));
    log.extend(writer.end());
    let refused = replay(&log, &NavStore::new(None, None)).unwrap_err();
    assert!(
        matches!(refused, ReplayError::Log(LogError::OtherAssets { held, .. }) if held == assets.hash),
        "{refused}"
    );
}

#[test]
fn bots_whose_network_is_cut_come_back_as_who_they_were() {
    let assets = test_assets(&[]);
    let server = Server::start(&config(None), Arc::clone(&assets)).unwrap();
    let second = Duration::from_secs(1);
    let plan = bots::Plan {
        count: 10,
        behaviour: bots::Behaviour::Roam,
        duration: second * 8,
        network: bots::Network {
            cut: Some(bots::Cut { after: second, lasting: second * 3 }),
            ..bots::Network::default()
        },
        metrics: Some(server.facts().http),
        ..bots::Plan::new(server.facts().listen, assets)
    };
    let report = bots::run(&plan).unwrap();
    let returns = report.returns.unwrap();
    // On a busy machine one may take a pause for a cut, and come back from that, too.
    assert!(returns.lost >= 10, "{report}");
    assert_eq!((returns.resumed, returns.same_entity, returns.doubles), (returns.lost, returns.lost, 0), "{report}");
    assert!(report.is_good(), "{report}");
    let server_said = report.server.unwrap();
    assert!(server_said.tick_ms["total"].mean > 0.0 && !server_said.series.is_empty(), "{server_said:?}");
    server.stop();
}
