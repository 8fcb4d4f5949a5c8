//! The book of parties of one scene: who is with whom, who leads, how loot is shared. Pure: no entity and no clock.
//!
//! Every scene keeps a copy of the parties of those who are in it, and a character carries its party's copy along.
//! Where two copies meet, the one with the higher revision holds, the resident one when they are equal; so a party
//! that walks through a portal one by one stays together without any scene knowing another.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::{Digest, Digester};
use crate::ids::PlayerId;
use crate::tick::TICKS_PER_SECOND;

use super::state::{LootRule, Member, PartyId, PartyState};

/// Members of a party.
pub const PARTY_MAX: usize = 5;
/// Members of a raid.
pub const RAID_MAX: usize = 40;
/// Ticks for which an invitation stands (60 s).
pub const INVITATION_TICKS: u32 = 60 * TICKS_PER_SECOND;
/// Ticks after which a member who has left the scene is no longer counted among the party here (10 min).
pub const AWAY_TICKS: u32 = 600 * TICKS_PER_SECOND;

/// Why something about a party is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartyRefusal {
    /// There is no such player in view.
    NoTarget,
    /// One cannot be one's own company.
    Oneself,
    /// The other is in a party already, or the player is.
    InParty,
    /// The other has an invitation to answer.
    InvitedAlready,
    /// The player has no invitation, or it has run out.
    NoInvitation,
    /// The player is in no party.
    NoParty,
    /// Only the leader may do that.
    NotLeader,
    /// The party has no member of that number.
    NoMember,
    /// There is no room for more.
    Full,
}

impl PartyRefusal {
    /// Stable word for clients and metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoTarget => "no_target",
            Self::Oneself => "oneself",
            Self::InParty => "in_party",
            Self::InvitedAlready => "invited_already",
            Self::NoInvitation => "no_invitation",
            Self::NoParty => "no_party",
            Self::NotLeader => "not_leader",
            Self::NoMember => "no_member",
            Self::Full => "party_full",
        }
    }
}

/// An invitation that waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invitation {
    /// Who invited.
    pub by: PlayerId,
    /// The tick it runs out in.
    pub until_tick: u32,
}

/// Whether a player is in the scene, and with its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Here.
    Here,
    /// Here, but without its player.
    LinkDead,
    /// In another scene or nowhere.
    Away,
}

/// The parties of a scene. Written in Receive (presence) and Validate (commands).
#[derive(bevy_ecs::prelude::Resource, Debug, Default)]
pub struct Parties {
    parties: BTreeMap<PartyId, PartyState>,
    party_of: BTreeMap<PlayerId, PartyId>,
    invitations: BTreeMap<PlayerId, Invitation>,
    /// Players who must be told anew.
    touched: BTreeSet<PlayerId>,
}

impl Parties {
    /// The party of a player.
    #[must_use]
    pub fn party_of(&self, player: PlayerId) -> Option<&PartyState> {
        self.parties.get(self.party_of.get(&player)?)
    }

    /// The invitation a player has to answer.
    #[must_use]
    pub fn invitation_of(&self, player: PlayerId) -> Option<Invitation> {
        self.invitations.get(&player).copied()
    }

    /// Whether two players are in one party; a player is with itself.
    #[must_use]
    pub fn are_together(&self, one: PlayerId, other: PlayerId) -> bool {
        one == other || self.party_of.get(&one).is_some_and(|party| self.party_of.get(&other) == Some(party))
    }

    /// A player and everyone of its party who is in the scene, link-dead or not, in the order they joined.
    #[must_use]
    pub fn company_of(&self, player: PlayerId) -> Vec<PlayerId> {
        self.party_of(player).map_or_else(|| vec![player], |party| party.present().collect())
    }

    /// Whose turn it is among `candidates` of a player's party; the turn passes on. A player without a party has every turn.
    pub fn take_turn(&mut self, player: PlayerId, candidates: &[PlayerId]) -> PlayerId {
        let party = self.party_of.get(&player).and_then(|id| self.parties.get_mut(id));
        party.and_then(|party| party.take_turn(candidates)).unwrap_or(player)
    }

    /// Invites somebody.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn invite(&mut self, by: PlayerId, to: PlayerId, tick: u32) -> Result<(), PartyRefusal> {
        if by == to {
            return Err(PartyRefusal::Oneself);
        }
        if self.party_of.contains_key(&to) {
            return Err(PartyRefusal::InParty);
        }
        if let Some(party) = self.party_of(by) {
            party.check_leader(by)?;
            party.check_room()?;
        }
        if self.invitations.get(&to).is_some_and(|invitation| invitation.until_tick > tick) {
            return Err(PartyRefusal::InvitedAlready);
        }
        self.invitations.insert(to, Invitation { by, until_tick: tick + INVITATION_TICKS });
        self.touched.insert(to);
        Ok(())
    }

    /// Accepts the invitation that waits. `name` knows players' names; `fresh` is the id of a party that begins with this.
    ///
    /// # Errors
    /// The first reason against it; the invitation is gone in any case.
    pub fn accept(
        &mut self,
        by: PlayerId,
        name: impl Fn(PlayerId) -> Option<String>,
        fresh: PartyId,
        tick: u32,
    ) -> Result<(), PartyRefusal> {
        let invitation = self.drop_invitation(by).filter(|invitation| invitation.until_tick > tick);
        let inviter = invitation.ok_or(PartyRefusal::NoInvitation)?.by;
        if self.party_of.contains_key(&by) {
            return Err(PartyRefusal::InParty);
        }
        // An inviter who has gone meanwhile, or leads no more, invites no more.
        let own_name = name(by).ok_or(PartyRefusal::NoInvitation)?;
        let inviter_name = name(inviter).ok_or(PartyRefusal::NoInvitation)?;
        if let Some(party) = self.party_of(inviter) {
            party.check_leader(inviter).map_err(|_| PartyRefusal::NoInvitation)?;
            party.check_room()?;
        } else {
            self.parties.insert(fresh, PartyState::founded(fresh, inviter, inviter_name));
            self.party_of.insert(inviter, fresh);
        }
        let id = self.party_of[&inviter];
        self.party_of.insert(by, id);
        self.change(id, |party| party.join(by, own_name));
        Ok(())
    }

    /// Declines the invitation that waits.
    ///
    /// # Errors
    /// [`PartyRefusal::NoInvitation`].
    pub fn decline(&mut self, by: PlayerId) -> Result<(), PartyRefusal> {
        self.drop_invitation(by).map(drop).ok_or(PartyRefusal::NoInvitation)
    }

    /// Leaves the party; one of a single member is none.
    ///
    /// # Errors
    /// [`PartyRefusal::NoParty`].
    pub fn leave(&mut self, by: PlayerId) -> Result<(), PartyRefusal> {
        let id = *self.party_of.get(&by).ok_or(PartyRefusal::NoParty)?;
        self.remove(id, by);
        Ok(())
    }

    /// The leader sends a member away.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn kick(&mut self, by: PlayerId, number: u16) -> Result<(), PartyRefusal> {
        let party = self.led_by(by)?;
        let (id, player) = (party.id, party.member(number).ok_or(PartyRefusal::NoMember)?.player);
        if player == by {
            return Err(PartyRefusal::Oneself);
        }
        self.remove(id, player);
        Ok(())
    }

    /// The leader makes another the leader.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn promote(&mut self, by: PlayerId, number: u16) -> Result<(), PartyRefusal> {
        let party = self.led_by(by)?;
        let (id, number) = (party.id, party.member(number).ok_or(PartyRefusal::NoMember)?.number);
        self.change(id, |party| party.leader = number);
        Ok(())
    }

    /// The leader says how loot is shared.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn set_rule(&mut self, by: PlayerId, rule: LootRule) -> Result<(), PartyRefusal> {
        let id = self.led_by(by)?.id;
        self.change(id, |party| party.rule = rule);
        Ok(())
    }

    /// The leader makes a raid of the party, or a party of the raid if it is small enough.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn set_raid(&mut self, by: PlayerId, raid: bool) -> Result<(), PartyRefusal> {
        let party = self.led_by(by)?;
        let id = party.id;
        if !raid && party.members.len() > PARTY_MAX {
            return Err(PartyRefusal::Full);
        }
        self.change(id, |party| party.raid = raid);
        Ok(())
    }

    /// A character came into the scene with the copy of its party, or with none.
    pub fn meet(&mut self, player: PlayerId, carried: Option<PartyState>, tick: u32) {
        let Some(carried) = carried else {
            // Whoever comes without a party has left it elsewhere.
            if let Some(&id) = self.party_of.get(&player) {
                self.remove(id, player);
            }
            return;
        };
        let id = carried.id;
        if let Some(other) = self.party_of.get(&player).copied().filter(|&other| other != id) {
            self.remove(other, player);
        }
        let newer = self.parties.get(&id).is_none_or(|resident| resident.revision < carried.revision);
        if newer && carried.member_of(player).is_some() {
            self.adopt(carried, tick);
        }
        self.touched.insert(player);
    }

    /// Notes who is here, forgets who has been away for too long and parties nobody of which is here, and ends invitations
    /// that have run out.
    pub fn follow(&mut self, presence: impl Fn(PlayerId) -> Presence, tick: u32) {
        let late = |invitation: &Invitation, to: PlayerId| {
            invitation.until_tick <= tick || [to, invitation.by].into_iter().any(|who| presence(who) == Presence::Away)
        };
        let over: Vec<PlayerId> =
            self.invitations.iter().filter(|&(&to, invitation)| late(invitation, to)).map(|(&to, _)| to).collect();
        for to in over {
            self.drop_invitation(to);
        }
        let ids: Vec<PartyId> = self.parties.keys().copied().collect();
        for id in ids {
            let Some(party) = self.parties.get_mut(&id) else { continue };
            if party.follow(&presence, tick) {
                self.touched.extend(party.members.iter().map(|member| member.player));
            }
            if party.present().next().is_none() || party.members.len() < 2 {
                self.forget(id);
                continue;
            }
            for player in self.parties.get(&id).map(|party| party.gone_too_long(tick)).unwrap_or_default() {
                self.remove(id, player);
            }
        }
    }

    /// The players who must be told anew since the last call, in order.
    pub fn take_touched(&mut self) -> BTreeSet<PlayerId> {
        std::mem::take(&mut self.touched)
    }

    /// True while there is neither a party nor an invitation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parties.is_empty() && self.invitations.is_empty()
    }

    fn led_by(&self, player: PlayerId) -> Result<&PartyState, PartyRefusal> {
        let party = self.party_of(player).ok_or(PartyRefusal::NoParty)?;
        party.check_leader(player)?;
        Ok(party)
    }

    fn change(&mut self, id: PartyId, change: impl FnOnce(&mut PartyState)) {
        if let Some(party) = self.parties.get_mut(&id) {
            change(party);
            party.revision += 1;
            self.touched.extend(party.members.iter().map(|member| member.player));
        }
    }

    fn remove(&mut self, id: PartyId, player: PlayerId) {
        self.change(id, |party| party.remove(player));
        self.party_of.remove(&player);
        self.touched.insert(player);
        if self.parties.get(&id).is_some_and(|party| party.members.len() < 2) {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: PartyId) {
        for Member { player, .. } in self.parties.remove(&id).map(|party| party.members).unwrap_or_default() {
            self.party_of.remove(&player);
            self.touched.insert(player);
        }
    }

    fn adopt(&mut self, mut carried: PartyState, tick: u32) {
        let id = carried.id;
        let before = self.parties.remove(&id);
        for Member { player, .. } in before.iter().flat_map(|party| &party.members) {
            self.party_of.remove(player);
            self.touched.insert(*player);
        }
        // Whoever is in another party by what this scene knows is so by newer news than the copy's.
        carried.members.retain(|member| !self.party_of.contains_key(&member.player));
        for member in &mut carried.members {
            let known = before.as_ref().and_then(|party| party.member_of(member.player));
            member.away_since = known.map_or(Some(tick), |known| known.away_since);
            self.party_of.insert(member.player, id);
            self.touched.insert(member.player);
        }
        carried.settle_leader();
        self.parties.insert(id, carried);
    }

    fn drop_invitation(&mut self, to: PlayerId) -> Option<Invitation> {
        self.touched.insert(to);
        self.invitations.remove(&to)
    }
}

impl Digest for Parties {
    fn digest(&self, digester: &mut Digester) {
        self.parties.values().for_each(|party| party.digest(digester));
        for (to, invitation) in &self.invitations {
            digester.u64(to.0);
            digester.u64(invitation.by.0);
            digester.u32(invitation.until_tick);
        }
    }
}

#[cfg(test)]
mod tests;
