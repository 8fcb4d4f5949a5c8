//! Behaviour trees: how a monster, or a champion, decides what to do in a fight. A tree is asked every few ticks, from its
//! root; what is still running goes on where it was, as long as nothing in front of it takes over.
//! After loading, a record holds its tree compiled, with the trees it names put in (`behaviour`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Record, Ref, RefVisitor};
use crate::behaviour::Tree;

mod leaves;

pub use leaves::{Aimed, Condition, Consideration, Deed, Measure, Response};

/// One behaviour tree, `ai/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AiDef {
    /// `ai/name`.
    pub id: String,
    /// The node that every decision begins with.
    pub root: NodeDef,
    /// The same, ready to run; filled by the loader.
    #[serde(skip)]
    pub(crate) tree: Arc<Tree>,
}

impl AiDef {
    /// The tree of whoever names none; it is built in: the first usable skill, else nearer.
    pub const DEFAULT: &'static str = "ai/default";

    /// The tree, ready to run.
    #[must_use]
    pub const fn tree(&self) -> &Arc<Tree> {
        &self.tree
    }
}

/// One node of a tree. A node succeeds, fails, or is still running.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum NodeDef {
    /// Tries its nodes in order until one does not fail. Looks from the first anew at every decision, so that what stands
    /// in front interrupts what runs behind it.
    Selector(Vec<Self>),
    /// Does its nodes in order until one does not succeed; goes on with the one that was running.
    Sequence(Vec<Self>),
    /// Does all its nodes at every decision; succeeds when so many have, fails when they no longer can.
    Parallel {
        /// How many must succeed, from 1.
        needs: u8,
        /// The nodes, at most 16.
        nodes: Vec<Self>,
    },
    /// One of its nodes by weight; stays with it while it runs.
    Random(Vec<(u32, Self)>),
    /// The option with the highest score; when it fails, the next best.
    Utility {
        /// By how many percent of its score another option has to exceed the one that runs.
        #[serde(default = "default_hysteresis_pct")]
        hysteresis_pct: u32,
        /// The options, at most 16; of equal scores the first wins, one with score 0 is not taken.
        options: Vec<OptionDef>,
    },
    /// Succeeds when its node fails, and the other way round.
    Invert(Box<Self>),
    /// Succeeds even when its node fails.
    Always(Box<Self>),
    /// Fails for a while after its node has succeeded.
    Cooldown {
        /// How long, in ms.
        ms: u32,
        /// The node.
        node: Box<Self>,
    },
    /// Lets its node begin with a chance.
    Chance {
        /// In percent.
        pct: u32,
        /// The node.
        node: Box<Self>,
    },
    /// Fails for the rest of the fight once its node has succeeded.
    Once(Box<Self>),
    /// Does its node so many times, one at a decision; fails when the node does.
    Repeat {
        /// How many times, from 1.
        times: u32,
        /// The node.
        node: Box<Self>,
    },
    /// Does its node again and again, once at a decision, and succeeds when it fails.
    UntilFail(Box<Self>),
    /// Fails when its node runs longer.
    Limit {
        /// How long, in ms.
        ms: u32,
        /// The node.
        node: Box<Self>,
    },
    /// Does its node as long as something is so, which is asked at every decision.
    While {
        /// What must be so.
        check: Condition,
        /// The node.
        node: Box<Self>,
    },
    /// Succeeds when something is so.
    If(Condition),
    /// Does something.
    Do(Deed),
    /// Another tree in this place.
    Subtree(Ref<AiDef>),
}

const fn default_hysteresis_pct() -> u32 {
    10
}

/// One option of a [`NodeDef::Utility`].
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionDef {
    /// What the trace calls it.
    pub name: String,
    /// What it is worth when every consideration is in full favour.
    #[serde(default = "default_weight")]
    pub weight: u32,
    /// What speaks for and against it; their percentages are multiplied.
    #[serde(default)]
    pub by: Vec<Consideration>,
    /// What it is.
    pub node: NodeDef,
}

const fn default_weight() -> u32 {
    100
}

impl NodeDef {
    /// Its nodes, each with its path below this one.
    pub(crate) fn children(&self) -> Vec<(String, &Self)> {
        match self {
            Self::Selector(nodes) | Self::Sequence(nodes) => listed("0", nodes.iter()),
            Self::Parallel { nodes, .. } => listed("nodes", nodes.iter()),
            Self::Random(nodes) => {
                let paths = (0..nodes.len()).map(|index| format!("0.{index}.1"));
                paths.zip(nodes.iter().map(|(_, node)| node)).collect()
            }
            Self::Utility { options, .. } => {
                let paths = (0..options.len()).map(|index| format!("options.{index}.node"));
                paths.zip(options.iter().map(|option| &option.node)).collect()
            }
            Self::Invert(node) | Self::Always(node) | Self::Once(node) | Self::UntilFail(node) => {
                vec![("0".to_owned(), &**node)]
            }
            Self::Cooldown { node, .. }
            | Self::Chance { node, .. }
            | Self::Repeat { node, .. }
            | Self::Limit { node, .. }
            | Self::While { node, .. } => vec![("node".to_owned(), &**node)],
            Self::If(_) | Self::Do(_) | Self::Subtree(_) => Vec::new(),
        }
    }

    fn visit_refs(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        match self {
            Self::Selector(nodes) | Self::Sequence(nodes) => {
                visit_nodes(nodes.iter_mut(), |index| format!("{path}.0.{index}"), visitor);
            }
            Self::Parallel { nodes, .. } => {
                visit_nodes(nodes.iter_mut(), |index| format!("{path}.nodes.{index}"), visitor);
            }
            Self::Random(nodes) => {
                let nodes = nodes.iter_mut().map(|(_, node)| node);
                visit_nodes(nodes, |index| format!("{path}.0.{index}.1"), visitor);
            }
            Self::Utility { options, .. } => {
                for (index, option) in options.iter_mut().enumerate() {
                    option.node.visit_refs(&format!("{path}.options.{index}.node"), visitor);
                }
            }
            Self::Invert(node) | Self::Always(node) | Self::Once(node) | Self::UntilFail(node) => {
                node.visit_refs(&format!("{path}.0"), visitor);
            }
            Self::Cooldown { node, .. }
            | Self::Chance { node, .. }
            | Self::Repeat { node, .. }
            | Self::Limit { node, .. } => node.visit_refs(&format!("{path}.node"), visitor),
            Self::While { check, node } => {
                check.visit_refs(&format!("{path}.check"), visitor);
                node.visit_refs(&format!("{path}.node"), visitor);
            }
            Self::If(condition) => condition.visit_refs(&format!("{path}.0"), visitor),
            Self::Do(deed) => deed.visit_refs(&format!("{path}.0"), visitor),
            Self::Subtree(tree) => tree.visit(&format!("{path}.0"), visitor),
        }
    }
}

fn listed<'a>(list: &str, nodes: impl Iterator<Item = &'a NodeDef>) -> Vec<(String, &'a NodeDef)> {
    nodes.enumerate().map(|(index, node)| (format!("{list}.{index}"), node)).collect()
}

fn visit_nodes<'a>(
    nodes: impl Iterator<Item = &'a mut NodeDef>,
    path: impl Fn(usize) -> String,
    visitor: &mut dyn RefVisitor,
) {
    for (index, node) in nodes.enumerate() {
        node.visit_refs(&path(index), visitor);
    }
}

impl Record for AiDef {
    const KIND: &'static str = "ai";
    const FOLDER: &'static str = "ai";

    fn id(&self) -> &str {
        &self.id
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        self.root.visit_refs("root", visitor);
    }
}
