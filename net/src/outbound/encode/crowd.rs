//! The crowd: when a client's budget cannot keep up with all that its character sees, fewer players are shown to it. The
//! nearest stay, and those it wants to see first; who is left out leaves the view like one who walked away, and enters
//! again when there is room.

use sim::actor::Kind;
use sim::ids::SimId;

use super::Picture;
use super::budget::Eyes;

/// Ticks for which who is shown stays the same unless the interest changes.
const REVIEW_TICKS: u32 = 10;
/// How much nearer one who is not shown must be to take the place of one who is: no flicker at the border.
const INCUMBENT_PART: f32 = 0.8;
/// Players shown in any crowd.
const SHOWN_MIN: usize = 20;

/// How many players one client is shown at most, and whether that has to change.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    cap: Option<usize>,
    reviewed_tick: u32,
}

impl Crowd {
    /// Adapts to what the last tick was like with so many entities shown.
    pub(super) fn adapt(&mut self, is_hopeless: bool, is_easy: bool, shown_count: usize, tick: u32) {
        if is_hopeless {
            let cap = self.cap.unwrap_or(shown_count).min(shown_count);
            self.cap = Some((cap - cap / 10).max(SHOWN_MIN));
            self.reviewed_tick = 0;
        } else if is_easy && tick >= self.reviewed_tick + REVIEW_TICKS {
            self.cap = self.cap.map(|cap| cap + cap / 10);
        }
    }

    /// Players shown at most, while there is such a limit.
    pub(crate) fn cap(&self) -> Option<usize> {
        self.cap
    }

    /// Drops the limit when all that is visible is far below it.
    pub(super) fn relax(&mut self, visible_count: usize) {
        self.cap = self.cap.filter(|&cap| visible_count > cap);
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

/// Chooses who of those in view is shown: everything but players, and of these the nearest.
pub(super) fn choose(
    visible: &[SimId],
    cap: usize,
    is_shown: impl Fn(SimId) -> bool,
    eyes: &Eyes<'_>,
    picture: &Picture<'_>,
    (players, shown): (&mut Vec<(f32, SimId)>, &mut Vec<SimId>),
) {
    players.clear();
    shown.clear();
    for &id in visible {
        if id == eyes.own || eyes.first.binary_search(&id).is_ok() || !is_player(id, picture) {
            shown.push(id);
            continue;
        }
        let distance_m = picture.field.place_of(id).map_or(f32::INFINITY, |place| place.distance(eyes.place));
        players.push((if is_shown(id) { distance_m * INCUMBENT_PART } else { distance_m }, id));
    }
    if cap < players.len() {
        players.select_nth_unstable_by(cap, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        players.truncate(cap);
    }
    shown.extend(players.iter().map(|&(_, id)| id));
    shown.sort_unstable();
}

fn is_player(id: SimId, picture: &Picture<'_>) -> bool {
    let entity = picture.source.roster.entity(id);
    entity
        .and_then(|entity| picture.source.world.get::<Kind>(entity))
        .is_some_and(|kind| matches!(kind, Kind::Player(_)))
}
