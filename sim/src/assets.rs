//! Designers' data: what a skill, an effect, a monster, a class, an item, a movement profile and a scene are.
//! The Rust types are the only schema. `Assets::load` turns texts into one immutable, fully checked set, or into a
//! report with every fault of the run; there is no half-loaded state and no I/O here. Ids are dense and follow the sorted
//! names, so they do not depend on how records are spread over files.

mod actions;
mod attributes;
mod check;
mod classes;
mod core;
mod effects;
mod items;
mod load;
mod loot;
mod monsters;
mod movements;
mod names;
mod record;
mod repair;
mod report;
mod scenes;
mod sets;
mod skills;
mod sources;
mod span;
mod tables;
mod trace;

pub use actions::{Action, ActionTarget, Pool, School};
pub use attributes::{
    AttrRef, AttributeDef, AttributeId, AttributeRegistry, AttributeTable, AttributeUnit, AttributeValue,
    CORE_ATTRIBUTES, Rounding,
};
pub use check::SceneGround;
pub use classes::ClassDef;
pub use effects::{EffectDef, Modifier, ModifierOp, Polarity, Reapply, StackBy, State};
pub use items::{
    Bind, EquipDef, ItemCooldown, ItemDef, OnUseDef, Quality, RandomDef, RollDef, RollOp, SlotKind, Uses,
};
pub use loot::{
    Expectation, GroupRow, ItemExpectation, LootCase, LootCondition, LootDef, LootDrop, LootGroup, LootRow, Pity, Share,
    pity_key,
};
pub use monsters::{MonsterDef, Senses};
pub use movements::MovementDef;
pub use record::{Id, Record, Ref, RefVisitor, ShortRef, Table, ticks_of};
pub use report::{AssetReport, Code, FINDINGS_MAX, Finding, Severity};
pub use scenes::{
    AoiDef, Bounds, DoorDef, GeometryDef, HeightTable, Heights, PortalDef, SceneDef, SpawnPointDef, SpawnerDef,
};
pub use sets::{SetBonus, SetDef};
pub use skills::{Filter, SkillDef, SkillTarget};
pub use sources::AssetSources;

/// One epoch of designers' data: every record of every kind, checked, with all references resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Assets {
    /// The numbers of units.
    pub attributes: AttributeRegistry,
    /// What characters and monsters can do.
    pub skills: Table<SkillDef>,
    /// What can rest on a unit for a while.
    pub effects: Table<EffectDef>,
    /// How units move.
    pub movements: Table<MovementDef>,
    /// What a player can be.
    pub classes: Table<ClassDef>,
    /// What can be owned.
    pub items: Table<ItemDef>,
    /// What does more together.
    pub sets: Table<SetDef>,
    /// What may be found.
    pub loots: Table<LootDef>,
    /// What spawners put into a scene.
    pub monsters: Table<MonsterDef>,
    /// The places of the world.
    pub scenes: Table<SceneDef>,
    /// xxh3 over every path and its content with line endings normalised; equal content gives an equal hash.
    pub hash: u64,
}
