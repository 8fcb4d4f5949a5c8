//! The crowd: when a client's budget cannot keep up with all that its character sees, fewer of those who walk about, players
//! and monsters, are shown to it. The nearest stay, and those it wants to see first; who is left out leaves the view like one
//! who walked away, and enters again when there is room. Whoever comes upon a large crowd at once meets the nearest first.

use sim::ids::SimId;

use super::Picture;
use super::budget::Eyes;

/// Ticks for which who is shown stays the same unless the interest changes, and after which the limit may change again.
const REVIEW_TICKS: u32 = 10;
/// How much nearer one who is not shown must be to take the place of one who is: no flicker at the border.
const INCUMBENT_PART: f32 = 0.8;
/// Those shown in any crowd.
const SHOWN_MIN: usize = 20;
/// Those who come into view in one tick, at most: about 190 KB on the stream, of 256 that may wait there.
const ENTERING_MAX: usize = 2_500;

/// How many of a crowd one client is shown at most, and whether that has to change.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    cap: Option<usize>,
    /// Those shown since the last review, without those who are shown in any case.
    shown_count: usize,
    /// When the limit last changed: what that did shows in the ticks after it.
    adapted_tick: u32,
    reviewed_tick: u32,
}

impl Crowd {
    /// Adapts to what the last tick was like: fewer at once when not even those who are overdue were told, more after a
    /// while when nobody near had to wait for long. `crowd_count` counts the crowd in view where all of it is shown.
    pub(super) fn adapt(&mut self, is_hopeless: bool, is_easy: bool, tick: u32, crowd_count: impl FnOnce() -> usize) {
        let adapted = match self.cap {
            None if is_hopeless => (crowd_count() * 9 / 10).max(SHOWN_MIN),
            Some(cap) if is_hopeless => (cap.min(self.shown_count) * 9 / 10).max(SHOWN_MIN),
            // Who sees fewer than it may has not shown how many it could see.
            Some(cap) if is_easy && self.shown_count >= cap && tick >= self.adapted_tick + REVIEW_TICKS => {
                cap + (cap / 10).max(1)
            }
            _ => return,
        };
        (self.cap, self.adapted_tick, self.reviewed_tick) = (Some(adapted), tick, 0);
    }

    /// Of so many who come into view at once, beside others who are shown already, only the nearest are shown at first.
    /// `lot` has those who met it in the same tick see more of it in different ones.
    pub(super) fn meet(&mut self, entering_count: usize, shown_count: usize, tick: u32, lot: u32) {
        if self.cap.is_none() && entering_count > ENTERING_MAX {
            let adapted_tick = tick + lot % REVIEW_TICKS;
            (self.cap, self.adapted_tick, self.reviewed_tick) = (Some(shown_count + ENTERING_MAX), adapted_tick, 0);
        }
    }

    /// Those of a crowd shown at most, while there is such a limit.
    pub(crate) fn cap(&self) -> Option<usize> {
        self.cap
    }

    /// Drops the limit when all that is visible is far below it.
    pub(super) fn relax(&mut self, visible_count: usize) {
        self.cap = self.cap.filter(|&cap| visible_count > cap);
    }

    /// So many of the crowd are shown from now on.
    pub(super) fn note_shown(&mut self, count: usize) {
        self.shown_count = count;
    }

    /// True when it is time to choose anew who is shown.
    pub(super) fn is_due(&mut self, is_changed: bool, tick: u32) -> bool {
        let is_due = is_changed || tick >= self.reviewed_tick + REVIEW_TICKS;
        if is_due {
            self.reviewed_tick = tick;
        }
        is_due
    }
}

/// Chooses who of those in view is shown: everything but the crowd, and of that the nearest; answers how many those are.
pub(super) fn choose(
    visible: &[SimId],
    cap: usize,
    is_shown: impl Fn(SimId) -> bool,
    eyes: &Eyes<'_>,
    picture: &Picture<'_>,
    (crowd, shown): (&mut Vec<(f32, SimId)>, &mut Vec<SimId>),
) -> usize {
    crowd.clear();
    shown.clear();
    for &id in visible {
        if id == eyes.own || eyes.first.binary_search(&id).is_ok() || !picture.encoded.is_of_crowd(id) {
            shown.push(id);
            continue;
        }
        let distance_m = picture.field.last_place(id).distance(eyes.place);
        crowd.push((if is_shown(id) { distance_m * INCUMBENT_PART } else { distance_m }, id));
    }
    if cap < crowd.len() {
        crowd.select_nth_unstable_by(cap, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        crowd.truncate(cap);
    }
    shown.extend(crowd.iter().map(|&(_, id)| id));
    shown.sort_unstable();
    crowd.len()
}

/// How many of a crowd there are among `ids`.
pub(super) fn count(ids: &[SimId], picture: &Picture<'_>) -> usize {
    ids.iter().filter(|&&id| picture.encoded.is_of_crowd(id)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_falls_at_once_and_grows_again_while_it_is_reached() {
        let mut crowd = Crowd::default();
        crowd.adapt(false, true, 100, || 500);
        assert_eq!(crowd.cap(), None);
        for tick in 101..111 {
            crowd.adapt(true, false, tick, || 500);
            assert!(crowd.is_due(false, tick));
            crowd.note_shown(crowd.cap().unwrap_or(0));
        }
        let least = crowd.cap().unwrap_or(0);
        assert!((150..=200).contains(&least), "{least}");
        for tick in 111..211 {
            crowd.adapt(false, true, tick, || 500);
            crowd.is_due(false, tick);
            crowd.note_shown(crowd.cap().unwrap_or(0));
        }
        let grown = crowd.cap().unwrap_or(0);
        assert!(grown >= least * 2, "{grown} after 5 s of ease");
        crowd.note_shown(grown - 1);
        crowd.adapt(false, true, 300, || 500);
        assert_eq!(crowd.cap(), Some(grown), "no more were there");
        crowd.relax(grown);
        assert_eq!(crowd.cap(), None);
    }
}
