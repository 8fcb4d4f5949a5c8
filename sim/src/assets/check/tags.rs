//! The rules of tags: their form, the closed families, and near misses. A word that stands only once in all data and is one
//! slip away from another is most likely that slip.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use crate::assets::{
    CORE_TAGS, TAGS_MAX, TagRegistry,
    memo::TagsSaid,
    report::{Code, Findings, nearest},
    tags::{is_foreign, is_tag},
};

/// The tags that a record writes.
#[derive(Debug)]
pub(crate) struct TagMentions {
    pub(crate) file: Arc<str>,
    /// Where the record begins.
    pub(crate) start: usize,
    /// Each tag, and where it stands from there.
    pub(crate) tags: TagsSaid,
}

impl TagMentions {
    /// Each tag with its place in the file.
    fn iter(&self) -> impl Iterator<Item = (&str, &str, Range<usize>)> {
        let at = |span: &Range<usize>| self.start + span.start..self.start + span.end;
        self.tags.iter().map(move |(name, span)| (&**name, &*self.file, at(span)))
    }
}

/// Words that differ by one slip are compared only from this length on; below it different words look alike.
const LENGTH_MIN: usize = 5;

/// Makes the registry of all tags that are mentioned and reports those that cannot be meant.
pub(crate) fn check_tags(
    mentions: &[TagMentions],
    before: Option<&TagRegistry>,
    findings: &mut Findings<'_>,
) -> TagRegistry {
    let mut counts = BTreeMap::<&str, usize>::new();
    for (name, ..) in mentions.iter().flat_map(TagMentions::iter) {
        *counts.entry(name).or_default() += 1;
    }
    let is_suspect = |name: &&str| !is_tag(name) || is_foreign(name) || slip_of(name, &counts).is_some();
    let suspects: BTreeSet<&str> = counts.keys().copied().filter(is_suspect).collect();
    for (name, file, span) in mentions.iter().flat_map(TagMentions::iter).filter(|(name, ..)| suspects.contains(name)) {
        if !is_tag(name) {
            let message =
                format!("`{name}` is not a good tag: write lower-case words with digits and `_`, dots between");
            findings.add(Code::BadTag, file, span, message).label("bad tag");
        } else if is_foreign(name) {
            let family = name.split('.').next().unwrap_or(name);
            let members = || CORE_TAGS.iter().copied().filter(|core| core.starts_with(family) && core.contains('.'));
            let help = match nearest(name, members()) {
                Some(candidate) => format!("did you mean \"{candidate}\"?"),
                None => format!("there are {}", members().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("the program knows no tag `{name}`, and only it says what `{family}` can be");
            findings.add(Code::UnknownCoreTag, file, span, message).label("unknown").help(help);
        } else if let Some(candidate) = slip_of(name, &counts) {
            findings
                .add(Code::TagNearMiss, file, span, format!("no other record has the tag `{name}`"))
                .label("a slip?")
                .help(format!("did you mean \"{candidate}\"?"));
        }
    }
    let registry = TagRegistry::new(before, counts.keys().copied());
    if registry.len() >= TAGS_MAX
        && let Some((name, file, span)) =
            mentions.iter().flat_map(TagMentions::iter).find(|(name, ..)| registry.by_name(name).is_none())
    {
        let message = format!("there are more than {TAGS_MAX} different tags, and `{name}` is one too many");
        findings.add(Code::TooLarge, file, span, message);
    }
    registry
}

/// The tag that one slip turns into `name`, if nobody else means `name`.
fn slip_of<'c>(name: &str, counts: &BTreeMap<&'c str, usize>) -> Option<&'c str> {
    if counts.get(name) != Some(&1) || name.len() < LENGTH_MIN || CORE_TAGS.contains(&name) {
        return None;
    }
    let mentioned = counts.iter().filter(|(_, count)| **count > 1).map(|(other, _)| *other);
    let without_digits = |name: &str| name.replace(|c: char| c.is_ascii_digit(), "");
    let is_slip = |other: &&str| {
        let is_far = other.is_ascii() && other.len().abs_diff(name.len()) > 1;
        *other != name
            && !is_far
            && strsim::damerau_levenshtein(name, other) == 1
            // `rank1` beside `rank2` is a series and not a slip.
            && without_digits(name) != without_digits(other)
    };
    mentioned.chain(CORE_TAGS.iter().copied()).find(is_slip)
}
