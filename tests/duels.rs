//! Duels: agreed, counted down, fought to the last hit point but one, and over without a trace.

use sim::features::combat::{Allegiance, Died, EffectAction, Vitals};
use sim::features::progress::ExperienceGained;
use sim::features::pvp::{DuelCommand, DuelNews, DuelTold};
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::testing::TestScene;

use crate::combat::{arena, cast, hp, refusals, strike, told};

/// Ticks of the countdown by the default profile.
const COUNTDOWN_TICKS: u32 = 60;

fn two(scene: &mut TestScene) -> (SimId, SimId) {
    let pair = (scene.player_of_class("class/stone", 0.0, 0.0), scene.player_of_class("class/stone", 0.4, 0.0));
    scene.ticks(2);
    pair
}

/// Challenges, accepts, and waits for the first blow.
fn begin(scene: &mut TestScene, one: SimId, other: SimId) {
    scene.command(one, &DuelCommand::Challenge { whom: other });
    scene.tick();
    scene.command(other, &DuelCommand::Accept);
    scene.ticks(COUNTDOWN_TICKS + 1);
    assert_eq!(scene.get::<Allegiance>(one).duel, Some(other));
}

fn news(scene: &TestScene, who: SimId) -> Vec<DuelNews> {
    told::<DuelTold>(scene).iter().filter(|told| told.who == who).map(|told| told.news).collect()
}

#[test]
fn nobody_is_hurt_before_the_countdown_is_over() {
    let mut scene = arena();
    let (one, other) = two(&mut scene);
    scene.command(one, &DuelCommand::Challenge { whom: other });
    scene.tick();
    assert_eq!(news(&scene, other), [DuelNews::Challenged]);
    scene.command(other, &DuelCommand::Accept);
    scene.tick();
    assert_eq!(news(&scene, one), [DuelNews::Agreed]);
    cast(&mut scene, one, "skill/stab", CastTarget::Unit(other));
    assert_eq!(hp(&scene, other), 1_000);
    scene.ticks(COUNTDOWN_TICKS);
    cast(&mut scene, one, "skill/stab", CastTarget::Unit(other));
    assert!(hp(&scene, other) < 1_000);
}

#[test]
fn the_loser_keeps_one_hit_point_nobody_dies_and_nothing_is_learned() {
    let mut scene = arena();
    let (one, other) = two(&mut scene);
    begin(&mut scene, one, other);
    strike(&mut scene, one, other, EffectAction::Damage { formula: None, school: Default::default(), coef: 1_000_000 });
    scene.tick();
    assert_eq!((hp(&scene, other), scene.get::<Vitals>(other).is_dead()), (1, false));
    assert_eq!((news(&scene, one), news(&scene, other)), (vec![DuelNews::Won], vec![DuelNews::Lost]));
    assert!(told::<Died>(&scene).is_empty() && told::<ExperienceGained>(&scene).is_empty());
    assert_eq!(scene.get::<Allegiance>(one).duel, None);
    cast(&mut scene, one, "skill/stab", CastTarget::Unit(other));
    assert!(hp(&scene, other) >= 1, "friends again");
}

#[test]
fn a_third_can_neither_hurt_nor_help() {
    let mut scene = arena();
    let (one, other) = two(&mut scene);
    let third = scene.player_of_class("class/stone", 0.8, 0.0);
    scene.tick();
    begin(&mut scene, one, other);
    cast(&mut scene, one, "skill/stab", CastTarget::Unit(other));
    let hurt = hp(&scene, other);
    cast(&mut scene, third, "skill/mend", CastTarget::Unit(other));
    cast(&mut scene, third, "skill/stab", CastTarget::Unit(other));
    assert_eq!(hp(&scene, other), hurt);
}

#[test]
fn who_gives_up_or_walks_away_has_lost() {
    let mut scene = arena();
    let (one, other) = two(&mut scene);
    begin(&mut scene, one, other);
    scene.command(one, &DuelCommand::Forfeit);
    scene.tick();
    assert_eq!((news(&scene, one), news(&scene, other)), (vec![DuelNews::Lost], vec![DuelNews::Won]));
    begin(&mut scene, one, other);
    scene.place(other, 60.0, 0.0);
    scene.tick();
    assert_eq!(news(&scene, other), [DuelNews::Lost]);
}

#[test]
fn a_challenge_can_be_declined_and_only_one_waits_at_a_time() {
    let mut scene = arena();
    let (one, other) = two(&mut scene);
    scene.command(other, &DuelCommand::Accept);
    scene.tick();
    assert_eq!(refusals(&scene), ["no_challenge"]);
    scene.command(one, &DuelCommand::Challenge { whom: other });
    scene.tick();
    scene.command(other, &DuelCommand::Challenge { whom: one });
    scene.tick();
    assert_eq!(refusals(&scene), ["in_duel"]);
    scene.command(other, &DuelCommand::Decline);
    scene.tick();
    assert_eq!(news(&scene, one), [DuelNews::Off]);
    scene.command(one, &DuelCommand::Forfeit);
    scene.tick();
    assert_eq!(refusals(&scene), ["no_duel"]);
}

#[test]
fn effects_of_the_duel_end_with_it() {
    let mut scene = arena();
    let (one, other) = two(&mut scene);
    begin(&mut scene, one, other);
    cast(&mut scene, one, "skill/roots", CastTarget::Unit(other));
    scene.tick();
    assert_eq!(scene.get::<sim::actor::Motion>(other).speed_bp, 0);
    scene.command(one, &DuelCommand::Forfeit);
    scene.ticks(3);
    assert!(scene.get::<sim::actor::Motion>(other).speed_bp > 0);
}
