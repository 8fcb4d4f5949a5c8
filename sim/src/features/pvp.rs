//! PvP: flags and duels. Validate: what players ask. Resolve, after the dust of the tick has settled: deeds raise flags,
//! flags come down, duels begin and end, and [`Allegiance`] follows; who may harm whom is decided by it alone
//! (`features/combat/sides`).
//!
//! A flag goes up when its player says so, harms a flagged player, or helps one who is in a fight; it comes down a while
//! after the last of these. Inside a duel two players are enemies until one of them has a single hit point left, gives
//! up, walks away or leaves; nobody dies of it, and what the two have done to each other ends with it.

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;

use crate::actor::Position;
use crate::assets::ticks_of;
use crate::command::{Issued, Rejections};
use crate::digest::{Digest, DigestApp, Digester};
use crate::features::buffs::{self, ActiveBuffs};
use crate::features::combat::{Allegiance, CombatRules, Died, Fight, HealthChanged, Vitals};
use crate::features::loot::LootSystems;
use crate::features::party::Parties;
use crate::features::players::{Carry, CarryApp, Player};
use crate::features::progress::ProgressSystems;
use crate::features::skills::ValidateSystems;
use crate::ids::SimId;
use crate::interest::Interest;
use crate::replicated::{Audience, ClientEvent, Replicate, ValueSize};
use crate::roster::Roster;
use crate::tick::{SimTick, Tick};
use crate::wire::Reader;

mod command;
mod duels;

pub use command::{DuelCommand, FlagCommand};
pub use duels::{Duel, DuelRefusal, Duels, Phase};

/// PvP's places in a tick.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PvpSystems {
    /// What players ask about flags and duels; in Validate.
    Validate,
    /// Flags, duels and allegiances follow what has happened.
    Settle,
}

/// The flag of a player. Written in Validate and Resolve.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PvpFlag {
    /// Whether the player wants it up.
    pub wanted: bool,
    /// Until when it stays up in any case.
    pub until_tick: u32,
}

impl PvpFlag {
    /// Whether it is up.
    #[must_use]
    pub const fn is_up(&self, tick: u32) -> bool {
        self.wanted || tick < self.until_tick
    }
}

/// What becomes of a duel, told to each of the two.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuelTold {
    /// Who is told.
    pub who: SimId,
    /// The other one.
    pub opponent: SimId,
    /// What.
    pub news: DuelNews,
}

/// News of a duel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuelNews {
    /// The opponent challenges whoever is told.
    Challenged,
    /// It is agreed; the fight begins when the countdown is over.
    Agreed,
    /// The fight begins.
    Begun,
    /// Whoever is told has won.
    Won,
    /// Whoever is told has lost.
    Lost,
    /// It ends without a winner: declined, lapsed, or interrupted.
    Off,
}

impl DuelNews {
    const ALL: [Self; 6] = [Self::Challenged, Self::Agreed, Self::Begun, Self::Won, Self::Lost, Self::Off];
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.init_resource::<Duels>();
    app.register_required_components::<Player, PvpFlag>();
    app.add_systems(
        Tick,
        (
            (validate_flags, validate_duels)
                .chain()
                .in_set(PvpSystems::Validate)
                .after(ValidateSystems::Moves)
                .before(ValidateSystems::Takes),
            (raise_flags, follow_duels, settle_allegiances)
                .chain()
                .in_set(PvpSystems::Settle)
                .after(ProgressSystems::Restore)
                .before(LootSystems::Drop),
        ),
    );
    app.carry::<PvpFlag>();
    app.digest_component::<PvpFlag>("pvp").digest_resource::<Duels>("pvp");
}

fn validate_flags(
    (tick, rules): (Res<SimTick>, Res<CombatRules>),
    mut asked: MessageReader<Issued<FlagCommand>>,
    mut flags: Query<(&mut PvpFlag, &mut Allegiance)>,
) {
    for Issued { by, command } in asked.read() {
        let Ok((mut flag, mut allegiance)) = flags.get_mut(by.entity) else { continue };
        if flag.wanted && !command.up {
            flag.until_tick = flag.until_tick.max(tick.0 + ticks_of(rules.0.pvp.flag_ms));
        }
        flag.wanted = command.up;
        if allegiance.flagged != flag.is_up(tick.0) {
            allegiance.flagged = flag.is_up(tick.0);
        }
    }
}

type Duelist<'a> = (&'a Position, &'a Vitals, &'a Fight);

fn validate_duels(
    (tick, rules, roster): (Res<SimTick>, Res<CombatRules>, Res<Roster>),
    mut asked: MessageReader<Issued<DuelCommand>>,
    views: Query<&Interest>,
    people: Query<Duelist, With<Player>>,
    mut duels: ResMut<Duels>,
    mut told: MessageWriter<DuelTold>,
    mut rejections: Rejections,
) {
    for Issued { by, command } in asked.read() {
        let person = |id: SimId| {
            let found = roster.entity(id).and_then(|entity| people.get(entity).ok());
            found.filter(|(_, vitals, _)| vitals.is_alive()).ok_or(DuelRefusal::NoTarget)
        };
        let calm = |one: SimId, other: SimId| {
            let fights = |id| person(id).map(|(_, _, fight)| fight.is_on(tick.0));
            if fights(one)? || fights(other)? { Err(DuelRefusal::Fighting) } else { Ok(()) }
        };
        let done = match *command {
            DuelCommand::Challenge { whom } => {
                let seen = views.get(by.entity).is_ok_and(|interest| interest.sees(whom));
                let until_tick = tick.0 + ticks_of(rules.0.pvp.duel_offer_ms);
                person(whom)
                    .and_then(|_| if seen { calm(by.id, whom) } else { Err(DuelRefusal::NoTarget) })
                    .and_then(|()| duels.challenge(by.id, whom, until_tick))
                    .map(|()| tell(&mut told, whom, by.id, DuelNews::Challenged))
            }
            DuelCommand::Accept => {
                let offer = duels.of(by.id).ok_or(DuelRefusal::NoChallenge);
                let begin_tick = tick.0 + ticks_of(rules.0.pvp.duel_countdown_ms);
                let agreed = offer.and_then(|duel| {
                    calm(duel.challenger, duel.challenged)?;
                    let middle = (person(duel.challenger)?.0.place() + person(duel.challenged)?.0.place()) / 2.0;
                    duels.accept(by.id, middle, begin_tick)
                });
                agreed.map(|duel| tell_both(&mut told, &duel, DuelNews::Agreed))
            }
            DuelCommand::Decline => duels.decline(by.id).map(|duel| tell_both(&mut told, &duel, DuelNews::Off)),
            // Who gives up has lost; the end is made in the Resolve stage.
            DuelCommand::Forfeit => match duels.of(by.id).filter(|duel| !matches!(duel.phase, Phase::Offered { .. })) {
                Some(_) => {
                    duels.forfeit(by.id);
                    Ok(())
                }
                None => Err(DuelRefusal::NoDuel),
            },
        };
        if let Err(refusal) = done {
            rejections.reject(by, refusal.reason());
        }
    }
}

fn tell(told: &mut MessageWriter<DuelTold>, who: SimId, opponent: SimId, news: DuelNews) {
    told.write(DuelTold { who, opponent, news });
}

fn tell_both(told: &mut MessageWriter<DuelTold>, duel: &Duel, news: DuelNews) {
    tell(told, duel.challenger, duel.challenged, news);
    tell(told, duel.challenged, duel.challenger, news);
}

type Flagged<'a> = (&'a mut PvpFlag, &'a Allegiance, &'a Fight);

/// Who harms a player outside a duel, or helps a flagged one in a fight, is flagged from then on.
fn raise_flags(
    (tick, roster, rules): (Res<SimTick>, Res<Roster>, Res<CombatRules>),
    mut log: MessageReader<HealthChanged>,
    mut players: Query<Flagged, With<Player>>,
) {
    let until_tick = tick.0 + ticks_of(rules.0.pvp.flag_ms);
    for entry in log.read().filter(|entry| entry.is_deed() && entry.source != entry.target) {
        let (source, target) = (roster.entity(entry.source), roster.entity(entry.target));
        let (Some(source), Some(target)) = (source, target) else { continue };
        let Ok((_, &side, fight)) = players.get(target) else { continue };
        let helps = entry.amount > 0 || (entry.amount == 0 && entry.over > 0);
        let counts = side.duel.is_none() && (!helps || (side.flagged && fight.is_on(tick.0)));
        if let Ok((mut flag, ..)) = players.get_mut(source)
            && counts
        {
            flag.until_tick = flag.until_tick.max(until_tick);
        }
    }
}

/// Whom duels concern.
#[derive(SystemParam)]
struct Ring<'w, 's> {
    roster: Res<'w, Roster>,
    people: Query<'w, 's, (&'static Position, &'static Vitals), With<Player>>,
}

impl Ring<'_, '_> {
    /// Whether someone cannot go on: gone, dead, or too far from the middle.
    fn is_out(&self, id: SimId, duel: &Duel, radius_m: f32) -> bool {
        let found = self.roster.entity(id).and_then(|entity| self.people.get(entity).ok());
        found.is_none_or(|(position, vitals)| !vitals.is_alive() || position.place().distance(duel.middle) > radius_m)
    }
}

/// Duels begin, lapse, and are decided.
fn follow_duels(
    (tick, rules, ring): (Res<SimTick>, Res<CombatRules>, Ring),
    mut log: MessageReader<HealthChanged>,
    mut deaths: MessageReader<Died>,
    mut duels: ResMut<Duels>,
    mut told: MessageWriter<DuelTold>,
    mut sides: Query<(&mut Allegiance, &mut ActiveBuffs, &mut Fight)>,
) {
    // A blow that would have killed decides a duel: the loser keeps one hit point, the rest is over.
    let mut beaten: Vec<SimId> = log
        .read()
        .filter(|entry| entry.amount <= 0 && entry.over > 0)
        .filter(|entry| duels.of(entry.target).is_some_and(|duel| duel.opponent(entry.target) == entry.source))
        .map(|entry| entry.target)
        .collect();
    beaten.extend(deaths.read().map(|death| death.who));
    if duels.is_empty() {
        return;
    }
    let (begun, lapsed) = duels.follow(tick.0);
    begun.iter().for_each(|duel| tell_both(&mut told, duel, DuelNews::Begun));
    lapsed.iter().for_each(|duel| tell_both(&mut told, duel, DuelNews::Off));
    let given_up = duels.take_forfeits();
    let fights: Vec<Duel> = duels.iter().filter(|duel| !matches!(duel.phase, Phase::Offered { .. })).collect();
    for duel in fights {
        let pair = [duel.challenger, duel.challenged];
        let lost = |id: &SimId| {
            beaten.contains(id) || given_up.contains(id) || ring.is_out(*id, &duel, rules.0.pvp.duel_radius_m)
        };
        let losers: Vec<SimId> = pair.into_iter().filter(lost).collect();
        if losers.is_empty() {
            continue;
        }
        duels.end(duel.challenger);
        match losers[..] {
            [loser] => {
                tell(&mut told, duel.opponent(loser), loser, DuelNews::Won);
                tell(&mut told, loser, duel.opponent(loser), DuelNews::Lost);
            }
            _ => tell_both(&mut told, &duel, DuelNews::Off),
        }
        for id in pair {
            let found = ring.roster.entity(id).and_then(|entity| sides.get_mut(entity).ok());
            let Some((mut allegiance, mut buffs, mut fight)) = found else { continue };
            allegiance.duel = None;
            buffs::clear_of_source(&mut buffs, duel.opponent(id));
            // The fight is over with the duel, whatever the clock says.
            fight.calm_tick = fight.calm_tick.min(tick.0);
        }
    }
}

type Settled<'a> = (&'a SimId, &'a Player, Ref<'a, PvpFlag>, &'a mut Allegiance);

/// What everyone may do to everyone from the next tick on. Looked at where something it follows from has changed, and
/// where a flag may run out.
fn settle_allegiances((tick, parties, duels): (Res<SimTick>, Res<Parties>, Res<Duels>), mut players: Query<Settled>) {
    let all = parties.is_changed() || duels.is_changed();
    for (&id, player, flag, mut allegiance) in &mut players {
        if !(all || allegiance.flagged || flag.is_changed() || allegiance.is_changed()) {
            continue;
        }
        let party = parties.party_of(player.id).map_or(0, |party| party.id.0);
        let duel = duels.of(id).filter(|duel| duel.phase == Phase::On).map(|duel| duel.opponent(id));
        allegiance.set_if_neq(Allegiance { player: true, flagged: flag.is_up(tick.0), duel, party });
    }
}

/// One byte: bit 0 flagged, bit 1 in a duel.
impl Replicate for Allegiance {
    const NAME: &'static str = "allegiance";
    const SIZE: ValueSize = ValueSize::Bytes(1);
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.flagged) | u8::from(self.duel.is_some()) << 1);
    }
}

/// Whether it is wanted, and the ticks that remain `u32`.
impl Carry for PvpFlag {
    const NAME: &'static str = "pvp_flag";
    fn save(&self, tick: u32, _: &crate::assets::Assets) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.wanted)];
        bytes.extend_from_slice(&self.until_tick.saturating_sub(tick).to_le_bytes());
        bytes
    }
    fn load(bytes: &[u8], tick: u32, _: &crate::assets::Assets) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (wanted, remaining) = (reader.u8()? == 1, reader.u32()?);
        Some(Self { wanted, until_tick: tick.saturating_add(remaining) })
    }
}

impl Digest for PvpFlag {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(u32::from(self.wanted));
        digester.u32(self.until_tick);
    }
}

/// Body: the opponent `u32`, the news as a byte in the order of the variants.
impl ClientEvent for DuelTold {
    const NAME: &'static str = "duel";
    const AUDIENCE: Audience = Audience::Owner;
    fn subject(&self) -> SimId {
        self.who
    }
    fn other(&self) -> Option<SimId> {
        Some(self.opponent)
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.opponent.bits().to_le_bytes());
        out.push(self.news as u8);
    }
}

impl DuelTold {
    /// Reads the body of an event about `who`.
    pub fn from_wire(who: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        let opponent = SimId::from_bits(reader.u32()?);
        Some(Self { who, opponent, news: *DuelNews::ALL.get(usize::from(reader.u8()?))? })
    }
}
