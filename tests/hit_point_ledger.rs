//! The ledger of hit points: in random fights every change of anyone's hit points has exactly one entry in the combat log,
//! and whoever replays the log arrives at what everyone has. Blows of this test have sizes of their own, so that each
//! entry can be told to be of one blow, whole: what was lost, what shields took and what was too much make it up.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use sim::assets::{AssetSources, EffectDef, Id, Pool, School};
use sim::epoch::{AssetsEdit, LoadedAhead};
use sim::features::combat::{
    EffectAction, HealthChanged, HealthKind, Origin, Outcome, ReturnCommand, Untouchable, Vitals,
};
use sim::features::skills::StopCastCommand;
use sim::ids::SimId;
use sim::input::SceneInput;
use sim::intent::CastTarget;
use sim::testing::{TestScene, test_assets};

use crate::combat::{MORE, skill, strike, told};

/// Ticks of one fight.
const TICKS: usize = 160;
/// Fights.
const FIGHTS: u32 = 16;
/// Points that thorns give back, and what leeches keep of a blow in percent.
const THORNS: u32 = 40;
const LEECH_PCT: u32 = 20;

/// Nothing by chance: a blow of `coef` is `coef` points, because everyone has 1,000 attack and no armor.
const RULES: [(&str, &str); 5] = [
    (
        "combat/ledger.ron",
        r#"[(id: "combat/seed", damage: (spread_bp: (10_000, 10_000)), heal_spread_bp: (10_000, 10_000))]"#,
    ),
    ("curves/ledger.ron", r#"[(id: "curve/xp", points: [(1, 60), (60, 60)])]"#),
    (
        "effects/ledger.ron",
        r#"[
        (id: "effect/shield", polarity: Helpful, duration: Ms(2_000), absorb: (amount: 150)),
        (id: "effect/half", polarity: Helpful, duration: Ms(2_000), absorb: (amount: 400, share_pct: 50)),
        (id: "effect/blight", duration: Ms(3_000), absorb: (amount: 200, takes: Healing)),
        (id: "effect/thorns", polarity: Helpful, duration: Infinite, on_death: Keep,
         procs: [(on: [HitTaken], do: [Damage(school: Nature, coef: 40)])]),
        (id: "effect/leech", polarity: Helpful, duration: Infinite, on_death: Keep,
         procs: [(on: [HitDealt], share_pct: 20, to: Self, do: [Gain(attr: "hp", amount: 0)])]),
        (id: "effect/vigor", polarity: Helpful, duration: Ms(1_500), modifiers: [(attr: "hp_max", op: Increased(3_000))]),
        (id: "effect/wane", duration: Ms(1_500), modifiers: [(attr: "hp_max", op: More(-4_000))]),
        (id: "effect/bleed", duration: Ms(2_000), period: (ms: 500), periodic: [Damage(coef: 61)]),
        (id: "effect/renew", polarity: Helpful, duration: Ms(2_000), period: (ms: 500), periodic: [Heal(coef: 83)]),
    ]"#,
    ),
    (
        "skills/ledger.ron",
        r#"[
        (id: "skill/nip", gcd: (ms: 1_000), target: Unit(filter: Enemy, range_m: 3.0), timeline: [(at: Hit, do: [Damage(coef: 37)])]),
        (id: "skill/blood", target: Caster, cost: [(attr: "hp", pct_of_max: 10)], timeline: [(at: Finish, do: [Gain(attr: "mana", amount: 1)])]),
        (id: "skill/wager", target: Caster, cast: Cast(ms: 500), cost: [(attr: "hp", amount: 73)],
         timeline: [(at: Finish, do: [Gain(attr: "mana", amount: 1)])]),
    ]"#,
    ),
    (
        "monsters/ledger.ron",
        r#"[(id: "monster/foe", extends: "monster/king", skills: ["skill/nip"], leash: (radius_m: 20.0, timer_ms: 1_000), corpse_ms: 500,
             attributes: {"hp_max": Flat(900), "mana_max": Flat(0), "attack": Flat(1_000), "armor": Flat(0), "crit_bp": Flat(0)})]"#,
    ),
];

/// A class of `hp` hit points that regains so many thousandths a second.
fn class(hp: u32, regen_milli: u32) -> String {
    format!(
        r#"[(id: "class/ledger", movement: "move/test", skills: ["skill/blood", "skill/wager"],
            attributes: {{"hp_max": PerLevel({hp}, 60), "mana_max": Flat(100), "attack": Flat(1000), "armor": Flat(0), "crit_bp": Flat(0),
                          "hp_regen_milli": Flat({regen_milli})}})]"#
    )
}

/// One thing that is done: which, by whom, to whom.
type Deed = (u8, u8, u8);

/// Who takes part and what is known of everyone.
struct Fight {
    scene: TestScene,
    players: [SimId; 4],
    foes: [SimId; 3],
    /// Hit points by the log.
    ledger: BTreeMap<SimId, u32>,
    /// Greatest hit points as of the last tick.
    most: BTreeMap<SimId, u32>,
    /// Blows and healings of this tick, each with a size of its own.
    dealt: Vec<(SimId, SimId, u32)>,
    size: u32,
    regen_milli: u32,
    regained_tick: BTreeMap<SimId, u32>,
    generous: bool,
    /// Ticks until the players come back from where no foe follows them.
    away: u32,
}

/// How often something was seen.
type Tally = BTreeMap<&'static str, u32>;

impl Fight {
    fn begin(regen_milli: u32) -> Self {
        let own = class(700, regen_milli);
        let more: Vec<_> = MORE.into_iter().chain(RULES).chain([("classes/ledger.ron", own.as_str())]).collect();
        let mut scene = TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {});
        let players = [0.0, 1.0, 2.0, 3.0_f32].map(|x| scene.player_of_class("class/ledger", x, 0.0));
        let foes = [0.5, 1.5, 2.5_f32].map(|x| scene.monster_at("monster/foe", x, 1.0));
        scene.tick();
        for (who, effect) in [(players[0], "effect/leech"), (players[1], "effect/thorns")] {
            let effect = scene.config.assets.effects.by_name(effect).expect("it is in the game data");
            strike(&mut scene, who, who, EffectAction::Apply { effect, chance_pct: 100 });
        }
        scene.tick();
        let mut fight = Self {
            scene,
            players,
            foes,
            ledger: BTreeMap::new(),
            most: BTreeMap::new(),
            dealt: Vec::new(),
            size: 0,
            regen_milli,
            regained_tick: BTreeMap::new(),
            generous: false,
            away: 0,
        };
        fight.ledger = fight.all().map(|(id, vitals)| (id, vitals.hp)).collect();
        fight.most = fight.all().map(|(id, vitals)| (id, vitals.hp_max)).collect();
        fight
    }

    fn all(&self) -> impl Iterator<Item = (SimId, Vitals)> {
        let ids = self.players.into_iter().chain(self.foes).filter(|&id| self.scene.exists(id));
        ids.map(|id| (id, *self.scene.get::<Vitals>(id))).collect::<Vec<_>>().into_iter()
    }

    fn effect(&self, name: &str) -> Id<EffectDef> {
        self.scene.config.assets.effects.by_name(name).expect("it is in the game data")
    }

    fn deal(&mut self, source: SimId, target: SimId, what: impl FnOnce(u32) -> EffectAction) {
        // What somebody does to itself could be taken for a price.
        if source != target && self.scene.exists(source) && self.scene.exists(target) {
            self.size += 1;
            self.dealt.push((source, target, self.size));
            strike(&mut self.scene, source, target, what(self.size));
        }
    }

    fn carry_out(&mut self, (kind, a, b): Deed) {
        let (one, other) = (self.players[usize::from(a % 4)], self.players[usize::from(b % 4)]);
        let foe = self.foes[usize::from(b % 3)];
        let school = School::ALL[usize::from(b) % 7];
        match kind {
            0..8 => self.deal(one, foe, |coef| EffectAction::Damage { school, formula: None, coef }),
            8..14 => self.deal(foe, one, |coef| EffectAction::Damage { school, formula: None, coef }),
            14..17 => self.deal(one, other, |coef| EffectAction::Heal { formula: None, coef }),
            17 => self.deal(one, other, |amount| EffectAction::Gain { pool: Pool::Hp, amount }),
            18 => self.deal(foe, self.foes[usize::from(a % 3)], |coef| EffectAction::Heal { formula: None, coef }),
            19..24 => {
                let name = ["effect/shield", "effect/half", "effect/vigor", "effect/renew"][usize::from(a % 4)];
                self.apply(other, other, name);
                self.apply(foe, foe, name);
            }
            24..28 => {
                let name = ["effect/blight", "effect/wane", "effect/bleed"][usize::from(a % 3)];
                self.apply(foe, other, name);
                self.apply(other, foe, name);
            }
            28..30 => self.cast(one, "skill/blood"),
            30 => self.cast(one, "skill/wager"),
            31 if self.living(one) => self.scene.command(one, &StopCastCommand),
            31 => strike(&mut self.scene, other, one, EffectAction::Resurrect { hp_pct: 30 }),
            32 | 33 => self.players.into_iter().for_each(|id| self.scene.command(id, &ReturnCommand { accept: true })),
            34 if a % 4 == 0 => self.reload(),
            35 if a % 8 == 0 && self.away == 0 => {
                self.players.into_iter().for_each(|id| self.scene.place(id, 200.0, 0.0));
                self.away = 60;
            }
            _ => {}
        }
    }

    fn living(&self, id: SimId) -> bool {
        self.scene.get::<Vitals>(id).is_alive()
    }

    fn apply(&mut self, source: SimId, target: SimId, name: &str) {
        if self.scene.exists(source) && self.scene.exists(target) {
            let effect = self.effect(name);
            strike(&mut self.scene, source, target, EffectAction::Apply { effect, chance_pct: 100 });
        }
    }

    fn cast(&mut self, who: SimId, name: &str) {
        let command =
            sim::features::skills::CastCommand { skill: skill(&self.scene, name), target: CastTarget::Caster };
        self.scene.command(who, &command);
    }

    /// The class gets more hit points, or as many as before.
    fn reload(&mut self) {
        self.generous = !self.generous;
        let old = self.scene.scene.world().resource::<sim::scene::SceneAssets>().0.sources.clone();
        let mut new = AssetSources::clone(&old);
        new.insert("classes/ledger.ron", class(if self.generous { 1_000 } else { 700 }, self.regen_milli));
        let edit = AssetsEdit::between(&old, &new);
        self.scene.scene.push(SceneInput::Assets { edit, ahead: LoadedAhead::default() });
    }

    /// One tick, and the log of it replayed.
    fn tick(&mut self, tally: &mut Tally) -> Result<(), TestCaseError> {
        self.size = self.size.max(100) % 1_000 + 1;
        self.come_back();
        self.scene.tick();
        let mut log: VecDeque<HealthChanged> = told::<HealthChanged>(&self.scene).into();
        let mut dealt = std::mem::take(&mut self.dealt);
        dealt.sort_by_key(|&(source, ..)| source);
        let mut dealt: VecDeque<_> = dealt.into();
        while let Some(entry) = log.pop_front() {
            *tally.entry(word(&entry)).or_default() += 1;
            if entry.is_deed() && entry.origin == Origin::World && entry.source != entry.target {
                self.find(&mut dealt, &entry)?;
            }
            self.follow(&entry, &mut log)?;
            self.book(&entry)?;
        }
        while let Some(left) = dealt.pop_front() {
            prop_assert!(self.misses(left.1), "nothing in the log says what became of {left:?}");
        }
        self.compare()
    }

    /// Players return, and a new foe takes the place of one that is gone.
    fn come_back(&mut self) {
        if self.away == 1 {
            self.players.into_iter().for_each(|id| self.scene.place(id, 1.0, 0.0));
        }
        self.away = self.away.saturating_sub(1);
        for place in 0..self.foes.len() {
            if !self.scene.exists(self.foes[place]) {
                let foe = self.scene.monster_at("monster/foe", 0.5 + place as f32, 1.0);
                let vitals = *self.scene.get::<Vitals>(foe);
                self.ledger.insert(foe, vitals.hp);
                self.most.insert(foe, vitals.hp_max);
                self.foes[place] = foe;
            }
        }
    }

    /// Finds the blow that an entry is about; whatever was to come before it must have met nobody.
    fn find(&self, dealt: &mut VecDeque<(SimId, SimId, u32)>, entry: &HealthChanged) -> Result<(), TestCaseError> {
        while let Some(next) = dealt.pop_front() {
            if next == parts(entry) {
                return Ok(());
            }
            prop_assert!(self.misses(next.1), "{next:?} is missing before {entry:?}");
        }
        prop_assert!(false, "nobody did this, or it came twice: {entry:?}");
        Ok(())
    }

    /// Whether nothing can happen to someone: dead by the ledger, on its way home, or gone.
    fn misses(&self, id: SimId) -> bool {
        self.ledger.get(&id).is_none_or(|&hp| hp == 0) || !self.scene.exists(id) || self.scene.get::<Untouchable>(id).0
    }

    /// A blow that arrived is answered at once by thorns and by the leech, each exactly once and by the right amount.
    fn follow(&self, entry: &HealthChanged, log: &mut VecDeque<HealthChanged>) -> Result<(), TestCaseError> {
        if entry.kind != HealthKind::Direct || entry.amount >= 0 || entry.source == entry.target {
            return Ok(());
        }
        let [leech, thorns] = ["effect/leech", "effect/thorns"].map(|name| Origin::Effect(self.effect(name)));
        if entry.source == self.players[0] && self.ledger[&entry.source] > 0 {
            let share = (entry.amount.unsigned_abs() * LEECH_PCT + 50) / 100;
            let next = log.iter().find(|next| next.origin == leech).map(parts);
            prop_assert_eq!(next, Some((entry.source, entry.source, share)), "after {:?}", entry);
        }
        if entry.target == self.players[1] && !self.misses(entry.source) {
            let next = log.iter().find(|next| next.origin == thorns).map(parts);
            prop_assert_eq!(next, Some((entry.target, entry.source, THORNS)), "after {:?}", entry);
        }
        Ok(())
    }

    /// Enters a change into the ledger; it must have been possible.
    fn book(&mut self, entry: &HealthChanged) -> Result<(), TestCaseError> {
        let Some(hp) = self.ledger.get_mut(&entry.target) else { return Ok(()) };
        let most = self.most[&entry.target];
        match entry.kind {
            HealthKind::Direct | HealthKind::Periodic => {
                prop_assert!(*hp > 0, "the dead are left in peace: {entry:?}");
                if entry.over > 0 {
                    let end = if entry.amount < 0 || is_blow(entry) { 0 } else { i64::from(most) };
                    prop_assert_eq!(i64::from(*hp) + i64::from(entry.amount), end, "too much of {:?}", entry);
                }
            }
            HealthKind::Respawn => prop_assert_eq!((*hp, entry.amount > 0), (0, true), "{:?}", entry),
            HealthKind::Price => prop_assert!(*hp > 0 && entry.amount != 0, "{entry:?}"),
            HealthKind::Reset | HealthKind::Level => prop_assert!(*hp > 0 && entry.amount > 0, "{entry:?}"),
            HealthKind::Limit => prop_assert!(*hp > 0 && entry.amount != 0, "{entry:?}"),
        }
        let after = i64::from(*hp) + i64::from(entry.amount);
        prop_assert!(after >= 0, "{hp} hit points before {entry:?}");
        *hp = u32::try_from(after).expect("it fits");
        Ok(())
    }

    /// Everyone has what the ledger says, and what was regained without an entry.
    fn compare(&mut self) -> Result<(), TestCaseError> {
        let tick = self.scene.scene.tick_number();
        let found: Vec<_> = self.all().collect();
        self.ledger.retain(|id, _| found.iter().any(|(other, _)| other == id));
        for (id, vitals) in found {
            let booked = self.ledger.insert(id, vitals.hp).expect("it is in the ledger");
            self.most.insert(id, vitals.hp_max);
            prop_assert_eq!(vitals.is_dead(), vitals.hp == 0, "{}: {:?}", id, vitals);
            if vitals.hp != booked {
                let regained = vitals.hp.checked_sub(booked).unwrap_or(u32::MAX);
                // Three times as fast out of combat, and less than a point carried on.
                prop_assert!(
                    regained <= self.regen_milli * 3 / 1_000 + 1,
                    "{id} has {} of {booked}, tick {tick}",
                    vitals.hp
                );
                let before = self.regained_tick.insert(id, tick);
                prop_assert!(before.is_none_or(|before| (tick - before).is_multiple_of(20)), "{id}: once a second");
            }
        }
        Ok(())
    }
}

/// Source, target and the whole of what an entry is about.
fn parts(entry: &HealthChanged) -> (SimId, SimId, u32) {
    (entry.source, entry.target, entry.amount.unsigned_abs() + entry.absorbed + entry.over)
}

/// Whether an entry without a sign of its own is of a blow: healing is holy and never absorbed as a blow is.
fn is_blow(entry: &HealthChanged) -> bool {
    entry.amount < 0 || entry.outcome == Outcome::Absorb
}

fn word(entry: &HealthChanged) -> &'static str {
    match entry.kind {
        HealthKind::Direct if entry.absorbed > 0 && entry.amount > 0 => "healing taken",
        HealthKind::Direct if entry.absorbed > 0 => "absorbed",
        HealthKind::Direct if entry.amount < 0 && entry.over > 0 => "overkill",
        HealthKind::Direct if entry.over > 0 => "overheal",
        HealthKind::Direct if matches!(entry.origin, Origin::Effect(_)) => "set off",
        HealthKind::Direct if matches!(entry.origin, Origin::Skill(_)) => "skill",
        HealthKind::Direct => "direct",
        HealthKind::Periodic => "periodic",
        HealthKind::Respawn => "respawn",
        HealthKind::Reset => "reset",
        HealthKind::Limit => "limit",
        HealthKind::Level => "level",
        HealthKind::Price => "price",
    }
}

fn plan() -> impl Strategy<Value = Vec<Vec<Deed>>> {
    prop::collection::vec(prop::collection::vec((0_u8..40, any::<u8>(), any::<u8>()), 0..6), TICKS)
}

fn fight(plan: &[Vec<Deed>], regen_milli: u32, tally: &RefCell<Tally>) -> Result<(), TestCaseError> {
    let mut fight = Fight::begin(regen_milli);
    for deeds in plan {
        deeds.iter().for_each(|&deed| fight.carry_out(deed));
        fight.tick(&mut tally.borrow_mut())?;
    }
    Ok(())
}

fn fights(regen_milli: u32) -> Tally {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = ProptestConfig { cases: FIGHTS, failure_persistence: None, ..ProptestConfig::default() };
    let tally = RefCell::default();
    if let Err(error) = TestRunner::new_with_rng(config, rng).run(&plan(), |plan| fight(&plan, regen_milli, &tally)) {
        panic!("{error}");
    }
    tally.into_inner()
}

#[test]
fn every_change_of_hit_points_has_one_entry_and_the_entries_add_up() {
    let tally = fights(0);
    println!("{tally:?}");
    let kinds = [
        "price",
        "healing taken",
        "absorbed",
        "overkill",
        "overheal",
        "set off",
        "skill",
        "direct",
        "periodic",
        "respawn",
        "reset",
        "limit",
        "level",
    ];
    for kind in kinds {
        assert!(tally.get(kind).is_some_and(|&count| count > 5), "there was too little of `{kind}`: {tally:?}");
    }
}

#[test]
fn regeneration_is_the_only_change_without_an_entry_and_comes_once_a_second() {
    let tally = fights(8_000);
    assert!(tally["direct"] > 100, "{tally:?}");
}
