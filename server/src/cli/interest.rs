//! `mainspring interest trace`: replays a scene from its log, looks over a player's shoulder, and says of an entity why
//! the player was told of it in a tick, or was not: distance and radii, phase, stealth and sides, what had changed, what
//! went out and what had to wait. The player's path is taken to be perfect: what loss did to it is in no log.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use bevy_app::App;
use clap::{Args, Subcommand};
use net::observer::Observer;
use serde::Serialize;
use sim::actor::Name;
use sim::ids::{PlayerId, SimId};
use sim::input::Players;
use sim::interest::{Explanation, Verdict, explain};
use sim::log::LogReader;
use sim::replicated::{Audience, Changes, ValueSize, WireLists};
use sim::roster::Roster;
use sim::scene::Scene;
use sim::wire::Reader;

use super::say;
use crate::gateway::player_of_name;
use crate::replay;

/// What is asked about interest.
#[derive(Subcommand, Debug)]
pub(super) enum InterestCommand {
    /// Say why a player was told of an entity, or was not: in one tick, or in every tick in which that changed
    Trace(TraceArgs),
}

/// Who, of whom, when.
#[derive(Args, Debug)]
pub(super) struct TraceArgs {
    /// The log (`DIR/replay/*.mslog` of a server started with --data DIR)
    log: PathBuf,
    /// Name of the player who looks
    #[arg(long, value_name = "NAME")]
    player: String,
    /// The entity looked at, as in `12.0` or as the number on the wire; without it, everything in the scene in --tick
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    entity: Option<SimId>,
    /// The tick; without it, every tick in which it came into view or went, and why
    #[arg(long, value_name = "TICK")]
    tick: Option<u32>,
    /// Lines of JSON instead of text
    #[arg(long)]
    json: bool,
    /// Game data with the navmesh of the scene; the data itself is in the log
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
}

/// Reads `12.0`, `#12.0` or the whole number.
fn parse_id(text: &str) -> Result<SimId, String> {
    let bad = || format!("`{text}` is no id of an entity, such as 12.0");
    let plain = text.strip_prefix('#').unwrap_or(text);
    match plain.split_once('.') {
        None => plain.parse().map(SimId::from_bits).map_err(|_| bad()),
        Some((index, generation)) => {
            let (index, generation): (u32, u32) = index.parse().ok().zip(generation.parse().ok()).ok_or_else(bad)?;
            let fits = index <= SimId::INDEX_MAX && generation < SimId::GENERATIONS;
            fits.then(|| SimId::new(index, generation)).ok_or_else(bad)
        }
    }
}

/// Does what is asked.
pub(super) fn run(command: &InterestCommand) -> anyhow::Result<ExitCode> {
    let InterestCommand::Trace(args) = command;
    let bytes = std::fs::read(&args.log).with_context(|| format!("cannot read {}", args.log.display()))?;
    let log = LogReader::open(&bytes).with_context(|| format!("cannot replay {}", args.log.display()))?;
    let mut look = Look::begin(args, &log)?;
    let wanted = args.tick.unwrap_or(u32::MAX);
    let (mut told, mut before) = (0_usize, None);
    for record in log.ticks().iter().take_while(|record| record.tick <= wanted) {
        look.tick(record);
        match (args.tick, args.entity) {
            (Some(tick), None) if tick == record.tick => told += look.tell_all(args.json)?,
            (Some(tick), Some(entity)) if tick == record.tick => told += look.tell(entity, args.json)?,
            (None, Some(entity)) => {
                let now = look.judge(entity).map(|why| (why.verdict, why.is_seen));
                if now != before {
                    told += look.tell(entity, args.json)?;
                    before = now;
                }
            }
            (None, None) => bail!("say which --entity, or which --tick"),
            _ => {}
        }
    }
    if told == 0 {
        let last = log.ticks().last().map_or(0, |record| record.tick);
        bail!("{} was in no tick asked for: the log of {} has ticks 1 to {last}", args.player, log.header().scene);
    }
    Ok(ExitCode::SUCCESS)
}

/// A replayed scene with somebody looking over the player's shoulder.
struct Look {
    scene: Scene,
    player: PlayerId,
    observer: Option<Observer>,
}

/// What is said of one entity in one tick.
#[derive(Debug, Serialize)]
struct Told {
    tick: u32,
    entity: String,
    name: Option<String>,
    /// True when the player sees it.
    seen: bool,
    /// The word behind the reason.
    verdict: &'static str,
    distance_m: Option<f32>,
    enter_m: f32,
    leave_m: f32,
    /// Names of the components that changed in this tick.
    changed: Vec<&'static str>,
    /// Names of those that went out in this tick.
    sent: Vec<&'static str>,
    /// Names of those that the player knows in an older state.
    waiting: Vec<&'static str>,
    /// All of it in words.
    why: String,
}

impl Look {
    fn begin(args: &TraceArgs, log: &LogReader) -> anyhow::Result<Self> {
        let connect = |app: &mut App| {
            app.add_plugins(net::plugin);
        };
        let scene = replay::scene_of(log, &args.log, args.assets.as_deref(), connect)?;
        Ok(Self { scene, player: player_of_name(&args.player), observer: None })
    }

    fn tick(&mut self, record: &sim::log::TickRecord) {
        if self.observer.is_none() {
            self.observer = Observer::attach(&mut self.scene, self.player);
        }
        record.inputs.iter().for_each(|input| self.scene.push(input.clone()));
        self.scene.tick();
        self.scene.take_outputs();
        if let Some(observer) = &mut self.observer {
            observer.follow(&self.scene);
        }
    }

    fn viewer(&self) -> Option<SimId> {
        self.scene.world().resource::<Players>().0.get(&self.player).map(|&(id, _)| id)
    }

    fn judge(&self, entity: SimId) -> Option<Explanation> {
        Some(explain(self.scene.world(), self.viewer()?, entity))
    }

    /// Tells of everything in the scene, the nearest first. Answers how much that was.
    fn tell_all(&self, json: bool) -> anyhow::Result<usize> {
        let all = self.scene.world().resource::<Roster>().iter().map(|(id, _)| id);
        let mut judged: Vec<(f32, SimId)> = all.filter_map(|id| Some((self.judge(id)?.distance_m?, id))).collect();
        judged.sort_by(|a, b| a.0.total_cmp(&b.0));
        judged.iter().map(|&(_, id)| self.tell(id, json)).sum()
    }

    fn tell(&self, entity: SimId, json: bool) -> anyhow::Result<usize> {
        let Some(told) = self.told(entity) else { return Ok(0) };
        let line = if json { serde_json::to_string(&told)? } else { as_text(&told) };
        say(&(line + "\n"));
        Ok(1)
    }

    fn told(&self, entity: SimId) -> Option<Told> {
        let why = self.judge(entity)?;
        let tick = self.scene.tick_number();
        let (changed, sent, waiting) = (self.changed(entity), self.sent(entity), self.waiting(entity));
        let world = self.scene.world();
        let name = world.resource::<Roster>().entity(entity).and_then(|entity| world.get::<Name>(entity));
        Some(Told {
            tick,
            entity: entity.to_string(),
            name: name.map(|name| name.0.clone()).filter(|name| !name.is_empty()),
            seen: why.is_seen,
            verdict: word(why.verdict),
            distance_m: why.distance_m,
            enter_m: why.radii.enter_m,
            leave_m: why.radii.leave_m,
            why: self.in_words(entity, &why, &sent, &waiting),
            changed,
            sent,
            waiting,
        })
    }

    /// Components that everyone who sees the entity follows, with their place on the wire.
    fn followed(&self) -> impl Iterator<Item = (u8, &sim::replicated::ReplicatedEntry)> {
        let entries = (0_u8..).zip(&self.scene.world().resource::<WireLists>().components);
        entries.filter(|(_, entry)| entry.audience == Audience::Viewers)
    }

    fn changed(&self, entity: SimId) -> Vec<&'static str> {
        let mask = self.scene.world().resource::<Changes>().mask(entity);
        self.followed().filter(|(bit, _)| mask & 1 << bit != 0).map(|(_, entry)| entry.name).collect()
    }

    fn sent(&self, entity: SimId) -> Vec<&'static str> {
        let known = self.observer.as_ref().and_then(|observer| observer.client().world().entity(entity));
        let Some(known) = known else { return Vec::new() };
        let now = Some(self.scene.tick_number());
        self.followed().filter(|&(bit, _)| known.value_tick(bit) == now).map(|(_, entry)| entry.name).collect()
    }

    /// What the player would be told if there were room: components whose value is not the one it knows.
    fn waiting(&self, entity: SimId) -> Vec<&'static str> {
        let known = self.observer.as_ref().and_then(|observer| observer.client().world().entity(entity));
        let world = self.scene.world();
        let there = world.resource::<Roster>().entity(entity).and_then(|entity| world.get_entity(entity).ok());
        let (Some(known), Some(there)) = (known, there) else { return Vec::new() };
        let mut bytes = Vec::new();
        let differs = |entry: &sim::replicated::ReplicatedEntry, bit: u8| {
            bytes.clear();
            let is_there = entry.encode(there, &mut bytes);
            let value = match entry.size {
                ValueSize::Bytes(_) => Some(bytes.as_slice()),
                ValueSize::Prefixed => Reader::new(&bytes).prefixed(),
            };
            is_there && value != known.value(bit)
        };
        let mut differs = differs;
        self.followed().filter(|&(bit, entry)| differs(entry, bit)).map(|(_, entry)| entry.name).collect()
    }

    /// How many the tick's bytes left out, and the tick up to which the player knows all of the entity.
    fn budget(&self, entity: SimId) -> (usize, u32) {
        let told = net::outbound::explain(self.scene.world(), self.player, entity);
        told.map_or((0, 0), |told| (told.left_out_count, told.since_tick.unwrap_or(0)))
    }

    fn in_words(&self, entity: SimId, why: &Explanation, sent: &[&str], waiting: &[&str]) -> String {
        let view = reason(why);
        let own = self.viewer() == Some(entity);
        let bytes = self.observer.as_ref().map_or(0, Observer::told_bytes);
        let told = match (why.is_seen, sent.is_empty(), waiting.is_empty()) {
            (false, ..) => return format!("not seen: {view}"),
            (true, ..) if why.has_entered => "described as a whole, as it came into view".to_owned(),
            (true, false, true) => format!("told: {}", sent.join(", ")),
            (true, false, false) => format!("told: {}; still waiting: {}", sent.join(", "), waiting.join(", ")),
            (true, true, _) if own => "its place stands in the player's own state".to_owned(),
            (true, true, true) => "nothing to tell: the player knows all of it".to_owned(),
            (true, true, false) => {
                let (left_out, since) = self.budget(entity);
                format!(
                    "not told: {bytes} bytes went to others first and {left_out} had to wait; waiting since tick {since}: {}",
                    waiting.join(", ")
                )
            }
        };
        format!("seen: {view}; {told}")
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NoViewer => "no_viewer",
        Verdict::Gone => "gone",
        Verdict::OtherPhase => "other_phase",
        Verdict::Stealth => "stealth",
        Verdict::Ghost => "ghost",
        Verdict::Near => "near",
        Verdict::Kept => "kept",
        Verdict::NotYet => "not_yet",
        Verdict::Far => "far",
        Verdict::Pinned => "pinned",
    }
}

fn reason(why: &Explanation) -> String {
    let (enter_m, leave_m) = (why.radii.enter_m, why.radii.leave_m);
    let away = why.distance_m.map_or(String::new(), |distance_m| format!("{distance_m:.1} m away"));
    match why.verdict {
        Verdict::NoViewer => "the player is not in the scene".to_owned(),
        Verdict::Gone => "it is not in the scene".to_owned(),
        Verdict::OtherPhase => format!("{away}, but in phase {}, the player in {}", why.entity.phase, why.viewer.phase),
        Verdict::Stealth => format!("{away}, but it hides from the player's side"),
        Verdict::Ghost => format!("{away}, but only the dead see it"),
        Verdict::Near => format!("{away}, within the {enter_m} m in which things come into view"),
        Verdict::Kept => format!("{away}, and was in view before: it goes at {leave_m} m"),
        Verdict::NotYet => format!("{away}, and was not in view before: it comes at {enter_m} m"),
        Verdict::Far => format!("{away}, beyond the {leave_m} m of sight"),
        Verdict::Pinned => format!("{away}, and seen at any distance"),
    }
}

fn as_text(told: &Told) -> String {
    let name = told.name.as_ref().map_or(String::new(), |name| format!(" {name}"));
    let changed = if told.changed.is_empty() { "nothing".to_owned() } else { told.changed.join(", ") };
    format!("tick {:>6}  {}{name}: {} (changed in this tick: {changed})", told.tick, told.entity, told.why)
}
