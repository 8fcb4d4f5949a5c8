//! A running server: builds the scenes, starts their threads, the network's and the recorder's, opens the two
//! addresses, and takes it all down again in the order that lets clients know why.
//!
//! The endpoint has one thread for each of its sockets, because many small datagrams cost several times as much when
//! work wanders between threads; HTTP and signals live on others, so that health answers under any load.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use net::endpoint::{CLOSE_TIMEOUT_MAX, Certificate, EndpointLimits};
use net::protocol::Goodbye;
use sim::assets::Assets;
use sim::input::SceneInput;
use tokio::sync::oneshot;
use tracing::{info, warn};

mod greeting;
mod listening;
#[cfg(test)]
mod tests;

use crate::assets::CurrentAssets;
use crate::config::Config;
use crate::gateway::LocalGateway;
use crate::health::{Health, Phase};
use crate::http::Pages;
use crate::metrics::Metrics;
use crate::nav::edits::Editor;
use crate::nav::scenes::{Ground, NavStore};
use crate::nav::watch::{self, Watch};
use crate::recorder::Recorder;
use crate::scenes::directory::{Directory, SceneEntry};
use crate::scenes::post::Post;
use crate::scenes::{self, Built};
use crate::tick_loop::rematch::Rematch;
use crate::tick_loop::{RunningScene, Worker};
use crate::timetable::{Herald, Timetables};
use listening::{Http, Network};

/// Bits of a scene's origin that are its number; more scenes than that would still start at other microseconds.
const ORIGIN_INDEX_BITS: u32 = 12;
/// How long a graceful stop may take before the process ends anyway: the endpoint's longest goodbye, and 3 s in which the
/// scenes end and their logs are written.
const STOP_TIMEOUT: Duration = CLOSE_TIMEOUT_MAX.saturating_add(Duration::from_secs(3));
/// Connections that a server may be open to and still use huge pages. What each keeps is scattered over memory, and every
/// visit to one finds its pages anew: with pages of 2 MiB the server takes 6 % less time. But such a page is held as a whole
/// for whatever of it is in use, 30 KB more for each connection, of which a hundred thousand are too many.
const HUGE_PAGES_CONNECTIONS_MAX: u32 = 20_000;

/// What a running server tells whoever started it.
#[derive(Debug, Clone)]
pub struct Facts {
    /// UDP address of the game endpoint, with its real port.
    pub listen: SocketAddr,
    /// TCP address of metrics and health, with its real port.
    pub http: SocketAddr,
    /// SHA-256 of the certificate, as 64 hexadecimal digits.
    pub certificate_sha256: String,
    /// Names of the scenes.
    pub scenes: Vec<String>,
    /// Seed of everything random.
    pub seed: u64,
    /// Hash of the game data.
    pub assets_hash: u64,
    /// Where replay logs go.
    pub data: Option<PathBuf>,
}

/// A running server. Dropping it stops it without waiting.
pub struct Server {
    facts: Facts,
    health: Arc<Health>,
    workers: Vec<JoinHandle<()>>,
    recorder: Option<JoinHandle<()>>,
    network: Network,
    http: Http,
    watch: Option<Watch>,
    timetables: Option<Timetables>,
}

impl Server {
    /// Starts a server; it is ready when this returns and every scene has ticked once. Navmeshes come from beside
    /// the configured game data or are baked.
    ///
    /// # Errors
    /// As [`Server::start_with`].
    pub fn start(config: &Config, assets: Arc<Assets>) -> anyhow::Result<Self> {
        Self::start_with(config, assets, &NavStore::new(config.assets.as_deref(), config.data.as_deref()))
    }

    /// The same, with navmeshes from `store`.
    ///
    /// # Errors
    /// When a scene cannot be built, an address cannot be bound, or the data directory cannot be written.
    pub fn start_with(config: &Config, assets: Arc<Assets>, store: &NavStore) -> anyhow::Result<Self> {
        let seed = config.seed.unwrap_or_else(|| RandomState::new().hash_one(std::process::id()));
        let mut built = scenes::build(&assets, seed, store)?;
        built.iter_mut().for_each(|one| one.scene.world_mut().insert_resource(config.replication));
        let names: Vec<String> = built.iter().map(|scene| scene.name.clone()).collect();
        let metrics = Metrics::new(&config.server_id)?;
        let health = Arc::new(Health::new(names.iter().map(String::as_str)));
        let directory = Arc::new(directory_of(&built, config));
        let certificate = Certificate::self_signed()?;
        let certificate_sha256 = certificate.sha256_hex();
        let http = Http::bind(config.http, Pages { health: Arc::clone(&health), metrics: Arc::clone(&metrics) })?;

        let (post, arrivals) = Post::new(worker_count(config, built.len()), built.len());
        let current = CurrentAssets::new(Arc::clone(&assets));
        let timetable_data = current.clone();
        let gateway = LocalGateway {
            assets: current.clone(),
            directory: Arc::clone(&directory),
            post: post.clone(),
            health: Arc::clone(&health),
            metrics: metrics.gateway(),
        };
        let network = Network::start(config.listen, certificate, gateway, metrics.gateway(), limits(config))?;
        let grounds: Vec<Ground> = built.iter().map(|scene| scene.ground.clone()).collect();
        let (herald, notices) = Herald::new(built.len());
        let (mut running, recorder) = prepare((built, notices), config, &assets, &metrics, &health)?;
        let editor = Editor::new(&assets, &grounds);
        let watch = |dir| watch_edits(dir, editor, &mut running, current, Arc::clone(&metrics));
        let watch = config.assets.as_deref().map(watch).transpose()?;
        let workers = start_workers(running, arrivals, (&post, &herald), &directory, &health)?;
        let timetables =
            Timetables::start(herald, timetable_data).context("cannot start the thread of the timetables")?;
        health.enter(Phase::Ready);
        let facts = Facts {
            listen: network.local_addr(),
            http: http.local_addr(),
            certificate_sha256,
            scenes: names,
            seed,
            assets_hash: assets.hash,
            data: config.data.clone(),
        };
        info!(listen = %facts.listen, http = %facts.http, seed, "serving");
        Ok(Self { facts, health, workers, recorder, network, http, watch, timetables: Some(timetables) })
    }

    /// What there is to know about it.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Stops: tells every client [`Goodbye::Shutdown`], ends the logs, and waits for all threads.
    pub fn stop(mut self) {
        self.health.enter(Phase::Stopping);
        drop(self.watch.take());
        drop(self.timetables.take());
        // The scenes say goodbye and end their logs; what they queued then leaves through the network.
        for worker in self.workers.drain(..) {
            if worker.join().is_err() {
                warn!("a tick thread ended with a panic");
            }
        }
        self.network.close(Goodbye::Shutdown);
        if self.recorder.take().is_some_and(|recorder| recorder.join().is_err()) {
            warn!("the recorder ended with a panic");
        }
        self.http.close();
        info!("stopped");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.health.enter(Phase::Stopping);
    }
}

/// The command: serves until SIGTERM or ctrl-c, then stops gracefully; a second signal ends the process at once.
///
/// # Errors
/// As [`Server::start`], or when the game data is not good.
pub fn command(config: &Config) -> anyhow::Result<()> {
    if config.connections_max > HUGE_PAGES_CONNECTIONS_MAX {
        refuse_huge_pages();
    }
    let store = NavStore::new(config.assets.as_deref(), config.data.as_deref());
    let assets = crate::assets::load_on(config.assets.as_deref(), &store)?;
    let signals = Signals::listen()?;
    let server = Server::start_with(config, assets, &store)?;
    greeting::print(server.facts());
    signals.wait()?;
    info!("stopping: clients are told goodbye");
    std::thread::spawn(move || {
        // Whatever comes first: a second signal, or the end of patience.
        let code = match signals.wait_for(STOP_TIMEOUT) {
            Err(mpsc::RecvTimeoutError::Timeout) => {
                warn!("stopping took too long; the process ends anyway");
                1
            }
            Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => 130,
        };
        std::process::exit(code);
    });
    server.stop();
    Ok(())
}

/// For who serves more than [`HUGE_PAGES_CONNECTIONS_MAX`].
fn refuse_huge_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        warn!(%error, "the system insists on huge pages: connections will take more memory");
    }
}

fn directory_of(built: &[Built], config: &Config) -> Directory {
    let entry = |scene: &Built| SceneEntry { name: scene.name.clone(), players_max: scene.players_max };
    let players_max = usize::try_from(config.players_max).unwrap_or(usize::MAX);
    Directory::new(built.iter().map(entry).collect(), scenes::start_scene(built), players_max)
}

fn limits(config: &Config) -> EndpointLimits {
    let quarter_of_cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get() / 4).clamp(1, 8);
    EndpointLimits {
        connections_max: usize::try_from(config.connections_max).unwrap_or(usize::MAX),
        connections_per_address_max: usize::try_from(config.connections_per_ip_max).unwrap_or(usize::MAX),
        sockets: config.net_threads.map_or_else(quarter_of_cores, usize::from),
        ..EndpointLimits::default()
    }
}

fn worker_count(config: &Config, scene_count: usize) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    config.workers.map_or_else(cores, usize::from).clamp(1, scene_count.max(1))
}

/// Dresses the scenes for running, and starts the recorder when there is a place to record to.
fn prepare(
    (built, notices): (Vec<Built>, Vec<mpsc::Receiver<SceneInput>>),
    config: &Config,
    assets: &Arc<Assets>,
    metrics: &Arc<Metrics>,
    health: &Health,
) -> anyhow::Result<(Vec<RunningScene>, Option<JoinHandle<()>>)> {
    let bytes_max = u64::from(config.replay_mib_max) << 20;
    let mut recorder = config.data.as_deref().map(|data| Recorder::new(data, bytes_max)).transpose()?;
    let mut running = Vec::new();
    for (index, (Built { name, seed, mut scene, ground, .. }, notices)) in built.into_iter().zip(notices).enumerate() {
        let recording = recorder.as_mut().map(|recorder| recorder.begin(&mut scene, seed, assets)).transpose()?;
        scene.push(SceneInput::Origin { origin: origin_of(index)? });
        scene.set_probe(metrics.stage_probe(&name));
        let rematch = Rematch::of(&scene, seed, &ground, assets, metrics);
        let health = Arc::clone(health.scene(index).ok_or_else(|| anyhow!("scene {name} has no health"))?);
        running.push(RunningScene {
            index,
            scene,
            metrics: metrics.scene(&name),
            health,
            recorder: recording,
            edits: None,
            rematch,
            notices,
        });
    }
    let thread = recorder.map(Recorder::start).transpose().context("cannot start the recorder's thread")?;
    Ok((running, thread))
}

/// What sets a scene of this run apart from all others: when it was started, to the microsecond, and its number.
pub(crate) fn origin_of(index: usize) -> anyhow::Result<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock says that it is before 1970")?;
    let us = u64::try_from(since.as_micros()).context("the clock is centuries ahead")?;
    Ok(us << ORIGIN_INDEX_BITS | u64::try_from(index)?)
}

/// Connects every scene with the files its data comes from.
fn watch_edits(
    dir: &Path,
    editor: Editor,
    running: &mut [RunningScene],
    current: CurrentAssets,
    metrics: Arc<Metrics>,
) -> anyhow::Result<Watch> {
    let (senders, receivers) = watch::ways(running.len());
    for (scene, edits) in running.iter_mut().zip(receivers) {
        scene.edits = Some(edits);
    }
    watch::start(dir, editor, senders, current, metrics)
}

fn start_workers(
    running: Vec<RunningScene>,
    arrivals: Vec<mpsc::Receiver<crate::scenes::post::Attach>>,
    (post, herald): (&Post, &Herald),
    directory: &Arc<Directory>,
    health: &Arc<Health>,
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let make = |arrivals| Worker {
        scenes: Vec::new(),
        arrivals,
        post: post.clone(),
        herald: herald.clone(),
        directory: Arc::clone(directory),
        health: Arc::clone(health),
    };
    let mut workers: Vec<Worker> = arrivals.into_iter().map(make).collect();
    for scene in running {
        if let Some(worker) = workers.get_mut(post.thread_of(scene.index)) {
            worker.scenes.push(scene);
        }
    }
    let start = |(number, worker): (usize, Worker)| worker.start(number).context("cannot start a tick thread");
    workers.into_iter().enumerate().map(start).collect()
}

/// SIGTERM and ctrl-c, heard on a thread of their own.
struct Signals(mpsc::Receiver<()>);

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let (ready, is_ready) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(forward_signals(&sender, ready));
        })?;
        is_ready.blocking_recv().context("the signal thread died")??;
        Ok(Self(receiver))
    }

    fn wait(&self) -> anyhow::Result<()> {
        self.0.recv().context("signals are not heard any more")
    }

    fn wait_for(&self, timeout: Duration) -> Result<(), mpsc::RecvTimeoutError> {
        self.0.recv_timeout(timeout)
    }
}

async fn forward_signals(sender: &mpsc::Sender<()>, ready: oneshot::Sender<std::io::Result<()>>) {
    use tokio::signal::unix::{SignalKind, signal};
    let both = signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
    let (mut term, mut interrupt) = match both {
        Ok(both) => both,
        Err(cause) => return drop(ready.send(Err(cause))),
    };
    let _listener_may_be_gone = ready.send(Ok(()));
    loop {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        if sender.send(()).is_err() {
            return;
        }
    }
}
