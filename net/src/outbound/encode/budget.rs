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
use super::urgency::{INDEX_BYTES, LANES, Lanes, NEAR_WEIGHT, OVERDUE, Scale, place_bytes};

/// Urgency of who never waits.
const FIRST: u8 = u8::MAX;
/// Sums that are added to in turn.
const SUMS: usize = 4;
/// Ticks before the bound at which an entity is overdue: its turn may come a little late.
const MARGIN_TICKS: u32 = 3;
/// What one client is allowed, when not everything fits.
#[derive(Debug)]
pub(super) struct Ration {
    lanes: Lanes,
    urgencies: Vec<u8>,
    bytes_by_urgency: [usize; 256],
    /// Those above it are written, those of it while there is room.
    threshold: u8,
    left_bytes: usize,
    wanted_bytes: usize,
}

impl Default for Ration {
    fn default() -> Self {
        Self {
            lanes: Lanes::default(),
            urgencies: Vec::new(),
            bytes_by_urgency: [0; 256],
            threshold: 0,
            left_bytes: 0,
            wanted_bytes: 0,
        }
    }
}

impl Ration {
    /// Works out who is written within a number of bytes.
    pub(super) fn work_out(
        &mut self,
        pairs: &[Pair],
        picture: &Picture<'_>,
        (eyes, lacking): (&Eyes<'_>, &mut Bodies),
        budget_bytes: usize,
    ) {
        let scale = picture.scale(eyes);
        // Neighbours are often as urgent as each other: what is added to one of several sums need not wait for the others.
        let mut sums = [[0_u32; 256]; SUMS];
        self.urgencies.clear();
        self.urgencies.reserve(pairs.len());
        for some in pairs.chunks(LANES) {
            let is_any_more = self.lanes.take(some, picture);
            self.lanes.work_out(&scale);
            if is_any_more {
                self.lanes.correct(some, picture, lacking);
            }
            let (urgencies, bytes) = (&self.lanes.urgencies, &self.lanes.bytes);
            for (lane, (&urgency, &bytes)) in urgencies.iter().zip(bytes).take(some.len()).enumerate() {
                sums[lane % SUMS][usize::from(urgency)] += bytes;
            }
            self.urgencies.extend_from_slice(urgencies.get(..some.len()).unwrap_or(urgencies));
        }
        for (urgency, sum) in self.bytes_by_urgency.iter_mut().enumerate() {
            *sum = sums.iter().map(|sums| sums[urgency] as usize).sum();
        }
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

impl Lanes {
    /// Takes some entities in; true when of any there is more to tell than its place.
    fn take(&mut self, some: &[Pair], picture: &Picture<'_>) -> bool {
        let (all_news, mut is_any_more) = (picture.encoded.all_news(), false);
        for (lane, pair) in some.iter().enumerate().take(LANES) {
            let changed_tick = all_news.get(pair.id.index()).map_or(0, |news| news.changed_tick);
            let place = picture.field.last_place(pair.id);
            self.ages[lane] = picture.tick.wrapping_sub(pair.since_tick).cast_signed();
            self.lacks[lane] = i32::from(changed_tick > pair.since_tick);
            (self.x[lane], self.z[lane]) = (place.x, place.y);
            is_any_more |= picture.encoded.is_more_than_place(pair.id, pair.since_tick);
        }
        is_any_more
    }

    /// Corrects the bytes of those of which there is more to tell than a place.
    #[cold]
    fn correct(&mut self, some: &[Pair], picture: &Picture<'_>, lacking: &mut Bodies) {
        for (pair, bytes) in some.iter().zip(&mut self.bytes) {
            *bytes = u32::try_from(picture.wanted(pair, lacking)).unwrap_or(u32::MAX);
        }
    }
}

impl Picture<'_> {
    /// What a client's urgencies are worked out by.
    fn scale(&self, eyes: &Eyes<'_>) -> Scale {
        let third_m = self.enter_m / 3.0;
        Scale {
            place: eyes.place,
            thirds: [third_m * third_m, 4.0 * third_m * third_m],
            overdue_ticks: self.limits.silence_ticks.saturating_sub(MARGIN_TICKS),
        }
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
        let age_ticks = self.tick.wrapping_sub(pair.since_tick).cast_signed();
        place_bytes(age_ticks) as usize
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
