//! The rules of curves, and how one is worked out from its points or its table.

use std::sync::Arc;

use super::{Check, Checker};
use crate::assets::{
    Between, CurveDef, CurveLine,
    report::Code,
    tables::{NumberTable, Tables},
};

/// Farthest place and greatest value of a curve.
const PLACE_MAX: i64 = 1_000_000;
const VALUE_MAX: i64 = 1_000_000_000;
/// Most points of a curve, and most whole places between two points of one that grows.
const POINTS_MAX: usize = 1_000;

impl Check for CurveDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        match (&self.table, self.points.is_empty()) {
            (None, true) if check.is_original("points") => check.pointless("id", "has neither points nor a table"),
            (Some(_), false) => {
                check.contradiction(
                    "table",
                    "points",
                    format!("{} has points and a table; one is enough", check.title),
                );
            }
            _ => {}
        }
        check.whole("column", self.column, 1..=1_000);
        for (index, (place, value)) in self.points.iter().enumerate() {
            check.whole(&format!("points.{index}.0"), *place, -PLACE_MAX..=PLACE_MAX);
            check.whole(&format!("points.{index}.1"), *value, -VALUE_MAX..=VALUE_MAX);
        }
        check_points(&self.points, self.between, "points", check);
    }
}

fn check_points(points: &[(i32, i32)], between: Between, path: &str, check: &mut Checker<'_, '_>) {
    if points.len() > POINTS_MAX {
        check.report(Code::TooLarge, path, format!("a curve has at most {POINTS_MAX} points, found {}", points.len()));
    }
    let place = |index: usize| if path == "points" { format!("points.{index}") } else { path.to_owned() };
    for (index, pair) in points.windows(2).enumerate() {
        let (before, after) = (pair[0].0, pair[1].0);
        if before >= after {
            let message = format!("the places of {} must ascend, but {after} stands behind {before}", check.title);
            if let Some(note) = check.report(Code::CurvePoints, &place(index + 1), message) {
                note.label("not above the one before");
            }
        } else if between == Between::Exponential && after.saturating_sub(before) as usize > POINTS_MAX {
            let message = format!("at most {POINTS_MAX} whole places can lie between two points of growth");
            check.report(Code::CurvePoints, &place(index + 1), message);
        }
    }
    if between == Between::Exponential
        && let Some(index) = points.iter().position(|(_, value)| *value <= 0)
    {
        let message = format!("growth needs values above 0, but {} is {}", check.title, points[index].1);
        if let Some(note) = check.report(Code::CurvePoints, &place(index), message) {
            note.label("not above 0");
        }
    }
}

/// Works the curve out, from its table if it names one.
pub(crate) fn fill_curve(curve: &mut CurveDef, tables: &mut Tables, check: &mut Checker<'_, '_>) {
    let points = match &curve.table {
        None => curve.points.clone(),
        Some(path) => match tables.use_table(path) {
            Err(candidate) => {
                let message = format!("there is no table `{path}`");
                if let Some(note) = check.report(Code::UnknownTable, "table", message) {
                    note.label("not found").help(candidate.map(|candidate| format!("did you mean \"{candidate}\"?")));
                }
                Vec::new()
            }
            Ok(None) => Vec::new(),
            Ok(Some(table)) => {
                let points = points_of(table, curve.column, check);
                check_points(&points, curve.between, "table", check);
                points
            }
        },
    };
    if points.windows(2).all(|pair| pair[0].0 < pair[1].0) && points.len() <= POINTS_MAX {
        curve.line = Arc::new(CurveLine::new(&points, curve.between));
    }
}

fn points_of(table: &NumberTable, column: u32, check: &mut Checker<'_, '_>) -> Vec<(i32, i32)> {
    let column = column as usize;
    if column >= table.columns {
        let message = format!("column {column} does not exist: the table has {} behind the places", table.columns - 1);
        check.report(Code::CurvePoints, "column", message);
        return Vec::new();
    }
    let rows = table.cells.chunks(table.columns).map(|row| (row[0], row[column]));
    if let Some(fraction) = rows.clone().flat_map(|(place, value)| [place, value]).find(|cell| cell.fract() != 0.0) {
        check.report(Code::CurvePoints, "table", format!("curves are of whole numbers, but the table has {fraction}"));
        return Vec::new();
    }
    // The loader of tables bounds every cell far below what an `i32` holds.
    rows.map(|(place, value)| (place as i32, value as i32)).collect()
}
