//! Attributes: the numbers every unit has, and the table of base values a class or a monster starts from.
//! All are integers; rates are in basis points (10,000 = 100 %), regeneration in thousandths per second.
//! Modifiers of effects name an `Attribute`; the pipeline that combines them lives with the buffs.

use serde::{Deserialize, Serialize};

/// A number of a unit that modifiers can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum Attribute {
    /// Most hit points the unit can have.
    HpMax,
    /// Most mana points the unit can have.
    MpMax,
    /// What damage and healing ratios are applied to.
    Attack,
    /// Reduces damage taken by `defence / (defence + 100)`.
    Defence,
    /// Chance of a critical hit, in basis points.
    CritRateBp,
    /// Size of a critical hit, in basis points of a normal one.
    CritDamageBp,
    /// Speed relative to the movement profile, in basis points.
    MoveSpeedBp,
    /// Hit points regained per second, in thousandths.
    HpRegenMilli,
    /// Mana points regained per second, in thousandths.
    MpRegenMilli,
}

impl Attribute {
    /// How many attributes there are, for arrays indexed by `index()`.
    pub const COUNT: usize = 9;

    /// Every attribute, in the order of `index()`.
    pub const ALL: [Self; Self::COUNT] = [
        Self::HpMax,
        Self::MpMax,
        Self::Attack,
        Self::Defence,
        Self::CritRateBp,
        Self::CritDamageBp,
        Self::MoveSpeedBp,
        Self::HpRegenMilli,
        Self::MpRegenMilli,
    ];

    /// Position in `ALL`, from 0 to `COUNT - 1`.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Base values of a unit before any modifier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeTable {
    /// Hit points, 1 to 10,000,000.
    pub hp_max: i32,
    /// Mana points, 0 to 1,000,000.
    pub mp_max: i32,
    /// Attack, 0 to 100,000.
    pub attack: i32,
    /// Defence, 0 to 100,000.
    pub defence: i32,
    /// Chance of a critical hit in basis points, 0 to 10,000.
    #[serde(default = "AttributeTable::default_crit_rate_bp")]
    pub crit_rate_bp: i32,
    /// Size of a critical hit in basis points of a normal one, 10,000 to 100,000.
    #[serde(default = "AttributeTable::default_crit_damage_bp")]
    pub crit_damage_bp: i32,
    /// Speed in basis points of the movement profile, 0 to 30,000.
    #[serde(default = "AttributeTable::default_move_speed_bp")]
    pub move_speed_bp: i32,
    /// Hit points regained per second in thousandths, 0 to 1,000,000,000.
    #[serde(default)]
    pub hp_regen_milli: i32,
    /// Mana points regained per second in thousandths, 0 to 1,000,000,000.
    #[serde(default)]
    pub mp_regen_milli: i32,
}

impl AttributeTable {
    /// The base value of `attribute`.
    pub const fn get(&self, attribute: Attribute) -> i32 {
        match attribute {
            Attribute::HpMax => self.hp_max,
            Attribute::MpMax => self.mp_max,
            Attribute::Attack => self.attack,
            Attribute::Defence => self.defence,
            Attribute::CritRateBp => self.crit_rate_bp,
            Attribute::CritDamageBp => self.crit_damage_bp,
            Attribute::MoveSpeedBp => self.move_speed_bp,
            Attribute::HpRegenMilli => self.hp_regen_milli,
            Attribute::MpRegenMilli => self.mp_regen_milli,
        }
    }

    const fn default_crit_rate_bp() -> i32 {
        500
    }

    const fn default_crit_damage_bp() -> i32 {
        15_000
    }

    const fn default_move_speed_bp() -> i32 {
        10_000
    }
}
