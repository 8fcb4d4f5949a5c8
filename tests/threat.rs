//! Threat in a scene: the published rules of whom a monster attacks, with lists that deeds have written, and taunts.

use sim::assets::{EffectDef, Id};
use sim::features::combat::EffectAction;
use sim::features::monsters::{Brain, Mood, ThreatTable};
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::testing::{TestScene, test_assets};

use crate::combat::{MORE, cast, strike};

/// An ox that hardly moves and hardly hurts, and what others may put on it or on themselves.
const DATA: [(&str, &str); 4] = [
    (
        "monsters/threat.ron",
        r#"(id: "monster/ox", level: (1, 1), faction: "vermin", move: (profile: "move/test", run_mps: 0.1),
        attributes: {"hp_max": Flat(100000), "attack": Flat(1)}, senses: (aggro_m: 0),
        leash: (radius_m: 100, timer_ms: 3_600_000, unreachable_ms: 3_600_000), skills: ["skill/strike"])"#,
    ),
    (
        "effects/threat.ron",
        r#"[
        (id: "effect/taunted", polarity: Harmful, duration: Ms(3_000), grants: ["threat.taunt"]),
        (id: "effect/fixated", polarity: Harmful, duration: Ms(3_000), grants: ["threat.fixate"]),
        (id: "effect/soothed", polarity: Harmful, duration: Ms(3_000), grants: ["threat.detaunt"]),
        (id: "effect/forgotten", polarity: Harmful, duration: Ms(3_000), grants: ["threat.suppressed"]),
        (id: "effect/deaf", polarity: Harmful, duration: Infinite, grants: ["immune.taunt"]),
    ]"#,
    ),
    (
        "skills/threat.ron",
        r#"[
        (id: "skill/challenge", target: Unit(filter: Enemy, range_m: 30),
         timeline: [(at: Hit, do: [Taunt, Apply("effect/taunted")])]),
        (id: "skill/fade", target: Unit(filter: Enemy, range_m: 30), timeline: [(at: Hit, do: [ScaleThreat(pct: 50)])]),
        (id: "skill/soothe", target: Unit(filter: Enemy, range_m: 30), timeline: [(at: Hit, do: [Threat(amount: -400)])]),
    ]"#,
    ),
    (
        "classes/threat.ron",
        r#"(id: "class/hero", movement: "move/test",
        attributes: {"hp_max": Flat(10000), "mana_max": Flat(100), "attack": Flat(100)},
        skills: ["skill/challenge", "skill/fade", "skill/soothe", "skill/mend"])"#,
    ),
];

/// Ticks between two looks at the list, by `threat/default`.
const LOOK_TICKS: u32 = 20;
/// So near is within melee range of an ox at the origin.
const NEAR_M: f32 = 2.0;
/// So far is not.
const FAR_M: f32 = 20.0;

struct Pasture {
    scene: TestScene,
    ox: SimId,
    heroes: Vec<SimId>,
}

impl Pasture {
    /// An ox at the origin that attacks the first of the heroes, on whom it has 1,000 points; the others are unknown to it.
    fn with_heroes_at(places: &[f32]) -> Self {
        let more: Vec<(&str, &str)> = MORE.into_iter().chain(DATA).collect();
        let mut scene = TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {});
        let heroes: Vec<SimId> = places.iter().map(|&x| scene.player_of_class("class/hero", x, 0.0)).collect();
        let ox = scene.monster_at("monster/ox", 0.0, 0.0);
        let mut pasture = Self { scene, ox, heroes };
        pasture.threaten(0, 1_000);
        pasture.scene.ticks(2);
        assert_eq!(pasture.victim(), Some(0));
        pasture
    }

    fn threaten(&mut self, hero: usize, amount: i32) {
        strike(&mut self.scene, self.heroes[hero], self.ox, EffectAction::Threat { amount });
    }

    fn put_on_ox(&mut self, hero: usize, effect: &str) {
        let effect: Id<EffectDef> = self.scene.config.assets.effects.by_name(effect).expect("it is above");
        strike(&mut self.scene, self.heroes[hero], self.ox, EffectAction::Apply { effect, chance_pct: 100 });
    }

    fn cast(&mut self, hero: usize, skill: &str) {
        cast(&mut self.scene, self.heroes[hero], skill, CastTarget::Unit(self.ox));
    }

    /// Points on the list in thousandths.
    fn milli(&self, hero: usize) -> Option<u64> {
        self.scene.get::<ThreatTable>(self.ox).of(self.heroes[hero])
    }

    fn victim(&self) -> Option<usize> {
        match self.scene.get::<Brain>(self.ox).mood {
            Mood::Fighting { victim } => self.heroes.iter().position(|&hero| hero == victim),
            _ => None,
        }
    }

    /// Whom it attacks once it has looked at its list.
    fn victim_after_a_look(&mut self) -> Option<usize> {
        self.scene.ticks(LOOK_TICKS + 1);
        self.victim()
    }
}

#[test]
fn a_rival_in_melee_range_needs_more_than_110_percent_and_one_at_range_more_than_130() {
    for (place, points, victim) in
        [(-NEAR_M, 1_100, 0), (-NEAR_M, 1_101, 1), (FAR_M, 1_101, 0), (FAR_M, 1_300, 0), (FAR_M, 1_301, 1)]
    {
        let mut pasture = Pasture::with_heroes_at(&[NEAR_M, place]);
        pasture.threaten(1, points);
        assert_eq!(pasture.victim_after_a_look(), Some(victim), "{points} points at {place} m");
    }
}

#[test]
fn between_the_two_the_first_in_melee_range_down_the_list_takes_over() {
    for (second, victim) in [(1_150, 2), (1_101, 2), (1_100, 0), (900, 0)] {
        let mut pasture = Pasture::with_heroes_at(&[NEAR_M, FAR_M, -NEAR_M]);
        pasture.threaten(1, 1_250);
        pasture.threaten(2, second);
        assert_eq!(pasture.victim_after_a_look(), Some(victim), "{second} points behind 1,250 from afar");
    }
}

#[test]
fn only_the_top_of_the_list_takes_over_from_afar() {
    let mut pasture = Pasture::with_heroes_at(&[NEAR_M, FAR_M, -FAR_M]);
    pasture.threaten(1, 1_500);
    pasture.threaten(2, 1_400);
    assert_eq!(pasture.victim_after_a_look(), Some(1));
}

#[test]
fn the_list_is_looked_at_once_a_second() {
    let mut pasture = Pasture::with_heroes_at(&[NEAR_M, -NEAR_M]);
    let mut changes = Vec::new();
    let mut points = 1_000;
    for tick in 0..100_u32 {
        // Whoever is not attacked always has twice as much.
        let other = 1 - pasture.victim().expect("it fights");
        points *= if changes.last() == Some(&tick) || tick == 0 { 3 } else { 1 };
        if changes.last() == Some(&tick) || tick == 0 {
            pasture.threaten(other, points);
        }
        pasture.scene.tick();
        if pasture.victim() == Some(other) {
            changes.push(tick + 1);
        }
    }
    assert!(changes.len() >= 4, "{changes:?}");
    assert!(changes.windows(2).all(|pair| pair[1] - pair[0] == LOOK_TICKS), "{changes:?}");
}

#[test]
fn threat_of_healing_is_split_among_the_engaged_that_are_not_held() {
    let mut pasture = Pasture::with_heroes_at(&[NEAR_M, FAR_M]);
    let (tank, healer) = (pasture.heroes[0], pasture.heroes[1]);
    let others: Vec<SimId> = [1.0, 2.0].map(|z| pasture.scene.monster_at("monster/ox", 0.0, z)).to_vec();
    let bystander = pasture.scene.monster_at("monster/ox", 0.0, 3.0);
    let daze = pasture.scene.config.assets.effects.by_name("effect/daze").expect("the test data have it");
    for &ox in &others {
        strike(&mut pasture.scene, tank, ox, EffectAction::Threat { amount: 10 });
    }
    strike(&mut pasture.scene, tank, others[1], EffectAction::Apply { effect: daze, chance_pct: 100 });
    let hurt = EffectAction::Damage { formula: None, school: sim::assets::School::Physical, coef: 500_000 };
    strike(&mut pasture.scene, pasture.ox, tank, hurt);
    pasture.scene.tick();
    strike(&mut pasture.scene, healer, tank, EffectAction::Gain { pool: sim::assets::Pool::Hp, amount: 400 });
    pasture.scene.tick();
    // Half of 400, for two of the three that fight.
    let list = |ox| pasture.scene.get::<ThreatTable>(ox).of(healer);
    assert_eq!([pasture.ox, others[0], others[1], bystander].map(list), [Some(100_000), Some(100_000), None, None]);
}

#[test]
fn amounts_are_never_below_0_and_who_is_soothed_has_not_begun_a_fight() {
    let mut pasture = Pasture::with_heroes_at(&[NEAR_M, FAR_M]);
    pasture.cast(0, "skill/soothe");
    assert_eq!(pasture.milli(0), Some(600_000));
    pasture.cast(1, "skill/soothe");
    assert_eq!(pasture.milli(1), None);
    pasture.threaten(0, -5_000);
    pasture.scene.tick();
    assert_eq!((pasture.milli(0), pasture.victim()), (Some(0), Some(0)), "still at the only one it knows");
}

#[test]
fn who_is_suppressed_comes_after_all_others_and_who_cannot_be_attacked_not_at_all() {
    let mut pasture = Pasture::with_heroes_at(&[NEAR_M, -NEAR_M]);
    pasture.threaten(1, 1);
    pasture.put_on_ox(0, "effect/forgotten");
    pasture.put_on_ox(0, "effect/taunted");
    assert_eq!(pasture.victim_after_a_look(), Some(1), "suppressed comes after online, taunt or not");
    pasture.scene.ticks(60);
    assert_eq!(pasture.victim(), Some(0), "1,000 points against 1, once it is over");
    // Dead is offline: not even a thousand times as much counts.
    crate::combat::kill(&mut pasture.scene, pasture.ox, pasture.heroes[0]);
    pasture.scene.ticks(2);
    assert_eq!(pasture.victim(), Some(1));
}

#[test]
fn a_suppressed_one_is_attacked_when_there_is_nobody_else() {
    let mut pasture = Pasture::with_heroes_at(&[NEAR_M]);
    pasture.put_on_ox(0, "effect/forgotten");
    assert_eq!(pasture.victim_after_a_look(), Some(0));
}

#[test]
fn fixate_wins_over_taunts_and_amounts_as_long_as_it_lasts() {
    let mut pasture = Pasture::with_heroes_at(&[NEAR_M, -NEAR_M, FAR_M]);
    pasture.threaten(1, 9_000);
    pasture.threaten(2, 1);
    pasture.put_on_ox(1, "effect/taunted");
    pasture.put_on_ox(2, "effect/fixated");
    assert_eq!(pasture.victim_after_a_look(), Some(2));
    pasture.scene.ticks(60);
    assert_eq!(pasture.victim(), Some(1));
}

#[test]
fn a_taunt_raises_to_the_top_and_holds_when_it_is_over() {
    let mut pasture = Pasture::with_heroes_at(&[NEAR_M, FAR_M]);
    pasture.cast(1, "skill/challenge");
    assert_eq!((pasture.milli(0), pasture.milli(1)), (Some(1_000_000), Some(1_000_000)));
    assert_eq!(pasture.victim_after_a_look(), Some(1), "by the effect, from afar");
    pasture.scene.ticks(60);
    assert_eq!(pasture.victim(), Some(1), "the other has not 110 % of it");
    pasture.threaten(0, 101);
    assert_eq!(pasture.victim_after_a_look(), Some(0));
}

#[test]
fn a_taunt_takes_nothing_from_who_is_above_already_and_the_immune_do_not_hear_it() {
    let mut pasture = Pasture::with_heroes_at(&[NEAR_M, FAR_M]);
    pasture.cast(0, "skill/challenge");
    assert_eq!(pasture.milli(0), Some(1_000_000));
    pasture.put_on_ox(0, "effect/deaf");
    pasture.scene.tick();
    pasture.cast(1, "skill/challenge");
    assert_eq!(pasture.milli(1), None);
    assert_eq!(pasture.victim_after_a_look(), Some(0));
}

#[test]
fn a_detaunt_comes_last_and_threat_is_scaled() {
    let mut pasture = Pasture::with_heroes_at(&[NEAR_M, -NEAR_M]);
    pasture.threaten(1, 1);
    pasture.put_on_ox(0, "effect/soothed");
    assert_eq!(pasture.victim_after_a_look(), Some(1));
    pasture.cast(0, "skill/fade");
    assert_eq!(pasture.milli(0), Some(500_000));
    assert_eq!(pasture.milli(1), Some(1_000));
}
