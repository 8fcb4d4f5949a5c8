//! What becomes of a blow. Pure: everything it depends on is an argument. The running value is kept in millionths of a
//! point; each factor rounds half up there, and only the end is rounded, half up, to points.
//!
//! | step | what happens | source |
//! | --- | --- | --- |
//! | 1 | raw amount: the action's formula | the source's worth when it was captured |
//! | 2 | attack table, one roll: miss, dodge, parry end it | profile, both actors' attributes and levels |
//! | 3 | critical: times its size | table row, or a roll of its own, with or without memory |
//! | 4 | spread by chance | profile |
//! | 5 | glance: a part of it | profile |
//! | 6 | armor, then the school's resistance | profile, target |
//! | 7 | level difference | profile |
//! | 8 | `damage_done_bp`, then `damage_taken_bp`, for a deed with these tags | source, target |
//! | 9 | PvP: `damage_pct` between players | profile |
//! | 10 | block: `block_pct`, then `block_amount` points | profile, target |
//! | 11 | rounded; at least `minimum` unless it was blocked | profile |
//! | 12 | immunity, absorbs, hit points | `resolve` |
//!
//! Healing has steps 1, 3 and 4, then `healing_done_bp`, `healing_taken_bp` and the profile's `healing_pct`.

use super::{AttackTable, Luck, Outcome, ROWS, Worth};
use crate::assets::{
    ArmorStops, AttackKind, AttackRules, AttributeId, CombatDef, CritModel, DamageRules, Mitigation, RowKind, School,
};
use crate::random::Draw;

/// Basis points in a whole.
const BP: u128 = 10_000;
/// Millionths in a point.
const MICRO: u128 = 1_000_000;
/// More than any hit points, in millionths; keeps every product within 128 bits.
const VALUE_MAX: u128 = 1_000_000_000_000_000_000;
/// Least and greatest resistance that counts, in basis points: no school can be resisted fully without immunity.
const RESIST_BP: (i32, i32) = (-10_000, 9_500);

/// One blow or one healing, before anything is rolled.
#[derive(Debug, Clone, Copy)]
pub struct Blow<'a> {
    /// How it comes.
    pub kind: AttackKind,
    /// What kind of harm.
    pub school: School,
    /// What the formula says, in thousandths of a point.
    pub raw_milli: u64,
    /// The source's numbers when they were captured.
    pub worth: &'a Worth,
    /// The target's numbers now.
    pub target: &'a [i32],
    /// What the source adds to such deeds, in basis points: damage or healing done.
    pub done_bp: i32,
    /// What the target adds to such deeds, in basis points: damage or healing taken.
    pub taken_bp: i32,
    /// The target's level.
    pub target_level: u16,
    /// Whether both are players.
    pub pvp: bool,
}

impl Blow<'_> {
    fn of_target(&self, attribute: AttributeId) -> i32 {
        self.target.get(attribute.index()).copied().unwrap_or(0)
    }

    /// Levels the target is above the source.
    fn levels_above(&self) -> i32 {
        i32::from(self.target_level) - i32::from(self.worth.level)
    }

    /// The attack table under a profile; its critical row is empty unless the profile puts critical hits there.
    #[must_use]
    pub fn table(&self, rules: &AttackRules) -> AttackTable {
        let mut wanted_bp = [0; ROWS.len()];
        for row in &rules.table {
            let add: i32 = row.add.iter().map(|attribute| self.of_target(attribute.attribute())).sum();
            let less: i32 = row.less.iter().map(|attribute| self.worth.of(attribute.attribute())).sum();
            let levels_bp = row.per_level_bp.saturating_mul(self.levels_above());
            let chance_bp = row.base_bp.saturating_add(add).saturating_sub(less).saturating_add(levels_bp);
            wanted_bp[place_of(row.row)] = chance_bp.clamp(row.min_bp, row.max_bp);
        }
        if rules.crit.model == CritModel::TableRow {
            wanted_bp[ROWS.len() - 1] = self.crit_bp(rules);
        }
        AttackTable::of(wanted_bp)
    }

    /// The chance to be critical in basis points, before the table pushes anything off.
    #[must_use]
    pub fn crit_bp(&self, rules: &AttackRules) -> i32 {
        let chance: i32 = rules.crit.chance.iter().map(|attribute| self.worth.of(attribute.attribute())).sum();
        let less: i32 = rules.crit.less.iter().map(|attribute| self.of_target(attribute.attribute())).sum();
        let levels_bp = rules.crit.per_level_bp.saturating_mul(self.levels_above());
        chance.saturating_sub(less).saturating_sub(levels_bp).clamp(0, 10_000)
    }

    /// Rolls what becomes of it. `luck` is the source's memory; without one every roll is independent.
    pub fn roll(&self, profile: &CombatDef, luck: Option<&mut Luck>, draw: &mut Draw) -> Roll {
        let rules = profile.attack(self.kind);
        let mut outcome = match rules.table.is_empty() && rules.crit.model != CritModel::TableRow {
            true => Outcome::Hit,
            false => self.table(rules).outcome(draw.below(10_000)),
        };
        if outcome == Outcome::Hit && self.is_critical(rules, luck, draw) {
            outcome = Outcome::Crit;
        }
        let spread_bp = if self.kind == AttackKind::Heal { profile.heal_spread_bp } else { profile.damage.spread_bp };
        let part_bp = between(draw, spread_bp);
        let glance_bp = if outcome == Outcome::Glance { between(draw, profile.damage.glance_bp) } else { 10_000 };
        Roll { outcome, part_bp, glance_bp }
    }

    fn is_critical(&self, rules: &AttackRules, luck: Option<&mut Luck>, draw: &mut Draw) -> bool {
        let chance_bp = self.crit_bp(rules);
        match (rules.crit.model, luck) {
            (CritModel::Never | CritModel::TableRow, _) => false,
            (CritModel::Prd, Some(luck)) => luck.roll(self.kind, chance_bp, draw),
            (CritModel::Prd, None) | (CritModel::Independent, _) => draw.chance_bp(chance_bp.unsigned_abs()),
        }
    }

    /// Points of damage that arrive at the target's shields, and points that its own shield blocked.
    #[must_use]
    pub fn damage(&self, profile: &CombatDef, roll: Roll) -> (u32, u32) {
        if roll.outcome.is_avoided() {
            return (0, 0);
        }
        let rules = &profile.damage;
        let mut value = self.rolled(profile, roll).times(u128::from(roll.glance_bp), BP);
        value = self.past_armor(value, rules).times(self.past_resistance_bp(), BP);
        value = value.times(self.level_bp(rules), BP);
        value = value.times(wide(self.done_bp), BP).times(wide(self.taken_bp), BP);
        if self.pvp {
            value = value.times(u128::from(profile.pvp.damage_pct), 100);
        }
        let before = value.points();
        if roll.outcome != Outcome::Block {
            return (before.max(rules.minimum), 0);
        }
        let kept = value.times(u128::from(100_u32.saturating_sub(rules.block_pct)), 100).points();
        let amount = self.of_target(AttributeId::BLOCK_AMOUNT).max(0).unsigned_abs();
        let arrives = kept.saturating_sub(amount);
        (arrives, before - arrives.min(before))
    }

    /// Points of healing before what is missing limits them. `in_pvp` while the target fights players.
    #[must_use]
    pub fn healing(&self, profile: &CombatDef, roll: Roll, in_pvp: bool) -> u32 {
        let mut value = self.rolled(profile, roll).times(wide(self.done_bp), BP).times(wide(self.taken_bp), BP);
        if in_pvp {
            value = value.times(u128::from(profile.pvp.healing_pct), 100);
        }
        value.points()
    }

    /// Steps 1, 3 and 4.
    fn rolled(&self, profile: &CombatDef, roll: Roll) -> Value {
        let value = Value::of_milli(self.raw_milli);
        let crit = &profile.attack(self.kind).crit;
        let size_bp = if roll.outcome == Outcome::Crit { wide(self.worth.of(crit.size.attribute())) } else { BP };
        value.times(size_bp, BP).times(u128::from(roll.part_bp), BP)
    }

    fn past_armor(&self, value: Value, rules: &DamageRules) -> Value {
        let stops = rules.armor_stops == ArmorStops::Everything || self.school == School::Physical;
        match rules.mitigation {
            Mitigation::Armor { half } if stops => {
                let armor = wide(self.of_target(AttributeId::ARMOR));
                value.times(u128::from(half), armor + u128::from(half.max(1)))
            }
            _ => value,
        }
    }

    fn past_resistance_bp(&self) -> u128 {
        let resist_bp = resistance(self.school).map_or(0, |attribute| self.of_target(attribute));
        wide(10_000 - resist_bp.clamp(RESIST_BP.0, RESIST_BP.1))
    }

    fn level_bp(&self, rules: &DamageRules) -> u128 {
        let most = i32::from(rules.levels_max);
        let levels = (-self.levels_above()).clamp(-most, most);
        wide(10_000 + rules.per_level_bp.saturating_mul(levels))
    }
}

/// What was rolled for one blow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roll {
    /// What became of it.
    pub outcome: Outcome,
    /// Spread in basis points.
    pub part_bp: u32,
    /// What a glancing blow keeps, in basis points.
    pub glance_bp: u32,
}

impl Roll {
    /// No luck at all: a plain hit, no spread.
    pub const PLAIN: Self = Self { outcome: Outcome::Hit, part_bp: 10_000, glance_bp: 10_000 };
}

/// The attribute that resists a school; nothing resists blades but armor.
#[must_use]
pub const fn resistance(school: School) -> Option<AttributeId> {
    match school {
        School::Physical => None,
        School::Fire => Some(AttributeId::RESIST_FIRE_BP),
        School::Frost => Some(AttributeId::RESIST_FROST_BP),
        School::Nature => Some(AttributeId::RESIST_NATURE_BP),
        School::Shadow => Some(AttributeId::RESIST_SHADOW_BP),
        School::Holy => Some(AttributeId::RESIST_HOLY_BP),
        School::Arcane => Some(AttributeId::RESIST_ARCANE_BP),
    }
}

/// Millionths of points on their way through the steps.
#[derive(Debug, Clone, Copy)]
struct Value(u128);

impl Value {
    fn of_milli(milli: u64) -> Self {
        Self((u128::from(milli) * 1_000).min(VALUE_MAX))
    }

    fn times(self, by: u128, of: u128) -> Self {
        Self(((self.0 * by + of / 2) / of).min(VALUE_MAX))
    }

    fn points(self) -> u32 {
        u32::try_from((self.0 + MICRO / 2) / MICRO).unwrap_or(u32::MAX)
    }
}

fn wide(value: i32) -> u128 {
    u128::from(value.max(0).unsigned_abs())
}

fn between(draw: &mut Draw, (least, most): (u32, u32)) -> u32 {
    let signed = |bp: u32| i32::try_from(bp).unwrap_or(i32::MAX);
    draw.between(signed(least), signed(most)).unsigned_abs()
}

const fn place_of(row: RowKind) -> usize {
    match row {
        RowKind::Miss => 0,
        RowKind::Dodge => 1,
        RowKind::Parry => 2,
        RowKind::Glance => 3,
        RowKind::Block => 4,
    }
}

#[cfg(test)]
mod tests;
