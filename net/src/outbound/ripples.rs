//! Ripples: around whom anything happened in this tick. A client outside of all ripples is not visited: nothing in its
//! view has changed.

use bevy_ecs::prelude::*;
use sim::ids::SimId;
use sim::interest::{CellSet, Field, SceneField};
use sim::replicated::Changes;

/// The cells from which something that happened can be seen, as of this tick.
#[derive(Resource, Debug, Default)]
pub(super) struct Ripples {
    touched: CellSet,
    reached: CellSet,
}

impl Ripples {
    /// True when something happened that one in this place could see.
    pub(super) fn reach(&self, field: &Field, viewer: SimId) -> bool {
        if self.reached.is_empty() && !field.is_any_stirred() {
            return false;
        }
        // Whoever has no place may see anything.
        let Some(cell) = field.cell(viewer) else { return true };
        field.is_stirred(cell) || self.reached.contains(cell)
    }

    fn spread(&mut self, field: &Field, ids: impl Iterator<Item = SimId>) {
        self.touched.renew(field.cell_count());
        self.reached.renew(field.cell_count());
        ids.filter_map(|id| field.cell(id)).for_each(|cell| self.touched.insert(cell));
        field.insert_sight_of(&self.touched, &mut self.reached);
    }
}

/// Finds out where anything happened.
pub(super) fn spread_ripples(changes: Res<Changes>, field: Res<SceneField>, mut ripples: ResMut<Ripples>) {
    let subjects = changes.events().iter().map(|event| event.subject);
    ripples.spread(&field.0, changes.touched().iter().copied().chain(subjects));
}
