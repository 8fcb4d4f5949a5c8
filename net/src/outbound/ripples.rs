//! Ripples: around whom anything happened in this tick. A client outside of all ripples is not visited: nothing in its
//! view has changed.

use bevy_ecs::prelude::*;
use sim::ids::SimId;
use sim::interest::{Field, SceneField};
use sim::replicated::Changes;

/// The cells from which something that happened can be seen, as of this tick.
#[derive(Resource, Debug, Default)]
pub(super) struct Ripples {
    is_reached: Vec<bool>,
    reached: Vec<usize>,
    is_touched: Vec<bool>,
    touched: Vec<u32>,
}

impl Ripples {
    /// True when something happened that one in this place could see.
    pub(super) fn reach(&self, field: &Field, viewer: SimId) -> bool {
        if self.reached.is_empty() && !field.is_any_stirred() {
            return false;
        }
        // Whoever has no place may see anything.
        let Some(cell) = field.cell(viewer) else { return true };
        field.is_stirred(cell) || self.is_reached.get(cell as usize).copied().unwrap_or(true)
    }

    fn spread(&mut self, field: &Field, ids: impl Iterator<Item = SimId>) {
        for cell in self.reached.drain(..) {
            self.is_reached[cell] = false;
        }
        for cell in self.touched.drain(..) {
            self.is_touched[cell as usize] = false;
        }
        self.is_reached.resize(field.cell_count(), false);
        self.is_touched.resize(field.cell_count(), false);
        for cell in ids.filter_map(|id| field.cell(id)) {
            if !std::mem::replace(&mut self.is_touched[cell as usize], true) {
                self.touched.push(cell);
            }
        }
        for cell in self.touched.iter().flat_map(|&cell| field.cells_in_sight(cell)).flatten() {
            if !std::mem::replace(&mut self.is_reached[cell], true) {
                self.reached.push(cell);
            }
        }
    }
}

/// Finds out where anything happened.
pub(super) fn spread_ripples(changes: Res<Changes>, field: Res<SceneField>, mut ripples: ResMut<Ripples>) {
    let subjects = changes.events().iter().map(|event| event.subject);
    ripples.spread(&field.0, changes.touched().iter().copied().chain(subjects));
}
