//! Says what is wrong with a value that does not fit its type, and what would fit.
//! `ron` stops where it cannot go on, which may be behind the value at fault: `5.5` for a whole number fails at the `.`.
//! So the value read last is looked at first, then the one being read.

use super::{
    super::{
        report::{Code, Findings},
        span::{Group, Node, Shape},
        trace::{Expected, Trace},
    },
    Repair,
};

impl Repair<'_> {
    /// Reports a value that is not what its type asks for, or text that only `ron` could see is wrong.
    pub(super) fn misfit(
        &mut self,
        path: &str,
        error: &ron::Error,
        trace: &Trace,
        findings: &mut Findings<'_>,
    ) -> bool {
        if let Some((last, expected)) = trace.last().filter(|_| is_about_the_end(error)) {
            let last = self.places.in_text(last);
            if let Some(node) = self.node.at(self.text, &last)
                && !self.places.is_replaced(&last)
                && !self.respelled.contains(&last)
                && !fits_exactly(node, self.text, expected)
            {
                return self.wrong_type(&last, node, expected, findings);
            }
        }
        let node = self.node.nearest(self.text, path);
        let expected = trace.expected();
        if self.places.is_replaced(path) {
            return self.drop_element(path);
        }
        if matches!(error, ron::Error::IntegerOutOfBounds) {
            return self.too_large(path, node, expected, findings);
        }
        if !fits(node, self.text, expected) {
            return self.wrong_type(path, node, expected, findings);
        }
        if let Some((outer, "0")) = path.rsplit_once('.')
            && is_about_the_end(error)
            && let Some(node) = self.node.at(self.text, outer)
        {
            return self.too_many_values(outer, node, findings);
        }
        self.fault_count += 1;
        let message = format!("{} cannot be read: {}", field_name(path), lower_first(&error.to_string()));
        findings.add(Code::Syntax, self.file, node.mark(), message);
        self.replace(path, node, &default_text(expected))
    }

    fn too_large(&mut self, path: &str, node: &Node, expected: Expected, findings: &mut Findings<'_>) -> bool {
        self.fault_count += 1;
        let name = field_name(path);
        let own = &self.text[node.span.clone()];
        let unit = unit_of(path);
        let message = match expected {
            Expected::Whole { min, max } => format!("{name} is {own}, but must be from {min} to {max}{unit}"),
            _ => format!("{name} is {own}, which is too large"),
        };
        findings.add(Code::OutOfRange, self.file, node.mark(), message).label("out of range");
        self.replace(path, node, "0")
    }

    /// A variant that holds one value was given several.
    fn too_many_values(&mut self, path: &str, node: &Node, findings: &mut Findings<'_>) -> bool {
        let Shape::Group(Group { name: Some(name), elements, .. }) = &node.shape else {
            return false;
        };
        self.fault_count += 1;
        let name = &self.text[name.clone()];
        findings.add(
            Code::WrongType,
            self.file,
            node.mark(),
            format!("`{name}` takes one value, found {}", elements.len()),
        );
        let first = elements.first().map_or("0", |first| &self.text[first.span.clone()]);
        self.replace(path, node, &format!("{name}({first})"))
    }

    fn wrong_type(&mut self, path: &str, node: &Node, expected: Expected, findings: &mut Findings<'_>) -> bool {
        self.fault_count += 1;
        let found = node.describe(self.text);
        let message = format!("{} must be {}, found {found}", field_name(path), describe(expected));
        findings.add(Code::WrongType, self.file, node.mark(), message).label(label(expected));
        let text = match (expected, &node.shape) {
            // The names stay, so that a variant with or without parentheses is only turned into the other.
            (Expected::Fields, Shape::Word) => format!("{}()", &self.text[node.span.clone()]),
            (Expected::Variant(_), Shape::Group(Group { name: Some(name), .. })) => self.text[name.clone()].to_owned(),
            _ => default_text(expected),
        };
        self.replace(path, node, &text)
    }
}

/// Whether the error says that more text stands where a value should have ended.
fn is_about_the_end(error: &ron::Error) -> bool {
    use ron::Error as E;
    matches!(
        error,
        E::ExpectedComma | E::ExpectedArrayEnd | E::ExpectedStructLikeEnd | E::ExpectedMapEnd | E::TrailingCharacters
    )
}

/// Whether a piece of text looks like what is expected.
fn fits(node: &Node, text: &str, expected: Expected) -> bool {
    let own = text.get(node.span.clone()).unwrap_or_default();
    match (expected, &node.shape) {
        (Expected::Bool, Shape::Word) => matches!(own, "true" | "false"),
        (Expected::Whole { .. }, Shape::Number) => !own.contains('.') && !own.contains(['e', 'E']),
        (Expected::Number, Shape::Word) => matches!(own, "inf" | "NaN"),
        (Expected::Tuple(len), Shape::Group(group)) => group.fields.is_empty() && group.elements.len() == len,
        (Expected::Variant(names), Shape::Word) => names.contains(&own),
        (Expected::Anything, _)
        | (Expected::Number, Shape::Number)
        | (Expected::Text, Shape::Text)
        | (Expected::List, Shape::List(_))
        | (Expected::Map, Shape::Map(_))
        | (Expected::Variant(_), Shape::Group(Group { name: Some(_), .. })) => true,
        (Expected::Fields, Shape::Group(group)) => group.elements.is_empty(),
        _ => false,
    }
}

/// Like `fits`, for a value `ron` has finished: a variant it finished as a name must not go on with parentheses.
fn fits_exactly(node: &Node, text: &str, expected: Expected) -> bool {
    match (expected, &node.shape) {
        (Expected::Variant(_), Shape::Group(_)) => false,
        _ => fits(node, text, expected),
    }
}

/// Something that reads as what is expected.
pub(super) fn default_text(expected: Expected) -> String {
    match expected {
        Expected::Bool => "false".to_owned(),
        Expected::Whole { .. } => "0".to_owned(),
        Expected::Number => "0.0".to_owned(),
        Expected::Text => "\"\"".to_owned(),
        Expected::List => "[]".to_owned(),
        Expected::Tuple(len) => format!("({})", vec!["0"; len].join(", ")),
        Expected::Fields => "()".to_owned(),
        Expected::Map => "{}".to_owned(),
        Expected::Variant(names) => names.first().copied().unwrap_or("()").to_owned(),
        Expected::Anything => "None".to_owned(),
    }
}

fn describe(expected: Expected) -> String {
    match expected {
        Expected::Bool => "`true` or `false`".to_owned(),
        Expected::Whole { min: 0, .. } => "a whole number from 0".to_owned(),
        Expected::Whole { .. } => "a whole number".to_owned(),
        Expected::Number => "a number".to_owned(),
        Expected::Text => "a string".to_owned(),
        Expected::List => "a list `[..]`".to_owned(),
        Expected::Tuple(1) => "one value in parentheses".to_owned(),
        Expected::Tuple(len) => format!("{len} values `({})`", vec![".."; len].join(", ")),
        Expected::Fields => "a group `(..)` of named fields".to_owned(),
        Expected::Map => "a map `{\"name\": ..}`".to_owned(),
        Expected::Variant(names) => listed(names, "or"),
        Expected::Anything => "another value".to_owned(),
    }
}

fn label(expected: Expected) -> &'static str {
    match expected {
        Expected::Bool => "expected `true` or `false`",
        Expected::Whole { .. } => "expected a whole number",
        Expected::Number => "expected a number",
        Expected::Text => "expected a string",
        Expected::List => "expected a list",
        Expected::Tuple(_) => "expected other values",
        Expected::Fields => "expected a group of fields",
        Expected::Map => "expected a map",
        Expected::Variant(_) => "expected one of these names alone",
        Expected::Anything => "expected another value",
    }
}

/// "`a`, `b` or `c`" with the last word given.
pub(super) fn listed(names: &[&str], last_word: &str) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {last_word} {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// What a message calls the value at `path`: its last name, with the index of a list element.
pub(crate) fn field_name(path: &str) -> String {
    let is_index = |segment: &str| segment.bytes().all(|byte| byte.is_ascii_digit());
    let segments: Vec<_> = path.split('.').collect();
    let start = segments.iter().rposition(|segment| !is_index(segment)).unwrap_or(0);
    let mut name = String::new();
    for segment in segments.iter().skip(start) {
        if is_index(segment) {
            name.push_str(&format!("[{segment}]"));
        } else {
            name.push_str(segment);
        }
    }
    if name.is_empty() { "the record".to_owned() } else { format!("`{name}`") }
}

/// The unit a field's name ends with, as " ms"; empty for a bare number.
pub(crate) fn unit_of(path: &str) -> &'static str {
    let is_name = |segment: &&str| !segment.bytes().all(|byte| byte.is_ascii_digit());
    let name = path.rsplit('.').find(is_name).unwrap_or_default();
    match name.rsplit('_').next().unwrap_or_default() {
        "ms" => " ms",
        "bp" => " basis points (10000 = 100 %)",
        "m" => " m",
        "mps" => " m/s",
        "deg" => " degrees",
        "mp" => " mana points",
        "milli" => " thousandths per second",
        _ => "",
    }
}

fn lower_first(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
