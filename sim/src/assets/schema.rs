//! What a record of a kind may say, as a JSON Schema made from the type that reads it: nothing is written twice.
//! RON writes a variant `Name(field: 1)` where JSON has `{"Name": {"field": 1}}`; all else is the same. What the loader
//! adds to every record (`extends`, `abstract`, `unused`) is added here too.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::Record;

/// One kind of record.
#[derive(Debug, Clone)]
pub struct KindSchema {
    /// First part of the ids.
    pub kind: &'static str,
    /// Folder below the assets directory.
    pub folder: &'static str,
    /// Name of its table in the data.
    pub table: &'static str,
    /// What the kind is for, in one sentence.
    pub about: &'static str,
    /// The schema of one record.
    pub schema: Value,
}

impl KindSchema {
    pub(crate) fn of<T: Record + JsonSchema>(table: &'static str, about: &'static str) -> Self {
        let generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
        let mut schema = generator.into_root_schema_for::<T>();
        inheritance(&mut schema, T::KIND);
        Self { kind: T::KIND, folder: T::FOLDER, table, about, schema: schema.to_value() }
    }
}

/// Lets a record leave out what it may inherit.
fn inheritance(schema: &mut Schema, kind: &str) {
    let required = schema.remove("required");
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(marks(kind));
    }
    if let Some(required) = required {
        let inherits = |mark: &str| json!({ "required": ["id", mark] });
        schema.insert("anyOf".to_owned(), json!([{ "required": required }, inherits("extends"), inherits("abstract")]));
    }
}

fn marks(kind: &str) -> Map<String, Value> {
    let extends = json!({
        "type": "string",
        "pattern": format!("^{kind}/[a-z0-9_.]+$"),
        "description": "The record that this one takes everything from that it does not write: groups and maps are \
                        merged, lists are replaced, `id` and `name` are its own.",
    });
    let abstracts = json!({
        "type": "boolean",
        "default": false,
        "description": "Whether the record is only there to be extended; then it need not be complete.",
    });
    let unused = json!({
        "type": "boolean",
        "default": false,
        "description": "Whether the record is meant to be there although nothing refers to it.",
    });
    Map::from_iter([("extends".to_owned(), extends), ("abstract".to_owned(), abstracts), ("unused".to_owned(), unused)])
}

#[cfg(test)]
mod tests {
    use crate::assets::schemas;

    #[test]
    fn every_kind_has_a_schema_whose_fields_are_described() {
        for schema in schemas() {
            let properties = schema.schema["properties"].as_object().expect("a record has fields");
            assert!(properties.contains_key("id") && properties.contains_key("extends"), "{}", schema.kind);
            for (name, property) in properties {
                let is_described = property.get("description").is_some() || property.get("$ref").is_some();
                assert!(is_described, "`{name}` of {} says nothing about itself", schema.kind);
            }
        }
    }
}
