//! Why a viewer sees an entity, or does not: for operators and tests. Reads what the last Perceive stage left.

use bevy_ecs::prelude::*;

use super::{AoiRadii, Interest, Pinned, SceneField, Visibility};
use crate::assets::AoiDef;
use crate::ids::SimId;
use crate::roster::Roster;

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The viewer is not in the scene, or is nobody who sees.
    NoViewer,
    /// The entity is not in the scene, or has no place.
    Gone,
    /// It is in another phase.
    OtherPhase,
    /// It hides from the viewer's side.
    Stealth,
    /// It is seen by the dead alone.
    Ghost,
    /// It is within the enter radius.
    Near,
    /// It is between the radii and was seen before.
    Kept,
    /// It is between the radii and was not seen before.
    NotYet,
    /// It is beyond the leave radius.
    Far,
    /// It is seen at any distance.
    Pinned,
}

/// Everything that the decision rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Explanation {
    /// What decided.
    pub verdict: Verdict,
    /// True when the entity is in the viewer's view.
    pub is_seen: bool,
    /// Metres between the two on the ground plane, when both have a place.
    pub distance_m: Option<f32>,
    /// The radii of the scene.
    pub radii: AoiDef,
    /// What matters of the viewer.
    pub viewer: Visibility,
    /// What matters of the entity.
    pub entity: Visibility,
    /// It came into view in the last tick.
    pub has_entered: bool,
    /// It went out of view in the last tick.
    pub has_left: bool,
}

/// Explains what a viewer sees of an entity as of the last tick.
#[must_use]
pub fn explain(world: &World, viewer: SimId, entity: SimId) -> Explanation {
    let (field, radii) = (&world.resource::<SceneField>().0, world.resource::<AoiRadii>().0);
    let eyes = world.resource::<Roster>().entity(viewer).and_then(|viewer| world.get_entity(viewer).ok());
    let interest = eyes.as_ref().and_then(|eyes| eyes.get::<Interest>());
    let is_pinned =
        eyes.as_ref().and_then(|eyes| eyes.get::<Pinned>()).is_some_and(|pinned| pinned.anywhere.contains(&entity));
    let (from, to) = (field.placed(viewer).map(|(one, _)| one), field.placed(entity).map(|(one, _)| one));
    let distance_m = from.zip(to).map(|(from, to)| from.place.distance(to.place));
    let is_seen = interest.is_some_and(|interest| interest.sees(entity));
    let verdict = match (interest, from, to, distance_m) {
        (Some(_), Some(from), Some(to), Some(distance_m)) => {
            judge(from.visibility, to.visibility, distance_m, radii, is_pinned, is_seen)
        }
        (Some(_), Some(_), ..) => Verdict::Gone,
        _ => Verdict::NoViewer,
    };
    Explanation {
        verdict,
        is_seen,
        distance_m,
        radii,
        viewer: from.map(|one| one.visibility).unwrap_or_default(),
        entity: to.map(|one| one.visibility).unwrap_or_default(),
        has_entered: interest.is_some_and(|interest| interest.entered().contains(&entity)),
        has_left: interest.is_some_and(|interest| interest.left().contains(&entity)),
    }
}

fn judge(
    viewer: Visibility,
    entity: Visibility,
    distance_m: f32,
    radii: AoiDef,
    is_pinned: bool,
    is_seen: bool,
) -> Verdict {
    if entity.phase != viewer.phase {
        return Verdict::OtherPhase;
    }
    if entity.ghost && !viewer.sees_ghosts() {
        return Verdict::Ghost;
    }
    if !entity.is_seen_by(viewer) {
        return Verdict::Stealth;
    }
    match distance_m {
        _ if is_pinned => Verdict::Pinned,
        near if near <= radii.enter_m => Verdict::Near,
        between if between <= radii.leave_m && is_seen => Verdict::Kept,
        between if between <= radii.leave_m => Verdict::NotYet,
        _ => Verdict::Far,
    }
}
