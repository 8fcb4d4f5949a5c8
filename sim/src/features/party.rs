//! Parties: who is with whom, who leads, how loot is shared. Receive: follows who comes and goes. Validate: heeds
//! what members ask, at once, because nothing about it depends on place or time. Perceive: tells the members.
//!
//! The truth is in [`Parties`], one book a scene; the component [`Party`] is what its owner's client is shown and what
//! the character takes along.

use bevy_app::App;
use bevy_ecs::prelude::*;

use crate::actor::Name;
use crate::assets::Assets;
use crate::command::{Issued, Rejections};
use crate::digest::DigestApp;
use crate::features::players::{Carry, CarryApp, LinkDead, Player};
use crate::features::skills::ValidateSystems;
use crate::ids::{PlayerId, SimId};
use crate::input::{Admitted, Players, ReceiveSystems};
use crate::interest::{Interest, InterestSystems};
use crate::random::{Random, Stream};
use crate::tick::{SimTick, TICKS_PER_SECOND, Tick, TickSystems};
use crate::wire::Reader;

mod book;
mod command;
mod seen;
mod state;

pub use book::{AWAY_TICKS, INVITATION_TICKS, PARTY_MAX, Parties, PartyRefusal, Presence, RAID_MAX};
pub use command::PartyCommand;
pub use seen::{InvitationSeen, MemberSeen, PartySeen};
pub use state::{LootRule, Member, PartyId, PartyState};

/// A character's company. Written in Receive when it arrives and in Perceive when something about it changed.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct Party {
    /// What the owner's client is shown.
    pub seen: PartySeen,
    /// The party itself, to be carried along.
    pub state: Option<PartyState>,
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.init_resource::<Parties>();
    app.register_required_components::<Player, Party>();
    app.add_systems(
        Tick,
        (
            follow_members.in_set(TickSystems::Receive).after(ReceiveSystems::Settle),
            heed_members.in_set(TickSystems::Validate).before(ValidateSystems::Moves),
            tell_members.in_set(TickSystems::Perceive).before(InterestSystems::Grid),
        ),
    );
    app.carry::<Party>().digest_resource::<Parties>("party");
}

type Link<'a> = (&'a Player, Has<LinkDead>);

fn follow_members(
    tick: Res<SimTick>,
    players: Res<Players>,
    mut admitted: MessageReader<Admitted>,
    links: Query<Link>,
    carried: Query<&Party>,
    mut parties: ResMut<Parties>,
) {
    for &Admitted { player, entity, .. } in admitted.read() {
        let state = carried.get(entity).ok().and_then(|party| party.state.clone());
        if state.is_some() || parties.party_of(player).is_some() {
            parties.meet(player, state, tick.0);
        }
    }
    // Whoever comes or goes is noticed at once, a lost link within a second.
    if parties.is_empty() || !(players.is_changed() || tick.0.is_multiple_of(TICKS_PER_SECOND)) {
        return;
    }
    let presence = |player: PlayerId| match players.0.get(&player).map(|&(_, entity)| links.get(entity)) {
        None => Presence::Away,
        Some(Ok((_, true))) => Presence::LinkDead,
        Some(_) => Presence::Here,
    };
    parties.follow(presence, tick.0);
}

fn heed_members(
    (tick, random): (Res<SimTick>, Res<Random>),
    players: Res<Players>,
    mut asked: MessageReader<Issued<PartyCommand>>,
    people: Query<(&Player, &Name, &SimId)>,
    views: Query<&Interest>,
    mut parties: ResMut<Parties>,
    mut rejections: Rejections,
) {
    for Issued { by, command } in asked.read() {
        let name = |player: PlayerId| {
            let &(_, entity) = players.0.get(&player)?;
            people.get(entity).ok().map(|(_, name, _)| name.0.clone())
        };
        let player_of = |id: SimId| {
            let seen = views.get(by.entity).is_ok_and(|interest| id == by.id || interest.sees(id));
            let other = players.0.iter().find(|(_, (other, _))| seen && *other == id);
            other.map(|(&player, _)| player).ok_or(PartyRefusal::NoTarget)
        };
        let done = match *command {
            PartyCommand::Invite { whom } => player_of(whom).and_then(|to| parties.invite(by.player, to, tick.0)),
            PartyCommand::Accept => {
                let fresh = random.draw(tick.0, by.id, Stream("party id"), 0).next_u64();
                parties.accept(by.player, name, PartyId(fresh), tick.0)
            }
            PartyCommand::Decline => parties.decline(by.player),
            PartyCommand::Leave => parties.leave(by.player),
            PartyCommand::Kick { member } => parties.kick(by.player, member),
            PartyCommand::Promote { member } => parties.promote(by.player, member),
            PartyCommand::SetLootRule { rule } => parties.set_rule(by.player, rule),
            PartyCommand::SetRaid { raid } => parties.set_raid(by.player, raid),
        };
        if let Err(refusal) = done {
            rejections.reject(by, refusal.reason());
        }
    }
}

fn tell_members(
    players: Res<Players>,
    people: Query<(&SimId, &Name)>,
    mut parties: ResMut<Parties>,
    mut shown: Query<&mut Party>,
) {
    if !parties.is_changed() {
        return;
    }
    let id_of = |player: PlayerId| players.0.get(&player).map(|&(id, _)| id);
    for player in parties.bypass_change_detection().take_touched() {
        let Some(&(_, entity)) = players.0.get(&player) else { continue };
        let Ok(mut party) = shown.get_mut(entity) else { continue };
        let state = parties.party_of(player);
        let invitation = parties.invitation_of(player).and_then(|invitation| {
            let &(id, entity) = players.0.get(&invitation.by)?;
            let name = people.get(entity).ok()?.1.0.clone();
            Some(InvitationSeen { by: id, name, until_tick: invitation.until_tick })
        });
        let seen = PartySeen::of(player, state, invitation, id_of);
        let state = state.cloned();
        party.set_if_neq(Party { seen, state });
    }
}

/// Nothing for a character without a party, else its party's copy.
impl Carry for Party {
    const NAME: &'static str = "party";
    fn save(&self, _: u32, _: &Assets) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(state) = &self.state {
            state.save(&mut out);
        }
        out
    }
    fn load(bytes: &[u8], _: u32, _: &Assets) -> Option<Self> {
        let state = PartyState::load(&mut Reader::new(bytes))?;
        Some(Self { seen: PartySeen::default(), state: Some(state) })
    }
}
