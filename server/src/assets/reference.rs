//! What designers look up: the schemas of all kinds as files, and a reference in Markdown. Both are made from the types
//! that read the data, so they cannot be out of date; the list of records comes from the data itself.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde_json::{Map, Value};
use sim::assets::{Assets, CastKind, Cell, Disturbance, InterruptDef, KindSchema, TagSet, schemas};

/// Writes `KIND.schema.json` for every kind into `out`, or gives all of them as one object by kind.
///
/// # Errors
/// When a file cannot be written.
pub fn schema(out: Option<&Path>) -> anyhow::Result<String> {
    let all = schemas();
    let Some(out) = out else {
        let by_kind: Map<String, Value> = all.into_iter().map(|kind| (kind.kind.to_owned(), kind.schema)).collect();
        return Ok(format!("{:#}\n", Value::Object(by_kind)));
    };
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    for KindSchema { kind, schema, .. } in &all {
        write(&out.join(format!("{kind}.schema.json")), &format!("{schema:#}\n"))?;
    }
    Ok(format!("{} schemas in {}\n", all.len(), out.display()))
}

/// The reference: written to `out`, or given as text.
///
/// # Errors
/// When the data is not good or the file cannot be written.
pub fn docs(dir: Option<&Path>, out: Option<PathBuf>) -> anyhow::Result<String> {
    let assets = super::load(dir)?;
    let text = markdown(&assets);
    let Some(mut out) = out else { return Ok(text) };
    if out.is_dir() {
        out.push("assets.md");
    }
    write(&out, &text)?;
    Ok(format!("the reference is in {}\n", out.display()))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The reference of all kinds and the records of `assets`.
#[must_use]
pub fn markdown(assets: &Assets) -> String {
    let kinds = schemas();
    let ids: BTreeMap<&str, Vec<&str>> = assets.ids().into_iter().collect();
    let mut text = String::from(
        "# Game data\n\nA file holds one record `( .. )` or a list `[ (..), (..) ]` in RON. Durations are in milliseconds and \
         whole ticks of 50; a field's name ends in its unit. Any record may say `extends: \"kind/name\"` to take from \
         another what it does not write, `abstract: true` to be there for that alone, and `unused: true` to be there \
         although nothing refers to it.\n\n| kind | folder | what it is | records |\n|---|---|---|---|\n",
    );
    for kind in &kinds {
        let count = ids.get(kind.kind).map_or(0, Vec::len);
        let _never_fails =
            writeln!(text, "| [`{0}`](#{0}) | `{1}/` | {2} | {count} |", kind.kind, kind.folder, kind.about);
    }
    let mut parts = BTreeMap::new();
    for kind in &kinds {
        let _never_fails = write!(text, "\n## {}\n\n{}\n\n", kind.kind, description(&kind.schema));
        fields(&mut text, &kind.schema);
        if let Some(own) = kind.schema.get("$defs").and_then(Value::as_object) {
            parts.extend(own.iter().map(|(name, part)| (name.clone(), part.clone())));
        }
        if let Some(ids) = ids.get(kind.kind).filter(|ids| !ids.is_empty()) {
            let listed: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
            let _never_fails = writeln!(text, "\nRecords: {}", listed.join(", "));
        }
    }
    interruptions(&mut text, assets);
    text.push_str("\n# Parts of records\n");
    for (name, part) in &parts {
        let _never_fails = write!(text, "\n### {name}\n\n{}\n\n", description(part));
        fields(&mut text, part);
        variants(&mut text, part);
    }
    text
}

/// Every table of interruptions, a line for each thing that can happen.
fn interruptions(text: &mut String, assets: &Assets) {
    text.push_str(
        "\n# What interrupts what\n\nWhat a skill says itself, and what its profile's table says otherwise.\n",
    );
    for (_, table) in assets.interrupts.iter() {
        let kinds = CastKind::ALL.map(CastKind::name).join(" | ");
        let _never_fails = write!(text, "\n## {}\n\n| what happens | {kinds} |\n|---|---|---|---|\n", table.id);
        for &by in Disturbance::ALL {
            let cells = CastKind::ALL.map(|kind| cell(table, kind, by)).join(" | ");
            let _never_fails = writeln!(text, "| `{}` | {cells} |", by.name());
        }
    }
}

/// What a table says of a kind, and of skills with certain tags.
fn cell(table: &InterruptDef, kind: CastKind, by: Disturbance) -> String {
    let said = table.said(kind, &TagSet::EMPTY, by).map_or_else(|| "?".to_owned(), Cell::in_words);
    let tagged = table.rows.iter().filter(|row| !row.tags.is_empty() && row.concerns(kind));
    tagged.fold(said, |said, row| match row.cells.of(by) {
        Some(cell) => {
            let tags: Vec<String> = row.tags.iter().map(|tag| format!("`{}`", tag.name())).collect();
            format!("{said}; {}: {}", tags.join(" and "), cell.in_words())
        }
        None => said,
    })
}

/// The fields of a group as a table.
fn fields(text: &mut String, schema: &Value) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let required = required(schema);
    text.push_str("| field | type | default | what it says |\n|---|---|---|---|\n");
    for (name, field) in properties {
        let default = match field.get("default") {
            _ if required.contains(&name.as_str()) => "must be there".to_owned(),
            Some(Value::Null) | None => "none".to_owned(),
            Some(default) => format!("`{default}`"),
        };
        let about = description(field).replace('\n', " ").replace('|', "\\|");
        let _never_fails = writeln!(text, "| `{name}` | {} | {default} | {about} |", type_of(field));
    }
}

fn required(schema: &Value) -> Vec<&str> {
    let inherited = schema.pointer("/anyOf/0/required");
    let list = schema.get("required").or(inherited).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The variants of a choice, as they are written.
fn variants(text: &mut String, schema: &Value) {
    let choices = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
    for choice in choices.into_iter().flatten() {
        if let Some(name) = choice.get("const").and_then(Value::as_str) {
            let _never_fails = writeln!(text, "- `{name}`: {}", description(choice));
        }
        for name in choice.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            let _never_fails = writeln!(text, "- `{name}`");
        }
        for (name, inside) in choice.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let about = description(choice);
            match inside.get("properties") {
                Some(_) => {
                    let _never_fails = writeln!(text, "- `{name}(..)`: {about}\n");
                    fields(text, inside);
                    text.push('\n');
                }
                None => {
                    let _never_fails = writeln!(text, "- `{name}(..)` of {}: {about}", type_of(inside));
                }
            }
        }
    }
}

fn description(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The type of a field in few words, with a link to a part.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    let several = ["anyOf", "oneOf", "allOf"].into_iter().find_map(|key| schema.get(key).and_then(Value::as_array));
    if let Some(several) = several {
        let is_null = |one: &&Value| one.get("type").and_then(Value::as_str) == Some("null");
        let types: Vec<String> = several.iter().filter(|one| !is_null(one)).map(type_of).collect();
        return types.join(" or ");
    }
    if let Some(items) = schema.get("prefixItems").and_then(Value::as_array) {
        let types: Vec<String> = items.iter().map(type_of).collect();
        return format!("({})", types.join(", "));
    }
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        return names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
    }
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or_default()
        }
        _ => "value",
    };
    match (name, schema.get("items"), schema.get("additionalProperties")) {
        ("array", Some(items), _) => format!("list of {}", type_of(items)),
        ("object", _, Some(values @ Value::Object(_))) => format!("map to {}", type_of(values)),
        ("string", ..) => match schema.get("pattern").and_then(Value::as_str).and_then(|own| own.split_once('/')) {
            Some((kind, _)) => format!("id of a {}", kind.trim_start_matches('^')),
            None => "text".to_owned(),
        },
        ("integer", ..) => "whole number".to_owned(),
        ("boolean", ..) => "true or false".to_owned(),
        (name, ..) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_names_every_kind_and_every_record() {
        let assets = super::super::load(None).expect("the data in the repository is good");
        let text = markdown(&assets);
        for (kind, ids) in assets.ids() {
            assert!(text.contains(&format!("\n## {kind}\n")), "{kind} is missing");
            assert!(ids.iter().all(|id| text.contains(&format!("`{id}`"))), "records of {kind} are missing");
        }
        assert!(!text.contains("| value |"), "every field has a type");
        for line in [
            "| `moves` | cancelled, refund | cancelled, refund | cancelled, refund |",
            "| `damaged` | pushed back | pushed back | - |",
            "| `silenced` | -; `spell`: interrupted | -; `spell`: interrupted | -; `spell`: interrupted |",
        ] {
            assert!(text.contains(line), "the default table says otherwise than: {line}");
        }
    }
}
