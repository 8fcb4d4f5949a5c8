//! What happens when an effect meets itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assets::Action;

/// How applications of one effect to one unit add up.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StackDef {
    /// Whether two sources share one instance.
    pub by: StackBy,
    /// Most stacks, from 1.
    pub max: u16,
    /// What another application does, beside adding a stack.
    pub on_apply: StackApply,
    /// What becomes of the stacks when the time is over.
    pub on_expire: StackExpire,
    /// What happens to the bearer when it is applied although there are `max` stacks already.
    pub overflow: Vec<Action>,
    /// Whether such an application does nothing but `overflow`: it renews nothing.
    pub deny_overflow: bool,
    /// Whether such an application ends the effect after `overflow`.
    pub clear_on_overflow: bool,
}

impl Default for StackDef {
    fn default() -> Self {
        Self {
            by: StackBy::Source,
            max: 1,
            on_apply: StackApply::RefreshDuration,
            on_expire: StackExpire::ClearAll,
            overflow: Vec::new(),
            deny_overflow: false,
            clear_on_overflow: false,
        }
    }
}

/// What one instance of an effect belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum StackBy {
    /// Each source has its own instance with its own stacks.
    #[default]
    Source,
    /// All sources share one instance; the newest one owns it.
    Target,
}

/// What another application does. Whatever it is, the newest application's source and values count from then on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum StackApply {
    /// The full duration starts anew; a longer rest stays.
    #[default]
    RefreshDuration,
    /// The duration is added to what remains.
    ExtendDuration {
        /// The longest that can remain, in ms.
        max_ms: u32,
    },
    /// The remaining time stays as it is.
    KeepDuration,
    /// Each stack has its own time; at `max`, the one that ends first makes room.
    AddIndependent,
    /// There is one, and the stronger stays: more shield, then more power, then more attack, then the longer rest.
    Replace,
}

/// What becomes of the stacks when the time is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum StackExpire {
    /// All end.
    #[default]
    ClearAll,
    /// One ends, and the rest have the full duration again.
    RemoveOne,
}
