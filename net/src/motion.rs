//! Motion: the poses of many bodies, each a place and a rotation, in a few bits a body and frame.
//!
//! Both ends keep, for each body, where it will be if it goes on as it went (`track`). A frame says only by how many
//! steps of the agreed precision each of the six numbers is off, and an adaptive arithmetic coder (`coder`) makes
//! "not at all" cost a fraction of a bit. Predictions start from the newest frame that the receiver has acknowledged, so
//! that a frame can be read whatever else was lost. No clock, no socket: frames are numbered by the caller.
//!
//! | part of a frame | bytes |
//! | --- | --- |
//! | how many frames the baseline is older, 0 for none | varint |
//! | count of bodies | varint |
//! | one bit stream: known bodies by residuals, new ones whole | the rest |

use std::collections::VecDeque;

use glam::{Quat, Vec3};
use sim::wire::{Reader, put_varint};

mod coder;
mod model;
mod track;

use coder::{Decoder, Encoder};
use model::{Bits, Model};
use track::Track;

/// Bodies in one frame, at most.
pub const BODIES_MAX: usize = 4_096;
/// Frames that a baseline may be older than the frame it is for; beyond it the frame is whole.
pub const BASELINE_AGE_MAX: u32 = 32;

/// Where a body is and how it is turned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Metres.
    pub position: Vec3,
    /// Of length 1.
    pub rotation: Quat,
}

/// How exact a receiver's poses are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Precision {
    /// Step of each coordinate, in metres: a received coordinate is off by half of it at most.
    pub position_m: f32,
    /// Step of a quaternion's components: a received rotation is off by about as many radians around each axis.
    pub rotation: f32,
}

impl Default for Precision {
    /// A centimetre and a thousandth.
    fn default() -> Self {
        Self { position_m: 0.01, rotation: 0.001 }
    }
}

/// Why a frame cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MotionError {
    /// The frame does not begin as frames do, or names too many bodies.
    #[error("the frame is damaged")]
    Damaged,
    /// It builds on a frame that did not come, or not any more kept.
    #[error("the frame builds on frame {0}, which is not known")]
    UnknownBaseline(u32),
}

/// What both ends know after a frame.
#[derive(Debug, Clone)]
struct Snapshot {
    frame: u32,
    tracks: Vec<Track>,
    model: Model,
}

/// The last frames of one end, oldest first.
#[derive(Debug, Default)]
struct History {
    snapshots: VecDeque<Snapshot>,
}

impl History {
    fn find(&self, frame: u32) -> Option<&Snapshot> {
        self.snapshots.iter().rev().find(|snapshot| snapshot.frame == frame)
    }

    fn push(&mut self, snapshot: Snapshot) {
        while let Some(oldest) = self.snapshots.front()
            && snapshot.frame.saturating_sub(oldest.frame) > BASELINE_AGE_MAX
        {
            self.snapshots.pop_front();
        }
        self.snapshots.push_back(snapshot);
    }
}

/// The end that knows the truth.
#[derive(Debug)]
pub struct MotionSender {
    precision: Precision,
    history: History,
    acknowledged: Option<u32>,
}

impl MotionSender {
    /// A sender whose receiver knows nothing yet.
    #[must_use]
    pub fn new(precision: Precision) -> Self {
        Self { precision, history: History::default(), acknowledged: None }
    }

    /// Appends the frame numbered `frame` to `out`. Numbers count up; bodies keep their place in `poses`, new ones come
    /// last, and only the last can go. Of more than [`BODIES_MAX`] bodies the rest is left out.
    pub fn encode(&mut self, frame: u32, poses: &[Pose], out: &mut Vec<u8>) {
        let poses = &poses[..poses.len().min(BODIES_MAX)];
        let within = |&base: &u32| frame > base && frame - base <= BASELINE_AGE_MAX;
        let baseline = self.acknowledged.filter(within).and_then(|base| self.history.find(base));
        let age = baseline.map_or(0, |base| frame - base.frame);
        put_varint(out, age);
        put_varint(out, u32::try_from(poses.len()).unwrap_or(0));
        let mut model = baseline.map_or_else(Model::default, |base| base.model.clone());
        let mut tracks = Vec::with_capacity(poses.len());
        let mut coder = Encoder::new(out);
        for (number, pose) in poses.iter().enumerate() {
            let known = baseline.and_then(|base| base.tracks.get(number));
            let track = match known {
                Some(track) => {
                    let ahead = track.ahead(age);
                    let residual = ahead.residual(pose, self.precision);
                    let levels = track.levels();
                    model.residual(&mut coder, levels, residual);
                    ahead.settle(residual, age, self.precision)
                }
                None => {
                    let whole = Track::quantised(pose, self.precision);
                    model.whole(&mut coder, whole);
                    Track::begin(whole, self.precision)
                }
            };
            tracks.push(track);
        }
        coder.finish();
        self.history.push(Snapshot { frame, tracks, model });
    }

    /// The receiver has read the frame numbered `frame`. Of frames that were never sent nothing is noted.
    pub fn acknowledge(&mut self, frame: u32) {
        if self.acknowledged.is_none_or(|newest| frame > newest) && self.history.find(frame).is_some() {
            self.acknowledged = Some(frame);
            self.history.snapshots.retain(|snapshot| snapshot.frame >= frame);
        }
    }
}

/// The end that wants to know.
#[derive(Debug)]
pub struct MotionReceiver {
    precision: Precision,
    history: History,
    poses: Vec<Pose>,
}

impl MotionReceiver {
    /// A receiver that knows nothing yet. The precision has to be the sender's.
    #[must_use]
    pub fn new(precision: Precision) -> Self {
        Self { precision, history: History::default(), poses: Vec::new() }
    }

    /// Reads a frame and answers the poses in it, in the sender's order. What is read should be acknowledged; a frame
    /// that comes late can be read as long as its baseline is known.
    ///
    /// # Errors
    /// When the frame is damaged, or builds on one that is not known; nothing changes then.
    pub fn decode(&mut self, frame: u32, bytes: &[u8]) -> Result<&[Pose], MotionError> {
        let mut reader = Reader::new(bytes);
        let age = reader.varint().filter(|&age| age <= BASELINE_AGE_MAX).ok_or(MotionError::Damaged)?;
        let count = reader.varint().map_or(usize::MAX, |count| count as usize);
        if count > BODIES_MAX || age > frame {
            return Err(MotionError::Damaged);
        }
        let base_frame = frame - age;
        let baseline = match age {
            0 => None,
            _ => Some(self.history.find(base_frame).ok_or(MotionError::UnknownBaseline(base_frame))?),
        };
        let mut model = baseline.map_or_else(Model::default, |base| base.model.clone());
        let mut tracks = Vec::with_capacity(count);
        let mut coder = Decoder::new(reader.rest());
        for number in 0..count {
            let known = baseline.and_then(|base| base.tracks.get(number));
            tracks.push(match known {
                Some(track) => {
                    let residual = model.residual(&mut coder, track.levels(), Default::default());
                    track.ahead(age).settle(residual, age, self.precision)
                }
                None => Track::begin(model.whole(&mut coder, Default::default()), self.precision),
            });
        }
        self.poses.clear();
        self.poses.extend(tracks.iter().map(Track::pose));
        self.history.push(Snapshot { frame, tracks, model });
        Ok(&self.poses)
    }
}

#[cfg(test)]
mod tests;
