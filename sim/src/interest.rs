//! Interest: which entities each viewer sees. Perceive stage, after everything has moved.
//!
//! What comes within the enter radius is seen until it is beyond the larger leave radius; what the visibility
//! rule hides is not seen at any distance, and no later stage ever learns of it. A viewer sees itself.

use bevy_app::App;
use bevy_ecs::prelude::*;
use glam::Vec2;

use crate::actor::{Concealment, Faction, Position};
use crate::assets::AoiDef;
use crate::digest::{Digest, DigestApp, Digester};
use crate::ids::SimId;
use crate::roster::Roster;
use crate::space::Grid;
use crate::space::grid::GridEntry;
use crate::tick::{Tick, TickSystems};

/// What matters to being seen, on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Visibility {
    /// Own side.
    pub faction: u32,
    /// Only those of one phase see one another.
    pub phase: u16,
    /// Hidden from other sides.
    pub stealth: bool,
}

impl Visibility {
    /// The rule: the same phase, and either not stealthy or on the viewer's side.
    #[must_use]
    pub fn is_seen_by(self, viewer: Self) -> bool {
        self.phase == viewer.phase && (!self.stealth || self.faction == viewer.faction)
    }
}

/// The radii of a scene. Written once when the scene is made.
#[derive(Resource, Debug, Clone, Copy)]
pub struct AoiRadii(pub AoiDef);

/// What one viewer sees; the component makes its entity a viewer. Written in the Perceive stage.
#[derive(Component, Debug, Clone, Default)]
pub struct Interest {
    visible: Vec<SimId>,
    entered: Vec<SimId>,
    left: Vec<SimId>,
    fingerprint: u64,
}

impl Interest {
    /// Everything in view, sorted.
    #[must_use]
    pub fn visible(&self) -> &[SimId] {
        &self.visible
    }

    /// What came into view in the last Perceive stage, sorted.
    #[must_use]
    pub fn entered(&self) -> &[SimId] {
        &self.entered
    }

    /// What went out of view in the last Perceive stage, sorted; it may be gone from the scene as well.
    #[must_use]
    pub fn left(&self) -> &[SimId] {
        &self.left
    }

    /// True when the viewer sees the entity.
    #[must_use]
    pub fn sees(&self, id: SimId) -> bool {
        self.visible.binary_search(&id).is_ok()
    }

    /// Forgets everything in view, so that all of it enters again: for a viewer whose client starts anew.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Merges the candidates of this tick, sorted, with what was seen before.
    fn update(&mut self, near: &[Candidate], scratch: &mut Vec<SimId>) {
        self.entered.clear();
        self.left.clear();
        scratch.clear();
        let mut seen = self.visible.iter().copied().peekable();
        for candidate in near {
            let id = candidate.id();
            while let Some(gone) = seen.next_if(|&earlier| earlier < id) {
                self.left.push(gone);
            }
            if seen.next_if_eq(&id).is_some() {
                scratch.push(id);
            } else if candidate.is_inside() {
                scratch.push(id);
                self.entered.push(id);
            }
        }
        self.left.extend(seen);
        std::mem::swap(&mut self.visible, scratch);
        for id in self.entered.iter().chain(&self.left) {
            self.fingerprint = self.fingerprint.rotate_left(5) ^ u64::from(id.bits());
        }
    }
}

impl Digest for Interest {
    fn digest(&self, digester: &mut Digester) {
        digester.u64(self.fingerprint);
        digester.u64(self.visible.len() as u64);
    }
}

/// An entity within the leave radius, packed so that sorting compares one number: the id, then one bit that says
/// whether it is within the enter radius too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate(u64);

impl Candidate {
    fn new(id: SimId, inside: bool) -> Self {
        Self((u64::from(id.bits()) << 1) | u64::from(inside))
    }

    #[allow(clippy::cast_possible_truncation, reason = "32 bits are left after the shift")]
    fn id(self) -> SimId {
        SimId::from_bits((self.0 >> 1) as u32)
    }

    const fn is_inside(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Everything of the scene by place, as of the last Perceive stage.
#[derive(Resource, Debug, Clone)]
pub struct SceneGrid(pub Grid);

/// Order within the Perceive stage.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InterestSystems {
    /// The grid takes the new positions.
    Grid,
    /// Viewers look around.
    Look,
}

/// Adds the systems; [`AoiRadii`] and [`SceneGrid`] come with the scene.
pub fn plugin(app: &mut App) {
    app.configure_sets(Tick, (InterestSystems::Grid, InterestSystems::Look).chain().in_set(TickSystems::Perceive));
    app.add_systems(Tick, (rebuild_grid.in_set(InterestSystems::Grid), look_around.in_set(InterestSystems::Look)));
    app.digest_component::<Interest>("interest");
}

type Placed<'a> = (&'a Position, Option<&'a Faction>, Option<&'a Concealment>);

fn rebuild_grid(
    roster: Res<Roster>,
    placed: Query<Placed>,
    mut grid: ResMut<SceneGrid>,
    mut scratch: Local<Vec<GridEntry>>,
) {
    scratch.clear();
    // In the order of the roster, so that queries visit a cell in an order that every replay shares.
    for (id, entity) in roster.iter() {
        if let Ok((position, faction, concealment)) = placed.get(entity) {
            let visibility = visibility(faction, concealment);
            scratch.push(GridEntry { id, place: position.place(), visibility });
        }
    }
    grid.0.rebuild(&scratch);
}

fn look_around(
    radii: Res<AoiRadii>,
    grid: Res<SceneGrid>,
    mut viewers: Query<(&Position, Option<&Faction>, Option<&Concealment>, &mut Interest)>,
    mut near: Local<Vec<Candidate>>,
    mut scratch: Local<Vec<SimId>>,
) {
    for (position, faction, concealment, mut interest) in &mut viewers {
        let eyes = visibility(faction, concealment);
        candidates(&grid.0, position.place(), eyes, radii.0, &mut near);
        interest.update(&near, &mut scratch);
    }
}

fn candidates(grid: &Grid, place: Vec2, eyes: Visibility, radii: AoiDef, near: &mut Vec<Candidate>) {
    let enter_squared = radii.enter_m * radii.enter_m;
    near.clear();
    grid.for_each_within(place, radii.leave_m, |entry, distance_squared| {
        if entry.visibility.is_seen_by(eyes) {
            near.push(Candidate::new(entry.id, distance_squared <= enter_squared));
        }
    });
    near.sort_unstable();
}

fn visibility(faction: Option<&Faction>, concealment: Option<&Concealment>) -> Visibility {
    let concealment = concealment.copied().unwrap_or_default();
    Visibility { faction: faction.map_or(0, |side| side.0), phase: concealment.phase, stealth: concealment.stealth }
}
