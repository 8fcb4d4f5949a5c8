//! Company: a player sees its party at any distance, and nobody whom the visibility rule hides.

use sim::actor::Concealment;
use sim::features::party::PartyCommand;
use sim::features::skills::StopCastCommand;
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::interest::{Interest, Pinned, Verdict, explain};
use sim::testing::TestScene;

use crate::combat::{arena, cast};

fn together() -> (TestScene, SimId, SimId) {
    let mut scene = TestScene::flat();
    let (leader, member) = (scene.player_at(0.0, 0.0), scene.player_at(5.0, 0.0));
    scene.tick();
    scene.command(leader, &PartyCommand::Invite { whom: member });
    scene.tick();
    scene.command(member, &PartyCommand::Accept);
    scene.ticks(2);
    (scene, leader, member)
}

#[test]
fn a_member_is_seen_at_any_distance_and_comes_first() {
    let (mut scene, leader, member) = together();
    scene.place(member, 90.0, 90.0);
    scene.tick();
    assert!(scene.get::<Interest>(leader).sees(member) && scene.get::<Interest>(member).sees(leader));
    assert_eq!(scene.get::<Pinned>(leader).first[..], [member]);
    assert_eq!(explain(scene.scene.world(), leader, member).verdict, Verdict::Pinned);
}

#[test]
fn whom_one_casts_at_comes_first_before_the_cast_has_done_anything() {
    let mut scene = arena();
    let (fighter, dummy) = (scene.player_at(0.0, 0.0), scene.monster_at("monster/dummy", 10.0, 0.0));
    scene.tick();
    assert!(scene.get::<Pinned>(fighter).first.is_empty());
    cast(&mut scene, fighter, "skill/bolt", CastTarget::Unit(dummy));
    scene.tick();
    assert_eq!(scene.get::<Pinned>(fighter).first[..], [dummy]);
    scene.command(fighter, &StopCastCommand);
    scene.ticks(130);
    assert!(scene.get::<Pinned>(fighter).first.is_empty(), "5 s after the last time it is one of many");
}

#[test]
fn a_member_of_another_phase_is_not_seen_however_near() {
    let (mut scene, leader, member) = together();
    let entity = scene.entity(member);
    scene.scene.world_mut().entity_mut(entity).insert(Concealment::in_phase(3));
    scene.tick();
    assert!(!scene.get::<Interest>(leader).sees(member));
    assert_eq!(explain(scene.scene.world(), leader, member).verdict, Verdict::OtherPhase);
}

#[test]
fn who_left_the_party_is_seen_like_anybody() {
    let (mut scene, leader, member) = together();
    scene.place(member, 90.0, 90.0);
    scene.command(member, &PartyCommand::Leave);
    scene.ticks(2);
    assert!(!scene.get::<Interest>(leader).sees(member));
    assert_eq!(explain(scene.scene.world(), leader, member).verdict, Verdict::Far);
}
