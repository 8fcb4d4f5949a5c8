//! Encode: puts together what each client is sent in this tick. Entities' bytes are copied, not made, here; what a
//! client lacks beyond the last step is made on demand, once for all who lack the same.
//!
//! Clients do not depend on one another: in a large scene they are shared out over threads, and what each is sent is the
//! same with any number of them.

use bevy_ecs::prelude::*;
use sim::actor::{Motion, Position};
use sim::ids::SimId;
use sim::input::InputProgress;
use sim::interest::{AoiRadii, Field, Interest, Pinned, SceneField};
use sim::replicated::{Audience, Changes, WireLists};
use sim::roster::Roster;
use sim::scene::{SceneAssets, SceneId};
use sim::tick::SimTick;
use sim::wire::put_varint;

use self::budget::{Eyes, Ration};
use self::frames::FrameWriter;
use super::ReplicationLimits;
use super::arena::Arena;
use super::bodies::{Bodies, Source};
use super::changes::{Encoded, News, PLACE_BITS};
use super::ripples::Ripples;
use super::view::Pair;
use crate::protocol::{OwnState, ServerMessage};
use crate::records::put_head;
use crate::sessions::{Session, Sessions};
use crate::slots::Slot;

mod batches;
mod budget;
pub(super) mod crowd;
mod frames;
mod threads;

pub(super) use threads::Workers;

/// Changes of a view that are made in place.
const STEPS_MAX: usize = 8;

/// What all clients' turns read.
pub(super) struct Picture<'w> {
    tick: u32,
    scene: &'w str,
    source: Source<'w>,
    changes: &'w Changes,
    encoded: &'w Encoded,
    ripples: &'w Ripples,
    field: &'w Field,
    enter_m: f32,
    limits: ReplicationLimits,
    /// Components shown on entering, and those for the owner alone.
    shown: u32,
    owned: u32,
}

impl<'w> Picture<'w> {
    fn of(world: &'w World) -> Self {
        let (assets, scene) = (&world.resource::<SceneAssets>().0, world.resource::<SceneId>().0);
        let lists = world.resource::<WireLists>();
        Self {
            tick: world.resource::<SimTick>().0,
            scene: &assets.scenes[scene].id,
            source: Source { world, roster: world.resource::<Roster>(), lists },
            changes: world.resource::<Changes>(),
            encoded: world.resource::<Encoded>(),
            ripples: world.resource::<Ripples>(),
            field: &world.resource::<SceneField>().0,
            enter_m: world.resource::<AoiRadii>().0.enter_m,
            limits: *world.resource::<ReplicationLimits>(),
            shown: lists.mask_of(Audience::Viewers) | lists.mask_of(Audience::OnEnter),
            owned: lists.mask_of(Audience::Owner),
        }
    }
}

/// Buffers that every client's turn uses again; each thread has its own.
pub(super) struct Scratch {
    lacking: Bodies,
    whole: Bodies,
    arena: Arena,
    entering: Vec<SimId>,
    leaving: Vec<SimId>,
    players: Vec<(f32, SimId)>,
    shown: Vec<SimId>,
    ration: Ration,
    events: Vec<u32>,
    batch: Vec<u8>,
    owner: Vec<u8>,
    records: Vec<u8>,
    datagram: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            lacking: Bodies::new(put_head),
            whole: Bodies::new(put_varint),
            arena: Arena::default(),
            entering: Vec::new(),
            leaving: Vec::new(),
            players: Vec::new(),
            shown: Vec::new(),
            ration: Ration::default(),
            events: Vec::new(),
            batch: Vec::new(),
            owner: Vec::new(),
            records: Vec::new(),
            datagram: Vec::new(),
        }
    }
}

impl Scratch {
    fn begin(&mut self, picture: &Picture<'_>) {
        let index_end = picture.source.roster.index_end();
        self.lacking.begin(picture.tick, index_end);
        self.whole.begin(picture.tick, index_end);
    }
}

/// Assembles batches and frames of every client.
pub(super) fn assemble(world: &mut World, mut workers: Local<Workers>) {
    world.resource_scope(|world, mut sessions: Mut<Sessions>| {
        let picture = Picture::of(world);
        let Sessions { by_player, stats, .. } = &mut *sessions;
        stats.frame_bytes += workers.serve_all(by_player, &picture);
        stats.updates_broadcast += picture.encoded.changed_count() * by_player.len() as u64;
    });
}

/// One client's turn; answers the bytes of its batches, or nothing for one around whom nothing happened.
fn serve(session: &mut Session, slot: Slot, picture: &Picture<'_>, scratch: &mut Scratch) -> Option<u64> {
    let own_id = session.character?;
    if session.view.rests(picture.tick) && !picture.ripples.reach(picture.field, own_id) {
        return None;
    }
    let own = picture.source.world.entity(picture.source.roster.entity(own_id)?);
    let interest = own.get::<Interest>()?;
    let state = own_state(own, slot.input_shift(session.input_wait_us))?;
    if session.follower.is_some() {
        // It simulates all else itself; its own state tells it how its inputs come.
        let Scratch { arena, records, datagram, .. } = scratch;
        FrameWriter::new(session, state, picture, (arena, records, datagram)).finish();
        return Some(0);
    }
    let pinned = own.get::<Pinned>();
    session.view.sees_far = pinned.is_some_and(|pinned| !pinned.anywhere.is_empty());
    let first = pinned.map_or(&[][..], |pinned| &pinned.first[..]);
    let eyes = Eyes { own: own_id, place: own.get::<Position>()?.place(), first };
    session.view.give_up_old(picture.tick);
    follow(session, interest, &eyes, picture, scratch);
    let mut owned = picture.owned;
    if session.view.is_introduced() {
        owned &= picture.changes.mask(own_id);
    } else {
        introduce(session, own_id, state, picture);
    }
    write_state(session, &eyes, state, picture, scratch);
    scratch.owner.clear();
    if owned != 0 {
        super::changes::write_values(&mut scratch.owner, own, picture.source.lists, owned, put_varint);
    }
    Some(batches::write(session, own_id, picture, scratch))
}

fn own_state(own: EntityRef<'_>, input_shift: i8) -> Option<OwnState> {
    let (position, motion, progress) = (own.get::<Position>()?, own.get::<Motion>()?, own.get::<InputProgress>()?);
    Some(OwnState {
        applied_sequence: progress.applied_sequence,
        forced_epoch: progress.forced_epoch,
        input_shift,
        position: position.0.to_array(),
        velocity: motion.velocity.to_array(),
        speed_bp: motion.speed_bp,
    })
}

fn introduce(session: &mut Session, own: SimId, state: OwnState, picture: &Picture<'_>) {
    let (scene, scene_epoch, tick) = (picture.scene.to_owned(), session.scene_epoch, picture.tick);
    session.send(&ServerMessage::Scene { scene, scene_epoch, own: own.bits(), tick, state });
    session.view.introduce(tick);
}

/// Has the view follow the character's interest, or in a crowd the part of it that is shown.
fn follow(session: &mut Session, interest: &Interest, eyes: &Eyes<'_>, picture: &Picture<'_>, scratch: &mut Scratch) {
    let Scratch { entering, leaving, players, shown, .. } = scratch;
    entering.clear();
    leaving.clear();
    let view = &mut session.view;
    let is_changed = !view.is_introduced() || !interest.entered().is_empty() || !interest.left().is_empty();
    let was_capped = view.crowd.cap().is_some();
    view.crowd.relax(interest.visible().len());
    match view.crowd.cap() {
        Some(cap) if view.crowd.is_due(is_changed, picture.tick) => {
            crowd::choose(interest.visible(), cap, |id| view.sees(id), eyes, picture, (players, shown));
            view.follow(shown, picture.tick, entering, leaving);
        }
        None if is_changed
            && !was_capped
            && view.is_introduced()
            && is_small(interest)
            && view.follow_steps(interest, picture.tick, entering, leaving) => {}
        None if is_changed || was_capped => view.follow(interest.visible(), picture.tick, entering, leaving),
        _ => {}
    }
}

/// True when it is cheaper to make the changes than to go through the whole view.
fn is_small(interest: &Interest) -> bool {
    interest.entered().len() + interest.left().len() <= STEPS_MAX
}

/// Writes what the client lacks of everything in its view into frames, and gathers the events it is told.
fn write_state(session: &mut Session, eyes: &Eyes<'_>, own: OwnState, picture: &Picture<'_>, scratch: &mut Scratch) {
    let Scratch { lacking, arena, events, records, datagram, ration, .. } = scratch;
    events.clear();
    let (tick, all_news) = (picture.tick, picture.encoded.all_news());
    let mut pairs = std::mem::take(&mut session.view.pairs);
    let was_short = session.view.is_short;
    let budget_bytes = picture.limits.record_bytes_per_tick();
    if was_short {
        ration.work_out(&pairs, picture, eyes, budget_bytes);
    }
    let (mut left_out, mut told_count) = (0, 0);
    let mut frames = FrameWriter::new(session, own, picture, (arena, records, datagram));
    for (at, pair) in pairs.iter_mut().enumerate() {
        let Some(news) = all_news.get(pair.id.index()) else { continue };
        if news.has_events {
            let is_told = |&&at: &&u32| is_told(picture.changes, at, eyes.own);
            events.extend(picture.encoded.events(pair.id).iter().filter(is_told));
        }
        if news.changed_tick <= pair.since_tick {
            continue;
        }
        let is_admitted = !was_short || picture.wanted(pair).is_some_and(|bytes| ration.admits(at, bytes));
        match is_admitted.then(|| tell(pair, news, eyes.own, picture, lacking, &mut frames)) {
            Some(Told::Written) => (pair.since_tick, told_count) = (tick, told_count + 1),
            Some(Told::Nothing) => {}
            Some(Told::NoRoom) | None => left_out += 1,
        }
    }
    frames.finish();
    events.sort_unstable();
    let view = &mut session.view;
    let silence_ticks = picture.limits.silence_ticks;
    let (is_hopeless, is_easy) = (was_short && ration.is_hopeless(), !was_short || ration.is_easy(silence_ticks));
    view.crowd.adapt(is_hopeless, is_easy, pairs.len(), tick);
    view.is_short = left_out > 0 || (was_short && ration.wanted_bytes() * 5 > budget_bytes * 4);
    view.left_out_count = left_out;
    view.told_count += told_count;
    view.pairs = pairs;
}

/// What became of one entity's news.
enum Told {
    /// They are in a frame.
    Written,
    /// They are not for this client.
    Nothing,
    /// They wait.
    NoRoom,
}

/// Writes what a client lacks of one entity.
#[inline]
fn tell(
    pair: &Pair,
    news: &News,
    own_id: SimId,
    picture: &Picture<'_>,
    lacking: &mut Bodies,
    frames: &mut FrameWriter<'_>,
) -> Told {
    let (id, since_tick, encoded) = (pair.id, pair.since_tick, picture.encoded);
    let is_written = if news.follows(picture.tick, since_tick) && id != own_id {
        match news.short() {
            Some(record) => frames.put_short(id, record),
            None => frames.put(id, encoded.body(news)),
        }
    } else {
        let mask = encoded.changed_after(id, since_tick);
        // Where it is itself the client reads in its own state.
        if id == own_id && mask & !PLACE_BITS == 0 {
            return Told::Nothing;
        }
        let is_written = match encoded.compact(id, mask, since_tick).filter(|_| id != own_id) {
            Some(record) => frames.put_short(id, record),
            None => frames.put(id, lacking.body(picture.source, id, mask)),
        };
        if is_written {
            frames.except(id, since_tick);
        }
        is_written
    };
    if is_written { Told::Written } else { Told::NoRoom }
}

fn is_told(changes: &Changes, event: u32, own_id: SimId) -> bool {
    changes.events().get(event as usize).is_some_and(|event| !event.owner_only || event.subject == own_id)
}
