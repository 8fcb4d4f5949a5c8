//! A log read while it is being written: bytes go in as they come, in pieces of any size, and parts come out as they are
//! whole. Checked as [`super::LogReader`] checks a finished one.

use crc32fast::Hasher;

use super::{DATA, DataFile, END, FRAME_BYTES_MAX, HEADER, LogError, LogHeader, MAGIC, TICK, TickRecord, VERSION};
use crate::command::read_archive;
use crate::wire::Reader;

/// Bytes of a frame's tag and length.
const HEAD_BYTES: usize = 5;
/// Bytes of a frame's checksum.
const SUM_BYTES: usize = 4;

/// A part of a log.
#[derive(Debug, Clone, PartialEq)]
pub enum LogPart {
    /// What the scene was made from; always the first.
    Header(LogHeader),
    /// A tick; each follows the one before.
    Tick(TickRecord),
    /// The end.
    End,
}

/// The reader of an unfinished log.
#[derive(Debug, Clone, Default)]
pub struct LogStream {
    waiting: Vec<u8>,
    /// Bytes of `waiting` that are read.
    read: usize,
    checksum: Hasher,
    at: usize,
    after_tick: u32,
}

impl LogStream {
    /// Adds the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.read > 0 {
            self.waiting.drain(..self.read);
            self.read = 0;
        }
        self.waiting.extend_from_slice(bytes);
    }

    /// The next part, or `None` until more bytes come. Files of the game data are skipped.
    ///
    /// # Errors
    /// [`LogError`] says what is wrong; nothing after it can be trusted.
    pub fn next_part(&mut self) -> Result<Option<LogPart>, LogError> {
        if self.at == 0 && !self.begin()? {
            return Ok(None);
        }
        while let Some((tag, payload)) = self.next_frame()? {
            let payload = self.waiting.get(payload).unwrap_or_default();
            let damaged = LogError::Damaged { at: self.at, after_tick: self.after_tick };
            return Ok(Some(match tag {
                HEADER => LogPart::Header(read_archive(payload).map_err(|_| damaged)?),
                TICK => {
                    let record: TickRecord = read_archive(payload).map_err(|_| damaged.clone())?;
                    if record.tick != self.after_tick + 1 {
                        return Err(damaged);
                    }
                    self.after_tick = record.tick;
                    LogPart::Tick(record)
                }
                END => LogPart::End,
                _ => {
                    read_archive::<DataFile>(payload).map_err(|_| damaged)?;
                    continue;
                }
            }));
        }
        Ok(None)
    }

    fn begin(&mut self) -> Result<bool, LogError> {
        let Some(start) = self.waiting.get(..MAGIC.len() + 1) else { return Ok(false) };
        let found = start.last().copied().unwrap_or_default();
        if !start.starts_with(MAGIC) {
            return Err(LogError::NotALog);
        }
        if found != VERSION {
            return Err(LogError::Version { found });
        }
        self.checksum.update(start);
        self.at = start.len();
        self.read = start.len();
        Ok(true)
    }

    /// The next whole frame, as its tag and where in `waiting` its payload stands.
    fn next_frame(&mut self) -> Result<Option<(u8, std::ops::Range<usize>)>, LogError> {
        let rest = self.waiting.get(self.read..).unwrap_or_default();
        let mut reader = Reader::new(rest);
        let (Some(tag), Some(length)) = (reader.u8(), reader.u32()) else { return Ok(None) };
        let damaged = LogError::Damaged { at: self.at, after_tick: self.after_tick };
        if length > FRAME_BYTES_MAX || !(HEADER..=DATA).contains(&tag) {
            return Err(damaged);
        }
        let summed = HEAD_BYTES + length as usize;
        let Some(frame) = rest.get(..summed + SUM_BYTES) else { return Ok(None) };
        let (frame, sum) = frame.split_at(summed);
        self.checksum.update(frame);
        if Reader::new(sum).u32() != Some(self.checksum.clone().finalize()) {
            return Err(damaged);
        }
        let payload = self.read + HEAD_BYTES..self.read + summed;
        self.read += summed + SUM_BYTES;
        self.at += summed + SUM_BYTES;
        Ok(Some((tag, payload)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::AssetSources;
    use crate::input::SceneInput;
    use crate::log::LogWriter;

    fn log() -> (LogHeader, Vec<u8>) {
        let header =
            LogHeader { scene: "scene/a".into(), seed: 1, assets_hash: 2, subsystems: vec!["movement".into()] };
        let (mut writer, mut bytes) = LogWriter::new(&header);
        bytes.extend(writer.data(&AssetSources::new("the log").with("a/a.ron", "()")));
        for tick in 1..=20 {
            bytes.extend(writer.tick(tick, &[SceneInput::Leave { player: u64::from(tick) }], &[]));
        }
        bytes.extend(writer.end());
        (header, bytes)
    }

    #[test]
    fn a_log_in_pieces_of_any_size_comes_out_as_it_was_written() {
        let (header, bytes) = log();
        for piece_bytes in [1, 7, 64, bytes.len()] {
            let (mut stream, mut parts) = (LogStream::default(), Vec::new());
            for piece in bytes.chunks(piece_bytes) {
                stream.push(piece);
                while let Some(part) = stream.next_part().unwrap() {
                    parts.push(part);
                }
            }
            assert_eq!(parts.len(), 22);
            assert_eq!(parts[0], LogPart::Header(header.clone()));
            assert!(matches!(&parts[20], LogPart::Tick(record) if record.tick == 20));
            assert_eq!(parts[21], LogPart::End);
        }
    }

    #[test]
    fn any_flipped_byte_is_found_or_nothing_comes_of_it() {
        let (_, good) = log();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            let mut stream = LogStream::default();
            stream.push(&bad);
            let ended = loop {
                match stream.next_part() {
                    Ok(Some(LogPart::End)) => break true,
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => break false,
                }
            };
            assert!(!ended, "byte {at}");
        }
    }
}
