//! What the loader says about good and bad data, message by message.
//! Each test gives a few files and compares the whole report, so that a fault which is not meant to be there shows.

use super::*;
use crate::assets::extends::{Written, extend};

const EFFECT: &str = r#"(id: "effect/burning", name: "Burning", polarity: Harmful, duration: Ms(8_000),
  period: (ms: 2_000), periodic: [Damage(coef: 200)])"#;
const SKILL: &str = r#"(id: "skill/bolt", name: "Bolt", gcd: (ms: 1_000),
  target: Unit(filter: Enemy, range_m: 25, facing_deg: 120),
  timeline: [(at: Finish, do: [Damage(coef: 1_200), ApplyEffect(effect: "effect/burning")])])"#;
const SCENE: &str = r#"(id: "scene/a", name: "A", bounds: (min: (-10, -10), max: (10, 10)),
  aoi: (enter_m: 60, leave_m: 70), players_max: 100, spawn_points: [(id: "spawn/a", at: (0, 0))])"#;

fn sources(files: &[(&str, &str)]) -> AssetSources {
    files.iter().fold(AssetSources::new("assets"), |sources, (path, text)| sources.with(*path, *text))
}

/// The report of the files together with a good effect and a skill that uses it.
fn findings(files: &[(&str, &str)]) -> Vec<String> {
    let good = [("effects/burning.ron", EFFECT), ("skills/bolt.ron", SKILL)];
    let (assets, report) = Assets::examine(&sources(&[&good[..], files].concat()));
    assert_eq!(assets.is_none(), report.error_count() > 0, "data loads exactly when there is no error");
    report.findings.iter().map(ToString::to_string).collect()
}

/// The report of one more skill whose fields behind id, name and gcd are `fields`, without the file name.
fn skill_findings(fields: &str) -> Vec<String> {
    let text = format!("(id: \"skill/x\", name: \"X\", gcd: (ms: 1_000),\n{fields})");
    let strip = |finding: String| finding.trim_start_matches("assets/skills/x.ron:").to_owned();
    findings(&[("skills/x.ron", &text)]).into_iter().map(strip).collect()
}

#[test]
fn good_data_loads_with_references_resolved() {
    let assets = Assets::load(&sources(&[("effects/e.ron", EFFECT), ("skills/s.ron", SKILL)])).expect("no faults");
    let skill = &assets.skills[assets.skills.by_name("skill/bolt").expect("it is there")];
    let super::super::Action::ApplyEffect { effect, chance_pct, .. } = &skill.timeline[0].actions[1] else {
        panic!("the second action applies an effect");
    };
    assert_eq!(assets.effects[effect.id()].id, "effect/burning");
    assert_eq!((*chance_pct, skill.target.facing_deg(), skill.gcd_ticks()), (100, Some(120.0), 20));
}

#[test]
fn ids_follow_names_and_not_files() {
    let other = EFFECT.replace("burning", "ablaze").replace("Burning", "Ablaze");
    let list = format!("[{EFFECT}, {other}]");
    let one = Assets::load(&sources(&[("effects/a.ron", &list)])).expect("no faults");
    let two = Assets::load(&sources(&[("effects/a.ron", EFFECT), ("effects/b.ron", &other)])).expect("no faults");
    assert_eq!(one.effects, two.effects);
    assert_eq!(one.effects.by_name("effect/ablaze").map(|id| id.index()), Some(0));
    assert_ne!(one.hash, two.hash);
}

#[test]
fn every_fault_of_one_record_is_reported() {
    let text = r#" target: Unit(filter: Enmy, range_m: "far", los: Maybe, facing_deg: 361), cast: Cast(ms: 5.5), cost: [(attr: "rage", amount: 99999999999)],
 timeline: [(at: Finish, do: [Damage(coeff: 5), Explode(size: 1), ApplyEffect(effect: "effect/burnign", chance_pct: 101), Threat])],
 cooldown: (ms: 1_010), cooldown_ms: 5"#;
    assert_eq!(
        skill_findings(text),
        [
            "2:23: error[A0103]: `filter` cannot be `Enmy` (did you mean `Enemy`?)",
            "2:38: error[A0104]: `range_m` must be a number, found the string \"far\"",
            "2:50: error[A0103]: `los` cannot be `Maybe` (it can be `No`, `AtStart` or `AtStartAndEnd`)",
            "2:69: error[A0111]: `facing_deg` is 361, but must be from 1 to 360 degrees",
            "2:90: error[A0104]: `ms` must be a whole number from 0, found the number 5.5",
            "2:110: error[A0101]: `attr` cannot be read: there is no pool `rage`, only \"hp\" and \"mana\"",
            "3:38: error[A0102]: `Damage` has no field `coeff` (did you mean `coef`?)",
            "3:49: error[A0103]: `do[1]` cannot be `Explode` (it can be `Damage`, `Heal`, `Gain`, `ApplyEffect`, `Apply`, `Resurrect`, `Threat`, `Remove`, `Dispel`, `Stagger`, `WorkDoor`, `Launch`, `Area`, `Interrupt`, `Displace`, `ResetCooldown`, `ReduceCooldown`, `Taunt` or `ScaleThreat`)",
            "3:87: error[A0107]: skill `skill/x` refers to effect `effect/burnign`, which does not exist (did you mean \"effect/burning\" (assets/effects/burning.ron:1)?)",
            "3:117: error[A0111]: `chance_pct` is 101, but must be from 1 to 100",
            "3:123: error[A0104]: `do[3]` must be a group `(..)` of named fields, found the name `Threat`",
            "4:17: error[A0113]: `ms` is 1010 ms, but must be a multiple of the 50 ms tick (the nearest is 1000)",
            "4:25: error[A0102]: this skill has no field `cooldown_ms` (its fields are `id`, `name`, `tags`, `cast`, `gcd`, `queue_window_ms`, `cost`, `refund`, `cooldown`, `requires`, `stopped_by`, `interrupts`, `becomes`, `target` and `timeline`)",
        ]
    );
}

#[test]
fn missing_fields_are_named_where_they_belong() {
    assert_eq!(
        findings(&[(
            "monsters/m.ron",
            "(id: \"monster/m\", name: \"M\", level: (1, 1), skills: [\"skill/bolt\"],\n senses: (los: false))"
        )])[..3],
        [
            "assets/monsters/m.ron:1:1: error[A0105]: this monster has no `faction`",
            "assets/monsters/m.ron:1:1: error[A0105]: this monster has no `move`",
            "assets/monsters/m.ron:1:1: error[A0105]: this monster has no `leash`",
        ]
    );
}

#[test]
fn a_field_without_its_group_does_not_end_the_search() {
    let text = SCENE.replace("(enter_m: 60, leave_m: 70)", "3").replace("100", "-1");
    assert_eq!(
        findings(&[("scenes/a.ron", &text)]),
        [
            "assets/scenes/a.ron:2:8: error[A0104]: `aoi` must be a group `(..)` of named fields, found the number 3",
            "assets/scenes/a.ron:2:24: error[A0111]: `players_max` is -1, but must be from 0 to 4294967295",
        ]
    );
}

#[test]
fn a_scene_that_clients_simulate_is_small_and_compared_now_and_then() {
    let found = |sync: &str, players: u32| {
        let text = SCENE.replace("players_max: 100", &format!("players_max: {players}, sync: {sync}"));
        findings(&[("scenes/a.ron", &text)])
    };
    assert!(found("Frames(compare_ms: 1000)", 64).is_empty() && found("State", 65).is_empty());
    for (sync, players, named) in [
        ("Frames(compare_ms: 1000)", 65, "`players_max` is 65"),
        ("Frames(compare_ms: 100)", 8, "`compare_ms` is 100"),
        ("Frames", 8, "`sync`"),
    ] {
        let found = found(sync, players);
        assert!(found.len() == 1 && found[0].contains(named), "{found:?}");
    }
}

#[test]
fn a_variant_with_wrong_parentheses_is_told_what_it_takes() {
    let effect =
        |body: &str| findings(&[("effects/burning.ron", &EFFECT.replace("period:", &format!("{body}, period:")))]);
    assert_eq!(
        effect("stack: (by: Source(5), on_apply: RefreshDuratio)"),
        [
            "assets/effects/burning.ron:2:15: error[A0104]: `by` must be `Source` or `Target`, found `Source(..)` (`effect/burning` is used by `skill/bolt` (assets/skills/bolt.ron:1))",
            "assets/effects/burning.ron:2:36: error[A0103]: `on_apply` cannot be `RefreshDuratio` (did you mean `RefreshDuration`?; `effect/burning` is used by `skill/bolt` (assets/skills/bolt.ron:1))",
        ]
    );
    assert_eq!(
        effect("modifiers: [(attr: \"attak\", op: More(5, 6)), (attr: \"attack\")]"),
        [
            "assets/effects/burning.ron:2:22: error[A0107]: effect `effect/burning` refers to attribute `attak`, which does not exist (did you mean \"attack\" ((built in) core/attributes.ron:5)?; `effect/burning` is used by `skill/bolt` (assets/skills/bolt.ron:1))",
            "assets/effects/burning.ron:2:35: error[A0104]: `More` takes one value, found 2 (`effect/burning` is used by `skill/bolt` (assets/skills/bolt.ron:1))",
            "assets/effects/burning.ron:2:48: error[A0105]: `modifiers[1]` has no `op` (`effect/burning` is used by `skill/bolt` (assets/skills/bolt.ron:1))",
        ]
    );
}

#[test]
fn tags_of_closed_families_must_exist_and_slips_are_pointed_out() {
    let other = EFFECT.replace("burning", "other").replace("name:", "tags: [\"bleeding\", \"poison\"], name:");
    let text = EFFECT.replace("name:", "tags: [\"bleedin\", \"Dot\", \"rank1\"], grants: [\"state.stuned\"],\n name:");
    let third = other.replace("other", "third").replace("poison", "rank2");
    let skill = SKILL.replace("effect/burning", "effect/other").replace("bolt", "two");
    let skill_3 = SKILL.replace("effect/burning", "effect/third").replace("bolt", "three");
    let files = [
        ("effects/burning.ron", text.as_str()),
        ("effects/other.ron", &other),
        ("effects/third.ron", &third),
        ("skills/two.ron", &skill),
        ("skills/three.ron", &skill_3),
    ];
    assert_eq!(
        findings(&files),
        [
            "assets/effects/burning.ron:1:31: warning[A0139]: no other record has the tag `bleedin` (did you mean \"bleeding\"?)",
            "assets/effects/burning.ron:1:42: error[A0130]: `Dot` is not a good tag: write lower-case words with digits and `_`, dots between (`effect/burning` is used by `skill/bolt` (assets/skills/bolt.ron:1))",
            "assets/effects/burning.ron:1:68: error[A0131]: the program knows no tag `state.stuned`, and only it says what `state` can be (did you mean \"state.stunned\"?; `effect/burning` is used by `skill/bolt` (assets/skills/bolt.ron:1))",
        ]
    );
}

#[test]
fn a_duplicate_id_names_both_places() {
    assert_eq!(
        findings(&[("skills/more.ron", &format!("\n{SKILL}"))]),
        [
            "assets/skills/more.ron:2:6: error[A0109]: there are two records with the id `skill/bolt` (the first one is at assets/skills/bolt.ron:1)"
        ]
    );
}

#[test]
fn a_duplicate_field_names_the_first() {
    assert_eq!(
        skill_findings(" target: Caster, timeline: [(at: Hit, do: [Heal(coef: 1)])],\n target: Caster"),
        ["3:2: error[A0106]: this skill has the field `target` twice (the first one is at assets/skills/x.ron:2)"]
    );
}

#[test]
fn a_reference_to_another_kind_is_told_apart_from_an_unknown_one() {
    assert_eq!(
        skill_findings(
            " target: Caster, timeline: [(at: Hit, do: [ApplyEffect(effect: \"skill/bolt\"), ApplyEffect(effect: \"burning\")])]"
        ),
        [
            "2:64: error[A0108]: skill `skill/x` needs an effect here, but `skill/bolt` is a skill",
            "2:99: error[A0107]: skill `skill/x` refers to effect `burning`, which does not exist (did you mean \"effect/burning\" (assets/effects/burning.ron:1)?)",
        ]
    );
}

#[test]
fn a_broken_record_still_shows_its_unknown_references_and_hides_no_other() {
    let text = "[\n(id: \"skill/a\", timeline: [(at: Hit, do: [ApplyEffect(effect: \"effect/no\"))]),\n(id: \"skill/b\", name: \"B\" gcd: (ms: 50), target: Caster, timeline: []),\n]";
    assert_eq!(
        findings(&[("skills/x.ron", text)]),
        [
            "assets/skills/x.ron:2:42: error[A0101]: this `[` is never closed",
            "assets/skills/x.ron:2:63: error[A0107]: skill `skill/a` refers to effect `effect/no`, which does not exist",
            "assets/skills/x.ron:3:27: error[A0101]: expected `,` between this field and the one before",
            "assets/skills/x.ron:3:68: error[A0123]: skill `skill/b` has nothing to do",
        ]
    );
}

#[test]
fn numbers_must_be_finite_and_in_range() {
    assert_eq!(
        skill_findings(
            " target: Cone(radius_m: inf, angle_deg: 0, filter: Any, targets_max: 70_000),\n timeline: [(at: Hit, do: [Threat(amount: 0)])]"
        ),
        [
            "2:25: error[A0112]: `radius_m` is inf, but must be a finite number",
            "2:41: error[A0111]: `angle_deg` is 0, but must be from 1 to 360 degrees",
            "2:70: error[A0111]: `targets_max` is 70_000, but must be from 0 to 65535",
            "3:43: error[A0111]: `amount` is 0, but must be from 1 to 1000000",
        ]
    );
}

#[test]
fn values_that_contradict_each_other_are_reported() {
    let effect = EFFECT.replace("[Damage(coef: 200)]", "[]").replace("8_000", "1_000");
    assert_eq!(
        findings(&[("effects/burning.ron", &effect)]),
        [
            "assets/effects/burning.ron:2:11: error[A0117]: effect `effect/burning` has a period but nothing `periodic` to do (`effect/burning` is used by `skill/bolt` (assets/skills/bolt.ron:1))",
            "assets/effects/burning.ron:2:16: error[A0117]: effect `effect/burning` ends after 1000 ms, before its first period of 2000 ms (`effect/burning` is used by `skill/bolt` (assets/skills/bolt.ron:1))",
        ]
    );
}

#[test]
fn places_in_a_scene_are_checked_against_its_bounds_and_each_other() {
    let text = SCENE
        .replace("leave_m: 70", "leave_m: 60")
        .replace("[(id: \"spawn/a\", at: (0, 0))]", "[\n(id: \"spawn/a\", at: (9, 0), radius_m: 2),\n(id: \"spawn/a\", at: (0, 0)), (id: \"b\", at: (0, 0))],\nportals: [(id: \"portal/p\", at: (0, 0), radius_m: 2, to: \"scene/a\", spawn_point: \"spawn/b\")]");
    assert_eq!(
        findings(&[("scenes/a.ron", &text)]),
        [
            "assets/scenes/a.ron:2:31: error[A0117]: `leave_m` is 60 m, but must be more than `enter_m`, 60 m",
            "assets/scenes/a.ron:3:21: error[A0116]: (9, 0) with radius 2 m reaches outside the bounds (-10, -10) to (10, 10)",
            "assets/scenes/a.ron:4:6: error[A0110]: scene `scene/a` has `spawn/a` twice (the first one is at assets/scenes/a.ron:3)",
            "assets/scenes/a.ron:4:35: error[A0114]: `b` is not a good id here: write \"spawn/name\" with lower-case letters, digits and `_`",
            "assets/scenes/a.ron:5:81: error[A0115]: portal `portal/p` leads to `spawn/b`, which `scene/a` does not have (did you mean \"spawn/a\"?)",
        ]
    );
}

#[test]
fn doors_and_patrols_are_checked_like_all_places() {
    let doors = "doors: [(id: \"door/a\", center: (0, 1, 12), size: (2, 2, 0.05)),\n (id: \"door/a\", center: (0, 1, 0), size: (2, 2, 1), shut: true)],\n spawners: [(id: \"spawner/a\", monster: \"monster/m\", at: (0, 0), radius_m: 1, count: 1,\n patrol: [(at: (0, -11))])], spawn_points";
    assert_eq!(
        findings(&[("scenes/a.ron", &SCENE.replacen("spawn_points", doors, 1))]),
        [
            "assets/scenes/a.ron:2:85: error[A0116]: (0, 12) is outside the bounds (-10, -10) to (10, 10)",
            "assets/scenes/a.ron:2:110: error[A0111]: `size[2]` is 0.05, but must be from 0.1 to 100",
            "assets/scenes/a.ron:3:7: error[A0110]: scene `scene/a` has `door/a` twice (the first one is at assets/scenes/a.ron:2)",
            "assets/scenes/a.ron:3:53: error[A0102]: `doors[1]` has no field `shut` (its fields are `id`, `center`, `size`, `yaw_deg` and `open`)",
            "assets/scenes/a.ron:4:40: error[A0107]: scene `scene/a` refers to monster `monster/m`, which does not exist",
            "assets/scenes/a.ron:5:10: error[A0111]: `patrol` has 1 place, but needs 2 to 64, or none at all",
            "assets/scenes/a.ron:5:16: error[A0116]: (0, -11) is outside the bounds (-10, -10) to (10, 10)",
        ]
    );
}

#[test]
fn geometry_must_fit_together() {
    let geometry = "geometry: [Trimesh(vertices: [(0,0,0), (1,0,0), (0,0,1)], triangles: [(0, 2, 3)]),\n Heightfield(min: (0, 0), cell_m: 1, columns: 1, rows: 1, heights: Inline([1, 2, 3])),\n Heightfield(min: (0, 0), cell_m: 1, columns: 1, rows: 1, heights: Table(\"tables/h.cs\"))], spawn";
    assert_eq!(
        findings(&[("scenes/a.ron", &SCENE.replacen("spawn", geometry, 1)), ("tables/h.csv", "1,2\n3,4\n")]),
        [
            "assets/scenes/a.ron:2:131: error[A0119]: corner 3 does not exist: the mesh has 3 corners, counted from 0",
            "assets/scenes/a.ron:3:68: error[A0118]: a heightfield of 1 x 1 cells needs 4 heights, found 3",
            "assets/scenes/a.ron:4:2: error[A0117]: a scene has at most one heightfield",
            "assets/scenes/a.ron:4:74: error[A0122]: there is no table `tables/h.cs` (did you mean \"tables/h.csv\"?)",
            "assets/tables/h.csv:1:1: warning[A0150]: no record uses this table",
        ]
    );
}

#[test]
fn a_height_table_in_centimetres_becomes_samples_in_metres() {
    let field =
        "geometry: [Heightfield(min: (0, 0), cell_m: 1, columns: 1, rows: 1, heights: Table(\"tables/h.csv\"))], spawn";
    let files = [("scenes/a.ron", SCENE.replacen("spawn", field, 1)), ("tables/h.csv", "1,250\n-3,4\n".to_owned())];
    let assets =
        Assets::load(&sources(&files.each_ref().map(|(path, text)| (*path, text.as_str())))).expect("no faults");
    let (_, scene) = assets.scenes.iter().next().expect("one scene");
    let super::super::GeometryDef::Heightfield { heights, .. } = &scene.geometry[0] else {
        panic!("the first piece is the heightfield");
    };
    assert_eq!(heights.samples_m(), [0.01, 2.5, -0.03, 0.04]);
}

#[test]
fn files_that_do_not_belong_are_reported() {
    assert_eq!(
        findings(&[("itms/c.ron", "()"), ("items/c.txt", "()"), ("items/c.ron", "// nothing\n")]),
        [
            "assets/items/c.ron:1:1: error[A0121]: this file has no records",
            "assets/items/c.txt:1:1: error[A0124]: files in `items` must end in `.ron`",
            "assets/itms/c.ron:1:1: error[A0124]: `itms` is not a folder for assets (did you mean `items`?)",
        ]
    );
}

#[test]
fn limits_on_files_and_records_hold() {
    let large = " ".repeat(FILE_BYTES_MAX + 1);
    let many: String = (0..=RECORDS_MAX).map(|n| format!("(id:\"item/i{n}\",name:\"I\"),")).collect();
    assert_eq!(
        findings(&[("items/large.ron", &large), ("items/many.ron", &format!("[{many}]"))]),
        [
            "assets/items/large.ron:1:1: error[A0125]: this file has 4194305 bytes, but at most 4194304 are accepted",
            "assets/items/many.ron:1:109484: error[A0125]: there are more than 4096 records of kind `item`",
        ]
    );
}

#[test]
fn an_effect_that_nobody_applies_is_a_warning() {
    let lonely = EFFECT.replace("burning", "lonely");
    assert_eq!(
        findings(&[("effects/l.ron", &lonely)]),
        ["assets/effects/l.ron:1:6: warning[A0151]: nothing applies effect `effect/lonely`"]
    );
}

proptest::proptest! {
    #[test]
    fn damaged_data_never_panics_and_is_never_half_loaded(at in 0_usize..400, len in 0_usize..12, patch in "[a-z0-9(){}\\[\\]:,.\"/ _-]{0,6}") {
        for (path, text) in [("skills/s.ron", SKILL), ("scenes/s.ron", SCENE), ("effects/e.ron", EFFECT)] {
            let at = at % text.len();
            let damaged = format!("{}{patch}{}", &text[..at], &text[(at + len).min(text.len())..]);
            let (assets, report) = Assets::examine(&sources(&[(path, &damaged)]));
            assert_eq!(assets.is_none(), report.error_count() > 0);
        }
    }
}

const BASE: &str = r#"(id: "move/base", abstract: true, run_mps: 5, walk_mps: 2, acceleration: 10, friction: 6,
  stop_speed_mps: 1, radius_m: 0.4, step_height_m: 0.4, slope_max_deg: 45)"#;

fn extending(record: &str) -> (Option<Assets>, Vec<String>) {
    let texts = sources(&[("movements/base.ron", BASE), ("movements/a.ron", record)]);
    let (assets, report) = Assets::examine(&texts);
    (assets, report.findings.iter().map(ToString::to_string).collect())
}

#[test]
fn a_record_takes_from_its_parent_what_it_does_not_write() {
    let (assets, findings) = extending(r#"(id: "move/a", extends: "move/base", height_m: 1.8, run_mps: 7)"#);
    assert_eq!(findings, [""; 0]);
    let movements = assets.expect("no faults").movements;
    assert_eq!((movements.len(), movements.by_name("move/base")), (1, None), "an abstract record is none");
    let a = &movements[movements.by_name("move/a").expect("it is there")];
    assert_eq!((a.run_mps, a.walk_mps, a.height_m), (7.0, 2.0, 1.8));
}

#[test]
fn groups_and_maps_are_merged_and_lists_replaced() {
    let base = r#"(id: "monster/base", abstract: true, level: 3, faction: "beast", movement: "move/m", skills: ["skill/bolt"],
        attributes: {"hp_max": Flat(10), "attack": Flat(2)}, senses: (aggro_m: 9, z_m: 2, los: true))"#;
    let cub = r#"(id: "monster/cub", extends: "monster/base", attributes: {"attack": Flat(7)}, senses: (z_m: 1))"#;
    let scan_of = |text: &str| super::super::span::scan(text).records.remove(0);
    let (parent, child) = (scan_of(base), scan_of(cub));
    let written = [(base, &parent), (cub, &child)].map(|(text, record)| Written {
        kind: "monster",
        file: "f",
        text,
        node: &record.node,
        facts: record.facts(text),
    });
    let none = AssetSources::new("");
    let joined = extend(&written, &mut Default::default(), &mut Findings::new(&none));
    let text = &joined[&1].as_ref().expect("a record").text;
    assert!(text.contains(r#"attributes: {"attack": Flat(7), "hp_max": Flat(10), }"#), "{text}");
    assert!(text.contains("senses: (z_m: 1, aggro_m: 9, los: true, )"), "{text}");
    assert!(!text.contains("abstract") && !text.contains("monster/base"), "{text}");
}

#[test]
fn an_inherited_fault_is_reported_once_and_where_it_stands() {
    let two = r#"[(id: "move/a", extends: "move/base", height_m: 1.8), (id: "move/b", extends: "move/a")]"#;
    let texts = sources(&[
        ("movements/base.ron", &BASE.replace("slope_max_deg: 45", "slope_max_deg: 95")),
        ("movements/a.ron", two),
    ]);
    let findings: Vec<_> = Assets::examine(&texts).1.findings.iter().map(ToString::to_string).collect();
    let wanted = "assets/movements/base.ron:2:72: error[A0111]: `slope_max_deg` is 95, but must be from 0 to 80 degrees \
                  (inherited by `move/a` at assets/movements/a.ron:1)";
    assert_eq!(findings, [wanted]);
}

#[test]
fn what_cannot_be_extended_is_said() {
    let round = r#"[(id: "move/a", extends: "move/b"), (id: "move/b", extends: "move/a")]"#;
    let (_, findings) = extending(round);
    assert!(
        findings[0].contains(
            "a.ron:1:26: error[A0210]: `move/a` extends itself (the way round is move/a -> move/b -> move/a)"
        ),
        "{findings:#?}"
    );
    let (_, findings) = extending(r#"(id: "move/a", extends: "move/bose", height_m: 1.8)"#);
    assert!(
        findings[0].contains("`move/bose` is to be extended, but does not exist (did you mean \"move/base\"?)"),
        "{findings:#?}"
    );
}
