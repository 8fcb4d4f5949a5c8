//! Why a decision came out as it did: each node it visited with its result, and the scores of utility options. Whoever
//! does not ask pays nothing: the machine is compiled without it.

use std::fmt;

use super::Status;
use super::tree::{Op, Test, Tree};

/// Is told what the machine does.
pub trait Tracer {
    /// A node is entered, so many nodes below the root.
    fn enter(&mut self, tree: &Tree, node: u16, depth: usize);
    /// A node has ended, or is still running.
    fn leave(&mut self, node: u16, status: Status);
    /// What an option of a utility node is worth, in hundredths of its weight's unit.
    fn score(&mut self, depth: usize, option: &str, score: u64);
    /// The decision goes on in a later tick.
    fn suspend(&mut self);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Tracer for Silent {
    fn enter(&mut self, _: &Tree, _: u16, _: usize) {}
    fn leave(&mut self, _: u16, _: Status) {}
    fn score(&mut self, _: usize, _: &str, _: u64) {}
    fn suspend(&mut self) {}
}

/// The record of one decision; `Display` writes it as an indented list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// In the order in which nodes were entered.
    pub lines: Vec<TraceLine>,
    /// The decision ran out of nodes.
    pub suspended: bool,
}

/// One line of a [`Trace`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceLine {
    /// Nodes above it.
    pub depth: usize,
    /// What it is.
    pub label: String,
    /// What came of it; `None` for the score of an option, and for a node that was not finished.
    pub status: Option<Status>,
    node: Option<u16>,
}

impl Tracer for Trace {
    fn enter(&mut self, tree: &Tree, node: u16, depth: usize) {
        let label = tree.node(node).map_or_else(String::new, |node| node.op.label());
        self.lines.push(TraceLine { depth, label, status: None, node: Some(node) });
    }

    fn leave(&mut self, node: u16, status: Status) {
        let open = |line: &&mut TraceLine| line.node == Some(node) && line.status.is_none();
        if let Some(line) = self.lines.iter_mut().rev().find(open) {
            line.status = Some(status);
        }
    }

    fn score(&mut self, depth: usize, option: &str, score: u64) {
        let label = format!("`{option}` scores {}.{:02}", score / 100, score % 100);
        self.lines.push(TraceLine { depth, label, status: None, node: None });
    }

    fn suspend(&mut self) {
        self.suspended = true;
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for TraceLine { depth, label, status, .. } in &self.lines {
            write!(f, "{:indent$}{label}", "", indent = depth * 2)?;
            match status {
                Some(Status::Success) => writeln!(f, " -> yes")?,
                Some(Status::Failure) => writeln!(f, " -> no")?,
                Some(Status::Running) => writeln!(f, " -> running")?,
                None => writeln!(f)?,
            }
        }
        if self.suspended { writeln!(f, "(to be continued: the nodes of this tick are spent)") } else { Ok(()) }
    }
}

impl Op {
    fn label(&self) -> String {
        match self {
            Self::Selector => "Selector".into(),
            Self::Sequence => "Sequence".into(),
            Self::Parallel { needs } => format!("Parallel, {needs} needed"),
            Self::Random { .. } => "Random".into(),
            Self::Utility { .. } => "Utility".into(),
            Self::Invert => "Invert".into(),
            Self::Always => "Always".into(),
            Self::Cooldown { ticks, .. } => format!("Cooldown of {ticks} ticks"),
            Self::Chance { pct } => format!("Chance of {pct} %"),
            Self::Once { .. } => "Once".into(),
            Self::Repeat { times } => format!("Repeat {times} times"),
            Self::UntilFail => "UntilFail".into(),
            Self::Limit { ticks } => format!("Limit of {ticks} ticks"),
            Self::While(test) => format!("While {}", test.label()),
            Self::Test(test) => format!("If {}", test.label()),
            Self::Act(deed) => format!("Do {deed:?}"),
            Self::Wait { ticks } => format!("Wait {ticks} ticks"),
            Self::SetTimer { slot, ticks } => format!("SetTimer #{slot} to {ticks} ticks"),
            Self::SetVar { slot, value } => format!("SetVar #{slot} to {value}"),
            Self::AddVar { slot, value } => format!("AddVar #{slot} {value:+}"),
        }
    }
}

impl Test {
    fn label(&self) -> String {
        match self {
            Self::TimerElapsed(slot) => format!("timer #{slot} has run out"),
            Self::VarAtLeast(slot, value) => format!("number #{slot} is at least {value}"),
            Self::Random(pct) => format!("{pct} % luck"),
            Self::World(condition) => format!("{condition:?}"),
        }
    }
}
