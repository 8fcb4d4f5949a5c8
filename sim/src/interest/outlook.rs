//! The outlook: for how long a view is good, and who could come or go until then.
//!
//! Between the radii lies a band. Who is inside of it has to cross all of it to leave the view, and who is outside of it
//! to come in. So until the viewer and the fastest of all others together have come as far as the band is wide, only
//! those who stood in the band can cross a border. A leap is no way that was come: whoever sees one looks around anew.

use glam::Vec2;

use super::{Field, Visibility};
use crate::assets::AoiDef;
use crate::ids::SimId;

/// Metres by which an outlook ends early, for what rounding adds to a way.
const ROUNDING_M: f32 = 0.01;

/// Ticks between two turns of a cell, at most.
const TURN_TICKS_MAX: u32 = 20;

/// Someone between the radii when the viewer looked around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Brink {
    pub(super) id: SimId,
    /// It is in view, as of the last tick.
    pub(super) is_seen: bool,
}

/// Whether an outlook is still good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// It will be good for at least as long as it has been, if nobody hurries more than before.
    Fresh,
    /// It is good.
    Aging,
    /// It has to be made anew.
    Over,
}

/// What a viewer has to look at until it looks around again.
#[derive(Debug, Clone, Default)]
pub(super) struct Outlook {
    /// Everything between the radii, sorted.
    pub(super) brink: Vec<Brink>,
    /// Where the viewer stood when it looked around, with what eyes, and the field's odometer then.
    place: Vec2,
    eyes: Visibility,
    odometer_m: f64,
    /// Metres that the viewer and others may come together until it has to look again.
    way_max_m: f32,
}

/// Ticks after which the viewers of a cell look around together: as long as an outlook is good when all of them and all
/// others walk as fast as the fastest of late.
pub(super) fn turn_ticks(field: &Field, radii: AoiDef) -> u32 {
    let ticks = band_m(field, radii) / (2.0 * field.pace_m());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate; NaN becomes 0")]
    let ticks = ticks as u32;
    ticks.clamp(1, TURN_TICKS_MAX)
}

/// The way that nobody can have come across unseen, in metres.
fn band_m(field: &Field, radii: AoiDef) -> f32 {
    (radii.leave_m - radii.enter_m).min(field.margin_m())
}

impl Outlook {
    /// The viewer has looked around.
    pub(super) fn begin(&mut self, (place, eyes): (Vec2, Visibility), field: &Field, radii: AoiDef) {
        (self.place, self.eyes, self.odometer_m) = (place, eyes, field.odometer_m());
        self.way_max_m = band_m(field, radii) - ROUNDING_M;
    }

    /// How long it is good for a viewer that has not leapt: nobody can have crossed a border who is not on the brink.
    /// Who sees with other eyes than before has to look around.
    pub(super) fn freshness(&self, (place, eyes): (Vec2, Visibility), field: &Field) -> Freshness {
        if eyes != self.eyes {
            return Freshness::Over;
        }
        let way_m = f64::from(place.distance(self.place)) + field.odometer_m() - self.odometer_m;
        let way_max_m = f64::from(self.way_max_m);
        match way_m {
            way_m if way_m * 2.0 <= way_max_m => Freshness::Fresh,
            way_m if way_m <= way_max_m => Freshness::Aging,
            _ => Freshness::Over,
        }
    }

    /// Reads a little of every cache line of the brink, so that it is near when it is crossed.
    pub(super) fn touch(&self) -> u32 {
        const LINE_BRINKS: usize = 64 / size_of::<Brink>();
        self.brink.iter().step_by(LINE_BRINKS).fold(0, |sum: u32, one| sum.wrapping_add(one.id.bits()))
    }

    /// Adds those on the brink who have come into view or gone out of it to lists.
    pub(super) fn cross(
        &mut self,
        place: Vec2,
        field: &Field,
        radii: AoiDef,
        entered: &mut Vec<SimId>,
        left: &mut Vec<SimId>,
    ) {
        let (enter, leave) = (radii.enter_m * radii.enter_m, radii.leave_m * radii.leave_m);
        for one in &mut self.brink {
            // An id that was given away since is no danger: who comes or goes leaps.
            let other = field.last_place(one.id);
            let (x, z) = (other.x - place.x, other.y - place.y);
            let squared = x * x + z * z;
            let is_seen = squared <= if one.is_seen { leave } else { enter };
            if is_seen != one.is_seen {
                one.is_seen = is_seen;
                let list = if is_seen { &mut *entered } else { &mut *left };
                list.push(one.id);
            }
        }
    }
}
