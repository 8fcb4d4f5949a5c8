//! One party: its members in the order they joined, its leader, its rules. Members are called by numbers that are never
//! given twice, so that a command about one can never reach another.

use crate::digest::{Digest, Digester};
use crate::ids::PlayerId;
use crate::wire::{Reader, put_varint};

use super::book::{AWAY_TICKS, PARTY_MAX, PartyRefusal, Presence, RAID_MAX};

/// A party across scenes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyId(pub u64);

/// How what a party's kills leave is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LootRule {
    /// Everyone takes what they like.
    FreeForAll,
    /// Each pile is another member's, one after the other.
    #[default]
    RoundRobin,
    /// As by turns, but what is precious is rolled for: need before greed.
    NeedBeforeGreed,
    /// Everyone finds something of their own.
    Personal,
}

impl LootRule {
    /// All rules, in the order of their bytes on the wire.
    pub const ALL: [Self; 4] = [Self::FreeForAll, Self::RoundRobin, Self::NeedBeforeGreed, Self::Personal];

    /// The rule behind a byte.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }

    /// The byte on the wire.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self as u8
    }
}

/// Somebody in a party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// From 1, never given twice in a party.
    pub number: u16,
    /// Who.
    pub player: PlayerId,
    /// What players read.
    pub name: String,
    /// The tick since which the member has not been in this scene.
    pub away_since: Option<u32>,
    /// Whether the member is here without its player.
    pub link_dead: bool,
}

/// One party as a scene knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartyState {
    /// Which.
    pub id: PartyId,
    /// Counts the changes of members, leader and rules.
    pub revision: u32,
    /// How loot is shared.
    pub rule: LootRule,
    /// Whether it may have as many members as a raid.
    pub raid: bool,
    /// Number of the leader.
    pub leader: u16,
    /// In the order they joined.
    pub members: Vec<Member>,
    next_number: u16,
    /// Number of the member who had the last turn in this scene.
    last_turn: u16,
}

impl PartyState {
    /// A party of one, who leads it.
    pub(super) fn founded(id: PartyId, leader: PlayerId, name: String) -> Self {
        let mut party = Self {
            id,
            revision: 0,
            rule: LootRule::default(),
            raid: false,
            leader: 1,
            members: Vec::new(),
            next_number: 1,
            last_turn: 0,
        };
        party.join(leader, name);
        party
    }

    /// The member of a number.
    #[must_use]
    pub fn member(&self, number: u16) -> Option<&Member> {
        self.members.iter().find(|member| member.number == number)
    }

    /// The member that is a player.
    #[must_use]
    pub fn member_of(&self, player: PlayerId) -> Option<&Member> {
        self.members.iter().find(|member| member.player == player)
    }

    /// Members in the scene, link-dead or not, in the order they joined.
    pub fn present(&self) -> impl Iterator<Item = PlayerId> + '_ {
        self.members.iter().filter(|member| member.away_since.is_none()).map(|member| member.player)
    }

    pub(super) fn check_leader(&self, player: PlayerId) -> Result<(), PartyRefusal> {
        let leads = self.member_of(player).is_some_and(|member| member.number == self.leader);
        if leads { Ok(()) } else { Err(PartyRefusal::NotLeader) }
    }

    pub(super) fn check_room(&self) -> Result<(), PartyRefusal> {
        let most = if self.raid { RAID_MAX } else { PARTY_MAX };
        if self.members.len() < most && self.next_number < u16::MAX { Ok(()) } else { Err(PartyRefusal::Full) }
    }

    pub(super) fn join(&mut self, player: PlayerId, name: String) {
        self.members.push(Member { number: self.next_number, player, name, away_since: None, link_dead: false });
        self.next_number += 1;
    }

    /// Takes a member out.
    pub(super) fn remove(&mut self, player: PlayerId) {
        self.members.retain(|member| member.player != player);
        self.settle_leader();
    }

    /// A party without its leader is led by whoever has been in it longest and is here.
    pub(super) fn settle_leader(&mut self) {
        if self.member(self.leader).is_none() {
            let here = self.members.iter().find(|member| member.away_since.is_none());
            self.leader = here.or(self.members.first()).map_or(0, |member| member.number);
        }
    }

    /// Notes who is here; true when anything was new.
    pub(super) fn follow(&mut self, presence: impl Fn(PlayerId) -> Presence, tick: u32) -> bool {
        let mut changed = false;
        for member in &mut self.members {
            let now = presence(member.player);
            let away_since = (now == Presence::Away).then(|| member.away_since.unwrap_or(tick));
            let link_dead = now == Presence::LinkDead;
            changed |= (member.away_since, member.link_dead) != (away_since, link_dead);
            (member.away_since, member.link_dead) = (away_since, link_dead);
        }
        changed
    }

    /// Members who have been away for [`AWAY_TICKS`].
    pub(super) fn gone_too_long(&self, tick: u32) -> Vec<PlayerId> {
        let long = |since: u32| tick.saturating_sub(since) >= AWAY_TICKS;
        self.members.iter().filter(|member| member.away_since.is_some_and(long)).map(|member| member.player).collect()
    }

    /// The candidate whose turn comes after the last one's, in the order of numbers and around again.
    pub(super) fn take_turn(&mut self, candidates: &[PlayerId]) -> Option<PlayerId> {
        let able = || self.members.iter().filter(|member| candidates.contains(&member.player));
        let next = able().find(|member| member.number > self.last_turn).or_else(|| able().next())?;
        let (number, player) = (next.number, next.player);
        self.last_turn = number;
        Some(player)
    }

    /// Writes what a character carries along: id, revision, rule, raid, leader, next number, and for each member number,
    /// player and name.
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.0.to_le_bytes());
        put_varint(out, self.revision);
        out.extend_from_slice(&[self.rule.byte(), u8::from(self.raid)]);
        put_varint(out, u32::from(self.leader));
        put_varint(out, u32::from(self.next_number));
        put_varint(out, u32::try_from(self.members.len()).unwrap_or(0));
        for member in &self.members {
            put_varint(out, u32::from(member.number));
            out.extend_from_slice(&member.player.0.to_le_bytes());
            put_varint(out, u32::try_from(member.name.len()).unwrap_or(0));
            out.extend_from_slice(member.name.as_bytes());
        }
    }

    /// Reads what `save` wrote.
    pub(super) fn load(reader: &mut Reader<'_>) -> Option<Self> {
        let id = PartyId(reader.u64()?);
        let revision = reader.varint()?;
        let (rule, raid) = (LootRule::from_byte(reader.u8()?)?, reader.u8()? != 0);
        let number = |reader: &mut Reader<'_>| u16::try_from(reader.varint()?).ok();
        let (leader, next_number) = (number(reader)?, number(reader)?);
        let count = reader.varint().filter(|&count| count as usize <= RAID_MAX)?;
        let member = |reader: &mut Reader<'_>| {
            let (number, player) = (number(reader)?, PlayerId(reader.u64()?));
            let name = String::from_utf8(reader.prefixed()?.to_vec()).ok()?;
            Some(Member { number, player, name, away_since: None, link_dead: false })
        };
        let members = (0..count).map(|_| member(reader)).collect::<Option<Vec<_>>>()?;
        Some(Self { id, revision, rule, raid, leader, members, next_number, last_turn: 0 })
    }
}

impl Digest for PartyState {
    fn digest(&self, digester: &mut Digester) {
        digester.u64(self.id.0);
        digester.u32(self.revision);
        digester.bytes(&[self.rule.byte(), u8::from(self.raid)]);
        [self.leader, self.next_number, self.last_turn].into_iter().for_each(|number| digester.u32(u32::from(number)));
        for member in &self.members {
            digester.u32(u32::from(member.number));
            digester.u64(member.player.0);
            digester.u32(member.away_since.map_or(0, |tick| tick + 1));
        }
    }
}
