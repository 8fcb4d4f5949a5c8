//! `mainspring nav` and `mainspring assets bake` as a user sees them: what is printed and how they end. The program is
//! this test binary itself, called again with a command line in its environment, so that it is always the one of now.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde_json::Value;
use tempfile::TempDir;

/// Set for the second process: its command line, the words between these.
const LINE: &str = "MAINSPRING_TEST_COMMAND_LINE";
const BETWEEN: char = '\u{1f}';
/// Two floors of 20 m x 20 m with 10 m of nothing between them, the second one 1 m higher.
const TWO_FLOORS: &str = "\
v -10 0 -10\nv -10 0 10\nv 10 0 10\nv 10 0 -10
v 20 1 -10\nv 20 1 10\nv 40 1 10\nv 40 1 -10
f 1 2 3 4\nf 5 6 7 8\n";

pub(crate) struct Ended {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

impl Ended {
    fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    }

    fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self.lines().remove(0)
    }
}

pub(crate) fn mainspring(words: &[&str]) -> Ended {
    let line: Vec<&str> = ["mainspring"].iter().chain(words).copied().collect();
    let child = Command::new(std::env::current_exe().expect("this test has a binary"))
        .args(["--exact", "nav_cli::the_program_says_its_name_and_version", "--nocapture", "--quiet"])
        .env(LINE, line.join(&BETWEEN.to_string()))
        .output()
        .expect("the second process runs");
    let out = String::from_utf8(child.stdout).expect("the program writes text");
    // The test harness says that it runs one test, then the program has the word.
    let out = out.split_once("running 1 test\n").map_or(out.as_str(), |(_, own)| own).to_owned();
    Ended { out, err: String::from_utf8_lossy(&child.stderr).into_owned(), code: child.status.code() }
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder can be made"))
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        let parent = path.parent().expect("it is below the folder");
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, text))
            .expect("the folder can be written to");
        self.path(name)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("it is text").to_owned()
    }

    /// Bakes an OBJ into `mesh.nav`.
    fn bake(&self, obj: &str) -> String {
        let (obj, nav) = (self.write("mesh.obj", obj), self.path("mesh.nav"));
        let ended = mainspring(&["nav", "bake", "--obj", &obj, "-o", &nav, "--radius", "0.5"]);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        nav
    }
}

#[test]
fn the_program_says_its_name_and_version() {
    if let Ok(line) = std::env::var(LINE) {
        let code = server::run_line(line.split(BETWEEN));
        std::process::exit(if code == ExitCode::SUCCESS { 0 } else { 1 });
    }
    assert!(mainspring(&["--version"]).out.starts_with("mainspring 0."));
}

#[test]
fn a_mesh_is_baked_and_says_what_it_is_made_of() {
    let folder = Folder::new();
    let (obj, nav) = (folder.write("mesh.obj", TWO_FLOORS), folder.path("mesh.nav"));
    let ended = mainspring(&["nav", "bake", "--obj", &obj, "-o", &nav, "--radius", "0", "--tile", "64", "--json"]);
    let baked = ended.json();
    assert_eq!((&baked["components"], &baked["triangles"]), (&Value::from(2), &Value::from(4)), "{baked}");
    let info = mainspring(&["nav", "info", &nav, "--json"]).json();
    assert_eq!(info["polygons"], baked["polygons"]);
    assert_eq!(info["settings"]["tile"], 64);
    assert!((800.0..840.0).contains(&info["area"].as_f64().expect("a number")), "{info}");
}

#[test]
fn a_path_goes_from_where_to_where_and_numbers_may_be_negative() {
    let folder = Folder::new();
    let nav = folder.bake(TWO_FLOORS);
    let path = mainspring(&["nav", "path", &nav, "--from", "-8,0,-8", "--to", "8,0,8", "--json"]).json();
    assert_eq!((&path["status"], &path["partial"]), (&Value::from("complete"), &Value::from(false)));
    let length = path["length"].as_f64().expect("a number");
    assert!((length - 512_f64.sqrt()).abs() < 0.01, "{path}");
    assert!(mainspring(&["nav", "path", &nav, "--from", "-8,0,-8", "--to", "8,0,8"]).out.starts_with("complete: 22.6"));
}

#[test]
fn a_goal_on_another_floor_gives_a_partial_path_to_the_nearest_place() {
    let folder = Folder::new();
    let nav = folder.bake(TWO_FLOORS);
    let path = mainspring(&["nav", "path", &nav, "--from", "-8,0,0", "--to", "30,1,0", "--json"]).json();
    assert_eq!((&path["status"], &path["partial"]), (&Value::from("partial"), &Value::from(true)));
    let end = path["end"][0].as_f64().expect("a number");
    assert!((9.0..10.0).contains(&end), "the edge is half a metre from the end of the floor: {path}");
    let nowhere = mainspring(&["nav", "path", &nav, "--from", "15,0,0", "--to", "0,0,0", "--json"]).json();
    assert_eq!(nowhere["status"], "no_start");
}

#[test]
fn a_ray_stops_at_the_end_of_the_floor() {
    let folder = Folder::new();
    let nav = folder.bake(TWO_FLOORS);
    let hit = mainspring(&["nav", "raycast", &nav, "--from", "0,0,0", "--to", "20,0,0", "--json"]).json();
    assert_eq!(hit["hit"], true);
    let (x, normal) = (hit["point"][0].as_f64().expect("a number"), hit["normal"][0].as_f64().expect("a number"));
    assert!((9.0..10.0).contains(&x) && normal < -0.99, "{hit}");
    let clear = mainspring(&["nav", "raycast", &nav, "--from", "0,0,0", "--to", "5,0,5", "--json"]).json();
    assert_eq!((&clear["hit"], &clear["fraction"]), (&Value::from(false), &Value::from(1.0)));
}

#[test]
fn a_file_of_queries_is_answered_line_by_line_and_a_bad_line_stops_nothing() {
    let folder = Folder::new();
    let nav = folder.bake(TWO_FLOORS);
    let text = "# from, to\n-8 0 -8 8 0 8\n{\"id\":\"b\",\"from\":[0,0,0],\"to\":[1,0,0]}\n1,2,3\nNaN,0,0,0,0,0\n0,0,0,0,0,0\n";
    let queries = folder.write("queries.txt", text);
    let ended = mainspring(&["nav", "path", &nav, "--queries", &queries]);
    let answers = ended.lines();
    let lines: Vec<u64> = answers.iter().filter_map(|answer| answer["line"].as_u64()).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6]);
    assert_eq!((&answers[1]["id"], &answers[1]["status"]), (&Value::from("b"), &Value::from("complete")));
    assert!(answers[2]["error"].as_str().is_some_and(|error| error.contains("found 3")), "{}", answers[2]);
    assert!(answers[3]["error"].as_str().is_some_and(|error| error.contains("finite")), "{}", answers[3]);
    assert_eq!(answers[4]["status"], "complete");
    assert_eq!(ended.code, Some(1));
}

#[test]
fn a_broken_mesh_is_refused_with_its_line() {
    let folder = Folder::new();
    let obj = folder.write("broken.obj", "v 0 0 0\nv 1 0 0\nv 0 0 1\nf 1 2 4\n");
    let ended = mainspring(&["nav", "bake", "--obj", &obj, "-o", &folder.path("x.nav")]);
    assert!(ended.err.starts_with(&format!("error: {obj}:4: ")), "{}", ended.err);
    assert_eq!((ended.code, Path::new(&folder.path("x.nav")).exists()), (Some(1), false));
}

#[test]
fn a_damaged_navmesh_is_refused_in_one_line() {
    let folder = Folder::new();
    let nav = PathBuf::from(folder.bake(TWO_FLOORS));
    let mut bytes = std::fs::read(&nav).expect("it was baked");
    *bytes.last_mut().expect("it is not empty") ^= 1;
    std::fs::write(&nav, bytes).expect("it can be written");
    for file in [nav.to_str().expect("it is text"), &folder.write("mesh.txt", "ply"), "no/such/file"] {
        let ended = mainspring(&["nav", "info", file]);
        assert_eq!((ended.code, ended.err.lines().count()), (Some(1), 1), "{}", ended.err);
        assert!(ended.err.starts_with("error: ") && ended.err.contains(file), "{}", ended.err);
    }
}

/// A directory of game data with one small scene, whose portal stands at `portal`.
fn game_data(portal: &str) -> Folder {
    let folder = Folder::new();
    for (path, text) in sim::testing::TEST_ASSETS.iter().filter(|(path, _)| !path.starts_with("scenes")) {
        folder.write(path, text);
    }
    folder.write(
        "scenes/yard.ron",
        &format!(
            "(\n  id: \"scene/yard\", name: \"Yard\", bounds: (min: (-20, -20), max: (60, 20)),
  aoi: (enter_m: 60, leave_m: 70), players_max: 100,
  geometry: [Box(center: (0, -0.5, 0), size: (40, 1, 40)), Box(center: (45, -0.5, 0), size: (30, 1, 40))],
  spawn_points: [(id: \"spawn/one\", at: (0, 0))],
  portals: [(id: \"portal/one\", at: {portal}, radius_m: 1, to: \"scene/yard\", spawn_point: \"spawn/one\")],
)\n"
        ),
    );
    folder
}

#[test]
fn stale_navmeshes_are_baked_and_fresh_ones_left_alone() {
    let folder = game_data("(10, 10)");
    let dir = folder.path("");
    let nav = folder.path("navmeshes/yard.nav");
    let said = |words: &[&str]| mainspring(words).out;
    assert!(said(&["assets", "bake", &dir]).contains("scene/yard: baked, as it had none"));
    let first = std::fs::read(&nav).expect("it was baked");
    assert!(said(&["assets", "bake", &dir]).contains("is up to date"));
    let text = std::fs::read_to_string(folder.path("scenes/yard.ron")).expect("it is there");
    folder.write("scenes/yard.ron", &text.replace("players_max: 100", "players_max: 99"));
    assert!(said(&["assets", "bake", &dir]).contains("is up to date"), "players are no geometry");
    folder.write("scenes/yard.ron", &text.replace("size: (40, 1, 40)", "size: (40, 1, 30)"));
    assert!(said(&["assets", "bake", &dir]).contains("scene/yard: baked, as the scene has changed"));
    assert_ne!(std::fs::read(&nav).expect("it was baked"), first);
    let check = mainspring(&["assets", "check", &dir]);
    assert_eq!(check.code, Some(0), "{}", check.out);
}

#[test]
fn a_portal_that_nobody_can_walk_to_is_a_finding() {
    let folder = game_data("(45, 0)");
    let check = mainspring(&["assets", "check", &folder.path("")]);
    assert!(check.out.contains("error[A0126]") && check.out.contains("scenes/yard.ron:6:"), "{}", check.out);
    assert_eq!(check.code, Some(1));
}

/// Two rooms with a door between them, and a guard who would have to open it.
const ROOMS: &str = r#"(
  id: "scene/rooms", name: "Rooms", bounds: (min: (-20, -10), max: (20, 10)), aoi: (enter_m: 60, leave_m: 70), players_max: 100,
  geometry: [Box(center: (0, -0.5, 0), size: (40, 1, 20)),
    Box(center: (0, 1.5, -6), size: (0.5, 3, 8)), Box(center: (0, 1.5, 6), size: (0.5, 3, 8))],
  doors: [(id: "door/middle", center: (0, 1.5, 0), size: (0.5, 3, 4), open: true)],
  spawn_points: [(id: "spawn/one", at: (-10, 0))],
  spawners: [(id: "spawner/guard", monster: "monster/rat", at: (-10, 0), radius_m: 1, count: 1,
    patrol: [(at: (-10, 5)), (at: (-10, -5)),
      (at: (10, 0))])],
)
"#;

#[test]
fn a_patrol_that_would_have_to_open_a_door_is_a_finding() {
    let folder = game_data("(10, 10)");
    folder.write("scenes/rooms.ron", ROOMS);
    let check = mainspring(&["assets", "check", &folder.path("")]);
    let said =
        "patrol point 3 of `spawner/guard` cannot be reached on foot from patrol point 2 of `spawner/guard` without";
    assert!(check.out.contains("error[A0127]") && check.out.contains(said), "{}", check.out);
    assert!(check.out.contains("scenes/rooms.ron:9:12"), "{}", check.out);
    assert_eq!((check.code, check.out.matches("error[").count()), (Some(1), 1), "{}", check.out);
    folder.write("scenes/rooms.ron", &ROOMS.replace("(at: (10, 0))", "(at: (-3, 0))"));
    let check = mainspring(&["assets", "check", &folder.path("")]);
    assert_eq!(check.code, Some(0), "{}", check.out);
}

#[test]
fn a_monster_that_nobody_can_walk_to_is_a_finding() {
    let folder = game_data("(10, 10)");
    let text = std::fs::read_to_string(folder.path("scenes/yard.ron")).expect("it is there");
    let spawner = r#"  spawners: [(id: "spawner/rats", monster: "monster/rat", at: (45, 0), radius_m: 2, count: 1)],"#;
    folder.write("scenes/yard.ron", &text.replace("\n)\n", &format!("\n{spawner}\n)\n")));
    let check = mainspring(&["assets", "check", &folder.path("")]);
    assert!(check.out.contains("error[A012") && check.out.contains("spawner `spawner/rats`"), "{}", check.out);
    assert_eq!(check.code, Some(1));
}

#[test]
fn the_committed_navmeshes_are_what_a_bake_gives() {
    let assets = server::assets::load(None).expect("the embedded assets are good");
    for (id, def) in assets.scenes.iter() {
        let recipe = server::nav::scenes::Recipe::of(&assets, id).expect("its colliders can be built");
        let baked = recipe.bake(2).unwrap_or_else(|error| panic!("{}: {error}", def.id));
        let name = server::nav::scenes::file_name(&def.id);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/navmeshes").join(name);
        let committed = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let same = committed == baked.archive.to_bytes(recipe.hash());
        assert!(same, "{} is stale: run `mainspring assets bake`", path.display());
    }
}
