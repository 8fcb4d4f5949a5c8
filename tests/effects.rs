//! Effects from asset text alone: periods, captured values, tags that let in and keep out, dispels, what travels.

use sim::assets::{AttributeId, School, TagId};
use sim::counters::Counters;
use sim::features::buffs::{ActiveBuffs, Away, BUFF_REFUSED, Tags};
use sim::features::combat::{Attributes, EffectAction, HealthChanged, HealthKind};
use sim::ids::SimId;
use sim::input::{SceneInput, SceneOutput};
use sim::testing::{TestScene, test_assets};

use crate::combat::{MORE, kill, strike, told};

/// A player and a dummy 30 m apart, with effects from text beside those of every test.
pub(crate) fn stage(effects: &str) -> (TestScene, SimId, SimId) {
    let more: Vec<(&str, &str)> = MORE.iter().copied().chain([("effects/own.ron", effects)]).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {});
    let (fighter, dummy) = (scene.player_at(0.0, 0.0), scene.monster_at("monster/dummy", 30.0, 0.0));
    scene.tick();
    (scene, fighter, dummy)
}

/// Has an effect come over someone; one tick passes.
pub(crate) fn apply(scene: &mut TestScene, source: SimId, target: SimId, effect: &str) {
    let effect = scene.config.assets.effects.by_name(effect).unwrap();
    strike(scene, source, target, EffectAction::Apply { effect, chance_pct: 100 });
    scene.tick();
}

/// Someone's effects by name with their stacks, in order.
pub(crate) fn borne(scene: &TestScene, id: SimId) -> Vec<(String, u16)> {
    let effects = &scene.config.assets.effects;
    scene.get::<ActiveBuffs>(id).iter().map(|buff| (effects[buff.effect].id.clone(), buff.stacks)).collect()
}

/// Someone's effects by name, in order.
pub(crate) fn names(scene: &TestScene, id: SimId) -> Vec<String> {
    borne(scene, id).into_iter().map(|(name, _)| name).collect()
}

/// How often an application was refused for a reason.
pub(crate) fn refused(scene: &TestScene, reason: &'static str) -> u64 {
    scene.scene.world().resource::<Counters>().count(BUFF_REFUSED, reason)
}

/// The ticks of the next `count` in which periods hurt or healed someone, with the points.
fn beats(scene: &mut TestScene, count: u32) -> Vec<(u32, i32)> {
    let mut found = Vec::new();
    for tick in 1..=count {
        scene.tick();
        let log = told::<HealthChanged>(scene);
        found.extend(log.iter().filter(|entry| entry.kind == HealthKind::Periodic).map(|entry| (tick, entry.amount)));
    }
    found
}

fn ticks_of(beats: &[(u32, i32)]) -> Vec<u32> {
    beats.iter().map(|&(tick, _)| tick).collect()
}

#[test]
fn the_first_period_acts_at_once_if_the_effect_says_so() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/brand", duration: Ms(2_000), period: (ms: 1_000, first: Immediately),
             periodic: [Damage(coef: 1_000)])]"#,
    );
    apply(&mut scene, fighter, dummy, "effect/brand");
    assert_eq!(told::<HealthChanged>(&scene).len(), 1);
    assert_eq!(ticks_of(&beats(&mut scene, 60)), [20, 40]);
}

#[test]
fn a_period_goes_on_through_another_application_or_begins_anew() {
    for (on_refresh, expected) in [("Keep", [20, 40]), ("Restart", [30, 50])] {
        let text = format!(
            r#"[(id: "effect/brand", duration: Ms(2_500), period: (ms: 1_000, on_refresh: {on_refresh}),
                 periodic: [Damage(coef: 1_000)])]"#
        );
        let (mut scene, fighter, dummy) = stage(&text);
        apply(&mut scene, fighter, dummy, "effect/brand");
        scene.ticks(9);
        apply(&mut scene, fighter, dummy, "effect/brand");
        assert_eq!(ticks_of(&beats(&mut scene, 45)).iter().map(|tick| tick + 10).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_last_period_in_part_does_its_share() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/brand", duration: Ms(2_500), period: (ms: 1_000, partial_last: true),
             periodic: [Damage(coef: 100_000)])]"#,
    );
    apply(&mut scene, fighter, dummy, "effect/brand");
    let beats = beats(&mut scene, 60);
    assert_eq!(ticks_of(&beats), [20, 40, 50]);
    // Half of 2,500 points, 5 % up or down.
    assert!((-1_313..=-1_187).contains(&beats[2].1) && beats[1].1 < -2_300, "{beats:?}");
}

#[test]
fn haste_means_more_periods_and_follows_the_source_only_where_it_is_dynamic() {
    for (capture, expected) in
        [("{}", vec![20, 40, 60, 80]), (r#"{"haste": Dynamic}"#, vec![20, 30, 40, 50, 60, 70, 80])]
    {
        let text = format!(
            r#"[(id: "effect/brand", duration: Ms(4_000), period: (ms: 1_000, hasted: true), capture: {capture},
                 periodic: [Damage(coef: 1_000)]),
                (id: "effect/hurry", polarity: Helpful, duration: Infinite,
                 modifiers: [(attr: "haste", op: Flat(10_000))])]"#
        );
        let (mut scene, fighter, dummy) = stage(&text);
        apply(&mut scene, fighter, dummy, "effect/brand");
        apply(&mut scene, fighter, fighter, "effect/hurry");
        assert_eq!(ticks_of(&beats(&mut scene, 90)).iter().map(|tick| tick + 1).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn what_a_source_was_worth_counts_unless_it_is_dynamic() {
    for (capture, is_stronger) in [("{}", false), (r#"{"attack": Dynamic}"#, true)] {
        let text = format!(
            r#"[(id: "effect/brand", duration: Ms(4_000), period: (ms: 1_000), capture: {capture},
                 periodic: [Damage(coef: 10_000)]),
                (id: "effect/rage", polarity: Helpful, duration: Infinite,
                 modifiers: [(attr: "attack", op: More(10_000))])]"#
        );
        let (mut scene, fighter, dummy) = stage(&text);
        apply(&mut scene, fighter, dummy, "effect/brand");
        apply(&mut scene, fighter, fighter, "effect/rage");
        let beats = beats(&mut scene, 25);
        assert_eq!(beats[0].1 < -400, is_stronger, "{beats:?}");
    }
}

#[test]
fn tags_let_an_effect_in_and_keep_it_out() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/soaked", tags: ["state_of.wet"], duration: Ms(5_000), grants: ["wet"]),
            (id: "effect/shocked", duration: Ms(5_000), requires: ["wet"], grants: ["shocked"]),
            (id: "effect/scorched", duration: Ms(5_000), blocked_by: ["wet"], grants: ["hot"])]"#,
    );
    for effect in ["effect/shocked", "effect/scorched", "effect/soaked", "effect/shocked", "effect/scorched"] {
        apply(&mut scene, fighter, dummy, effect);
    }
    assert_eq!(names(&scene, dummy), ["effect/scorched", "effect/soaked", "effect/shocked"]);
    assert_eq!((refused(&scene, "requires"), refused(&scene, "blocked")), (1, 1));
}

#[test]
fn an_effect_rests_while_a_tag_it_needs_is_missing_and_its_time_runs_on() {
    let (mut scene, fighter, _) = stage(
        r#"[(id: "effect/sober", polarity: Helpful, duration: Ms(1_000), grants: ["stance.calm"]),
            (id: "effect/focus", polarity: Helpful, duration: Ms(5_000), ongoing: ["stance"],
             modifiers: [(attr: "attack", op: Flat(10))])]"#,
    );
    let attack = |scene: &TestScene| scene.get::<Attributes>(fighter).current(AttributeId::ATTACK);
    apply(&mut scene, fighter, fighter, "effect/focus");
    assert_eq!(attack(&scene), 50);
    apply(&mut scene, fighter, fighter, "effect/sober");
    assert_eq!(attack(&scene), 60, "having `stance.calm` is having `stance`");
    scene.ticks(20);
    assert_eq!(attack(&scene), 50);
    scene.ticks(80);
    assert!(names(&scene, fighter).is_empty());
}

#[test]
fn immunity_refuses_and_ends_what_it_names_and_built_in_immunity_knows_its_schools() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/venom", tags: ["poison.strong"], duration: Infinite, grants: ["ill"]),
            (id: "effect/flames", tags: ["school.fire"], duration: Infinite, grants: ["hot"]),
            (id: "effect/antidote", polarity: Helpful, duration: Infinite, immune: ["poison"]),
            (id: "effect/wet_cloak", polarity: Helpful, duration: Infinite, grants: ["immune.fire"]),
            (id: "effect/water", polarity: Helpful, duration: Instant, removes: ["school.fire"])]"#,
    );
    for effect in ["effect/venom", "effect/flames"] {
        apply(&mut scene, dummy, fighter, effect);
    }
    apply(&mut scene, fighter, fighter, "effect/antidote");
    assert_eq!(names(&scene, fighter), ["effect/flames", "effect/antidote"]);
    apply(&mut scene, fighter, fighter, "effect/water");
    apply(&mut scene, fighter, fighter, "effect/wet_cloak");
    for effect in ["effect/venom", "effect/flames"] {
        apply(&mut scene, dummy, fighter, effect);
    }
    assert_eq!(names(&scene, fighter), ["effect/antidote", "effect/wet_cloak"]);
    assert_eq!(refused(&scene, "immune"), 2);
}

#[test]
fn tags_follow_within_the_tick_and_effects_after_them_meet_them() {
    let (mut scene, fighter, dummy) =
        stage(r#"[(id: "effect/ward", polarity: Helpful, duration: Infinite, grants: ["state.invulnerable"])]"#);
    let ward = scene.config.assets.effects.by_name("effect/ward").unwrap();
    strike(&mut scene, fighter, fighter, EffectAction::Apply { effect: ward, chance_pct: 100 });
    strike(&mut scene, dummy, fighter, EffectAction::Damage { formula: None, school: School::Physical, coef: 100_000 });
    scene.tick();
    assert!(scene.get::<Tags>(fighter).has(TagId::INVULNERABLE));
    assert_eq!(crate::combat::hp(&scene, fighter), 500);
}

#[test]
fn a_dispel_takes_the_newest_of_its_kind_and_what_resists_stays() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/hex", dispel: Curse, duration: Infinite, grants: ["hexed"]),
            (id: "effect/spell", dispel: Magic, duration: Infinite, grants: ["spelled"],
             on_dispel: [ApplyEffect(effect: "effect/backlash")]),
            (id: "effect/seal", dispel: Magic, dispel_resist_pct: 100, duration: Infinite, grants: ["sealed"]),
            (id: "effect/backlash", duration: Infinite, grants: ["stung"])]"#,
    );
    let friend = scene.player_at(2.0, 0.0);
    for effect in ["effect/spell", "effect/hex", "effect/seal"] {
        apply(&mut scene, dummy, fighter, effect);
    }
    let dispel = |count| EffectAction::Dispel {
        kinds: sim::assets::DispelKind::Magic.bit(),
        count,
        chance_pct: 100,
        steal: false,
    };
    strike(&mut scene, friend, fighter, dispel(1));
    scene.tick();
    assert_eq!(names(&scene, fighter), ["effect/spell", "effect/hex", "effect/seal"], "the seal withstands");
    strike(&mut scene, friend, fighter, dispel(2));
    scene.tick();
    assert_eq!(names(&scene, fighter), ["effect/hex", "effect/seal"]);
    assert_eq!(names(&scene, friend), ["effect/backlash"], "who takes it away is stung");
}

#[test]
fn what_is_stolen_goes_on_for_the_thief() {
    let (mut scene, fighter, dummy) =
        stage(r#"[(id: "effect/boon", polarity: Helpful, dispel: Magic, duration: Ms(5_000), grants: ["blessed"])]"#);
    apply(&mut scene, dummy, dummy, "effect/boon");
    let steal =
        EffectAction::Dispel { kinds: sim::assets::DispelKind::Magic.bit(), count: 1, chance_pct: 100, steal: true };
    scene.ticks(40);
    strike(&mut scene, fighter, dummy, steal);
    scene.tick();
    assert_eq!((names(&scene, dummy).len(), names(&scene, fighter).len()), (0, 1));
    scene.ticks(58);
    assert_eq!(names(&scene, fighter).len(), 1);
    scene.ticks(2);
    assert!(names(&scene, fighter).is_empty());
}

#[test]
fn only_so_many_have_it_from_one_source_and_the_first_loses_it() {
    let (mut scene, fighter, dummy) =
        stage(r#"[(id: "effect/sheep", duration: Infinite, targets_max: 1, grants: ["sheep"])]"#);
    let other = scene.monster_at("monster/dummy", -30.0, 0.0);
    scene.tick();
    apply(&mut scene, fighter, dummy, "effect/sheep");
    apply(&mut scene, fighter, other, "effect/sheep");
    assert_eq!((names(&scene, dummy).len(), names(&scene, other).len()), (0, 1));
}

#[test]
fn ends_do_what_the_effect_says() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/fuse", duration: Ms(1_000), on_expire: [Apply("effect/blast")], on_remove: [Apply("effect/dud")],
             tags: ["fuse"], grants: ["lit"]),
            (id: "effect/blast", duration: Infinite, grants: ["blasted"]),
            (id: "effect/dud", duration: Infinite, grants: ["wet"]),
            (id: "effect/snuff", duration: Instant, removes: ["fuse"])]"#,
    );
    apply(&mut scene, fighter, dummy, "effect/fuse");
    scene.ticks(20);
    assert_eq!(names(&scene, dummy), ["effect/blast"]);
    apply(&mut scene, fighter, dummy, "effect/fuse");
    apply(&mut scene, fighter, dummy, "effect/snuff");
    assert_eq!(names(&scene, dummy), ["effect/blast", "effect/dud"]);
}

#[test]
fn too_many_stacks_overflow_and_may_clear_the_effect() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/charge", duration: Infinite, grants: ["charged"],
             stack: (max: 2, overflow: [Apply("effect/burst")], clear_on_overflow: true)),
            (id: "effect/burst", duration: Infinite, grants: ["burst"])]"#,
    );
    for _ in 0..2 {
        apply(&mut scene, fighter, dummy, "effect/charge");
    }
    assert_eq!(borne(&scene, dummy), [("effect/charge".to_owned(), 2)]);
    apply(&mut scene, fighter, dummy, "effect/charge");
    assert_eq!(names(&scene, dummy), ["effect/burst"]);
}

#[test]
fn damage_breaks_by_its_sum_and_never_in_the_tick_of_the_application() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/trance", duration: Infinite, breaks_on_damage: Above(hp_pct: 10), grants: ["trance"])]"#,
    );
    apply(&mut scene, dummy, fighter, "effect/trance");
    // 10 % of 500: two blows of about 39.
    let blow = EffectAction::Damage { formula: None, school: School::Physical, coef: 49_000 };
    strike(&mut scene, dummy, fighter, blow);
    scene.tick();
    assert_eq!(names(&scene, fighter).len(), 1);
    strike(&mut scene, dummy, fighter, blow);
    scene.tick();
    assert!(names(&scene, fighter).is_empty());
}

/// Sends a player away and back with more parts; its new id.
pub(crate) fn leave_and_return(scene: &mut TestScene, id: SimId, more: Vec<(String, Vec<u8>)>) -> SimId {
    let player = scene.player_of(id).0;
    scene.scene.push(SceneInput::Leave { player });
    scene.tick();
    let Some(SceneOutput::Departed { mut character, .. }) = scene.scene.take_outputs().pop() else { panic!("it left") };
    character.parts.extend(more);
    scene.scene.push(SceneInput::Join { player, character, spawn_point: None });
    scene.tick();
    scene.scene.world().resource::<sim::input::Players>().0[&sim::ids::PlayerId(player)].0
}

#[test]
fn what_leaves_with_a_character_is_what_its_record_says() {
    let (mut scene, fighter, _) = stage(
        r#"[(id: "effect/food", polarity: Helpful, duration: Ms(60_000), stack: (max: 3), grants: ["fed"]),
            (id: "effect/trial", polarity: Helpful, duration: Ms(60_000), logout: KeepRealTime, grants: ["trial"]),
            (id: "effect/song", polarity: Helpful, duration: Infinite, logout: Drop, grants: ["song"])]"#,
    );
    for effect in ["effect/food", "effect/food", "effect/trial", "effect/song"] {
        apply(&mut scene, fighter, fighter, effect);
    }
    let fighter = leave_and_return(&mut scene, fighter, vec![Away::part(30_000)]);
    assert_eq!(borne(&scene, fighter), [("effect/food".to_owned(), 2), ("effect/trial".to_owned(), 1)]);
    scene.ticks(600);
    assert_eq!(names(&scene, fighter), ["effect/food"], "the time of one ran on for half a minute");
    apply(&mut scene, fighter, fighter, "effect/food");
    assert_eq!(borne(&scene, fighter), [("effect/food".to_owned(), 3)], "its own effect is its own again");
}

#[test]
fn what_a_buff_captured_for_certain_deeds_alone_is_the_same_beyond_a_portal() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/fury", polarity: Helpful, duration: Infinite,
             modifiers: [(attr: "attack", op: Flat(1_000), when: (tags: ["school.fire"], target_has: ["branded"]))]),
            (id: "effect/brand", duration: Infinite, period: (ms: 8_000), grants: ["branded"],
             periodic: [Damage(school: Fire, coef: 20, exact: true), Damage(school: Frost, coef: 2_500, exact: true)])]"#,
    );
    apply(&mut scene, dummy, dummy, "effect/fury");
    apply(&mut scene, dummy, fighter, "effect/brand");
    let points = |beats: Vec<(u32, i32)>| beats.into_iter().map(|(_, points)| points).collect::<Vec<_>>();
    let before = points(beats(&mut scene, 160));
    assert_eq!(before, [-20, -3], "a fiftieth of 1,001 for fire, two and a half for frost");
    let worth = |scene: &TestScene, id| scene.get::<ActiveBuffs>(id).iter().next().expect("it burns").worth.clone();
    let captured = worth(&scene, fighter);
    scene.ticks(110);
    let fighter = leave_and_return(&mut scene, fighter, Vec::new());
    assert_eq!(worth(&scene, fighter).attributes, captured.attributes);
    assert!(!worth(&scene, fighter).qualified.is_empty());
    assert_eq!(points(beats(&mut scene, 60)), before);
}

#[test]
fn a_character_that_was_killed_keeps_only_what_outlasts_death() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/sickness", duration: Infinite, on_death: Keep, grants: ["sick"]),
            (id: "effect/boon", polarity: Helpful, duration: Infinite, grants: ["blessed"])]"#,
    );
    apply(&mut scene, dummy, fighter, "effect/sickness");
    apply(&mut scene, fighter, fighter, "effect/boon");
    kill(&mut scene, dummy, fighter);
    assert_eq!(names(&scene, fighter), ["effect/sickness"]);
}

#[test]
fn buffs_outlive_their_game_data_with_their_time_and_stacks_and_what_is_gone_goes_in_silence() {
    use sim::assets::AssetSources;
    use sim::epoch::{AssetsEdit, LoadedAhead};
    const TEXT: &str = r#"[(id: "effect/rage", polarity: Helpful, duration: Ms(10_000), stack: (max: 3),
         modifiers: [(attr: "attack", op: Flat(10), per_stack: true)]),
        (id: "effect/ember", polarity: Helpful, duration: Ms(10_000), on_expire: [Apply("effect/ash")],
         on_remove: [Apply("effect/ash")]),
        (id: "effect/ash", polarity: Helpful, duration: Infinite, grants: ["ashen"])]"#;
    let (mut scene, fighter, _) = stage(TEXT);
    for effect in ["effect/rage", "effect/rage", "effect/ember"] {
        apply(&mut scene, fighter, fighter, effect);
    }
    let end_tick = scene.get::<ActiveBuffs>(fighter).iter().next().map(|buff| buff.end_tick);
    let old = scene.config.assets.sources.clone();
    let mut new = AssetSources::clone(&old);
    let (rage, ash) = (
        TEXT.split("(id: \"effect/ember\"").next().unwrap(),
        TEXT.split("on_remove: [Apply(\"effect/ash\")]),").last().unwrap(),
    );
    new.insert("effects/own.ron", format!("{}{ash}", rage.replace("Flat(10)", "Flat(25)")));
    scene.scene.push(SceneInput::Assets { edit: AssetsEdit::between(&old, &new), ahead: LoadedAhead::default() });
    scene.tick();
    scene.tick();
    assert_eq!(borne(&scene, fighter), [("effect/rage".to_owned(), 2)]);
    assert_eq!(scene.get::<Attributes>(fighter).current(AttributeId::ATTACK), 100);
    assert_eq!(scene.get::<ActiveBuffs>(fighter).iter().next().map(|buff| buff.end_tick), end_tick);
}

#[test]
fn the_burning_of_the_designers_guide_loads_as_it_stands_and_burns() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(
  id: "effect/burning", tags: ["school.fire", "dot"], dispel: Magic, duration: Ms(8_000),
  period: (ms: 2_000, first: AfterPeriod, on_refresh: Keep),
  stack: (by: Source, max: 5, on_apply: RefreshDuration, on_expire: ClearAll, overflow: [Apply("effect/scorched")]),
  capture: {"power": SnapshotOnApply, "haste": Dynamic}, modifiers: [(attr: "armor", op: Increased(-500), per_stack: true)],
  periodic: [Damage(school: Fire, formula: "dot.standard", coef: 35)], grants: ["state.burning"],
), (id: "effect/scorched", duration: Ms(4_000), grants: ["scorched"])]"#,
    );
    for _ in 0..6 {
        apply(&mut scene, fighter, dummy, "effect/burning");
    }
    assert_eq!(borne(&scene, dummy), [("effect/burning".to_owned(), 5), ("effect/scorched".to_owned(), 1)]);
    assert_eq!(scene.get::<Attributes>(dummy).current(AttributeId::ARMOR), 75);
    assert_eq!(ticks_of(&beats(&mut scene, 200)), [35, 75, 115, 155]);
}

#[test]
fn whoever_overflows_what_all_share_ends_it_whoever_laid_the_stacks() {
    let (mut scene, fighter, dummy) = stage(
        r#"[(id: "effect/frost", duration: Ms(10_000),
             stack: (by: Target, max: 2, overflow: [Apply("effect/ice")], deny_overflow: true, clear_on_overflow: true),
             grants: ["frosty"]),
            (id: "effect/ice", duration: Ms(10_000), grants: ["icy"])]"#,
    );
    let friend = scene.player_at(1.0, 0.0);
    for source in [fighter, fighter, friend] {
        apply(&mut scene, source, dummy, "effect/frost");
    }
    assert_eq!(names(&scene, dummy), ["effect/ice"]);
}
