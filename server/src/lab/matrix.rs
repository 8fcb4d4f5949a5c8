//! Every class, alone, against every class and monster, and parties beside them: the table by which a game is balanced.

use std::fmt;

use serde::Serialize;
use sim::assets::Rank;
use sim::laboratory::{Bout, Combatant, Contest, Fighter, Laboratory, LaboratoryError, Winner};

use super::histogram::seconds;
use super::statistics::{Estimate, mean, quantile, share};
use super::{fight, name_of, party_name};

/// How each pair fights.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    /// Seed of each pair's fights.
    pub seed: u64,
    /// Fights of each pair.
    pub count: u32,
    /// Level of all, or each one's own.
    pub level: Option<u16>,
    /// Metres between them in the beginning.
    pub distance_m: f32,
    /// Ticks after which an undecided fight ends.
    pub limit_ticks: u32,
    /// Threads to fight on.
    pub threads: usize,
}

/// Which pairs fight.
#[derive(Debug, Clone, Default)]
pub struct Entrants {
    /// Parties beside the classes alone; with one there are no classes among the opponents.
    pub parties: Vec<Vec<Combatant>>,
    /// What the ids of opponents begin with.
    pub prefix: String,
    /// The rank of opponents; any when there is none.
    pub rank: Option<Rank>,
}

/// All pairs.
#[derive(Debug, Clone, Serialize)]
pub struct Matrix {
    /// The classes, then the parties, one a column.
    pub sides: Vec<String>,
    /// One an opponent.
    pub rows: Vec<Row>,
}

/// One opponent of all classes.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its id.
    pub opponent: String,
    /// What each side makes of it.
    pub cells: Vec<Cell>,
}

/// One pair.
#[derive(Debug, Clone, Serialize)]
pub struct Cell {
    /// How often the side wins.
    pub win_rate: Estimate,
    /// Median seconds of the fights it wins; 0 when it wins none.
    pub median_win_s: f64,
    /// The part of its hit points that the opponent has left on average, 0 to 1.
    pub opponent_left: Estimate,
}

impl Matrix {
    /// Fights all pairs.
    ///
    /// # Errors
    /// As [`fight`].
    pub fn fight(laboratory: &Laboratory, entrants: &Entrants, series: &Series) -> Result<Self, LaboratoryError> {
        let assets = laboratory.assets();
        let alone = |fighter| Combatant { fighter, level: series.level };
        let classes: Vec<Combatant> = assets.classes.iter().map(|(id, _)| alone(Fighter::Class(id))).collect();
        let ranked = laboratory.monsters().filter(|(_, def)| entrants.rank.is_none_or(|rank| rank == def.rank));
        let monsters = ranked.map(|(id, _)| alone(Fighter::Monster(id)));
        let no_classes = entrants.rank.is_some() || !entrants.parties.is_empty();
        let opponents = classes.iter().copied().filter(|_| !no_classes).chain(monsters);
        let id_of = |combatant: &Combatant| name_of(assets, &Combatant { level: None, ..*combatant });
        let sides: Vec<Vec<Combatant>> =
            classes.iter().map(|class| vec![*class]).chain(entrants.parties.iter().cloned()).collect();
        let mut rows = Vec::new();
        for opponent in opponents.filter(|opponent| id_of(opponent).starts_with(&entrants.prefix)) {
            let mut cells = Vec::new();
            for side in &sides {
                let sides = [side.clone(), vec![opponent]];
                let contest = Contest { sides, distance_m: series.distance_m, limit_ticks: series.limit_ticks };
                cells.push(Cell::of(&fight(laboratory, &contest, series.seed, series.count, series.threads)?));
            }
            rows.push(Row { opponent: id_of(&opponent), cells });
        }
        let party = |side: &Vec<Combatant>| match &side[..] {
            [alone] => id_of(alone),
            members => party_name(assets, members),
        };
        Ok(Self { sides: sides.iter().map(party).collect(), rows })
    }

    /// Pairs.
    #[must_use]
    pub fn cell_count(&self) -> u32 {
        u32::try_from(self.rows.iter().map(|row| row.cells.len()).sum::<usize>()).unwrap_or(u32::MAX)
    }
}

impl Cell {
    fn of(bouts: &[Bout]) -> Self {
        let won = bouts.iter().filter(|bout| bout.winner == Winner::Side(0));
        let mut ticks: Vec<u32> = won.map(|bout| bout.ticks).collect();
        ticks.sort_unstable();
        let left =
            |bout: &Bout| bout.members[1].first().map_or(0.0, |own| f64::from(own.hp) / f64::from(own.hp_max.max(1)));
        Self {
            win_rate: share(ticks.len(), bouts.len()),
            median_win_s: seconds(quantile(&ticks, 0.5)),
            opponent_left: mean(&bouts.iter().map(left).collect::<Vec<_>>()),
        }
    }
}

/// A table in Markdown: the share of fights each side wins and the median seconds that takes; of those that win none, what
/// the opponent has left.
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| wins, seconds | {} |", self.sides.join(" | "))?;
        writeln!(f, "| --- |{}", " --- |".repeat(self.sides.len()))?;
        for Row { opponent, cells } in &self.rows {
            let cell = |cell: &Cell| match cell.median_win_s {
                none if none <= 0.0 => format!("0 %, {:.0} % left", cell.opponent_left.value * 100.0),
                median_s => format!("{:.0} %, {median_s:.1} s", cell.win_rate.value * 100.0),
            };
            let cells: Vec<String> = cells.iter().map(cell).collect();
            writeln!(f, "| {opponent} | {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}
