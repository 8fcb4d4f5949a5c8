//! The designers' commands as a designer sees them: what `mainspring ai`, `lab`, `loot` and `assets check` print, and how
//! they end.

use serde_json::Value;

use super::nav_cli::mainspring;

fn json(words: &[&str]) -> Value {
    let ended = mainspring(words);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.out))
}

fn list<'v>(value: &'v Value, field: &str) -> &'v Vec<Value> {
    value[field].as_array().unwrap_or_else(|| panic!("{field} is a list: {value}"))
}

#[test]
fn a_monsters_decisions_are_told_with_what_its_tree_saw() {
    let line = ["ai", "trace", "monster/wolf_alpha", "--against", "class/mage", "--seconds", "30", "--seed", "3"];
    let ended = mainspring(&line);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for part in ["monster/wolf_alpha against class/mage, seed 3", "visits", "If AlliesNear(", "Do CastAny -> ", "  = "]
    {
        assert!(ended.out.contains(part), "`{part}` is missing in\n{}", ended.out);
    }
    let told = json(&[&line[..], &["--json"]].concat());
    let decisions: Vec<&Value> = list(&told, "moments").iter().filter(|moment| moment["kind"] == "decision").collect();
    assert!(decisions.len() > 5, "{told}");
    for decision in &decisions {
        let visited = list(&decision["trace"], "lines").iter().filter(|line| !line["status"].is_null()).count();
        assert_eq!(decision["node_count"].as_u64(), Some(visited as u64), "{decision}");
        assert_eq!(decision["budget_hit"], false);
    }
    // What was chosen in one tick is what is cast in it.
    let casts = list(&told, "moments").iter().filter(|moment| moment["kind"] == "cast").count();
    let chosen =
        decisions.iter().filter(|decision| list(decision, "chosen").iter().any(|deed| deed == "CastAny")).count();
    assert!(casts > 0 && casts <= chosen, "{casts} casts of {chosen}");
}

#[test]
fn the_fight_that_is_told_is_the_one_that_the_laboratory_fights() {
    let told = json(&["ai", "trace", "monster/boar", "--against", "class/warrior", "--seed", "5", "--json"]);
    let duel = json(&["lab", "duel", "monster/boar", "class/warrior", "-n", "1", "--seed", "5", "--json"]);
    let won = |side: usize| duel["wins"][side] == 1;
    assert_eq!(told["outcome"], if won(0) { "won" } else { "lost" }, "{duel}");
    let ticks = told["ticks"].as_f64().expect("a number");
    let median_s = duel["time"]["median_s"]["value"].as_f64().expect("a number");
    assert!((ticks / 20.0 - median_s).abs() < 1e-6, "{ticks} ticks, {median_s} s");
}

#[test]
fn who_does_not_exist_is_told_with_who_is_most_like_it() {
    for (line, message) in [
        (
            ["ai", "trace", "monster/wolff", "--json"],
            "there is no class or monster `monster/wolff`; did you mean `monster/wolf`?",
        ),
        (
            ["lab", "duel", "class/mag", "monster/wolf"],
            "there is no class or monster `class/mag`; did you mean `class/mage`?",
        ),
    ] {
        let ended = mainspring(&line);
        assert_eq!(ended.code, Some(1), "{}", ended.out);
        assert!(ended.err.contains(message), "{}", ended.err);
    }
}

#[test]
fn a_raid_tells_phases_deaths_and_the_course_of_the_fight_the_same_on_any_number_of_threads() {
    let party = "class/warrior*2@10,class/cleric*2@10,class/mage*2@10";
    let folder = tempfile::TempDir::new().expect("a temporary folder can be made");
    let fight = |threads: &str| {
        let picture = folder.path().join(format!("{threads}.svg"));
        let path = picture.to_str().expect("a plain path");
        let line = ["lab", "raid", party, "monster/ogre_king", "-n", "12", "--limit", "120", "--threads", threads];
        let told = json(&[&line[..], &["--json", "--svg", path]].concat());
        (told, std::fs::read_to_string(&picture).expect("the picture was drawn"))
    };
    let (told, picture) = fight("1");
    assert_eq!((&told, &picture), (&fight("3").0, &fight("3").1));
    let phases = list(&told, "phases");
    assert!(!phases.is_empty() && phases.iter().all(|phase| phase["monster"] == "monster/ogre_king"), "{told}");
    for estimate in phases.iter().map(|phase| &phase["begins_s"]) {
        let [low, value, high] = ["low", "value", "high"].map(|field| estimate[field].as_f64().expect("a number"));
        assert!(0.0 < low && low <= value && value <= high && high < 120.0, "{estimate}");
    }
    // What the party does by the second, stretch by stretch, adds up to what its members do.
    let number = |value: &Value| value.as_f64().expect("a number");
    let by_members: f64 =
        list(&told, "members")[0].as_array().expect("a side").iter().map(|one| number(&one["dps"]["value"])).sum();
    let first: f64 = number(&list(&told, "course")[1]["dps"][0]["value"]);
    assert!(by_members > 0.0 && (0.3..3.0).contains(&(first / by_members)), "{first} and {by_members}");
    assert!(
        picture.contains("<polyline")
            && phases.iter().all(|phase| picture.contains(phase["phase"].as_str().expect("a name")))
    );
}

#[test]
fn the_matrix_has_bosses_and_parties_but_nobody_that_the_laboratory_made_up() {
    let line = ["lab", "matrix", "--against", "monster/", "-n", "1", "--limit", "20", "--json"];
    let all = json(&line);
    let opponents: Vec<&str> = list(&all, "rows").iter().map(|row| row["opponent"].as_str().expect("a name")).collect();
    assert!(opponents.contains(&"monster/wolf") && opponents.contains(&"monster/stormlord"), "{opponents:?}");
    assert!(opponents.iter().all(|name| !name.contains("champion")), "{opponents:?}");
    let ended =
        mainspring(&["lab", "matrix", "--rank", "boss", "--party", "class/mage*5@10", "-n", "1", "--limit", "10"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("5 class/mage@10") && ended.out.contains("% left"), "{}", ended.out);
    assert_eq!(ended.out.lines().filter(|line| line.starts_with("| monster/")).count(), 3, "{}", ended.out);
}

#[test]
fn what_a_kill_is_worth_is_what_its_table_gives() {
    let all = json(&["loot", "expect", "--all", "--json"]);
    let kills = all.as_array().expect("a list");
    assert!(kills.len() > 10, "{all}");
    let wolf = kills.iter().find(|kill| kill["monster"] == "monster/wolf").expect("wolves leave something");
    let level = wolf["level"].to_string();
    let own = json(&["loot", "expect", "monster/wolf", "--level", &level, "--json"]);
    assert_eq!((&wolf["table"], &wolf["value"]), (&own["table"], &own["value"]));
    let refused = mainspring(&["loot", "expect", "--all", "loot/wolf"]);
    assert_eq!(refused.code, Some(2), "{}", refused.out);
}

#[test]
fn the_bundled_data_has_nothing_that_nobody_uses_and_says_what_kills_are_worth() {
    let ended = mainspring(&["assets", "check", "--no-tests", "--verbose"]);
    assert_eq!(ended.code, Some(0), "{}", ended.out);
    assert!(!ended.out.contains("warning"), "{}", ended.out);
    assert!(ended.out.contains("per kill") && ended.out.contains("monster/stormlord"), "{}", ended.out);
}
