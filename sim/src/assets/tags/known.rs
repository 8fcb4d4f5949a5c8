//! The tags that the program itself asks about. Their ids are constants in this order; a new one goes to the end of its family.
//! Only the families `state`, `immune` and `threat` are closed; to the others data may add.

use super::TagId;
use crate::assets::School;

macro_rules! core_tags {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The built-in tags, in the order of their ids.
        pub const CORE_TAGS: &[&str] = &[$($text),*];

        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "only counts the constants")]
        enum Place { $($name,)* }

        impl TagId {
            $($(#[$doc])* pub const $name: Self = Self(Place::$name as u16);)*
        }
    };
}

core_tags! {
    /// What a unit is or does at the moment.
    STATE = "state",
    /// Neither moves nor acts.
    STUNNED = "state.stunned",
    /// Does not move.
    ROOTED = "state.rooted",
    /// Casts no spells.
    SILENCED = "state.silenced",
    /// Cannot use what needs a weapon.
    DISARMED = "state.disarmed",
    /// Is not seen by enemies.
    STEALTH = "state.stealth",
    /// Takes no damage.
    INVULNERABLE = "state.invulnerable",
    /// Runs about and does not act.
    FEARED = "state.feared",
    /// Cannot be aimed at.
    UNTARGETABLE = "state.untargetable",
    /// Has died and not returned.
    DEAD = "state.dead",
    /// Is casting, channelling or charging.
    CASTING = "state.casting",
    /// Is moving.
    MOVING = "state.moving",
    /// Has given or taken a blow lately.
    IN_COMBAT = "state.in_combat",
    /// Is on fire.
    BURNING = "state.burning",
    /// Is channelling.
    CHANNELLING = "state.channelling",
    /// Is seen by the dead and by other ghosts alone.
    GHOST = "state.ghost",
    /// How a unit stands in the threat lists of others.
    THREAT = "threat",
    /// Is attacked before those without it.
    TAUNT = "threat.taunt",
    /// Is attacked after those without it.
    DETAUNT = "threat.detaunt",
    /// Is attacked after all that are not suppressed.
    SUPPRESSED = "threat.suppressed",
    /// Is attacked whatever the threat lists say.
    FIXATE = "threat.fixate",
    /// What does not reach a unit.
    IMMUNE = "immune",
    /// No damage or harmful effect of any school but the physical one.
    IMMUNE_MAGIC = "immune.magic",
    /// No physical damage or effect.
    IMMUNE_PHYSICAL = "immune.physical",
    /// Nothing of school fire.
    IMMUNE_FIRE = "immune.fire",
    /// Nothing of school frost.
    IMMUNE_FROST = "immune.frost",
    /// Nothing of school nature.
    IMMUNE_NATURE = "immune.nature",
    /// Nothing of school shadow.
    IMMUNE_SHADOW = "immune.shadow",
    /// Nothing of school holy.
    IMMUNE_HOLY = "immune.holy",
    /// Nothing of school arcane.
    IMMUNE_ARCANE = "immune.arcane",
    /// No crowd control of any kind.
    IMMUNE_CROWD_CONTROL = "immune.crowd_control",
    /// No stuns.
    IMMUNE_STUN = "immune.stun",
    /// No roots.
    IMMUNE_ROOT = "immune.root",
    /// No silences.
    IMMUNE_SILENCE = "immune.silence",
    /// No fear.
    IMMUNE_FEAR = "immune.fear",
    /// No slowing.
    IMMUNE_SLOW = "immune.slow",
    /// No disarming.
    IMMUNE_DISARM = "immune.disarm",
    /// Casts cannot be interrupted.
    IMMUNE_INTERRUPT = "immune.interrupt",
    /// Cannot be knocked back or pulled.
    IMMUNE_DISPLACE = "immune.displace",
    /// Cannot be taunted.
    IMMUNE_TAUNT = "immune.taunt",
    /// What an effect of crowd control carries; the families have diminishing returns of their own.
    CROWD_CONTROL = "crowd_control",
    /// A stun.
    CONTROL_STUN = "crowd_control.stun",
    /// A root.
    CONTROL_ROOT = "crowd_control.root",
    /// A silence.
    CONTROL_SILENCE = "crowd_control.silence",
    /// Fear.
    CONTROL_FEAR = "crowd_control.fear",
    /// A slowing effect.
    CONTROL_SLOW = "crowd_control.slow",
    /// A disarming effect.
    CONTROL_DISARM = "crowd_control.disarm",
    /// What kind of harm a deed does; every deed carries that of its school.
    SCHOOL = "school",
    /// Blades, claws and falling rocks.
    SCHOOL_PHYSICAL = "school.physical",
    /// Fire.
    SCHOOL_FIRE = "school.fire",
    /// Frost.
    SCHOOL_FROST = "school.frost",
    /// Nature.
    SCHOOL_NATURE = "school.nature",
    /// Shadow.
    SCHOOL_SHADOW = "school.shadow",
    /// Holy.
    SCHOOL_HOLY = "school.holy",
    /// Arcane.
    SCHOOL_ARCANE = "school.arcane",
    /// What a skill carries that silence stops.
    SPELL = "spell",
    /// What a skill carries that disarming stops.
    WEAPON = "weapon",
}

impl School {
    /// The tag of everything of this school.
    #[must_use]
    pub const fn tag(self) -> TagId {
        match self {
            Self::Physical => TagId::SCHOOL_PHYSICAL,
            Self::Fire => TagId::SCHOOL_FIRE,
            Self::Frost => TagId::SCHOOL_FROST,
            Self::Nature => TagId::SCHOOL_NATURE,
            Self::Shadow => TagId::SCHOOL_SHADOW,
            Self::Holy => TagId::SCHOOL_HOLY,
            Self::Arcane => TagId::SCHOOL_ARCANE,
        }
    }

    /// What a unit has that nothing of this school reaches, besides [`TagId::IMMUNE_MAGIC`].
    #[must_use]
    pub const fn immunity(self) -> TagId {
        match self {
            Self::Physical => TagId::IMMUNE_PHYSICAL,
            Self::Fire => TagId::IMMUNE_FIRE,
            Self::Frost => TagId::IMMUNE_FROST,
            Self::Nature => TagId::IMMUNE_NATURE,
            Self::Shadow => TagId::IMMUNE_SHADOW,
            Self::Holy => TagId::IMMUNE_HOLY,
            Self::Arcane => TagId::IMMUNE_ARCANE,
        }
    }
}
