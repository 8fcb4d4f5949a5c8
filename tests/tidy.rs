//! The house rules that a machine can check: lengths, layers, and a README that names what is there.

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const LINES_MAX: usize = 500;

fn rust_files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["sim/src", "sim/navbake/src", "net/src", "server/src", "server/bots/src", "tests", "benches"] {
        collect(&Path::new(ROOT).join(folder), &mut found);
    }
    found.sort();
    let relative = |path: &PathBuf| path.strip_prefix(ROOT).expect("below the root").display().to_string();
    found.iter().map(|path| (relative(path), fs::read_to_string(path).expect("it is text"))).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn offenders(offends: impl Fn(&str, &str) -> bool) -> Vec<String> {
    rust_files().into_iter().filter(|(path, text)| offends(path, text)).map(|(path, _)| path).collect()
}

#[test]
fn no_file_is_longer_than_500_lines() {
    assert_eq!(offenders(|_, text| text.lines().count() > LINES_MAX), Vec::<String>::new());
}

#[test]
fn every_file_opens_with_what_it_is() {
    assert_eq!(offenders(|_, text| !text.starts_with("//!")), Vec::<String>::new());
}

#[test]
fn no_module_is_a_grab_bag() {
    let bags = ["utils", "util", "common", "shared", "misc", "helpers", "helper", "manager", "mod"];
    let stem =
        |path: &str| Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    assert_eq!(offenders(|path, _| bags.contains(&stem(path).as_str())), Vec::<String>::new());
}

#[test]
fn the_network_names_no_feature_and_the_simulation_no_network() {
    let names =
        |text: &str, word: &str| text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word));
    assert_eq!(offenders(|path, text| path.starts_with("net/") && names(text, "sim::features")), Vec::<String>::new());
    let outside = ["std::net", "std::fs", "std::thread", "std::time::Instant", "SystemTime", "tokio", "quinn"];
    assert_eq!(
        offenders(|path, text| path.starts_with("sim/src/") && outside.iter().any(|word| names(text, word))),
        Vec::<String>::new()
    );
    assert_eq!(
        offenders(|path, text| {
            let may = path.contains("endpoint") || path.contains("client");
            path.starts_with("net/") && !may && names(text, "quinn::")
        }),
        Vec::<String>::new()
    );
}

#[test]
fn the_foundation_names_features_in_its_three_lists_only() {
    let lists = [
        "sim/src/features.rs",
        "sim/src/command.rs",
        "sim/src/replicated.rs",
        "sim/src/testing.rs",
        "sim/src/scene.rs",
    ];
    assert_eq!(
        offenders(|path, text| {
            // The laboratory stands above the features and drives them, as a process does.
            let above = ["sim/src/features", "sim/src/laboratory"].iter().any(|own| path.starts_with(own));
            let foundation = path.starts_with("sim/src/") && !above;
            foundation && !lists.contains(&path) && text.contains("features::")
        }),
        Vec::<String>::new()
    );
}

#[test]
fn inbound_and_outbound_do_not_know_each_other() {
    assert_eq!(
        offenders(|path, text| path.starts_with("net/src/inbound") && text.contains("outbound::")),
        Vec::<String>::new()
    );
    assert_eq!(
        offenders(|path, text| path.starts_with("net/src/outbound") && text.contains("inbound::")),
        Vec::<String>::new()
    );
}

#[test]
fn tests_neither_sleep_nor_hide() {
    let words = [concat!("thread::", "sleep"), concat!("#[", "ignore"), concat!("should_", "panic")];
    assert_eq!(
        offenders(|path, text| path.starts_with("tests/") && words.iter().any(|word| text.contains(word))),
        Vec::<String>::new()
    );
}

#[test]
fn the_readme_code_map_names_every_source_file_and_folder_at_the_top() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).expect("there is a README");
    let map =
        readme.split("## Code map").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("it has a code map");
    for folder in ["sim/src", "sim/navbake/src", "net/src", "server/src", "server/bots/src", "sim/src/features"] {
        for entry in fs::read_dir(Path::new(ROOT).join(folder)).expect("it is there").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let (stem, listed) = (name.trim_end_matches(".rs"), !["lib.rs", "main.rs"].contains(&name.as_str()));
            assert!(!listed || map.contains(&format!("`{stem}`")), "the code map does not name {folder}/{name}");
        }
    }
    for named in map.split('`').skip(1).step_by(2).filter(|name| name.contains('/')) {
        assert!(Path::new(ROOT).join(named).exists(), "the code map names {named}, which is not there");
    }
}
