//! A storm of reloads: one random edit of the real game data per tick, under a hundred fighting bots, with files that are
//! wrong in between. Nothing may panic, every edit is taken over or refused for a reason, and after every tick what is
//! alive holds together. `MAINSPRING_STORM_EDITS` sets how many edits; the suite makes do with fewer than a release does.

use std::sync::Arc;

use sim::actor::Actor;
use sim::assets::{AssetSources, Assets, Id};
use sim::counters::Counters;
use sim::epoch::{ASSET_EDITS, AssetsEdit, LoadedAhead};
use sim::features::combat::Vitals;
use sim::features::skills::CastCommand;
use sim::ids::SimId;
use sim::input::SceneInput;
use sim::intent::CastTarget;
use sim::random::{Draw, Random, Stream};
use sim::scene::SceneAssets;
use sim::testing::TestScene;

/// Edits where nothing else is asked for.
const EDITS: u32 = 400;
/// Who fights.
const BOTS: usize = 100;
/// How many records the storm adds beside the real ones, at most, per kind.
const EXTRA_MAX: u32 = 12;
/// Folders whose records are copied, taken out again and changed.
const FOLDERS: [&str; 5] = ["effects", "skills", "items", "monsters", "classes"];
/// Every so many edits one is a file that is wrong.
const BAD_EVERY: u32 = 7;

#[test]
fn a_storm_of_edits_under_a_fight_breaks_nothing() {
    let edits = std::env::var("MAINSPRING_STORM_EDITS").ok().and_then(|text| text.parse().ok()).unwrap_or(EDITS);
    let mut storm = Storm::new(1);
    for _ in 0..edits {
        storm.step();
    }
    let [applied, refused, broken] = storm.outcomes;
    println!("{edits} edits: {applied} applied, {refused} refused as they should be, {broken} bad by chance");
    assert_eq!(applied + refused + broken, u64::from(edits), "every edit came to something");
    assert!(applied * 2 > u64::from(edits), "most edits are good: {applied}");
    assert!(storm.hits > u64::from(edits), "there was a fight: {} hits", storm.hits);
}

struct Storm {
    scene: TestScene,
    bots: Vec<SimId>,
    random: Random,
    tick: u32,
    /// What the next edit is made against.
    texts: AssetSources,
    /// Applied, refused on purpose, refused by chance.
    outcomes: [u64; 3],
    hits: u64,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let texts = server::assets::embedded();
        let assets = Arc::new(Assets::load(&texts).unwrap_or_else(|report| panic!("{report}")));
        let mut scene = TestScene::of(&assets, "scene/field", seed, |_| {});
        let classes: Vec<String> = assets.classes.iter().map(|(_, class)| class.id.clone()).collect();
        let monsters: Vec<String> = assets.monsters.iter().map(|(_, monster)| monster.id.clone()).collect();
        let mut bots = Vec::new();
        for index in 0..BOTS {
            let (x, z) = ((index % 10) as f32 * 2.0, (index / 10) as f32 * 2.0);
            bots.push(scene.player_of_class(&classes[index % classes.len()], x, z));
            scene.monster_at(&monsters[index % monsters.len()], x + 1.0, z + 1.0);
        }
        Self { scene, bots, random: Random::new(seed), tick: 0, texts, outcomes: [0; 3], hits: 0 }
    }

    fn draw(&self, stream: &'static str, salt: u32) -> Draw {
        self.random.draw(self.tick, SimId::from_bits(0), Stream(stream), u64::from(salt))
    }

    /// One tick with an edit and a cast of everyone.
    fn step(&mut self) {
        self.tick += 1;
        let is_bad = self.tick.is_multiple_of(BAD_EVERY);
        let next = if is_bad { self.spoiled() } else { self.edited() };
        let edit = AssetsEdit::between(&self.texts, &next);
        let is_same = edit.files.is_empty();
        self.scene.scene.push(SceneInput::Assets { edit, ahead: LoadedAhead::default() });
        self.cast();
        self.scene.tick();
        let counters = self.scene.scene.world().resource::<Counters>();
        let (applied, faults) = (counters.count(ASSET_EDITS, "applied"), counters.count(ASSET_EDITS, "faults"));
        let unchanged = counters.count(ASSET_EDITS, "unchanged");
        assert_eq!(applied + faults + unchanged, 1, "seed 1, tick {}: one edit, one outcome", self.tick);
        let running = Arc::clone(&self.scene.scene.world().resource::<SceneAssets>().0);
        match (applied, is_bad) {
            (0, true) => self.outcomes[1] += 1,
            (0, false) => self.outcomes[if is_same { 0 } else { 2 }] += 1,
            (_, is_bad) => {
                assert!(!is_bad, "tick {}: a bad file was taken over", self.tick);
                self.outcomes[0] += 1;
                self.texts = next;
            }
        }
        assert_eq!(running.hash, self.texts.hash(), "tick {}: what was refused left no trace", self.tick);
        let counts: Vec<_> = self.scene.scene.take_counts().collect();
        self.hits +=
            counts.iter().filter(|(metric, ..)| *metric == "combat_count").map(|(.., count)| count).sum::<u64>();
        self.scene.scene.take_outputs();
        self.check();
    }

    /// Everybody holds together.
    fn check(&mut self) {
        let tick = self.tick;
        let world = self.scene.scene.world_mut();
        let mut actors = world.query_filtered::<(&SimId, &Vitals), bevy_ecs::query::With<Actor>>();
        for (id, vitals) in actors.iter(world) {
            assert!(vitals.hp_max >= 1, "tick {tick}: {id} can have no hit points");
            assert!(
                (0..=vitals.hp_max).contains(&vitals.hp),
                "tick {tick}: {id} has {} of {}",
                vitals.hp,
                vitals.hp_max
            );
        }
        if tick.is_multiple_of(50) {
            self.scene.hash();
        }
    }

    fn cast(&mut self) {
        let assets = Arc::clone(&self.scene.scene.world().resource::<SceneAssets>().0);
        let skills: Vec<_> = assets.skills.iter().map(|(id, _)| id).collect();
        for index in 0..self.bots.len() {
            let mut draw = self.draw("storm.cast", index as u32);
            if draw.below(10) > 0 {
                continue;
            }
            let skill: Id<_> = skills[draw.below(skills.len() as u32) as usize];
            let target = self.bots[draw.below(self.bots.len() as u32) as usize];
            let bot = self.bots[index];
            if self.scene.exists(bot) {
                self.scene.command(bot, &CastCommand { skill, target: CastTarget::Unit(target) });
            }
        }
    }

    /// A file that is wrong in one of many ways.
    fn spoiled(&self) -> AssetSources {
        let mut draw = self.draw("storm.bad", 0);
        let mut next = self.texts.clone();
        let (path, text) = self.file(&mut draw);
        let cut = text.char_indices().map(|(at, _)| at).nth(draw.below(text.chars().count() as u32 - 2) as usize + 1);
        let text = match draw.below(4) {
            0 => {
                text.get(..cut.unwrap_or(1)).unwrap_or("(").trim_end_matches([']', ')', ' ', '\n', ',']).to_owned()
                    + " ("
            }
            1 => text.replacen("id: \"", "id: \"bad ", 1),
            2 => text.replacen("id:", "idd:", 1),
            _ => format!("{text} ?"),
        };
        next.insert(path, text);
        next
    }

    /// The texts with one more edit: a number, a new record, or one of the new records gone.
    fn edited(&self) -> AssetSources {
        let mut draw = self.draw("storm.edit", 0);
        let mut next = self.texts.clone();
        let folder = FOLDERS[draw.below(FOLDERS.len() as u32) as usize];
        let number = draw.below(EXTRA_MAX);
        let path = format!("{folder}/storm_{number}.ron");
        match draw.below(10) {
            0..=5 => {
                let (path, text) = self.file(&mut draw);
                next.insert(path, another_number(&text, &mut draw));
            }
            6 | 7 => {
                let (_, text) = self.file_of(folder, &mut draw);
                if let Some(copy) = copied(&text, number, &mut draw) {
                    next.insert(path, copy);
                }
            }
            // A name goes and another comes: to players that is a renamed record.
            8 => {
                if let Some(text) = self.texts.text(&path) {
                    let other = (number + 1) % EXTRA_MAX;
                    next.insert(
                        format!("{folder}/storm_{other}.ron"),
                        text.replace(&format!("storm_{number}\""), &format!("storm_{other}\"")),
                    );
                    next.remove(&path);
                }
            }
            _ => next.remove(&path),
        }
        next
    }

    fn file(&self, draw: &mut Draw) -> (String, String) {
        let folder = FOLDERS[draw.below(FOLDERS.len() as u32) as usize];
        self.file_of(folder, draw)
    }

    fn file_of(&self, folder: &str, draw: &mut Draw) -> (String, String) {
        let files: Vec<_> = self.texts.iter().filter(|(path, _)| path.starts_with(folder)).collect();
        let (path, text) = files[draw.below(files.len() as u32) as usize];
        (path.to_owned(), text.to_owned())
    }
}

/// The text with one of its whole numbers a little larger or smaller; durations stay multiples of the tick.
fn another_number(text: &str, draw: &mut Draw) -> String {
    let bytes = text.as_bytes();
    let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    let starts: Vec<usize> = (1..bytes.len())
        .filter(|&at| bytes[at].is_ascii_digit() && matches!(bytes[at - 1], b' ' | b'('))
        .filter(|&at| bytes[at..].iter().find(|byte| !is_number(**byte)).is_none_or(|byte| *byte != b'.'))
        .collect();
    if starts.is_empty() {
        return text.to_owned();
    }
    let start = starts[draw.below(starts.len() as u32) as usize];
    let end = start + bytes[start..].iter().take_while(|byte| is_number(**byte)).count();
    let number: i64 = text[start..end].replace('_', "").parse().unwrap_or(0);
    let step = if number >= 50 && number % 50 == 0 { 50 } else { 1 };
    let changed = (number + step * (i64::from(draw.below(5)) - 2)).max(0);
    format!("{}{changed}{}", &text[..start], &text[end..])
}

/// One record of a file under a name of the storm.
fn copied(text: &str, number: u32, draw: &mut Draw) -> Option<String> {
    let records = records(text);
    let record = records.get(draw.below(records.len().max(1) as u32) as usize)?;
    let at = record.find("id: \"")? + "id: \"".len();
    let slash = at + record[at..].find('/')?;
    let end = at + record[at..].find('"')?;
    Some(format!("{}/storm_{number}{}", &record[..slash], &record[end..]))
}

/// The records of a file: what stands in parentheses at the top, or in the list at the top.
fn records(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    let (mut in_string, mut in_comment) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\n' => in_comment = false,
            _ if in_comment => {}
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'/' if text[at..].starts_with("//") => in_comment = true,
            b'(' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    found.push(&text[start..=at]);
                }
            }
            _ => {}
        }
    }
    found
}
