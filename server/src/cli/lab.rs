//! `mainspring lab`: what fights come to, many times over. What is printed on the standard output follows from the
//! data, the contest and the seed alone; how fast it went is said on the standard error.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use sim::assets::Rank;
use sim::laboratory::{Contest, LIMIT_TICKS_MAX};
use sim::tick::TICK_MS;

use super::say;
use crate::lab::matrix::{Entrants, Matrix};
use crate::lab::plain::Plain;
use crate::lab::summary::Summary;
use crate::lab::{self, svg, table};

/// What can be tried out.
#[derive(Subcommand, Debug)]
pub(super) enum LabCommand {
    /// Have two classes or monsters fight each other many times
    Duel {
        /// A class or a monster, such as class/mage or monster/wolf@5 for one of level 5
        a: String,
        /// Its opponent
        b: String,
        #[command(flatten)]
        series: SeriesArgs,
    },
    /// Have a party fight a boss, or another party, many times
    Raid {
        /// Classes and monsters with counts, such as class/warrior*1,class/cleric*1,class/mage*3
        party: String,
        /// Whom they fight, written the same way
        boss: String,
        #[command(flatten)]
        series: SeriesArgs,
    },
    /// Have each class fight every class and monster alone, and print who wins how often and how fast
    Matrix {
        /// Only opponents whose ids begin so
        #[arg(long, value_name = "PREFIX")]
        against: Option<String>,
        /// Only monsters of this rank, such as boss
        #[arg(long, value_parser = parse_rank)]
        rank: Option<Rank>,
        /// A party beside the classes, such as class/warrior,class/cleric,class/mage*3, against monsters only; may be repeated
        #[arg(long = "party", value_name = "PARTY")]
        parties: Vec<String>,
        #[command(flatten)]
        series: SeriesArgs,
    },
    /// Write game data with a plain instead of the field, for load tests: `serve --assets DIR` and `bots --assets DIR`
    Plain {
        /// The folder to write
        dir: PathBuf,
        /// Length of its sides in metres
        #[arg(long, value_name = "METRES", default_value_t = 1_000.0)]
        side: f32,
        /// How far a player sees, in metres
        #[arg(long, value_name = "METRES", default_value_t = 60.0)]
        view: f32,
        /// How many players may be there
        #[arg(long, value_name = "COUNT", default_value_t = 20_000)]
        players: u32,
    },
}

/// How often, how long, on what, and how it is told.
#[derive(Args, Debug)]
pub(super) struct SeriesArgs {
    /// How many fights [default: 1000; of a matrix, 100 for each pair]
    #[arg(short, long = "n", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    n: Option<u32>,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Level of whoever has none written behind it [default: a monster's own, 1 for a class]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100))]
    level: Option<u16>,
    /// Metres between the sides in the beginning
    #[arg(long, value_name = "METRES", default_value_t = 15.0, value_parser = parse_distance)]
    distance: f32,
    /// Seconds after which an undecided fight ends
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_800))]
    limit: u32,
    /// The game data; without it the data built into the program
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
    /// Threads to fight on [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Draw how long the fights took, below the table
    #[arg(long)]
    plot: bool,
    /// Draw the same into a picture
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

pub(super) fn parse_distance(text: &str) -> Result<f32, String> {
    let metres: f32 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if (1.0..=60.0).contains(&metres) { Ok(metres) } else { Err("1 to 60 metres".to_owned()) }
}

fn parse_rank(text: &str) -> Result<Rank, String> {
    let found = Rank::ALL.into_iter().find(|rank| format!("{rank:?}").eq_ignore_ascii_case(text));
    found
        .ok_or_else(|| format!("the ranks are {}", Rank::ALL.map(|rank| format!("{rank:?}").to_lowercase()).join(", ")))
}

/// Does what was asked for.
pub(super) fn run(command: &LabCommand) -> anyhow::Result<ExitCode> {
    match command {
        LabCommand::Duel { a, b, series } => {
            ensure!(![a, b].iter().any(|side| side.contains([',', '*'])), "a duel is between two; a raid has parties");
            fight(a, b, series)
        }
        LabCommand::Raid { party, boss, series } => fight(party, boss, series),
        LabCommand::Plain { dir, side, view, players } => {
            lab::plain::write(&Plain { side_m: *side, view_m: *view, players_max: *players }, dir)?;
            let limits = format!("--players-max {players} --connections-max {players}");
            say(&format!("{0}: mainspring assets bake {0} && mainspring serve --assets {0} {limits}\n", dir.display()));
            Ok(ExitCode::SUCCESS)
        }
        LabCommand::Matrix { against, rank, parties, series } => {
            matrix(against.as_deref().unwrap_or_default(), *rank, parties, series)
        }
    }
}

fn fight(a: &str, b: &str, args: &SeriesArgs) -> anyhow::Result<ExitCode> {
    let laboratory = lab::open(args.assets.as_deref())?;
    let sides = [lab::side(&laboratory, a, args.level)?, lab::side(&laboratory, b, args.level)?];
    let contest = Contest { sides, distance_m: args.distance, limit_ticks: args.limit_ticks() };
    let (count, start) = (args.n.unwrap_or(1_000), Instant::now());
    let bouts = lab::fight(&laboratory, &contest, args.seed, count, args.threads())?;
    report_speed(count, start);
    let summary = Summary::of(laboratory.assets(), &contest, args.seed, &bouts);
    if let Some(path) = &args.svg {
        std::fs::write(path, svg::picture(&summary)).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    if args.json {
        say(&format!("{}\n", serde_json::to_string_pretty(&summary)?));
    } else {
        say(&table::text(&summary, args.plot));
    }
    Ok(ExitCode::SUCCESS)
}

fn matrix(against: &str, rank: Option<Rank>, parties: &[String], args: &SeriesArgs) -> anyhow::Result<ExitCode> {
    ensure!(args.svg.is_none() && !args.plot, "a matrix has no plot");
    let laboratory = lab::open(args.assets.as_deref())?;
    let (count, start) = (args.n.unwrap_or(100), Instant::now());
    let parties = parties.iter().map(|party| lab::side(&laboratory, party, args.level));
    let entrants = Entrants { parties: parties.collect::<anyhow::Result<_>>()?, prefix: against.to_owned(), rank };
    let series = lab::matrix::Series {
        seed: args.seed,
        count,
        level: args.level,
        distance_m: args.distance,
        limit_ticks: args.limit_ticks(),
        threads: args.threads(),
    };
    let matrix = Matrix::fight(&laboratory, &entrants, &series)?;
    report_speed(count * matrix.cell_count(), start);
    say(&if args.json { format!("{}\n", serde_json::to_string_pretty(&matrix)?) } else { matrix.to_string() });
    Ok(ExitCode::SUCCESS)
}

fn report_speed(count: u32, start: Instant) {
    let took_s = start.elapsed().as_secs_f64();
    eprintln!("{count} fights in {took_s:.2} s: {:.0} fights per second", f64::from(count) / took_s.max(1e-9));
}

impl SeriesArgs {
    fn limit_ticks(&self) -> u32 {
        (self.limit * 1_000 / TICK_MS).min(LIMIT_TICKS_MAX)
    }

    fn threads(&self) -> usize {
        self.threads.map_or_else(lab::all_cores, usize::from)
    }
}
