//! What an actor does as a state: tags while it casts and channels, what they wake, and what ends with a channel.

use sim::assets::{AttributeId, TagId};
use sim::features::buffs::Tags;
use sim::features::combat::{Attributes, EffectAction};
use sim::features::skills::{CastEnded, CastOutcome, Casting, StopCastCommand};
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::testing::{TestScene, test_assets};

use crate::combat::{cast, kill, strike, told};
use crate::effects::{apply, names};

const DATA: [(&str, &str); 5] = [
    (
        "skills/own.ron",
        r#"[
        (id: "skill/chant", cast: Cast(ms: 1_000), target: Unit(filter: Enemy, range_m: 25),
         timeline: [(at: Hit, do: [Damage(coef: 100)])]),
        (id: "skill/hold", cast: Charge(min_ms: 500, max_ms: 1_000), target: Unit(filter: Enemy, range_m: 25),
         timeline: [(at: Release, do: [Damage(coef: 100)])]),
        (id: "skill/drain", cast: Channel(ms: 2_000, tick_ms: 1_000), target: Unit(filter: Enemy, range_m: 25),
         timeline: [(at: Start, do: [Apply("effect/drained"), ApplyEffect(to: Caster, effect: "effect/draining")]),
                    (at: EachTick, do: [Damage(coef: 100)])]),
        (id: "skill/kick", target: Unit(filter: Enemy, range_m: 25), timeline: [(at: Hit, do: [Interrupt(lockout_ms: 0)])]),
        (id: "skill/jab", target: Unit(filter: Enemy, range_m: 25), timeline: [(at: Hit, do: [Damage(coef: 100)])]),
    ]"#,
    ),
    (
        "effects/own.ron",
        r#"[
        (id: "effect/focus", polarity: Helpful, duration: Infinite, ongoing: ["state.casting"],
         modifiers: [(attr: "armor", op: Flat(77))], grants: ["focused"]),
        (id: "effect/warded", polarity: Helpful, duration: Infinite, blocked_by: ["state.channelling"], grants: ["warded"]),
        (id: "effect/drained", duration: Ms(10_000), channelled: true, modifiers: [(attr: "attack", op: Increased(-5_000))]),
        (id: "effect/draining", polarity: Helpful, duration: Infinite, channelled: true, grants: ["draining"]),
    ]"#,
    ),
    (
        "ai/own.ron",
        r#"(id: "ai/warden", root: Selector([
            Sequence([If(TargetHasTag("state.channelling")), Do(Cast(skill: "skill/kick"))]), Do(Approach())]))"#,
    ),
    (
        "monsters/own.ron",
        r#"(id: "monster/warden", level: (1, 1), faction: "vermin", move: (profile: "move/test"), ai: "ai/warden",
            attributes: {"hp_max": Flat(100_000), "attack": Flat(1)}, senses: (aggro_m: 0.0), leash: (radius_m: 60.0),
            skills: ["skill/kick"])"#,
    ),
    (
        "classes/own.ron",
        r#"(id: "class/chanter", movement: "move/test", skills: ["skill/chant", "skill/hold", "skill/drain", "skill/jab"],
            attributes: {"hp_max": Flat(1000), "attack": Flat(100)})"#,
    ),
];

fn stage() -> (TestScene, SimId, SimId) {
    let mut scene = TestScene::of(&test_assets(&DATA), "scene/flat", 1, |_| {});
    let (chanter, dummy) =
        (scene.player_of_class("class/chanter", 0.0, 0.0), scene.monster_at("monster/dummy", 10.0, 0.0));
    scene.ticks(2);
    (scene, chanter, dummy)
}

/// Whether someone has `state.casting` and `state.channelling`.
fn states(scene: &TestScene, id: SimId) -> (bool, bool) {
    let tags = scene.get::<Tags>(id);
    assert!(!tags.has(TagId::CASTING) || tags.has(TagId::STATE), "tags come with their ancestors");
    (tags.has(TagId::CASTING), tags.has(TagId::CHANNELLING))
}

#[test]
fn who_casts_has_the_state_of_it_from_the_first_tick_to_the_last() {
    for (name, expected, ticks) in
        [("skill/chant", (true, false), 20), ("skill/hold", (true, false), 20), ("skill/drain", (true, true), 40)]
    {
        let (mut scene, chanter, dummy) = stage();
        cast(&mut scene, chanter, name, CastTarget::Unit(dummy));
        for _ in 1..ticks {
            assert_eq!(states(&scene, chanter), expected, "{name}");
            scene.tick();
        }
        assert_eq!(states(&scene, chanter), expected, "{name}");
        scene.tick();
        assert!(scene.get::<Casting>(chanter).0.is_none());
        assert_eq!(states(&scene, chanter), (false, false), "{name}");
    }
    let (mut scene, chanter, dummy) = stage();
    cast(&mut scene, chanter, "skill/jab", CastTarget::Unit(dummy));
    assert_eq!(states(&scene, chanter), (false, false), "an instant skill is never under way");
}

#[test]
fn the_state_ends_in_the_tick_in_which_a_kick_or_a_stop_or_death_ends_the_cast() {
    for how in ["kick", "stop", "death"] {
        let (mut scene, chanter, dummy) = stage();
        cast(&mut scene, chanter, "skill/drain", CastTarget::Unit(dummy));
        match how {
            "kick" => strike(&mut scene, dummy, chanter, EffectAction::Interrupt { lockout_ms: 0 }),
            "stop" => scene.command(chanter, &StopCastCommand),
            _ => kill(&mut scene, dummy, chanter),
        }
        scene.tick();
        assert_eq!(states(&scene, chanter), (false, false), "{how}");
    }
}

#[test]
fn effects_ask_for_the_state_like_for_any_other() {
    let (mut scene, chanter, dummy) = stage();
    apply(&mut scene, chanter, chanter, "effect/focus");
    let armor = |scene: &TestScene| scene.get::<Attributes>(chanter).current(AttributeId::ARMOR);
    assert_eq!(armor(&scene), 0, "it rests");
    cast(&mut scene, chanter, "skill/chant", CastTarget::Unit(dummy));
    assert_eq!(armor(&scene), 77, "it works while its bearer casts");
    scene.ticks(20);
    assert_eq!(armor(&scene), 0);
    cast(&mut scene, chanter, "skill/drain", CastTarget::Unit(dummy));
    apply(&mut scene, chanter, chanter, "effect/warded");
    assert!(!names(&scene, chanter).contains(&"effect/warded".to_owned()), "not while it channels");
}

#[test]
fn what_is_channelled_ends_with_the_channel_however_that_ends() {
    for how in ["end", "kick", "stop"] {
        let (mut scene, chanter, dummy) = stage();
        cast(&mut scene, chanter, "skill/drain", CastTarget::Unit(dummy));
        scene.ticks(5);
        assert_eq!(
            (names(&scene, dummy), names(&scene, chanter)),
            (vec!["effect/drained".to_owned()], vec!["effect/draining".to_owned()])
        );
        match how {
            "kick" => strike(&mut scene, dummy, chanter, EffectAction::Interrupt { lockout_ms: 0 }),
            "stop" => scene.command(chanter, &StopCastCommand),
            _ => scene.ticks(34),
        }
        scene.ticks(3);
        assert!(names(&scene, dummy).is_empty() && names(&scene, chanter).is_empty(), "{how}");
    }
}

#[test]
fn a_monster_decides_by_what_its_victim_is_doing() {
    for (name, expected) in [("skill/chant", CastOutcome::Finished), ("skill/drain", CastOutcome::Interrupted)] {
        let mut scene = TestScene::of(&test_assets(&DATA), "scene/flat", 1, |_| {});
        let chanter = scene.player_of_class("class/chanter", 0.0, 0.0);
        let warden = scene.monster_at("monster/warden", 10.0, 0.0);
        scene.ticks(2);
        cast(&mut scene, chanter, "skill/jab", CastTarget::Unit(warden));
        scene.ticks(5);
        cast(&mut scene, chanter, name, CastTarget::Unit(warden));
        let mut outcomes = Vec::new();
        for _ in 0..45 {
            scene.tick();
            outcomes.extend(told::<CastEnded>(&scene).into_iter().filter(|ended| ended.caster == chanter));
        }
        let outcomes: Vec<CastOutcome> = outcomes.into_iter().map(|ended| ended.outcome).collect();
        assert_eq!(outcomes, [expected], "{name}: it kicks what is channelled and nothing else");
    }
}
