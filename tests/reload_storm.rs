//! A storm of reloads: one random edit of the real game data per tick, under a hundred fighting bots, with files that are
//! wrong and edits that change nothing in between. Nothing may panic, every edit is taken over or refused for a reason, and
//! every tick keeps what `ledger` lists. `MAINSPRING_STORM_EDITS` sets how many edits; the suite makes do with fewer than a
//! release does.

use std::sync::Arc;

use sim::actor::{Actor, Kind};
use sim::assets::{AssetSources, Assets, Code, Id, Record, Table};
use sim::counters::Counters;
use sim::epoch::{ASSET_EDITS, AssetsEdit, EpochError, LoadedAhead};
use sim::features::combat::EffectAction;
use sim::features::equipment::EquipCommand;
use sim::features::loot::{Bag, Piece, Stack};
use sim::features::monsters::{self, Species};
use sim::features::players::Class;
use sim::features::skills::CastCommand;
use sim::ids::SimId;
use sim::input::SceneInput;
use sim::intent::CastTarget;
use sim::random::{Draw, Random, Stream};
use sim::scene::SceneAssets;
use sim::testing::TestScene;

use crate::combat::strike;

mod edits;
mod ledger;

use edits::{Edits, Sort};
use ledger::Ledger;

/// Edits where nothing else is asked for.
const EDITS: u32 = 400;
/// Who fights.
const BOTS: usize = 100;
/// Living monsters that there are at least.
const MONSTERS: usize = 60;

#[test]
fn a_storm_of_edits_under_a_fight_breaks_nothing() {
    let edits = std::env::var("MAINSPRING_STORM_EDITS").ok().and_then(|text| text.parse().ok()).unwrap_or(EDITS);
    let mut storm = Storm::new(1, false);
    for _ in 0..edits {
        storm.step();
    }
    let Outcomes { applied, unchanged, spoiled, refused } = storm.outcomes;
    println!(
        "{edits} edits: {applied} applied, {unchanged} that change nothing, {spoiled} bad on purpose, {refused} by chance"
    );
    println!("{} blows, {}", storm.ledger.entries, storm.ledger.seen());
    assert_eq!(applied + unchanged + spoiled + refused, edits, "every edit came to something");
    assert!(applied * 2 > edits, "most edits are good");
    assert!(storm.ledger.entries > u64::from(edits), "there was a fight");
    assert!(edits < EDITS || storm.ledger.saw_everything(), "{}", storm.ledger.seen());
    for (folder, (good, _)) in &storm.edits.by_folder {
        // The built-in rules of combat have an id of the data, so that what is copied from them is refused.
        assert!(edits < 10 * EDITS || *good > 0 || *folder == "combat", "no edit of `{folder}` was good");
    }
}

#[test]
fn identical_content_in_every_tick_of_a_storm_leaves_no_trace() {
    let (mut plain, mut echoing) = (Storm::new(2, false), Storm::new(2, true));
    for tick in 0..60 {
        plain.step();
        echoing.step();
        assert_eq!(plain.scene.hash(), echoing.scene.hash(), "seed 2, step {tick}");
    }
    assert!(echoing.echoes > 40, "{}", echoing.echoes);
}

/// What only a close look reports.
const DEAD_DATA: [Code; 3] = [Code::UnusedRecord, Code::UsedUnused, Code::TagNeverCarried];

#[test]
fn data_that_followed_on_other_data_is_what_it_would_be_alone() {
    let mut edits = Edits::new(server::assets::embedded(), Random::new(3));
    let mut running = Assets::load(&edits.texts).unwrap_or_else(|report| panic!("{report}"));
    let (mut good, mut bad, mut warnings) = (0, 0, 0);
    for step in 1..=80 {
        let (_, next) = edits.next(step);
        let (followed, report) = running.examine_next_on(&next, |_, _| Ok(None));
        let (alone, mut own_report) = Assets::examine_on(&next, |_, _| Ok(None));
        // What nothing leads to is told of a whole set of data only.
        own_report.findings.retain(|finding| !DEAD_DATA.contains(&finding.code));
        assert_eq!(format!("{report:?}"), format!("{own_report:?}"), "step {step}");
        warnings += report.findings.len();
        let (Some(followed), Some(alone)) = (followed, alone) else {
            bad += 1;
            continue;
        };
        assert_eq!(by_name(&followed), by_name(&alone), "step {step}");
        (good, running, edits.texts) = (good + 1, followed, next);
    }
    println!("{good} good, {bad} bad, {warnings} findings");
    assert!(good > 30 && bad > 5 && warnings > 0);
}

/// Every record in words, by name, where it does not depend on numbers of others.
fn by_name(assets: &Assets) -> Vec<String> {
    let mut all: Vec<String> = assets.ids().into_iter().flat_map(|(_, ids)| ids).map(str::to_owned).collect();
    all.sort_unstable();
    let mut say = |record: Result<String, serde_json::Error>| all.push(record.expect("records are plain data"));
    assets.skills.iter().for_each(|(_, record)| say(serde_json::to_string(record)));
    assets.effects.iter().for_each(|(_, record)| say(serde_json::to_string(record)));
    assets.items.iter().for_each(|(_, record)| say(serde_json::to_string(record)));
    assets.monsters.iter().for_each(|(_, record)| say(serde_json::to_string(record)));
    assets.loots.iter().for_each(|(_, record)| say(serde_json::to_string(record)));
    assets.classes.iter().for_each(|(_, record)| say(serde_json::to_string(record)));
    assets.ai.iter().for_each(|(_, record)| say(serde_json::to_string(record)));
    assets.curves.iter().for_each(|(_, record)| say(serde_json::to_string(record)));
    assets.formulas.iter().for_each(|(_, record)| say(serde_json::to_string(record)));
    all.sort_unstable();
    all
}

#[derive(Default)]
struct Outcomes {
    applied: u32,
    unchanged: u32,
    spoiled: u32,
    refused: u32,
}

struct Storm {
    scene: TestScene,
    bots: Vec<SimId>,
    random: Random,
    tick: u32,
    edits: Edits,
    outcomes: Outcomes,
    ledger: Ledger,
    /// Whether every edit is followed by one that changes nothing.
    echo: bool,
    echoes: u32,
}

impl Storm {
    fn new(seed: u64, echo: bool) -> Self {
        let edits = Edits::new(server::assets::embedded(), Random::new(seed));
        let assets = Arc::new(Assets::load(&edits.texts).unwrap_or_else(|report| panic!("{report}")));
        let mut scene = TestScene::of(&assets, "scene/field", seed, |_| {});
        let classes: Vec<String> = assets.classes.iter().map(|(_, class)| class.id.clone()).collect();
        let mut bots = Vec::new();
        for index in 0..BOTS {
            let (x, z) = place_of(index);
            bots.push(scene.player_of_class(&classes[index % classes.len()], x, z));
        }
        let (random, outcomes, ledger) = (Random::new(seed), Outcomes::default(), Ledger::default());
        let mut storm = Self { scene, bots, random, tick: 0, edits, outcomes, ledger, echo, echoes: 0 };
        for bot in storm.bots.clone() {
            (0..4).for_each(|serial| storm.give(bot, serial));
            (0..4).for_each(|from| storm.scene.command(bot, &EquipCommand { from, to: None }));
        }
        storm.scene.ticks(2);
        storm.scene.scene.take_counts().for_each(drop);
        storm.ledger.open(&mut storm.scene, &storm.bots);
        storm
    }

    fn draw(&self, stream: &'static str, salt: u32) -> Draw {
        self.random.draw(self.tick, SimId::from_bits(0), Stream(stream), u64::from(salt))
    }

    fn running(&self) -> Arc<Assets> {
        Arc::clone(&self.scene.scene.world().resource::<SceneAssets>().0)
    }

    /// One tick with an edit, casts and effects.
    fn step(&mut self) {
        self.tick += 1;
        let tick = self.tick;
        self.restock();
        self.cast();
        let (sort, next) = self.edits.next(tick);
        let before = self.running();
        let edit = AssetsEdit::between(&self.edits.texts, &next);
        if sort == Sort::Bad {
            blame(&edit, &before, tick);
        }
        let is_same = edit.files.is_empty();
        self.scene.scene.push(SceneInput::Assets { edit, ahead: LoadedAhead::default() });
        if self.echo {
            self.push_echo(&next);
        }
        self.ledger.before_tick(&mut self.scene);
        self.scene.tick();
        let counters = self.scene.scene.world().resource::<Counters>();
        let [applied, faults, unchanged] =
            ["applied", "faults", "unchanged"].map(|outcome| counters.count(ASSET_EDITS, outcome));
        let echoed = u64::from(self.echo) * u64::from(faults == 0);
        self.echoes += u32::from(echoed > 0);
        assert_eq!(applied + faults + unchanged, 1 + echoed, "tick {tick}: one edit, one outcome");
        let came = (applied == 1, faults == 1);
        match (came, sort) {
            ((true, _), Sort::Good) => self.outcomes.applied += 1,
            ((_, false), _) if is_same => self.outcomes.unchanged += 1,
            ((_, true), Sort::Bad) => self.outcomes.spoiled += 1,
            ((_, true), Sort::Good) => self.outcomes.refused += 1,
            _ => panic!("tick {tick}: {sort:?} data came to {came:?}"),
        }
        if came.0 {
            self.edits.texts = next;
        }
        self.edits.settle(came.0);
        let running = self.running();
        assert_eq!(running.sources.as_ref(), &self.edits.texts, "tick {tick}: what was refused left no trace");
        assert_eq!(came.0, !Arc::ptr_eq(&before, &running), "tick {tick}");
        self.scene.scene.take_counts().for_each(drop);
        self.scene.scene.take_outputs();
        self.ledger.after_tick(&mut self.scene, tick, came.0);
    }

    /// What the data will be if the edit of this tick is good, once more; after a bad one there is nothing to repeat.
    fn push_echo(&mut self, next: &AssetSources) {
        if self.running().load_next(next).is_ok() {
            let edit = AssetsEdit::between(next, next);
            self.scene.scene.push(SceneInput::Assets { edit, ahead: LoadedAhead::default() });
        }
    }

    /// Puts something of the data in force into a bag, if there is room.
    fn give(&mut self, bot: SimId, salt: u32) {
        let assets = self.running();
        let mut draw = self.draw("storm.item", bot.bits() * 8 + salt);
        let item = one_of(&assets.items, &mut draw);
        let def = &assets.items[item];
        let piece = Piece { serial: u128::from(draw.next_u64()), charges: def.charges(), ..Piece::default() };
        let piece = def.is_piece().then(|| Box::new(piece));
        let entity = self.scene.entity(bot);
        if let Some(mut bag) = self.scene.scene.world_mut().get_mut::<Bag>(entity) {
            bag.put(Stack { piece, ..Stack::plain(item, 1) }, def, false);
        }
    }

    /// Bots that came back to life elsewhere are set down where they fight; dead monsters are replaced; things of the data
    /// in force are handed out.
    fn restock(&mut self) {
        for index in 0..self.bots.len() {
            let (bot, (x, z)) = (self.bots[index], place_of(index));
            let at = self.scene.position(bot);
            if (at.x - x).hypot(at.z - z) > 40.0 {
                self.scene.place(bot, x, z);
            }
        }
        let assets = self.running();
        let world = self.scene.scene.world_mut();
        let alive = world.query_filtered::<&Species, bevy_ecs::query::With<Actor>>().iter(world).count();
        if alive < MONSTERS || self.tick.is_multiple_of(10) {
            let mut draw = self.draw("storm.monster", 0);
            let monster = one_of(&assets.monsters, &mut draw);
            let (x, z) = place_of(draw.below(BOTS as u32) as usize);
            let y = self.scene.config.geometry.top(x + 1.0, z).map_or(0.0, |ground| ground.height_m);
            monsters::spawn_monster(self.scene.scene.world_mut(), monster, glam::Vec3::new(x + 1.0, y, z));
        }
        if self.tick.is_multiple_of(5) {
            let bot = self.bots[self.draw("storm.gift", 0).below(BOTS as u32) as usize];
            self.give(bot, 5);
            self.ledger.count_things(&mut self.scene, &self.bots);
        }
    }

    fn cast(&mut self) {
        let assets = self.running();
        let world = self.scene.scene.world_mut();
        let mut foes: Vec<SimId> =
            world.query_filtered::<&SimId, bevy_ecs::query::With<Species>>().iter(world).copied().collect();
        foes.sort_unstable();
        for index in 0..self.bots.len() {
            let mut draw = self.draw("storm.cast", index as u32);
            let bot = self.bots[index];
            if draw.below(8) > 0 {
                continue;
            }
            let other = self.bots[draw.below(BOTS as u32) as usize];
            let foe = foes.get(draw.below(foes.len() as u32) as usize).copied().unwrap_or(other);
            if draw.below(10) == 0 {
                let effect = one_of(&assets.effects, &mut draw);
                strike(&mut self.scene, bot, other, EffectAction::Apply { effect, chance_pct: 100 });
                continue;
            }
            let Some(class) = assets.classes.get(self.scene.get::<Class>(bot).0) else { continue };
            let skill = class.skills[draw.below(class.skills.len() as u32) as usize].id();
            let target = match draw.below(4) {
                0 => CastTarget::Unit(other),
                1 => CastTarget::Ground(self.scene.position(foe)),
                _ => CastTarget::Unit(foe),
            };
            self.scene.command(bot, &CastCommand { skill, target });
        }
    }
}

/// A record of the data in force, every second time one of the storm if there is any.
fn one_of<T: Record>(table: &Table<T>, draw: &mut Draw) -> Id<T> {
    let mut all: Vec<_> = table.iter().collect();
    if draw.below(2) == 0 && all.iter().any(|(_, record)| record.id().contains("/storm_")) {
        all.retain(|(_, record)| record.id().contains("/storm_"));
    }
    all[draw.below(all.len() as u32) as usize].0
}

/// Where a bot stands.
fn place_of(index: usize) -> (f32, f32) {
    ((index % 10) as f32 * 2.0, (index / 10) as f32 * 2.0)
}

/// A bad edit says where it is bad.
fn blame(edit: &AssetsEdit, running: &Assets, tick: u32) {
    let Err(EpochError::Faults(report)) = edit.prepare(running) else {
        panic!("tick {tick}: a bad file was taken for a good one");
    };
    let (path, _) = &edit.files[0];
    let named = report.findings.iter().find(|finding| finding.file == *path);
    let named = named.unwrap_or_else(|| panic!("tick {tick}: nothing is said about `{path}`: {report}"));
    assert!(named.line > 0 && !named.message.is_empty(), "tick {tick}: {named}");
}

/// What an actor is, for messages.
fn kind_of(scene: &TestScene, id: SimId) -> String {
    format!("{id} ({:?})", scene.get::<Kind>(id))
}
