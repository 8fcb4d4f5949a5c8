//! The report of a run: every fault with a stable code, a place and, where there is one, a way out.
//! Places are byte spans while the run collects them and lines and columns (from 1, in characters) in the report.
//! Findings are ordered by file and place, so that the same data always gives the same report.

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use super::{AssetSources, extends::Joined};

/// Most findings a report holds; what exceeds it is counted in `omitted_count`.
pub const FINDINGS_MAX: usize = 1_000;

/// Every fault and warning of one run over the data.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct AssetReport {
    /// What was found, by file and place, at most `FINDINGS_MAX`.
    pub findings: Vec<Finding>,
    /// How many more findings there were.
    pub omitted_count: usize,
}

/// One fault or warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of finding it is.
    pub code: Code,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// The few words at the caret; may be empty.
    pub label: String,
    /// How to mend it or where the counterpart is, if that is known.
    pub help: Option<String>,
    /// The file relative to the assets directory, as in `AssetSources`.
    pub file: String,
    /// The file as the user would write it, with the directory in front.
    pub path: String,
    /// Line from 1.
    pub line: usize,
    /// Column from 1, in characters.
    pub column: usize,
    /// Length of the marked text in characters, from 1.
    pub length: usize,
    /// The marked text in bytes of the file.
    pub span: Range<usize>,
}

/// Whether a finding keeps the data from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The data cannot be used.
    Error,
    /// The data can be used.
    Warning,
}

impl Severity {
    /// The word printed in front of a message.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal $severity:ident,)*) => {
        /// The kinds of findings with their stable codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order they are declared.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable code, such as `A0107`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Whether findings of this kind keep the data from being used.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    /// The text is not RON.
    Syntax = "A0101" Error,
    /// A field that the type does not have.
    UnknownField = "A0102" Error,
    /// A variant that the type does not have.
    UnknownVariant = "A0103" Error,
    /// A value of another type.
    WrongType = "A0104" Error,
    /// A field that must be there is not.
    MissingField = "A0105" Error,
    /// A field stands twice.
    DuplicateField = "A0106" Error,
    /// A reference to a record that does not exist.
    UnknownReference = "A0107" Error,
    /// A reference to a record of another kind.
    WrongKind = "A0108" Error,
    /// Two records have the same id.
    DuplicateId = "A0109" Error,
    /// Two parts of one record have the same id.
    DuplicateLocalId = "A0110" Error,
    /// A number outside its range.
    OutOfRange = "A0111" Error,
    /// A number that is infinite or not a number.
    NotFinite = "A0112" Error,
    /// A duration that is not a whole number of ticks.
    PartialTick = "A0113" Error,
    /// An id that is not `kind/name`.
    BadId = "A0114" Error,
    /// A portal to a spawn point that its scene does not have.
    UnknownSpawnPoint = "A0115" Error,
    /// A place outside the bounds of its scene.
    OutOfBounds = "A0116" Error,
    /// Two values that contradict each other.
    Contradiction = "A0117" Error,
    /// A heightfield whose samples do not match its cells.
    HeightCount = "A0118" Error,
    /// A triangle with a corner that does not exist.
    TriangleIndex = "A0119" Error,
    /// A cell of a table that is not a number, or a row of another length.
    TableCell = "A0120" Error,
    /// A table or a file without content.
    Empty = "A0121" Error,
    /// A table that does not exist.
    UnknownTable = "A0122" Error,
    /// A record that could never do anything.
    Pointless = "A0123" Error,
    /// A file that does not belong where it is.
    Misplaced = "A0124" Error,
    /// More or larger than the loader accepts.
    TooLarge = "A0125" Error,
    /// A place that must be on walkable ground and is not.
    OffNavmesh = "A0126" Error,
    /// A place that cannot be walked to from where it must be reached.
    CutOff = "A0127" Error,
    /// A scene whose geometry no navmesh can be made of.
    NoNavmesh = "A0128" Error,
    /// A pool or a group with a spawner that its scene does not have.
    UnknownSpawner = "A0129" Error,
    /// A tag that is not words between dots.
    BadTag = "A0130" Error,
    /// A tag in a family of which the program knows every member, and not this one.
    UnknownCoreTag = "A0131" Error,
    /// A formula that is not of the language.
    FormulaSyntax = "A0132" Error,
    /// A formula with a name that stands for nothing.
    FormulaName = "A0133" Error,
    /// A formula that can divide by zero, go too far, or never lies within its bounds.
    FormulaRange = "A0134" Error,
    /// A curve whose points make none.
    CurvePoints = "A0135" Error,
    /// An attribute that derives from itself.
    DerivedCycle = "A0136" Error,
    /// An area of a spawner that is no simple polygon.
    SpawnArea = "A0138" Error,
    /// A tag that stands once and looks like another.
    TagNearMiss = "A0139" Warning,
    /// Effects that apply one another in a ring at one moment.
    EffectRing = "A0160" Error,
    /// Skills that each need another of them done before.
    ComboRing = "A0161" Error,
    /// Monsters that summon one another without end.
    SummonRing = "A0162" Error,
    /// A moment of a skill that never comes.
    NeverHappens = "A0170" Error,
    /// An attack table has a row twice.
    TableRowTwice = "A0180" Error,
    /// A table that leaves something open.
    TableIncomplete = "A0182" Error,
    /// A faction says two things about another, or something about itself.
    FactionSaidTwice = "A0181" Error,
    /// A behaviour tree contains itself.
    AiCycle = "A0190" Error,
    /// A behaviour tree has more nodes than a decision can afford.
    AiTooLarge = "A0191" Error,
    /// A phase of a fight that the ones in front of it leave no room for.
    PhaseNeverBegins = "A0192" Error,
    /// A deed that takes time where only a moment is given.
    NotImmediate = "A0193" Error,
    /// A tree goes over to a phase that the monster does not have.
    UnknownPhase = "A0194" Error,
    /// A monster that no class can kill.
    Unkillable = "A0195" Error,
    /// An expectation of a designer's test that did not come true.
    TestFailed = "A0220" Error,
    /// A designer's test names a unit that it does not have.
    TestUnit = "A0221" Error,
    /// A designer's test gives an order to a unit that decides for itself.
    TestOrder = "A0222" Error,
    /// A loot table that leads back to itself.
    LootCycle = "A0200" Error,
    /// A loot table that can give more than can lie in one place.
    LootFlood = "A0201" Error,
    /// An item with qualities that exclude one another.
    ItemConflict = "A0202" Error,
    /// A record that extends itself in the end.
    ExtendsCycle = "A0210" Error,
    /// More records extend one another than anybody could follow.
    ExtendsTooDeep = "A0211" Error,
    /// A reference to a record that is only there to be extended.
    AbstractReference = "A0212" Error,
    /// A table that no record uses.
    UnusedTable = "A0150" Warning,
    /// An effect that nothing applies.
    UnusedEffect = "A0151" Warning,
    /// Two tables with the same content.
    SameTable = "A0152" Warning,
    /// An abstract record that no record extends.
    UnusedAbstract = "A0153" Warning,
    /// A record that nothing in the game leads to.
    UnusedRecord = "A0154" Warning,
    /// A record that says it is unused, and is not.
    UsedUnused = "A0155" Warning,
    /// A tag that is asked for, but that nothing carries.
    TagNeverCarried = "A0156" Warning,
}

impl AssetReport {
    /// How many findings keep the data from being used; what was omitted counts as such.
    pub fn error_count(&self) -> usize {
        let is_error = |finding: &&Finding| finding.code.severity() == Severity::Error;
        self.findings.iter().filter(is_error).count() + self.omitted_count
    }

    /// How many different files have errors.
    pub fn error_file_count(&self) -> usize {
        let mut files: Vec<_> = self
            .findings
            .iter()
            .filter(|finding| finding.code.severity() == Severity::Error)
            .map(|finding| &finding.file)
            .collect();
        files.dedup();
        files.len()
    }
}

impl fmt::Display for AssetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        if self.omitted_count > 0 {
            writeln!(f, "and {} more", self.omitted_count)?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = self.code.severity().as_str();
        write!(f, "{}:{}:{}: {severity}[{}]: {}", self.path, self.line, self.column, self.code.as_str(), self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Collects the findings of a run.
#[derive(Debug)]
pub(crate) struct Findings<'s> {
    sources: &'s AssetSources,
    /// Texts that were joined from others, by the name they go under.
    joined: BTreeMap<String, Arc<Joined>>,
    /// Who inherits what a finding is about, by the place of the finding in `found`.
    heirs: BTreeMap<usize, String>,
    found: Vec<Finding>,
    omitted_count: usize,
}

impl<'s> Findings<'s> {
    pub(crate) fn new(sources: &'s AssetSources) -> Self {
        Self { sources, joined: BTreeMap::new(), heirs: BTreeMap::new(), found: Vec::new(), omitted_count: 0 }
    }

    /// Findings in the text that goes under `name` from now on are reported where it was written.
    pub(crate) fn add_joined(&mut self, name: String, joined: Arc<Joined>) {
        self.joined.insert(name, joined);
    }

    /// Where a span of a file, or of a joined text, was written.
    fn origin<'f>(
        &self,
        joined: Option<&'f Arc<Joined>>,
        file: &'f str,
        span: Range<usize>,
    ) -> (&'f str, Range<usize>) {
        joined.map_or((file, span.clone()), |joined| joined.origin(&span))
    }

    /// Adds a finding at `span` of `file`; the caller may then set its label and help.
    pub(crate) fn add(&mut self, code: Code, file: &str, span: Range<usize>, message: String) -> Note<'_> {
        if self.found.len() >= FINDINGS_MAX {
            self.omitted_count += 1;
            return Note(None);
        }
        let joined = self.joined.get(file).cloned();
        if let Some(heir) = joined.as_ref().and_then(|joined| joined.heir(&span)) {
            let place = self.place(heir.file, heir.start);
            self.heirs.insert(self.found.len(), format!("inherited by `{}` at {place}", heir.id));
        }
        let (file, span) = self.origin(joined.as_ref(), file, span);
        let text = self.sources.text(file).unwrap_or_default();
        let (line, column) = position(text, span.start);
        let marked = text.get(span.clone()).unwrap_or_default();
        // A mark over several lines would draw the whole record; its first line is enough.
        let length = marked.lines().next().unwrap_or_default().chars().count().max(1);
        self.found.push(Finding {
            code,
            message,
            label: String::new(),
            help: None,
            file: file.to_owned(),
            path: self.sources.display_path(file),
            line,
            column,
            length,
            span,
        });
        Note(self.found.last_mut())
    }

    /// How many findings there are so far.
    pub(crate) fn count(&self) -> usize {
        self.found.len() + self.omitted_count
    }

    /// Whether anything so far keeps the data from being used.
    pub(crate) fn has_errors(&self) -> bool {
        self.omitted_count > 0 || self.found.iter().any(|finding| finding.code.severity() == Severity::Error)
    }

    /// A place as `path:line`, for help texts.
    pub(crate) fn place(&self, file: &str, offset: usize) -> String {
        let (file, span) = self.origin(self.joined.get(file), file, offset..offset);
        let (line, _) = position(self.sources.text(file).unwrap_or_default(), span.start);
        format!("{}:{line}", self.sources.display_path(file))
    }

    /// Adds what `more` knows about each fault (not about warnings) to its help.
    pub(crate) fn add_help(&mut self, more: impl Fn(&Self, &Finding) -> Option<String>) {
        let is_error = |finding: &Finding| finding.code.severity() == Severity::Error;
        let told = |finding| if is_error(finding) { more(self, finding) } else { None };
        let told: Vec<Option<String>> = self.found.iter().map(told).collect();
        for (finding, told) in self.found.iter_mut().zip(told) {
            let Some(told) = told else { continue };
            finding.help = Some(finding.help.take().map_or(told.clone(), |help| format!("{help}; {told}")));
        }
    }

    /// The report, in the order of files and places.
    pub(crate) fn into_report(mut self) -> AssetReport {
        let heirs = std::mem::take(&mut self.heirs);
        for (index, heir) in &heirs {
            if let Some(finding) = self.found.get_mut(*index) {
                finding.help = Some(finding.help.take().map_or(heir.clone(), |help| format!("{help}; {heir}")));
            }
        }
        let inherited = |index| heirs.contains_key(&index);
        let mut found: Vec<(Finding, bool)> =
            self.found.into_iter().enumerate().map(|(index, finding)| (finding, inherited(index))).collect();
        found.sort_by(|(a, _), (b, _)| (&a.file, a.span.start, a.code).cmp(&(&b.file, b.span.start, b.code)));
        // A fault that several records inherit is one fault, though each tells it of itself.
        found.dedup_by(|(a, a_inherited), (b, b_inherited)| {
            let is_one = *a_inherited || *b_inherited;
            is_one && (a.code, &a.file, &a.span) == (b.code, &b.file, &b.span)
        });
        self.found = found.into_iter().map(|(finding, _)| finding).collect();
        AssetReport { findings: self.found, omitted_count: self.omitted_count }
    }
}

/// A finding that was just added, to be completed.
pub(crate) struct Note<'f>(Option<&'f mut Finding>);

impl Note<'_> {
    /// Sets the words at the caret.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        if let Some(finding) = &mut self.0 {
            finding.label = label.into();
        }
        self
    }

    /// Sets the help, if there is one.
    pub(crate) fn help(mut self, help: impl Into<Option<String>>) -> Self {
        if let Some(finding) = &mut self.0 {
            finding.help = help.into();
        }
        self
    }
}

/// Line and column of a byte offset, from 1, columns in characters.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[line_start..].chars().count() + 1)
}

/// The candidate that is spelled most like `wanted`, if any is close enough to be a typing error.
pub(crate) fn nearest<'c>(wanted: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let limit = (wanted.chars().count() / 3).clamp(1, 6);
    candidates
        .into_iter()
        .map(|candidate| (distance(wanted, candidate).min(limit + 1), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Typing errors between two names; a name that only lacks its end, such as a unit, is one away.
fn distance(wanted: &str, candidate: &str) -> usize {
    if wanted.len() >= 3 && candidate.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('_')) {
        return 1;
    }
    strsim::damerau_levenshtein(wanted, candidate)
}

/// The word with its indefinite article.
pub(crate) fn a(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        assert_eq!(position("é\nüöx", "é\nüö".len()), (2, 3));
    }

    #[test]
    fn the_nearest_name_is_a_typing_error_away() {
        let names = ["effect/burning", "effect/frozen"];
        assert_eq!(nearest("effect/burnign", names), Some("effect/burning"));
        assert_eq!(nearest("effect/thunderstruck", names), None);
        assert_eq!(nearest("cooldown", ["cost_mp", "cooldown_ms"]), Some("cooldown_ms"));
    }
}
