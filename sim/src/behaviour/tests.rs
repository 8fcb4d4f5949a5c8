//! The machine against a world of a few numbers: what each node does, what is remembered, what it costs.

use super::*;
use crate::assets::{AiDef, NodeDef};

/// Conditions hold when their number is below `hp`; deeds succeed unless they are named as running or failing.
#[derive(Default)]
struct World {
    tick: u32,
    hp: u32,
    distance_dm: i32,
    running: Vec<&'static str>,
    failing: Vec<&'static str>,
    done: Vec<String>,
    luck: u32,
}

impl View for World {
    fn tick(&self) -> u32 {
        self.tick
    }
    fn check(&mut self, condition: &Condition) -> bool {
        matches!(condition, Condition::HpBelow(pct) if self.hp < *pct)
    }
    fn measure(&mut self, measure: &Measure) -> i32 {
        match measure {
            Measure::Hp => self.hp.cast_signed(),
            _ => self.distance_dm,
        }
    }
    fn act(&mut self, deed: &Deed) -> Status {
        let name = match deed {
            Deed::Say(text) => text.clone(),
            other => format!("{other:?}"),
        };
        let status = match name.as_str() {
            name if self.running.contains(&name) => Status::Running,
            name if self.failing.contains(&name) => Status::Failure,
            _ => Status::Success,
        };
        self.done.push(name);
        status
    }
    fn below(&mut self, _: u16, end: u32) -> u32 {
        self.luck.min(end.saturating_sub(1))
    }
    fn explain(&self, leaf: Leaf<'_>, _: Status) -> Option<String> {
        matches!(leaf, Leaf::Check(Condition::HpBelow(_))).then(|| format!("it is {}", self.hp))
    }
}

fn tree_of(root: &str) -> Tree {
    let root: NodeDef = ron::from_str(root).expect("the test's tree reads");
    let def = AiDef { id: "ai/test".into(), root, tree: Default::default() };
    compile(None, &def, &|_| None).expect("the test's tree compiles")
}

fn run(tree: &Tree, memory: &mut Memory, world: &mut World) -> (Option<Status>, Vec<String>) {
    world.done.clear();
    let decision = decide(tree, memory, world, 64, &mut Silent);
    (decision.status, world.done.clone())
}

#[test]
fn a_selector_takes_the_first_that_does_not_fail_and_what_stands_in_front_interrupts() {
    let tree = tree_of(r#"Selector([Sequence([If(HpBelow(30)), Do(Say("heal"))]), Do(Say("hit"))])"#);
    let (mut memory, mut world) = (Memory::default(), World { hp: 80, running: vec!["hit"], ..World::default() });
    assert_eq!(run(&tree, &mut memory, &mut world), (Some(Status::Running), vec!["hit".into()]));
    world.hp = 20;
    assert_eq!(run(&tree, &mut memory, &mut world), (Some(Status::Success), vec!["heal".into()]));
}

#[test]
fn a_sequence_goes_on_with_what_was_running_unless_it_was_interrupted() {
    let tree = tree_of(
        r#"Selector([Sequence([If(HpBelow(30)), Do(Say("heal"))]),
        Sequence([Do(Say("a")), Do(Say("b")), Do(Say("c"))])])"#,
    );
    let (mut memory, mut world) = (Memory::default(), World { hp: 80, running: vec!["b"], ..World::default() });
    assert_eq!(run(&tree, &mut memory, &mut world).1, ["a", "b"]);
    world.running.clear();
    assert_eq!(run(&tree, &mut memory, &mut world), (Some(Status::Success), vec!["b".into(), "c".into()]));
    world.running.push("b");
    run(&tree, &mut memory, &mut world);
    world.hp = 10;
    run(&tree, &mut memory, &mut world);
    world.hp = 80;
    assert_eq!(run(&tree, &mut memory, &mut world).1, ["a", "b"], "it begins anew");
}

#[test]
fn a_parallel_asks_all_and_needs_some() {
    let tree = tree_of(r#"Parallel(needs: 2, nodes: [Do(Say("a")), Do(Say("b")), Do(Say("c"))])"#);
    for (failing, running, expected) in [
        (vec![], vec![], Status::Success),
        (vec!["a"], vec![], Status::Success),
        (vec!["a"], vec!["b"], Status::Running),
        (vec!["a", "b"], vec![], Status::Failure),
    ] {
        let mut world = World { failing, running, ..World::default() };
        let (status, done) = run(&tree, &mut Memory::default(), &mut world);
        assert_eq!((status, done.len()), (Some(expected), 3));
    }
}

#[test]
fn a_cooldown_begins_when_its_node_succeeds_and_once_is_once() {
    let tree =
        tree_of(r#"Selector([Cooldown(ms: 500, node: Do(Say("howl"))), Once(Do(Say("flee"))), Do(Say("bite"))])"#);
    let (mut memory, mut world) = (Memory::default(), World::default());
    let said: Vec<String> = (0..22)
        .flat_map(|tick| {
            world.tick = tick;
            run(&tree, &mut memory, &mut world).1
        })
        .collect();
    let at = |word: &str| said.iter().enumerate().filter(|(_, said)| *said == word).map(|(tick, _)| tick).collect();
    let (howls, flights): (Vec<usize>, Vec<usize>) = (at("howl"), at("flee"));
    assert_eq!((howls, flights), (vec![0, 10, 20], vec![1]));
}

#[test]
fn repeat_limit_until_fail_wait_and_timers_count() {
    let (mut memory, mut world) = (Memory::default(), World::default());
    let tree = tree_of(r#"Repeat(times: 3, node: Do(Say("x")))"#);
    let ends: Vec<_> = (0..3).map(|_| run(&tree, &mut memory, &mut world).0).collect();
    assert_eq!(ends, [Some(Status::Running), Some(Status::Running), Some(Status::Success)]);

    let tree = tree_of(r#"Limit(ms: 200, node: Do(Say("x")))"#);
    let (mut memory, mut world) = (Memory::default(), World { running: vec!["x"], ..World::default() });
    let ends: Vec<_> = (10..16)
        .map(|tick| {
            world.tick = tick;
            run(&tree, &mut memory, &mut world).0 == Some(Status::Running)
        })
        .collect();
    assert_eq!(ends, [true, true, true, true, false, true], "after it has failed it may begin anew");

    let tree = tree_of(r#"UntilFail(Do(Say("x")))"#);
    let (mut memory, mut world) = (Memory::default(), World::default());
    assert_eq!(run(&tree, &mut memory, &mut world).0, Some(Status::Running));
    world.failing.push("x");
    assert_eq!(run(&tree, &mut memory, &mut world).0, Some(Status::Success));

    let tree = tree_of(
        r#"Sequence([If(TimerElapsed("t")), Do(SetTimer(name: "t", ms: 150)), Do(Wait(100)),
        Do(AddVar(name: "n", value: 1)), If(VarAtLeast(name: "n", value: 2))])"#,
    );
    let (mut memory, mut world) = (Memory::default(), World::default());
    let ends: Vec<_> = (100..106)
        .map(|tick| {
            world.tick = tick;
            run(&tree, &mut memory, &mut world).0
        })
        .collect();
    let (go, no, yes) = (Some(Status::Running), Some(Status::Failure), Some(Status::Success));
    assert_eq!(ends, [go, go, no, go, go, yes], "waits 2 ticks; then the timer has run out, and it is the second time");
}

#[test]
fn while_asks_at_every_decision_and_decorators_turn_results_round() {
    let tree = tree_of(r#"While(check: HpBelow(50), node: Do(Say("x")))"#);
    let (mut memory, mut world) = (Memory::default(), World { hp: 40, running: vec!["x"], ..World::default() });
    assert_eq!(run(&tree, &mut memory, &mut world).0, Some(Status::Running));
    world.hp = 60;
    assert_eq!(run(&tree, &mut memory, &mut world), (Some(Status::Failure), vec![]));
    for (root, expected) in [
        ("Invert(If(HpBelow(50)))", Status::Success),
        ("Always(If(HpBelow(50)))", Status::Success),
        ("Chance(pct: 30, node: Do(Hold))", Status::Failure),
        ("Chance(pct: 31, node: Do(Hold))", Status::Success),
    ] {
        world.luck = 30;
        assert_eq!(run(&tree_of(root), &mut Memory::default(), &mut world).0, Some(expected), "{root}");
    }
}

#[test]
fn a_random_node_goes_by_weight_and_stays_with_what_runs() {
    let tree = tree_of(r#"Random([(1, Do(Say("a"))), (3, Do(Say("b")))])"#);
    let drawn: Vec<Vec<String>> =
        (0..4).map(|luck| run(&tree, &mut Memory::default(), &mut World { luck, ..World::default() }).1).collect();
    assert_eq!(drawn, [["a"], ["b"], ["b"], ["b"]]);
    let (mut memory, mut world) = (Memory::default(), World { luck: 2, running: vec!["b"], ..World::default() });
    run(&tree, &mut memory, &mut world);
    world.luck = 0;
    assert_eq!(run(&tree, &mut memory, &mut world).1, ["b"]);
}

const CHOICE: &str = r#"Utility(hysteresis_pct: 20, options: [
    (name: "heal", by: [(of: Hp, worth: Linear(from: (0, 100), to: (100, 0)))], node: Do(Say("heal"))),
    (name: "hit", weight: 50, node: Do(Say("hit"))),
])"#;

#[test]
fn the_best_option_is_taken_the_running_one_has_an_advantage_and_a_failure_falls_back() {
    let tree = tree_of(CHOICE);
    let (mut memory, mut world) = (Memory::default(), World { hp: 52, running: vec!["hit"], ..World::default() });
    assert_eq!(run(&tree, &mut memory, &mut world).1, ["hit"], "48 against 50");
    world.hp = 45;
    assert_eq!(run(&tree, &mut memory, &mut world).1, ["hit"], "55 against 50 and a fifth");
    world.hp = 35;
    assert_eq!(run(&tree, &mut memory, &mut world).1, ["heal"], "65 against 60");
    world.failing.push("heal");
    assert_eq!(run(&tree, &mut memory, &mut world).1, ["heal", "hit"]);
}

#[test]
fn a_decision_that_runs_out_of_nodes_goes_on_where_it_was_and_comes_to_the_same() {
    let root =
        r#"Sequence([Do(Say("a")), Selector([If(HpBelow(1)), Do(Say("b"))]), Invert(If(HpBelow(1))), Do(Say("c"))])"#;
    let tree = tree_of(root);
    for nodes_max in 1..8 {
        let (mut memory, mut world) = (Memory::default(), World { hp: 50, ..World::default() });
        let mut visited = 0;
        let status = loop {
            let decision = decide(&tree, &mut memory, &mut world, nodes_max, &mut Silent);
            visited += decision.node_count;
            assert!(decision.node_count <= nodes_max && memory.is_suspended() == decision.status.is_none());
            if let Some(status) = decision.status {
                break status;
            }
        };
        assert_eq!((status, visited, world.done.join("")), (Status::Success, 8, "abc".into()), "{nodes_max} at a time");
    }
}

#[test]
fn the_trace_says_why() {
    let tree = tree_of(&format!("Selector([If(HpBelow(30)), {CHOICE}])"));
    let mut trace = Trace::default();
    decide(&tree, &mut Memory::default(), &mut World { hp: 52, ..World::default() }, 64, &mut trace);
    let expected = "Selector -> yes\n  If HpBelow(30) -> no (it is 52)\n  Utility -> yes\n    `heal` scores 48.00\n      \
                    Hp is 52, worth 48 %\n    `hit` scores 50.00\n    Do Say(\"hit\") -> yes\n";
    assert_eq!(trace.to_string(), expected);
}
