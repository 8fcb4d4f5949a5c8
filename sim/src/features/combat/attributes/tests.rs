//! Attributes with everything on: order never matters, ledgers agree with values, conditions count only where they hold.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::assets::{AssetSources, ModifierOp, TagSet};

/// `strength` (3 at level 1, 2 more per level) feeds `attack`, which feeds `armor`; all of them can be modified.
static DATA: LazyLock<Assets> = LazyLock::new(|| {
    let attributes = r#"[
        (id: "attribute/strength", unit: Points, max: 10_000, base: 3),
        (id: "attribute/attack", unit: Points, max: 100_000, derived: "10 * strength + 5 * level"),
        (id: "attribute/armor", unit: Points, max: 5_000, round: Floor, derived: "attack / 8"),
        (id: "attribute/exact_milli", unit: Milli, max: 1_000_000),
    ]"#;
    Assets::load(&AssetSources::new("").with("attributes/own.ron", attributes))
        .unwrap_or_else(|report| panic!("{report}"))
});

fn id(name: &str) -> AttributeId {
    DATA.attributes.by_name(name).expect("it is there")
}

fn change(attribute: AttributeId, op: ModifierOp, times: u16) -> Change {
    Change { attribute, op, times, source: ChangeSource::Other("test"), when: None }
}

fn unit(level: u16) -> Attributes {
    Attributes::at_level(&DATA, &AttributeTable::default(), level)
}

#[test]
fn derived_attributes_follow_the_modified_values_of_what_they_need() {
    let plain = unit(2);
    // 10 x 3 + 5 x 2 = 40; 40 / 8 = 5.
    assert_eq!((plain.current(AttributeId::ATTACK), plain.current(AttributeId::ARMOR)), (40, 5));
    let changes = [
        change(id("strength"), ModifierOp::Flat(1), 2),
        change(AttributeId::ATTACK, ModifierOp::Increased(5_000), 1),
        change(AttributeId::ARMOR, ModifierOp::Flat(100), 1),
    ];
    let strong = plain.with(&changes, &DATA.attributes);
    // (10 x 5 + 10) x 1.5 = 90; 90 / 8 = 11.25, down to 11, and 100.
    assert_eq!((strong.current(AttributeId::ATTACK), strong.current(AttributeId::ARMOR)), (90, 111));
    assert_eq!(strong.with(&[], &DATA.attributes), plain);
}

#[test]
fn the_published_modifiers_come_out_through_the_whole_pipeline() {
    let milli = id("exact_milli");
    let ops = [
        ModifierOp::Flat(10_000),
        ModifierOp::Increased(3_000),
        ModifierOp::Increased(-2_000),
        ModifierOp::More(1_000),
        ModifierOp::More(-500),
    ];
    let with = |ops: &[ModifierOp]| {
        let changes: Vec<Change> = ops.iter().map(|op| change(milli, *op, 1)).collect();
        unit(1).with(&changes, &DATA.attributes).current(milli)
    };
    assert_eq!(with(&ops), 11_495);
    assert_eq!(with(&[ModifierOp::Flat(1_000), ModifierOp::More(1_000), ModifierOp::More(-5_000)]), 550);
}

#[test]
fn overrides_come_before_bounds_and_bounds_before_the_range() {
    let strength = id("strength");
    let with = |ops: &[ModifierOp]| {
        let changes: Vec<Change> = ops.iter().map(|op| change(strength, *op, 1)).collect();
        unit(1).with(&changes, &DATA.attributes).current(strength)
    };
    assert_eq!(with(&[ModifierOp::Flat(50), ModifierOp::Override(7), ModifierOp::Override(9)]), 9);
    assert_eq!(with(&[ModifierOp::Override(7), ModifierOp::ClampMin(8), ModifierOp::ClampMin(6)]), 8);
    assert_eq!(with(&[ModifierOp::ClampMin(80), ModifierOp::ClampMax(20), ModifierOp::ClampMax(30)]), 20);
    assert_eq!(with(&[ModifierOp::Override(1_000_000)]), 10_000);
}

#[test]
fn a_condition_counts_for_the_deeds_it_means_and_no_others() {
    let mut fire = TagSet::EMPTY;
    fire.insert(crate::assets::TagId::SCHOOL_FIRE);
    let when = Condition::of(fire, TagSet::EMPTY, TagSet::EMPTY);
    let conditional =
        Change { when: Some(Arc::new(when)), ..change(AttributeId::DAMAGE_DONE_BP, ModifierOp::Increased(1_000), 1) };
    let always = change(AttributeId::DAMAGE_DONE_BP, ModifierOp::Increased(500), 1);
    let attributes = unit(1).with(&[conditional, always], &DATA.attributes);
    let none = TagSet::EMPTY;
    let for_deed =
        |deed| attributes.with_context(AttributeId::DAMAGE_DONE_BP, &Context { deed, own: &none, target: &none });
    assert_eq!(attributes.current(AttributeId::DAMAGE_DONE_BP), 10_500);
    assert_eq!((for_deed(&none), for_deed(&fire)), (10_500, 11_500));
}

fn any_change() -> impl Strategy<Value = Change> {
    let op = prop_oneof![
        any::<i32>().prop_map(ModifierOp::Flat),
        (-1_000..1_000).prop_map(ModifierOp::Flat),
        any::<i32>().prop_map(ModifierOp::Increased),
        (-9_000..9_000).prop_map(ModifierOp::Increased),
        (-9_000..9_000).prop_map(ModifierOp::More),
        any::<i32>().prop_map(ModifierOp::More),
        (0..500).prop_map(ModifierOp::Override),
        (0..500).prop_map(ModifierOp::ClampMin),
        (0..500).prop_map(ModifierOp::ClampMax),
    ];
    (0..DATA.attributes.len() as u16, op, 1_u16..)
        .prop_map(|(attribute, op, times)| change(AttributeId::new(attribute), op, times))
}

proptest! {
    #[test]
    fn the_order_of_modifiers_never_matters_not_even_for_derived_attributes(
        (changes, shuffled) in prop::collection::vec(any_change(), 0..40)
            .prop_flat_map(|changes| (Just(changes.clone()), Just(changes).prop_shuffle())),
    ) {
        let (one, other) = (unit(5).with(&changes, &DATA.attributes), unit(5).with(&shuffled, &DATA.attributes));
        prop_assert_eq!(one.all(), other.all());
        for (attribute, def) in DATA.attributes.iter() {
            prop_assert!((def.min..=def.max).contains(&one.current(attribute)), "{}", def.id);
        }
    }

    #[test]
    fn every_ledger_ends_in_the_value(changes in prop::collection::vec(any_change(), 0..30), level in 1_u16..=100) {
        let mut modifiers = Modifiers::default();
        modifiers.replace(Contributor::Other, changes);
        let table = AttributeTable::default();
        let attributes = unit(level).with_all(modifiers.iter(), &DATA.attributes);
        let subject = Subject { origin: "class/test", table: &table, attributes: &attributes, modifiers: &modifiers };
        for (attribute, _) in DATA.attributes.iter() {
            let ledger = Ledger::of(&DATA, &subject, attribute).expect("it exists");
            prop_assert_eq!(ledger.value, attributes.current(attribute), "{}", ledger);
            prop_assert_eq!(ledger.steps.last().map(|step| step.running), Some(i64::from(ledger.value) * 10_000));
        }
    }
}

#[test]
fn a_ledger_reads_like_a_bill() {
    let mut modifiers = Modifiers::default();
    let changes =
        vec![change(id("strength"), ModifierOp::Flat(2), 2), change(id("strength"), ModifierOp::Increased(2_550), 1)];
    modifiers.replace(Contributor::Other, changes);
    let (table, level) = (AttributeTable::default(), 4);
    let attributes = unit(level).with_all(modifiers.iter(), &DATA.attributes);
    let subject = Subject { origin: "class/test", table: &table, attributes: &attributes, modifiers: &modifiers };
    let lines: Vec<String> = ["strength", "attack"]
        .into_iter()
        .flat_map(|name| {
            let ledger = Ledger::of(&DATA, &subject, id(name)).expect("it exists").to_string();
            ledger.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        lines,
        [
            "strength (Strength) = 9",
            "base of every unit strength 3",
            "+4 (2 stacks) test 7",
            "+25.50 % increased test 8.785",
            "rounded (HalfUp) 9",
            "attack (Attack) = 110",
            "base of every unit attack 0",
            "+ 10 * strength + 5 * level strength 9, level 4 110",
        ]
    );
}

#[test]
fn derived_attributes_that_go_in_a_circle_are_reported_with_the_circle() {
    let text = r#"[
        (id: "attribute/a", unit: Points, max: 9, derived: "b + 1"),
        (id: "attribute/b", unit: Points, max: 9, derived: "min(c, 3)"),
        (id: "attribute/c", unit: Points, max: 9, derived: "a"),
        (id: "attribute/d", unit: Points, max: 9, derived: "a + coef"),
    ]"#;
    let (_, report) = Assets::examine(&AssetSources::new("").with("attributes/a.ron", text));
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        findings,
        [
            "attributes/a.ron:2:60: error[A0136]: attribute `attribute/a` derives from itself: a -> b -> c -> a (`attribute/a` is used by `attribute/c` (attributes/a.ron:4), `attribute/d`)",
            "attributes/a.ron:5:65: error[A0133]: attribute `attribute/d`: `coef` is neither an attribute nor an input of a derived attribute",
        ]
    );
}
