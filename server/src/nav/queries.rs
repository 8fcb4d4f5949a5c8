//! Questions to a navmesh as they stand in a file, one per line: six numbers between commas or spaces, or a JSON
//! object with `from`, `to` and, if wanted, an `id` of any kind. Blank lines and lines that begin with `#` are left
//! out. A line that is not a question is answered with what is wrong with it, and the next one is read.

use std::io::{self, BufRead, Read};

use glam::Vec3;
use serde::Deserialize;
use serde_json::Value;

/// Longest line of a file of questions, in bytes.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// From where to where.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The asker's own name for it, given back with the answer.
    pub id: Option<Value>,
    /// Start in metres.
    pub from: Vec3,
    /// Goal in metres.
    pub to: Vec3,
}

/// Why a line is no question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Longer than a question can be.
    #[error("the line has more than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// Bytes that are no text.
    #[error("the line is not UTF-8 text")]
    NotUtf8,
    /// Not the JSON that is wanted.
    #[error("{0}; a query is {{\"from\": [x, y, z], \"to\": [x, y, z]}}, with an \"id\" if wanted")]
    Json(String),
    /// Not six numbers.
    #[error("six numbers are needed (from x, y, z, to x, y, z), found {0}")]
    Count(usize),
    /// Not a number at all.
    #[error("`{0}` is not a number")]
    NotANumber(String),
    /// Infinite or too large for a coordinate.
    #[error("`{0}` is not a finite coordinate")]
    NotFinite(String),
}

/// One question on a line of its own.
///
/// # Errors
/// [`QueryError`] says what is wrong with it.
pub fn parse(line: &str) -> Result<Query, QueryError> {
    if line.trim_start().starts_with('{') { parse_json(line) } else { parse_numbers(line) }
}

/// A place written as `x,y,z`, for options of the command line.
///
/// # Errors
/// [`QueryError`], with the count of numbers where it is not three.
pub fn parse_place(text: &str) -> Result<Vec3, String> {
    let numbers = numbers(text).map_err(|error| error.to_string())?;
    match numbers[..] {
        [x, y, z] => Ok(Vec3::new(x, y, z)),
        _ => Err(format!("three numbers x,y,z are needed, found {}", numbers.len())),
    }
}

/// Calls `each` with the number of every line that is not blank (from 1) and what it asks.
///
/// # Errors
/// When the reader fails; `each` can end the reading by an error of its own.
pub fn read(
    mut reader: impl BufRead,
    mut each: impl FnMut(usize, Result<Query, QueryError>) -> io::Result<()>,
) -> io::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let most = LINE_BYTES_MAX as u64 + 1;
        if reader.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.last() != Some(&b'\n') && line.len() > LINE_BYTES_MAX {
            reader.skip_until(b'\n')?;
            each(number, Err(QueryError::TooLong))?;
            continue;
        }
        match std::str::from_utf8(&line) {
            Err(_) => each(number, Err(QueryError::NotUtf8))?,
            Ok(text) if text.trim().is_empty() || text.trim_start().starts_with('#') => {}
            Ok(text) => each(number, parse(text))?,
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct JsonQuery {
    id: Option<Value>,
    from: [f64; 3],
    to: [f64; 3],
}

fn parse_json(line: &str) -> Result<Query, QueryError> {
    let query: JsonQuery = serde_json::from_str(line).map_err(|error| QueryError::Json(error.to_string()))?;
    Ok(Query { id: query.id, from: place(query.from)?, to: place(query.to)? })
}

fn parse_numbers(line: &str) -> Result<Query, QueryError> {
    match numbers(line)?[..] {
        [a, b, c, d, e, f] => Ok(Query { id: None, from: Vec3::new(a, b, c), to: Vec3::new(d, e, f) }),
        ref other => Err(QueryError::Count(other.len())),
    }
}

fn numbers(text: &str) -> Result<Vec<f32>, QueryError> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|word| !word.is_empty());
    words.map(|word| finite(word.parse().map_err(|_| QueryError::NotANumber(word.to_owned()))?)).collect()
}

fn place(values: [f64; 3]) -> Result<Vec3, QueryError> {
    let [x, y, z] = values;
    Ok(Vec3::new(finite(x)?, finite(y)?, finite(z)?))
}

fn finite(value: f64) -> Result<f32, QueryError> {
    #[allow(clippy::cast_possible_truncation, reason = "what does not fit becomes infinite and is refused")]
    let narrow = value as f32;
    if narrow.is_finite() { Ok(narrow) } else { Err(QueryError::NotFinite(value.to_string())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(usize, Result<Query, QueryError>)> {
        let mut found = Vec::new();
        read(text, |number, query| {
            found.push((number, query));
            Ok(())
        })
        .expect("memory can be read");
        found
    }

    fn query(from: [f32; 3], to: [f32; 3]) -> Query {
        Query { id: None, from: from.into(), to: to.into() }
    }

    #[test]
    fn six_numbers_and_json_ask_the_same() {
        let expected = query([-1.5, 0.0, 2.0], [3.0, 4.0, -5e-1]);
        for line in ["-1.5,0,2,3,4,-0.5", "  -1.5 0\t2 , 3 4 -5e-1 ", "{\"from\":[-1.5,0,2],\"to\":[3,4,-0.5]}"] {
            assert_eq!(parse(line), Ok(expected.clone()), "{line}");
        }
        let named = parse("{\"to\":[0,0,0],\"from\":[0,0,0],\"id\":\"a\",\"note\":1}").unwrap();
        assert_eq!(named.id, Some(Value::from("a")));
    }

    #[test]
    fn a_bad_line_says_what_is_wrong_and_the_next_one_is_read() {
        let long = [vec![b'1'; LINE_BYTES_MAX + 10], b"\n0,0,0,0,0,0".to_vec()].concat();
        let good = query([0.0; 3], [0.0; 3]);
        assert_eq!(all(&long), [(1, Err(QueryError::TooLong)), (2, Ok(good.clone()))]);
        let text = b"# a comment\n\n1,2,3\n0 0 0 0 0 0\r\n1,2,3,4,5,x\n\xff\n1,2,3,4,5,1e60\n{\"from\":[0,0]}\n";
        let lines = all(text);
        assert_eq!(lines[0], (3, Err(QueryError::Count(3))));
        assert_eq!(lines[1], (4, Ok(good)));
        assert_eq!(lines[2], (5, Err(QueryError::NotANumber("x".to_owned()))));
        assert_eq!(lines[3], (6, Err(QueryError::NotUtf8)));
        assert!(matches!(&lines[4], (7, Err(QueryError::NotFinite(_)))));
        assert!(matches!(&lines[5], (8, Err(QueryError::Json(_)))));
        assert_eq!(lines.len(), 6);
    }

    #[test]
    fn a_place_has_three_finite_numbers() {
        assert_eq!(parse_place("-1,2.5,-3e0"), Ok(Vec3::new(-1.0, 2.5, -3.0)));
        for bad in ["", "1,2", "1,2,3,4", "1,2,inf", "NaN,0,0", "a,b,c"] {
            assert!(parse_place(bad).is_err(), "{bad}");
        }
    }
}
