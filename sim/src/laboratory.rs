//! The laboratory: fights and designers' tests in bare scenes, without players and without a clock. It stands above
//! the features and drives them as a process does, tick by tick.
//!
//! Many fights share one scene, in arenas far from each other, because a scene's schedule costs the same for one
//! fight as for thirty. Which fights share one follows from their numbers alone: the same contest and seed give
//! the same outcomes on any number of threads.

use std::ops::Range;
use std::sync::Arc;

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use crate::actor::Faction;
use crate::assets::{AssetReport, AssetSources, Assets, AttributeId, ClassDef, Id, MonsterDef};
use crate::features::combat::{Attributes, Level, Vitals};
use crate::features::monsters;
use crate::features::skills::Mana;
use crate::ids::SimId;
use crate::random::{Random, Stream};
use crate::roster::Roster;
use crate::scene::{Scene, SceneAssets, SceneConfig};
use crate::space::Geometry;
use crate::tick::TICK_MS;

mod bout;
mod champions;
mod crowd;
mod reasons;
mod trial;

pub use bout::{Bout, MemberRecord, PhaseRecord, STRETCH_TICKS, Winner};
pub use crowd::{Temper, afflict, refresh};
pub use reasons::{Happening, Moment, Reasons};

/// The scene that fights take place in.
pub const SCENE: &str = "scene/laboratory";
/// Its file, path and text.
const SCENE_FILE: (&str, &str) = ("scenes/laboratory.ron", include_str!("laboratory/scene.ron"));
/// Combatants of one scene, about: fewer fights share it when each has more.
const CROWD: usize = 64;
/// Fights of one scene: as many arenas as it has room for.
const BOUTS_MAX: usize = 64;
/// Most combatants on one side.
pub const SIDE_MAX: usize = 40;
/// Longest fight in ticks (30 min).
pub const LIMIT_TICKS_MAX: u32 = 30 * 60 * 1_000 / TICK_MS;

/// What fights: a class as its behaviour tree plays it, or a monster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fighter {
    /// A player's class.
    Class(Id<ClassDef>),
    /// A monster.
    Monster(Id<MonsterDef>),
}

/// One fighter at a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Combatant {
    /// What it is.
    pub fighter: Fighter,
    /// Its level, from 1; `None` for a monster's own, and 1 for a class. What is the same at every level in the data
    /// stays the same.
    pub level: Option<u16>,
}

/// A fight to be fought many times.
#[derive(Debug, Clone, PartialEq)]
pub struct Contest {
    /// Who fights whom; each side has 1 to [`SIDE_MAX`] members.
    pub sides: [Vec<Combatant>; 2],
    /// Metres between the sides in the beginning, 2 to 60.
    pub distance_m: f32,
    /// Ticks after which an undecided fight ends, at most [`LIMIT_TICKS_MAX`].
    pub limit_ticks: u32,
}

impl Contest {
    fn check_sides(&self) -> Result<(), LaboratoryError> {
        let bad = self.sides.iter().find(|side| !(1..=SIDE_MAX).contains(&side.len()));
        bad.map_or(Ok(()), |side| Err(LaboratoryError::BadSide(side.len())))
    }
}

/// Why there is no laboratory, or no fight in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaboratoryError {
    /// The data has no ground for it.
    #[error("the game data has no `{SCENE}`: load it with `laboratory::prepare`")]
    NoScene,
    /// The ground cannot be built.
    #[error("the ground of `{SCENE}` cannot be built: {0}")]
    BadGround(String),
    /// Something called so cannot fight.
    #[error("there is no class or monster `{name}`{}", .nearest.as_ref().map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default())]
    UnknownFighter {
        /// The name as given.
        name: String,
        /// The name it is most like.
        nearest: Option<String>,
    },
    /// A side is empty or too large.
    #[error("a side has 1 to {SIDE_MAX} members, not {0}")]
    BadSide(usize),
}

/// Game data with the ground for fights.
pub struct Laboratory {
    config: SceneConfig,
}

/// Good data as the laboratory needs it, with its ground and its champions.
///
/// # Errors
/// With the faults of the data; also where it has records that the laboratory itself brings along.
pub fn prepare(sources: &AssetSources) -> Result<Arc<Assets>, AssetReport> {
    let (path, text) = SCENE_FILE;
    let with_ground = sources.clone().with(path, text);
    let plain = Assets::load(&with_ground)?;
    let with_champions = with_ground.with(champions::FILE, champions::records(&plain));
    Ok(Arc::new(Assets::load(&with_champions)?))
}

impl Laboratory {
    /// A laboratory over data that [`prepare`] has loaded.
    ///
    /// # Errors
    /// When the data has no such scene, or its ground cannot be built.
    pub fn new(assets: &Arc<Assets>) -> Result<Self, LaboratoryError> {
        let scene = assets.scenes.by_name(SCENE).ok_or(LaboratoryError::NoScene)?;
        let geometry =
            Geometry::build(&assets.scenes[scene]).map_err(|error| LaboratoryError::BadGround(error.to_string()))?;
        let config =
            SceneConfig { scene, seed: 0, assets: Arc::clone(assets), geometry: Arc::new(geometry), navmesh: None };
        Ok(Self { config })
    }

    /// The data.
    #[must_use]
    pub fn assets(&self) -> &Arc<Assets> {
        &self.config.assets
    }

    /// Every monster of the data; the champions that the laboratory made of the classes are none.
    pub fn monsters(&self) -> impl Iterator<Item = (Id<MonsterDef>, &MonsterDef)> {
        let assets = self.assets();
        assets.monsters.iter().filter(|(_, monster)| !champions::is_champion(assets, &monster.id))
    }

    /// A class or a monster by its id.
    ///
    /// # Errors
    /// When there is none; with the most similar name.
    pub fn fighter(&self, name: &str) -> Result<Fighter, LaboratoryError> {
        let assets = self.assets();
        let class = assets.classes.by_name(name).map(Fighter::Class);
        let monster = || self.monsters().find(|(_, monster)| monster.id == name);
        let fighter = class.or_else(|| monster().map(|(id, _)| Fighter::Monster(id)));
        fighter.ok_or_else(|| {
            let classes = assets.classes.iter().map(|(_, class)| class.id.as_str());
            let names = classes.chain(self.monsters().map(|(_, monster)| monster.id.as_str()));
            let nearest = crate::assets::nearest(name, names).map(str::to_owned);
            LaboratoryError::UnknownFighter { name: name.to_owned(), nearest }
        })
    }

    /// How many scenes `count` fights of a contest take: [`Laboratory::fight`] fights those of one.
    #[must_use]
    pub fn batch_count(contest: &Contest, count: u32) -> u32 {
        count.div_ceil(bouts_per_scene(contest))
    }

    /// Fights the fights of one scene, by number: `batch` is below [`Laboratory::batch_count`].
    ///
    /// # Errors
    /// When a side is empty or too large.
    pub fn fight(&self, contest: &Contest, seed: u64, count: u32, batch: u32) -> Result<Vec<Bout>, LaboratoryError> {
        contest.check_sides()?;
        Ok(bout::run(self.batch_scene(seed, batch), contest, &numbers_of(contest, count, batch), &mut ()))
    }

    /// The empty scene that the fights of a batch take place in.
    fn batch_scene(&self, seed: u64, batch: u32) -> Scene {
        self.scene(Random::new(seed).draw(batch, SimId::new(0, 0), Stream("laboratory"), 0).next_u64())
    }

    /// An empty scene.
    fn scene(&self, seed: u64) -> Scene {
        Scene::new(&SceneConfig { seed, ..self.config.clone() }, |_| {})
    }
}

fn bouts_per_scene(contest: &Contest) -> u32 {
    let members = contest.sides.iter().map(Vec::len).sum::<usize>().max(1);
    u32::try_from((CROWD / members).clamp(1, BOUTS_MAX)).unwrap_or(1)
}

fn numbers_of(contest: &Contest, count: u32, batch: u32) -> Range<u32> {
    let size = bouts_per_scene(contest);
    let first = batch.saturating_mul(size).min(count);
    first..first.saturating_add(size).min(count)
}

/// The side of the first party of a contest, and that of the second.
const fn side_faction(side: usize) -> Faction {
    if side == 0 { Faction::PLAYERS } else { Faction::named("laboratory") }
}

/// Puts a class that plays itself onto the ground.
fn champion(world: &mut World, class: Id<ClassDef>, level: Option<u16>, side: usize, place: Vec2) -> SimId {
    let assets = Arc::clone(&world.resource::<SceneAssets>().0);
    let found = assets.monsters.by_name(&champions::id_of(&assets.classes[class].id));
    let Some(champion) = found else { return SimId::from_bits(0) };
    let id = monster(world, champion, level, place);
    if let Some(mut entity) = entity_of(world, id) {
        entity.insert(side_faction(side));
    }
    id
}

/// Puts a monster onto the ground, on its own side; at a level, if one is given.
fn monster(world: &mut World, monster: Id<MonsterDef>, level: Option<u16>, place: Vec2) -> SimId {
    let id = monsters::spawn_monster(world, monster, Vec3::new(place.x, 0.0, place.y));
    let assets = Arc::clone(&world.resource::<SceneAssets>().0);
    if let (Some(level), Some(mut entity)) = (level, entity_of(world, id)) {
        let attributes = Attributes::at_level(&assets, &assets.monsters[monster].attributes, level);
        let [hp_max, mana_max] =
            [AttributeId::HP_MAX, AttributeId::MANA_MAX].map(|attribute| attributes.current(attribute).unsigned_abs());
        entity.insert((attributes, Level(level), Vitals::full(hp_max), Mana::full(mana_max)));
    }
    id
}

fn entity_of(world: &mut World, id: SimId) -> Option<EntityWorldMut<'_>> {
    let entity = world.resource::<Roster>().entity(id)?;
    world.get_entity_mut(entity).ok()
}
