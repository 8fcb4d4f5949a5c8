//! Which of a source's values an effect captures, and when: a map from attributes, `{"haste": Dynamic}`.
//! What is not named counts as it was when the effect was applied.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::Capture;
use crate::assets::{AttrRef, AttributeId, RefVisitor};

/// The map, in the order it is written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CaptureTable(Vec<(AttrRef, Capture)>);

impl CaptureTable {
    /// The attributes that count as they are.
    pub fn dynamic(&self) -> impl Iterator<Item = AttributeId> {
        self.0.iter().filter(|(_, capture)| *capture == Capture::Dynamic).map(|(attribute, _)| attribute.attribute())
    }

    /// The names in it, in the order they are written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(attribute, _)| attribute.name())
    }

    /// Shows every reference in the map at `path` to `visitor`.
    pub(crate) fn visit(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        for (attribute, _) in &mut self.0 {
            let path = format!("{path}.@{}", attribute.name());
            attribute.visit(&path, visitor);
        }
    }
}

impl<'de> Deserialize<'de> for CaptureTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = CaptureTable;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from attributes to `SnapshotOnApply` or `Dynamic`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<CaptureTable, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = access.next_entry()? {
                    entries.push(entry);
                }
                Ok(CaptureTable(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl Serialize for CaptureTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (attribute, capture) in &self.0 {
            map.serialize_entry(attribute, capture)?;
        }
        map.end()
    }
}

impl schemars::JsonSchema for CaptureTable {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CaptureTable".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let capture = generator.subschema_for::<Capture>();
        schemars::json_schema!({ "type": "object", "additionalProperties": capture })
    }
}
