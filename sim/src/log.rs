//! The log of a scene: what it was made from (the game data whole), everything that entered it, and its hashes, tick by
//! tick. Pure bytes; reading and writing files is the caller's.
//!
//! | part | bytes |
//! | --- | --- |
//! | magic | 8: `MSPRING` and the format's version |
//! | frame, repeated | tag `u8`, payload length `u32`, payload, checksum `u32` |
//!
//! Tags: 1 header (first), 2 tick, 3 end (last; payload = ticks as `u32`), 4 a file of the game data (between the header and
//! the first tick, by path). Payloads are rkyv archives. Each checksum is the CRC-32 of everything since the start of the
//! file, so a log ends at its first wrong byte.

mod stream;

use crc32fast::Hasher;
use rkyv::{Archive, Deserialize, Serialize};

use crate::assets::AssetSources;
use crate::command::{read_archive, write_archive};
use crate::input::SceneInput;
use crate::wire::Reader;

pub use stream::{LogPart, LogStream};

const MAGIC: &[u8; 7] = b"MSPRING";
const VERSION: u8 = 2;
const HEADER: u8 = 1;
const TICK: u8 = 2;
const END: u8 = 3;
const DATA: u8 = 4;
/// How messages name the place where the game data of a log lies.
const DATA_ROOT: &str = "the log";
/// Largest payload of one frame, in bytes.
const FRAME_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// What a logged scene was made from.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct LogHeader {
    /// Id such as `scene/field`.
    pub scene: String,
    /// The scene's seed.
    pub seed: u64,
    /// Hash of the game data.
    pub assets_hash: u64,
    /// Names of the hashed subsystems, in the order of every record's hashes.
    pub subsystems: Vec<String>,
}

/// One file of the game data that a logged scene began with.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
struct DataFile {
    path: String,
    text: String,
}

/// One tick of a log.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct TickRecord {
    /// Its number, from 1.
    pub tick: u32,
    /// What entered, in order of application.
    pub inputs: Vec<SceneInput>,
    /// State hash per subsystem after the tick.
    pub hashes: Vec<u64>,
}

/// Why a log cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The file begins otherwise.
    #[error("this is not a scene log (it does not begin with `MSPRING`)")]
    NotALog,
    /// Another format.
    #[error("the log has format version {found}, this program reads version {VERSION}")]
    Version {
        /// What the file says.
        found: u8,
    },
    /// A checksum or a structure is wrong.
    #[error("the log is damaged at byte {at}, after tick {after_tick}: it was changed since it was written")]
    Damaged {
        /// Offset of the frame.
        at: usize,
        /// The last good tick.
        after_tick: u32,
    },
    /// The end is missing.
    #[error(
        "the log is truncated: it stops at byte {at}, after tick {after_tick}, without an end record (the server was killed, or the copy is incomplete)"
    )]
    Truncated {
        /// Offset of the incomplete frame.
        at: usize,
        /// The last good tick.
        after_tick: u32,
    },
    /// It holds other game data than it says.
    #[error("the log says that it began with game data {recorded:016x}, but what it holds is {held:016x}")]
    OtherAssets {
        /// What it says.
        recorded: u64,
        /// Of what it holds.
        held: u64,
    },
    /// Recorded in a scene these assets do not have.
    #[error("the log was recorded in `{scene}`, which the game data does not have")]
    UnknownScene {
        /// In the log.
        scene: String,
    },
    /// Recorded by a program with other rules.
    #[error("the log was recorded by a program with other subsystems ({recorded}; this one has {ours})")]
    OtherSubsystems {
        /// In the log, comma-separated.
        recorded: String,
        /// In this process, comma-separated.
        ours: String,
    },
}

/// Makes the bytes of a log, piece by piece.
pub struct LogWriter {
    checksum: Hasher,
    ticks: u32,
}

impl LogWriter {
    /// Begins a log; the bytes go first into the file.
    #[must_use]
    pub fn new(header: &LogHeader) -> (Self, Vec<u8>) {
        let mut writer = Self { checksum: Hasher::new(), ticks: 0 };
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        writer.checksum.update(&bytes);
        writer.frame(HEADER, &write_archive(header), &mut bytes);
        (writer, bytes)
    }

    /// The bytes of the game data that the scene begins with; they go behind those of the header.
    pub fn data(&mut self, sources: &AssetSources) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (path, text) in sources.iter() {
            let file = DataFile { path: path.to_owned(), text: text.to_owned() };
            self.frame(DATA, &write_archive(&file), &mut bytes);
        }
        bytes
    }

    /// The bytes of one tick.
    pub fn tick(&mut self, tick: u32, inputs: &[SceneInput], hashes: &[(&'static str, u64)]) -> Vec<u8> {
        let hashes = hashes.iter().map(|&(_, hash)| hash).collect();
        let record = TickRecord { tick, inputs: inputs.to_vec(), hashes };
        let mut bytes = Vec::new();
        self.ticks = tick;
        self.frame(TICK, &write_archive(&record), &mut bytes);
        bytes
    }

    /// The last bytes of a complete log.
    pub fn end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.frame(END, &self.ticks.to_le_bytes(), &mut bytes);
        bytes
    }

    fn frame(&mut self, tag: u8, payload: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.push(tag);
        out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(payload);
        self.checksum.update(&out[start..]);
        out.extend_from_slice(&self.checksum.clone().finalize().to_le_bytes());
    }
}

/// A complete, undamaged log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogReader {
    header: LogHeader,
    data: AssetSources,
    ticks: Vec<TickRecord>,
}

impl LogReader {
    /// Reads and checks a whole log.
    ///
    /// # Errors
    /// [`LogError`] says what is wrong and where.
    pub fn open(bytes: &[u8]) -> Result<Self, LogError> {
        let mut frames = Frames::begin(bytes)?;
        let (HEADER, payload) = frames.next()? else { return Err(frames.damaged()) };
        let header = read_archive::<LogHeader>(payload).map_err(|_| frames.damaged())?;
        let mut data = AssetSources::new(DATA_ROOT);
        let mut ticks: Vec<TickRecord> = Vec::new();
        loop {
            match frames.next()? {
                (DATA, payload) if ticks.is_empty() => {
                    let file = read_archive::<DataFile>(payload).map_err(|_| frames.damaged())?;
                    data.insert(file.path, file.text);
                }
                (TICK, payload) => {
                    let record = read_archive::<TickRecord>(payload).map_err(|_| frames.damaged())?;
                    frames.after_tick = record.tick;
                    ticks.push(record);
                }
                (END, payload) if Reader::new(payload).u32() == Some(frames.after_tick) && frames.rest.is_empty() => {
                    return Ok(Self { header, data, ticks });
                }
                _ => return Err(frames.damaged()),
            }
        }
    }

    /// What the scene was made from.
    #[must_use]
    pub fn header(&self) -> &LogHeader {
        &self.header
    }

    /// The game data that the scene began with; no files in a log made without.
    #[must_use]
    pub fn data(&self) -> &AssetSources {
        &self.data
    }

    /// The ticks in order.
    #[must_use]
    pub fn ticks(&self) -> &[TickRecord] {
        &self.ticks
    }
}

struct Frames<'a> {
    rest: Reader<'a>,
    checksum: Hasher,
    at: usize,
    after_tick: u32,
}

impl<'a> Frames<'a> {
    fn begin(bytes: &'a [u8]) -> Result<Self, LogError> {
        let mut rest = Reader::new(bytes);
        if rest.take(MAGIC.len()) != Some(MAGIC) {
            return Err(LogError::NotALog);
        }
        let found = rest.u8().ok_or(LogError::NotALog)?;
        if found != VERSION {
            return Err(LogError::Version { found });
        }
        let mut checksum = Hasher::new();
        checksum.update(MAGIC);
        checksum.update(&[VERSION]);
        Ok(Self { rest, checksum, at: MAGIC.len() + 1, after_tick: 0 })
    }

    fn next(&mut self) -> Result<(u8, &'a [u8]), LogError> {
        let truncated = LogError::Truncated { at: self.at, after_tick: self.after_tick };
        let Some(head) = self.rest.take(5) else { return Err(truncated) };
        let mut reader = Reader::new(head);
        let (Some(tag), Some(length)) = (reader.u8(), reader.u32()) else { return Err(truncated) };
        if length > FRAME_BYTES_MAX || !(HEADER..=DATA).contains(&tag) {
            return Err(self.damaged());
        }
        let payload = self.rest.take(length as usize).ok_or(truncated.clone())?;
        let sum = self.rest.u32().ok_or(truncated)?;
        self.checksum.update(head);
        self.checksum.update(payload);
        if self.checksum.clone().finalize() != sum {
            return Err(self.damaged());
        }
        self.at += 9 + payload.len();
        Ok((tag, payload))
    }

    fn damaged(&self) -> LogError {
        LogError::Damaged { at: self.at, after_tick: self.after_tick }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> AssetSources {
        AssetSources::new(DATA_ROOT).with("a/a.ron", "()").with("b/b.ron", "\r\n")
    }

    fn log() -> Vec<u8> {
        let header =
            LogHeader { scene: "scene/a".into(), seed: 1, assets_hash: 2, subsystems: vec!["movement".into()] };
        let (mut writer, mut bytes) = LogWriter::new(&header);
        bytes.extend(writer.data(&data()));
        for tick in 1..=20 {
            bytes.extend(writer.tick(tick, &[SceneInput::Leave { player: 7 }], &[("movement", u64::from(tick))]));
        }
        bytes.extend(writer.end());
        bytes
    }

    #[test]
    fn a_log_is_read_back_as_it_was_written() {
        let read = LogReader::open(&log()).unwrap();
        assert_eq!(read.header().scene, "scene/a");
        assert_eq!(read.data(), &data());
        assert_eq!(read.ticks().len(), 20);
        assert_eq!(read.ticks()[19].hashes, [20]);
    }

    #[test]
    fn any_flipped_byte_is_found() {
        let good = log();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(LogReader::open(&bad).is_err(), "byte {at}");
        }
    }

    #[test]
    fn any_truncation_is_called_one() {
        let good = log();
        for end in 8..good.len() {
            let error = LogReader::open(&good[..end]).unwrap_err();
            assert!(matches!(error, LogError::Truncated { .. }), "{end}: {error}");
        }
    }
}
