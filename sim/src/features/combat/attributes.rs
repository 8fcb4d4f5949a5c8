//! The numbers of an actor: base values of its class or kind at its level, modifiers on top ([`pipeline`]), derived
//! attributes in the order of what they need. Resolve, end of the stage: worked out where the base or the modifiers
//! changed, and nowhere else. A modifier with a condition counts only where somebody asks with the context of a deed.

use std::sync::{Arc, LazyLock};

use bevy_ecs::prelude::*;
use smallvec::SmallVec;

use super::{Level, Trigger, Worth};
use crate::actor::Faction;
use crate::assets::{Assets, AttributeId, AttributeRegistry, AttributeTable, CORE_ATTRIBUTES};
use crate::digest::{Digest, Digester};
use crate::formula::Scope;
use crate::scene::SceneAssets;

mod captured;
mod ledger;
mod modifiers;
mod pipeline;
mod rebase;

pub use ledger::{Ledger, LedgerStep, Subject};
pub use modifiers::{Change, ChangeSource, Condition, Context, Contributor, Modifiers};
use pipeline::{Limits, Sums};

pub(crate) use rebase::{Rebased, rebase, same_part};

/// Base and current values of an actor. Written when it appears, when its level or class changes, and at the end of the
/// Resolve stage when modifiers change. Whoever gives it a new base need not know the modifiers: they are put back on.
#[derive(Component, Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    level: u16,
    base: Arc<[i32]>,
    current: Arc<[i32]>,
    qualified: Qualified,
}

/// Nothing but normal speed: an actor that can neither be hurt nor hurt.
static NOTHING: LazyLock<Arc<[i32]>> = LazyLock::new(|| {
    let mut base = vec![0; CORE_ATTRIBUTES.len()];
    base[AttributeId::SPEED_BP.index()] = 10_000;
    base.into()
});

impl Default for Attributes {
    fn default() -> Self {
        Self::of(NOTHING.clone())
    }
}

impl Attributes {
    /// These base values and nothing else, at level 1; without derived attributes.
    fn of(base: Arc<[i32]>) -> Self {
        Self { level: 1, current: base.clone(), base, qualified: Qualified::default() }
    }

    /// The values of a class or a monster at a level, nothing modified.
    #[must_use]
    pub fn at_level(assets: &Assets, table: &AttributeTable, level: u16) -> Self {
        Self::on_base(assets, assets.attributes.at_level(table, level, &assets.curves), level)
    }

    /// These base values at a level, nothing modified.
    #[must_use]
    pub fn on_base(assets: &Assets, base: Arc<[i32]>, level: u16) -> Self {
        Self { level, ..Self::of(base) }.with(&[], &assets.attributes)
    }

    /// The value without modifiers.
    #[must_use]
    pub fn base(&self, attribute: AttributeId) -> i32 {
        self.base.get(attribute.index()).copied().unwrap_or(0)
    }

    /// The value in force; 0 for an attribute the actor does not have.
    #[must_use]
    pub fn current(&self, attribute: AttributeId) -> i32 {
        self.current.get(attribute.index()).copied().unwrap_or(0)
    }

    /// The value in force for a deed: modifiers whose condition holds count too. As cheap as [`Self::current`] while no
    /// modifier of the actor has a condition. Derived attributes follow only unconditional modifiers of their inputs.
    #[must_use]
    pub fn with_context(&self, attribute: AttributeId, context: &Context<'_>) -> i32 {
        self.qualified.value(attribute, context).unwrap_or_else(|| self.current(attribute))
    }

    /// All values in force, by the index of their attributes. Shared: a snapshot is a clone of the pointer.
    #[must_use]
    pub const fn all(&self) -> &Arc<[i32]> {
        &self.current
    }

    /// What depends on the deed.
    #[must_use]
    pub const fn qualified(&self) -> &Qualified {
        &self.qualified
    }

    /// The level the base values are of.
    #[must_use]
    pub const fn level(&self) -> u16 {
        self.level
    }

    /// The same base with these modifiers in force, in any order.
    #[must_use]
    pub fn with(&self, changes: &[Change], registry: &AttributeRegistry) -> Self {
        self.with_all(changes.iter(), registry)
    }

    fn with_all<'c>(&self, changes: impl Iterator<Item = &'c Change>, registry: &AttributeRegistry) -> Self {
        let mut sorted: SmallVec<[&Change; 32]> = changes.collect();
        if sorted.is_empty() && registry.derived().is_empty() {
            return Self { current: self.base.clone(), qualified: Qualified::default(), ..self.clone() };
        }
        sorted.sort_by_key(|change| change.attribute);
        let mut work = Work { current: self.base.to_vec(), qualified: Vec::new(), registry };
        for group in sorted.chunk_by(|a, b| a.attribute == b.attribute) {
            if let Some(first) = group.first().filter(|first| !registry.is_derived(first.attribute)) {
                work.apply(first.attribute, i64::from(self.base(first.attribute)), group);
            }
        }
        for (attribute, program) in registry.derived() {
            let round = registry.get(*attribute).map(|def| def.round).unwrap_or_default();
            let scope = Scope { level: self.level, ..Scope::of(&work.current) };
            let start = i64::from(self.base(*attribute)).saturating_add(program.eval(&scope, round));
            let from = sorted.partition_point(|change| change.attribute < *attribute);
            let to = sorted.partition_point(|change| change.attribute <= *attribute);
            work.apply(*attribute, start, &sorted[from..to]);
        }
        let current = if *work.current == *self.current { self.current.clone() } else { work.current.into() };
        Self { level: self.level, base: self.base.clone(), current, qualified: Qualified::of(work.qualified) }
    }

    /// What its owner's deeds are worth now.
    #[must_use]
    pub fn worth(&self, level: Level, faction: Faction) -> Worth {
        let (attributes, qualified) = (self.current.clone(), self.qualified.clone());
        Worth { attributes, qualified, level: level.0, faction, cause: Trigger::default() }
    }
}

/// Values that are being worked out.
struct Work<'r> {
    current: Vec<i32>,
    qualified: Vec<Conditional>,
    registry: &'r AttributeRegistry,
}

impl Work<'_> {
    fn apply(&mut self, attribute: AttributeId, start: i64, changes: &[&Change]) {
        let Some(def) = self.registry.get(attribute) else { return };
        let limits = Limits::from(def);
        let always = changes.iter().copied().filter(|change| change.when.is_none());
        if let Some(value) = self.current.get_mut(attribute.index()) {
            *value = Sums::of(always).apply(start, limits);
        }
        if changes.iter().any(|change| change.when.is_some()) {
            let changes = changes.iter().copied().cloned().collect();
            self.qualified.push(Conditional { attribute, start, limits, changes });
        }
    }
}

/// The attributes of an actor that depend on the deed; usually none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Qualified(Option<Arc<[Conditional]>>);

/// One attribute with all its modifiers, some of which have a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Conditional {
    attribute: AttributeId,
    start: i64,
    limits: Limits,
    changes: Vec<Change>,
}

impl Qualified {
    fn of(list: Vec<Conditional>) -> Self {
        Self((!list.is_empty()).then(|| list.into()))
    }

    /// Whether nothing depends on the deed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All values for a deed, given those for no deed in particular.
    #[must_use]
    pub fn all(&self, values: &Arc<[i32]>, context: &Context<'_>) -> Arc<[i32]> {
        let mut own = values.to_vec();
        for attribute in self.0.iter().flat_map(|list| list.iter()).map(|conditional| conditional.attribute) {
            if let (Some(slot), Some(value)) = (own.get_mut(attribute.index()), self.value(attribute, context)) {
                *slot = value;
            }
        }
        own.into()
    }

    /// The value for a deed; `None` when it does not depend on one.
    #[must_use]
    pub fn value(&self, attribute: AttributeId, context: &Context<'_>) -> Option<i32> {
        let own = self.0.as_ref()?.iter().find(|own| own.attribute == attribute)?;
        let counts = |change: &&Change| change.when.as_ref().is_none_or(|when| when.holds(context));
        Some(Sums::of(own.changes.iter().filter(counts)).apply(own.start, own.limits))
    }
}

type Modified<'a> = (&'a Modifiers, &'a mut Attributes);
type Touched = Or<(Changed<Modifiers>, Changed<Attributes>)>;

/// Puts the modifiers on wherever they or the base changed.
pub(super) fn work_out_attributes(assets: Res<SceneAssets>, mut actors: Query<Modified, Touched>) {
    for (modifiers, mut attributes) in &mut actors {
        let next = attributes.with_all(modifiers.iter(), &assets.0.attributes);
        attributes.set_if_neq(next);
    }
}

impl Digest for Attributes {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(u32::from(self.level));
        for value in self.base.iter().chain(self.current.iter()) {
            digester.i64(i64::from(*value));
        }
    }
}

#[cfg(test)]
mod tests;
