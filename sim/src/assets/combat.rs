//! Combat profiles: how a scene decides what becomes of a blow. Attack table, critical hits, mitigation, healing,
//! recovery, PvP, resurrection and experience are numbers here and rules in `features/combat`, `features/pvp` and
//! `features/progress`. `combat/seed`, the default of every scene, is built in; data may replace it or add others.

use serde::{Deserialize, Serialize};

use super::{AttrRef, InterruptDef, Record, Ref, RefVisitor};

mod life;

pub use life::{ExperienceRules, KillShare, PvpRule, PvpRules, RecoveryRules, ResurrectionRules, TapOwner, TapRules};

/// Ways in which damage reaches its target; each has its own table, critical hits and streaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, schemars::JsonSchema)]
pub enum AttackKind {
    /// Physical, by a skill whose range is at most 5 m.
    Melee,
    /// Physical, from farther away.
    Ranged,
    /// Of any other school.
    Spell,
    /// What an effect does once per period.
    Periodic,
    /// Healing.
    Heal,
}

impl AttackKind {
    /// How many kinds there are.
    pub const COUNT: usize = 5;

    /// Position in lists by kind, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// One combat profile, `combat/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CombatDef {
    /// `combat/name`.
    pub id: String,
    /// What operators read.
    #[serde(default)]
    pub name: String,
    /// Blows from near.
    #[serde(default)]
    pub melee: AttackRules,
    /// Shots.
    #[serde(default)]
    pub ranged: AttackRules,
    /// Spells.
    #[serde(default)]
    pub spell: AttackRules,
    /// What effects do once per period.
    #[serde(default = "AttackRules::never_critical")]
    pub periodic: AttackRules,
    /// Healing; of its table only the critical row counts.
    #[serde(default = "AttackRules::never_critical")]
    pub heal: AttackRules,
    /// How much of a blow arrives.
    #[serde(default)]
    pub damage: DamageRules,
    /// Least and greatest part of healing that arrives, in basis points.
    #[serde(default = "default_spread_bp")]
    pub heal_spread_bp: (u32, u32),
    /// What ends casts, and what pushes them back.
    #[serde(default = "default_interrupts")]
    pub interrupts: Ref<InterruptDef>,
    /// How long fights last and what comes back when.
    #[serde(default)]
    pub recovery: RecoveryRules,
    /// What is different between players.
    #[serde(default)]
    pub pvp: PvpRules,
    /// How the dead return.
    #[serde(default)]
    pub resurrection: ResurrectionRules,
    /// What kills teach.
    #[serde(default)]
    pub experience: ExperienceRules,
    /// Whose kills are, if a monster says nothing of its own.
    #[serde(default)]
    pub tap: TapRules,
}

fn default_interrupts() -> Ref<InterruptDef> {
    Ref::by_name(InterruptDef::DEFAULT)
}

const fn default_spread_bp() -> (u32, u32) {
    (9_500, 10_500)
}

impl CombatDef {
    /// The profile of a scene that names none.
    pub const DEFAULT: &'static str = "combat/seed";

    /// The rules of one kind of attack.
    #[must_use]
    pub const fn attack(&self, kind: AttackKind) -> &AttackRules {
        match kind {
            AttackKind::Melee => &self.melee,
            AttackKind::Ranged => &self.ranged,
            AttackKind::Spell => &self.spell,
            AttackKind::Periodic => &self.periodic,
            AttackKind::Heal => &self.heal,
        }
    }
}

/// What can become of one kind of attack.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttackRules {
    /// Rows of the attack table, in any order and each at most once; they are laid out as miss, dodge, parry, glance,
    /// block, crit, and what does not fit is pushed off. A row that is missing does not happen.
    #[serde(default)]
    pub table: Vec<TableRow>,
    /// Critical hits.
    #[serde(default)]
    pub crit: CritRules,
}

impl AttackRules {
    fn never_critical() -> Self {
        Self { table: Vec::new(), crit: CritRules { model: CritModel::Never, ..CritRules::default() } }
    }
}

/// One row of an attack table. Its chance is `base_bp`, plus the target's `add`, less the attacker's `less`, plus
/// `per_level_bp` for each level the target is above the attacker, between `min_bp` and `max_bp`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableRow {
    /// Which row.
    pub row: RowKind,
    /// Chance before everything else, in basis points.
    #[serde(default)]
    pub base_bp: i32,
    /// Attributes of the target that are added.
    #[serde(default)]
    pub add: Vec<AttrRef>,
    /// Attributes of the attacker that are taken off.
    #[serde(default)]
    pub less: Vec<AttrRef>,
    /// Basis points for each level the target is above the attacker; taken off for each below.
    #[serde(default)]
    pub per_level_bp: i32,
    /// Least chance in basis points.
    #[serde(default)]
    pub min_bp: i32,
    /// Greatest chance in basis points.
    #[serde(default = "whole_bp")]
    pub max_bp: i32,
}

const fn whole_bp() -> i32 {
    10_000
}

/// Rows of an attack table, apart from the critical one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, schemars::JsonSchema)]
pub enum RowKind {
    /// It goes wide.
    Miss,
    /// The target steps aside.
    Dodge,
    /// The target turns it away.
    Parry,
    /// It strikes with a part of its force.
    Glance,
    /// A shield takes a part of it.
    Block,
}

/// How critical hits come about. The chance is the source's `chance` attributes less the target's `less`, less
/// `per_level_bp` for each level the target is above the source.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CritRules {
    /// By what luck.
    #[serde(default)]
    pub model: CritModel,
    /// Attributes of the source whose sum is the chance in basis points.
    #[serde(default = "crit_chance")]
    pub chance: Vec<AttrRef>,
    /// Attributes of the target that are taken off.
    #[serde(default)]
    pub less: Vec<AttrRef>,
    /// Basis points taken off for each level the target is above the source.
    #[serde(default)]
    pub per_level_bp: i32,
    /// Attribute of the source that is the size in basis points of a normal hit.
    #[serde(default = "crit_size")]
    pub size: AttrRef,
}

fn crit_chance() -> Vec<AttrRef> {
    vec![AttrRef::by_name("crit_bp")]
}

fn crit_size() -> AttrRef {
    AttrRef::by_name("crit_damage_bp")
}

impl Default for CritRules {
    fn default() -> Self {
        let model = CritModel::default();
        Self { model, chance: crit_chance(), less: Vec::new(), per_level_bp: 0, size: crit_size() }
    }
}

/// By what luck a hit is critical.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum CritModel {
    /// A roll of its own for each hit that arrives.
    #[default]
    Independent,
    /// A roll of its own whose chance grows with each failure, so that streaks are rare; as frequent as promised.
    Prd,
    /// The last row of the attack table: what avoids blows pushes critical ones off.
    TableRow,
    /// Never.
    Never,
}

/// How much of a blow arrives.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DamageRules {
    /// Least and greatest part by chance, in basis points.
    #[serde(default = "default_spread_bp")]
    pub spread_bp: (u32, u32),
    /// What armor keeps off.
    #[serde(default)]
    pub mitigation: Mitigation,
    /// Which harm armor stops; the schools' own resistances count in any case.
    #[serde(default)]
    pub armor_stops: ArmorStops,
    /// Least and greatest part of a glancing blow that arrives, in basis points.
    #[serde(default = "default_glance_bp")]
    pub glance_bp: (u32, u32),
    /// Part of a blocked blow that a shield keeps off before its `block_amount`, in percent.
    #[serde(default)]
    pub block_pct: u32,
    /// Least damage of a blow that arrives, before absorbs.
    #[serde(default = "default_minimum")]
    pub minimum: u32,
    /// Basis points more for each level the source is above the target, and less for each below.
    #[serde(default)]
    pub per_level_bp: i32,
    /// How many levels of difference count at most.
    #[serde(default)]
    pub levels_max: u16,
}

const fn default_glance_bp() -> (u32, u32) {
    (6_500, 8_500)
}

const fn default_minimum() -> u32 {
    1
}

impl Default for DamageRules {
    fn default() -> Self {
        Self {
            spread_bp: default_spread_bp(),
            mitigation: Mitigation::default(),
            armor_stops: ArmorStops::default(),
            glance_bp: default_glance_bp(),
            block_pct: 0,
            minimum: default_minimum(),
            per_level_bp: 0,
            levels_max: 0,
        }
    }
}

/// What armor keeps off.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Mitigation {
    /// Nothing; the skills' formulas take care of it.
    Nothing,
    /// `half / (armor + half)` of the damage arrives.
    Armor {
        /// Armor that keeps off half.
        half: u32,
    },
}

impl Default for Mitigation {
    fn default() -> Self {
        Self::Armor { half: 100 }
    }
}

/// Which harm armor stops.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum ArmorStops {
    /// All of it.
    #[default]
    Everything,
    /// Blades and claws only.
    Physical,
}

impl Record for CombatDef {
    const KIND: &'static str = "combat";
    const FOLDER: &'static str = "combat";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        let kinds = [
            ("melee", &mut self.melee),
            ("ranged", &mut self.ranged),
            ("spell", &mut self.spell),
            ("periodic", &mut self.periodic),
            ("heal", &mut self.heal),
        ];
        for (kind, rules) in kinds {
            for (index, row) in rules.table.iter_mut().enumerate() {
                visit_attributes(&mut row.add, &format!("{kind}.table.{index}.add"), visitor);
                visit_attributes(&mut row.less, &format!("{kind}.table.{index}.less"), visitor);
            }
            visit_attributes(&mut rules.crit.chance, &format!("{kind}.crit.chance"), visitor);
            visit_attributes(&mut rules.crit.less, &format!("{kind}.crit.less"), visitor);
            rules.crit.size.visit(&format!("{kind}.crit.size"), visitor);
        }
        self.interrupts.visit("interrupts", visitor);
        self.experience.curve.visit("experience.curve", visitor);
        for (index, effect) in self.resurrection.sickness.iter_mut().enumerate() {
            effect.visit(&format!("resurrection.sickness.{index}"), visitor);
        }
    }
}

fn visit_attributes(attributes: &mut [AttrRef], path: &str, visitor: &mut dyn RefVisitor) {
    for (index, attribute) in attributes.iter_mut().enumerate() {
        attribute.visit(&format!("{path}.{index}"), visitor);
    }
}
