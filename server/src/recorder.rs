//! Replay logs: `DIR/replay/<scene>-<unix seconds>.mslog`, one per scene and start, written by one thread of its
//! own. A tick never waits for the disk: when the writer falls behind, the recording of that scene ends (with a
//! proper end record, so that what it holds can be replayed), and this is logged and counted.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use sim::assets::Assets;
use sim::log::{LogHeader, LogWriter};
use sim::scene::Scene;
use tracing::{error, info, warn};

/// Pieces of logs that may wait for the disk: about 25 s of one scene.
const WAITING_MAX: usize = 512;

/// Bytes for one file.
struct Piece {
    file: usize,
    bytes: Vec<u8>,
    /// The name of a scene whose next log begins with these bytes.
    begins: Option<String>,
    last: bool,
}

struct LogFile {
    path: PathBuf,
    out: Option<BufWriter<File>>,
    failed: Arc<AtomicBool>,
}

/// The files of all scenes, before the writer's thread runs.
pub struct Recorder {
    folder: PathBuf,
    files: Vec<LogFile>,
    sender: SyncSender<Piece>,
    receiver: Receiver<Piece>,
    bytes_max: u64,
}

impl Recorder {
    /// Prepares `data/replay`; each log is closed at `bytes_max`.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(data: &Path, bytes_max: u64) -> anyhow::Result<Self> {
        let folder = data.join("replay");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let (sender, receiver) = sync_channel(WAITING_MAX);
        Ok(Self { folder, files: Vec::new(), sender, receiver, bytes_max })
    }

    /// Begins the log of a scene that has not ticked yet and was made from `assets`.
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub fn begin(&mut self, scene: &mut Scene, seed: u64, assets: &Assets) -> anyhow::Result<SceneRecorder> {
        let name = scene.name().to_owned();
        let (log, bytes) = begin_log(scene, seed, assets);
        let (path, file) = create(&self.folder, &name)?;
        let mut out = BufWriter::new(file);
        out.write_all(&bytes).with_context(|| format!("cannot write {}", path.display()))?;
        info!(scene = name, path = %path.display(), "recording");
        let failed = Arc::new(AtomicBool::new(false));
        self.files.push(LogFile { path, out: Some(out), failed: Arc::clone(&failed) });
        Ok(SceneRecorder {
            name,
            log,
            file: self.files.len() - 1,
            sender: self.sender.clone(),
            failed,
            bytes_left: self.bytes_max.saturating_sub(bytes.len() as u64),
            bytes_max: self.bytes_max,
            state: State::Recording,
        })
    }

    /// Starts the thread; it ends when every [`SceneRecorder`] is gone.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(self) -> io::Result<JoinHandle<()>> {
        let Self { mut files, receiver, sender, folder, .. } = self;
        drop(sender);
        std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            for piece in receiver {
                if let Some(file) = files.get_mut(piece.file) {
                    if let Some(scene) = &piece.begins {
                        file.begin_anew(&folder, scene);
                    }
                    file.write(&piece);
                }
            }
        })
    }
}

impl LogFile {
    /// The next log of the same scene; the one before has its end.
    fn begin_anew(&mut self, folder: &Path, scene: &str) {
        match create(folder, scene) {
            Ok((path, file)) => {
                info!(scene, path = %path.display(), "recording");
                (self.path, self.out) = (path, Some(BufWriter::new(file)));
            }
            Err(cause) => {
                error!(scene, %cause, "the next recording cannot begin");
                self.failed.store(true, Ordering::Relaxed);
            }
        }
    }

    fn write(&mut self, piece: &Piece) {
        let Some(out) = &mut self.out else { return };
        let written = out.write_all(&piece.bytes).and_then(|()| if piece.last { out.flush() } else { Ok(()) });
        if let Err(cause) = written {
            error!(path = %self.path.display(), %cause, "the recording cannot be written and stops here");
            self.failed.store(true, Ordering::Relaxed);
        }
        if piece.last || self.failed.load(Ordering::Relaxed) {
            self.out = None;
        }
    }
}

enum State {
    Recording,
    /// The end record still has to be handed over.
    Ending(Vec<u8>),
    Ended,
}

/// The recording of one scene, held by its tick thread.
pub struct SceneRecorder {
    name: String,
    log: LogWriter,
    file: usize,
    sender: SyncSender<Piece>,
    failed: Arc<AtomicBool>,
    bytes_left: u64,
    bytes_max: u64,
    state: State,
}

impl SceneRecorder {
    /// Takes down the tick that `scene` has just run. Returns the reason (`slow_disk`, `size`, `io_error`) when the
    /// recording ends with it.
    pub fn record(&mut self, scene: &mut Scene) -> Option<&'static str> {
        if let State::Ending(bytes) = &mut self.state {
            let bytes = std::mem::take(bytes);
            self.hand_over_end(bytes);
        }
        if !matches!(self.state, State::Recording) {
            return None;
        }
        if self.failed.load(Ordering::Relaxed) {
            self.state = State::Ended;
            return Some("io_error");
        }
        let hashes = scene.state_hashes();
        let bytes = self.log.tick(scene.tick_number(), scene.applied_inputs(), &hashes);
        let piece_bytes = bytes.len() as u64;
        match self.sender.try_send(Piece { file: self.file, bytes, begins: None, last: false }) {
            Ok(()) if self.bytes_left <= piece_bytes => Some(self.stop("size", Vec::new())),
            Ok(()) => {
                self.bytes_left -= piece_bytes;
                None
            }
            // This tick is already in the checksum, so it stays in front of the end.
            Err(TrySendError::Full(piece)) => Some(self.stop("slow_disk", piece.bytes)),
            Err(TrySendError::Disconnected(_)) => {
                self.state = State::Ended;
                Some("io_error")
            }
        }
    }

    /// Ends the log of a scene that is over, and begins that of the `scene` in its place, which has not ticked yet and was
    /// made from `assets`. Returns the reason when it cannot be recorded.
    pub fn begin_anew(&mut self, scene: &mut Scene, seed: u64, assets: &Assets) -> Option<&'static str> {
        if matches!(self.state, State::Recording) {
            let end = self.log.end();
            self.hand_over_end(end);
        }
        if !matches!(self.state, State::Ended) || self.failed.load(Ordering::Relaxed) {
            return Some("slow_disk");
        }
        let (log, bytes) = begin_log(scene, seed, assets);
        (self.log, self.bytes_left) = (log, self.bytes_max.saturating_sub(bytes.len() as u64));
        let first = Piece { file: self.file, bytes, begins: Some(self.name.clone()), last: false };
        let sent = self.sender.try_send(first).is_ok();
        self.state = if sent { State::Recording } else { State::Ended };
        (!sent).then_some("slow_disk")
    }

    /// Ends the log; waits for room in the queue, as nothing ticks any more.
    pub fn finish(mut self) {
        let bytes = match std::mem::replace(&mut self.state, State::Ended) {
            State::Recording => self.log.end(),
            State::Ending(bytes) => bytes,
            State::Ended => return,
        };
        if self.sender.send(Piece { file: self.file, bytes, begins: None, last: true }).is_err() {
            error!(scene = self.name, "the recording has no end: its writer is gone");
        }
    }

    fn stop(&mut self, reason: &'static str, mut unsent: Vec<u8>) -> &'static str {
        warn!(scene = self.name, reason, "the recording of this scene ends here");
        unsent.extend(self.log.end());
        self.hand_over_end(unsent);
        reason
    }

    fn hand_over_end(&mut self, bytes: Vec<u8>) {
        self.state = match self.sender.try_send(Piece { file: self.file, bytes, begins: None, last: true }) {
            Err(TrySendError::Full(piece)) => State::Ending(piece.bytes),
            Ok(()) | Err(TrySendError::Disconnected(_)) => State::Ended,
        };
    }
}

/// The first bytes of the log of a scene that has not ticked yet: its header and the game data.
fn begin_log(scene: &mut Scene, seed: u64, assets: &Assets) -> (LogWriter, Vec<u8>) {
    let subsystems = scene.state_hashes().into_iter().map(|(subsystem, _)| subsystem.to_owned()).collect();
    let header = LogHeader { scene: scene.name().to_owned(), seed, assets_hash: assets.hash, subsystems };
    let (mut log, mut bytes) = LogWriter::new(&header);
    bytes.extend(log.data(&assets.sources));
    (log, bytes)
}

/// Makes a file that does not exist yet: a server restarted within a second counts its logs up.
fn create(folder: &Path, scene: &str) -> anyhow::Result<(PathBuf, File)> {
    let name = scene.rsplit('/').next().unwrap_or(scene);
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    for attempt in 0..100 {
        let suffix = if attempt == 0 { String::new() } else { format!("-{attempt}") };
        let path = folder.join(format!("{name}-{seconds}{suffix}.mslog"));
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(cause).with_context(|| format!("cannot make {}", path.display())),
        }
    }
    anyhow::bail!("{} already holds a hundred logs of {name} from this second", folder.display())
}
