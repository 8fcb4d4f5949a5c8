//! Interest: which entities each viewer sees. Perceive stage, after everything has moved.
//!
//! What comes within the enter radius is seen until it is beyond the larger leave radius; what the visibility
//! rule hides is not seen at any distance, and no later stage ever learns of it. A viewer sees itself. Who sees whom is
//! exact in every tick; a viewer in whose surroundings nothing stirs is not looked at, and of the others most only look at
//! those near the border of their view, because nobody else can have crossed it since they looked around.

use bevy_app::App;
use bevy_ecs::prelude::*;
use glam::Vec2;
use smallvec::SmallVec;

use self::lists::Candidate;
use self::outlook::{Brink, Outlook};
use crate::actor::{Concealment, Faction, Position};
use crate::assets::AoiDef;
use crate::digest::{Digest, DigestApp, Digester};
use crate::ids::SimId;
use crate::roster::Roster;
use crate::space::Grid;
use crate::space::grid::GridEntry;
use crate::tick::{SimTick, Tick, TickSystems};

mod cells;
mod explain;
mod field;
mod lists;
mod look;
mod outlook;

pub use cells::CellSet;
pub use explain::{Explanation, Verdict, explain};
pub use field::Field;

/// What matters to being seen, on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Visibility {
    /// Own side.
    pub faction: u32,
    /// Only those of one phase see one another.
    pub phase: u16,
    /// Hidden from other sides.
    pub stealth: bool,
    /// Hidden from the living.
    pub ghost: bool,
    /// Sees ghosts, without being one.
    pub dead: bool,
}

impl Visibility {
    /// What matters of somebody on a side.
    #[must_use]
    pub fn of(side: Faction, concealment: Concealment) -> Self {
        let Concealment { phase, stealth, ghost, dead } = concealment;
        Self { faction: side.0, phase, stealth, ghost, dead }
    }

    /// True for what everybody in phase 0 sees.
    #[must_use]
    pub fn is_plain(self) -> bool {
        self.phase == 0 && !self.stealth && !self.ghost
    }

    /// The rule: the same phase; either not stealthy or on the viewer's side; and no ghost, unless to the dead and to other
    /// ghosts.
    #[must_use]
    pub fn is_seen_by(self, viewer: Self) -> bool {
        let is_found = !self.stealth || self.faction == viewer.faction;
        self.phase == viewer.phase && is_found && (!self.ghost || viewer.sees_ghosts())
    }

    /// True when nobody else can tell the one from the other: what differs are only the eyes.
    #[must_use]
    pub fn looks_like(self, other: Self) -> bool {
        self == Self { dead: self.dead, ..other }
    }

    /// True for the dead and for ghosts.
    #[must_use]
    pub fn sees_ghosts(self) -> bool {
        self.dead || self.ghost
    }
}

/// Who matters more to a viewer than others. Written before [`InterestSystems::Look`] by the features that know; a few
/// dozen at most, each list sorted.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct Pinned {
    /// Seen at any distance, as long as the visibility rule lets it: its party.
    pub anywhere: SmallVec<[SimId; 4]>,
    /// First when there is more to tell than a client's budget holds: its party, whom it casts at, who attacks it.
    pub first: SmallVec<[SimId; 8]>,
}

impl Digest for Pinned {
    fn digest(&self, digester: &mut Digester) {
        digester.u64(self.anywhere.len() as u64);
        self.anywhere.iter().chain(&self.first).for_each(|id| digester.u32(id.bits()));
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
    /// Saves work and decides nothing: not part of the state.
    outlook: Outlook,
}

impl Interest {
    /// Everything in view, sorted.
    #[must_use]
    #[inline]
    pub fn visible(&self) -> &[SimId] {
        &self.visible
    }

    /// What came into view in the last Perceive stage, sorted.
    #[must_use]
    #[inline]
    pub fn entered(&self) -> &[SimId] {
        &self.entered
    }

    /// What went out of view in the last Perceive stage, sorted; it may be gone from the scene as well.
    #[must_use]
    #[inline]
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

    /// Merges the candidates of this tick, sorted, with what was seen before; says whether anything came or went. What
    /// came before and stays takes no branch.
    fn update(&mut self, near: &[Candidate], now: &mut Vec<SimId>) -> bool {
        let Self { visible, entered, left, outlook, .. } = self;
        entered.clear();
        left.clear();
        outlook.brink.clear();
        if now.len() < near.len() {
            now.resize(near.len(), SimId::from_bits(0));
        }
        let (mut seen_count, mut count) = (0, 0);
        let nobody = SimId::from_bits(u32::MAX);
        for candidate in near {
            let id = candidate.id();
            let mut next = visible.get(seen_count).copied().unwrap_or(nobody);
            while next < id {
                left.push(next);
                seen_count += 1;
                next = visible.get(seen_count).copied().unwrap_or(nobody);
            }
            let (was_seen, is_inside) = (next == id, candidate.is_inside());
            now[count] = id;
            count += usize::from(was_seen | is_inside);
            seen_count += usize::from(was_seen);
            if is_inside & !was_seen {
                entered.push(id);
            }
            if !is_inside {
                outlook.brink.push(Brink { id, is_seen: was_seen });
            }
        }
        left.extend(visible.get(seen_count..).unwrap_or_default());
        if entered.is_empty() && left.is_empty() {
            return false;
        }
        visible.clear();
        visible.extend_from_slice(&now[..count]);
        self.note_changes();
        true
    }

    /// Looks at those on the brink alone; says whether anything came or went, so that the view has to
    /// [follow](Interest::follow_brink).
    fn cross_brink(&mut self, place: Vec2, field: &Field, radii: AoiDef) -> bool {
        let Self { entered, left, outlook, .. } = self;
        entered.clear();
        left.clear();
        outlook.cross(place, field, radii, entered, left);
        !entered.is_empty() || !left.is_empty()
    }

    /// Takes over what came and went on the brink.
    fn follow_brink(&mut self) {
        let Self { visible, entered, left, .. } = self;
        for id in left.iter() {
            if let Ok(at) = visible.binary_search(id) {
                visible.remove(at);
            }
        }
        for &id in entered.iter() {
            if let Err(at) = visible.binary_search(&id) {
                visible.insert(at, id);
            }
        }
        self.note_changes();
    }

    /// Reads a little of every cache line of the view, so that it is near when it is changed.
    fn touch(&self) -> u32 {
        const LINE_IDS: usize = 64 / size_of::<SimId>();
        self.visible.iter().step_by(LINE_IDS).fold(0, |sum: u32, id| sum.wrapping_add(id.bits()))
    }

    fn note_changes(&mut self) {
        for id in self.entered.iter().chain(self.left.iter()) {
            self.fingerprint = self.fingerprint.rotate_left(5) ^ u64::from(id.bits());
        }
    }

    fn rest(&mut self) {
        self.entered.clear();
        self.left.clear();
    }
}

impl Digest for Interest {
    fn digest(&self, digester: &mut Digester) {
        digester.u64(self.fingerprint);
        digester.u64(self.visible.len() as u64);
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

/// The same for those who look around; see [`Field`].
#[derive(Resource, Debug, Clone)]
pub struct SceneField(pub Field);

/// Adds the systems; [`AoiRadii`], [`SceneGrid`] and [`SceneField`] come with the scene.
pub fn plugin(app: &mut App) {
    app.configure_sets(Tick, (InterestSystems::Grid, InterestSystems::Look).chain().in_set(TickSystems::Perceive));
    app.add_systems(
        Tick,
        (rebuild_grid.in_set(InterestSystems::Grid), look::look_around.in_set(InterestSystems::Look)),
    );
    app.digest_component::<Interest>("interest").digest_component::<Pinned>("interest");
}

type Placed<'a> = (&'a SimId, &'a Position, Option<&'a Faction>, Option<&'a Concealment>);
type Stirring = Or<(Changed<Position>, Changed<Faction>, Changed<Concealment>)>;

/// Takes the new places; a scene in which nothing stirs keeps what it has.
fn rebuild_grid(
    (tick, roster): (Res<SimTick>, Res<Roster>),
    placed: Query<Placed>,
    stirring: Query<(), Stirring>,
    mut removed: RemovedComponents<Position>,
    (mut grid, mut field): (ResMut<SceneGrid>, ResMut<SceneField>),
    mut scratch: Local<Vec<GridEntry>>,
) {
    if stirring.is_empty() && removed.read().count() == 0 {
        field.0.rest();
        return;
    }
    field.0.begin(tick.0, roster.index_end());
    for (&id, position, faction, concealment) in &placed {
        field.0.put(id, position.place(), visibility(faction, concealment));
    }
    field.0.settle();
    scratch.clear();
    // In the order of the ids, so that queries visit a cell in an order that every replay shares.
    scratch.extend(field.0.iter().map(|one| GridEntry { id: one.id, place: one.place, visibility: one.visibility }));
    grid.0.rebuild(&scratch);
}

fn visibility(faction: Option<&Faction>, concealment: Option<&Concealment>) -> Visibility {
    Visibility::of(faction.copied().unwrap_or(Faction(0)), concealment.copied().unwrap_or_default())
}
