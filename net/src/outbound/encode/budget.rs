//! The budget of one client's tick: when not everything fits, what goes first. Never in turn: what waited longest for its
//! distance goes first, nobody waits longer than the bound on silence, and from the second tick of a shortage on the own
//! character, its party, whom it casts at and its attackers do not wait at all.
//!
//! Two walks over the view and no sorting: the first gives every entity that lacks something an urgency and adds up the
//! bytes of each urgency; the second writes those above the urgency at which the budget ends.

use sim::ids::SimId;

use super::super::bodies::Bodies;
use super::super::changes::News;
use super::super::view::Pair;
use super::Picture;
use crate::records::{COMPACT_TICKS, WIDE_TICKS};

/// Urgency of who never waits.
const FIRST: u8 = u8::MAX;
/// Urgency of who would else be silent for too long, and one more for every tick that it has been so: when not even all of
/// them fit, the oldest go first.
const OVERDUE: u8 = 200;
/// Urgency per tick of waiting in the nearest third of the enter radius; halved in the next, and again beyond.
const NEAR_WEIGHT: u32 = 4;
/// Ticks before the bound at which an entity is overdue: its turn may come a little late.
const MARGIN_TICKS: u32 = 3;
/// Bytes taken for an index.
const INDEX_BYTES: usize = 2;
/// Bytes taken for an index and a compact place.
const RECORD_BYTES: usize = 6;
/// Bytes taken for an index and the place of one that was told of some time ago.
const WIDE_RECORD_BYTES: usize = 7;
/// Bytes taken for an index and a place that must be whole.
const WHOLE_RECORD_BYTES: usize = 13;

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
    pub(super) fn work_out(
        &mut self,
        pairs: &[Pair],
        picture: &Picture<'_>,
        (eyes, lacking): (&Eyes<'_>, &mut Bodies),
        budget_bytes: usize,
    ) {
        let scale = Scale::of(eyes, picture);
        // Neighbours are often as urgent as each other: what is added to one of two sums need not wait for the other.
        let mut sums = [[0_usize; 256]; 2];
        self.urgencies.clear();
        self.urgencies.reserve(pairs.len());
        for (at, pair) in pairs.iter().enumerate() {
            let bytes = picture.wanted(pair, lacking);
            let urgency = if bytes == 0 { 0 } else { scale.urgency(pair, picture) };
            sums[at & 1][usize::from(urgency)] += bytes;
            self.urgencies.push(urgency);
        }
        let [even, odd] = &sums;
        self.bytes_by_urgency.iter_mut().zip(even.iter().zip(odd)).for_each(|(sum, (even, odd))| *sum = even + odd);
        for id in std::iter::once(&eyes.own).chain(eyes.first) {
            self.put_first(*id, pairs, picture, lacking);
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
    fn put_first(&mut self, id: SimId, pairs: &[Pair], picture: &Picture<'_>, lacking: &mut Bodies) {
        let Ok(at) = pairs.binary_search_by_key(&id, |pair| pair.id) else { return };
        if let Some(urgency) = self.urgencies.get_mut(at).filter(|urgency| **urgency > 0) {
            let bytes = picture.wanted(&pairs[at], lacking);
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
            FIRST => Verdict::GoesFirst,
            urgency if urgency < self.threshold => Verdict::Waits,
            urgency if urgency > self.threshold => Verdict::Goes,
            _ => {
                let left_bytes = self.left_bytes.checked_sub(bytes());
                self.left_bytes = left_bytes.unwrap_or(0);
                if left_bytes.is_some() { Verdict::Goes } else { Verdict::Waits }
            }
        }
    }

    /// Bytes that those take who go first.
    pub(super) fn first_bytes(&self) -> usize {
        self.bytes_by_urgency[usize::from(FIRST)]
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
    /// It is written before all others.
    GoesFirst,
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

    /// How urgent it is to tell of an entity that is not among the first: below [`OVERDUE`] unless it is that.
    #[inline]
    fn urgency(&self, pair: &Pair, picture: &Picture<'_>) -> u8 {
        let age_ticks = self.tick - pair.since_tick;
        let squared = picture.field.last_place(pair.id).distance_squared(self.place);
        let weight = NEAR_WEIGHT >> self.thirds.iter().map(|&third| u32::from(squared > third)).sum::<u32>();
        let grown = (age_ticks.min(u32::from(OVERDUE)) * weight).clamp(1, u32::from(OVERDUE) - 1);
        let overdue = u32::from(OVERDUE) + age_ticks.saturating_sub(self.overdue_ticks);
        let urgency = if age_ticks >= self.overdue_ticks { overdue } else { grown };
        u8::try_from(urgency).unwrap_or(u8::MAX).min(FIRST - 1)
    }
}

impl Picture<'_> {
    /// About how many bytes it takes to tell of an entity what a client lacks; 0 when it lacks nothing.
    #[inline]
    pub(super) fn wanted(&self, pair: &Pair, lacking: &mut Bodies) -> usize {
        let news = self.encoded.all_news().get(pair.id.index());
        let Some(news) = news.filter(|news| news.changed_tick > pair.since_tick) else { return 0 };
        if self.encoded.is_more_than_place(pair.id, pair.since_tick) {
            return INDEX_BYTES + self.body_bytes(pair, news, lacking);
        }
        // Ages are any: no branch depends on them.
        let age_ticks = self.tick - pair.since_tick;
        let (is_old, is_oldest) = (usize::from(age_ticks > COMPACT_TICKS), usize::from(age_ticks > WIDE_TICKS));
        RECORD_BYTES
            + is_old * (WIDE_RECORD_BYTES - RECORD_BYTES)
            + is_oldest * (WHOLE_RECORD_BYTES - WIDE_RECORD_BYTES)
    }

    /// The bytes of a record that tells of more than a place.
    #[cold]
    fn body_bytes(&self, pair: &Pair, news: &News, lacking: &mut Bodies) -> usize {
        if !news.follows(self.tick, pair.since_tick) {
            let mask = self.encoded.changed_after(pair.id, pair.since_tick);
            return lacking.body(self.source, pair.id, mask).len();
        }
        news.short().map_or_else(|| self.encoded.body(news).len(), |(_, length)| length)
    }
}
