//! Reads a RON file into a tree of spans and notes what is not RON about it.
//! Every way through consumes at least one character or leaves its bracket, so it ends on any text.
//! Mended places are listed as insertions; a record whose brackets or strings do not close counts as broken instead.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use super::{Facts, Field, Group, Node, Shape};

/// Deepest nesting of brackets; scenes need five.
const DEPTH_MAX: usize = 32;

/// What a file consists of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scan {
    pub(crate) records: Vec<Arc<ScannedRecord>>,
    pub(crate) faults: Vec<SyntaxFault>,
    /// Text to insert at byte offsets so that `ron` can go on where something small was forgotten.
    pub(crate) insertions: Vec<(usize, &'static str)>,
}

/// One record of a file.
#[derive(Debug, Clone)]
pub(crate) struct ScannedRecord {
    pub(crate) node: Node,
    /// Whether `ron` cannot make sense of it.
    pub(crate) is_broken: bool,
    facts: OnceLock<Facts>,
}

impl ScannedRecord {
    /// What it says about itself; `text` is the text that was scanned.
    pub(crate) fn facts(&self, text: &str) -> &Facts {
        self.facts.get_or_init(|| Facts::of(&self.node, text))
    }
}

/// Something that is not RON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxFault {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
}

/// Scans a file that holds one record `( .. )` or a list of records `[ (..), (..) ]`.
pub(crate) fn scan(text: &str) -> Scan {
    let mut scanner = Scanner { text, at: 0, closers: Vec::new(), is_broken: false, scan: Scan::default() };
    scanner.file();
    scanner.scan
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// The closing brackets that are still to come, innermost last.
    closers: Vec<char>,
    is_broken: bool,
    scan: Scan,
}

impl Scanner<'_> {
    fn file(&mut self) {
        self.skip_blank();
        match self.peek() {
            None => {}
            Some('[') => self.records(),
            Some('(') => self.record(),
            Some(_) => self.fault(self.at..self.at + 1, "expected a record `(..)` or a list of records `[(..), ..]`"),
        }
        self.skip_blank();
        if self.at < self.text.len() && self.scan.faults.is_empty() {
            self.fault(self.at..self.at + 1, "there is text behind the end of the records");
        }
    }

    fn records(&mut self) {
        let open = self.at;
        self.at += 1;
        self.closers.push(']');
        loop {
            self.skip_blank();
            match self.peek() {
                None => {
                    self.fault(open..open + 1, "this `[` is never closed");
                    break;
                }
                Some(']') => {
                    self.at += 1;
                    break;
                }
                Some('(') => {
                    self.record();
                    self.separator("record");
                }
                Some(_) => {
                    let start = self.at;
                    // A stray value is skipped whole, so that it costs one message.
                    self.value();
                    self.at = self.at.max(start + self.peek_len(start));
                    self.fault(start..self.at, "expected a record `(..)`");
                    self.separator("record");
                }
            }
        }
        self.closers.pop();
    }

    fn record(&mut self) {
        self.is_broken = false;
        let node = self.value();
        let record = ScannedRecord { node, is_broken: self.is_broken, facts: OnceLock::new() };
        self.scan.records.push(Arc::new(record));
    }

    fn value(&mut self) -> Node {
        self.skip_blank();
        let start = self.at;
        let shape = match self.peek() {
            Some('"') => self.string(),
            Some('[') => self.list(),
            Some('(') => self.group(None),
            Some('{') => self.map(),
            Some(c) if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => {
                self.take_while(|c| c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'));
                Shape::Number
            }
            Some(c) if c.is_alphabetic() || c == '_' => self.word(),
            Some(c) if !matches!(c, ')' | ']' | '}' | ',' | ':') => {
                self.at += c.len_utf8();
                self.broken(start..self.at, format!("`{c}` has no place here"));
                Shape::Other
            }
            _ => {
                self.broken(start..start + self.peek_len(start), "expected a value".to_owned());
                Shape::Other
            }
        };
        Node { span: start..self.at, shape }
    }

    fn word(&mut self) -> Shape {
        let start = self.at;
        self.take_while(|c| c.is_alphanumeric() || c == '_');
        let name = start..self.at;
        let behind = self.at;
        self.skip_blank();
        if self.peek() == Some('(') {
            return self.group(Some(name));
        }
        self.at = behind;
        Shape::Word
    }

    fn string(&mut self) -> Shape {
        let start = self.at;
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |end| start + end);
        let mut is_escaped = false;
        for (offset, c) in self.text[start + 1..line_end].char_indices() {
            match c {
                '"' if !is_escaped => {
                    self.at = start + 1 + offset + 1;
                    return Shape::Text;
                }
                '\\' => is_escaped = !is_escaped,
                _ => is_escaped = false,
            }
        }
        self.at = line_end;
        self.broken(start..start + 1, "this string is not closed on its line".to_owned());
        Shape::Other
    }

    fn list(&mut self) -> Shape {
        let open = self.at;
        if !self.enter(']') {
            return Shape::Other;
        }
        let mut elements = Vec::new();
        while self.goes_on(open) {
            elements.push(self.value());
            self.separator("element");
        }
        Shape::List(elements)
    }

    fn map(&mut self) -> Shape {
        let open = self.at;
        if !self.enter('}') {
            return Shape::Other;
        }
        let mut entries = Vec::new();
        while self.goes_on(open) {
            let key = self.value();
            self.skip_blank();
            if self.peek() == Some(':') {
                self.at += 1;
                let value = self.value();
                entries.push((key, value));
            } else {
                self.broken(key.span, "expected `\"name\": value` in this map".to_owned());
            }
            self.separator("entry");
        }
        Shape::Map(entries)
    }

    fn group(&mut self, name: Option<Range<usize>>) -> Shape {
        let open = self.at;
        if !self.enter(')') {
            return Shape::Other;
        }
        let mut group = Group { name, inside: self.at, ..Group::default() };
        while self.goes_on(open) {
            if self.is_next_record() {
                self.unclosed(open);
                self.closers.pop();
                break;
            }
            self.member(&mut group);
            self.separator("field");
        }
        Shape::Group(group)
    }

    fn member(&mut self, group: &mut Group) {
        let value = self.value();
        self.skip_blank();
        let is_key = value.shape == Shape::Word;
        if is_key && self.peek() == Some(':') {
            self.at += 1;
            let key = value.span;
            let value = self.value();
            group.fields.push(Field { key, value });
        } else if is_key && !group.fields.is_empty() && self.starts_value() {
            self.fault(self.at..self.at + self.peek_len(self.at), "expected `:` behind the name of the field");
            self.scan.insertions.push((value.span.end, ":"));
            let key = value.span;
            let value = self.value();
            group.fields.push(Field { key, value });
        } else if group.fields.is_empty() || value.shape == Shape::Other {
            group.elements.push(value);
        } else {
            self.broken(value.span, "expected the name of a field".to_owned());
        }
    }

    /// Opens a bracket; false, with the rest of the line skipped, when it is nested too deeply.
    fn enter(&mut self, closer: char) -> bool {
        if self.closers.len() >= DEPTH_MAX {
            self.broken(self.at..self.at + 1, format!("brackets are nested more than {DEPTH_MAX} deep"));
            self.take_while(|c| c != '\n');
            return false;
        }
        self.at += 1;
        self.closers.push(closer);
        true
    }

    /// Whether the innermost bracket has another member; closes it when not.
    fn goes_on(&mut self, open: usize) -> bool {
        loop {
            self.skip_blank();
            match self.peek() {
                Some(c @ (')' | ']' | '}')) if self.closers.last() == Some(&c) => {
                    self.at += 1;
                    self.closers.pop();
                    return false;
                }
                Some(c @ (')' | ']' | '}')) if !self.closers.contains(&c) => {
                    self.broken(self.at..self.at + 1, format!("this `{c}` closes nothing"));
                    self.at += 1;
                }
                None | Some(')' | ']' | '}') => {
                    self.unclosed(open);
                    self.closers.pop();
                    return false;
                }
                Some(',') => {
                    self.fault(self.at..self.at + 1, "expected a value in front of this `,`");
                    self.is_broken = true;
                    self.at += 1;
                }
                Some(_) => return true,
            }
        }
    }

    /// Reads the comma behind a member; a missing one is noted and mended.
    fn separator(&mut self, what: &str) {
        let end = self.at;
        self.skip_blank();
        match self.peek() {
            Some(',') => self.at += 1,
            Some(':') => {
                self.broken(self.at..self.at + 1, "this `:` has no name in front of it".to_owned());
                self.at += 1;
            }
            Some(')' | ']' | '}') | None => {}
            Some(_) if self.is_next_record() => {}
            Some(_) => {
                // After a broken value the missing comma is a consequence, not a second fault.
                if !self.is_broken {
                    self.fault(
                        self.at..self.at + self.peek_len(self.at),
                        &format!("expected `,` between this {what} and the one before"),
                    );
                }
                self.scan.insertions.push((end, ","));
            }
        }
    }

    /// Whether an unclosed record ends here because the next one begins: `( id:` where a field should be.
    fn is_next_record(&self) -> bool {
        let rest = &self.text[self.at..];
        self.closers == [']', ')']
            && rest
                .strip_prefix('(')
                .and_then(|rest| rest.trim_start().strip_prefix("id"))
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
    }

    fn starts_value(&self) -> bool {
        self.peek().is_some_and(|c| c.is_alphanumeric() || matches!(c, '"' | '[' | '(' | '-' | '+' | '.'))
    }

    fn unclosed(&mut self, open: usize) {
        // After an unclosed string the brackets are a consequence, not a second fault.
        if self.is_broken {
            return;
        }
        let bracket = self.text.get(open..open + 1).unwrap_or("(");
        self.broken(open..open + 1, format!("this `{bracket}` is never closed"));
    }

    fn broken(&mut self, span: Range<usize>, message: String) {
        self.is_broken = true;
        self.scan.faults.push(SyntaxFault { span, message });
    }

    fn fault(&mut self, span: Range<usize>, message: &str) {
        self.scan.faults.push(SyntaxFault { span, message: message.to_owned() });
    }

    fn skip_blank(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            let rest = &self.text[self.at..];
            if rest.starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if rest.starts_with("/*") {
                self.block_comment();
            } else {
                return;
            }
        }
    }

    fn block_comment(&mut self) {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            let rest = &self.text[self.at..];
            if rest.starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with("*/") {
                depth -= 1;
                self.at += 2;
            } else {
                self.at += c.len_utf8();
            }
            if depth == 0 {
                return;
            }
        }
        self.broken(start..start + 2, "this comment is never closed".to_owned());
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) {
        let rest = &self.text[self.at..];
        self.at += rest.find(|c| !accept(c)).unwrap_or(rest.len());
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn peek_len(&self, at: usize) -> usize {
        self.text[at..].chars().next().map_or(0, char::len_utf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        scan(text).faults.into_iter().map(|fault| format!("{}: {}", fault.span.start, fault.message)).collect()
    }

    #[test]
    fn paths_find_fields_and_elements() {
        let text = r#"(id: "skill/x", actions: [Damage(ratio_bp: 5), /* ) */ Apply(effect: "effect/y")], at: (1, -2.5), of: {"a": Flat(7)})"#;
        let scan = scan(text);
        let node = &scan.records[0].node;
        let at = |path| node.at(text, path).map(|node| &text[node.span.clone()]);
        assert_eq!(at("actions.1.effect"), Some("\"effect/y\""));
        assert_eq!(at("actions.0"), Some("Damage(ratio_bp: 5)"));
        assert_eq!(at("at.1"), Some("-2.5"));
        assert_eq!((at("of.a.0"), at("of.@a"), at("of.b")), (Some("7"), Some("\"a\""), None));
        assert_eq!(at("actions.2"), None);
        assert!(scan.faults.is_empty());
    }

    #[test]
    fn a_forgotten_comma_is_named_and_mended() {
        let scan = scan("(id: \"a\"\n name: \"b\")");
        assert_eq!(scan.insertions, [(8, ",")]);
        assert!(!scan.records[0].is_broken);
        assert_eq!(scan.faults[0].message, "expected `,` between this field and the one before");
    }

    #[test]
    fn a_record_without_its_bracket_does_not_swallow_the_next() {
        let scan = scan("[ (id: \"a\", n: [1, 2],\n  (id: \"b\") ]");
        assert_eq!(scan.records.len(), 2);
        assert!(scan.records[0].is_broken && !scan.records[1].is_broken);
        assert_eq!(scan.faults.len(), 1);
    }

    #[test]
    fn strings_end_on_their_line() {
        assert_eq!(messages("[(id: \"a),\n (id: \"b\")]"), ["6: this string is not closed on its line"]);
    }

    #[test]
    fn any_text_ends() {
        for text in [
            "", "(", "[", ")", "](", "((((", "[(,,)]", "(a:)", "(:b)", "/*", "\"", "'x'", "é", "(a é)", "[[(]",
            "{1:2}", "(1 2", "+",
        ] {
            scan(text);
        }
        assert_eq!(scan(&"(".repeat(100_000)).records.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn random_text_ends(text in "[a(){}\\[\\],:\"0 \n/*é]{0,60}") {
            scan(&text);
        }
    }
}
