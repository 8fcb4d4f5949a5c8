//! From the record of a tree to the list the machine runs: names become slots, the trees it names are put in their places.
//! Whoever loads data reports what is wrong.

use super::tree::{DEPTH_MAX, NODES_MAX, Node, Op, Scored, Test, Tree};
use crate::assets::{AiDef, Condition, Deed, Id, NodeDef, ticks_of};

/// Why a tree cannot be compiled; each with the path of the node in the record of the outermost tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CompileError {
    /// A tree contains itself, by way of these, by name.
    Cycle(String, Vec<String>),
    /// Too many nodes above one another.
    TooDeep(String),
    /// Too many nodes.
    TooLarge(String),
}

/// Finds a tree by its name.
type FindTree<'a> = dyn Fn(&str) -> Option<(Id<AiDef>, &'a AiDef)> + 'a;

/// Compiles a tree; `find` gives the trees it names, `None` for those that could not be read.
pub(crate) fn compile<'a>(id: Option<Id<AiDef>>, def: &'a AiDef, find: &FindTree<'a>) -> Result<Tree, CompileError> {
    let mut compiler =
        Compiler { tree: Tree::default(), names: Vec::new(), within: vec![def.id.as_str()], find, path: String::new() };
    compiler.tree.parts.extend(id);
    compiler.node(&def.root, "root", 0)?;
    Ok(compiler.tree)
}

struct Compiler<'a, 'f> {
    tree: Tree,
    names: Vec<(&'static str, String, u16)>,
    /// The trees around the node, the outermost first.
    within: Vec<&'a str>,
    find: &'f FindTree<'a>,
    /// Where the node stands in the outermost record.
    path: String,
}

impl<'a> Compiler<'a, '_> {
    fn node(&mut self, def: &'a NodeDef, path: &str, depth: usize) -> Result<(), CompileError> {
        if self.within.len() == 1 {
            path.clone_into(&mut self.path);
        }
        if depth >= DEPTH_MAX {
            return Err(CompileError::TooDeep(self.path.clone()));
        }
        if let NodeDef::Subtree(tree) = def {
            return self.subtree(tree.name(), depth);
        }
        if self.tree.nodes.len() >= NODES_MAX {
            return Err(CompileError::TooLarge(self.path.clone()));
        }
        let place = self.tree.nodes.len();
        let op = self.op(def);
        self.tree.nodes.push(Node { op, end: 0 });
        for (below, child) in def.children() {
            self.node(child, &format!("{path}.{below}"), depth + 1)?;
        }
        self.tree.nodes[place].end = u16::try_from(self.tree.nodes.len()).unwrap_or(u16::MAX);
        Ok(())
    }

    fn subtree(&mut self, name: &str, depth: usize) -> Result<(), CompileError> {
        // One that could not be read has been reported.
        let Some((id, def)) = (self.find)(name) else { return Ok(()) };
        if self.within.contains(&def.id.as_str()) {
            let way = self.within.iter().chain([&def.id.as_str()]).map(|name| (*name).to_owned()).collect();
            return Err(CompileError::Cycle(self.path.clone(), way));
        }
        if !self.tree.parts.contains(&id) {
            self.tree.parts.push(id);
        }
        self.within.push(&def.id);
        self.node(&def.root, "root", depth)?;
        self.within.pop();
        Ok(())
    }

    fn op(&mut self, def: &NodeDef) -> Op {
        match def {
            NodeDef::Selector(_) | NodeDef::Subtree(_) => Op::Selector,
            NodeDef::Sequence(_) => Op::Sequence,
            NodeDef::Parallel { needs, .. } => Op::Parallel { needs: *needs },
            NodeDef::Random(nodes) => Op::Random { weights: nodes.iter().map(|(weight, _)| *weight).collect() },
            NodeDef::Utility { hysteresis_pct, options } => {
                let scored = |option: &crate::assets::OptionDef| Scored {
                    name: option.name.clone(),
                    weight: option.weight,
                    by: option.by.iter().map(|by| Scored::of(by, |name| self.slot("var", name))).collect(),
                };
                Op::Utility { hysteresis_pct: *hysteresis_pct, options: options.iter().map(scored).collect() }
            }
            NodeDef::Invert(_) => Op::Invert,
            NodeDef::Always(_) => Op::Always,
            NodeDef::Cooldown { ms, .. } => Op::Cooldown { slot: self.own_slot(), ticks: ticks_of(*ms) },
            NodeDef::Chance { pct, .. } => Op::Chance { pct: *pct },
            NodeDef::Once(_) => Op::Once { slot: self.own_slot() },
            NodeDef::Repeat { times, .. } => Op::Repeat { times: *times },
            NodeDef::UntilFail(_) => Op::UntilFail,
            NodeDef::Limit { ms, .. } => Op::Limit { ticks: ticks_of(*ms) },
            NodeDef::While { check, .. } => Op::While(self.test(check)),
            NodeDef::If(condition) => Op::Test(self.test(condition)),
            NodeDef::Do(Deed::Wait(ms)) => Op::Wait { ticks: ticks_of(*ms) },
            NodeDef::Do(Deed::SetTimer { name, ms }) => {
                Op::SetTimer { slot: self.slot("timer", name), ticks: ticks_of(*ms) }
            }
            NodeDef::Do(Deed::SetVar { name, value }) => Op::SetVar { slot: self.slot("var", name), value: *value },
            NodeDef::Do(Deed::AddVar { name, value }) => Op::AddVar { slot: self.slot("var", name), value: *value },
            NodeDef::Do(deed) => Op::Act(Box::new(deed.clone())),
        }
    }

    fn test(&mut self, condition: &Condition) -> Test {
        match condition {
            Condition::TimerElapsed(name) => Test::TimerElapsed(self.slot("timer", name)),
            Condition::VarAtLeast { name, value } => Test::VarAtLeast(self.slot("var", name), *value),
            Condition::Random(pct) => Test::Random(*pct),
            other => Test::World(other.clone()),
        }
    }

    /// The slot of a name, which all trees put together share.
    fn slot(&mut self, what: &'static str, name: &str) -> u16 {
        let known = self.names.iter().find(|(kind, own, _)| *kind == what && own == name);
        if let Some((.., slot)) = known {
            return *slot;
        }
        let slot = self.own_slot();
        self.names.push((what, name.to_owned(), slot));
        self.tree.slot_names.push((slot, name.to_owned()));
        slot
    }

    fn own_slot(&mut self) -> u16 {
        self.tree.slot_count += 1;
        self.tree.slot_count - 1
    }
}
