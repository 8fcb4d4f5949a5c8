//! Whether an effect may be applied to someone with such tags. Pure.
//!
//! Immunity comes first: what an effect of the target refuses (`immune`) and the built-in `immune.*` tags; then what the
//! effect itself requires and what blocks it. Helpful effects know no immunity.

use crate::assets::{Assets, DispelKind, EffectDef, Polarity, TagId, TagList, TagSet};

use super::Buff;

/// Why an effect is not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The target is immune.
    Immune,
    /// The target lacks a tag that it requires.
    Requires,
    /// The target has a tag that blocks it.
    Blocked,
    /// It came too often lately.
    Diminished,
    /// The target's break bar takes it.
    BreakBar,
    /// The one that is there is stronger.
    Weaker,
    /// The target has too many buffs.
    Full,
}

impl Refused {
    /// Stable word for metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Immune => "immune",
            Self::Requires => "requires",
            Self::Blocked => "blocked",
            Self::Diminished => "diminished",
            Self::BreakBar => "break_bar",
            Self::Weaker => "weaker",
            Self::Full => "full",
        }
    }
}

/// What a built-in immunity keeps off: effects with the tag.
const IMMUNITIES: [(TagId, TagId); 15] = [
    (TagId::IMMUNE_PHYSICAL, TagId::SCHOOL_PHYSICAL),
    (TagId::IMMUNE_FIRE, TagId::SCHOOL_FIRE),
    (TagId::IMMUNE_FROST, TagId::SCHOOL_FROST),
    (TagId::IMMUNE_NATURE, TagId::SCHOOL_NATURE),
    (TagId::IMMUNE_SHADOW, TagId::SCHOOL_SHADOW),
    (TagId::IMMUNE_HOLY, TagId::SCHOOL_HOLY),
    (TagId::IMMUNE_ARCANE, TagId::SCHOOL_ARCANE),
    (TagId::IMMUNE_CROWD_CONTROL, TagId::CROWD_CONTROL),
    (TagId::IMMUNE_STUN, TagId::CONTROL_STUN),
    (TagId::IMMUNE_ROOT, TagId::CONTROL_ROOT),
    (TagId::IMMUNE_SILENCE, TagId::CONTROL_SILENCE),
    (TagId::IMMUNE_FEAR, TagId::CONTROL_FEAR),
    (TagId::IMMUNE_SLOW, TagId::CONTROL_SLOW),
    (TagId::IMMUNE_DISARM, TagId::CONTROL_DISARM),
    (TagId::IMMUNE_TAUNT, TagId::TAUNT),
];

/// Schools that `immune.magic` keeps off.
const MAGIC: [TagId; 6] = [
    TagId::SCHOOL_FIRE,
    TagId::SCHOOL_FROST,
    TagId::SCHOOL_NATURE,
    TagId::SCHOOL_SHADOW,
    TagId::SCHOOL_HOLY,
    TagId::SCHOOL_ARCANE,
];

/// Whether any of the listed tags themselves is in the set; their ancestors do not count.
#[must_use]
pub(super) fn has_any(set: &TagSet, list: &TagList) -> bool {
    list.iter().any(|tag| set.has(tag.id()))
}

/// Whether someone with these tags and buffs takes an effect at all.
///
/// # Errors
/// The first reason against it.
pub(super) fn admit(def: &EffectDef, tags: &TagSet, buffs: &[Buff], assets: &Assets) -> Result<(), Refused> {
    if def.polarity == Polarity::Harmful && is_immune(def, tags, buffs, assets) {
        return Err(Refused::Immune);
    }
    if !def.requires.iter().all(|tag| tags.has(tag.id())) {
        return Err(Refused::Requires);
    }
    if has_any(tags, &def.blocked_by) { Err(Refused::Blocked) } else { Ok(()) }
}

fn is_immune(def: &EffectDef, tags: &TagSet, buffs: &[Buff], assets: &Assets) -> bool {
    if tags.has(TagId::IMMUNE) {
        let carried = |tag| def.tags.set().has(tag) || def.grants.set().has(tag);
        let is_magic = def.dispel == DispelKind::Magic || MAGIC.iter().any(|&school| carried(school));
        if tags.has(TagId::IMMUNE_MAGIC) && is_magic {
            return true;
        }
        if IMMUNITIES.iter().any(|&(immunity, tag)| tags.has(immunity) && carried(tag)) {
            return true;
        }
    }
    buffs
        .iter()
        .filter(|buff| buff.working)
        .any(|buff| assets.effects.get(buff.effect).is_some_and(|own| has_any(def.tags.set(), &own.immune)))
}
