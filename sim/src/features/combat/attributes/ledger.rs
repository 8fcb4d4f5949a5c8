//! Why an attribute is what it is: every step from the base to the value, with where it comes from. Used on the command
//! line, by the GM console and in tests; the last step is the value the pipeline gives, which a test proves.

use std::fmt;

use serde::Serialize;

use super::pipeline::{Limits, Sums, scaled};
use super::{Attributes, Change, ChangeSource, Modifiers, pipeline};
use crate::assets::{Assets, AttributeId, AttributeTable, AttributeValue, ModifierOp, Rounding};
use crate::formula::Scope;

/// Whose attribute is explained.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The class or kind it is of, by its id.
    pub origin: &'a str,
    /// What that says about attributes.
    pub table: &'a AttributeTable,
    /// Its numbers.
    pub attributes: &'a Attributes,
    /// What is on it.
    pub modifiers: &'a Modifiers,
}

/// One attribute, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Name without `attribute/`.
    pub attribute: String,
    /// What players read.
    pub name: String,
    /// From the base to the value.
    pub steps: Vec<LedgerStep>,
    /// The value in force.
    pub value: i32,
}

/// One step of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerStep {
    /// What happens.
    pub what: String,
    /// Where it comes from.
    pub from: String,
    /// The running value behind it, in ten-thousandths.
    pub running: i64,
}

impl Ledger {
    /// Explains an attribute; `None` for one that does not exist.
    #[must_use]
    pub fn of(assets: &Assets, subject: &Subject<'_>, attribute: AttributeId) -> Option<Self> {
        let def = assets.attributes.get(attribute)?;
        let mut book = Book { assets, steps: Vec::new(), running: 0 };
        book.base(subject, attribute);
        let own = || subject.modifiers.iter().filter(|change| change.attribute == attribute);
        let always: Vec<&Change> = own().filter(|change| change.when.is_none()).collect();
        book.modifiers(&always);
        let limits = Limits::from(def);
        let value = book.limits(limits);
        for change in own().filter(|change| change.when.is_some()) {
            book.note(format!("only for some deeds: {}", described(change)), change.source);
        }
        let attribute = def.id.split_once('/').map_or(def.id.as_str(), |(_, name)| name).to_owned();
        Some(Self { attribute, name: def.name.clone(), steps: book.steps, value })
    }
}

struct Book<'a> {
    assets: &'a Assets,
    steps: Vec<LedgerStep>,
    running: i128,
}

impl Book<'_> {
    fn step(&mut self, what: String, from: String, running: i128) {
        self.running = running;
        let running = i64::try_from(running).unwrap_or(i64::MAX);
        self.steps.push(LedgerStep { what, from, running });
    }

    fn note(&mut self, what: String, source: ChangeSource) {
        let (from, running) = (self.named(source), self.running);
        self.step(what, from, running);
    }

    fn base(&mut self, subject: &Subject<'_>, attribute: AttributeId) {
        let attributes = subject.attributes;
        let base = i128::from(attributes.base(attribute)) * ONE;
        let (what, from) = match subject.table.get(attribute) {
            Some(value) => (said(value, attributes.level()), subject.origin.to_owned()),
            None => ("base of every unit".to_owned(), self.name_of(attribute)),
        };
        self.step(what, from, base);
        let registry = &self.assets.attributes;
        if let Some(program) = registry.derivation(attribute) {
            let scope = Scope { level: attributes.level(), ..Scope::of(attributes.all()) };
            let round = registry.get(attribute).map(|def| def.round).unwrap_or_default();
            let derived = i128::from(program.eval(&scope, round)) * ONE;
            let text = registry.get(attribute).and_then(|def| def.derived.clone()).unwrap_or_default();
            let inputs: Vec<String> = program
                .sources()
                .map(|input| format!("{} {}", self.name_of(input), attributes.current(input)))
                .chain(std::iter::once(format!("level {}", attributes.level())))
                .collect();
            self.step(format!("+ {text}"), inputs.join(", "), base + derived);
        }
    }

    fn modifiers(&mut self, changes: &[&Change]) {
        let start = self.running;
        let sums = Sums::of(changes.iter().copied());
        let of = |wanted: fn(ModifierOp) -> bool| changes.iter().copied().filter(move |change| wanted(change.op));
        for change in of(|op| matches!(op, ModifierOp::Flat(_))) {
            let (from, running) = (self.named(change.source), self.running + i128::from(change.amount()) * ONE);
            self.step(described(change), from, running);
        }
        let base = i64::try_from(start / ONE).unwrap_or(i64::MAX);
        let increased = pipeline::combine(base, sums.flat, sums.increased_bp, &[]);
        let mut increases = of(|op| matches!(op, ModifierOp::Increased(_))).peekable();
        while let Some(change) = increases.next() {
            // Increases multiply once, together: the last line shows the result.
            let running = if increases.peek().is_some() { self.running } else { increased };
            let from = self.named(change.source);
            self.step(described(change), from, running);
        }
        self.running = increased;
        let mut more: Vec<&Change> = of(|op| matches!(op, ModifierOp::More(_))).collect();
        more.sort_by_key(|change| change.amount());
        for change in more {
            let (from, running) = (self.named(change.source), scaled(self.running, change.amount()));
            self.step(described(change), from, running);
        }
        self.bounds(
            &sums,
            &of(|op| matches!(op, ModifierOp::Override(_) | ModifierOp::ClampMin(_) | ModifierOp::ClampMax(_)))
                .collect::<Vec<_>>(),
        );
    }

    fn bounds(&mut self, sums: &Sums, changes: &[&Change]) {
        let order = |change: &&&Change| match change.op {
            ModifierOp::Override(_) => 0,
            ModifierOp::ClampMin(_) => 1,
            _ => 2,
        };
        let mut sorted: Vec<&&Change> = changes.iter().collect();
        sorted.sort_by_key(order);
        for change in sorted {
            let amount = Some(change.amount());
            let counts = [sums.fixed, sums.at_least, sums.at_most].get(order(&change)).copied().flatten() == amount;
            let running = match change.op {
                _ if !counts => self.running,
                ModifierOp::Override(_) => i128::from(change.amount()) * ONE,
                ModifierOp::ClampMin(_) => self.running.max(i128::from(change.amount()) * ONE),
                _ => self.running.min(i128::from(change.amount()) * ONE),
            };
            let from = self.named(change.source);
            self.step(described(change), from, running);
        }
    }

    /// Rounds into the range, with a line where that does something, and gives the value.
    fn limits(&mut self, limits: Limits) -> i32 {
        let rounded = limits.round.divide(self.running, ONE);
        if rounded * ONE != self.running {
            self.step(format!("rounded ({:?})", limits.round), String::new(), rounded * ONE);
        }
        let inside = rounded.clamp(i128::from(limits.min), i128::from(limits.max));
        if inside != rounded {
            self.step(format!("range {} to {}", limits.min, limits.max), String::new(), inside * ONE);
        }
        i32::try_from(inside).unwrap_or(limits.max)
    }

    fn name_of(&self, attribute: AttributeId) -> String {
        let def = self.assets.attributes.get(attribute);
        def.and_then(|def| def.id.split_once('/')).map_or_else(String::new, |(_, name)| name.to_owned())
    }

    fn named(&self, source: ChangeSource) -> String {
        match source {
            ChangeSource::Effect(effect, by) => {
                let name = self.assets.effects.get(effect).map_or("an effect that is gone", |def| def.id.as_str());
                if by.bits() == 0 { name.to_owned() } else { format!("{name} by {by:?}") }
            }
            ChangeSource::Item(item) => {
                self.assets.items.get(item).map_or("an item that is gone", |def| def.id.as_str()).to_owned()
            }
            ChangeSource::Set(set) => {
                self.assets.sets.get(set).map_or("a set that is gone", |def| def.id.as_str()).to_owned()
            }
            ChangeSource::Other(name) => name.to_owned(),
        }
    }
}

/// Ten-thousandths in one.
const ONE: i128 = 10_000;

fn said(value: &AttributeValue, level: u16) -> String {
    match value {
        AttributeValue::Flat(value) => format!("{value}"),
        AttributeValue::PerLevel(first, step) => format!("{first} and {step} per level, at level {level}"),
        AttributeValue::Curve(curve) => format!("curve {} at level {level}", curve.name()),
        AttributeValue::Scale(inner, pct) => format!("{pct} % of {}", said(inner, level)),
    }
}

fn described(change: &Change) -> String {
    let amount = change.amount();
    let percent = |bp: i64| {
        let sign = if bp < 0 { "-" } else { "+" };
        let (whole, rest) = (bp.unsigned_abs() / 100, bp.unsigned_abs() % 100);
        if rest == 0 { format!("{sign}{whole} %") } else { format!("{sign}{whole}.{rest:02} %") }
    };
    let times = if change.times > 1 { format!(" ({} stacks)", change.times) } else { String::new() };
    let what = match change.op {
        ModifierOp::Flat(_) => format!("{amount:+}"),
        ModifierOp::Increased(_) => format!("{} increased", percent(amount)),
        ModifierOp::More(_) => format!("{} more", percent(amount)),
        ModifierOp::Override(_) => format!("set to {amount}"),
        ModifierOp::ClampMin(_) => format!("at least {amount}"),
        ModifierOp::ClampMax(_) => format!("at most {amount}"),
    };
    what + &times
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}) = {}", self.attribute, self.name, self.value)?;
        for step in &self.steps {
            let milli = Rounding::HalfUp.divide(i128::from(step.running), 10);
            let (sign, size) = (if milli < 0 { "-" } else { "" }, milli.unsigned_abs());
            let running = match (size / 1_000, size % 1_000) {
                (whole, 0) => format!("{sign}{whole}"),
                (whole, rest) => format!("{sign}{whole}.{rest:03}"),
            };
            writeln!(f, "  {:<44} {:<32} {running:>14}", step.what, step.from)?;
        }
        Ok(())
    }
}
