//! The fights of one scene: members take their places, fight as their trees say, and are watched through the combat
//! log. A fight ends when one side's members are dead, or at the limit; its arena is then cleared.

use std::cmp::Reverse;
use std::ops::Range;

use bevy_ecs::message::MessageCursor;
use bevy_ecs::prelude::*;
use glam::Vec2;

use super::{Combatant, Contest, Fighter, champion, entity_of, monster, side_faction};
use crate::actor::{Actor, Heading, Position};
use crate::features::combat::{Died, HealthChanged, HealthKind, Vitals};
use crate::features::monsters::{Mind, ThreatTable};
use crate::ids::SimId;
use crate::random::{Random, Stream};
use crate::roster::Roster;
use crate::scene::Scene;
use crate::tick::TICK_MS;

/// Arenas in a row.
const ROW: u32 = 8;
/// Metres between the middles of two arenas: farther than anything reaches, sees or calls.
const ARENA_M: f32 = 220.0;
/// Metres between members of one side.
const SHOULDERS_M: f32 = 2.0;
/// Everyone enters before so many ticks have passed (1 s).
const ENTRY_TICKS: u32 = 20;
/// Ticks of a stretch of a fight, whose damage is added up (5 s).
pub const STRETCH_TICKS: u32 = 5_000 / TICK_MS;
/// Anger against each opponent that begins a fight, in thousandths of a point.
const CHALLENGE_MILLI: i64 = 1;

/// How a fight ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Winner {
    /// This side (0 or 1) has somebody alive and the other nobody.
    Side(usize),
    /// Nobody is left.
    Nobody,
    /// The limit was reached.
    Undecided,
}

/// What one fight came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bout {
    /// Who won.
    pub winner: Winner,
    /// How many ticks it took.
    pub ticks: u32,
    /// What each member did, by side and place in it.
    pub members: [Vec<MemberRecord>; 2],
    /// Phases that began, in order.
    pub phases: Vec<PhaseRecord>,
    /// Hit points that the members of each side took from others in each stretch of [`STRETCH_TICKS`], the last one unfinished.
    pub damage: [Vec<u64>; 2],
}

/// A phase of a monster that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhaseRecord {
    /// Side of the monster.
    pub side: usize,
    /// Its place in it.
    pub member: usize,
    /// The phase, by its place in the monster's list.
    pub phase: usize,
    /// When, in ticks since the fight began.
    pub tick: u32,
}

/// What one member did and suffered. Its summons' deeds are not its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberRecord {
    /// Hit points it took from others.
    pub damage: u64,
    /// Hit points it gave back, to itself too.
    pub healing: u64,
    /// Hit points it lost.
    pub taken: u64,
    /// When it died, in ticks since the fight began.
    pub died_tick: Option<u32>,
    /// Its hit points when the fight ended.
    pub hp: u32,
    /// The most it could have then.
    pub hp_max: u32,
}

/// Where a member belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) arena: usize,
    pub(super) side: usize,
    pub(super) member: usize,
}

struct Arena {
    middle: Vec2,
    /// Whether the first side stands in the east.
    is_swapped: bool,
    alive: [usize; 2],
    bout: Bout,
    is_over: bool,
}

/// Who enters when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    tick: u32,
    arena: usize,
    side: usize,
    member: usize,
}

/// Looks on while the fights of a scene are fought; it must not change them.
pub(super) trait Onlooker {
    /// Before a tick, when everyone who is due has entered.
    fn before(&mut self, world: &mut World, hall: &Hall);
    /// After a tick, so many since the scene began.
    fn after(&mut self, world: &World, hall: &Hall, tick: u32);
}

/// Nobody looks on.
impl Onlooker for () {
    fn before(&mut self, _: &mut World, _: &Hall) {}
    fn after(&mut self, _: &World, _: &Hall, _: u32) {}
}

/// Fights the fights with these numbers in an empty scene.
pub(super) fn run(
    mut scene: Scene,
    contest: &Contest,
    numbers: &Range<u32>,
    onlooker: &mut impl Onlooker,
) -> Vec<Bout> {
    let mut hall = Hall::prepare(contest, numbers, *scene.world().resource::<Random>());
    let mut ticks = 0;
    while ticks < contest.limit_ticks && hall.arenas.iter().any(|arena| !arena.is_over) {
        hall.let_in(scene.world_mut(), contest, ticks);
        onlooker.before(scene.world_mut(), &hall);
        scene.tick();
        ticks += 1;
        hall.watch(scene.world(), ticks);
        onlooker.after(scene.world(), &hall, ticks);
        hall.close_decided(scene.world_mut(), ticks);
    }
    for arena in 0..hall.arenas.len() {
        if !hall.arenas[arena].is_over {
            hall.count_hp(scene.world(), arena);
            hall.arenas[arena].bout.ticks = ticks;
        }
    }
    hall.arenas.into_iter().map(|arena| arena.bout).collect()
}

/// All arenas of a scene, and who is in them.
pub(super) struct Hall {
    arenas: Vec<Arena>,
    /// Who still has to enter, the first last.
    entries: Vec<Entry>,
    /// By id.
    seats: Vec<(SimId, Seat)>,
    changes: MessageCursor<HealthChanged>,
    deaths: MessageCursor<Died>,
}

impl Hall {
    /// Everyone enters within a second, as nobody is ever ready at the same moment: two equals who strike in the same
    /// ticks would kill each other in the same tick.
    fn prepare(contest: &Contest, numbers: &Range<u32>, random: Random) -> Self {
        let (mut arenas, mut entries) = (Vec::new(), Vec::new());
        for (arena, number) in numbers.clone().enumerate() {
            let alive = contest.sides.each_ref().map(Vec::len);
            let members = alive.map(|count| vec![MemberRecord::default(); count]);
            let (phases, damage) = (Vec::new(), [Vec::new(), Vec::new()]);
            let bout = Bout { winner: Winner::Undecided, ticks: 0, members, phases, damage };
            let is_swapped = number % 2 == 1;
            arenas.push(Arena { middle: middle_of(arena), is_swapped, alive, bout, is_over: false });
            for (side, &count) in alive.iter().enumerate() {
                for member in 0..count {
                    let place = SimId::new(u32::try_from(member).unwrap_or(0), 0);
                    let tick = random.draw(number, place, Stream("laboratory entry"), side as u64).below(ENTRY_TICKS);
                    entries.push(Entry { tick, arena, side, member });
                }
            }
        }
        // Equals enter in turns: who acts first among them does so in every second fight.
        entries.sort_unstable_by_key(|entry| {
            Reverse((entry.tick, entry.arena, (entry.side == 0) == arenas[entry.arena].is_swapped, entry.member))
        });
        let (changes, deaths) = (MessageCursor::default(), MessageCursor::default());
        Self { arenas, entries, seats: Vec::new(), changes, deaths }
    }

    /// Whoever is due takes a place, angry with those opposite; who is in the east takes turns.
    fn let_in(&mut self, world: &mut World, contest: &Contest, tick: u32) {
        while let Some(entry) = self.entries.pop_if(|entry| entry.tick <= tick) {
            let Entry { arena, side, member, .. } = entry;
            let east = if (side == 0) == self.arenas[arena].is_swapped { 1.0 } else { -1.0 };
            let place = place_in_side(member, contest.sides[side].len(), contest.distance_m) * Vec2::new(east, 1.0);
            let id = enter(world, contest.sides[side][member], side, self.arenas[arena].middle + place);
            turn(world, id, Vec2::new(-east, 0.0));
            let opponents = self.seats.iter().filter(|(_, seat)| seat.arena == arena && seat.side != side);
            let opponents: Vec<SimId> = opponents.map(|(id, _)| *id).collect();
            for opponent in opponents {
                challenge(world, id, opponent);
                challenge(world, opponent, id);
            }
            let index = self.seats.partition_point(|seat| seat.0 < id);
            self.seats.insert(index, (id, Seat { arena, side, member }));
        }
    }

    /// Who has this seat, once it has entered.
    pub(super) fn sitter(&self, seat: Seat) -> Option<SimId> {
        self.seats.iter().find(|(_, own)| *own == seat).map(|(id, _)| *id)
    }

    pub(super) fn seat_of(&self, id: SimId) -> Option<Seat> {
        self.seats.binary_search_by_key(&id, |seat| seat.0).ok().map(|index| self.seats[index].1)
    }

    /// Reads what happened in this tick.
    fn watch(&mut self, world: &World, tick: u32) {
        let mut changes = std::mem::take(&mut self.changes);
        for change in changes.read(world.resource::<Messages<HealthChanged>>()) {
            self.note(change, tick);
        }
        self.changes = changes;
        let mut deaths = std::mem::take(&mut self.deaths);
        for death in deaths.read(world.resource::<Messages<Died>>()) {
            let Some(seat) = self.seat_of(death.who) else { continue };
            let arena = &mut self.arenas[seat.arena];
            let record = &mut arena.bout.members[seat.side][seat.member];
            if record.died_tick.is_none() {
                record.died_tick = Some(tick);
                arena.alive[seat.side] -= 1;
            }
        }
        self.deaths = deaths;
        self.watch_phases(world, tick);
    }

    /// Notes the phases that have begun.
    fn watch_phases(&mut self, world: &World, tick: u32) {
        for &(id, Seat { arena, side, member }) in &self.seats {
            let arena = &mut self.arenas[arena];
            if arena.is_over {
                continue;
            }
            let Some(phase) = of::<Mind>(world, id).and_then(Mind::phase) else { continue };
            let own = |record: &&PhaseRecord| (record.side, record.member) == (side, member);
            if arena.bout.phases.iter().rev().find(own).is_none_or(|last| last.phase != phase) {
                arena.bout.phases.push(PhaseRecord { side, member, phase, tick });
            }
        }
    }

    /// Notes what everyone of an arena has left.
    fn count_hp(&mut self, world: &World, arena: usize) {
        for (id, seat) in self.seats.iter().filter(|(_, seat)| seat.arena == arena) {
            let Some(vitals) = of::<Vitals>(world, *id) else { continue };
            let record = &mut self.arenas[arena].bout.members[seat.side][seat.member];
            // Who died has nothing left, even if it stands up again.
            let hp = if record.died_tick.is_some() { 0 } else { vitals.hp };
            (record.hp, record.hp_max) = (hp, vitals.hp_max);
        }
    }

    fn note(&mut self, change: &HealthChanged, tick: u32) {
        if !matches!(change.kind, HealthKind::Direct | HealthKind::Periodic) {
            return;
        }
        let amount = u64::from(change.amount.unsigned_abs());
        if let Some(seat) = self.seat_of(change.source).filter(|_| change.source != change.target || change.amount > 0)
        {
            let record = &mut self.arenas[seat.arena].bout.members[seat.side][seat.member];
            if change.amount < 0 {
                record.damage += amount
            } else {
                record.healing += amount
            }
            if change.amount < 0 {
                let (stretch, by) = ((tick.saturating_sub(1) / STRETCH_TICKS) as usize, &mut self.arenas[seat.arena]);
                let stretches = &mut by.bout.damage[seat.side];
                stretches.resize(stretches.len().max(stretch + 1), 0);
                stretches[stretch] += amount;
            }
        }
        if let Some(seat) = self.seat_of(change.target).filter(|_| change.amount < 0) {
            self.arenas[seat.arena].bout.members[seat.side][seat.member].taken += amount;
        }
    }

    /// Ends what is decided and empties its arena: who is left would only cost time.
    fn close_decided(&mut self, world: &mut World, tick: u32) {
        for place in 0..self.arenas.len() {
            if self.arenas[place].is_over || !self.arenas[place].alive.contains(&0) {
                continue;
            }
            self.count_hp(world, place);
            let arena = &mut self.arenas[place];
            arena.is_over = true;
            arena.bout.ticks = tick;
            arena.bout.winner = match arena.alive {
                [0, 0] => Winner::Nobody,
                [_, 0] => Winner::Side(0),
                _ => Winner::Side(1),
            };
            clear(world, arena.middle);
        }
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a few dozen arenas")]
fn middle_of(arena: usize) -> Vec2 {
    let (column, row) = (arena as u32 % ROW, arena as u32 / ROW);
    (Vec2::new(column as f32, row as f32) - (ROW - 1) as f32 / 2.0) * ARENA_M
}

/// A member's place from the middle of its arena, for the eastern side: shoulder to shoulder, ten to a row.
#[allow(clippy::cast_precision_loss, reason = "at most 40 members")]
pub(super) fn place_in_side(member: usize, count: usize, distance_m: f32) -> Vec2 {
    let (rank, file) = (member / 10, member % 10);
    let files = (count - rank * 10).min(10);
    let across = (file as f32 - (files - 1) as f32 / 2.0) * SHOULDERS_M;
    Vec2::new(distance_m / 2.0 + rank as f32 * SHOULDERS_M, across)
}

/// Puts a combatant onto the ground, on the side it fights for.
pub(super) fn enter(world: &mut World, combatant: Combatant, side: usize, place: Vec2) -> SimId {
    match combatant.fighter {
        Fighter::Class(class) => champion(world, class, combatant.level, side, place),
        Fighter::Monster(kind) => {
            let id = monster(world, kind, combatant.level, place);
            if let Some(mut entity) = entity_of(world, id) {
                entity.insert(side_faction(side));
            }
            id
        }
    }
}

fn of<T: Component>(world: &World, id: SimId) -> Option<&T> {
    world.get::<T>(world.resource::<Roster>().entity(id)?)
}

fn turn(world: &mut World, id: SimId, direction: Vec2) {
    if let (Some(mut entity), Some(heading)) = (entity_of(world, id), Heading::along(direction)) {
        entity.insert(heading);
    }
}

/// Makes a unit a little angry with another.
pub(super) fn challenge(world: &mut World, id: SimId, opponent: SimId) {
    if let Some(mut threat) = entity_of(world, id).and_then(|entity| entity.into_mut::<ThreatTable>()) {
        threat.add(opponent, CHALLENGE_MILLI);
    }
}

fn clear(world: &mut World, middle: Vec2) {
    let mut actors = world.query_filtered::<(Entity, &SimId, &Position), With<Actor>>();
    let is_here = |position: &Position| (position.place() - middle).abs().max_element() < ARENA_M / 2.0;
    let here = actors.iter(world).filter(|(_, _, position)| is_here(position)).map(|(entity, id, _)| (*id, entity));
    let mut here: Vec<(SimId, Entity)> = here.collect();
    here.sort_unstable();
    for (_, entity) in here {
        world.despawn(entity);
    }
}
