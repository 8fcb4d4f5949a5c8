//! The modifiers in force on an actor, by who put them there. Each contributor hands over its whole list when it changes;
//! nobody sees the lists of the others.

use std::sync::Arc;

use bevy_ecs::prelude::*;

use crate::assets::{AttributeId, EffectDef, Id, ItemDef, Modifier, ModifierOp, SetDef, TagSet, When};
use crate::ids::SimId;

/// One modifier in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which attribute.
    pub attribute: AttributeId,
    /// How.
    pub op: ModifierOp,
    /// What its amount is multiplied by (stacks), from 1.
    pub times: u16,
    /// Where it comes from, for whoever asks why.
    pub source: ChangeSource,
    /// What a deed must be for it to count; `None` for one that always counts.
    pub when: Option<Arc<Condition>>,
}

/// Where a modifier comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeSource {
    /// An effect, applied by someone.
    Effect(Id<EffectDef>, SimId),
    /// An item that is worn.
    Item(Id<ItemDef>),
    /// Items of a set that are worn together.
    Set(Id<SetDef>),
    /// Something else, by its name.
    Other(&'static str),
}

/// [`When`] with its tags as sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    deed: TagSet,
    own: TagSet,
    target: TagSet,
}

impl Condition {
    /// What the deed, the unit itself and the other one must all have; nothing is asked of an empty set.
    #[must_use]
    pub const fn of(deed: TagSet, own: TagSet, target: TagSet) -> Self {
        Self { deed, own, target }
    }

    /// What the deed, the unit itself and the other one must have.
    pub(super) const fn sets(&self) -> [&TagSet; 3] {
        [&self.deed, &self.own, &self.target]
    }

    /// Whether a deed in this context is meant.
    #[must_use]
    pub fn holds(&self, context: &Context<'_>) -> bool {
        context.deed.contains_all(&self.deed)
            && context.own.contains_all(&self.own)
            && context.target.contains_all(&self.target)
    }
}

impl From<&When> for Condition {
    fn from(when: &When) -> Self {
        Self { deed: *when.tags.set(), own: *when.self_has.set(), target: *when.target_has.set() }
    }
}

/// What a deed is, and what the two units are while it happens.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Tags of the deed: those of its skill or effect and its school.
    pub deed: &'a TagSet,
    /// Tags of the unit whose attribute is asked for.
    pub own: &'a TagSet,
    /// Tags of the other one.
    pub target: &'a TagSet,
}

impl Change {
    /// A modifier of the data in force with so many stacks.
    #[must_use]
    pub fn of(modifier: &Modifier, stacks: u16, source: ChangeSource) -> Self {
        Self {
            attribute: modifier.attr.attribute(),
            op: modifier.op,
            times: if modifier.per_stack { stacks } else { 1 },
            source,
            when: modifier.when.as_ref().map(|when| Arc::new(Condition::from(when))),
        }
    }

    /// The amount, times the stacks.
    #[must_use]
    pub fn amount(&self) -> i64 {
        i64::from(self.op.amount()) * i64::from(self.times)
    }
}

/// Who hands over modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contributor {
    /// Effects that rest on the actor.
    Effects,
    /// What the actor wears.
    Equipment,
    /// Whatever else a feature thinks of.
    Other,
}

/// All modifiers of an actor. Written by the features that have a reason, in any stage; attributes follow at the end of
/// the Resolve stage.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct Modifiers([Vec<Change>; 3]);

impl Modifiers {
    /// Replaces the list of a contributor; counts as a change only when it is one.
    pub fn set(this: &mut Mut<'_, Self>, contributor: Contributor, changes: Vec<Change>) {
        if this.0[contributor as usize] != changes {
            this.0[contributor as usize] = changes;
        }
    }

    /// The same without change detection, for whoever builds one.
    pub fn replace(&mut self, contributor: Contributor, changes: Vec<Change>) {
        self.0[contributor as usize] = changes;
    }

    /// Every modifier of every contributor.
    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.0.iter().flatten()
    }
}
