//! Areas: what lies on the ground for a while and does something to whoever is in it. Kept by `features/skills`.

use serde::{Deserialize, Serialize};

use super::{Action, Filter, Record, RefVisitor, actions::visit_actions};

/// One area, `area/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AreaDef {
    /// `area/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// Its outline; a circle if it is not written.
    #[serde(default)]
    pub shape: AreaShape,
    /// Radius of a circle or a cone in metres; the other shapes have none.
    #[serde(default)]
    pub radius_m: f32,
    /// How long it lies there.
    pub duration_ms: u32,
    /// Time between two ticks, the first after one; 0 for none.
    #[serde(default)]
    pub period_ms: u32,
    /// Whom it concerns.
    pub filter: Filter,
    /// Most units it concerns at once: the nearest to its place, on a line the first along it, ties by id.
    #[serde(default = "many")]
    pub targets_max: u16,
    /// Whether it goes with its caster.
    #[serde(default)]
    pub follows: bool,
    /// How many of them one caster can have; a further one ends the oldest.
    #[serde(default = "one")]
    pub per_caster_max: u16,
    /// What it does to whoever comes in.
    #[serde(default)]
    pub on_enter: Vec<Action>,
    /// What it does to whoever goes out, also when it ends.
    #[serde(default)]
    pub on_leave: Vec<Action>,
    /// What it does with every tick to everyone in it.
    #[serde(default)]
    pub on_tick: Vec<Action>,
}

/// The outline of an area. It lies the way its caster looked at its place when it was laid; one that follows turns with
/// its caster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum AreaShape {
    /// A circle of `radius_m` around its place.
    #[default]
    Circle,
    /// A sector of `radius_m` that opens from its place.
    Cone {
        /// Full width in degrees.
        angle_deg: f32,
    },
    /// A rectangle with its middle in its place.
    Rectangle {
        /// How long it is, in metres, in the direction of the look.
        length_m: f32,
        /// How wide it is, in metres, across.
        width_m: f32,
    },
    /// A strip that begins at its place.
    Line {
        /// How far it goes, in metres.
        length_m: f32,
        /// How wide it is, in metres.
        width_m: f32,
    },
}

impl AreaDef {
    /// How far from its place it goes at most, in metres.
    #[must_use]
    pub fn reach_m(&self) -> f32 {
        match self.shape {
            AreaShape::Circle | AreaShape::Cone { .. } => self.radius_m,
            AreaShape::Rectangle { length_m, width_m } => (length_m * 0.5).hypot(width_m * 0.5),
            AreaShape::Line { length_m, width_m } => length_m.hypot(width_m * 0.5),
        }
    }
}

const fn many() -> u16 {
    32
}

const fn one() -> u16 {
    1
}

impl Record for AreaDef {
    const KIND: &'static str = "area";
    const FOLDER: &'static str = "areas";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        visit_actions(&mut self.on_enter, "on_enter", visitor);
        visit_actions(&mut self.on_leave, "on_leave", visitor);
        visit_actions(&mut self.on_tick, "on_tick", visitor);
    }
}
