//! Number tables: CSV files below `tables/`, one row per line, cells between commas, `#` for comment lines.
//! Every row has the same number of cells and every cell is a finite number; faults are reported per cell.
//! What a number means is up to the record that names the table.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    memo::Memo,
    report::{Code, Findings, nearest},
};

/// Most cells of a table: a heightfield of 1,024 x 1,024 cells.
const CELLS_MAX: usize = 1_025 * 1_025;
/// Largest number a cell holds; as centimetres, two kilometres.
const CELL_MAX: f32 = 200_000.0;
/// Faults reported for one table before the rest of it is skipped.
const FAULTS_MAX: usize = 20;

/// All tables of a run.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    by_path: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// `None` when the text has faults.
    table: Option<Arc<NumberTable>>,
    is_used: bool,
}

/// The numbers of a table, row by row.
#[derive(Debug, PartialEq)]
pub(crate) struct NumberTable {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) cells: Vec<f32>,
}

impl Tables {
    /// Reads the table at `path`, unless it is known from before.
    pub(crate) fn add(&mut self, path: &str, text: &str, memo: &mut (Arc<Memo>, Memo), findings: &mut Findings<'_>) {
        let table = memo.0.table(text, &mut memo.1).or_else(|| {
            let table = Arc::new(read(path, text, findings)?);
            memo.1.keep_table(text, &table);
            Some(table)
        });
        if let Some(same) = table.as_ref().and_then(|table| self.same_as(table)) {
            let message = format!("this table holds the same numbers as `{same}`");
            findings.add(Code::SameTable, path, 0..0, message);
        }
        self.by_path.insert(path.to_owned(), Entry { table, is_used: false });
    }

    fn same_as(&self, table: &NumberTable) -> Option<&str> {
        let is_same = |entry: &&Entry| entry.table.as_deref() == Some(table);
        self.by_path.iter().find(|(_, entry)| is_same(entry)).map(|(path, _)| path.as_str())
    }

    /// The table at `path`, `None` if its text has faults; `Err` with the nearest path if there is no such table.
    pub(crate) fn use_table(&mut self, path: &str) -> Result<Option<&NumberTable>, Option<String>> {
        // The borrow of a found entry would outlive the search for a near one, so the two are separate.
        if !self.by_path.contains_key(path) {
            return Err(nearest(path, self.by_path.keys().map(String::as_str)).map(str::to_owned));
        }
        let entry = self.by_path.get_mut(path).ok_or(None)?;
        entry.is_used = true;
        Ok(entry.table.as_deref())
    }

    /// Marks the table at `path`, if there is one, as named by a record that could not be read.
    pub(crate) fn mark_used(&mut self, path: &str) {
        if let Some(entry) = self.by_path.get_mut(path) {
            entry.is_used = true;
        }
    }

    /// Warns about tables that no record names.
    pub(crate) fn warn_unused(&self, findings: &mut Findings<'_>) {
        for (path, _) in self.by_path.iter().filter(|(_, entry)| !entry.is_used) {
            findings.add(Code::UnusedTable, path, 0..0, "no record uses this table".to_owned());
        }
    }
}

fn read(path: &str, text: &str, findings: &mut Findings<'_>) -> Option<NumberTable> {
    let mut table = NumberTable { columns: 0, rows: 0, cells: Vec::new() };
    let mut fault_count = 0;
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let start = line_start;
        line_start += line.len();
        let content = line.trim_end();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        fault_count += read_row(path, content, start, &mut table, findings);
        if fault_count >= FAULTS_MAX {
            return None;
        }
        if table.cells.len() > CELLS_MAX {
            findings.add(Code::TooLarge, path, start..start, format!("a table has at most {CELLS_MAX} cells"));
            return None;
        }
    }
    if table.rows == 0 {
        findings.add(Code::Empty, path, 0..0, "this table has no rows".to_owned());
        return None;
    }
    (fault_count == 0).then_some(table)
}

/// Adds one row and returns how many faults it had.
fn read_row(path: &str, row: &str, start: usize, table: &mut NumberTable, findings: &mut Findings<'_>) -> usize {
    let mut fault_count = 0;
    let mut cell_start = start;
    let mut count = 0;
    for cell in row.split(',') {
        let span = trimmed_span(cell, cell_start);
        cell_start += cell.len() + 1;
        count += 1;
        match cell.trim().parse::<f32>() {
            Ok(number) if number.abs() <= CELL_MAX => table.cells.push(number),
            Ok(number) if number.is_finite() => {
                fault_count += 1;
                findings
                    .add(
                        Code::OutOfRange,
                        path,
                        span,
                        format!("this cell is {number}, but must be from -{CELL_MAX} to {CELL_MAX}"),
                    )
                    .label("out of range");
            }
            Ok(_) | Err(_) => {
                fault_count += 1;
                findings
                    .add(Code::TableCell, path, span, format!("`{}` is not a number", cell.trim()))
                    .label("expected a number");
            }
        }
    }
    if table.rows == 0 {
        table.columns = count;
    } else if count != table.columns {
        fault_count += 1;
        let message = format!("this row has {count} cells, but the first one has {}", table.columns);
        findings.add(Code::TableCell, path, start..start + row.len(), message);
    }
    table.rows += 1;
    fault_count
}

fn trimmed_span(cell: &str, start: usize) -> std::ops::Range<usize> {
    let lead = cell.len() - cell.trim_start().len();
    start + lead..start + lead + cell.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::AssetSources;

    fn read_text(text: &str) -> (Option<NumberTable>, Vec<String>) {
        let sources = AssetSources::new("assets").with("tables/t.csv", text);
        let mut findings = Findings::new(&sources);
        let table = read("tables/t.csv", text, &mut findings);
        (table, findings.into_report().findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_table_is_read_row_by_row() {
        let (table, findings) = read_text("# heights\n1, 2,-3.5\r\n4,5,6\n");
        assert_eq!(table, Some(NumberTable { columns: 3, rows: 2, cells: vec![1.0, 2.0, -3.5, 4.0, 5.0, 6.0] }));
        assert!(findings.is_empty());
    }

    #[test]
    fn a_bad_cell_has_its_line_and_column() {
        let (table, findings) = read_text("1,2\n3, x4\n5\ninf,1\n");
        assert_eq!(table, None);
        assert_eq!(
            findings,
            [
                "assets/tables/t.csv:2:4: error[A0120]: `x4` is not a number",
                "assets/tables/t.csv:3:1: error[A0120]: this row has 1 cells, but the first one has 2",
                "assets/tables/t.csv:4:1: error[A0120]: `inf` is not a number",
            ]
        );
    }

    #[test]
    fn an_empty_table_is_an_error() {
        assert_eq!(read_text("# nothing\n").1, ["assets/tables/t.csv:1:1: error[A0121]: this table has no rows"]);
    }
}
