//! Every class against every class and monster, alone: the table by which a game is balanced.

use std::fmt;

use serde::Serialize;
use sim::laboratory::{Bout, Combatant, Contest, Fighter, Laboratory, LaboratoryError, Winner};

use super::histogram::seconds;
use super::statistics::{Estimate, quantile, share};
use super::{fight, name_of};

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

/// All pairs.
#[derive(Debug, Clone, Serialize)]
pub struct Matrix {
    /// Ids of the classes, one a column.
    pub classes: Vec<String>,
    /// One an opponent.
    pub rows: Vec<Row>,
}

/// One opponent of all classes.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its id.
    pub opponent: String,
    /// What each class makes of it.
    pub cells: Vec<Cell>,
}

/// One pair.
#[derive(Debug, Clone, Serialize)]
pub struct Cell {
    /// How often the class wins.
    pub win_rate: Estimate,
    /// Median seconds of the fights it wins; 0 when it wins none.
    pub median_win_s: f64,
}

impl Matrix {
    /// Fights all pairs whose opponent's id begins with `prefix`.
    ///
    /// # Errors
    /// As [`fight`].
    pub fn fight(laboratory: &Laboratory, prefix: &str, series: &Series) -> Result<Self, LaboratoryError> {
        let assets = laboratory.assets();
        let alone = |fighter| Combatant { fighter, level: series.level };
        let classes: Vec<Combatant> = assets.classes.iter().map(|(id, _)| alone(Fighter::Class(id))).collect();
        let monsters = assets.monsters.iter().map(|(id, _)| alone(Fighter::Monster(id)));
        let opponents = classes.iter().copied().chain(monsters);
        let id_of = |combatant: &Combatant| name_of(assets, &Combatant { level: None, ..*combatant });
        let mut rows = Vec::new();
        for opponent in opponents.filter(|opponent| id_of(opponent).starts_with(prefix)) {
            let mut cells = Vec::new();
            for class in &classes {
                let sides = [vec![*class], vec![opponent]];
                let contest = Contest { sides, distance_m: series.distance_m, limit_ticks: series.limit_ticks };
                cells.push(Cell::of(&fight(laboratory, &contest, series.seed, series.count, series.threads)?));
            }
            rows.push(Row { opponent: id_of(&opponent), cells });
        }
        Ok(Self { classes: classes.iter().map(id_of).collect(), rows })
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
        Self { win_rate: share(ticks.len(), bouts.len()), median_win_s: seconds(quantile(&ticks, 0.5)) }
    }
}

/// A table in Markdown: the share of fights each class wins, and the median seconds that takes.
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| wins, seconds | {} |", self.classes.join(" | "))?;
        writeln!(f, "| --- |{}", " --- |".repeat(self.classes.len()))?;
        for Row { opponent, cells } in &self.rows {
            let cell = |cell: &Cell| match cell.median_win_s {
                none if none <= 0.0 => "0 %".to_owned(),
                median_s => format!("{:.0} %, {median_s:.1} s", cell.win_rate.value * 100.0),
            };
            let cells: Vec<String> = cells.iter().map(cell).collect();
            writeln!(f, "| {opponent} | {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}
