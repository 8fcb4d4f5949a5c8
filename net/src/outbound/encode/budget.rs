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
    /// Works out who is written within a number of bytes. No branch depends on where somebody stands or how long it has
    /// waited.
    pub(super) fn work_out(&mut self, pairs: &[Pair], picture: &Picture<'_>, eyes: &Eyes<'_>, budget_bytes: usize) {
        let scale = Scale::of(eyes, picture);
        // Neighbours are often as urgent as each other: what is added to one of two sums need not wait for the other.
        let mut sums = [[0_usize; 256]; 2];
        self.urgencies.clear();
        self.urgencies.reserve(pairs.len());
        for (at, pair) in pairs.iter().enumerate() {
            let bytes = picture.wanted(pair);
            let urgency = if bytes == 0 { 0 } else { scale.urgency(pair, picture) };
            sums[at & 1][usize::from(urgency)] += bytes;
            self.urgencies.push(urgency);
        }
        let [even, odd] = &sums;
        self.bytes_by_urgency.iter_mut().zip(even.iter().zip(odd)).for_each(|(sum, (even, odd))| *sum = even + odd);
        for id in std::iter::once(&eyes.own).chain(eyes.first) {
            self.put_first(*id, pairs, picture);
        }
        self.wanted_bytes = self.bytes_by_urgency.iter().sum();
        (self.threshold, self.left_bytes) = (0, budget_bytes);
        for urgency in (1..=u8::MAX).rev() {
            let bytes = self.bytes_by_urgency[usize::from(urgency)];
            self.threshold = urgency;
            let Some(left_bytes) = self.left_bytes.checked_sub(bytes) else { return };
            self.left_bytes = left_bytes;
        }
        // Everything fits.
        (self.threshold, self.left_bytes) = (0, usize::MAX);
    }

    /// Has one go before all others, if it lacks anything.
    fn put_first(&mut self, id: SimId, pairs: &[Pair], picture: &Picture<'_>) {
        let Ok(at) = pairs.binary_search_by_key(&id, |pair| pair.id) else { return };
        if let Some(urgency) = self.urgencies.get_mut(at).filter(|urgency| **urgency > 0) {
            let bytes = picture.wanted(&pairs[at]);
            self.bytes_by_urgency[usize::from(*urgency)] -= bytes;
            *urgency = FIRST;
            self.bytes_by_urgency[usize::from(FIRST)] += bytes;
        }
    }

    /// What becomes of the entity at this place of the view; of the last who fit, `bytes` says how much they take.
    #[inline]
    pub(super) fn verdict(&mut self, at: usize, bytes: impl FnOnce() -> usize) -> Verdict {
        match self.urgencies.get(at).copied().unwrap_or(0) {
            0 => Verdict::Rests,
            urgency if urgency < self.threshold => Verdict::Waits,
            urgency if urgency > self.threshold => Verdict::Goes,
            _ => {
                let left_bytes = self.left_bytes.checked_sub(bytes());
                self.left_bytes = left_bytes.unwrap_or(0);
                if left_bytes.is_some() { Verdict::Goes } else { Verdict::Waits }
            }
        }
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

/// What becomes of one entity of a view in this tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The client lacks nothing of it.
    Rests,
    /// It is written.
    Goes,
    /// There is no room for it.
    Waits,
}

/// What one client's urgencies are worked out by.
struct Scale {
    place: glam::Vec2,
    /// Squares of a third and two thirds of the enter radius, in square metres.
    thirds: [f32; 2],
    tick: u32,
    /// Ticks of waiting from which on an entity is overdue.
    overdue_ticks: u32,
}

impl Scale {
    fn of(eyes: &Eyes<'_>, picture: &Picture<'_>) -> Self {
        let third_m = picture.enter_m / 3.0;
        Self {
            place: eyes.place,
            thirds: [third_m * third_m, 4.0 * third_m * third_m],
            tick: picture.tick,
            overdue_ticks: picture.limits.silence_ticks.saturating_sub(MARGIN_TICKS),
        }
    }

    /// How urgent it is to tell of an entity that is not among the first: 1 to [`OVERDUE`].
    #[inline]
    fn urgency(&self, pair: &Pair, picture: &Picture<'_>) -> u8 {
        let age_ticks = self.tick - pair.since_tick;
        let squared = picture.field.last_place(pair.id).distance_squared(self.place);
        let weight = NEAR_WEIGHT >> self.thirds.iter().map(|&third| u32::from(squared > third)).sum::<u32>();
        let grown = (age_ticks.min(u32::from(OVERDUE)) * weight).clamp(1, u32::from(OVERDUE) - 1);
        let urgency = if age_ticks >= self.overdue_ticks { u32::from(OVERDUE) } else { grown };
        u8::try_from(urgency).unwrap_or(OVERDUE)
    }
}

impl Picture<'_> {
    /// About how many bytes it takes to tell of an entity what a client lacks; 0 when it lacks nothing.
    #[inline]
    pub(super) fn wanted(&self, pair: &Pair) -> usize {
        let Some(news) = self.encoded.all_news().get(pair.id.index()) else { return 0 };
        if news.is_long() && news.follows(self.tick, pair.since_tick) {
            return 2 + self.encoded.body(news).len();
        }
        let is_recent = pair.since_tick + crate::records::COMPACT_TICKS >= self.tick;
        let bytes = if is_recent { RECORD_BYTES } else { WHOLE_RECORD_BYTES };
        if news.changed_tick > pair.since_tick { bytes } else { 0 }
    }
}
