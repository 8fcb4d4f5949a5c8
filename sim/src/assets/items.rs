//! Items: what can be found, owned, worn and used.
//! A stack never holds more than `stack_max` of them; what can be worn or has something of its own (charges, rolls) is
//! alone in its slot. Property is stored by the name of the item, so a rename in the data is a migration.

use serde::{Deserialize, Serialize};

use super::{Record, RefVisitor};

/// One item, `item/..`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ItemDef {
    /// `item/name`.
    pub id: String,
    /// What players read.
    pub name: String,
    /// How precious it is.
    #[serde(default)]
    pub quality: Quality,
    /// Most of them in one stack, 1 to 10,000.
    #[serde(default = "one")]
    pub stack_max: u32,
    /// What one of them is worth, in gold.
    #[serde(default)]
    pub value: u32,
    /// Nobody owns more than one of them, worn or not.
    #[serde(default)]
    pub unique: bool,
    /// When it becomes its owner's for good.
    #[serde(default)]
    pub bind: Bind,
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

    fn visit_refs(&mut self, _visitor: &mut dyn RefVisitor) {}
}

/// How precious an item is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum Quality {
    /// Gray: good for nothing but its value.
    Poor,
    /// White.
    #[default]
    Common,
    /// Green; from here on a party that rolls rolls for it.
    Uncommon,
    /// Blue.
    Rare,
    /// Purple.
    Epic,
    /// Orange.
    Legendary,
}

/// When an item becomes its owner's for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum Bind {
    /// Never.
    #[default]
    None,
    /// When it is put into a bag.
    OnPickup,
    /// When it is worn.
    OnEquip,
}
