//! Tags: dotted words that skills, effects, items and units carry and that rules ask about: having `school.fire` is having
//! `school` too. Any word may be used; those the program itself asks about are built in and are constants here, and the
//! families `state`, `immune` and `threat` hold nothing but built-in ones, so that a slip is an error and not silence.
//! In a `TagSet` a tag stands with all its ancestors, so that every question is one look.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::RefVisitor;

mod known;

pub use known::CORE_TAGS;

/// Most tags of one set of data, ancestors included.
pub const TAGS_MAX: usize = 1_024;
const WORDS: usize = TAGS_MAX / 64;
/// Families whose members the program knows one by one.
const CLOSED: [&str; 3] = ["state", "immune", "threat"];

/// Which tag; the same word has it in every later epoch of the running data. Constants are the built-in ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(u16);

impl TagId {
    /// Place in the registry, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A set of tags with all their ancestors.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TagSet([u64; WORDS]);

impl TagSet {
    /// No tag at all.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// Whether the tag, or one below it, is in the set.
    #[must_use]
    pub const fn has(&self, tag: TagId) -> bool {
        let index = tag.index();
        index < TAGS_MAX && self.0[index / 64] & (1 << (index % 64)) != 0
    }

    /// Whether the two have a tag in common.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(own, other)| own & other != 0)
    }

    /// Whether every tag of the other is in this one.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(own, other)| own & other == *other)
    }

    /// Whether there is no tag.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// Adds one tag alone. Sets that answer for ancestors are made with [`TagRegistry::closure`].
    pub const fn insert(&mut self, tag: TagId) {
        let index = tag.index();
        if index < TAGS_MAX {
            self.0[index / 64] |= 1 << (index % 64);
        }
    }

    /// Takes out one tag alone; its ancestors stay.
    pub const fn remove(&mut self, tag: TagId) {
        let index = tag.index();
        if index < TAGS_MAX {
            self.0[index / 64] &= !(1 << (index % 64));
        }
    }

    /// All tags of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// Every tag, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = TagId> {
        let words = self.0;
        (0..WORDS).flat_map(move |word| {
            std::iter::successors(Some(words[word]), |bits| Some(bits & bits.wrapping_sub(1)))
                .take_while(|bits| *bits != 0)
                .map(move |bits| TagId((word * 64) as u16 + bits.trailing_zeros() as u16))
        })
    }
}

impl Default for TagSet {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl fmt::Debug for TagSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(TagId::index)).finish()
    }
}

/// A tag in a record, `"school.fire"`.
#[derive(Clone)]
pub struct Tag {
    name: String,
    id: TagId,
}

impl Tag {
    /// A tag by its name, which the loader still has to look up.
    pub fn by_name(name: impl Into<String>) -> Self {
        Self { name: name.into(), id: TagId(u16::MAX) }
    }

    /// The name as written.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tag; valid in loaded data.
    #[must_use]
    pub const fn id(&self) -> TagId {
        self.id
    }

    /// Shows this tag to `visitor` as the one at `path`.
    pub(crate) fn visit(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        visitor.visit_tags(path, std::slice::from_mut(self));
    }
}

impl PartialEq for Tag {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Tag {}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({:?})", self.name)
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::by_name)
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl schemars::JsonSchema for Tag {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Tag".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[a-z0-9_]+(\\.[a-z0-9_]+)*$",
            "description": "A dotted word; what has `school.fire` also has `school`."
        })
    }
}

/// A list of tags in a record, with the set it stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq, schemars::JsonSchema)]
#[schemars(transparent)]
pub struct TagList {
    tags: Vec<Tag>,
    #[schemars(skip)]
    set: TagSet,
}

impl TagList {
    /// The tags with all their ancestors; valid in loaded data.
    #[must_use]
    pub const fn set(&self) -> &TagSet {
        &self.set
    }

    /// The tags as written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Tag> {
        self.tags.iter()
    }

    /// Whether the list has no tag.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// Shows the list at `path` to `visitor`.
    pub(crate) fn visit(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        if let Some(set) = visitor.visit_tags(path, &mut self.tags) {
            self.set = set;
        }
    }
}

impl<'de> Deserialize<'de> for TagList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { tags: Vec::deserialize(deserializer)?, set: TagSet::EMPTY })
    }
}

impl Serialize for TagList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.tags.serialize(serializer)
    }
}

/// Every tag of one epoch of data: the built-in ones first, then the others by name, each with its ancestors. Data loaded
/// after other data keeps the ids of all tags that one ever had.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TagRegistry {
    names: Vec<String>,
    closures: Vec<TagSet>,
    by_name: BTreeMap<String, TagId>,
}

impl TagRegistry {
    /// The tags of earlier data or the built-in ones, then `others`, as many as there is room for.
    pub(crate) fn new<'n>(before: Option<&Self>, others: impl IntoIterator<Item = &'n str>) -> Self {
        let built_in = || CORE_TAGS.iter().map(|core| (*core).to_owned()).collect();
        let mut names: Vec<String> = before.map_or_else(built_in, |before| before.names.clone());
        let mut further: Vec<String> = others.into_iter().flat_map(lineage).map(str::to_owned).collect();
        further.sort_unstable();
        further.dedup();
        let known: BTreeSet<&String> = names.iter().collect();
        further.retain(|name| !known.contains(name));
        names.extend(further);
        names.truncate(TAGS_MAX);
        let by_name: BTreeMap<String, TagId> =
            names.iter().enumerate().map(|(index, name)| (name.clone(), TagId(index as u16))).collect();
        let closure = |name: &String| {
            let mut set = TagSet::EMPTY;
            lineage(name).filter_map(|ancestor| by_name.get(ancestor)).for_each(|tag| set.insert(*tag));
            set
        };
        let closures = names.iter().map(closure).collect();
        Self { names, closures, by_name }
    }

    /// The tag with this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<TagId> {
        self.by_name.get(name).copied()
    }

    /// The name of a tag; empty for one of another epoch.
    #[must_use]
    pub fn name(&self, tag: TagId) -> &str {
        self.names.get(tag.index()).map_or("", String::as_str)
    }

    /// The tag with all its ancestors.
    #[must_use]
    pub fn closure(&self, tag: TagId) -> TagSet {
        self.closures.get(tag.index()).copied().unwrap_or_default()
    }

    /// How many tags there are, ancestors included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never true: some are built in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Every tag with its name, in the order of ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (TagId, &str)> {
        self.names.iter().enumerate().map(|(index, name)| (TagId(index as u16), name.as_str()))
    }

    /// Looks up the tags of a record and returns the set they stand for.
    pub(crate) fn resolve(&self, tags: &mut [Tag]) -> TagSet {
        let mut set = TagSet::EMPTY;
        for tag in tags {
            if let Some(id) = self.by_name(&tag.name) {
                tag.id = id;
                set = set.union(&self.closure(id));
            }
        }
        set
    }
}

/// A name and the names of its ancestors: `a.b.c`, `a.b`, `a`.
pub(crate) fn lineage(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.rsplit_once('.').map(|(parent, _)| parent))
}

/// Whether a name is of the form `word.word`, of lower-case letters, digits and underscores, at most 64 characters.
pub(crate) fn is_tag(name: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    name.len() <= 64 && name.split('.').all(is_word)
}

/// Whether only the program may say what there is in the family of `name`, and it does not say this.
pub(crate) fn is_foreign(name: &str) -> bool {
    let family = name.split('.').next().unwrap_or(name);
    CLOSED.contains(&family) && !CORE_TAGS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn having_a_tag_is_having_its_ancestors_and_nothing_else() {
        let registry = TagRegistry::new(None, ["a.b.c", "a.bx"]);
        let id = |name| registry.by_name(name).expect("it is there");
        let set = registry.closure(id("a.b.c"));
        assert!(["a.b.c", "a.b", "a"].into_iter().all(|name| set.has(id(name))));
        assert!(!set.has(id("a.bx")) && !set.has(TagId::STATE));
        assert!(set.intersects(&registry.closure(id("a.bx"))), "both are `a`");
        assert!(set.contains_all(&registry.closure(id("a.b"))) && !registry.closure(id("a.b")).contains_all(&set));
        assert_eq!(set.iter().map(|tag| registry.name(tag)).collect::<Vec<_>>(), ["a", "a.b", "a.b.c"]);
    }

    #[test]
    fn built_in_tags_have_the_ids_of_their_constants_and_their_ancestors() {
        let registry = TagRegistry::new(None, ["aaa"]);
        assert_eq!(registry.by_name("state.stunned"), Some(TagId::STUNNED));
        assert_eq!(registry.by_name("school.arcane"), Some(TagId::SCHOOL_ARCANE));
        assert_eq!(registry.by_name("aaa").map(TagId::index), Some(CORE_TAGS.len()));
        for tag in CORE_TAGS {
            assert!(lineage(tag).all(|ancestor| CORE_TAGS.contains(&ancestor)), "{tag}");
        }
    }

    #[test]
    fn there_is_room_for_so_many_tags_and_not_one_more() {
        let names: Vec<String> = (0..2_000).map(|number| format!("tag{number:04}")).collect();
        let registry = TagRegistry::new(None, names.iter().map(String::as_str));
        assert_eq!(registry.len(), TAGS_MAX);
        assert!(registry.closure(TagId(TAGS_MAX as u16 - 1)).has(TagId(TAGS_MAX as u16 - 1)));
        assert!(!TagSet::EMPTY.has(TagId(u16::MAX)));
    }
}
