//! The rules of behaviour trees: numbers that make sense, no tree within itself, no more nodes than a decision can afford.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::{Check, Checker};
use crate::assets::load::LoadedTable;
use crate::assets::report::Code;
use crate::assets::{AiDef, Condition, Deed, NodeDef, OptionDef, Response};
use crate::behaviour::{CompileError, DEPTH_MAX, NODES_MAX, Tree, compile};

/// Longest time a tree speaks of, an hour, in ms.
const DURATION_MS_MAX: i64 = 3_600_000;
/// Farthest distance a tree speaks of, in metres.
const DISTANCE_M: RangeInclusive<f32> = 0.0..=100.0;
/// Most nodes of a parallel and most options of a utility node.
const CHILDREN_MAX: usize = 16;

impl Check for AiDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check_node(&self.root, "root", check);
    }
}

fn check_node(node: &NodeDef, path: &str, check: &mut Checker<'_, '_>) {
    let children = node.children();
    let is_list = matches!(
        node,
        NodeDef::Selector(_)
            | NodeDef::Sequence(_)
            | NodeDef::Parallel { .. }
            | NodeDef::Random(_)
            | NodeDef::Utility { .. }
    );
    if is_list && children.is_empty() {
        check.pointless(path, "has a node with nothing in it");
    }
    match node {
        NodeDef::Parallel { needs, nodes } => {
            check.whole(&format!("{path}.needs"), *needs, 1..=nodes.len().clamp(1, CHILDREN_MAX) as i64);
            check_count(nodes.len(), &format!("{path}.nodes"), check);
        }
        NodeDef::Random(nodes) => {
            for (index, (weight, _)) in nodes.iter().enumerate() {
                check.whole(&format!("{path}.0.{index}.0"), *weight, 1..=1_000_000);
            }
        }
        NodeDef::Utility { hysteresis_pct, options } => {
            check.whole(&format!("{path}.hysteresis_pct"), *hysteresis_pct, 0..=1_000);
            check_count(options.len(), &format!("{path}.options"), check);
            for (index, option) in options.iter().enumerate() {
                check_option(option, &format!("{path}.options.{index}"), check);
            }
        }
        NodeDef::Cooldown { ms, .. } | NodeDef::Limit { ms, .. } => {
            check.duration(&format!("{path}.ms"), *ms, 50..=DURATION_MS_MAX);
        }
        NodeDef::Chance { pct, .. } => check.whole(&format!("{path}.pct"), *pct, 0..=100),
        NodeDef::Repeat { times, .. } => check.whole(&format!("{path}.times"), *times, 1..=10_000),
        NodeDef::While { check: condition, .. } => check_condition(condition, &format!("{path}.check"), check),
        NodeDef::If(condition) => check_condition(condition, &format!("{path}.0"), check),
        NodeDef::Do(deed) => check_deed(deed, &format!("{path}.0"), check),
        _ => {}
    }
    for (below, child) in children {
        check_node(child, &format!("{path}.{below}"), check);
    }
}

fn check_count(count: usize, path: &str, check: &mut Checker<'_, '_>) {
    if count > CHILDREN_MAX {
        let message = format!("there are {count} nodes here, but at most {CHILDREN_MAX} are taken");
        check.report(Code::OutOfRange, path, message);
    }
}

fn check_option(option: &OptionDef, path: &str, check: &mut Checker<'_, '_>) {
    check.whole(&format!("{path}.weight"), option.weight, 1..=10_000);
    for (index, by) in option.by.iter().enumerate() {
        let path = format!("{path}.by.{index}.worth");
        match &by.worth {
            Response::Linear { from, to } | Response::Quadratic { from, to } => {
                check.whole(&format!("{path}.from.1"), from.1, 0..=100);
                check.whole(&format!("{path}.to.1"), to.1, 0..=100);
            }
            Response::Step { below, above, .. } => {
                check.whole(&format!("{path}.below"), *below, 0..=100);
                check.whole(&format!("{path}.above"), *above, 0..=100);
            }
            Response::Points(points) => {
                for (index, (_, percent)) in points.iter().enumerate() {
                    check.whole(&format!("{path}.0.{index}.1"), *percent, 0..=100);
                }
                if points.is_empty() || points.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
                    let message = "the points of a response stand in the order of their measures".to_owned();
                    check.report(Code::Contradiction, &format!("{path}.0"), message);
                }
            }
        }
    }
}

fn check_condition(condition: &Condition, path: &str, check: &mut Checker<'_, '_>) {
    let own = format!("{path}.0");
    match condition {
        Condition::HpBelow(pct)
        | Condition::ManaBelow(pct)
        | Condition::TargetHpBelow(pct)
        | Condition::Random(pct) => check.whole(&own, *pct, 0..=100),
        Condition::TargetWithin(metres) | Condition::HomeBeyond(metres) => check.float(&own, *metres, DISTANCE_M),
        Condition::AlliesNear { radius_m, least } | Condition::EnemiesNear { radius_m, least } => {
            check.float(&format!("{path}.radius_m"), *radius_m, DISTANCE_M);
            check.whole(&format!("{path}.least"), *least, 1..=100);
        }
        Condition::AllyBelow { hp_pct, radius_m } => {
            check.whole(&format!("{path}.hp_pct"), *hp_pct, 0..=100);
            check.float(&format!("{path}.radius_m"), *radius_m, DISTANCE_M);
        }
        Condition::FightingFor(ms) => check.duration(&own, *ms, 0..=DURATION_MS_MAX),
        Condition::AddsAlive(count) => check.whole(&own, *count, 1..=100),
        _ => {}
    }
}

pub(super) fn check_deed(deed: &Deed, path: &str, check: &mut Checker<'_, '_>) {
    match deed {
        Deed::Approach { within_m: Some(within_m) } => check.float(&format!("{path}.within_m"), *within_m, DISTANCE_M),
        Deed::KeepDistance { least_m, most_m } => {
            check.float(&format!("{path}.least_m"), *least_m, DISTANCE_M);
            check.float(&format!("{path}.most_m"), *most_m, DISTANCE_M);
            if least_m >= most_m {
                let message = format!("it cannot keep farther than {least_m} m and nearer than {most_m} m");
                check.contradiction(&format!("{path}.most_m"), &format!("{path}.least_m"), message);
            }
        }
        Deed::Flee { until_m } => check.float(&format!("{path}.until_m"), *until_m, 1.0..=100.0),
        Deed::Circle { radius_m } => check.float(&format!("{path}.radius_m"), *radius_m, 1.0..=50.0),
        Deed::CallForHelp { radius_m } => check.float(&format!("{path}.radius_m"), *radius_m, 1.0..=100.0),
        Deed::Summon { count, most, radius_m, .. } => {
            check.whole(&format!("{path}.count"), *count, 1..=20);
            check.whole(&format!("{path}.most"), *most, 1..=40);
            check.float(&format!("{path}.radius_m"), *radius_m, 0.0..=30.0);
        }
        Deed::Wait(ms) => check.duration(&format!("{path}.0"), *ms, 50..=DURATION_MS_MAX),
        Deed::SetTimer { ms, .. } => check.duration(&format!("{path}.ms"), *ms, 50..=DURATION_MS_MAX),
        Deed::Say(text) if text.is_empty() || text.len() > 200 => {
            check.whole(&format!("{path}.0"), text.len() as i64, 1..=200);
        }
        _ => {}
    }
}

/// Compiles a tree with those it names, or reports what keeps it from being compiled.
pub(crate) fn compile_ai(def: &AiDef, all: &LoadedTable<AiDef>, check: &mut Checker<'_, '_>) -> Arc<Tree> {
    let find = |name: &str| all.entries().find(|(_, other)| other.id == name);
    let id = find(&def.id).map(|(id, _)| id);
    match compile(id, def, &find) {
        Ok(tree) => return Arc::new(tree),
        Err(CompileError::Cycle(path, way)) => {
            let message = format!("{} contains itself: {}", check.title, way.join(" -> "));
            if let Some(note) = check.report(Code::AiCycle, &path, message) {
                note.label("comes back here");
            }
        }
        Err(CompileError::TooDeep(path)) => {
            let message = format!("{} has more than {DEPTH_MAX} nodes above one another", check.title);
            check.report(Code::AiTooLarge, &path, message);
        }
        Err(CompileError::TooLarge(path)) => {
            let message = format!("{} has more than {NODES_MAX} nodes with the trees it names", check.title);
            check.report(Code::AiTooLarge, &path, message);
        }
    }
    Arc::default()
}
