//! Game data for load tests: the built-in data with the field exchanged for a plain without anything on it, as wide as is
//! asked for, in which players arrive anywhere and see as far as is asked for.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

/// The scene that is exchanged, and where it stands.
const FIELD: &str = "scenes/field.ron";
/// What only the field uses.
const FIELD_HEIGHTS: &str = "tables/field_heights.csv";
/// Widest circle in which players may arrive, in metres.
const SPAWN_RADIUS_MAX_M: f32 = 1_000.0;
/// Least side of the plain, in metres: an event of the built-in data takes place 330 m from the middle.
pub const SIDE_MIN_M: f32 = 700.0;

/// What the plain is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plain {
    /// Length of its sides in metres, from [`SIDE_MIN_M`].
    pub side_m: f32,
    /// How far a player sees, in metres.
    pub view_m: f32,
    /// How many players may be there.
    pub players_max: u32,
}

impl Plain {
    /// The scene's record.
    fn text(&self) -> String {
        let Self { side_m, view_m, players_max } = *self;
        let (half_m, leave_m, spawn_m) = (side_m / 2.0, view_m * 7.0 / 6.0, (side_m * 0.48).min(SPAWN_RADIUS_MAX_M));
        format!(
            r#"// A plain for load tests.
(
  id: "scene/field", name: "The Plain",
  bounds: (min: (-{half_m}, -{half_m}), max: ({half_m}, {half_m})),
  aoi: (enter_m: {view_m}, leave_m: {leave_m}),
  players_max: {players_max},
  geometry: [Box(center: (0, -0.5, 0), size: ({side_m}, 1, {side_m}))],
  spawn_points: [
    (id: "spawn/village", at: (0, 0), radius_m: {spawn_m}),
    (id: "spawn/dungeon_gate", at: (0, 0), radius_m: 20),
  ],
)
"#
        )
    }
}

/// Writes the data into a folder that is made for it.
///
/// # Errors
/// When the plain is too small, or a file cannot be written.
pub fn write(plain: &Plain, folder: &Path) -> anyhow::Result<()> {
    ensure!(plain.side_m >= SIDE_MIN_M, "a plain is at least {SIDE_MIN_M} m wide");
    let sources = crate::assets::embedded();
    let scene = plain.text();
    for (path, text) in sources.iter().filter(|(path, _)| *path != FIELD_HEIGHTS) {
        let text = if path == FIELD { scene.as_str() } else { text };
        let file = folder.join(path);
        let made = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, text));
        made.with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_is_good_data() {
        let mut sources = crate::assets::embedded();
        sources.remove(FIELD_HEIGHTS);
        let plain = Plain { side_m: 900.0, view_m: 6.0, players_max: 100_000 };
        sources.insert(FIELD, plain.text());
        let assets = sim::laboratory::prepare(&sources).unwrap_or_else(|report| panic!("{report:?}"));
        let scene = assets.scenes.by_name("scene/field").expect("it is there");
        assert_eq!(assets.scenes[scene].players_max, 100_000);
    }
}
