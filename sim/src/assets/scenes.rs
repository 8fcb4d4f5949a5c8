//! Scenes: the places of the world, with their bounds, geometry, spawn points, spawners and portals.
//! Metres everywhere; y is up, `(x, z)` is a place on the ground, yaw turns about y from +z towards +x.
//! A height table is a CSV file in centimetres that the loader turns into samples in metres.

#![allow(missing_docs, reason = "rkyv's derive writes resolvers without documentation; ours is complete")]

use serde::{Deserialize, Serialize};

use super::{
    CombatDef, CrowdDef, GroupDef, MonsterDef, PoolDef, PvpRule, RareDef, Record, Ref, RefVisitor, SpawnArea, StopDef,
    ticks_of,
};

/// One scene, `scene/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SceneDef {
    /// `scene/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// Where units can be.
    pub bounds: Bounds,
    /// How far players see.
    pub aoi: AoiDef,
    /// Most players at a time.
    pub players_max: u32,
    /// How it decides what becomes of a blow.
    #[serde(default = "default_combat")]
    pub combat: Ref<CombatDef>,
    /// Where players may fight one another.
    #[serde(default)]
    pub pvp: PvpRule,
    /// What its clients are sent.
    #[serde(default)]
    pub sync: SyncDef,
    /// What units stand on and bump into.
    #[serde(default)]
    pub geometry: Vec<GeometryDef>,
    /// What can be opened and closed; a door's index in this list is its number everywhere.
    #[serde(default)]
    pub doors: Vec<DoorDef>,
    /// Where players appear; the first is the default.
    pub spawn_points: Vec<SpawnPointDef>,
    /// Where monsters appear.
    #[serde(default)]
    pub spawners: Vec<SpawnerDef>,
    /// Spawners of which only so many are active at a time.
    #[serde(default)]
    pub pools: Vec<PoolDef>,
    /// Spawners whose monsters fight as one.
    #[serde(default)]
    pub groups: Vec<GroupDef>,
    /// Ways to other scenes.
    #[serde(default)]
    pub portals: Vec<PortalDef>,
}

fn default_combat() -> Ref<CombatDef> {
    Ref::by_name(CombatDef::DEFAULT)
}

impl SceneDef {
    /// Position of the spawn point called `id` in `spawn_points`.
    pub fn spawn_point(&self, id: &str) -> Option<&SpawnPointDef> {
        self.spawn_points.iter().find(|point| point.id == id)
    }
}

impl Record for SceneDef {
    const KIND: &'static str = "scene";
    const FOLDER: &'static str = "scenes";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        self.combat.visit("combat", visitor);
        for (index, spawner) in self.spawners.iter_mut().enumerate() {
            spawner.monster.visit(&format!("spawners.{index}.monster"), visitor);
            for (stop, def) in spawner.patrol.iter_mut().enumerate() {
                for (place, deed) in def.deeds.iter_mut().enumerate() {
                    deed.visit_refs(&format!("spawners.{index}.patrol.{stop}.do.{place}"), visitor);
                }
            }
            for (place, rare) in spawner.rares.iter_mut().enumerate() {
                rare.monster.visit(&format!("spawners.{index}.rares.{place}.monster"), visitor);
            }
        }
        for (index, portal) in self.portals.iter_mut().enumerate() {
            portal.to.visit(&format!("portals.{index}.to"), visitor);
        }
    }
}

/// What the clients of a scene are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, schemars::JsonSchema)]
pub enum SyncDef {
    /// What changes in their area of interest.
    #[default]
    State,
    /// That, or, for clients that ask for it, everything that enters the scene, tick by tick, so that they simulate the
    /// whole of it themselves. For duels and small battles: everybody is sent what everybody does, out of sight too. The
    /// scene begins anew when nobody is left in it.
    Frames {
        /// Time between two comparisons of the clients' state with the server's, in ms, in steps of 50.
        compare_ms: u32,
    },
}

impl SyncDef {
    /// Ticks between two comparisons of state, where clients simulate the scene.
    #[must_use]
    pub fn compare_ticks(&self) -> Option<u32> {
        match self {
            Self::State => None,
            Self::Frames { compare_ms } => Some(ticks_of(*compare_ms).max(1)),
        }
    }
}

/// A rectangle on the ground, in metres.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Least x and z.
    pub min: (f32, f32),
    /// Greatest x and z, both above the least.
    pub max: (f32, f32),
}

impl Bounds {
    /// Whether the place `(x, z)` lies inside or on the edge.
    pub fn contains(&self, (x, z): (f32, f32)) -> bool {
        (self.min.0..=self.max.0).contains(&x) && (self.min.1..=self.max.1).contains(&z)
    }
}

/// Area of interest: what comes nearer than `enter_m` is seen until it is farther than `leave_m`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AoiDef {
    /// Distance in metres at which something becomes seen.
    pub enter_m: f32,
    /// Distance in metres at which it stops being seen, above `enter_m`.
    pub leave_m: f32,
}

/// One piece of static geometry.
#[derive(
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
    Debug,
    Clone,
    PartialEq,
    Deserialize,
    Serialize,
    schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub enum GeometryDef {
    /// A box.
    Box {
        /// Centre in metres.
        center: (f32, f32, f32),
        /// Full extents in metres before turning.
        size: (f32, f32, f32),
        /// Turn about y in degrees.
        #[serde(default)]
        yaw_deg: f32,
    },
    /// The ground as a grid of heights; at most one per scene.
    Heightfield {
        /// Least x and z in metres.
        min: (f32, f32),
        /// Edge of a square cell in metres.
        cell_m: f32,
        /// Cells along x.
        columns: u32,
        /// Cells along z.
        rows: u32,
        /// `(columns + 1) * (rows + 1)` heights, row by row: z outside, x inside.
        heights: Heights,
    },
    /// A mesh of triangles.
    Trimesh {
        /// Corners in metres.
        vertices: Vec<(f32, f32, f32)>,
        /// Indices of three corners each, counter-clockwise seen from outside.
        triangles: Vec<(u32, u32, u32)>,
    },
    /// Many boxes of one size, such as tree trunks.
    Boxes {
        /// Full extents in metres before turning.
        size: (f32, f32, f32),
        /// Turn about y in degrees.
        #[serde(default)]
        yaw_deg: f32,
        /// Centres in metres.
        at: Vec<(f32, f32, f32)>,
    },
}

/// Where the heights of a heightfield stand.
#[derive(
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
    Debug,
    Clone,
    PartialEq,
    Deserialize,
    Serialize,
    schemars::JsonSchema,
)]
pub enum Heights {
    /// In the record, in metres.
    Inline(Vec<f32>),
    /// In a table of centimetres.
    Table(HeightTable),
}

impl Heights {
    /// All samples in metres, row by row; filled for every loaded scene.
    pub fn samples_m(&self) -> &[f32] {
        match self {
            Self::Inline(samples_m) => samples_m,
            Self::Table(table) => &table.samples_m,
        }
    }
}

/// A table of heights by its path below the assets directory, with its samples once loaded.
#[derive(
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
    Debug,
    Clone,
    PartialEq,
    Deserialize,
    Serialize,
    schemars::JsonSchema,
)]
#[serde(from = "String", into = "String")]
pub struct HeightTable {
    /// Path such as `tables/field_heights.csv`.
    pub path: String,
    /// What the table holds, in metres, row by row.
    pub(crate) samples_m: Vec<f32>,
}

impl From<String> for HeightTable {
    fn from(path: String) -> Self {
        Self { path, samples_m: Vec::new() }
    }
}

impl From<HeightTable> for String {
    fn from(table: HeightTable) -> Self {
        table.path
    }
}

/// A box that stands in the way while it is closed and is not there while it is open.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DoorDef {
    /// Name within the scene, `door/name`.
    pub id: String,
    /// Centre of the closed door in metres.
    pub center: (f32, f32, f32),
    /// Full extents of the closed door in metres before turning.
    pub size: (f32, f32, f32),
    /// Turn about y in degrees.
    #[serde(default)]
    pub yaw_deg: f32,
    /// Whether it stands open when the scene begins.
    #[serde(default)]
    pub open: bool,
}

/// A disc in which players appear.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpawnPointDef {
    /// Name within the scene, `spawn/name`.
    pub id: String,
    /// Centre.
    pub at: (f32, f32),
    /// Where players look, in degrees.
    #[serde(default)]
    pub yaw_deg: f32,
    /// Radius in metres; 0 for exactly the centre.
    #[serde(default)]
    pub radius_m: f32,
}

/// A place in which monsters appear and to which they return.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpawnerDef {
    /// Name within the scene, `spawner/name`.
    pub id: String,
    /// What appears.
    pub monster: Ref<MonsterDef>,
    /// What appears now and then in its stead.
    #[serde(default)]
    pub rares: Vec<RareDef>,
    /// Its middle; where nothing else is free they appear here.
    pub at: (f32, f32),
    /// Radius of its circle in metres; 0 for exactly the middle, and for another shape.
    #[serde(default)]
    pub radius_m: f32,
    /// Where they appear, if not in the circle.
    #[serde(default)]
    pub area: SpawnArea,
    /// How many are alive at a time, 1 to 200.
    pub count: u32,
    /// How it answers a crowd of players, if it does.
    #[serde(default)]
    pub crowd: Option<CrowdDef>,
    /// Least and greatest time from a death to the next one, in ms, drawn for each death; the monster's own if it is not
    /// written.
    #[serde(default)]
    pub respawn_ms: Option<(u32, u32)>,
    /// Places that its monsters walk to in order and back, without a door on the way; none for monsters that stay about.
    #[serde(default)]
    pub patrol: Vec<StopDef>,
    /// Whether they go on from the last place of the patrol to the first instead of back.
    #[serde(default)]
    pub patrol_round: bool,
}

impl SpawnerDef {
    /// All kinds of monsters that may appear.
    pub fn kinds(&self) -> impl Iterator<Item = &Ref<MonsterDef>> {
        std::iter::once(&self.monster).chain(self.rares.iter().map(|rare| &rare.monster))
    }

    /// What appears for a roll of 0 to 9,999.
    pub fn kind_for(&self, mut roll: u32) -> &Ref<MonsterDef> {
        for rare in &self.rares {
            match roll.checked_sub(rare.chance_bp) {
                Some(left) => roll = left,
                None => return &rare.monster,
            }
        }
        &self.monster
    }

    /// How many there are at most.
    pub fn places(&self) -> u32 {
        self.crowd.as_ref().map_or(self.count, |crowd| crowd.max.max(self.count))
    }

    /// How many there shall be with so many living players near.
    pub fn wanted(&self, players: u32) -> u32 {
        let Some(crowd) = &self.crowd else { return self.count };
        let more = u64::from(players) * u64::from(crowd.per_player_pct) / 100;
        let wanted = u64::from(self.count) + more;
        u32::try_from(wanted).unwrap_or(u32::MAX).min(self.places())
    }

    /// What becomes of a respawn time in ticks with so many living players near, in ticks.
    pub fn hurried_ticks(&self, ticks: u32, players: u32) -> u32 {
        let Some(crowd) = &self.crowd else { return ticks };
        let divisor = 100 + u64::from(crowd.hurry_pct) * u64::from(players);
        let hurried = u32::try_from(u64::from(ticks) * 100 / divisor).unwrap_or(ticks);
        hurried.max(ticks_of(crowd.respawn_least_ms).min(ticks))
    }
}

/// A disc that takes players to another scene.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortalDef {
    /// Name within the scene, `portal/name`.
    pub id: String,
    /// Centre.
    pub at: (f32, f32),
    /// Radius in metres.
    pub radius_m: f32,
    /// Where it leads.
    pub to: Ref<SceneDef>,
    /// The spawn point of that scene at which players arrive.
    pub spawn_point: String,
}
