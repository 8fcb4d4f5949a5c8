//! The budget of one client's tick: when not everything fits, what goes first. Never in turn: what waited longest for its
//! distance goes first, nobody waits longer than the bound on silence, and the own character, its party, whom it casts at
//! and its attackers do not wait at all.
//!
//! Two walks over the view and no sorting: the first gives every entity that lacks something an urgency and adds up the
//! bytes of each urgency; the second writes those above the urgency at which the budget ends.

use sim::ids::SimId;

use super::super::view::Pair;
use super::Picture;

/// Urgency of who never waits.
const FIRST: u8 = u8::MAX;
/// Urgency of who would else be silent for too long.
const OVERDUE: u8 = u8::MAX - 1;
/// Urgency per tick of waiting in the nearest third of the enter radius; halved in the next, and again beyond.
const NEAR_WEIGHT: u32 = 4;
/// Ticks before the bound at which an entity is overdue: its turn may come a little late.
const MARGIN_TICKS: u32 = 3;
/// Bytes taken for an index and a record that has to be made: most are compact places.
const RECORD_BYTES: usize = 6;
/// Bytes taken for a record whose place must be whole.
const WHOLE_RECORD_BYTES: usize = 8;

/// What one client is allowed, when not everything fits.
#[derive(Debug)]
pub(super) struct Ration {
    urgencies: Vec<u8>,
    bytes_by_urgency: [usize; 256],
    /// Those above it are written, those of it while there is room.
    threshold: u8,
    left_bytes: usize,
    wanted_bytes: usize,
}

impl Default for Ration {
    fn default() -> Self {
        Self { urgencies: Vec::new(), bytes_by_urgency: [0; 256], threshold: 0, left_bytes: 0, wanted_bytes: 0 }
    }
}

impl Ration {
    /// Works out who is written within a number of bytes.
    pub(super) fn work_out(&mut self, pairs: &[Pair], picture: &Picture<'_>, eyes: &Eyes<'_>, budget_bytes: usize) {
        self.urgencies.clear();
        self.bytes_by_urgency.fill(0);
        self.wanted_bytes = 0;
        for pair in pairs {
            let (urgency, bytes) = picture.wanted(pair).map_or((0, 0), |bytes| (eyes.urgency(pair, picture), bytes));
            self.urgencies.push(urgency);
            self.bytes_by_urgency[usize::from(urgency)] += bytes;
            self.wanted_bytes += bytes;
        }
        (self.threshold, self.left_bytes) = (0, budget_bytes);
        for urgency in (0..=u8::MAX).rev() {
            let bytes = self.bytes_by_urgency[usize::from(urgency)];
            self.threshold = urgency;
            let Some(left_bytes) = self.left_bytes.checked_sub(bytes) else { return };
            self.left_bytes = left_bytes;
        }
        // Everything fits.
        self.left_bytes = usize::MAX;
    }

    /// True when the entity at this place of the view is written.
    pub(super) fn admits(&mut self, at: usize, bytes: usize) -> bool {
        let urgency = self.urgencies.get(at).copied().unwrap_or(0);
        if urgency != self.threshold {
            return urgency > self.threshold;
        }
        let left_bytes = self.left_bytes.checked_sub(bytes);
        self.left_bytes = left_bytes.unwrap_or(0);
        left_bytes.is_some()
    }

    /// Bytes that all who lack something would take.
    pub(super) fn wanted_bytes(&self) -> usize {
        self.wanted_bytes
    }

    /// True when even those that are overdue do not all fit: too many are shown.
    pub(super) fn is_hopeless(&self) -> bool {
        self.threshold >= OVERDUE && self.left_bytes != usize::MAX
    }

    /// True when nobody near had to wait for half as long as is allowed: more could be shown.
    pub(super) fn is_easy(&self, silence_ticks: u32) -> bool {
        u32::from(self.threshold) < NEAR_WEIGHT * silence_ticks / 2
    }
}

/// From where a client looks, and whom it wants to see before others.
pub(super) struct Eyes<'a> {
    pub(super) own: SimId,
    pub(super) place: glam::Vec2,
    pub(super) first: &'a [SimId],
}

impl Eyes<'_> {
    fn urgency(&self, pair: &Pair, picture: &Picture<'_>) -> u8 {
        if pair.id == self.own || self.first.binary_search(&pair.id).is_ok() {
            return FIRST;
        }
        let age_ticks = picture.tick - pair.since_tick;
        if age_ticks + MARGIN_TICKS >= picture.limits.silence_ticks {
            return OVERDUE;
        }
        let distance_m = picture.field.place_of(pair.id).map_or(0.0, |place| place.distance(self.place));
        let weight = match distance_m / picture.enter_m {
            near if near <= 1.0 / 3.0 => NEAR_WEIGHT,
            middle if middle <= 2.0 / 3.0 => NEAR_WEIGHT / 2,
            _ => NEAR_WEIGHT / 4,
        };
        u8::try_from(age_ticks * weight).unwrap_or(u8::MAX).clamp(1, OVERDUE - 1)
    }
}

impl Picture<'_> {
    /// About how many bytes it takes to tell of an entity what a client lacks; `None` when it lacks nothing.
    pub(super) fn wanted(&self, pair: &Pair) -> Option<usize> {
        let news = self.encoded.all_news().get(pair.id.index()).filter(|news| news.changed_tick > pair.since_tick)?;
        if news.follows(self.tick, pair.since_tick) {
            return Some(2 + news.short().map_or_else(|| self.encoded.body(news).len(), |(_, length)| length));
        }
        let is_recent = pair.since_tick + crate::records::COMPACT_TICKS >= self.tick;
        Some(if is_recent { RECORD_BYTES } else { WHOLE_RECORD_BYTES })
    }
}
