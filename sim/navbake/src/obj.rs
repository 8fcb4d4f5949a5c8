//! Reads Wavefront OBJ: corners and faces, all else is passed over. A broken file is refused with the line and the
//! reason.

use glam::Vec3;
use sim::space::triangles::TriangleSoup;

/// Why an OBJ file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ObjError {
    /// Line of the file, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

/// Reads corners (`v x y z`) and faces (`f a b c ..`, also `a/t/n`, also counted from the end with negative numbers).
/// Faces of more than three corners become fans. Units are metres, y is up.
///
/// # Errors
/// The first line that cannot be read, or line 0 when the file has no face.
pub fn read_obj(text: &str) -> Result<TriangleSoup, ObjError> {
    let mut soup = TriangleSoup::default();
    for (index, line) in text.lines().enumerate() {
        let error = |what: String| ObjError { line: index + 1, what };
        let content = line.split('#').next().unwrap_or_default();
        let mut words = content.split_whitespace();
        match words.next() {
            Some("v") => soup.vertices.push(corner(words).map_err(error)?),
            Some("f") => add_face(&mut soup, words).map_err(error)?,
            _ => {}
        }
    }
    if soup.triangles.is_empty() {
        return Err(ObjError { line: 0, what: "the file has no face (no line begins with `f`)".to_owned() });
    }
    Ok(soup)
}

fn corner<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<Vec3, String> {
    let mut number = |axis: &str| {
        let word = words.next().ok_or_else(|| format!("a corner needs three numbers, {axis} is missing"))?;
        let value: f32 = word.parse().map_err(|_| format!("`{word}` is not a number"))?;
        if value.is_finite() { Ok(value) } else { Err(format!("`{word}` is not a finite number")) }
    };
    Ok(Vec3::new(number("x")?, number("y")?, number("z")?))
}

fn add_face<'a>(soup: &mut TriangleSoup, words: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let corners = words.map(|word| index(word, soup.vertices.len())).collect::<Result<Vec<u32>, String>>()?;
    if corners.len() < 3 {
        return Err(format!("a face needs at least three corners, this one has {}", corners.len()));
    }
    soup.triangles.extend((2..corners.len()).map(|last| [corners[0], corners[last - 1], corners[last]]));
    Ok(())
}

/// The place of a face's corner: `7`, `7/1`, `7//3`, `7/1/3`, or negative for counting back from the last one read.
fn index(word: &str, count: usize) -> Result<u32, String> {
    let digits = word.split('/').next().unwrap_or_default();
    let number: i64 = digits.parse().map_err(|_| format!("`{word}` does not name a corner"))?;
    let counted = i64::try_from(count).unwrap_or(i64::MAX);
    let place = match number {
        1.. => number - 1,
        0 => return Err("corners are counted from 1, there is no corner 0".to_owned()),
        _ => counted + number,
    };
    if !(0..counted).contains(&place) {
        return Err(format!("corner {number} does not exist, the file has {count} before this line"));
    }
    u32::try_from(place).map_err(|_| "the file has too many corners".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_of_every_form_become_triangles() {
        let text = "# a square\no Floor\nv 0 0 0\nv 0 0 1 # far\nv 1 0 1\nv 1 0 0\nvn 0 1 0\nvt 0 0\ns off\n\
                    usemtl grass\nf 1 2 3 4\nf 1/1 2/1/1 3//1\nf -4 -3 -2\n";
        let soup = read_obj(text).unwrap();
        assert_eq!(soup.vertices.len(), 4);
        assert_eq!(soup.triangles, [[0, 1, 2], [0, 2, 3], [0, 1, 2], [0, 1, 2]]);
    }

    #[test]
    fn a_broken_file_is_refused_with_its_line() {
        let refused = |text: &str| read_obj(text).unwrap_err();
        assert_eq!(
            refused("v 0 0 0\nv 0 0"),
            ObjError { line: 2, what: "a corner needs three numbers, z is missing".into() }
        );
        assert_eq!(refused("\nv 0 zero 0").line, 2);
        assert_eq!(refused("v 0 nan 0").to_string(), "line 1: `nan` is not a finite number");
        let corners = "v 0 0 0\nv 0 0 1\nv 1 0 1\n";
        let cases = ["f 1 2", "f 1 2 4", "f 0 1 2", "f -4 1 2", "f 1 2 x", "f 1 2 /3", "f 99999999999999999999 1 2"];
        assert!(cases.iter().all(|face| refused(&format!("{corners}{face}")).line == 4));
        assert_eq!(refused(corners).line, 0);
    }
}
