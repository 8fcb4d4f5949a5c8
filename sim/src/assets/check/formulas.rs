//! The rules of formulas. What is wrong inside a formula is shown at its place inside the text, and the range of what it can
//! come to is compared with the bounds the record sets.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::{Check, Checker};
use crate::assets::{
    AttributeDef, CurveDef, CurveLine, FormulaDef, Id,
    load::LoadedTable,
    names::Names,
    report::{Code, nearest},
};
use crate::formula::{self, FormulaError, FormulaFault, Interval, Program, Ranges};

impl Check for FormulaDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            let message = format!("{} has a `min` of {min} and a `max` of {max}, so it has no result", check.title);
            check.contradiction("min", "max", message);
        }
        if self.coef.0 > self.coef.1 {
            let message = format!("`coef` goes from {} to {}, but the least comes first", self.coef.0, self.coef.1);
            check.contradiction("coef", "coef", message);
        }
    }
}

/// What the names in a formula stand for while data is loaded.
pub(crate) struct FormulaNames<'r> {
    pub(crate) names: &'r Names,
    pub(crate) attributes: &'r LoadedTable<AttributeDef>,
    pub(crate) curves: &'r LoadedTable<CurveDef>,
}

/// Inputs of formulas that are not attributes.
const INPUTS: [&str; 8] = ["coef", "stacks", "amount", "absorbed", "crit", "level", "hp", "mana"];

impl formula::Names for FormulaNames<'_> {
    fn attribute(&self, name: &str) -> Option<(u16, Range<i64>)> {
        let index = self.names.index("attribute", &format!("attribute/{name}"))?;
        let def = self.attributes.get(Id::new(index))?;
        Some((u16::try_from(index).ok()?, i64::from(def.min)..i64::from(def.max.max(def.min))))
    }

    fn curve(&self, name: &str) -> Option<Arc<CurveLine>> {
        let index = self.names.index("curve", &format!("curve/{name}"))?;
        Some(Arc::clone(self.curves.get(Id::new(index))?.line()))
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let attributes = self.attributes.iter().filter_map(|def| def.id.split_once('/')).map(|(_, name)| name);
        nearest(name, attributes.chain(INPUTS)).map(str::to_owned)
    }
}

/// Makes the formula of a record ready to run.
pub(crate) fn fill_formula(def: &mut FormulaDef, names: &FormulaNames<'_>, check: &mut Checker<'_, '_>) {
    let (least, most) = (def.coef.0.min(def.coef.1), def.coef.0.max(def.coef.1));
    let ranges = Ranges { coef: (least, most), deed: true };
    let Some((program, interval)) = compile_at("expr", &def.expr, ranges, names, check) else { return };
    def.program = program;
    let bounds = Interval::whole(def.min.unwrap_or(i64::MIN), def.max.unwrap_or(i64::MAX));
    if interval.hi < bounds.lo || interval.lo > bounds.hi {
        let message = format!("{} lies in {interval}, never within its bounds of {bounds}", check.title);
        if let Some(note) = check.report(Code::FormulaRange, "expr", message) {
            note.label("always cut off");
        }
    }
}

/// The formula of a derived attribute, if it has one without faults.
pub(crate) fn fill_derived(
    def: &AttributeDef,
    names: &FormulaNames<'_>,
    check: &mut Checker<'_, '_>,
) -> Option<Program> {
    let ranges = Ranges { coef: (0, 0), deed: false };
    let (program, _) = compile_at("derived", def.derived.as_ref()?, ranges, names, check)?;
    Some(program)
}

/// Reports the circle that an attribute is in, once per circle: at the member with the lowest id.
pub(crate) fn check_circles(
    start: Id<AttributeDef>,
    attributes: &LoadedTable<AttributeDef>,
    check: &mut Checker<'_, '_>,
) {
    let mut way = vec![start];
    if !leads_back(start, &mut way, &mut BTreeSet::new(), attributes) || way.iter().any(|id| *id < start) {
        return;
    }
    let name =
        |id: &Id<AttributeDef>| attributes.get(*id).and_then(|def| def.id.split_once('/')).map_or("", |(_, name)| name);
    let names: Vec<&str> = way.iter().chain([&start]).map(name).collect();
    let message = format!("{} derives from itself: {}", check.title, names.join(" -> "));
    if let Some(note) = check.report(Code::DerivedCycle, "derived", message) {
        note.label("a circle");
    }
}

/// Whether what the last of `way` needs leads back to `start`; then `way` is the circle.
fn leads_back(
    start: Id<AttributeDef>,
    way: &mut Vec<Id<AttributeDef>>,
    seen: &mut BTreeSet<Id<AttributeDef>>,
    attributes: &LoadedTable<AttributeDef>,
) -> bool {
    let Some(program) = way.last().and_then(|id| attributes.get(*id)).and_then(|def| def.program.as_ref()) else {
        return false;
    };
    for input in program.sources() {
        let input = Id::new(input.index() as u32);
        if input == start {
            return true;
        }
        if seen.insert(input) {
            way.push(input);
            if leads_back(start, way, seen, attributes) {
                return true;
            }
            way.pop();
        }
    }
    false
}

/// Compiles the formula that stands as a string at `path`, or reports what is wrong with it.
pub(crate) fn compile_at(
    path: &str,
    text: &str,
    ranges: Ranges,
    names: &FormulaNames<'_>,
    check: &mut Checker<'_, '_>,
) -> Option<(Program, Interval)> {
    if !check.is_original(path) {
        return None;
    }
    formula::compile(text, names, ranges).map_err(|error| report(path, error, check)).ok()
}

fn report(path: &str, error: FormulaError, check: &mut Checker<'_, '_>) {
    let FormulaError { span, kind, message, help } = error;
    let (code, label) = match kind {
        FormulaFault::Syntax => (Code::FormulaSyntax, "here"),
        FormulaFault::UnknownName => (Code::FormulaName, "unknown"),
        FormulaFault::Range => (Code::FormulaRange, "this part"),
    };
    let span = match check.node(path) {
        Some(node) => {
            let raw = node.string(check.text).unwrap_or_default();
            let start = node.span.start + 1;
            start + raw_offset(raw, span.start)..start + raw_offset(raw, span.end)
        }
        None => check.record.node.mark(),
    };
    check.findings.add(code, check.file, span, format!("{}: {message}", check.title)).label(label).help(help);
}

/// Where a byte of a string's value stands in its text, in which `\"` and the like take two bytes.
fn raw_offset(raw: &str, offset: usize) -> usize {
    let bytes = raw.as_bytes();
    let (mut at, mut read) = (0, 0);
    while read < offset && at < bytes.len() {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
        read += 1;
    }
    at.min(raw.len())
}

#[cfg(test)]
mod tests {
    use crate::assets::{AssetSources, Assets};

    fn findings(expr: &str) -> Vec<String> {
        findings_of(expr, "")
    }

    fn findings_of(expr: &str, more: &str) -> Vec<String> {
        let text = format!("(id: \"formula/x\",\n expr: \"{expr}\"{more})");
        let sources = AssetSources::new("")
            .with("formulas/x.ron", text)
            .with("curves/c.ron", "(id: \"curve/c\", points: [(1, 10), (60, 100)])");
        let (_, report) = Assets::examine(&sources);
        report.findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn faults_are_shown_at_their_column_inside_the_formula() {
        assert_eq!(
            findings("attack * + 1"),
            ["formulas/x.ron:2:18: error[A0132]: formula `formula/x`: expected a number, a name or `(` here"]
        );
        assert_eq!(
            findings(r#"curve(\"c\", level) + atack"#),
            [
                "formulas/x.ron:2:31: error[A0133]: formula `formula/x`: `atack` is neither an attribute nor an input (did you mean `attack`?)"
            ]
        );
        assert_eq!(
            findings("attack / target.armor"),
            [
                "formulas/x.ron:2:18: error[A0134]: formula `formula/x`: this divisor can be 0: it lies in 0 to 1000000 (write `max(1, ..)` around it, or add what keeps it away from 0)"
            ]
        );
        assert_eq!(
            findings("curve('d', level)"),
            ["formulas/x.ron:2:15: error[A0133]: formula `formula/x`: there is no curve `d`"]
        );
        assert!(findings("if(target.hp * 3 < target.hp_max, 2, 1) * curve('c', target.level)").is_empty());
    }

    #[test]
    fn a_formula_that_never_lies_within_its_bounds_is_reported() {
        assert_eq!(
            findings_of("0 - attack - 1", ", min: 0, max: 9"),
            [
                "formulas/x.ron:2:8: error[A0134]: formula `formula/x` lies in -1000001 to -1, never within its bounds of 0 to 9"
            ]
        );
        assert!(findings_of("0 - attack", ", min: 0, max: 9").is_empty(), "0 is possible");
    }
}
