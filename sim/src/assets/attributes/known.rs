//! The attributes that the rules name. Their ids are constants in this order; a new one goes to the end, and gets a record in
//! `core/attributes.ron`. A test of `attributes` proves that the two agree.

use super::AttributeId;
use crate::assets::School;

macro_rules! core_attributes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Names of the built-in attributes without `attribute/`, in the order of their ids.
        pub const CORE_ATTRIBUTES: &[&str] = &[$($text),*];

        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "only counts the constants")]
        enum Place { $($name,)* }

        impl AttributeId {
            $($(#[$doc])* pub const $name: Self = Self(Place::$name as u16);)*
        }
    };
}

core_attributes! {
    /// Most hit points.
    HP_MAX = "hp_max",
    /// Most mana points.
    MANA_MAX = "mana_max",
    /// What weapons and claws do; damage coefficients are of it.
    ATTACK = "attack",
    /// What spells do, where a profile tells the two apart.
    POWER = "power",
    /// Reduces damage taken.
    ARMOR = "armor",
    /// Chance of a critical hit in basis points.
    CRIT_BP = "crit_bp",
    /// Size of a critical hit in basis points of a normal one.
    CRIT_DAMAGE_BP = "crit_damage_bp",
    /// How much faster casts, cooldowns and periods are, in basis points above normal.
    HASTE = "haste",
    /// Speed in basis points of the movement profile.
    SPEED_BP = "speed_bp",
    /// Hit points regained per second in thousandths.
    HP_REGEN_MILLI = "hp_regen_milli",
    /// Mana points regained per second in thousandths.
    MANA_REGEN_MILLI = "mana_regen_milli",
    /// Taken off the chance to miss, in basis points.
    HIT_BP = "hit_bp",
    /// Chance to dodge in basis points.
    DODGE_BP = "dodge_bp",
    /// Chance to parry in basis points.
    PARRY_BP = "parry_bp",
    /// Chance to block in basis points.
    BLOCK_BP = "block_bp",
    /// What a block keeps off, in points.
    BLOCK_AMOUNT = "block_amount",
    /// Threat per point of damage in basis points.
    THREAT_BP = "threat_bp",
    /// Damage done in basis points.
    DAMAGE_DONE_BP = "damage_done_bp",
    /// Damage taken in basis points.
    DAMAGE_TAKEN_BP = "damage_taken_bp",
    /// Healing done in basis points.
    HEALING_DONE_BP = "healing_done_bp",
    /// Healing taken in basis points.
    HEALING_TAKEN_BP = "healing_taken_bp",
    /// How much faster casts alone are, in basis points above normal.
    CAST_SPEED = "cast_speed",
    /// Fire damage kept off in basis points.
    RESIST_FIRE_BP = "resist_fire_bp",
    /// Frost damage kept off in basis points.
    RESIST_FROST_BP = "resist_frost_bp",
    /// Nature damage kept off in basis points.
    RESIST_NATURE_BP = "resist_nature_bp",
    /// Shadow damage kept off in basis points.
    RESIST_SHADOW_BP = "resist_shadow_bp",
    /// Holy damage kept off in basis points.
    RESIST_HOLY_BP = "resist_holy_bp",
    /// Arcane damage kept off in basis points.
    RESIST_ARCANE_BP = "resist_arcane_bp",
    /// Strength of the weapon in hand, where a profile uses it.
    WEAPON = "weapon",
}

impl School {
    /// What keeps damage of this school off, in basis points; `None` for the physical one, which armour keeps off.
    #[must_use]
    pub const fn resistance(self) -> Option<AttributeId> {
        match self {
            Self::Physical => None,
            Self::Fire => Some(AttributeId::RESIST_FIRE_BP),
            Self::Frost => Some(AttributeId::RESIST_FROST_BP),
            Self::Nature => Some(AttributeId::RESIST_NATURE_BP),
            Self::Shadow => Some(AttributeId::RESIST_SHADOW_BP),
            Self::Holy => Some(AttributeId::RESIST_HOLY_BP),
            Self::Arcane => Some(AttributeId::RESIST_ARCANE_BP),
        }
    }
}
