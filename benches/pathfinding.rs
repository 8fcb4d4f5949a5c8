//! How fast are paths, beside others on the same polygons? In one run: path queries at 10, 30, 100 and 300 m on a
//! square kilometre with 2,500 obstacles, goals that cannot be reached, rays, nearest polygons, baking, and
//! 2,000 agents that chase 50 goals. The peers need features: `--features detour,polyanya,oxidized`.
//!
//! Every figure is a median over rounds in which all take turns; a word after `--` picks the parts that have it in
//! their name. Without `--bench`, as under `cargo test`, everything runs once on a small field.

#[path = "pathfinding/field.rs"]
mod field;
#[path = "pathfinding/finder.rs"]
mod finder;
#[path = "pathfinding/peers.rs"]
mod peers;
#[path = "pathfinding/queries.rs"]
mod queries;
#[path = "pathfinding/timing.rs"]
mod timing;

use field::{Field, Plan};
use finder::{Finder, Ours};
use queries::Queries;
use sim::space::Navmesh;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_measured = arguments.iter().any(|argument| argument == "--bench");
    let wanted = arguments.into_iter().find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let wants = |part: &str| part.contains(&wanted);
    let effort = if is_measured { Effort::MEASURED } else { Effort::ONCE };

    if wants("bake") {
        bake(&effort);
    }
    let field = Field::of(effort.plan);
    let mesh = Navmesh::assemble(&field.archive).expect("our own baker's mesh is good");
    println!(
        "field of {:.0} m: {} polygons, {} links, {} components",
        field.plan.side_m,
        mesh.polygon_count(),
        mesh.link_count(),
        mesh.component_count()
    );
    let mut finders: Vec<Box<dyn Finder + '_>> = vec![Box::new(Ours::on(&mesh))];
    finders.extend(peers::all(&field, &mesh));
    let queries = Queries::on(&field, &mesh);
    for distance_m in [10.0, 30.0, 100.0, 300.0] {
        let part = format!("path {distance_m:.0} m");
        if wants(&part) && distance_m < field.plan.side_m {
            timing::paths(&part, &queries.pairs(distance_m, effort.queries), &mut finders, &effort);
        }
    }
    if wants("unreachable") {
        timing::paths("unreachable", &queries.unreachable(effort.queries), &mut finders, &effort);
    }
    if wants("ray 30 m") {
        timing::rays("ray 30 m", &queries.pairs(30.0, effort.queries), &mut finders, &effort);
    }
    if wants("nearest") {
        timing::nearest("nearest", &queries.places(effort.queries), &mut finders, &effort);
    }
}

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    plan: Plan,
    bake_plan: Plan,
    queries: usize,
    rounds: usize,
}

impl Effort {
    const MEASURED: Self =
        Self { plan: Plan::WHOLE, bake_plan: Plan { side_m: 320.0, ..Plan::WHOLE }, queries: 512, rounds: 9 };
    const ONCE: Self =
        Self { plan: Plan::SMALL, bake_plan: Plan { side_m: 64.0, ..Plan::WHOLE }, queries: 16, rounds: 1 };
}

fn bake(effort: &Effort) {
    let plan = &effort.bake_plan;
    for threads in [1, 2] {
        let seconds: Vec<f64> = (0..effort.rounds.div_ceil(3)).map(|_| field::bake_seconds(plan, threads)).collect();
        let per_hectare_ms = timing::median(seconds) * 1e3 * 1e4 / f64::from(plan.side_m * plan.side_m);
        println!("bake on {threads} thread(s): {per_hectare_ms:.1} ms per 100 m x 100 m");
    }
}
