//! What does a scene full of fights cost? 2,000 champions of all classes against 2,000 monsters, all awake, all at it
//! with areas, effects over time and procs: every stage of the tick beside the same crowd with nothing to do, what one
//! decision and one tick of an effect cost, and how many duels the laboratory fights in a second.
//!
//! One core for the scene; medians of whole ticks, so that a stray interrupt counts for nothing.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bevy_ecs::message::MessageCursor;
use bevy_ecs::prelude::*;
use sim::features::combat::{HealthChanged, HealthKind};
use sim::features::monsters::ThinkBudget;
use sim::features::skills::CastStarted;
use sim::laboratory::{Combatant, Contest, Fighter, Laboratory, Temper, prepare, refresh};
use sim::scene::Scene;
use sim::tick::TickSystems;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Champions, and monsters.
const COUNT: usize = 2_000;
/// Ticks before measuring, in which they meet.
const WARM_UP: u32 = 60;
/// Ticks measured.
const TICKS: u32 = 200;

fn main() {
    let laboratory = Laboratory::new(&prepare(&server::assets::embedded()).expect("good data")).expect("level ground");
    let [fighting, peaceful] = [Temper::Fighting, Temper::Peaceful].map(|temper| measure(&laboratory, temper));
    println!("{COUNT} champions against {COUNT} monsters, medians of {TICKS} ticks in microseconds");
    println!("{:<12} {:>10} {:>10} {:>8}", "stage", "fighting", "peaceful", "ratio");
    for (index, stage) in TickSystems::ALL.iter().enumerate() {
        print_row(stage.name(), fighting.stages_us[index], peaceful.stages_us[index]);
    }
    print_row("whole tick", fighting.tick_us, peaceful.tick_us);
    let ticks = f64::from(TICKS);
    println!(
        "\na tick: {:.0} casts, {:.0} blows and heals by skills, {:.0} by effects",
        fighting.casts as f64 / ticks,
        fighting.direct as f64 / ticks,
        fighting.periodic as f64 / ticks,
    );
    let think = TickSystems::ALL.iter().position(|stage| stage.name() == "think").unwrap_or(0);
    let (stage_us, decisions) = (fighting.stages_us[think], fighting.decisions as f64 / ticks);
    println!(
        "{decisions:.0} decisions of {:.1} nodes a tick; the Think stage, senses and ways included, costs {:.0} ns for each",
        fighting.nodes as f64 / fighting.decisions.max(1) as f64,
        stage_us * 1_000.0 / decisions.max(1.0),
    );
    effects(&laboratory);
    duels(&laboratory);
}

fn print_row(name: &str, fighting_us: f64, peaceful_us: f64) {
    println!("{name:<12} {fighting_us:>10.0} {peaceful_us:>10.0} {:>7.1}x", fighting_us / peaceful_us.max(0.1));
}

/// What a crowd's ticks took, and what happened in them.
#[derive(Default)]
struct Measured {
    stages_us: Vec<f64>,
    tick_us: f64,
    casts: usize,
    direct: usize,
    periodic: usize,
    decisions: u32,
    nodes: u32,
}

/// Every class, and every monster that is no boss.
fn sorts(laboratory: &Laboratory) -> (Vec<Combatant>, Vec<Combatant>) {
    let assets = laboratory.assets();
    let alone = |fighter| Combatant { fighter, level: None };
    let classes = assets.classes.iter().map(|(id, _)| alone(Fighter::Class(id))).collect();
    let hunts = |id: &str| !id.starts_with("monster/champion.") && !id.contains("base");
    let monsters = assets.monsters.iter().filter(|(_, monster)| hunts(&monster.id));
    (classes, monsters.map(|(id, _)| alone(Fighter::Monster(id))).collect())
}

fn measure(laboratory: &Laboratory, temper: Temper) -> Measured {
    let (classes, monsters) = sorts(laboratory);
    let mut scene = laboratory.crowd(&classes, &monsters, COUNT, temper, 1);
    for _ in 0..WARM_UP {
        scene.tick();
        refresh(&mut scene);
    }
    let spent = Arc::new(Mutex::new(Vec::<(usize, Duration)>::new()));
    let (sink, mut running) = (Arc::clone(&spent), None::<(TickSystems, Instant)>);
    scene.set_probe(Box::new(move |stage| {
        let now = Instant::now();
        if let Some((before, since)) = running.take() {
            let index = TickSystems::ALL.iter().position(|own| own.name() == before.name()).unwrap_or(0);
            sink.lock().expect("no panic").push((index, now - since));
        }
        running = stage.map(|stage| (stage, now));
    }));
    let mut measured = Measured::default();
    let mut seen = Seen::default();
    let mut ticks_us = Vec::new();
    seen.look(&scene);
    for _ in 0..TICKS {
        let start = Instant::now();
        scene.tick();
        ticks_us.push(start.elapsed().as_secs_f64() * 1e6);
        let (casts, direct, periodic) = seen.look(&scene);
        measured.casts += casts;
        measured.direct += direct;
        measured.periodic += periodic;
        let thought = scene.world().resource::<ThinkBudget>();
        measured.decisions += thought.decisions;
        measured.nodes += thought.nodes;
        refresh(&mut scene);
    }
    let spent = spent.lock().expect("no panic");
    let of_stage = |stage: usize| spent.iter().filter(move |(own, _)| *own == stage);
    measured.stages_us = (0..TickSystems::ALL.len())
        .map(|stage| median(of_stage(stage).map(|(_, took)| took.as_secs_f64() * 1e6).collect()))
        .collect();
    measured.tick_us = median(ticks_us);
    measured
}

/// Reads what each tick brought.
#[derive(Default)]
struct Seen {
    casts: MessageCursor<CastStarted>,
    changes: MessageCursor<HealthChanged>,
}

impl Seen {
    fn look(&mut self, scene: &Scene) -> (usize, usize, usize) {
        let casts = self.casts.read(scene.world().resource::<Messages<CastStarted>>()).count();
        let changes: Vec<HealthKind> = {
            let messages = scene.world().resource::<Messages<HealthChanged>>();
            self.changes.read(messages).map(|change| change.kind).collect()
        };
        let of = |kind| changes.iter().filter(|own| **own == kind).count();
        (casts, of(HealthKind::Direct), of(HealthKind::Periodic))
    }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(0.0)
}

/// What one tick of one effect costs: a peaceful crowd that burns, beside the same crowd that does not.
fn effects(laboratory: &Laboratory) {
    let (classes, monsters) = sorts(laboratory);
    let assets = laboratory.assets();
    let Some(burning) = assets.effects.by_name("effect/burning") else { return };
    let mut took_us = [0.0; 2];
    let mut periodic = 0;
    for (index, burns) in [true, false].into_iter().enumerate() {
        let mut scene = laboratory.crowd(&classes, &monsters, COUNT, Temper::Peaceful, 1);
        scene.tick();
        let mut seen = Seen::default();
        for round in 0..8 {
            if burns {
                sim::laboratory::afflict(&mut scene, burning);
            }
            for _ in 0..40 {
                let start = Instant::now();
                scene.tick();
                let took = start.elapsed().as_secs_f64() * 1e6;
                let (_, _, ticks) = seen.look(&scene);
                if round > 0 {
                    took_us[index] += took;
                    periodic += ticks;
                }
                refresh(&mut scene);
            }
        }
    }
    let cost_ns = (took_us[0] - took_us[1]) * 1_000.0 / (periodic.max(1)) as f64;
    println!("a tick of an effect, its damage and its place in the log included: {cost_ns:.0} ns ({periodic} of them)");
}

fn duels(laboratory: &Laboratory) {
    let side = |text| server::lab::side(laboratory, text, None).expect("it exists");
    let (count, threads) = (2_000, server::lab::all_cores());
    for (a, b) in [("class/mage", "class/warrior"), ("class/warrior", "monster/wolf")] {
        let contest = Contest { sides: [side(a), side(b)], distance_m: 15.0, limit_ticks: 6_000 };
        let start = Instant::now();
        let bouts = server::lab::fight(laboratory, &contest, 1, count, threads).expect("sides of one");
        let took_s = start.elapsed().as_secs_f64();
        let ticks: u64 = bouts.iter().map(|bout| u64::from(bout.ticks)).sum();
        println!(
            "lab duel {a} {b}: {:.0} fights per second on {threads} threads, {:.0} times as fast as played",
            f64::from(count) / took_s,
            ticks as f64 / 20.0 / took_s,
        );
    }
}
