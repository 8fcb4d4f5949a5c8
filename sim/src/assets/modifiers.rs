//! Modifiers: how an effect or an item changes an attribute, always or only for certain deeds.
//! All amounts are whole numbers; the order in which modifiers come never matters. What they amount to is worked out in
//! `features/combat/attributes`.

use serde::{Deserialize, Serialize};

use super::{AttrRef, RefVisitor, TagList};

/// A change of one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Modifier {
    /// Which attribute.
    pub attr: AttrRef,
    /// How it changes.
    pub op: ModifierOp,
    /// Whether the amount is multiplied by the stacks.
    #[serde(default)]
    pub per_stack: bool,
    /// What a deed and the two units must be for it to count; without this it always counts.
    #[serde(default)]
    pub when: Option<When>,
}

impl Modifier {
    /// Shows every reference of the modifier at `path` to `visitor`.
    pub(crate) fn visit(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        self.attr.visit(&format!("{path}.attr"), visitor);
        if let Some(when) = &mut self.when {
            when.tags.visit(&format!("{path}.when.tags"), visitor);
            when.self_has.visit(&format!("{path}.when.self_has"), visitor);
            when.target_has.visit(&format!("{path}.when.target_has"), visitor);
        }
    }
}

/// How a modifier changes an attribute: base, then all flat, then the sum of increased, then the product of more, then the
/// greatest override, then the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum ModifierOp {
    /// Added to the base, in the attribute's own unit.
    Flat(i32),
    /// Basis points, summed with all other increases before they multiply once.
    Increased(i32),
    /// Basis points, multiplied on its own.
    More(i32),
    /// Takes the place of everything before it; of several the greatest counts.
    Override(i32),
    /// The value is at least this; of several the greatest counts.
    ClampMin(i32),
    /// The value is at most this, whatever the least is; of several the smallest counts.
    ClampMax(i32),
}

impl ModifierOp {
    /// The amount, in the attribute's unit or in basis points.
    #[must_use]
    pub const fn amount(self) -> i32 {
        match self {
            Self::Flat(amount)
            | Self::Increased(amount)
            | Self::More(amount)
            | Self::Override(amount)
            | Self::ClampMin(amount)
            | Self::ClampMax(amount) => amount,
        }
    }
}

/// What must hold for a modifier to count. A list without tags asks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Tags the deed must all have, such as `school.fire`.
    #[serde(default)]
    pub tags: TagList,
    /// Tags the unit itself must all have.
    #[serde(default)]
    pub self_has: TagList,
    /// Tags the other one must all have.
    #[serde(default)]
    pub target_has: TagList,
}
