//! `mainspring ai trace`: plays one fight and says why a monster, or a class as its tree plays it, did what it did: every
//! decision with its tick, what the tree asked, what it saw, and what came of it.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;
use sim::assets::Assets;
use sim::behaviour::Trace;
use sim::laboratory::{Bout, Combatant, Contest, Fighter, Happening, Laboratory, Moment, Reasons, Winner};
use sim::tick::TICK_MS;

use super::say;
use crate::lab::{self, histogram::seconds, name_of};

/// What is asked about behaviour.
#[derive(Subcommand, Debug)]
pub(super) enum AiCommand {
    /// Play a fight and print each decision of a monster: what its tree asked, what it saw, what it did
    Trace(TraceArgs),
}

/// Whose decisions, against whom.
#[derive(Args, Debug)]
pub(super) struct TraceArgs {
    /// A monster, or a class as its tree plays it, such as monster/wolf or monster/wolf@5 for one of level 5
    who: String,
    /// Whom it fights: a class, a monster, or a party such as class/warrior,class/mage*3 [default: the first class]
    #[arg(long, value_name = "CLASS|MONSTER")]
    against: Option<String>,
    /// Level of whoever has none written behind it [default: a monster's own, 1 for a class]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100))]
    level: Option<u16>,
    /// Seconds after which an undecided fight ends
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1_800))]
    seconds: u32,
    /// Seed of everything random: the fight is the one that `lab duel -n 1` fights with it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Metres between them in the beginning
    #[arg(long, value_name = "METRES", default_value_t = 15.0, value_parser = super::lab::parse_distance)]
    distance: f32,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// The game data; without it the data built into the program
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
}

/// Does what is asked.
pub(super) fn run(command: &AiCommand) -> anyhow::Result<ExitCode> {
    let AiCommand::Trace(args) = command;
    let laboratory = lab::open(args.assets.as_deref())?;
    let told = told(&laboratory, args)?;
    say(&if args.json { format!("{}\n", serde_json::to_string_pretty(&told)?) } else { as_text(&told) });
    Ok(ExitCode::SUCCESS)
}

/// A fight as it is told.
#[derive(Debug, Serialize)]
struct Told {
    who: String,
    against: Vec<String>,
    seed: u64,
    moments: Vec<ToldMoment>,
    ticks: u32,
    /// `won`, `lost`, `draw` or `undecided`.
    outcome: &'static str,
}

#[derive(Debug, Serialize)]
struct ToldMoment {
    tick: u32,
    seconds: f64,
    #[serde(flatten)]
    what: ToldHappening,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ToldHappening {
    Decision(ToldDecision),
    Cast { skill: String },
    Death,
}

#[derive(Debug, Serialize)]
struct ToldDecision {
    ai: String,
    /// Name of the phase of the fight.
    phase: Option<String>,
    hp: u32,
    hp_max: u32,
    victim: String,
    victim_m: f32,
    node_count: u32,
    nodes_max: u32,
    /// The nodes were spent: it goes on in the next tick.
    budget_hit: bool,
    /// The deeds that were done or begun, in order.
    chosen: Vec<String>,
    trace: Trace,
}

fn told(laboratory: &Laboratory, args: &TraceArgs) -> anyhow::Result<Told> {
    let assets = laboratory.assets();
    let first_class = || assets.classes.iter().next().map(|(_, class)| class.id.clone());
    let against = args.against.clone().or_else(first_class).context("the game data has no class to fight against")?;
    let sides = [lab::side(laboratory, &args.who, args.level)?, lab::side(laboratory, &against, args.level)?];
    anyhow::ensure!(sides[0].len() == 1, "one is watched, not {}", sides[0].len());
    let limit_ticks = args.seconds * 1_000 / TICK_MS;
    let contest = Contest { sides, distance_m: args.distance, limit_ticks };
    let Reasons { bout, moments } = laboratory.reasons(&contest, args.seed)?;
    let teller = Teller { assets, contest: &contest };
    Ok(Told {
        who: name_of(assets, &contest.sides[0][0]),
        against: contest.sides[1].iter().map(|one| name_of(assets, one)).collect(),
        seed: args.seed,
        moments: moments.into_iter().map(|moment| teller.moment(moment)).collect(),
        ticks: bout.ticks,
        outcome: outcome(&bout),
    })
}

const fn outcome(bout: &Bout) -> &'static str {
    match bout.winner {
        Winner::Side(0) => "won",
        Winner::Side(_) => "lost",
        Winner::Nobody => "draw",
        Winner::Undecided => "undecided",
    }
}

struct Teller<'l> {
    assets: &'l std::sync::Arc<Assets>,
    contest: &'l Contest,
}

impl Teller<'_> {
    fn moment(&self, Moment { tick, what }: Moment) -> ToldMoment {
        let what = match what {
            Happening::Decided { thought, hp: (hp, hp_max), victim } => {
                let victim = victim.and_then(|(side, member)| self.contest.sides[side].get(member));
                ToldHappening::Decision(ToldDecision {
                    ai: self.assets.ai[thought.ai].id.clone(),
                    phase: self.phase_name(thought.phase),
                    hp,
                    hp_max,
                    victim: victim.map_or_else(|| "a summons".to_owned(), |victim| name_of(self.assets, victim)),
                    victim_m: (thought.victim_m * 10.0).round() / 10.0,
                    node_count: thought.node_count,
                    nodes_max: thought.nodes_max,
                    budget_hit: thought.status.is_none(),
                    chosen: thought.trace.chosen().map(str::to_owned).collect(),
                    trace: thought.trace,
                })
            }
            Happening::Cast(skill) => ToldHappening::Cast { skill: self.assets.skills[skill].id.clone() },
            Happening::Died => ToldHappening::Death,
        };
        ToldMoment { tick, seconds: seconds(tick), what }
    }

    fn phase_name(&self, phase: Option<usize>) -> Option<String> {
        let Combatant { fighter: Fighter::Monster(monster), .. } = self.contest.sides[0][0] else { return None };
        self.assets.monsters[monster].phases.get(phase?).map(|phase| phase.name.clone())
    }
}

fn as_text(told: &Told) -> String {
    let mut out = format!("{} against {}, seed {}\n", told.who, told.against.join(", "), told.seed);
    // Writing to a string cannot fail.
    let _infallible = told.moments.iter().try_for_each(|moment| write_moment(&mut out, moment));
    out += &format!("\n{} after {} ticks, {:.2} s\n", told.outcome, told.ticks, seconds(told.ticks));
    out
}

fn write_moment(out: &mut String, moment: &ToldMoment) -> std::fmt::Result {
    let at = format!("tick {} ({:.2} s)", moment.tick, moment.seconds);
    match &moment.what {
        ToldHappening::Decision(decision) => {
            let phase = decision.phase.as_ref().map_or_else(String::new, |phase| format!(", phase {phase}"));
            writeln!(
                out,
                "\n{at}: {} of {} hit points{phase}; {} {:.1} m away; {} visits {} of {} nodes{}",
                decision.hp,
                decision.hp_max,
                decision.victim,
                decision.victim_m,
                decision.ai,
                decision.node_count,
                decision.nodes_max,
                if decision.budget_hit { ", which are spent" } else { "" }
            )?;
            decision.trace.to_string().lines().try_for_each(|line| writeln!(out, "  {line}"))?;
            match decision.chosen.is_empty() {
                true => writeln!(out, "  = nothing to do"),
                false => writeln!(out, "  = {}", decision.chosen.join(", then ")),
            }
        }
        ToldHappening::Cast { skill } => writeln!(out, "{at}: it casts {skill}"),
        ToldHappening::Death => writeln!(out, "{at}: it dies"),
    }
}
