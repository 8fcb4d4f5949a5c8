//! The parts of a traced value: elements of lists, fields of groups and the name of a variant.
//! Each step into a part adds its index or name to the path and takes it off again only when the part was read.
//! A trace that is left by an error therefore ends at the part that failed.

use std::{cell::RefCell, fmt};

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};

use super::{Trace, Traced};

pub(super) struct TracedSeq<'t, A> {
    inner: A,
    trace: &'t RefCell<Trace>,
    index: usize,
}

impl<'t, A> TracedSeq<'t, A> {
    pub(super) fn new(inner: A, trace: &'t RefCell<Trace>) -> Self {
        Self { inner, trace, index: 0 }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for TracedSeq<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.trace.borrow_mut().enter(self.index.to_string());
        let element = self.inner.next_element_seed(Traced::new(seed, self.trace))?;
        self.trace.borrow_mut().leave();
        self.index += 1;
        Ok(element)
    }
}

pub(super) struct TracedMap<'t, A> {
    inner: A,
    trace: &'t RefCell<Trace>,
    key: String,
}

impl<'t, A> TracedMap<'t, A> {
    pub(super) fn new(inner: A, trace: &'t RefCell<Trace>) -> Self {
        Self { inner, trace, key: String::new() }
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for TracedMap<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_key_seed(Captured { inner: seed, text: &mut self.key })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.trace.borrow_mut().enter(self.key.clone());
        let value = self.inner.next_value_seed(Traced::new(seed, self.trace))?;
        self.trace.borrow_mut().leave();
        Ok(value)
    }
}

pub(super) struct TracedEnum<'t, A> {
    inner: A,
    trace: &'t RefCell<Trace>,
}

impl<'t, A> TracedEnum<'t, A> {
    pub(super) fn new(inner: A, trace: &'t RefCell<Trace>) -> Self {
        Self { inner, trace }
    }
}

impl<'de, 't, A: EnumAccess<'de>> EnumAccess<'de> for TracedEnum<'t, A> {
    type Error = A::Error;
    type Variant = Traced<'t, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        // The name of a variant is an identifier and keeps what the enum expects, so the seed goes in unwatched.
        let (value, variant) = self.inner.variant_seed(seed)?;
        Ok((value, Traced::new(variant, self.trace)))
    }
}

/// Lets a field name through and keeps a copy of it.
struct Captured<'k, X> {
    inner: X,
    text: &'k mut String,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Captured<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Captured { inner: deserializer, text: self.text })
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Captured<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(Captured { inner: visitor, text: self.text })
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_identifier(Captured { inner: visitor, text: self.text })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Captured<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<V::Value, E> {
        value.clone_into(self.text);
        self.inner.visit_str(value)
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, value: &'de str) -> Result<V::Value, E> {
        value.clone_into(self.text);
        self.inner.visit_borrowed_str(value)
    }
}
