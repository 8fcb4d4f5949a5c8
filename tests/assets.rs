//! Designers' data through the public API: the data in the repository is good, and bad data is told where it is bad.
//! Details of single messages stand beside the loader; here is what somebody who edits `assets/` relies on.

use std::{collections::BTreeSet, fs, path::Path};

use glam::Vec2;
use server::assets::{embedded, from_dir, load};
use sim::assets::{Action, AssetReport, AssetSources, Assets, AttributeId, GeometryDef, SpawnArea};
use sim::space::polygon;

/// The committed data with some files replaced.
fn edited(edits: &[(&str, &str, &str)]) -> AssetSources {
    let mut sources = embedded();
    for (path, from, to) in edits {
        let text = sources.text(path).unwrap_or_else(|| panic!("there is a file {path}"));
        assert!(text.contains(from), "{path} contains {from}");
        let text = text.replacen(from, to, 1);
        sources.insert(*path, text);
    }
    sources
}

fn report(edits: &[(&str, &str, &str)]) -> AssetReport {
    Assets::examine(&edited(edits)).1
}

#[test]
fn the_committed_assets_load_without_a_warning() {
    let (assets, report) = Assets::examine(&embedded());
    assert_eq!(report.to_string(), "");
    let assets = assets.expect("no errors");
    assert!(assets.skills.len() >= 12 && assets.effects.len() >= 12 && assets.monsters.len() >= 8);
    assert!(assets.scenes.by_name("scene/field").is_some() && assets.scenes.by_name("scene/dungeon").is_some());
}

#[test]
fn portals_lead_there_and_back() {
    let assets = load(None).expect("the committed data is good");
    for (_, scene) in assets.scenes.iter() {
        for portal in &scene.portals {
            let target = &assets.scenes[portal.to.id()];
            assert!(target.spawn_point(&portal.spawn_point).is_some());
            assert!(target.portals.iter().any(|back| back.to.name() == scene.id), "{} has a way back", target.id);
        }
    }
}

#[test]
fn nothing_hunts_near_the_village() {
    let assets = load(None).expect("the committed data is good");
    let field = &assets.scenes[assets.scenes.by_name("scene/field").expect("the field")];
    let village = field.spawn_point("spawn/village").expect("the default spawn point");
    for spawner in &field.spawners {
        let (x, z) = (spawner.at.0 - village.at.0, spawner.at.1 - village.at.1);
        assert!(x.hypot(z) - spawner.radius_m >= 40.0, "{} is too near", spawner.id);
        if let SpawnArea::Polygon(corners) = &spawner.area {
            let corners: Vec<Vec2> = corners.iter().copied().map(Vec2::from).collect();
            assert!(polygon::distance_m(&corners, village.at.into()) >= 40.0, "{} is too near", spawner.id);
        }
    }
}

#[test]
fn the_ground_of_the_field_is_level_in_the_village_and_walkable_outside() {
    let assets = load(None).expect("the committed data is good");
    let field = &assets.scenes[assets.scenes.by_name("scene/field").expect("the field")];
    let ground = field.geometry.iter().find_map(|geometry| match geometry {
        GeometryDef::Heightfield { min, cell_m, columns, heights, .. } => {
            Some((*min, *cell_m, *columns as usize + 1, heights.samples_m()))
        }
        _ => None,
    });
    let (min, cell_m, width, samples_m) = ground.expect("a heightfield");
    for (index, height_m) in samples_m.iter().enumerate() {
        let (column, row) = (index % width, index / width);
        let (x, z) = (min.0 + column as f32 * cell_m, min.1 + row as f32 * cell_m);
        if x.hypot(z) <= 76.0 {
            assert_eq!(*height_m, 0.0, "level at ({x}, {z})");
        }
        let neighbours = [(column + 1 < width).then(|| index + 1), (row + 1 < width).then(|| index + width)];
        for neighbour in neighbours.into_iter().flatten() {
            let slope = (samples_m[neighbour] - height_m).abs() / cell_m;
            assert!(slope < 35_f32.to_radians().tan(), "walkable at ({x}, {z})");
        }
    }
}

#[test]
fn every_class_can_hurt_from_the_start() {
    let assets = load(None).expect("the committed data is good");
    for (_, class) in assets.classes.iter() {
        let values = assets.attributes.at_level(&class.attributes, 1, &assets.curves);
        let hurts = class.skills.iter().any(|skill| {
            let skill = &assets.skills[skill.id()];
            skill.mana_cost() as i32 <= values[AttributeId::MANA_MAX.index()]
                && skill.actions().any(|action| matches!(action, Action::Damage { .. }))
        });
        assert!(hurts, "{} has a skill that does damage", class.id);
    }
}

#[test]
fn five_faults_in_three_files_give_five_errors_with_places() {
    let report = report(&[
        ("skills/mage.ron", "\"effect/burning\"", "\"effect/burnign\""),
        ("skills/mage.ron", "cooldown: (ms: 18_000)", "cooldown: (ms: 18_010)"),
        ("monsters/near.ron", "wander_m: 8", "wander_m: \"far\""),
        ("monsters/near.ron", "faction: \"vermin\"", "fraction: \"vermin\""),
        ("scenes/dungeon.ron", "leave_m: 70", "leave_m: 900"),
    ]);
    assert_eq!((report.error_count(), report.error_file_count()), (5, 3));
    let places: BTreeSet<_> =
        report.findings.iter().map(|finding| (finding.path.as_str(), finding.code.as_str())).collect();
    assert!(places.contains(&("assets/skills/mage.ron", "A0107")));
    assert!(places.contains(&("assets/monsters/near.ron", "A0102")));
    assert!(report.findings.iter().all(|finding| finding.line > 1 && finding.column > 1));
}

#[test]
fn an_unknown_reference_names_the_nearest_and_where_it_is() {
    let report = report(&[("skills/mage.ron", "\"effect/burning\"", "\"effect/burnign\"")]);
    let finding = &report.findings[0];
    let help = "did you mean \"effect/burning\" (assets/effects/fire.ron:4)?; `skill/fireball` is used by `ai/mage` (assets/ai/";
    assert_eq!(finding.message, "skill `skill/fireball` refers to effect `effect/burnign`, which does not exist");
    assert!(finding.help.as_deref().is_some_and(|told| told.starts_with(help)), "{:?}", finding.help);
    assert_eq!((finding.line, finding.column, finding.length), (13, 41, 16));
}

#[test]
fn data_with_one_error_does_not_load_at_all() {
    let sources = edited(&[("items/materials.ron", "stack_max: 50", "stack_max: 0")]);
    let report = Assets::load(&sources).expect_err("a stack of none");
    assert_eq!(report.error_count(), 1);
}

#[test]
fn a_directory_loads_like_the_embedded_data() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let (on_disk, built_in) = (from_dir(&directory).expect("readable"), embedded());
    assert_eq!(on_disk.hash(), built_in.hash());
}

#[test]
fn a_directory_is_read_with_its_folders_and_without_hidden_files() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir_all(dir.path().join("items/rare")).expect("folders");
    fs::write(dir.path().join("items/rare/a.ron"), "()").expect("a file");
    fs::write(dir.path().join("items/.swap"), [0xff]).expect("a hidden file");
    let sources = from_dir(dir.path()).expect("readable");
    assert_eq!(sources.iter().collect::<Vec<_>>(), [("items/rare/a.ron", "()")]);
}

#[test]
fn a_file_that_is_not_text_is_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::write(dir.path().join("a.ron"), b"ab\xff").expect("a file");
    let message = from_dir(dir.path()).expect_err("not text").to_string();
    assert!(message.ends_with("a.ron` is not UTF-8 text: the byte at offset 2 is not valid"), "{message}");
}
