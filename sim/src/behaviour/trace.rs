//! Why a decision came out as it did: each node it visited with its result, what its leaves saw, and the scores of utility
//! options. Whoever does not ask pays nothing: the machine is compiled without it.

use std::fmt;

use ron::ser::PrettyConfig;
use serde::Serialize;

use super::Status;
use super::tree::{Gauge, Op, Test, Tree};

/// What the line of a deed begins with.
const DEED: &str = "Do ";

/// Is told what the machine does.
pub trait Tracer {
    /// Whether leaves are asked what they saw.
    const LISTENS: bool;
    /// A node is entered, so many nodes below the root.
    fn enter(&mut self, tree: &Tree, node: u16, depth: usize);
    /// What a leaf saw.
    fn note(&mut self, node: u16, why: String);
    /// A node has ended, or is still running.
    fn leave(&mut self, node: u16, status: Status);
    /// What one consideration of the next option measured, and the percentage that makes of it.
    fn weigh(&mut self, tree: &Tree, depth: usize, gauge: &Gauge, measure: i32, percent: u32);
    /// What an option of a utility node is worth, in hundredths of its weight's unit.
    fn score(&mut self, depth: usize, option: &str, score: u64);
    /// The decision goes on in a later tick.
    fn suspend(&mut self);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Tracer for Silent {
    const LISTENS: bool = false;
    fn enter(&mut self, _: &Tree, _: u16, _: usize) {}
    fn note(&mut self, _: u16, _: String) {}
    fn leave(&mut self, _: u16, _: Status) {}
    fn weigh(&mut self, _: &Tree, _: usize, _: &Gauge, _: i32, _: u32) {}
    fn score(&mut self, _: usize, _: &str, _: u64) {}
    fn suspend(&mut self) {}
}

/// The record of one decision; `Display` writes it as an indented list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Trace {
    /// In the order in which nodes were entered.
    pub lines: Vec<TraceLine>,
    /// The decision ran out of nodes.
    pub suspended: bool,
    /// Considerations of the option whose score comes next.
    #[serde(skip)]
    weighed: Vec<TraceLine>,
}

/// One line of a [`Trace`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceLine {
    /// Nodes above it.
    pub depth: usize,
    /// What it is, written as in the data.
    pub label: String,
    /// What came of it; `None` for the score of an option, and for a node that was not finished.
    pub status: Option<Status>,
    /// What it saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    #[serde(skip)]
    node: Option<u16>,
}

impl TraceLine {
    const fn of(depth: usize, label: String, node: Option<u16>) -> Self {
        Self { depth, label, status: None, why: None, node }
    }
}

impl Trace {
    /// The deeds that were done or are under way, in order.
    pub fn chosen(&self) -> impl Iterator<Item = &str> {
        let took = |line: &&TraceLine| matches!(line.status, Some(Status::Success | Status::Running));
        self.lines.iter().filter(took).filter_map(|line| line.label.strip_prefix(DEED))
    }

    fn open(&mut self, node: u16) -> Option<&mut TraceLine> {
        self.lines.iter_mut().rev().find(|line| line.node == Some(node) && line.status.is_none())
    }
}

impl Tracer for Trace {
    const LISTENS: bool = true;

    fn enter(&mut self, tree: &Tree, node: u16, depth: usize) {
        let label = tree.node(node).map_or_else(String::new, |node| node.op.label(tree));
        self.lines.push(TraceLine::of(depth, label, Some(node)));
    }

    fn note(&mut self, node: u16, why: String) {
        if let Some(line) = self.open(node) {
            line.why = Some(why);
        }
    }

    fn leave(&mut self, node: u16, status: Status) {
        if let Some(line) = self.open(node) {
            line.status = Some(status);
        }
    }

    fn weigh(&mut self, tree: &Tree, depth: usize, gauge: &Gauge, measure: i32, percent: u32) {
        let label = format!("{} is {measure}, worth {percent} %", gauge.label(tree));
        self.weighed.push(TraceLine::of(depth, label, None));
    }

    fn score(&mut self, depth: usize, option: &str, score: u64) {
        let label = format!("`{option}` scores {}.{:02}", score / 100, score % 100);
        self.lines.push(TraceLine::of(depth, label, None));
        self.lines.append(&mut self.weighed);
    }

    fn suspend(&mut self) {
        self.suspended = true;
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for TraceLine { depth, label, status, why, .. } in &self.lines {
            write!(f, "{:indent$}{label}", "", indent = depth * 2)?;
            match status {
                Some(Status::Success) => write!(f, " -> yes")?,
                Some(Status::Failure) => write!(f, " -> no")?,
                Some(Status::Running) => write!(f, " -> running")?,
                None => {}
            }
            match why {
                Some(why) => writeln!(f, " ({why})")?,
                None => writeln!(f)?,
            }
        }
        if self.suspended { writeln!(f, "(to be continued: the nodes of this tick are spent)") } else { Ok(()) }
    }
}

/// A value as the data writes it.
fn as_written(value: &impl Serialize) -> String {
    // Only types without a form in RON cannot be written, and leaves were read from it.
    ron::ser::to_string_pretty(value, PrettyConfig::new().depth_limit(0)).unwrap_or_default()
}

impl Op {
    fn label(&self, tree: &Tree) -> String {
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
            Self::While(test) => format!("While {}", test.label(tree)),
            Self::Test(test) => format!("If {}", test.label(tree)),
            Self::Act(deed) => format!("{DEED}{}", as_written(deed)),
            Self::Wait { ticks } => format!("Wait {ticks} ticks"),
            Self::SetTimer { slot, ticks } => format!("SetTimer `{}` to {ticks} ticks", tree.slot_name(*slot)),
            Self::SetVar { slot, value } => format!("SetVar `{}` to {value}", tree.slot_name(*slot)),
            Self::AddVar { slot, value } => format!("AddVar `{}` {value:+}", tree.slot_name(*slot)),
        }
    }
}

impl Gauge {
    fn label(&self, tree: &Tree) -> String {
        match self {
            Self::Slot(slot) => format!("Var `{}`", tree.slot_name(*slot)),
            Self::World(measure) => as_written(measure),
        }
    }
}

impl Test {
    fn label(&self, tree: &Tree) -> String {
        match self {
            Self::TimerElapsed(slot) => format!("timer `{}` has run out", tree.slot_name(*slot)),
            Self::VarAtLeast(slot, value) => format!("number `{}` is at least {value}", tree.slot_name(*slot)),
            Self::Random(pct) => format!("{pct} % luck"),
            Self::World(condition) => as_written(condition),
        }
    }
}
