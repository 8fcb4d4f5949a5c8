//! What all kinds of records share: ids and references by name.
//! A `Ref` is a name until the loader resolves it; after a successful load every `Ref` of an `Assets` holds a valid id.
//! Ids are positions in the order of sorted names, and stay what they are when the data is loaded again (see `table`).

use std::{cmp::Ordering, fmt, hash, marker::PhantomData};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Tag, TagSet};
use crate::tick::TICK_MS;

/// Whole ticks in a duration of `ms` milliseconds; checked data is always a multiple of the tick, so nothing is lost.
pub const fn ticks_of(ms: u32) -> u32 {
    ms / TICK_MS
}

/// One kind of record: where it lives, how it is named and what it refers to.
pub trait Record: Sized {
    /// First part of its ids, as in `skill` of `skill/fireball`.
    const KIND: &'static str;
    /// Folder below the assets directory that holds this kind.
    const FOLDER: &'static str;

    /// The full id, `kind/name`.
    fn id(&self) -> &str;

    /// Where what players read is kept, for kinds that have such a text; the loader fills it in where the data does not.
    fn name_mut(&mut self) -> Option<&mut String> {
        None
    }

    /// What records are numbered by before their names: for kinds with records that the program knows by their place.
    fn rank(_id: &str) -> usize {
        0
    }

    /// Shows every reference in this record to `visitor`, with its path such as `actions.0.effect`.
    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor);
}

/// Receives the references of a record in the order they are declared.
pub trait RefVisitor {
    /// Called once per reference: where it is, the kind it must name, the name, and the slot for the dense id.
    fn visit(&mut self, path: &str, kind: &'static str, name: &str, slot: &mut u32);

    /// Called once per list of tags; whoever resolves them returns the set they stand for, others leave it as it was.
    fn visit_tags(&mut self, _path: &str, _tags: &mut [Tag]) -> Option<TagSet> {
        None
    }

    /// The same as `visit` for a reference that is written without its kind; `name` is as written.
    fn visit_short(&mut self, path: &str, kind: &'static str, name: &str, slot: &mut u32) {
        self.visit(path, kind, &format!("{kind}/{name}"), slot);
    }
}

/// Dense index of a record of kind `T`; the same record has it in every later epoch of the running data.
pub struct Id<T> {
    index: u32,
    kind: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The id at position `index` of the sorted names; it is only meaningful for the table it came from.
    pub const fn new(index: u32) -> Self {
        Self { index, kind: PhantomData }
    }

    /// Position in the table, from 0.
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// The same position as the number that goes over the wire and into hashes.
    pub const fn raw(self) -> u32 {
        self.index
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.index.cmp(&other.index)
    }
}

impl<T> hash::Hash for Id<T> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}

impl<T: Record> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", T::KIND, self.index)
    }
}

/// A reference to a record of kind `T`, written as `"kind/name"` in the data.
pub struct Ref<T> {
    name: String,
    index: u32,
    kind: PhantomData<fn() -> T>,
}

impl<T: Record> Ref<T> {
    /// What `index` holds until the loader has found the record.
    const UNRESOLVED: u32 = u32::MAX;

    /// A reference by name that still has to be resolved by the loader.
    pub fn by_name(name: impl Into<String>) -> Self {
        Self { name: name.into(), index: Self::UNRESOLVED, kind: PhantomData }
    }

    /// The id this reference resolved to; valid for every reference inside a loaded `Assets`.
    pub fn id(&self) -> Id<T> {
        debug_assert!(
            self.index != Self::UNRESOLVED,
            "reference `{}` was used before the loader resolved it",
            self.name
        );
        Id::new(self.index)
    }

    /// The id, unless the loader has not found the record; for checks of data that may have faults.
    pub(crate) fn found(&self) -> Option<Id<T>> {
        (self.index != Self::UNRESOLVED).then(|| Id::new(self.index))
    }

    /// The full name as written, `kind/name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Shows this reference to `visitor` as the one at `path`.
    pub(crate) fn visit(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        visitor.visit(path, T::KIND, &self.name, &mut self.index);
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), index: self.index, kind: PhantomData }
    }
}

impl<T> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ref({:?})", self.name)
    }
}

impl<'de, T: Record> Deserialize<'de> for Ref<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::by_name)
    }
}

impl<T> Serialize for Ref<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

/// A reference to a record of kind `T` that is written without its kind: `"armor"` for `attribute/armor`.
pub struct ShortRef<T>(Ref<T>);

impl<T: Record> ShortRef<T> {
    /// A reference by name, without the kind, that still has to be resolved by the loader.
    pub fn by_name(name: impl Into<String>) -> Self {
        Self(Ref::by_name(name))
    }

    /// The id this reference resolved to; valid for every reference inside a loaded `Assets`.
    pub fn id(&self) -> Id<T> {
        self.0.id()
    }

    /// The id, unless the loader has not found the record; for checks of data that may have faults.
    pub(crate) fn found(&self) -> Option<Id<T>> {
        self.0.found()
    }

    /// The name as written, without the kind.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Shows this reference to `visitor` as the one at `path`.
    pub(crate) fn visit(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        visitor.visit_short(path, T::KIND, &self.0.name, &mut self.0.index);
    }
}

impl<T> Clone for ShortRef<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> PartialEq for ShortRef<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for ShortRef<T> {}

impl<T> fmt::Debug for ShortRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, T: Record> Deserialize<'de> for ShortRef<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ref::deserialize(deserializer).map(Self)
    }
}

impl<T> Serialize for ShortRef<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<T: Record> schemars::JsonSchema for Ref<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}_ref", T::KIND).into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (pattern, description) =
            (format!("^{}/[a-z0-9_.]+$", T::KIND), format!("The id of a record of kind {}.", T::KIND));
        schemars::json_schema!({ "type": "string", "pattern": pattern, "description": description })
    }
}

impl<T: Record> schemars::JsonSchema for ShortRef<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}_name", T::KIND).into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let description = format!("The id of a record of kind {0}, without `{0}/`.", T::KIND);
        schemars::json_schema!({ "type": "string", "pattern": "^[a-z0-9_.]+$", "description": description })
    }
}
