//! The book of parties, without a scene.

use super::*;
use crate::wire::Reader;
use proptest::prelude::*;

const A: PlayerId = PlayerId(1);
const B: PlayerId = PlayerId(2);
const C: PlayerId = PlayerId(3);
const D: PlayerId = PlayerId(4);

fn name(player: PlayerId) -> Option<String> {
    Some(format!("player {}", player.0))
}

fn everyone_here(_: PlayerId) -> Presence {
    Presence::Here
}

/// A book in which the first invited the others, who accepted.
fn party_of(players: &[PlayerId]) -> Parties {
    let mut parties = Parties::default();
    for &player in &players[1..] {
        parties.invite(players[0], player, 0).unwrap();
        parties.accept(player, name, PartyId(9), 0).unwrap();
    }
    parties
}

fn copy_of(parties: &Parties, player: PlayerId) -> PartyState {
    let mut bytes = Vec::new();
    parties.party_of(player).unwrap().save(&mut bytes);
    PartyState::load(&mut Reader::new(&bytes)).unwrap()
}

#[test]
fn who_accepts_is_in_the_party_of_who_invited() {
    let parties = party_of(&[A, B]);
    assert!(parties.are_together(A, B) && !parties.are_together(A, C));
    assert_eq!(parties.company_of(B), [A, B]);
    assert_eq!(parties.party_of(B).unwrap().leader, 1);
}

#[test]
fn every_refusal_has_its_reason() {
    let mut parties = party_of(&[A, B]);
    assert_eq!(parties.invite(A, A, 0), Err(PartyRefusal::Oneself));
    assert_eq!(parties.invite(C, B, 0), Err(PartyRefusal::InParty));
    assert_eq!(parties.invite(B, C, 0), Err(PartyRefusal::NotLeader));
    assert_eq!(parties.invite(A, C, 0), Ok(()));
    assert_eq!(parties.invite(D, C, 0), Err(PartyRefusal::InvitedAlready));
    assert_eq!(parties.decline(D), Err(PartyRefusal::NoInvitation));
    assert_eq!(parties.leave(C), Err(PartyRefusal::NoParty));
    assert_eq!(parties.kick(A, 77), Err(PartyRefusal::NoMember));
    assert_eq!(parties.kick(A, 1), Err(PartyRefusal::Oneself));
    assert_eq!(parties.kick(B, 1), Err(PartyRefusal::NotLeader));
}

#[test]
fn an_invitation_runs_out_after_a_minute() {
    let mut parties = Parties::default();
    parties.invite(A, B, 10).unwrap();
    assert_eq!(parties.accept(B, name, PartyId(9), 10 + INVITATION_TICKS), Err(PartyRefusal::NoInvitation));
    parties.invite(A, B, 10).unwrap();
    parties.follow(everyone_here, 10 + INVITATION_TICKS);
    assert!(parties.is_empty());
}

#[test]
fn a_party_has_five_members_and_a_raid_forty() {
    let players: Vec<PlayerId> = (1..=41).map(PlayerId).collect();
    let mut parties = party_of(&players[..5]);
    assert_eq!(parties.invite(A, players[5], 0), Err(PartyRefusal::Full));
    parties.set_raid(A, true).unwrap();
    for &player in &players[5..40] {
        parties.invite(A, player, 0).unwrap();
        parties.accept(player, name, PartyId(9), 0).unwrap();
    }
    assert_eq!(parties.invite(A, players[40], 0), Err(PartyRefusal::Full));
    assert_eq!(parties.set_raid(A, false), Err(PartyRefusal::Full));
}

#[test]
fn the_longest_member_follows_a_leader_who_leaves_and_one_alone_is_no_party() {
    let mut parties = party_of(&[A, B, C]);
    parties.leave(A).unwrap();
    assert_eq!(parties.party_of(B).unwrap().leader, 2);
    parties.kick(B, 3).unwrap();
    assert!(parties.is_empty() && parties.party_of(B).is_none());
}

#[test]
fn turns_pass_from_one_to_the_next_among_those_who_may() {
    let mut parties = party_of(&[A, B, C]);
    let turns: Vec<PlayerId> = (0..4).map(|_| parties.take_turn(A, &[A, B, C])).collect();
    assert_eq!(turns, [A, B, C, A]);
    assert_eq!(parties.take_turn(A, &[A, C]), C);
    assert_eq!(parties.take_turn(D, &[D]), D);
}

#[test]
fn a_member_away_for_ten_minutes_is_forgotten_and_a_link_dead_one_is_not() {
    let mut parties = party_of(&[A, B, C]);
    let presence = |player| match player {
        A => Presence::Here,
        B => Presence::LinkDead,
        _ => Presence::Away,
    };
    parties.follow(presence, 100);
    assert_eq!(parties.company_of(A), [A, B]);
    assert!(parties.are_together(A, C));
    parties.follow(presence, 100 + AWAY_TICKS);
    assert!(parties.are_together(A, B) && !parties.are_together(A, C));
}

#[test]
fn a_party_travels_by_its_members_copies() {
    let here = party_of(&[A, B, C]);
    let mut there = Parties::default();
    for player in [C, A] {
        there.meet(player, Some(copy_of(&here, player)), 5);
        there.follow(|player| if [A, C].contains(&player) { Presence::Here } else { Presence::Away }, 5);
    }
    assert_eq!(there.company_of(A), [A, C]);
    assert!(there.are_together(A, B), "who is still on the way");
}

#[test]
fn the_newer_copy_holds_wherever_two_meet() {
    let mut here = party_of(&[A, B, C]);
    let old = copy_of(&here, C);
    let mut there = Parties::default();
    there.meet(B, Some(old.clone()), 5);
    here.kick(A, 3).unwrap();
    // The kicked comes back with the copy from before.
    here.meet(C, Some(old), 6);
    assert!(here.party_of(C).is_none());
    // The leader brings the news.
    there.meet(A, Some(copy_of(&here, A)), 6);
    assert!(there.party_of(C).is_none() && there.are_together(A, B));
    // Whoever comes without a party has left it.
    here.meet(B, None, 7);
    assert!(here.is_empty());
}

proptest! {
    #[test]
    fn whatever_is_asked_everyone_is_in_one_party_at_most_and_each_has_a_leader(
        asked in prop::collection::vec((1_u64..8, 0_u8..9, 1_u64..8), 0..200),
    ) {
        let mut parties = Parties::default();
        for (tick, (by, what, other)) in (0_u32..).zip(asked) {
            let (by, number) = (PlayerId(by), u16::try_from(other).unwrap());
            let fresh = PartyId(u64::from(tick));
            let _refused_or_not = match what {
                0 | 1 => parties.invite(by, PlayerId(other), tick),
                2 | 3 => parties.accept(by, name, fresh, tick),
                4 => parties.leave(by),
                5 => parties.kick(by, number),
                6 => parties.promote(by, number),
                7 => parties.set_raid(by, other > 4),
                _ => parties.decline(by),
            };
            parties.follow(|player| if player.0 % 5 == 0 { Presence::Away } else { Presence::Here }, tick);
            let mut seen = BTreeSet::new();
            for party in parties.parties.values() {
                prop_assert!(party.members.len() >= 2 && party.member(party.leader).is_some());
                for member in &party.members {
                    prop_assert!(seen.insert(member.player), "{:?} is in two parties", member.player);
                    prop_assert_eq!(parties.party_of.get(&member.player), Some(&party.id));
                }
            }
            prop_assert_eq!(seen.len(), parties.party_of.len());
        }
    }
}
