//! The agent that a scene's navmesh is made for: as wide and as high as the largest that walks there, and as able as
//! the least, so that whoever follows a path on it gets through.

use sim::assets::{Assets, Id, MovementDef, SceneDef};
use sim::space::navmesh::NavSettings;

/// Settings for everything that moves in a scene: players of any class and the monsters of its spawners. A scene that
/// does not exist gets the defaults.
#[must_use]
pub fn scene_settings(assets: &Assets, scene: Id<SceneDef>) -> NavSettings {
    let classes = assets.classes.iter().map(|(_, class)| class.movement.id());
    let spawners = assets.scenes.get(scene).into_iter().flat_map(|def| &def.spawners);
    let kinds = spawners.flat_map(|spawner| spawner.kinds());
    let monsters = kinds.filter_map(|kind| assets.monsters.get(kind.id()));
    let movements = classes.chain(monsters.map(|monster| monster.movement.profile.id()));
    movements
        .filter_map(|id| assets.movements.get(id))
        .fold(None, |least, profile| Some(fit(least, profile)))
        .unwrap_or_default()
}

fn fit(settings: Option<NavSettings>, profile: &MovementDef) -> NavSettings {
    let own = NavSettings {
        radius_m: profile.radius_m,
        height_m: profile.height_m,
        climb_m: profile.step_height_m,
        slope_deg: profile.slope_max_deg,
        ..NavSettings::default()
    };
    let other = settings.unwrap_or(own);
    NavSettings {
        radius_m: own.radius_m.max(other.radius_m),
        height_m: own.height_m.max(other.height_m),
        climb_m: own.climb_m.min(other.climb_m),
        slope_deg: own.slope_deg.min(other.slope_deg),
        ..own
    }
}
