//! What holds in every tick of a storm, whatever the data says:
//!
//! - hit points and mana lie within their greatest; who has none is dead and nobody else;
//! - every change of hit points stands in the combat log, once: what was there, the log and what was regained add up;
//! - whoever dies was struck, and whoever lives again was brought back: data does neither;
//! - when the greatest hit points change with the data, their part stays the same, rounded;
//! - nobody bears an effect, owns or finds an item that the data does not have, and every id leads to a record;
//! - what is in bags and worn stays, by name, count and piece, also while the data does not know it;
//! - a cast that goes on has the definition it began with.

use std::{collections::BTreeMap, sync::Arc};

use sim::assets::{Assets, AttributeId, SkillDef};
use sim::features::buffs::ActiveBuffs;
use sim::features::combat::{Attributes, HealthChanged, HealthKind, Vitals};
use sim::features::equipment::Equipment;
use sim::features::loot::{Bag, Pile, Thing};
use sim::features::monsters::Species;
use sim::features::players::Class;
use sim::features::skills::{Casting, Mana};
use sim::ids::SimId;
use sim::scene::SceneAssets;
use sim::testing::TestScene;

use super::kind_of;
use crate::combat::told;

/// Once a second something is regained.
const TURN_TICKS: usize = 20;

#[derive(Default)]
pub(super) struct Ledger {
    /// Entries of the combat log so far.
    pub(super) entries: u64,
    vitals: BTreeMap<SimId, Vitals>,
    casts: BTreeMap<SimId, (u64, Arc<SkillDef>)>,
    things: BTreeMap<SimId, Vec<String>>,
    rebased: u64,
    relics: u64,
    kept: u64,
    deaths: u64,
}

impl Ledger {
    /// Notes what everyone has at the beginning.
    pub(super) fn open(&mut self, scene: &mut TestScene, bots: &[SimId]) {
        self.count_things(scene, bots);
        self.before_tick(scene);
    }

    /// Notes what everyone owns; to be called when something was handed out.
    pub(super) fn count_things(&mut self, scene: &mut TestScene, bots: &[SimId]) {
        self.things = bots.iter().map(|&bot| (bot, things_of(scene, bot))).collect();
    }

    pub(super) fn before_tick(&mut self, scene: &mut TestScene) {
        let world = scene.scene.world_mut();
        self.vitals = world.query::<(&SimId, &Vitals)>().iter(world).map(|(&id, &vitals)| (id, vitals)).collect();
        let mut casting = world.query::<(&SimId, &Casting)>();
        let running = casting.iter(world).filter_map(|(&id, casting)| Some((id, casting.0.as_ref()?)));
        self.casts = running.map(|(id, cast)| (id, (cast.start_ms, Arc::clone(&cast.def)))).collect();
    }

    pub(super) fn after_tick(&mut self, scene: &mut TestScene, tick: u32, applied: bool) {
        let mut log = BTreeMap::<SimId, Vec<HealthChanged>>::new();
        for entry in told::<HealthChanged>(scene) {
            self.entries += 1;
            log.entry(entry.target).or_default().push(entry);
        }
        let world = scene.scene.world_mut();
        let now: Vec<(SimId, Vitals)> =
            world.query::<(&SimId, &Vitals)>().iter(world).map(|(&id, &vitals)| (id, vitals)).collect();
        for (id, vitals) in now {
            let name = format!("tick {tick}, {}", kind_of(scene, id));
            assert!(vitals.hp <= vitals.hp_max, "{name}: {vitals:?}");
            assert_eq!(vitals.dead, vitals.hp == 0, "{name}: {vitals:?}");
            if let Some(before) = self.vitals.get(&id).copied() {
                let entries = log.get(&id).map_or(&[][..], Vec::as_slice);
                self.check_account(scene, (id, &name), before, vitals, entries);
                self.check_life(&name, before, vitals, entries);
                self.check_part(scene, (id, &name), before, vitals, entries, applied);
            }
        }
        self.check_ids(scene, tick);
        self.check_casts(scene, tick);
        for (&bot, things) in &self.things {
            assert_eq!(&things_of(scene, bot), things, "tick {tick}: what {bot} owns");
        }
    }

    /// What was there, the log and what was regained add up.
    fn check_account(
        &self,
        scene: &TestScene,
        (id, name): (SimId, &str),
        before: Vitals,
        after: Vitals,
        log: &[HealthChanged],
    ) {
        let logged: i64 = log.iter().map(|entry| i64::from(entry.amount)).sum();
        let regained = i64::from(after.hp) - i64::from(before.hp) - logged;
        let is_turn = (scene.scene.tick_number() as usize + id.index()).is_multiple_of(TURN_TICKS);
        let rate = i64::from(scene.get::<Attributes>(id).current(AttributeId::HP_REGEN_MILLI)).max(0);
        // Out of combat it is several times the rate; a thousand percent is more than any profile says.
        let most = if is_turn { rate * 10 / 1_000 + 1 } else { 0 };
        assert!((0..=most).contains(&regained), "{name}: {before:?} to {after:?} with {regained} beside {log:?}");
    }

    /// Data neither kills nor brings back.
    fn check_life(&mut self, name: &str, before: Vitals, after: Vitals, log: &[HealthChanged]) {
        if !before.dead && after.dead {
            self.deaths += 1;
            assert!(log.iter().any(|entry| entry.is_deed() && entry.amount < 0), "{name} died of nothing: {log:?}");
        }
        if before.dead && !after.dead {
            let is_back = |entry: &HealthChanged| entry.amount > 0 && entry.kind != HealthKind::Limit;
            assert!(log.iter().any(is_back), "{name} came back by nothing: {log:?}");
        }
    }

    /// 40 % stays 40 %.
    fn check_part(
        &mut self,
        scene: &TestScene,
        (id, name): (SimId, &str),
        before: Vitals,
        after: Vitals,
        log: &[HealthChanged],
        applied: bool,
    ) {
        let only_limit = log.iter().all(|entry| entry.kind == HealthKind::Limit);
        let is_turn = (scene.scene.tick_number() as usize + id.index()).is_multiple_of(TURN_TICKS);
        if !applied || before.hp_max == after.hp_max || !only_limit || is_turn || before.dead {
            return;
        }
        self.rebased += 1;
        let [hp, max, hp_after, max_after] = [before.hp, before.hp_max, after.hp, after.hp_max].map(i64::from);
        let off = (hp_after * max - hp * max_after).abs();
        assert!(off * 2 <= max || hp_after == 1, "{name}: {before:?} became {after:?}");
    }

    /// Every id leads to a record, and what must be in the data is.
    fn check_ids(&mut self, scene: &mut TestScene, tick: u32) {
        let assets = Arc::clone(&scene.scene.world().resource::<SceneAssets>().0);
        let world = scene.scene.world_mut();
        for (id, mana) in world.query::<(&SimId, &Mana)>().iter(world) {
            assert!(mana.mp <= mana.mp_max, "tick {tick}, {id}: {mana:?}");
        }
        for (id, buffs) in world.query::<(&SimId, &ActiveBuffs)>().iter(world) {
            for buff in buffs.iter() {
                assert!(assets.effects.get(buff.effect).is_some(), "tick {tick}, {id}: {buff:?}");
                assert!(buff.stacks > 0 && buff.skill.is_none_or(|skill| skill.index() < assets.skills.all().len()));
            }
        }
        for (id, species) in world.query::<(&SimId, &Species)>().iter(world) {
            assert!(species.0.index() < assets.monsters.all().len(), "tick {tick}, {id}: {species:?}");
        }
        for (id, class) in world.query::<(&SimId, &Class)>().iter(world) {
            assert!(class.0.index() < assets.classes.all().len(), "tick {tick}, {id}: {class:?}");
        }
        for (id, pile) in world.query::<(&SimId, &Pile)>().iter(world) {
            let known = pile.things.iter().all(|lying| assets.items.get(lying.stack.item).is_some());
            assert!(known, "tick {tick}, {id}: {pile:?}");
        }
        for (id, bag, worn) in world.query::<(&SimId, &Bag, &Equipment)>().iter(world) {
            for thing in bag.things().map(|(_, thing)| thing).chain(worn.iter().map(|(_, thing)| thing)) {
                self.relics += u64::from(thing.stack().is_none());
                let fits = match thing {
                    Thing::Stack(stack) => assets.items.get(stack.item).is_some(),
                    Thing::Relic(relic) => assets.items.by_name(&relic.name).is_none(),
                };
                assert!(fits, "tick {tick}, {id}: {thing:?}");
            }
        }
    }

    /// A cast that goes on has the definition it began with.
    fn check_casts(&mut self, scene: &mut TestScene, tick: u32) {
        let world = scene.scene.world_mut();
        for (id, casting) in world.query::<(&SimId, &Casting)>().iter(world) {
            let (Some(cast), Some((start_ms, def))) = (&casting.0, self.casts.get(id)) else { continue };
            if cast.start_ms == *start_ms && cast.def.id == def.id {
                self.kept += 1;
                assert!(Arc::ptr_eq(&cast.def, def), "tick {tick}: {id} goes on with another `{}`", def.id);
            }
        }
    }

    /// Whether there was something of everything to check.
    pub(super) const fn saw_everything(&self) -> bool {
        self.rebased > 0 && self.relics > 0 && self.kept > 0 && self.deaths > 0
    }

    /// How often there was something to check.
    pub(super) fn seen(&self) -> String {
        let Self { rebased, relics, kept, deaths, .. } = self;
        format!("{deaths} deaths, {rebased} rebased, {relics} ticks of relics, {kept} ticks of casts that went on")
    }
}

/// What someone owns, in words that outlive data.
fn things_of(scene: &mut TestScene, id: SimId) -> Vec<String> {
    let assets: Arc<Assets> = Arc::clone(&scene.scene.world().resource::<SceneAssets>().0);
    let in_words = |thing: &Thing| match thing {
        Thing::Stack(stack) => {
            format!("{} {} {} {:?}", assets.items[stack.item].id, stack.count, stack.bound, stack.piece)
        }
        Thing::Relic(relic) => format!("{} {} {} {:?}", relic.name, relic.count, relic.bound, relic.piece),
    };
    let bag = scene.get::<Bag>(id).things().map(|(_, thing)| in_words(thing));
    let mut things: Vec<String> =
        bag.chain(scene.get::<Equipment>(id).iter().map(|(_, thing)| in_words(thing))).collect();
    things.sort_unstable();
    things
}
