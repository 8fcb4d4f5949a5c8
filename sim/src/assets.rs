//! Designers' data: what a skill, an effect, a monster, a class, an item, a movement profile and a scene are.
//! The Rust types are the only schema. `Assets::load` turns texts into one immutable, fully checked set, or into a
//! report with every fault of the run; there is no half-loaded state and no I/O here. Ids are dense and follow the sorted
//! names, so they do not depend on how records are spread over files; data loaded after other data keeps its ids.

mod actions;
mod ai;
mod areas;
mod attributes;
mod check;
mod classes;
mod combat;
mod core;
mod curves;
pub mod designer_tests;
mod effects;
mod events;
mod extends;
mod factions;
mod formulas;
mod interrupts;
mod items;
mod kinds;
mod load;
mod loot;
mod memo;
mod modifiers;
mod monsters;
mod movements;
mod names;
mod patrols;
mod projectiles;
mod record;
mod repair;
mod report;
mod scenes;
mod schema;
mod sets;
mod skills;
mod sources;
mod span;
mod spawners;
mod table;
mod tables;
mod tags;
mod threats;
mod trace;
mod verdicts;

pub use actions::{Action, ActionTarget, Displacement, Pool, School};
pub use ai::{AiDef, Aimed, Condition, Consideration, Deed, Measure, NodeDef, OptionDef, Response};
pub use areas::{AreaDef, AreaShape};
pub use attributes::{
    AttrRef, AttributeDef, AttributeId, AttributeRegistry, AttributeTable, AttributeUnit, AttributeValue,
    CORE_ATTRIBUTES, Rounding,
};
pub use check::SceneGround;
pub use classes::ClassDef;
pub use combat::{
    ArmorStops, AttackKind, AttackRules, CombatDef, CritModel, CritRules, DamageRules, ExperienceRules, KillShare,
    Mitigation, PvpRule, PvpRules, RecoveryRules, ResurrectionRules, RowKind, TableRow, TapOwner, TapRules,
};
pub use curves::{Between, CurveDef, CurveLine};
pub use designer_tests::TestDef;
pub use effects::{
    AbsorbDef, AbsorbKind, BreakBarDef, Capture, CaptureTable, DamageBreak, DiminishDef, DispelKind, Duration,
    EffectDef, EventKind, FirstTick, Logout, OnDeath, PeriodDef, PeriodRefresh, Polarity, ProcDef, ProcTarget,
    StackApply, StackBy, StackDef, StackExpire,
};
pub use events::{TimeOfDay, Timetable, Weekday, WorldEventDef};
pub use factions::{FactionDef, Stance};
pub use formulas::FormulaDef;
pub use interrupts::{Cell, Cells, Disturbance, InterruptDef, InterruptRow, Lockout};
pub use items::{Bind, EquipDef, ItemCooldown, ItemDef, OnUseDef, Quality, RandomDef, RollDef, RollOp, SlotKind, Uses};
pub use kinds::{Assets, schemas};
pub use loot::{
    Expectation, GroupRow, ItemExpectation, LootCase, LootCondition, LootDef, LootDrop, LootGroup, LootRow, Pity,
    Share, pity_key,
};
pub use modifiers::{Modifier, ModifierOp, When};
pub use monsters::{EnrageDef, LeashDef, MonsterDef, MoveDef, OnEvade, PhaseDef, PhaseStart, Rank, Senses};
pub use movements::MovementDef;
pub use patrols::{StopDeed, StopDef};
pub use projectiles::{Flight, ProjectileDef};
pub use record::{Id, Record, Ref, RefVisitor, ShortRef, ticks_of};
pub(crate) use report::nearest;
pub use report::{AssetReport, Code, FINDINGS_MAX, Finding, Severity};
pub use scenes::{
    AoiDef, Bounds, DoorDef, GeometryDef, HeightTable, Heights, PortalDef, SceneDef, SpawnPointDef, SpawnerDef, SyncDef,
};
pub use schema::KindSchema;
pub use sets::{SetBonus, SetDef};
pub use skills::{
    At, BecomesDef, CastDef, CastKind, CastMove, ChargeLevel, ComboDef, CooldownDef, CostDef, CostTime, Filter, GcdDef,
    Los, Moment, Pushback, Refund, Requirements, SkillDef, SkillTarget,
};
pub use sources::AssetSources;
pub use spawners::{CrowdDef, GroupDef, GroupRespawn, PoolDef, PoolMemberDef, RareDef, SpawnArea};
pub use table::Table;
pub use tags::{CORE_TAGS, TAGS_MAX, Tag, TagId, TagList, TagRegistry, TagSet};
pub use threats::ThreatDef;
pub use verdicts::{Disappointment, verdicts};
