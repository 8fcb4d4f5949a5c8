//! Attributes: the numbers every unit has. What one is (unit, range, value where nothing is said) is a record of its own;
//! the ones the rules name are built in and are constants here, data may add others. All are integers; rates are in basis
//! points (10,000 = 100 %), regeneration in thousandths per second. Classes and monsters give values at a level.

use std::{fmt, sync::Arc};

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::formula::Program;

mod known;

pub use known::CORE_ATTRIBUTES;

use super::{CurveDef, Id, Record, RefVisitor, ShortRef, Table, table::Holder};

/// Which attribute, as its place in every list of values. Constants are the ones the rules name; others come from data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeId(u16);

impl AttributeId {
    /// The attribute at a place of [`AttributeRegistry::iter`].
    #[must_use]
    pub const fn new(raw: u16) -> Self {
        Self(raw)
    }

    /// Place in lists of values, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl From<Id<AttributeDef>> for AttributeId {
    fn from(id: Id<AttributeDef>) -> Self {
        // There are at most 4,096 records of a kind.
        Self(id.raw() as u16)
    }
}

/// A reference to an attribute by its name alone, as in `attr: "armor"`.
pub type AttrRef = ShortRef<AttributeDef>;

impl AttrRef {
    /// The attribute; valid in loaded data.
    #[must_use]
    pub fn attribute(&self) -> AttributeId {
        self.id().into()
    }
}

/// One attribute, `attribute/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributeDef {
    /// `attribute/name`; the name alone is what records write.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// What the number counts.
    pub unit: AttributeUnit,
    /// Value of a unit whose class or monster says nothing about it.
    #[serde(default)]
    pub base: i32,
    /// Least value in force.
    #[serde(default)]
    pub min: i32,
    /// Greatest value in force.
    pub max: i32,
    /// How fractions of modified values are rounded.
    #[serde(default)]
    pub round: Rounding,
    /// A formula of other attributes and `level`, added to what a class or kind says. It sees the others with their
    /// modifiers; its own modifiers apply to the sum.
    #[serde(default)]
    pub derived: Option<String>,
    /// The formula ready to run; filled by the loader.
    #[serde(skip)]
    pub(crate) program: Option<Program>,
}

impl Record for AttributeDef {
    const KIND: &'static str = "attribute";
    const FOLDER: &'static str = "attributes";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn rank(id: &str) -> usize {
        let name = id.strip_prefix("attribute/");
        name.and_then(|name| CORE_ATTRIBUTES.iter().position(|core| *core == name)).unwrap_or(CORE_ATTRIBUTES.len())
    }

    fn visit_refs(&mut self, _visitor: &mut dyn RefVisitor) {}
}

/// What an attribute counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum AttributeUnit {
    /// Whole points.
    Points,
    /// Ten-thousandths; 10,000 is 100 %.
    BasisPoints,
    /// Thousandths of a point.
    Milli,
}

/// How a fraction becomes a whole number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum Rounding {
    /// To the nearest; halves away from zero.
    #[default]
    HalfUp,
    /// Down.
    Floor,
    /// Up.
    Ceil,
}

impl Rounding {
    /// `value / by`, rounded; `by` is positive.
    #[must_use]
    pub const fn divide(self, value: i128, by: i128) -> i128 {
        match self {
            Self::HalfUp => {
                let half = if value < 0 { -by / 2 } else { by / 2 };
                (value + half) / by
            }
            Self::Floor => value.div_euclid(by),
            Self::Ceil => -((-value).div_euclid(by)),
        }
    }

    /// The same on 64 bits; `by` is positive.
    #[must_use]
    pub(crate) const fn divide_short(self, value: i64, by: i64) -> i64 {
        match self {
            Self::HalfUp => {
                let up = if value < 0 { -1 } else { 1 };
                let far = (value % by).unsigned_abs() >= by.unsigned_abs().div_ceil(2);
                value / by + if far { up } else { 0 }
            }
            Self::Floor => value.div_euclid(by),
            Self::Ceil => value.div_euclid(by) + if value.rem_euclid(by) > 0 { 1 } else { 0 },
        }
    }
}

/// What a record says about one attribute; evaluated at a level.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum AttributeValue {
    /// The same at every level.
    Flat(i32),
    /// The first at level 1, and so much more with each level above it.
    PerLevel(i32, i32),
    /// What a curve says at the level, named without `curve/`.
    Curve(ShortRef<CurveDef>),
    /// So many percent of another value, rounded to the nearest.
    Scale(Box<AttributeValue>, i32),
}

impl AttributeValue {
    /// The value at a level, from 1; `None` where a curve is missing, which loaded data has not.
    pub(crate) fn at<'c>(&self, level: u16, curve: &dyn Fn(Id<CurveDef>) -> Option<&'c CurveDef>) -> Option<i64> {
        match self {
            Self::Flat(value) => Some(i64::from(*value)),
            Self::PerLevel(first, step) => {
                Some(i64::from(*first) + i64::from(*step) * i64::from(level.saturating_sub(1)))
            }
            Self::Curve(reference) => Some(curve(reference.found()?)?.at(i64::from(level))),
            Self::Scale(inner, pct) => {
                let product = i128::from(inner.at(level, curve)?) * i128::from(*pct);
                i64::try_from(Rounding::HalfUp.divide(product, 100)).ok()
            }
        }
    }

    fn visit(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        match self {
            Self::Flat(_) | Self::PerLevel(..) => {}
            Self::Curve(curve) => curve.visit(&format!("{path}.0"), visitor),
            Self::Scale(inner, _) => inner.visit(&format!("{path}.0"), visitor),
        }
    }
}

/// What a class or a monster says about its attributes: `{"hp_max": Flat(260)}`. What it leaves out has its `base`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AttributeTable(Vec<(AttrRef, AttributeValue)>);

impl AttributeTable {
    /// What is said, in the order it is written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&AttrRef, &AttributeValue)> {
        self.0.iter().map(|(attribute, value)| (attribute, value))
    }

    /// What is said about one attribute.
    #[must_use]
    pub fn get(&self, attribute: AttributeId) -> Option<&AttributeValue> {
        self.0.iter().find(|(own, _)| own.attribute() == attribute).map(|(_, value)| value)
    }

    /// Shows every reference in the map at `path` to `visitor`.
    pub(crate) fn visit(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        for (attribute, value) in &mut self.0 {
            value.visit(&format!("{path}.{}", attribute.name()), visitor);
            attribute.visit(&format!("{path}.@{}", attribute.name()), visitor);
        }
    }
}

impl<'de> Deserialize<'de> for AttributeTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = AttributeTable;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from attributes to values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<AttributeTable, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = access.next_entry()? {
                    entries.push(entry);
                }
                Ok(AttributeTable(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl Serialize for AttributeTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (attribute, value) in &self.0 {
            map.serialize_entry(attribute, value)?;
        }
        map.end()
    }
}

impl schemars::JsonSchema for AttributeTable {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AttributeTable".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let value = generator.subschema_for::<AttributeValue>();
        schemars::json_schema!({ "type": "object", "additionalProperties": value })
    }
}

/// Every attribute there is: the built-in ones first, then those of the data by name.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeRegistry {
    table: Table<AttributeDef>,
    /// The `base` of every attribute.
    bases: Arc<[i32]>,
    /// Derived attributes, each behind those it needs.
    derived: Vec<(AttributeId, Program)>,
}

impl Holder<AttributeDef> for AttributeRegistry {
    /// Takes over all records; the built-in ones are among them.
    fn of(table: Table<AttributeDef>) -> Self {
        // Retired attributes keep their place in every list of values.
        let bases = table.all().map(|def| def.base).collect();
        let derived = in_order_of_need(&table);
        Self { table, bases, derived }
    }

    fn table(&self) -> &Table<AttributeDef> {
        &self.table
    }
}

impl AttributeRegistry {
    /// How many places every list of values has, those of retired attributes among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bases.len()
    }

    /// Never true: some are built in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bases.is_empty()
    }

    /// What an attribute is; `None` for one of another epoch.
    #[must_use]
    pub fn get(&self, attribute: AttributeId) -> Option<&AttributeDef> {
        self.table.get(Id::new(u32::from(attribute.0)))
    }

    /// The attribute with this name, written without its kind.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<AttributeId> {
        self.table.by_name(&format!("{}/{name}", AttributeDef::KIND)).map(AttributeId::from)
    }

    /// Every attribute, in the order of ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (AttributeId, &AttributeDef)> {
        self.table.iter().map(|(id, def)| (id.into(), def))
    }

    /// The derived attributes with their formulas, each behind those it needs.
    #[must_use]
    pub fn derived(&self) -> &[(AttributeId, Program)] {
        &self.derived
    }

    /// Whether an attribute is derived.
    #[must_use]
    pub fn is_derived(&self, attribute: AttributeId) -> bool {
        self.derivation(attribute).is_some()
    }

    /// The formula of a derived attribute.
    #[must_use]
    pub fn derivation(&self, attribute: AttributeId) -> Option<&Program> {
        self.derived.iter().find(|(own, _)| *own == attribute).map(|(_, program)| program)
    }

    /// The values of a unit about which nothing is said.
    #[must_use]
    pub const fn bases(&self) -> &Arc<[i32]> {
        &self.bases
    }

    /// The values of a unit of a class or kind at a level, before any modifier, within the range of each attribute.
    #[must_use]
    pub fn at_level(&self, table: &AttributeTable, level: u16, curves: &Table<CurveDef>) -> Arc<[i32]> {
        let mut values = self.bases.to_vec();
        for (attribute, value) in table.iter() {
            let id = attribute.attribute();
            if let (Some(def), Some(slot)) = (self.get(id), values.get_mut(id.index())) {
                let value = value.at(level, &|curve| curves.get(curve)).unwrap_or(i64::from(def.base));
                let inside = value.clamp(i64::from(def.min), i64::from(def.max));
                *slot = i32::try_from(inside).unwrap_or(def.max);
            }
        }
        values.into()
    }
}

/// Derived attributes in an order in which each comes behind those it needs; without those that go in a circle, which
/// the loader has refused.
fn in_order_of_need(table: &Table<AttributeDef>) -> Vec<(AttributeId, Program)> {
    let mut waiting: Vec<(AttributeId, &Program)> =
        table.iter().filter_map(|(id, def)| Some((id.into(), def.program.as_ref()?))).collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    loop {
        let is_waiting = |input: AttributeId| waiting.iter().any(|(own, _)| *own == input);
        let Some(next) = waiting.iter().position(|(_, program)| !program.sources().any(is_waiting)) else {
            return ordered;
        };
        let (attribute, program) = waiting.remove(next);
        ordered.push((attribute, program.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{AssetSources, Assets};

    #[test]
    fn the_built_in_attributes_have_the_ids_of_their_constants() {
        let assets = Assets::load(&AssetSources::new("")).expect("the built-in data has no faults");
        assert_eq!(assets.attributes.by_name("hp_max"), Some(AttributeId::HP_MAX));
        assert_eq!(assets.attributes.by_name("weapon"), Some(AttributeId::WEAPON));
        let names: Vec<&str> = assets.attributes.iter().map(|(_, def)| &def.id["attribute/".len()..]).collect();
        assert_eq!(names, CORE_ATTRIBUTES);
    }

    #[test]
    fn data_adds_attributes_behind_the_built_in_ones_and_may_redefine_those() {
        let text = r#"[(id: "attribute/agility", unit: Points, max: 999, base: 7),
            (id: "attribute/armor", name: "Armour", unit: Points, max: 50)]"#;
        let assets = Assets::load(&AssetSources::new("").with("attributes/a.ron", text)).expect("no faults");
        let agility = assets.attributes.by_name("agility").expect("it is there");
        assert_eq!(agility.index(), CORE_ATTRIBUTES.len());
        assert_eq!(assets.attributes.bases()[agility.index()], 7);
        assert_eq!(assets.attributes.get(agility).map(|def| def.name.as_str()), Some("Agility"));
        assert_eq!(assets.attributes.get(AttributeId::ARMOR).map(|def| def.max), Some(50));
    }

    #[test]
    fn values_follow_the_level() {
        let text = r#"(id: "class/x", movement: "move/m", skills: [], attributes: {
            "hp_max": PerLevel(100, 12), "attack": Scale(Curve("a.b"), 150), "armor": Flat(5)})"#;
        let sources = AssetSources::new("")
            .with("classes/x.ron", text)
            .with("curves/c.ron", r#"(id: "curve/a.b", table: "tables/t.csv", column: 2)"#)
            .with("tables/t.csv", "1, 9, 10\n11, 9, 35\n");
        let (_, report) = Assets::examine(&sources);
        assert_eq!(report.error_count(), 2, "only the skills and the movement are wrong: {report}");
        let sources = sources.with("classes/x.ron", text.replace("skills: []", r#"skills: ["skill/s"]"#));
        let sources = sources.with("movements/m.ron", include_str!("../testing/movements.ron").replace("test", "m"));
        let skill = r#"(id: "skill/s", gcd: (ms: 50), target: Caster, timeline: [(at: Hit, do: [Threat(amount: 1)])])"#;
        let assets = Assets::load(&sources.with("skills/s.ron", skill)).expect("no faults");
        let class = &assets.classes[assets.classes.by_name("class/x").expect("it is there")];
        let at = |level| {
            let values = assets.attributes.at_level(&class.attributes, level, &assets.curves);
            [AttributeId::HP_MAX, AttributeId::ATTACK, AttributeId::ARMOR, AttributeId::CRIT_BP]
                .map(|attribute| values[attribute.index()])
        };
        // 10 and 12.5 and 35, half as much again: 15, 18.75 (12.5 is 13 first), 52.5.
        assert_eq!([1, 2, 11].map(at), [[100, 15, 5, 500], [112, 20, 5, 500], [220, 53, 5, 500]]);
    }

    #[test]
    fn rounding_is_what_its_name_says_also_below_zero() {
        let all = |value| [Rounding::HalfUp, Rounding::Floor, Rounding::Ceil].map(|round| round.divide(value, 10));
        assert_eq!((all(25), all(-25), all(24), all(-21)), ([3, 2, 3], [-3, -3, -2], [2, 2, 3], [-2, -3, -2]));
    }
}
