//! A party as its members' clients see it. On the wire, for the owner alone:
//!
//! | bytes | what |
//! | --- | --- |
//! | varint | the owner's number; 0 without a party, and then the next four are not there |
//! | varint, `u8`, `u8` | the leader's number, the loot rule, 1 for a raid |
//! | varint | count of members |
//! | each: varint, `u32`, `u8`, prefixed | number, id (0: not in this scene), 1 for link-dead, name |
//! | `u8` | 1 when an invitation waits, and then |
//! | `u32`, varint, prefixed | who invited, the tick it runs out in, the name |

use super::{LootRule, Party, PartyState, RAID_MAX};
use crate::ids::{PlayerId, SimId};
use crate::replicated::{Audience, Replicate};
use crate::wire::{Reader, put_varint};

/// A party and an invitation, as their owner sees them.
///
/// The ids of members are told whether they are in view or not, in hiding or in another phase: that a member is in the scene
/// is what its party is to know, and an id says nothing of where or how it is. Who invites makes itself known by that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartySeen {
    /// The owner's own number; 0 without a party.
    pub number: u16,
    /// The leader's number.
    pub leader: u16,
    /// How loot is shared.
    pub rule: LootRule,
    /// Whether it is a raid.
    pub raid: bool,
    /// All members, the owner too, in the order they joined.
    pub members: Vec<MemberSeen>,
    /// The invitation that waits for an answer.
    pub invitation: Option<InvitationSeen>,
}

/// A member as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberSeen {
    /// What commands call it.
    pub number: u16,
    /// Its body, if it is in this scene.
    pub id: Option<SimId>,
    /// Whether its player is gone for the moment.
    pub link_dead: bool,
    /// What players read.
    pub name: String,
}

/// An invitation as its receiver sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationSeen {
    /// Who invited.
    pub by: SimId,
    /// What players read.
    pub name: String,
    /// The tick it runs out in.
    pub until_tick: u32,
}

impl PartySeen {
    /// What a player is shown.
    pub(super) fn of(
        player: PlayerId,
        party: Option<&PartyState>,
        invitation: Option<InvitationSeen>,
        id_of: impl Fn(PlayerId) -> Option<SimId>,
    ) -> Self {
        let Some(party) = party else { return Self { invitation, ..Self::default() } };
        let members = party.members.iter().map(|member| MemberSeen {
            number: member.number,
            id: id_of(member.player),
            link_dead: member.link_dead,
            name: member.name.clone(),
        });
        Self {
            number: party.member_of(player).map_or(0, |member| member.number),
            leader: party.leader,
            rule: party.rule,
            raid: party.raid,
            members: members.collect(),
            invitation,
        }
    }

    /// Reads the replicated value.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        let number = |reader: &mut Reader<'_>| u16::try_from(reader.varint()?).ok();
        let mut seen = Self { number: number(reader)?, ..Self::default() };
        if seen.number != 0 {
            seen.leader = number(reader)?;
            seen.rule = LootRule::from_byte(reader.u8()?)?;
            seen.raid = reader.u8()? != 0;
            let count = reader.varint().filter(|&count| count as usize <= RAID_MAX)?;
            for _ in 0..count {
                let (number, id, flags) = (number(reader)?, reader.u32()?, reader.u8()?);
                let id = (id != 0).then(|| SimId::from_bits(id));
                seen.members.push(MemberSeen { number, id, link_dead: flags & 1 == 1, name: name(reader)? });
            }
        }
        if reader.u8()? == 1 {
            let (by, until_tick) = (SimId::from_bits(reader.u32()?), reader.varint()?);
            seen.invitation = Some(InvitationSeen { by, name: name(reader)?, until_tick });
        }
        Some(seen)
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, u32::from(self.number));
        if self.number != 0 {
            put_varint(out, u32::from(self.leader));
            out.extend_from_slice(&[self.rule.byte(), u8::from(self.raid)]);
            put_varint(out, u32::try_from(self.members.len()).unwrap_or(0));
            for member in &self.members {
                put_varint(out, u32::from(member.number));
                out.extend_from_slice(&member.id.map_or(0, SimId::bits).to_le_bytes());
                out.push(u8::from(member.link_dead));
                put_name(out, &member.name);
            }
        }
        out.push(u8::from(self.invitation.is_some()));
        if let Some(invitation) = &self.invitation {
            out.extend_from_slice(&invitation.by.bits().to_le_bytes());
            put_varint(out, invitation.until_tick);
            put_name(out, &invitation.name);
        }
    }
}

fn put_name(out: &mut Vec<u8>, name: &str) {
    put_varint(out, u32::try_from(name.len()).unwrap_or(0));
    out.extend_from_slice(name.as_bytes());
}

fn name(reader: &mut Reader<'_>) -> Option<String> {
    String::from_utf8(reader.prefixed()?.to_vec()).ok()
}

impl Party {
    /// Reads the replicated value.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<PartySeen> {
        PartySeen::from_wire(reader)
    }
}

impl Replicate for Party {
    const NAME: &'static str = "party";
    const AUDIENCE: Audience = Audience::Owner;
    fn encode(&self, out: &mut Vec<u8>) {
        self.seen.put(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_comes_back_from_the_wire_and_a_cut_one_is_refused() {
        let member = |number, id: Option<SimId>| MemberSeen { number, id, link_dead: number == 2, name: "Ann".into() };
        let invitation = InvitationSeen { by: SimId::new(4, 1), name: "Bob".into(), until_tick: 900 };
        let company = PartySeen {
            number: 2,
            leader: 1,
            rule: LootRule::NeedBeforeGreed,
            raid: true,
            members: vec![member(1, None), member(2, Some(SimId::new(3, 0)))],
            invitation: None,
        };
        for seen in [PartySeen::default(), company, PartySeen { invitation: Some(invitation), ..PartySeen::default() }]
        {
            let mut bytes = Vec::new();
            Party { seen: seen.clone(), state: None }.encode(&mut bytes);
            assert_eq!(Party::from_wire(&mut Reader::new(&bytes)), Some(seen));
            bytes.pop();
            assert_eq!(Party::from_wire(&mut Reader::new(&bytes)), None);
        }
    }
}
