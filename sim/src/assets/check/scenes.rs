//! The rules of scenes: bounds, geometry, the places in them, and what only shows across records (portals, height tables).
//! Places must lie inside the bounds; triangles must name corners that exist; a heightfield must have a sample for each
//! corner of its cells. A portal is checked when both its scenes could be read.

use super::patrols::check_patrol_casts;
use super::{Check, Checker};
use crate::assets::{
    DoorDef, GeometryDef, Heights, SceneDef, SyncDef,
    kinds::Records,
    load::LoadedTable,
    report::{Code, nearest},
    tables::Tables,
};

/// Farthest a scene reaches from its origin; beyond this, f32 positions are coarser than a centimetre's wire step.
const EXTENT_M_MAX: f32 = 16_384.0;
/// Highest and lowest anything is.
const HEIGHT_M_MAX: f32 = 2_000.0;
/// Largest single piece of geometry.
const SIZE_M_MAX: f32 = 4_096.0;
/// Most cells of a heightfield along one side.
const CELLS_MAX: i64 = 1_024;
/// Most doors of a scene; every one is an entity that clients hear of.
const DOORS_MAX: usize = 256;
/// Times between two comparisons of clients' state with the server's, in ms.
const COMPARE_MS: std::ops::RangeInclusive<i64> = 250..=60_000;
/// Most players of a scene whose clients simulate all of it: everybody is sent what everybody does.
const FRAMES_PLAYERS_MAX: u32 = 64;
/// Largest extent of a door.
const DOOR_SIZE_M_MAX: f32 = 100.0;

impl Check for SceneDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        self.check_frame(check);
        let heightfields =
            (0..self.geometry.len()).filter(|index| matches!(self.geometry[*index], GeometryDef::Heightfield { .. }));
        if let Some(second) = heightfields.clone().nth(1) {
            check.report(
                Code::Contradiction,
                &format!("geometry.{second}"),
                "a scene has at most one heightfield".to_owned(),
            );
        }
        for (index, geometry) in self.geometry.iter().enumerate() {
            check_geometry(geometry, &format!("geometry.{index}"), check);
        }
        self.check_doors(check);
        self.check_spawn_points(check);
        self.check_spawners(check);
        self.check_portal_places(check);
    }

    fn check_among(&self, records: &Records, check: &mut Checker<'_, '_>) {
        self.check_portals(&records.scenes, check);
        for (index, spawner) in self.spawners.iter().enumerate() {
            check_patrol_casts(spawner, &format!("spawners.{index}"), records, check);
        }
    }
}

impl SceneDef {
    fn check_frame(&self, check: &mut Checker<'_, '_>) {
        let (min, max) = (self.bounds.min, self.bounds.max);
        check.point("bounds.min", [min.0, min.1], -EXTENT_M_MAX..=EXTENT_M_MAX);
        check.point("bounds.max", [max.0, max.1], -EXTENT_M_MAX..=EXTENT_M_MAX);
        if min.0 >= max.0 || min.1 >= max.1 {
            check.contradiction(
                "bounds.max",
                "bounds.min",
                "`max` must be greater than `min` in both x and z".to_owned(),
            );
        }
        check.float("aoi.enter_m", self.aoi.enter_m, 5.0..=300.0);
        check.float("aoi.leave_m", self.aoi.leave_m, 5.0..=300.0);
        if self.aoi.leave_m <= self.aoi.enter_m {
            let message =
                format!("`leave_m` is {} m, but must be more than `enter_m`, {} m", self.aoi.leave_m, self.aoi.enter_m);
            check.contradiction("aoi.leave_m", "aoi.enter_m", message);
        }
        check.whole("players_max", self.players_max, 1..=100_000);
        if let SyncDef::Frames { compare_ms } = self.sync {
            check.whole("sync.compare_ms", compare_ms, COMPARE_MS);
            if self.players_max > FRAMES_PLAYERS_MAX {
                let message = format!(
                    "`players_max` is {}, but a scene whose clients simulate all of it has at most {FRAMES_PLAYERS_MAX}",
                    self.players_max
                );
                check.contradiction("players_max", "sync", message);
            }
        }
    }

    fn check_doors(&self, check: &mut Checker<'_, '_>) {
        check_local_ids("doors", "door", self.doors.iter().map(|door| door.id.as_str()), check);
        if self.doors.len() > DOORS_MAX {
            let message = format!("`doors` has {} doors, but a scene holds at most {DOORS_MAX}", self.doors.len());
            check.report(Code::OutOfRange, "doors", message);
        }
        for (index, DoorDef { center, size, yaw_deg, .. }) in self.doors.iter().enumerate() {
            let path = format!("doors.{index}");
            check.float(&format!("{path}.center.1"), center.1, -HEIGHT_M_MAX..=HEIGHT_M_MAX);
            check.point(&format!("{path}.size"), [size.0, size.1, size.2], 0.1..=DOOR_SIZE_M_MAX);
            check.float(&format!("{path}.yaw_deg"), *yaw_deg, -360.0..=360.0);
            self.check_place(&format!("{path}.center"), [("0", center.0), ("2", center.2)], check);
        }
    }

    fn check_spawn_points(&self, check: &mut Checker<'_, '_>) {
        if self.spawn_points.is_empty() && check.is_original("spawn_points") {
            check.pointless("spawn_points", "has no spawn points");
        }
        let ids = self.spawn_points.iter().map(|point| point.id.as_str());
        check_local_ids("spawn_points", "spawn", ids, check);
        for (index, point) in self.spawn_points.iter().enumerate() {
            let path = format!("spawn_points.{index}");
            check.float(&format!("{path}.yaw_deg"), point.yaw_deg, -360.0..=360.0);
            check.float(&format!("{path}.radius_m"), point.radius_m, 0.0..=1_000.0);
            self.check_disc(&path, point.at, point.radius_m, check);
        }
    }

    fn check_portal_places(&self, check: &mut Checker<'_, '_>) {
        let ids = self.portals.iter().map(|portal| portal.id.as_str());
        check_local_ids("portals", "portal", ids, check);
        for (index, portal) in self.portals.iter().enumerate() {
            let path = format!("portals.{index}");
            check.float(&format!("{path}.radius_m"), portal.radius_m, 0.1..=50.0);
            self.check_disc(&path, portal.at, portal.radius_m, check);
        }
    }

    /// A place, given as its x and z with their names in the text, must lie inside the bounds.
    pub(super) fn check_place(&self, path: &str, place: [(&str, f32); 2], check: &mut Checker<'_, '_>) {
        for (name, metres) in place {
            check.float(&format!("{path}.{name}"), metres, -EXTENT_M_MAX..=EXTENT_M_MAX);
        }
        let [(_, x), (_, z)] = place;
        let is_judged = [path, "bounds.min", "bounds.max"].into_iter().all(|path| check.is_original(path))
            && place.iter().all(|(name, _)| check.is_original(&format!("{path}.{name}")));
        if is_judged && x.is_finite() && z.is_finite() && !self.bounds.contains((x, z)) {
            let (min, max) = (self.bounds.min, self.bounds.max);
            let message = format!("({x}, {z}) is outside the bounds ({}, {}) to ({}, {})", min.0, min.1, max.0, max.1);
            if let Some(note) = check.report(Code::OutOfBounds, path, message) {
                note.label("outside the scene");
            }
        }
    }

    /// A disc must lie inside the bounds with its whole radius.
    pub(super) fn check_disc(&self, path: &str, (x, z): (f32, f32), radius_m: f32, check: &mut Checker<'_, '_>) {
        let at = format!("{path}.at");
        check.point(&at, [x, z], -EXTENT_M_MAX..=EXTENT_M_MAX);
        let corners = [(x - radius_m, z - radius_m), (x + radius_m, z + radius_m)];
        let parts = ["radius_m", "at.0", "at.1"].map(|part| format!("{path}.{part}"));
        let edges = ["bounds.min", "bounds.max"].map(str::to_owned);
        let is_judged = parts.iter().chain(&edges).all(|path| check.is_original(path));
        if is_judged
            && [x, z, radius_m].into_iter().all(f32::is_finite)
            && !corners.into_iter().all(|corner| self.bounds.contains(corner))
        {
            let (min, max) = (self.bounds.min, self.bounds.max);
            let message = format!(
                "({x}, {z}) with radius {radius_m} m reaches outside the bounds ({}, {}) to ({}, {})",
                min.0, min.1, max.0, max.1
            );
            if let Some(note) = check.report(Code::OutOfBounds, &at, message) {
                note.label("outside the scene");
            }
        }
    }
}

pub(super) fn check_local_ids<'i>(
    list: &str,
    kind: &str,
    ids: impl Iterator<Item = &'i str>,
    check: &mut Checker<'_, '_>,
) {
    let mut seen: Vec<(&str, usize)> = Vec::new();
    for (index, id) in ids.enumerate() {
        let path = format!("{list}.{index}.id");
        if !is_id(kind, id) {
            let message =
                format!("`{id}` is not a good id here: write \"{kind}/name\" with lower-case letters, digits and `_`");
            check.report(Code::BadId, &path, message);
        }
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == id) {
            let first = check.node(&format!("{list}.{first}.id")).map_or(0, |node| node.span.start);
            let place = check.findings.place(check.file, first);
            let message = format!("{} has `{id}` twice", check.title);
            if let Some(note) = check.report(Code::DuplicateLocalId, &path, message) {
                note.label("again").help(format!("the first one is at {place}"));
            }
        }
        seen.push((id, index));
    }
}

/// Whether `id` is `kind/name` with a name of 1 to 64 lower-case letters, digits and underscores, in parts between dots.
pub(crate) fn is_id(kind: &str, id: &str) -> bool {
    let name = id.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/'));
    name.is_some_and(|name| {
        (1..=64).contains(&name.len())
            && name.split('.').all(|part| {
                !part.is_empty()
                    && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            })
    })
}

fn check_geometry(geometry: &GeometryDef, path: &str, check: &mut Checker<'_, '_>) {
    match geometry {
        GeometryDef::Box { center, size, yaw_deg } => {
            check.point(&format!("{path}.center"), [center.0, center.1, center.2], -EXTENT_M_MAX..=EXTENT_M_MAX);
            check_size(*size, *yaw_deg, path, check);
        }
        GeometryDef::Boxes { size, yaw_deg, at } => {
            check_size(*size, *yaw_deg, path, check);
            for (index, center) in at.iter().enumerate() {
                check.point(
                    &format!("{path}.at.{index}"),
                    [center.0, center.1, center.2],
                    -EXTENT_M_MAX..=EXTENT_M_MAX,
                );
            }
        }
        GeometryDef::Heightfield { min, cell_m, columns, rows, heights } => {
            check.point(&format!("{path}.min"), [min.0, min.1], -EXTENT_M_MAX..=EXTENT_M_MAX);
            check.float(&format!("{path}.cell_m"), *cell_m, 0.1..=1_000.0);
            check.whole(&format!("{path}.columns"), *columns, 1..=CELLS_MAX);
            check.whole(&format!("{path}.rows"), *rows, 1..=CELLS_MAX);
            if let Heights::Inline(samples_m) = heights {
                check_inline_heights(samples_m, *columns, *rows, path, check);
            }
        }
        GeometryDef::Trimesh { vertices, triangles } => check_mesh(vertices, triangles, path, check),
    }
}

fn check_size(size: (f32, f32, f32), yaw_deg: f32, path: &str, check: &mut Checker<'_, '_>) {
    check.point(&format!("{path}.size"), [size.0, size.1, size.2], 0.01..=SIZE_M_MAX);
    check.float(&format!("{path}.yaw_deg"), yaw_deg, -360.0..=360.0);
}

fn check_inline_heights(samples_m: &[f32], columns: u32, rows: u32, path: &str, check: &mut Checker<'_, '_>) {
    let wanted = u64::from(columns.saturating_add(1)) * u64::from(rows.saturating_add(1));
    let is_judged = ["columns", "rows"].into_iter().all(|field| check.is_original(&format!("{path}.{field}")));
    if is_judged && samples_m.len() as u64 != wanted {
        let message =
            format!("a heightfield of {columns} x {rows} cells needs {wanted} heights, found {}", samples_m.len());
        check.report(Code::HeightCount, &format!("{path}.heights"), message);
    }
    for (index, height_m) in samples_m.iter().enumerate() {
        check.float(&format!("{path}.heights.0.{index}"), *height_m, -HEIGHT_M_MAX..=HEIGHT_M_MAX);
    }
}

fn check_mesh(vertices: &[(f32, f32, f32)], triangles: &[(u32, u32, u32)], path: &str, check: &mut Checker<'_, '_>) {
    for (index, vertex) in vertices.iter().enumerate() {
        check.point(&format!("{path}.vertices.{index}"), [vertex.0, vertex.1, vertex.2], -EXTENT_M_MAX..=EXTENT_M_MAX);
    }
    if triangles.is_empty() && check.is_original(&format!("{path}.triangles")) {
        check.report(Code::Pointless, &format!("{path}.triangles"), "a mesh needs at least one triangle".to_owned());
    }
    let is_judged = check.is_original(&format!("{path}.vertices"));
    for (index, corners) in triangles.iter().enumerate() {
        for (corner, vertex) in [corners.0, corners.1, corners.2].into_iter().enumerate() {
            if is_judged && vertex as usize >= vertices.len() {
                let message =
                    format!("corner {vertex} does not exist: the mesh has {} corners, counted from 0", vertices.len());
                check.report(Code::TriangleIndex, &format!("{path}.triangles.{index}.{corner}"), message);
            }
        }
    }
}

impl SceneDef {
    /// Every portal must lead to a spawn point that exists.
    fn check_portals(&self, scenes: &LoadedTable<Self>, check: &mut Checker<'_, '_>) {
        for (index, portal) in self.portals.iter().enumerate() {
            let target = portal.to.found().and_then(|scene| scenes.get(scene));
            let Some(target) = target.filter(|target| target.spawn_point(&portal.spawn_point).is_none()) else {
                continue;
            };
            let candidate = nearest(&portal.spawn_point, target.spawn_points.iter().map(|point| point.id.as_str()));
            let message = format!(
                "portal `{}` leads to `{}`, which `{}` does not have",
                portal.id, portal.spawn_point, target.id
            );
            if let Some(note) = check.report(Code::UnknownSpawnPoint, &format!("portals.{index}.spawn_point"), message)
            {
                note.label("not found").help(candidate.map(|candidate| format!("did you mean \"{candidate}\"?")));
            }
        }
    }
}

/// Turns the height tables a scene names into samples.
pub(crate) fn fill_heights(scene: &mut SceneDef, tables: &mut Tables, check: &mut Checker<'_, '_>) {
    for (index, geometry) in scene.geometry.iter_mut().enumerate() {
        let GeometryDef::Heightfield { columns, rows, heights: Heights::Table(table), .. } = geometry else {
            continue;
        };
        let path = format!("geometry.{index}.heights.0");
        let (columns, rows) = (*columns as usize + 1, *rows as usize + 1);
        match tables.use_table(&table.path) {
            Err(candidate) => {
                let message = format!("there is no table `{}`", table.path);
                if let Some(note) = check.report(Code::UnknownTable, &path, message) {
                    note.label("not found").help(candidate.map(|candidate| format!("did you mean \"{candidate}\"?")));
                }
            }
            // A table with faults of its own has no shape to compare.
            Ok(None) => {}
            Ok(Some(content)) if (content.columns, content.rows) != (columns, rows) => {
                let message = format!(
                    "the heightfield needs {rows} rows of {columns} heights, but `{}` has {} rows of {}",
                    table.path, content.rows, content.columns
                );
                if ["columns", "rows"].into_iter().all(|field| check.is_original(&format!("geometry.{index}.{field}")))
                {
                    check.report(Code::HeightCount, &path, message);
                }
            }
            Ok(Some(content)) => table.samples_m = content.cells.iter().map(|cm| cm / 100.0).collect(),
        }
    }
}
