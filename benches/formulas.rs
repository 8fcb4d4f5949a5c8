//! What does a formula cost? The formulas of the game data and a few harder ones, each on the short way of 64 bits and on the
//! wide one that it must agree with, in nanoseconds for one evaluation with ever different numbers, the loop around it taken
//! off.

use std::hint::black_box;
use std::time::Instant;

use sim::assets::{Assets, AttributeId};
use sim::formula::Scope;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Evaluations in one run, and runs of which the median counts.
const TIMES: u32 = 200_000;
const RUNS: usize = 15;

const HARDER: &str = r#"[
    (id: "formula/bench.choice", expr: "if(target.hp * 3 < target.hp_max, 2, 1) * attack * coef / 1000"),
    (id: "formula/bench.ffxiv", expr: "floor((1000 - floor(130 * (haste - 364) / 2170)) * 2500 / 1000)"),
    (id: "formula/bench.curve", expr: "curve('xp', level) * coef / 1000", coef: (0, 10_000)),
    (id: "formula/bench.root", expr: "sqrt(attack * power) + pow(crit_bp / 10000, 2)"),
]"#;

fn main() {
    let mut sources = server::assets::embedded();
    sources.insert("formulas/bench.ron", HARDER);
    let assets = Assets::load(&sources).expect("good data");
    let mut values = vec![0_i32; assets.attributes.len()];
    println!("{:<28} {:>9} {:>9} {:>8}", "formula", "short ns", "wide ns", "ratio");
    for (_, def) in assets.formulas.iter() {
        let program = def.program();
        let mut measure = |eval: &dyn Fn(&Scope<'_>) -> i64| {
            let mut runs: Vec<f64> = (0..RUNS).map(|_| run(&mut values, eval)).collect();
            runs.sort_by(f64::total_cmp);
            runs[RUNS / 2]
        };
        let empty = measure(&|scope| i64::from(scope.coef) + i64::from(scope.level));
        let short = measure(&|scope| program.eval(scope, def.round)) - empty;
        #[allow(clippy::cast_possible_truncation, reason = "only keeps the value alive")]
        let wide =
            measure(&|scope| def.round.divide(program.eval_wide_micro(scope), sim::formula::MICRO) as i64) - empty;
        println!("{:<28} {short:>9.1} {wide:>9.1} {:>7.1}x", def.id, wide / short);
    }
}

/// Nanoseconds for one evaluation.
fn run(values: &mut [i32], eval: &dyn Fn(&Scope<'_>) -> i64) -> f64 {
    let begin = Instant::now();
    let mut sum = 0_i64;
    for number in 0..TIMES {
        let number = black_box(number.cast_signed());
        for (attribute, value) in [
            (AttributeId::ATTACK, 50 + number % 700),
            (AttributeId::POWER, 90 + number % 300),
            (AttributeId::HASTE, number % 2_000),
            (AttributeId::CRIT_BP, 500),
            (AttributeId::ARMOR, number % 400),
        ] {
            values[attribute.index()] = value;
        }
        let level = u16::try_from(1 + number % 60).unwrap_or(1);
        let scope = Scope { level, coef: 900 + number % 300, target_pools: (80, 10), ..Scope::of(values) };
        sum = sum.wrapping_add(eval(&scope));
    }
    black_box(sum);
    begin.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES)
}
