//! The outlook: for how long a view is good, and who could come or go until then.
//!
//! Between the radii lies a band. Who is inside of it has to cross all of it to leave the view, and who is outside of it
//! to come in. So until the viewer and the fastest of all others together have come as far as the band is wide, only
//! those who stood in the band can cross a border. A leap is no way that was come: whoever sees one looks around anew.

use glam::Vec2;

use super::Field;
use crate::assets::AoiDef;
use crate::ids::SimId;

/// Metres by which an outlook ends early, for what rounding adds to a way.
const ROUNDING_M: f32 = 0.01;

/// Someone between the radii when the viewer looked around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Brink {
    pub(super) id: SimId,
    /// It is in view, as of the last tick.
    pub(super) is_seen: bool,
}

/// What a viewer has to look at until it looks around again.
#[derive(Debug, Clone, Default)]
pub(super) struct Outlook {
    /// Everything between the radii, sorted.
    pub(super) brink: Vec<Brink>,
    /// Where the viewer stood when it looked around, and the field's odometer then.
    place: Vec2,
    odometer_m: f64,
    /// Metres that the viewer and others may come together until it has to look again.
    way_max_m: f32,
}

impl Outlook {
    /// The viewer has looked around. `lot` shares the next times out over the ticks, so that not all look in the same.
    pub(super) fn begin(&mut self, place: Vec2, field: &Field, radii: AoiDef, lot: u32) {
        let band_m = (radii.leave_m - radii.enter_m).min(field.margin_m());
        #[allow(clippy::cast_precision_loss, reason = "four bits")]
        let part = 0.5 + (lot.wrapping_mul(0x9E37_79B9) >> 28) as f32 / 32.0;
        (self.place, self.odometer_m) = (place, field.odometer_m());
        self.way_max_m = band_m * part - ROUNDING_M;
    }

    /// True while nobody can have crossed a border who is not on the brink, for a viewer that has not leapt.
    pub(super) fn is_good(&self, place: Vec2, field: &Field) -> bool {
        let others_m = field.odometer_m() - self.odometer_m;
        f64::from(place.distance(self.place)) + others_m <= f64::from(self.way_max_m)
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
