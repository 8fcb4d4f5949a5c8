//! Parties in a scene: invited in view, shown to members alone, kept through lost links and portals.

use sim::features::party::{INVITATION_TICKS, LootRule, Parties, Party, PartyCommand};
use sim::features::players::EnterPortalCommand;
use sim::ids::{PlayerId, SimId};
use sim::input::{Players, SceneInput, SceneOutput};
use sim::testing::TestScene;

use crate::combat::refusals;

pub(crate) fn ask(scene: &mut TestScene, who: SimId, command: PartyCommand) {
    scene.command(who, &command);
    scene.tick();
}

/// Players side by side, the first of whom leads the party of all.
pub(crate) fn band(scene: &mut TestScene, count: usize) -> Vec<SimId> {
    let places = [0.0, 1.0, 2.0, 3.0, 4.0];
    let players: Vec<SimId> = places[..count].iter().map(|&x| scene.player_at(x, 0.0)).collect();
    scene.tick();
    for &other in &players[1..] {
        ask(scene, players[0], PartyCommand::Invite { whom: other });
        ask(scene, other, PartyCommand::Accept);
        assert!(refusals(scene).is_empty());
    }
    players
}

fn company(scene: &TestScene, id: SimId) -> Vec<(u16, Option<SimId>)> {
    scene.get::<Party>(id).seen.members.iter().map(|member| (member.number, member.id)).collect()
}

#[test]
fn an_invitation_is_shown_to_the_invited_and_a_party_to_its_members() {
    let mut scene = TestScene::flat();
    let (ann, bob, cid) = (scene.player_at(0.0, 0.0), scene.player_at(1.0, 0.0), scene.player_at(2.0, 0.0));
    scene.tick();
    ask(&mut scene, ann, PartyCommand::Invite { whom: bob });
    let invitation = scene.get::<Party>(bob).seen.invitation.clone().unwrap();
    assert_eq!((invitation.by, invitation.name.as_str()), (ann, "player1"));
    ask(&mut scene, bob, PartyCommand::Accept);
    for member in [ann, bob] {
        assert_eq!(company(&scene, member), [(1, Some(ann)), (2, Some(bob))]);
        assert_eq!(scene.get::<Party>(member).seen.leader, 1);
    }
    assert_eq!(*scene.get::<Party>(cid), Party::default());
}

#[test]
fn refusals_are_told_by_their_reasons() {
    let mut scene = TestScene::flat();
    let (ann, bob, far) = (scene.player_at(0.0, 0.0), scene.player_at(1.0, 0.0), scene.player_at(300.0, 0.0));
    let dummy = scene.monster_at("monster/dummy", 2.0, 0.0);
    scene.tick();
    for (command, reason) in [
        (PartyCommand::Invite { whom: far }, "no_target"),
        (PartyCommand::Invite { whom: dummy }, "no_target"),
        (PartyCommand::Invite { whom: ann }, "oneself"),
        (PartyCommand::Accept, "no_invitation"),
        (PartyCommand::Leave, "no_party"),
        (PartyCommand::SetLootRule { rule: LootRule::Personal }, "no_party"),
    ] {
        ask(&mut scene, ann, command);
        assert_eq!(refusals(&scene), [reason], "{command:?}");
    }
    ask(&mut scene, ann, PartyCommand::Invite { whom: bob });
    scene.ticks(INVITATION_TICKS);
    ask(&mut scene, bob, PartyCommand::Accept);
    assert_eq!(refusals(&scene), ["no_invitation"]);
    assert_eq!(scene.get::<Party>(bob).seen.invitation, None);
}

#[test]
fn the_leader_rules_and_hands_over() {
    let mut scene = TestScene::flat();
    let band = band(&mut scene, 3);
    ask(&mut scene, band[0], PartyCommand::SetLootRule { rule: LootRule::NeedBeforeGreed });
    assert_eq!(scene.get::<Party>(band[2]).seen.rule, LootRule::NeedBeforeGreed);
    ask(&mut scene, band[0], PartyCommand::Promote { member: 2 });
    ask(&mut scene, band[0], PartyCommand::Kick { member: 3 });
    assert_eq!(refusals(&scene), ["not_leader"]);
    ask(&mut scene, band[1], PartyCommand::Kick { member: 3 });
    assert_eq!(company(&scene, band[2]), []);
    assert_eq!(company(&scene, band[1]).len(), 2);
}

#[test]
fn a_member_without_its_link_stays_and_is_shown_so() {
    let mut scene = TestScene::flat();
    let band = band(&mut scene, 2);
    let player = scene.player_of(band[1]).0;
    scene.scene.push(SceneInput::LinkLost { player });
    scene.ticks(20);
    assert!(scene.get::<Party>(band[0]).seen.members[1].link_dead);
}

#[test]
fn who_goes_through_a_portal_takes_the_party_along_and_finds_it_again() {
    let mut scene = TestScene::flat();
    let band = band(&mut scene, 2);
    let player = scene.player_of(band[1]).0;
    scene.place(band[1], 100.0, 0.0);
    scene.command(band[1], &EnterPortalCommand);
    scene.ticks(2);
    let Some(SceneOutput::Departed { character, .. }) = scene.scene.take_outputs().pop() else { panic!("it left") };
    assert_eq!(company(&scene, band[0]), [(1, Some(band[0])), (2, None)], "still a member, elsewhere");

    let mut beyond = TestScene::of(&scene.config.assets.clone(), "scene/walled", 2, |_| {});
    beyond.scene.push(SceneInput::Join { player, character: character.clone(), spawn_point: None });
    beyond.tick();
    let parties = beyond.scene.world().resource::<Parties>();
    let first = scene.player_of(band[0]);
    assert!(parties.are_together(PlayerId(player), first));
    assert_eq!(parties.company_of(PlayerId(player)), [PlayerId(player)], "the other is not there yet");

    scene.scene.push(SceneInput::Join { player, character, spawn_point: None });
    scene.tick();
    let (again, _) = scene.scene.world().resource::<Players>().0[&PlayerId(player)];
    assert_eq!(company(&scene, again), [(1, Some(band[0])), (2, Some(again))]);
}
