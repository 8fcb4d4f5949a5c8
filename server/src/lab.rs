//! The balance laboratory of the process: fights spread over all cores, summed up in the order of their numbers, so
//! that the same contest and seed give the same bytes on any number of threads. What a fight is, `sim::laboratory`
//! knows; what is said about many of them is decided here.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use sim::laboratory::{self, Bout, Combatant, Contest, Laboratory, LaboratoryError, SIDE_MAX};

mod course;
pub mod histogram;
pub mod matrix;
pub mod plain;
pub mod statistics;
pub mod summary;
pub mod svg;
pub mod table;
pub mod trials;

/// A laboratory over the data of `dir`, or the embedded data.
///
/// # Errors
/// When the data cannot be read or has faults.
pub fn open(dir: Option<&Path>) -> anyhow::Result<Laboratory> {
    let sources = crate::assets::sources(dir).context("the assets could not be read")?;
    let assets = laboratory::prepare(&sources)
        .map_err(|report| anyhow::anyhow!("the assets have faults\n\n{}", crate::assets::faults(&report, &sources)))?;
    Ok(Laboratory::new(&assets)?)
}

/// Fights `count` fights on `threads` threads (at least one); they come in the order of their numbers.
///
/// # Errors
/// When a side of the contest is empty or too large.
pub fn fight(
    laboratory: &Laboratory,
    contest: &Contest,
    seed: u64,
    count: u32,
    threads: usize,
) -> Result<Vec<Bout>, LaboratoryError> {
    let batches = Laboratory::batch_count(contest, count);
    let next = AtomicU32::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let batch = next.fetch_add(1, Ordering::Relaxed);
            if batch >= batches {
                return done;
            }
            done.push((batch, laboratory.fight(contest, seed, count, batch)));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        joined.flat_map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect::<Vec<_>>()
    });
    done.sort_by_key(|(batch, _)| *batch);
    let mut bouts = Vec::new();
    for (_, batch) in done {
        bouts.extend(batch?);
    }
    Ok(bouts)
}

/// Reads a side of a contest, such as `class/warrior*2,monster/wolf@5`: ids with an optional count and level, and
/// `level` for whoever has none of its own.
///
/// # Errors
/// Says which part is no such thing.
pub fn side(laboratory: &Laboratory, text: &str, level: Option<u16>) -> anyhow::Result<Vec<Combatant>> {
    let mut members = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (rest, own_level) = match part.split_once('@') {
            Some((rest, own)) => (rest, Some(own.parse().with_context(|| format!("`{own}` in `{part}` is no level"))?)),
            None => (part, level),
        };
        let (name, count) = match rest.split_once('*') {
            Some((name, count)) => {
                (name, count.parse::<usize>().with_context(|| format!("`{count}` in `{part}` is no count"))?)
            }
            None => (rest, 1),
        };
        let combatant = Combatant { fighter: laboratory.fighter(name)?, level: own_level };
        members.extend(std::iter::repeat_n(combatant, count.min(SIDE_MAX + 1)));
    }
    if !(1..=SIDE_MAX).contains(&members.len()) {
        return Err(LaboratoryError::BadSide(members.len()).into());
    }
    Ok(members)
}

/// Threads of this machine.
#[must_use]
pub fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The id of a combatant, for people.
#[must_use]
pub fn name_of(laboratory: &Arc<sim::assets::Assets>, combatant: &Combatant) -> String {
    let id = match combatant.fighter {
        sim::laboratory::Fighter::Class(class) => &laboratory.classes[class].id,
        sim::laboratory::Fighter::Monster(monster) => &laboratory.monsters[monster].id,
    };
    combatant.level.map_or_else(|| id.clone(), |level| format!("{id}@{level}"))
}

/// The members of a side with how often each stands there, in order.
#[must_use]
pub fn party_name(assets: &Arc<sim::assets::Assets>, members: &[Combatant]) -> String {
    let names = members.iter().map(|combatant| name_of(assets, combatant));
    let mut counted: Vec<(String, usize)> = Vec::new();
    for name in names {
        match counted.last_mut() {
            Some((last, count)) if *last == name => *count += 1,
            _ => counted.push((name, 1)),
        }
    }
    let written = |(name, count): (String, usize)| if count == 1 { name } else { format!("{count} {name}") };
    counted.into_iter().map(written).collect::<Vec<_>>().join(", ")
}
