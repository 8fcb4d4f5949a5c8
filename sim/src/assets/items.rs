//! Items: what can be looted and owned.
//! A stack never holds more than `stack_max` of them; what does not fit starts another stack.
//! Property is stored by the name of the item, so a rename in the data is a migration.

use serde::{Deserialize, Serialize};

use super::{Record, RefVisitor};

/// One item, `item/..`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemDef {
    /// `item/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// How precious it is.
    #[serde(default)]
    pub quality: Quality,
    /// Most of them in one stack, 1 to 10,000.
    #[serde(default = "one")]
    pub stack_max: u32,
}

const fn one() -> u32 {
    1
}

impl Record for ItemDef {
    const KIND: &'static str = "item";
    const FOLDER: &'static str = "items";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, _visitor: &mut dyn RefVisitor) {}
}

/// How precious an item is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema)]
pub enum Quality {
    /// White.
    #[default]
    Common,
    /// Green.
    Uncommon,
    /// Blue.
    Rare,
}
