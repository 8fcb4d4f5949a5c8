//! The rules of tags: their form, the closed families, and near misses. A word that stands only once in all data and is one
//! slip away from another is most likely that slip.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use crate::assets::{
    CORE_TAGS, TAGS_MAX, TagRegistry,
    report::{Code, Findings, nearest},
    tags::{is_foreign, is_tag},
};

/// A place where a record writes a tag.
#[derive(Debug)]
pub(crate) struct TagMention {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) span: Range<usize>,
    /// Whether something has the tag by this, and not only asks for it.
    pub(crate) is_carried: bool,
}

/// Words that differ by one slip are compared only from this length on; below it different words look alike.
const LENGTH_MIN: usize = 5;

/// Makes the registry of all tags that are mentioned and reports those that cannot be meant.
pub(crate) fn check_tags(
    mentions: &[TagMention],
    before: Option<&TagRegistry>,
    findings: &mut Findings<'_>,
) -> TagRegistry {
    let mut counts = BTreeMap::<&str, usize>::new();
    for mention in mentions {
        *counts.entry(&mention.name).or_default() += 1;
    }
    for mention in mentions {
        let TagMention { name, file, span, .. } = mention;
        if !is_tag(name) {
            let message =
                format!("`{name}` is not a good tag: write lower-case words with digits and `_`, dots between");
            findings.add(Code::BadTag, file, span.clone(), message).label("bad tag");
        } else if is_foreign(name) {
            let family = name.split('.').next().unwrap_or(name);
            let members = || CORE_TAGS.iter().copied().filter(|core| core.starts_with(family) && core.contains('.'));
            let help = match nearest(name, members()) {
                Some(candidate) => format!("did you mean \"{candidate}\"?"),
                None => format!("there are {}", members().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("the program knows no tag `{name}`, and only it says what `{family}` can be");
            findings.add(Code::UnknownCoreTag, file, span.clone(), message).label("unknown").help(help);
        } else if let Some(candidate) = slip_of(name, &counts) {
            findings
                .add(Code::TagNearMiss, file, span.clone(), format!("no other record has the tag `{name}`"))
                .label("a slip?")
                .help(format!("did you mean \"{candidate}\"?"));
        }
    }
    let registry = TagRegistry::new(before, counts.keys().copied());
    if registry.len() >= TAGS_MAX
        && let Some(mention) = mentions.iter().find(|mention| registry.by_name(&mention.name).is_none())
    {
        let message = format!("there are more than {TAGS_MAX} different tags, and `{}` is one too many", mention.name);
        findings.add(Code::TooLarge, &mention.file, mention.span.clone(), message);
    }
    registry
}

/// Reports every tag that is asked for but that nothing carries: what asks for it never comes true. What belongs to the
/// program it may give itself.
pub(crate) fn warn_never_carried(mentions: &[TagMention], findings: &mut Findings<'_>) {
    let carried: BTreeSet<&str> =
        mentions.iter().filter(|mention| mention.is_carried).map(|mention| mention.name.as_str()).collect();
    // Whoever asks for a family is answered by its members.
    let has = |name: &str| {
        carried.iter().any(|own| *own == name || own.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    };
    let mut told = BTreeSet::new();
    for TagMention { name, file, span, .. } in mentions.iter().filter(|mention| !mention.is_carried) {
        let is_known = CORE_TAGS.contains(&name.as_str()) || !is_tag(name) || is_foreign(name);
        if !is_known && !has(name) && told.insert(name) {
            let message = format!("nothing has the tag `{name}`, so this never comes true");
            findings.add(Code::TagNeverCarried, file, span.clone(), message).label("nothing has it");
        }
    }
}

/// The tag that one slip turns into `name`, if nobody else means `name`.
fn slip_of<'c>(name: &str, counts: &BTreeMap<&'c str, usize>) -> Option<&'c str> {
    if counts.get(name) != Some(&1) || name.len() < LENGTH_MIN || CORE_TAGS.contains(&name) {
        return None;
    }
    let mentioned = counts.iter().filter(|(_, count)| **count > 1).map(|(other, _)| *other);
    let without_digits = |name: &str| name.replace(|c: char| c.is_ascii_digit(), "");
    let is_slip = |other: &&str| {
        *other != name
            && strsim::damerau_levenshtein(name, other) == 1
            // `rank1` beside `rank2` is a series and not a slip.
            && without_digits(name) != without_digits(other)
    };
    mentioned.chain(CORE_TAGS.iter().copied()).find(is_slip)
}
