//! Sets: items that do more together. A bonus counts from so many different items of the set that are worn.

use serde::{Deserialize, Serialize};

use super::{EffectDef, Modifier, Record, Ref, RefVisitor};

/// One set, `set/..`; the items that belong to it say so.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetDef {
    /// `set/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// What it does, by the number of its items that are worn; greater bonuses come on top of smaller ones.
    pub bonuses: Vec<SetBonus>,
}

/// What a set does from so many items on.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetBonus {
    /// Different items of the set that must be worn, from 2.
    pub pieces: u32,
    /// Changes of attributes.
    #[serde(default)]
    pub modifiers: Vec<Modifier>,
    /// Effects that last as long.
    #[serde(default)]
    pub effects: Vec<Ref<EffectDef>>,
}

impl Record for SetDef {
    const KIND: &'static str = "set";
    const FOLDER: &'static str = "sets";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        for (index, bonus) in self.bonuses.iter_mut().enumerate() {
            for (place, modifier) in bonus.modifiers.iter_mut().enumerate() {
                modifier.visit(&format!("bonuses.{index}.modifiers.{place}"), visitor);
            }
            for (place, effect) in bonus.effects.iter_mut().enumerate() {
                effect.visit(&format!("bonuses.{index}.effects.{place}"), visitor);
            }
        }
    }
}
