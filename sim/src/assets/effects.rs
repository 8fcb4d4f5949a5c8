//! Effects: what rests on a unit for a while (buffs, debuffs, damage over time, states such as stun).
//! A new effect is a record here and nothing else: modifiers, periodic actions and states combine freely.
//! The systems that keep them live in `features/buffs`.

use serde::{Deserialize, Serialize};

use super::{Action, Modifier, Record, RefVisitor, TagList, actions::visit_actions, ticks_of};

/// One effect, `effect/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EffectDef {
    /// `effect/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// Free words such as `school.fire`.
    #[serde(default)]
    pub tags: TagList,
    /// Whether it is a buff or a debuff.
    pub polarity: Polarity,
    /// How long it lasts in ms.
    pub duration_ms: u32,
    /// Time between two periodic actions in ms, the first after one period; 0 for none.
    #[serde(default)]
    pub period_ms: u32,
    /// Most stacks, from 1.
    #[serde(default = "one_stack")]
    pub stacks_max: u16,
    /// Whether two sources share one instance.
    #[serde(default)]
    pub stack_by: StackBy,
    /// What another application does to the remaining time.
    #[serde(default)]
    pub on_reapply: Reapply,
    /// Changes of attributes while it lasts.
    #[serde(default)]
    pub modifiers: Vec<Modifier>,
    /// What happens once per period, in order; amounts are per stack.
    #[serde(default)]
    pub periodic: Vec<Action>,
    /// Tags of the unit while it lasts, such as `state.stunned`.
    #[serde(default)]
    pub grants: TagList,
    /// Whether damage to the unit ends it.
    #[serde(default)]
    pub breaks_on_damage: bool,
    /// Whether it survives death.
    #[serde(default)]
    pub persists: bool,
}

const fn one_stack() -> u16 {
    1
}

impl EffectDef {
    /// Duration in ticks, from 1.
    pub const fn duration_ticks(&self) -> u32 {
        ticks_of(self.duration_ms)
    }

    /// Period in ticks, 0 for none.
    pub const fn period_ticks(&self) -> u32 {
        ticks_of(self.period_ms)
    }
}

impl Record for EffectDef {
    const KIND: &'static str = "effect";
    const FOLDER: &'static str = "effects";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        self.tags.visit("tags", visitor);
        self.grants.visit("grants", visitor);
        for (index, modifier) in self.modifiers.iter_mut().enumerate() {
            modifier.visit(&format!("modifiers.{index}"), visitor);
        }
        visit_actions(&mut self.periodic, "periodic", visitor);
    }
}

/// Whether an effect is good or bad for whoever has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum Polarity {
    /// A buff.
    Helpful,
    /// A debuff.
    Harmful,
}

/// What one instance of an effect belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum StackBy {
    /// Each source has its own instance with its own stacks.
    #[default]
    Source,
    /// All sources share one instance.
    Target,
}

/// What applying an effect again does to its remaining time; a stack is added in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum Reapply {
    /// The full duration starts anew.
    #[default]
    Refresh,
    /// The duration is added to what remains, up to twice the duration.
    Extend,
    /// The remaining time stays as it is.
    Keep,
}
