//! The machine: enters a node, comes back to its parent with a status, and so on until the root has one or the nodes are
//! spent. A loop, not recursion: the stack is the memory of a decision that is not finished.

use super::memory::{Frame, Memory};
use super::trace::Tracer;
use super::tree::{Gauge, Op, Scored, Test, Tree};
use super::{Leaf, Status, View};

/// What a decision came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The status of the root; `None` when the nodes were spent first, so that the decision has to be continued.
    pub status: Option<Status>,
    /// Nodes visited.
    pub node_count: u32,
}

/// Takes a decision, or goes on with one, visiting at most so many nodes.
pub fn decide<V: View, T: Tracer>(
    tree: &Tree,
    memory: &mut Memory,
    view: &mut V,
    nodes_max: u32,
    tracer: &mut T,
) -> Decision {
    memory.fit(tree);
    let mut machine = Machine { tree, memory, view, tracer };
    let mut node_count = 0;
    let mut step = Step::Enter(machine.memory.next.take().unwrap_or(0));
    loop {
        step = match step {
            Step::Enter(node) if node_count == nodes_max => {
                machine.memory.next = Some(node);
                machine.tracer.suspend();
                return Decision { status: None, node_count };
            }
            Step::Enter(node) => {
                node_count += 1;
                machine.tracer.enter(tree, node, machine.memory.frames.len());
                machine.enter(node)
            }
            Step::Leave(node, status) => {
                machine.tracer.leave(node, status);
                let Some(frame) = machine.memory.frames.pop() else {
                    machine.memory.kept = std::mem::take(&mut machine.memory.keeping);
                    return Decision { status: Some(status), node_count };
                };
                machine.resume(frame, status)
            }
        };
    }
}

enum Step {
    Enter(u16),
    Leave(u16, Status),
}

struct Machine<'a, V, T> {
    tree: &'a Tree,
    memory: &'a mut Memory,
    view: &'a mut V,
    tracer: &'a mut T,
}

impl<V: View, T: Tracer> Machine<'_, V, T> {
    fn enter(&mut self, node: u16) -> Step {
        let tree = self.tree;
        let Some(op) = tree.node(node).map(|node| &node.op) else { return Step::Leave(node, Status::Failure) };
        let kept = self.memory.kept_of(node);
        let now = self.view.tick();
        match op {
            Op::Selector | Op::Parallel { .. } | Op::Invert | Op::Always | Op::UntilFail => self.begin(node, None, 0),
            Op::Sequence => self.begin(node, kept.and_then(|child| u16::try_from(child).ok()), 0),
            Op::Random { weights } => {
                let place = kept.map_or_else(|| self.draw_weighted(node, weights), |kept| kept as usize);
                self.begin(node, tree.child_at(node, place), u32::try_from(place).unwrap_or(0))
            }
            Op::Utility { .. } => self.begin_best(node, 0),
            Op::Cooldown { slot, .. } if kept.is_none() && self.memory.slot(*slot) > now => failed(node),
            Op::Chance { pct } if kept.is_none() && self.view.below(node, 100) >= *pct => failed(node),
            Op::Once { slot } if self.memory.slot(*slot) > 0 => failed(node),
            Op::While(test) if !self.test(node, test) => failed(node),
            Op::Cooldown { .. } | Op::Chance { .. } | Op::Once { .. } | Op::While(_) => self.begin(node, None, 0),
            Op::Repeat { .. } => self.begin(node, None, kept.unwrap_or(0)),
            Op::Limit { ticks } => {
                let since = kept.unwrap_or(now);
                if now.wrapping_sub(since) >= *ticks && kept.is_some() {
                    failed(node)
                } else {
                    self.begin(node, None, since)
                }
            }
            Op::Test(test) => {
                let holds = self.test(node, test);
                Step::Leave(node, if holds { Status::Success } else { Status::Failure })
            }
            Op::Act(deed) => {
                let status = self.view.act(deed);
                self.note(node, Leaf::Act(deed), status);
                Step::Leave(node, status)
            }
            Op::Wait { ticks } => {
                let since = kept.unwrap_or(now);
                if now.wrapping_sub(since) >= *ticks {
                    return Step::Leave(node, Status::Success);
                }
                self.memory.keep(node, since);
                Step::Leave(node, Status::Running)
            }
            Op::SetTimer { slot, ticks } => self.set(node, *slot, now.saturating_add(*ticks)),
            Op::SetVar { slot, value } => self.set(node, *slot, value.cast_unsigned()),
            Op::AddVar { slot, value } => {
                let sum = self.memory.slot(*slot).cast_signed().saturating_add(*value);
                self.set(node, *slot, sum.cast_unsigned())
            }
        }
    }

    fn set(&mut self, node: u16, slot: u16, value: u32) -> Step {
        self.memory.set_slot(slot, value);
        Step::Leave(node, Status::Success)
    }

    /// Goes down to a child: the one that was running, or the first.
    fn begin(&mut self, node: u16, child: Option<u16>, count: u32) -> Step {
        let Some(child) = child.or_else(|| self.tree.next_child(node, None)) else { return failed(node) };
        self.memory.frames.push(Frame { node, child, count, done: 0, running: false });
        Step::Enter(child)
    }

    /// A child has come back; `frame` is its parent's, taken from the stack.
    fn resume(&mut self, frame: Frame, status: Status) -> Step {
        let (tree, node) = (self.tree, frame.node);
        let Some(op) = tree.node(node).map(|node| &node.op) else { return failed(node) };
        let leave = Step::Leave(node, status);
        match op {
            Op::Selector if status == Status::Failure => self.next(frame).unwrap_or(leave),
            Op::Sequence if status == Status::Success => self.next(frame).unwrap_or(leave),
            Op::Parallel { needs } => self.resume_parallel(frame, *needs, status),
            Op::Utility { .. } if status == Status::Failure => self.begin_best(node, frame.count),
            Op::Invert if status != Status::Running => Step::Leave(node, inverted(status)),
            Op::Always if status == Status::Failure => Step::Leave(node, Status::Success),
            Op::Cooldown { slot, ticks } if status == Status::Success => {
                self.memory.set_slot(*slot, self.view.tick().saturating_add(*ticks));
                leave
            }
            Op::Once { slot } if status == Status::Success => {
                self.memory.set_slot(*slot, 1);
                leave
            }
            Op::Repeat { times } if status == Status::Success => {
                let count = frame.count + 1;
                if count >= *times {
                    return leave;
                }
                self.memory.keep(node, count);
                Step::Leave(node, Status::Running)
            }
            Op::UntilFail if status == Status::Failure => Step::Leave(node, Status::Success),
            Op::UntilFail => Step::Leave(node, Status::Running),
            _ if status == Status::Running => {
                self.keep_running(op, frame);
                leave
            }
            _ => leave,
        }
    }

    /// Notes what a node needs to go on with a child that is still running.
    fn keep_running(&mut self, op: &Op, frame: Frame) {
        match op {
            Op::Sequence => self.memory.keep(frame.node, u32::from(frame.child)),
            Op::Random { .. } | Op::Repeat { .. } | Op::Limit { .. } => self.memory.keep(frame.node, frame.count),
            Op::Utility { options, .. } => {
                let children = 0..options.len();
                let place = children.into_iter().find(|&at| self.tree.child_at(frame.node, at) == Some(frame.child));
                self.memory.keep(frame.node, u32::try_from(place.unwrap_or(0)).unwrap_or(0));
            }
            Op::Cooldown { .. } | Op::Chance { .. } => self.memory.keep(frame.node, 0),
            _ => {}
        }
    }

    fn next(&mut self, frame: Frame) -> Option<Step> {
        let child = self.tree.next_child(frame.node, Some(frame.child))?;
        self.memory.frames.push(Frame { child, ..frame });
        Some(Step::Enter(child))
    }

    fn resume_parallel(&mut self, frame: Frame, needs: u8, status: Status) -> Step {
        let done = frame.done + u8::from(status == Status::Success);
        let frame = Frame { done, running: frame.running || status == Status::Running, ..frame };
        if let Some(step) = self.next(frame) {
            return step;
        }
        let status = match (frame.done >= needs, frame.running) {
            (true, _) => Status::Success,
            (false, true) => Status::Running,
            (false, false) => Status::Failure,
        };
        Step::Leave(frame.node, status)
    }

    /// Goes down to the best option that is not among those tried, given as bits.
    fn begin_best(&mut self, node: u16, tried: u32) -> Step {
        let tree = self.tree;
        let Some(Op::Utility { hysteresis_pct, options }) = tree.node(node).map(|node| &node.op) else {
            return failed(node);
        };
        let running = self.memory.kept_of(node);
        let depth = self.memory.frames.len() + 1;
        let mut best: Option<(u64, usize)> = None;
        for (place, option) in options.iter().enumerate().filter(|(place, _)| tried >> place & 1 == 0) {
            let mut score = self.score(depth, option);
            if running.is_some_and(|running| running as usize == place) {
                score += score * u64::from(*hysteresis_pct) / 100;
            }
            self.tracer.score(depth, &option.name, score);
            if score > 0 && best.is_none_or(|(other, _)| score > other) {
                best = Some((score, place));
            }
        }
        let child = best.and_then(|(_, place)| Some((place, tree.child_at(node, place)?)));
        let Some((place, child)) = child else { return failed(node) };
        self.memory.frames.push(Frame { node, child, count: tried | 1 << place, done: 0, running: false });
        Step::Enter(child)
    }

    /// Hundredths of points: the weight times the product of all percentages.
    fn score(&mut self, depth: usize, option: &Scored) -> u64 {
        let mut score = u64::from(option.weight) * 100;
        for (gauge, response) in &option.by {
            let measure = match gauge {
                Gauge::Slot(slot) => self.memory.slot(*slot).cast_signed(),
                Gauge::World(measure) => self.view.measure(measure),
            };
            let percent = response.percent(measure);
            self.tracer.weigh(self.tree, depth + 1, gauge, measure, percent);
            score = score * u64::from(percent) / 100;
        }
        score
    }

    /// Asks what a leaf saw, if somebody listens.
    fn note(&mut self, node: u16, leaf: Leaf<'_>, status: Status) {
        if T::LISTENS
            && let Some(why) = self.view.explain(leaf, status)
        {
            self.tracer.note(node, why);
        }
    }

    fn test(&mut self, node: u16, test: &Test) -> bool {
        match test {
            Test::TimerElapsed(slot) => self.memory.slot(*slot) <= self.view.tick(),
            Test::VarAtLeast(slot, value) => self.memory.slot(*slot).cast_signed() >= *value,
            Test::Random(pct) => self.view.below(node, 100) < *pct,
            Test::World(condition) => {
                let holds = self.view.check(condition);
                self.note(node, Leaf::Check(condition), if holds { Status::Success } else { Status::Failure });
                holds
            }
        }
    }

    fn draw_weighted(&mut self, node: u16, weights: &[u32]) -> usize {
        let total = weights.iter().fold(0_u32, |sum, weight| sum.saturating_add(*weight));
        let mut left = self.view.below(node, total);
        let lands = |weight: &u32| {
            let here = left < *weight;
            left = left.saturating_sub(*weight);
            here
        };
        weights.iter().position(lands).unwrap_or(0)
    }
}

const fn failed(node: u16) -> Step {
    Step::Leave(node, Status::Failure)
}

const fn inverted(status: Status) -> Status {
    match status {
        Status::Success => Status::Failure,
        Status::Failure => Status::Success,
        Status::Running => Status::Running,
    }
}
