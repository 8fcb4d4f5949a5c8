//! The table of interruptions in a scene: every cell of the built-in one, other tables, and skills that know better.

use std::sync::Arc;

use glam::Vec2;
use sim::assets::{Assets, CastKind, Disturbance};
use sim::features::combat::{EffectAction, Push};
use sim::features::skills::{
    CastEnded, CastOutcome, CastStarted, Casting, Cooldowns, Disturbed, Mana, StopCastCommand,
};
use sim::ids::SimId;
use sim::input::SceneInput;
use sim::intent::CastTarget;
use sim::testing::{TestScene, test_assets};

use crate::combat::{cast, kill, refusals, skill, strike, told};
use crate::effects::{apply, leave_and_return};

/// Four seconds of each kind: with `tags`, and with what else a test wants said.
fn skills(prefix: &str, tags: &str, pushback: &str, more: &str) -> String {
    let rest = format!(
        r#"tags: [{tags}], cost: [(attr: "mana", amount: 20)], cooldown: (ms: 60_000), {more}
           target: Unit(filter: Enemy, range_m: 25)"#
    );
    format!(
        r#"(id: "skill/{prefix}cast", cast: Cast(ms: 4_000, {pushback}), {rest}, timeline: [(at: Hit, do: [Damage(coef: 10)])]),
           (id: "skill/{prefix}channel", cast: Channel(ms: 4_000, tick_ms: 2_000, {pushback}), {rest},
            timeline: [(at: EachTick, do: [Damage(coef: 10)])]),
           (id: "skill/{prefix}charge", cast: Charge(min_ms: 500, max_ms: 4_000), {rest},
            timeline: [(at: Release, do: [Damage(coef: 10)])]),"#
    )
}

/// Game data with a table in place of the built-in one, and more skills.
fn assets(table: Option<&str>, more: &str) -> Arc<Assets> {
    let back = "pushback: (ms: 250, max: 2)";
    let all = r#""spell", "weapon", "school.fire""#;
    let mut texts = skills("", all, back, "") + &skills("bare_", all, "", "") + &skills("plain_", "", back, "");
    texts += &skills("cursed_", all, back, r#"stopped_by: ["cursed"],"#);
    let texts = format!(
        r#"[{texts} {more}
        (id: "skill/other", target: Caster, timeline: [(at: Finish, do: [Gain(attr: "hp", amount: 1)])])]"#
    );
    let kinds = ["", "bare_", "plain_", "cursed_", "own_"]
        .iter()
        .flat_map(|prefix| ["cast", "channel", "charge"].map(|kind| format!("skill/{prefix}{kind}")));
    let known: Vec<String> =
        kinds.filter(|id| texts.contains(&format!("\"{id}\""))).map(|id| format!("\"{id}\"")).collect();
    let class = format!(
        r#"(id: "class/caster", movement: "move/test", skills: ["skill/other", {}],
            attributes: {{"hp_max": Flat(1000), "mana_max": Flat(100), "attack": Flat(100), "armor": Flat(0)}})"#,
        known.join(", ")
    );
    let effects = r#"[
        (id: "effect/mute", duration: Ms(500), grants: ["state.silenced"]),
        (id: "effect/clumsy", duration: Ms(500), grants: ["state.disarmed"]),
        (id: "effect/numb", duration: Ms(500), grants: ["state.stunned"]),
        (id: "effect/panic", duration: Ms(500), grants: ["state.feared"]),
        (id: "effect/rooted", duration: Ms(500), grants: ["state.rooted"]),
        (id: "effect/curse", duration: Ms(500), grants: ["cursed"]),
        (id: "effect/unseen", polarity: Helpful, duration: Ms(500), grants: ["state.stealth"]),
        (id: "effect/sting", duration: Ms(1_000), period: (ms: 1_000, first: Immediately), periodic: [Damage(coef: 9_000)]),
    ]"#;
    let mut files =
        vec![("skills/own.ron", texts.as_str()), ("classes/own.ron", class.as_str()), ("effects/own.ron", effects)];
    files.extend(table.map(|table| ("interrupts/own.ron", table)));
    test_assets(&files)
}

/// A table of one row that says the same of everything.
fn table_of(cell: impl Fn(Disturbance) -> &'static str) -> String {
    let cells: Vec<String> = Disturbance::ALL.iter().map(|&by| format!("{}: {}", by.name(), cell(by))).collect();
    format!(r#"(id: "interrupt/default", rows: [(cells: ({}))])"#, cells.join(", "))
}

/// Someone in the middle of a cast at a dummy ten metres away, and a wall five metres to the other side.
fn casting(assets: &Arc<Assets>, name: &str) -> (TestScene, SimId, SimId) {
    let mut scene = TestScene::of(assets, "scene/walled", 1, |_| {});
    let (caster, dummy) =
        (scene.player_of_class("class/caster", 0.0, 0.0), scene.monster_at("monster/dummy", -10.0, 0.0));
    scene.ticks(2);
    cast(&mut scene, caster, name, CastTarget::Unit(dummy));
    scene.ticks(3);
    assert!(scene.get::<Casting>(caster).0.is_some(), "{name} has begun");
    (scene, caster, dummy)
}

/// Has something happen; the caster's id, which is another one after it has left and come back.
fn happen(scene: &mut TestScene, by: Disturbance, caster: SimId, dummy: SimId) -> SimId {
    let blow = EffectAction::Damage { formula: None, school: Default::default(), coef: 9_000 };
    match by {
        Disturbance::Stops => scene.command(caster, &StopCastCommand),
        Disturbance::Moves => scene.walk(caster, Vec2::Y),
        Disturbance::Damaged => strike(scene, dummy, caster, blow),
        Disturbance::Burned => apply(scene, dummy, caster, "effect/sting"),
        Disturbance::Kicked => strike(scene, dummy, caster, EffectAction::Interrupt { lockout_ms: 2_000 }),
        Disturbance::Silenced => apply(scene, dummy, caster, "effect/mute"),
        Disturbance::Disarmed => apply(scene, dummy, caster, "effect/clumsy"),
        Disturbance::Stunned => apply(scene, dummy, caster, "effect/numb"),
        Disturbance::Feared => apply(scene, dummy, caster, "effect/panic"),
        Disturbance::Rooted => apply(scene, dummy, caster, "effect/rooted"),
        Disturbance::Hindered => apply(scene, dummy, caster, "effect/curse"),
        Disturbance::Pushed => {
            strike(scene, dummy, caster, EffectAction::Displace { how: Push::Away, distance_cm: 200 });
        }
        Disturbance::Teleported => {
            strike(scene, caster, caster, EffectAction::Displace { how: Push::Ahead, distance_cm: 200 });
        }
        Disturbance::Dies => kill(scene, dummy, caster),
        Disturbance::TargetDies => kill(scene, caster, dummy),
        Disturbance::TargetGone => apply(scene, dummy, dummy, "effect/unseen"),
        Disturbance::TargetHidden => scene.place(dummy, 8.0, 0.0),
        Disturbance::TargetFar => scene.place(dummy, -30.0, 0.0),
        Disturbance::Recasts => cast(scene, caster, "skill/other", CastTarget::Caster),
        Disturbance::Mounts => {
            scene.scene.world_mut().write_message(Disturbed::new(caster, Disturbance::Mounts));
        }
        Disturbance::Leaves => return leave_and_return(scene, caster, Vec::new()),
        Disturbance::Reloaded => {
            let (old, mut new) = (scene.config.assets.sources.clone(), (*scene.config.assets.sources).clone());
            new.insert("effects/new.ron", r#"(id: "effect/new", duration: Ms(500), grants: ["new"])"#);
            let edit = sim::epoch::AssetsEdit::between(&old, &new);
            scene.scene.push(SceneInput::Assets { edit, ahead: sim::epoch::LoadedAhead::default() });
        }
    }
    caster
}

/// What becomes of a cast when something happens, in words.
fn seen(assets: &Arc<Assets>, name: &str, by: Disturbance) -> String {
    let (mut scene, caster, dummy) = casting(assets, name);
    let finish_ms = scene.get::<Casting>(caster).0.as_ref().map(|cast| cast.finish_ms);
    let caster = happen(&mut scene, by, caster, dummy);
    let id = skill(&scene, name);
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        let ended = told::<CastEnded>(&scene).into_iter().filter(|ended| (ended.caster, ended.skill) == (caster, id));
        outcomes.extend(ended.map(|ended| ended.outcome));
        scene.tick();
    }
    outcomes.dedup();
    let tick = scene.scene.tick_number();
    let def = &scene.config.assets.skills[id];
    let cooldowns = scene.get::<Cooldowns>(caster);
    let mut words = match (&outcomes[..], &scene.get::<Casting>(caster).0) {
        ([], Some(cast)) => match Some(cast.finish_ms).cmp(&finish_ms) {
            std::cmp::Ordering::Less => "sooner",
            std::cmp::Ordering::Equal => "-",
            std::cmp::Ordering::Greater => "later",
        },
        ([], None) => "left",
        ([CastOutcome::Interrupted], None) => "interrupted",
        ([CastOutcome::Cancelled], None) => "cancelled",
        other => panic!("{name}, {by:?}: {other:?}"),
    }
    .to_owned();
    let paid_back = [scene.get::<Mana>(caster).mp == 100, !cooldowns.runs(id, def, tick)];
    assert_eq!(paid_back[0], paid_back[1], "{name}, {by:?}: mana and cooldown come back together");
    words += if paid_back[0] { ", refund" } else { "" };
    words += if cooldowns.is_locked_out(def, tick) { ", locked" } else { "" };
    words
}

/// The built-in table for skills that are spells and need a weapon.
const BUILT_IN: [(Disturbance, [&str; 3]); 22] = [
    (Disturbance::Stops, ["cancelled, refund"; 3]),
    (Disturbance::Moves, ["cancelled, refund"; 3]),
    (Disturbance::Damaged, ["later", "sooner", "-"]),
    (Disturbance::Burned, ["-"; 3]),
    (Disturbance::Kicked, ["interrupted, locked"; 3]),
    (Disturbance::Silenced, ["interrupted"; 3]),
    (Disturbance::Disarmed, ["interrupted"; 3]),
    (Disturbance::Stunned, ["interrupted"; 3]),
    (Disturbance::Feared, ["interrupted"; 3]),
    (Disturbance::Rooted, ["-"; 3]),
    (Disturbance::Hindered, ["interrupted"; 3]),
    (Disturbance::Pushed, ["interrupted, refund"; 3]),
    (Disturbance::Teleported, ["cancelled, refund"; 3]),
    (Disturbance::Dies, ["interrupted"; 3]),
    (Disturbance::TargetDies, ["cancelled, refund"; 3]),
    (Disturbance::TargetGone, ["cancelled, refund"; 3]),
    (Disturbance::TargetHidden, ["-"; 3]),
    (Disturbance::TargetFar, ["-"; 3]),
    (Disturbance::Recasts, ["-"; 3]),
    (Disturbance::Mounts, ["cancelled, refund"; 3]),
    (Disturbance::Leaves, ["left, refund"; 3]),
    (Disturbance::Reloaded, ["-"; 3]),
];

#[test]
fn every_cell_of_the_built_in_table_is_what_happens_in_a_scene() {
    assert_eq!(BUILT_IN.map(|(by, _)| by), Disturbance::ALL);
    let assets = assets(None, "");
    for (by, expected) in BUILT_IN {
        for (kind, expected) in CastKind::ALL.into_iter().zip(expected) {
            let prefix = if by == Disturbance::Hindered { "cursed_" } else { "" };
            let name = format!("skill/{prefix}{}", kind.name());
            assert_eq!(seen(&assets, &name, by), expected, "{name}, {by:?}");
        }
    }
    for by in [Disturbance::Silenced, Disturbance::Disarmed] {
        for kind in CastKind::ALL {
            let name = format!("skill/plain_{}", kind.name());
            assert_eq!(seen(&assets, &name, by), "-", "{name} is neither spoken nor held, {by:?}");
        }
    }
}

#[test]
fn whatever_another_table_says_is_what_happens() {
    let ending = assets(Some(&table_of(|_| "Interrupt(refund: true, lockout: Ms(1_000))")), "");
    let never = assets(Some(&table_of(|by| if by.is_final() { "Cancel()" } else { "Nothing" })), "");
    for &by in Disturbance::ALL {
        let prefix = if by == Disturbance::Hindered { "cursed_" } else { "bare_" };
        for kind in CastKind::ALL {
            let name = format!("skill/{prefix}{}", kind.name());
            let (ended, left) = match by {
                Disturbance::Leaves => ("left, refund, locked", "left"),
                Disturbance::Dies => ("interrupted, refund, locked", "cancelled"),
                _ => ("interrupted, refund, locked", "-"),
            };
            assert_eq!(seen(&ending, &name, by), ended, "{name}, {by:?}");
            assert_eq!(seen(&never, &name, by), left, "{name}, {by:?}");
        }
    }
}

#[test]
fn a_skill_overrides_the_table_cell_by_cell_and_by_the_fields_that_are_short_for_cells() {
    let own = skills(
        "own_",
        r#""school.fire""#,
        "move: Allows, interruptible: false",
        r#"stopped_by: ["state.stunned", "state.rooted"],
           interrupts: (target_far: Interrupt(lockout: Ms(1_000)), teleported: Nothing, stops: Cancel()),"#,
    )
    .replace("max_ms: 4_000)", "max_ms: 4_000, move: Allows, interruptible: false)");
    let assets = assets(None, &own);
    for (by, expected) in [
        (Disturbance::Moves, "-"),
        (Disturbance::Kicked, "-"),
        (Disturbance::Damaged, "-"),
        (Disturbance::Stunned, "interrupted"),
        (Disturbance::Rooted, "interrupted"),
        (Disturbance::Feared, "-"),
        (Disturbance::TargetFar, "interrupted, locked"),
        (Disturbance::Teleported, "-"),
        (Disturbance::Stops, "cancelled"),
        (Disturbance::Pushed, "interrupted, refund"),
    ] {
        for kind in CastKind::ALL {
            let name = format!("skill/own_{}", kind.name());
            assert_eq!(seen(&assets, &name, by), expected, "{name}, {by:?}");
        }
    }
}

#[test]
fn a_new_cast_waits_for_the_old_one_or_takes_its_place_at_once() {
    for (cell, refused) in [("Nothing", true), ("Cancel(refund: true)", false)] {
        let table =
            table_of(|by| if by == Disturbance::Recasts || by.is_final() { "Cancel(refund: true)" } else { "Nothing" });
        let table = table.replace("recasts: Cancel(refund: true)", &format!("recasts: {cell}"));
        let (mut scene, caster, _) = casting(&assets(Some(&table), ""), "skill/cast");
        cast(&mut scene, caster, "skill/other", CastTarget::Caster);
        let other = skill(&scene, "skill/other");
        assert_eq!(refusals(&scene).contains(&"casting"), refused, "{cell}");
        assert_eq!(told::<CastStarted>(&scene).iter().any(|started| started.skill == other), !refused, "{cell}");
        assert_eq!(scene.get::<Casting>(caster).0.is_some(), refused);
        assert_eq!(scene.get::<Mana>(caster).mp == 100, !refused);
    }
}

#[test]
fn who_is_rooted_does_not_begin_what_roots_would_end() {
    let table = table_of(|by| if by == Disturbance::Rooted || by.is_final() { "Interrupt()" } else { "Nothing" });
    let assets = assets(Some(&table), "");
    let mut scene = TestScene::of(&assets, "scene/flat", 1, |_| {});
    let (caster, dummy) =
        (scene.player_of_class("class/caster", 0.0, 0.0), scene.monster_at("monster/dummy", 10.0, 0.0));
    scene.tick();
    apply(&mut scene, dummy, caster, "effect/rooted");
    cast(&mut scene, caster, "skill/cast", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["blocked"]);
    cast(&mut scene, caster, "skill/other", CastTarget::Caster);
    assert!(refusals(&scene).is_empty(), "what takes no time is never under way");
}

/// How a cast ends: by its caster, by others, or because it cannot reach its target any more.
fn end(scene: &mut TestScene, outcome: CastOutcome, caster: SimId, dummy: SimId) {
    match outcome {
        CastOutcome::Cancelled => scene.command(caster, &StopCastCommand),
        CastOutcome::Interrupted => apply(scene, dummy, caster, "effect/numb"),
        _ => scene.place(dummy, -40.0, 0.0),
    }
    for _ in 0..100 {
        scene.tick();
        if told::<CastEnded>(scene).iter().any(|ended| ended.caster == caster && ended.outcome == outcome) {
            return;
        }
    }
    panic!("it never ended as {outcome:?}");
}

#[test]
fn what_was_paid_comes_back_when_the_skill_says_so_whatever_ended_it() {
    use CastOutcome::{Cancelled, Failed, Interrupted};
    for (refund, back) in [
        ("", vec![Cancelled]),
        ("refund: OnCancel,", vec![Cancelled]),
        ("refund: Always,", vec![Cancelled, Interrupted, Failed]),
        ("refund: Never,", vec![]),
    ] {
        let own = skills("own_", r#""spell""#, "", refund).replace(
            r#"amount: 20)]"#,
            r#"amount: 20), (attr: "hp", amount: 50), (attr: "mana", amount: 7, when: OnFinish)]"#,
        );
        let assets = assets(None, &own);
        for outcome in [Cancelled, Interrupted, Failed] {
            let (mut scene, caster, dummy) = casting(&assets, "skill/own_cast");
            let hp = |scene: &TestScene| scene.get::<sim::features::combat::Vitals>(caster).hp;
            assert_eq!((scene.get::<Mana>(caster).mp, hp(&scene)), (80, 950), "paid at its start");
            end(&mut scene, outcome, caster, dummy);
            scene.tick();
            let expected = if back.contains(&outcome) { (100, 1_000) } else { (80, 950) };
            assert_eq!((scene.get::<Mana>(caster).mp, hp(&scene)), expected, "{refund} {outcome:?}");
            let id = skill(&scene, "skill/own_cast");
            let runs = scene.get::<Cooldowns>(caster).runs(id, &assets.skills[id], scene.scene.tick_number());
            assert_eq!(runs, !back.contains(&outcome), "{refund} {outcome:?}");
        }
    }
}

#[test]
fn a_channel_that_has_ticked_is_never_paid_back() {
    let (mut scene, caster, _) = casting(&assets(None, ""), "skill/channel");
    scene.ticks(40);
    scene.command(caster, &StopCastCommand);
    scene.ticks(2);
    assert!(scene.get::<Casting>(caster).0.is_none());
    assert_eq!(scene.get::<Mana>(caster).mp, 80);
}
