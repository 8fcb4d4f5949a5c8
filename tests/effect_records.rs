//! Every effect of the game data is applied to someone and does what its record says. What it should do is worked out here
//! from the documentation of the fields alone: how long, how many stacks, which periods with how much, which tags and
//! attributes meanwhile, and what follows at its end.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use sim::assets::{
    Action, Assets, AttributeId, EffectDef, FirstTick, Id, Modifier, ModifierOp, PeriodRefresh, Polarity, Pool, School,
    StackApply, StackBy, StackExpire,
};
use sim::features::buffs::{ActiveBuffs, FOREVER, Tags};
use sim::features::combat::{Attributes, EffectAction, HealthChanged, HealthKind, Origin, Vitals};
use sim::features::skills::Mana;
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::random::{Random, Stream};
use sim::testing::TestScene;

use crate::combat::{cast, strike, told};
use crate::skill_shapes::post_of;

/// Attack of everyone here: a thousandth of it is a point.
pub(crate) const ATTACK: u32 = 1_000;
/// Longest time an effect without an end is watched, in ticks.
const WATCHED_TICKS: u32 = 120;

const PROOF: [(&str, &str); 5] = [
    (
        "combat/seed.ron",
        r#"[(id: "combat/seed", damage: (spread_bp: (10_000, 10_000)), heal_spread_bp: (10_000, 10_000))]"#,
    ),
    (
        "skills/proof.ron",
        r#"[(id: "skill/proof_hold", cast: Cast(ms: 60_000), target: Caster, timeline: [(at: Finish, do: [Gain(attr: "hp", amount: 1)])])]"#,
    ),
    (
        "classes/proof.ron",
        r#"[(id: "class/proof", movement: "move/humanoid", skills: ["skill/proof_hold"],
             attributes: {"hp_max": Flat(100_000), "mana_max": Flat(1_000), "attack": Flat(1_000), "armor": Flat(300), "crit_bp": Flat(0)}),
            (id: "class/lucky", extends: "class/proof",
             attributes: {"hp_max": Flat(100_000), "mana_max": Flat(1_000), "attack": Flat(1_000), "armor": Flat(300), "crit_bp": Flat(10_000)})]"#,
    ),
    (
        "scenes/proof.ron",
        r#"(id: "scene/proof", name: "Proof", bounds: (min: (-50.0, -50.0), max: (50.0, 50.0)),
            aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 100,
            geometry: [Heightfield(min: (-50.0, -50.0), cell_m: 50.0, columns: 2, rows: 2,
                heights: Inline([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]))],
            spawn_points: [(id: "spawn/proof", at: (0.0, 0.0), yaw_deg: 0.0, radius_m: 5.0)])"#,
    ),
    (
        "monsters/proof.ron",
        r#"[(id: "monster/proof", level: (1, 1), faction: "boars", move: (profile: "move/beast"), skills: ["skill/proof_hold"],
             attributes: {"hp_max": Flat(100_000), "mana_max": Flat(1_000), "attack": Flat(1_000), "armor": Flat(300), "crit_bp": Flat(0)},
             senses: (aggro_m: 0.0), leash: (radius_m: 60.0), respawn_ms: 5_000, corpse_ms: 3_000)]"#,
    ),
];

/// The game data with a class and a monster of round numbers, and no chance in blows.
pub(crate) fn game_data() -> Arc<Assets> {
    static DATA: OnceLock<Arc<Assets>> = OnceLock::new();
    let load = || {
        let real = server::assets::load(None).expect("the embedded assets are good");
        let mut sources = real.sources.as_ref().clone();
        PROOF.iter().for_each(|(path, text)| sources.insert(*path, *text));
        Arc::new(Assets::load(&sources).unwrap_or_else(|report| panic!("{report:#?}")))
    };
    Arc::clone(DATA.get_or_init(load))
}

/// Somebody and whoever applies effects to it: a helpful effect comes from oneself, a harmful one from a player.
pub(crate) struct Case {
    pub(crate) scene: TestScene,
    pub(crate) source: SimId,
    pub(crate) bearer: SimId,
    pub(crate) effect: Id<EffectDef>,
    pub(crate) def: EffectDef,
}

impl Case {
    pub(crate) fn of(effect: Id<EffectDef>) -> Self {
        Self::of_class(effect, "class/proof")
    }

    pub(crate) fn of_class(effect: Id<EffectDef>, class: &str) -> Self {
        let mut scene = TestScene::of(&game_data(), "scene/proof", 3, |_| {});
        let source = scene.player_of_class(class, 10.0, 10.0);
        let monster = post_of(&mut scene, "monster/proof", 12.0, 10.0);
        scene.ticks(2);
        let def = scene.config.assets.effects[effect].clone();
        let bearer = if def.polarity == Polarity::Helpful { source } else { monster };
        let mut case = Self { scene, source, bearer, effect, def };
        if case.def.channelled {
            cast(&mut case.scene, source, "skill/proof_hold", CastTarget::Caster);
        }
        // Wounded and without mana, so that what comes back shows.
        for id in [source, monster] {
            let entity = case.scene.entity(id);
            let parts = (Vitals { hp: 50_000, hp_max: 100_000, dead: false }, Mana { mp: 100, mp_max: 1_000 });
            case.scene.scene.world_mut().entity_mut(entity).insert(parts);
        }
        case
    }

    /// Has it applied in the next tick.
    pub(crate) fn apply(&mut self) {
        let what = EffectAction::Apply { effect: self.effect, chance_pct: 100 };
        strike(&mut self.scene, self.source, self.bearer, what);
    }

    /// The other one: whoever may strike the bearer.
    pub(crate) fn other(&self) -> SimId {
        let world = self.scene.scene.world();
        let monsters = world.resource::<sim::roster::Roster>().iter();
        let near = |id: &SimId| self.scene.position(*id).distance(self.scene.position(self.source)) < 5.0;
        match self.def.polarity {
            Polarity::Harmful => self.source,
            Polarity::Helpful => monsters
                .map(|(id, _)| id)
                .find(|id| *id != self.source && self.attributes_of(*id).is_some() && near(id))
                .expect("the monster is there"),
        }
    }

    fn attributes_of(&self, id: SimId) -> Option<&Attributes> {
        self.scene.scene.world().get::<Attributes>(self.scene.entity(id))
    }

    pub(crate) fn stacks_and_end(&self) -> Option<(u16, u32)> {
        self.scene.get::<ActiveBuffs>(self.bearer).of(self.effect).map(|buff| (buff.stacks, buff.end_tick))
    }

    pub(crate) fn bears(&self, id: SimId, effect: Id<EffectDef>) -> bool {
        self.scene.get::<ActiveBuffs>(id).of(effect).is_some()
    }

    pub(crate) fn attribute(&self, attribute: AttributeId) -> i32 {
        self.scene.get::<Attributes>(self.bearer).current(attribute)
    }

    /// What arrives of a blow of so many thousandths of the attack, by the published formula.
    pub(crate) fn arrives(&self, school: School, coef: f64) -> f64 {
        let factor = |bp: i32| f64::from(bp) / 10_000.0;
        let resist = sim::features::combat::resistance(school).map_or(0, |attribute| self.attribute(attribute));
        let armor = f64::from(self.attribute(AttributeId::ARMOR));
        coef * f64::from(ATTACK) / 1_000.0 * 100.0 / (armor + 100.0)
            * (1.0 - factor(resist))
            * factor(self.attribute(AttributeId::DAMAGE_TAKEN_BP))
    }
}

/// Every effect of the game data, by name.
pub(crate) fn every_effect() -> Vec<(String, Id<EffectDef>)> {
    game_data().effects.iter().map(|(id, def)| (def.id.clone(), id)).collect()
}

/// An effect as its documentation says it goes on: stacks, ends and periods.
struct Model {
    def: EffectDef,
    stacks: u16,
    end: u32,
    layers: Vec<u32>,
    beat: (u32, u32),
    present: bool,
}

/// What a tick of the model does: its periods as (stacks, share of a whole), whether it ran out, whether it ran over.
#[derive(Default)]
struct Done {
    periods: Vec<(u16, f64)>,
    expired: bool,
    overflowed: bool,
}

impl Model {
    fn of(def: &EffectDef) -> Self {
        Self { def: def.clone(), stacks: 0, end: 0, layers: Vec::new(), beat: (0, 0), present: false }
    }

    fn length(&self) -> u32 {
        self.def.duration.ticks().unwrap_or(FOREVER)
    }

    fn period_ticks(&self) -> Option<u32> {
        self.def.period.map(|period| period.ms / 50)
    }

    /// What time does in a tick: periods that end, stacks that end.
    fn pass(&mut self, tick: u32, done: &mut Done) {
        if !self.present {
            return;
        }
        while let Some(ticks) = self.period_ticks().filter(|_| self.beat.1 <= tick.min(self.end)) {
            done.periods.push((self.stacks, 1.0));
            self.beat = (self.beat.1, self.beat.1 + ticks);
        }
        if !self.layers.is_empty() {
            self.layers.retain(|&end| end > tick);
            if !self.layers.is_empty() {
                self.stacks = u16::try_from(self.layers.len()).expect("few");
                return;
            }
        }
        if self.end > tick {
            return;
        }
        if self.def.stack.on_expire == StackExpire::RemoveOne && self.stacks > 1 {
            (self.stacks, self.end) = (self.stacks - 1, self.end + self.length());
            return;
        }
        if self.def.period.is_some_and(|period| period.partial_last) && self.end > self.beat.0 {
            let share = f64::from(self.end - self.beat.0) / f64::from(self.beat.1 - self.beat.0);
            done.periods.push((self.stacks, share));
        }
        (self.present, done.expired) = (false, true);
    }

    fn apply(&mut self, tick: u32, done: &mut Done) {
        let stack = self.def.stack.clone();
        let fresh_end = tick.saturating_add(self.length());
        if !self.present {
            (self.present, self.stacks, self.end) = (true, 1, fresh_end);
            self.layers = if stack.on_apply == StackApply::AddIndependent { vec![fresh_end] } else { Vec::new() };
            if let Some(period) = self.def.period {
                self.beat = (tick, tick + period.ms / 50);
                if period.first == FirstTick::Immediately {
                    done.periods.push((1, 1.0));
                }
            }
            return;
        }
        if stack.on_apply == StackApply::Replace {
            (self.stacks, self.end) = (1, fresh_end);
            return;
        }
        let full = self.stacks >= stack.max;
        done.overflowed |= full;
        self.present = !(full && stack.clear_on_overflow);
        if full && stack.deny_overflow {
            return;
        }
        self.stacks = (self.stacks + 1).min(stack.max);
        match stack.on_apply {
            StackApply::RefreshDuration => self.end = self.end.max(fresh_end),
            StackApply::ExtendDuration { max_ms } => {
                self.end = (self.end + self.length()).min(tick + max_ms / 50).max(self.end);
            }
            StackApply::AddIndependent => {
                if full {
                    self.layers.remove(0);
                }
                self.layers.push(fresh_end);
                self.end = fresh_end;
            }
            StackApply::KeepDuration | StackApply::Replace => {}
        }
        if let Some(period) = self.def.period.filter(|period| period.on_refresh == PeriodRefresh::Restart) {
            self.beat = (tick, tick + period.ms / 50);
        }
    }
}

/// What an attribute is under all that its bearer bears, by the records.
fn expected_attribute(case: &Case, attribute: AttributeId) -> f64 {
    let assets = &case.scene.config.assets;
    let (mut flat, mut increased, mut more) = (0.0, 0.0, 1.0_f64);
    for buff in case.scene.get::<ActiveBuffs>(case.bearer).iter() {
        let own = assets.effects[buff.effect].modifiers.iter();
        for Modifier { op, per_stack, when, .. } in own.filter(|modifier| modifier.attr.attribute() == attribute) {
            assert!(when.is_none(), "the test knows no conditions");
            let times = if *per_stack { f64::from(buff.stacks) } else { 1.0 };
            match *op {
                ModifierOp::Flat(points) => flat += f64::from(points) * times,
                ModifierOp::Increased(bp) => increased += f64::from(bp) * times / 10_000.0,
                ModifierOp::More(bp) => more *= 1.0 + f64::from(bp) * times / 10_000.0,
                other => panic!("the test does not know {other:?}"),
            }
        }
    }
    let base = f64::from(case.scene.get::<Attributes>(case.bearer).base(attribute));
    let def = assets.attributes.get(attribute).expect("it is in the registry");
    ((base + flat) * (1.0 + increased) * more).clamp(f64::from(def.min), f64::from(def.max))
}

/// Points that a list of actions brings to the bearer by damage, healing and mana, worth so many stacks and such a share.
fn expected_points(case: &Case, actions: &[Action], (stacks, share): (u16, f64)) -> (Vec<f64>, f64) {
    let times = f64::from(stacks) * share;
    let (mut health, mut mana) = (Vec::new(), 0.0);
    for action in actions {
        match action {
            Action::Damage { school, coef, formula: None, .. } => {
                health.push(-case.arrives(*school, f64::from(*coef) * times));
            }
            Action::Heal { coef, formula: None, .. } => {
                let taken = f64::from(case.attribute(AttributeId::HEALING_TAKEN_BP)) / 10_000.0;
                health.push(f64::from(*coef) * times * taken);
            }
            Action::Gain { attr: Pool::Hp, amount } => health.push(f64::from(*amount) * times),
            Action::Gain { attr: Pool::Mana, amount } => mana += f64::from(*amount) * times,
            _ => {}
        }
    }
    (health, mana)
}

/// Health entries of the last tick that one effect caused.
fn caused(case: &Case, kind: HealthKind) -> Vec<f64> {
    let log = told::<HealthChanged>(&case.scene);
    let own = log.iter().filter(|entry| entry.kind == kind && entry.origin == Origin::Effect(case.effect));
    own.filter(|entry| entry.target == case.bearer).map(|entry| f64::from(entry.amount)).collect()
}

fn same(found: &[f64], expected: &[f64]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1.5)
}

/// Follows one effect through its life, applied again at these ticks after the first, and says how it differs.
fn follow(name: &str, effect: Id<EffectDef>, again: &[u32]) -> BTreeMap<&'static str, u32> {
    let (mut case, mut seen) = (Case::of(effect), BTreeMap::new());
    let mut model = Model::of(&case.def);
    let begin = case.scene.scene.tick_number() + 1;
    for tick in begin.. {
        let applies = tick == begin || again.contains(&(tick - begin));
        if applies {
            case.apply();
        }
        let mut done = Done::default();
        model.pass(tick, &mut done);
        let at_end = if done.expired { expected_points(&case, &case.def.on_expire, (1, 1.0)).0 } else { Vec::new() };
        if applies {
            model.apply(tick, &mut done);
        }
        let expected: Vec<_> =
            done.periods.iter().map(|&part| expected_points(&case, &case.def.periodic, part)).collect();
        let mana = case.scene.get::<Mana>(case.bearer).mp;
        case.scene.tick();
        let at = format!("{name}, {} ticks after it came", tick - begin);
        let present = case.stacks_and_end();
        assert_eq!(present, model.present.then_some((model.stacks, model.end)), "{at}");
        let health: Vec<f64> = expected.iter().flat_map(|(health, _)| health).copied().collect();
        let found = caused(&case, HealthKind::Periodic);
        assert!(same(&found, &health), "{at}: {found:?} instead of {health:?}");
        let found = caused(&case, HealthKind::Direct);
        assert!(same(&found, &at_end), "{at}, at its end: {found:?} instead of {at_end:?}");
        let gained = f64::from(case.scene.get::<Mana>(case.bearer).mp) - f64::from(mana);
        let wanted: f64 = expected.iter().map(|(_, mana)| mana).sum();
        assert!((gained - wanted).abs() < 0.5, "{at}: {gained} mana instead of {wanted}");
        check_bearer(&case, &at);
        for action in case
            .def
            .on_expire
            .iter()
            .filter(|_| done.expired)
            .chain(case.def.stack.overflow.iter().filter(|_| done.overflowed))
        {
            if let Some(next) = action.applied() {
                assert!(case.bears(case.bearer, next.id()), "{at}: {next:?} does not follow");
                *seen.entry("follows").or_default() += 1;
            }
        }
        *seen.entry("periods").or_default() += u32::try_from(done.periods.len()).expect("few");
        *seen.entry("overflows").or_default() += u32::from(done.overflowed);
        *seen.entry("ends").or_default() += u32::from(done.expired);
        let over = !model.present && again.iter().all(|&later| later < tick - begin);
        if over || (model.end == FOREVER && tick - begin > WATCHED_TICKS) {
            return seen;
        }
    }
    seen
}

/// Whoever bears something has its tags while it works and no others, and the attributes that follow from it.
fn check_bearer(case: &Case, at: &str) {
    let tags = case.scene.get::<Tags>(case.bearer);
    let present = case.stacks_and_end().is_some();
    let others = case.scene.get::<ActiveBuffs>(case.bearer).iter().filter(|buff| buff.effect != case.effect).count();
    for tag in case.def.grants.iter() {
        assert!(tags.has(tag.id()) == present || others > 0, "{at}: the tag does not follow the effect");
    }
    for modifier in &case.def.modifiers {
        let attribute = modifier.attr.attribute();
        let (found, expected) = (f64::from(case.attribute(attribute)), expected_attribute(case, attribute));
        assert!((found - expected).abs() <= 1.0, "{at}: {attribute:?} is {found} instead of {expected}");
    }
}

/// Whether applications after the first are the same as the first: not where they diminish.
fn repeats(def: &EffectDef) -> bool {
    let pve = |category: Id<sim::assets::DiminishDef>| game_data().diminishing[category].pve;
    def.diminish.as_ref().is_none_or(|category| !pve(category.id()))
}

#[test]
fn every_effect_lasts_acts_and_ends_as_its_record_says() {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let effects = every_effect();
    for (name, effect) in &effects {
        for (what, count) in follow(name, *effect, &[]) {
            *seen.entry(what).or_default() += count;
        }
    }
    println!("{} effects: {seen:?}", effects.len());
    assert!(effects.len() >= 58 && seen["periods"] > 30 && seen["ends"] > 40 && seen["follows"] >= 1, "{seen:?}");
}

#[test]
fn every_effect_adds_up_with_itself_as_its_record_says() {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for (name, effect) in every_effect() {
        let def = game_data().effects[effect].clone();
        if !repeats(&def) {
            continue;
        }
        let length = def.duration.ticks().unwrap_or(WATCHED_TICKS).min(400);
        let mut draw = Random::new(u64::from(effect.raw())).draw(0, SimId::new(1, 0), Stream("again"), 0);
        // Once in the middle, then quickly more often than there is room, then near its end.
        let mut again = vec![length / 2];
        (0..=u32::from(def.stack.max) + 1).for_each(|number| again.push(length / 2 + 2 + number * 3 + draw.below(2)));
        again.push(again[again.len() - 1] + length * 3 / 4 + 1);
        for (what, count) in follow(&name, effect, &again) {
            *seen.entry(what).or_default() += count;
        }
    }
    println!("{seen:?}");
    assert!(seen["overflows"] > 50 && seen["follows"] >= 2 && seen["periods"] > 100, "{seen:?}");
}

#[test]
fn two_sources_have_one_instance_or_two_as_the_record_says() {
    for (name, effect) in every_effect() {
        let mut case = Case::of(effect);
        if case.def.channelled || !repeats(&case.def) {
            continue;
        }
        let second = case.scene.player_of_class("class/proof", 11.0, 11.0);
        case.scene.tick();
        case.apply();
        case.scene.tick();
        strike(&mut case.scene, second, case.bearer, EffectAction::Apply { effect, chance_pct: 100 });
        case.scene.tick();
        let count = case.scene.get::<ActiveBuffs>(case.bearer).iter().filter(|buff| buff.effect == effect).count();
        assert_eq!(count, if case.def.stack.by == StackBy::Source { 2 } else { 1 }, "{name}");
    }
}
