//! Wraps a deserializer so that an error comes with the path it happened at and with what was expected there.
//! `ron` tells lines but not fields, and not the range of the number it could not store; this layer only watches what
//! the types ask for and passes everything on. After an error the trace stays where the error was.

use std::cell::RefCell;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

mod access;

use access::{TracedEnum, TracedMap, TracedSeq};

/// What the type at a path asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Expected {
    Anything,
    Bool,
    /// A whole number in this range.
    Whole {
        min: i128,
        max: i128,
    },
    Number,
    Text,
    List,
    /// `( .. )` with this many elements.
    Tuple(usize),
    /// `( .. )` with named fields.
    Fields,
    /// `{ .. }` with entries.
    Map,
    /// One of these names.
    Variant(&'static [&'static str]),
}

/// Where reading is, and what it last finished.
#[derive(Debug)]
pub(crate) struct Trace {
    /// The way down, each step with what the type asks for there; the first step is the record itself.
    steps: Vec<(String, Expected)>,
    /// The value that was read last; its rest may be what trips the next step (`5.5` read as `5`).
    last: Option<(String, Expected)>,
}

impl Trace {
    pub(crate) fn new() -> RefCell<Self> {
        let record = (String::new(), Expected::Anything);
        RefCell::new(Self { steps: vec![record], last: None })
    }

    /// The path of the error, segments joined by dots.
    pub(crate) fn path(&self) -> String {
        let segments: Vec<_> = self.steps.iter().skip(1).map(|(segment, _)| segment.as_str()).collect();
        segments.join(".")
    }

    /// What was asked for where the error happened.
    pub(crate) fn expected(&self) -> Expected {
        self.steps.last().map_or(Expected::Anything, |(_, expected)| *expected)
    }

    /// The path of the value that was read last and what was asked for there.
    pub(crate) fn last(&self) -> Option<(&str, Expected)> {
        self.last.as_ref().map(|(path, expected)| (path.as_str(), *expected))
    }

    fn expect(&mut self, expected: Expected) {
        if let Some(step) = self.steps.last_mut() {
            step.1 = expected;
        }
    }

    fn enter(&mut self, segment: String) {
        self.steps.push((segment, Expected::Anything));
    }

    fn leave(&mut self) {
        self.last = Some((self.path(), self.expected()));
        self.steps.pop();
    }
}

/// A deserializer, seed or visitor under watch.
pub(crate) struct Traced<'t, X> {
    inner: X,
    trace: &'t RefCell<Trace>,
}

impl<'t, X> Traced<'t, X> {
    pub(crate) fn new(inner: X, trace: &'t RefCell<Trace>) -> Self {
        Self { inner, trace }
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Traced<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Traced::new(deserializer, self.trace))
    }
}

macro_rules! watch {
    ($($method:ident($($argument:ident: $type:ty),*) $expected:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.trace.borrow_mut().expect($expected);
            self.inner.$method($($argument,)* Traced::new(visitor, self.trace))
        }
    )*};
}

const fn whole(min: i128, max: i128) -> Expected {
    Expected::Whole { min, max }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Traced<'_, D> {
    type Error = D::Error;

    watch! {
        deserialize_any() Expected::Anything;
        deserialize_bool() Expected::Bool;
        deserialize_i8() whole(i8::MIN.into(), i8::MAX.into());
        deserialize_i16() whole(i16::MIN.into(), i16::MAX.into());
        deserialize_i32() whole(i32::MIN.into(), i32::MAX.into());
        deserialize_i64() whole(i64::MIN.into(), i64::MAX.into());
        deserialize_u8() whole(0, u8::MAX.into());
        deserialize_u16() whole(0, u16::MAX.into());
        deserialize_u32() whole(0, u32::MAX.into());
        deserialize_u64() whole(0, u64::MAX.into());
        deserialize_f32() Expected::Number;
        deserialize_f64() Expected::Number;
        deserialize_char() Expected::Text;
        deserialize_str() Expected::Text;
        deserialize_string() Expected::Text;
        deserialize_bytes() Expected::Anything;
        deserialize_byte_buf() Expected::Anything;
        deserialize_option() Expected::Anything;
        deserialize_unit() Expected::Anything;
        deserialize_unit_struct(name: &'static str) Expected::Anything;
        deserialize_newtype_struct(name: &'static str) Expected::Anything;
        deserialize_seq() Expected::List;
        deserialize_tuple(len: usize) Expected::Tuple(len);
        deserialize_tuple_struct(name: &'static str, len: usize) Expected::Tuple(len);
        deserialize_map() Expected::Map;
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) Expected::Fields;
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) Expected::Variant(variants);
        deserialize_ignored_any() Expected::Anything;
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_identifier(visitor)
    }
}

macro_rules! pass {
    ($($method:ident($type:ty);)*) => {$(
        fn $method<E: serde::de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Traced<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.expecting(f)
    }

    pass! {
        visit_bool(bool);
        visit_i8(i8);
        visit_i16(i16);
        visit_i32(i32);
        visit_i64(i64);
        visit_u8(u8);
        visit_u16(u16);
        visit_u32(u32);
        visit_u64(u64);
        visit_f32(f32);
        visit_f64(f64);
        visit_char(char);
        visit_str(&str);
        visit_borrowed_str(&'de str);
        visit_string(String);
        visit_bytes(&[u8]);
        visit_borrowed_bytes(&'de [u8]);
        visit_byte_buf(Vec<u8>);
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Traced::new(deserializer, self.trace))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Traced::new(deserializer, self.trace))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(TracedSeq::new(access, self.trace))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(TracedMap::new(access, self.trace))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(TracedEnum::new(access, self.trace))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Traced<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.trace.borrow_mut().expect(Expected::Tuple(1));
        self.trace.borrow_mut().enter("0".to_owned());
        let value = self.inner.newtype_variant_seed(Traced::new(seed, self.trace))?;
        self.trace.borrow_mut().leave();
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.trace.borrow_mut().expect(Expected::Tuple(len));
        self.inner.tuple_variant(len, Traced::new(visitor, self.trace))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.trace.borrow_mut().expect(Expected::Fields);
        self.inner.struct_variant(fields, Traced::new(visitor, self.trace))
    }
}
