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
use super::changes::Encoded;
use super::courier::{Courier, Sent};
use super::passing::Passage;
use super::ripples::Ripples;
use super::shapes::Shapes;
use super::view::Pair;
use crate::protocol::{OwnState, ServerMessage};
use crate::records::put_head;
use crate::sessions::{Session, Sessions};
use crate::slots::Slot;

mod batches;
mod budget;
pub(super) mod crowd;
mod frames;
mod telling;
mod threads;
mod urgency;

pub(super) use threads::Workers;

/// Changes of a view that are made in place.
const STEPS_MAX: usize = 8;

/// What all clients' turns read.
pub(super) struct Picture<'w> {
    tick: u32,
    scene: &'w str,
    source: Source<'w>,
    characters: &'w QueryState<Own>,
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
    fn of(world: &'w World, characters: &'w QueryState<Own>) -> Self {
        let (assets, scene) = (&world.resource::<SceneAssets>().0, world.resource::<SceneId>().0);
        let lists = world.resource::<WireLists>();
        Self {
            tick: world.resource::<SimTick>().0,
            scene: &assets.scenes[scene].id,
            source: Source { world, roster: world.resource::<Roster>(), lists },
            characters,
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
    shapes: Shapes,
    passage: Passage,
    arena: Arena,
    entering: Vec<SimId>,
    leaving: Vec<SimId>,
    crowd: Vec<(f32, SimId)>,
    shown: Vec<SimId>,
    ration: Ration,
    pairs: Vec<Pair>,
    left_out: Vec<Pair>,
    oversized: Vec<SimId>,
    events: Vec<u32>,
    batch: Vec<u8>,
    owner: Vec<u8>,
    records: Vec<u8>,
    datagram: Vec<u8>,
    courier: Courier,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            lacking: Bodies::new(put_head),
            shapes: Shapes::default(),
            passage: Passage::default(),
            arena: Arena::default(),
            entering: Vec::new(),
            leaving: Vec::new(),
            crowd: Vec::new(),
            shown: Vec::new(),
            ration: Ration::default(),
            pairs: Vec::new(),
            left_out: Vec::new(),
            oversized: Vec::new(),
            events: Vec::new(),
            batch: Vec::new(),
            owner: Vec::new(),
            records: Vec::new(),
            datagram: Vec::new(),
            courier: Courier::default(),
        }
    }
}

impl Scratch {
    fn begin(&mut self, picture: &Picture<'_>) {
        let index_end = picture.source.roster.index_end();
        self.lacking.begin(picture.tick, index_end);
        self.shapes.begin(picture.tick, index_end, picture.shown);
        self.courier.begin();
    }
}

/// Assembles batches and frames of every client, and hands them over.
pub(super) fn assemble(world: &mut World, characters: &mut QueryState<Own>, mut workers: Local<Workers>) {
    characters.update_archetypes(world);
    world.resource_scope(|world, mut sessions: Mut<Sessions>| {
        let picture = Picture::of(world, characters);
        let Sessions { by_player, stats, visits, .. } = &mut *sessions;
        by_player.list(|own| picture.ripples.reach(picture.field, own), visits);
        workers.serve_all(by_player, visits, &picture).count_in(stats);
        stats.updates_broadcast += picture.encoded.changed_count() * by_player.len() as u64;
    });
}

/// What a client's turn reads of its character.
pub(super) type Own =
    (&'static Position, &'static Motion, &'static InputProgress, &'static Interest, Option<&'static Pinned>);

/// One client's turn; answers the bytes of its batches, or nothing for one around whom nothing happened.
fn serve(session: &mut Session, slot: Slot, picture: &Picture<'_>, scratch: &mut Scratch) -> Option<u64> {
    let own_id = session.character?;
    if session.view.rests(picture.tick) && !picture.ripples.reach(picture.field, own_id) {
        return None;
    }
    let own = picture.source.roster.entity(own_id)?;
    let (position, motion, progress, interest, pinned) =
        picture.characters.get_manual(picture.source.world, own).ok()?;
    let state = own_state(position, motion, progress, slot.input_shift(session.input_wait_us));
    if session.follower.is_some() {
        // It simulates all else itself; its own state tells it how its inputs come.
        let Scratch { arena, records, datagram, .. } = scratch;
        FrameWriter::new(session, state, picture, (arena, records, datagram)).finish();
        return Some(0);
    }
    session.view.sees_far = pinned.is_some_and(|pinned| !pinned.anywhere.is_empty());
    let first = pinned.map_or(&[][..], |pinned| &pinned.first[..]);
    let eyes = Eyes { own: own_id, place: position.place(), first };
    session.view.give_up_old(picture.tick);
    follow(session, interest, &eyes, picture, scratch);
    let mut owned = picture.owned;
    if session.view.is_introduced() {
        owned &= picture.changes.mask(own_id);
    } else {
        introduce(session, own_id, state, picture);
    }
    telling::tell(session, &eyes, state, picture, scratch);
    scratch.owner.clear();
    if owned != 0 {
        let own = picture.source.world.entity(own);
        super::changes::write_values(&mut scratch.owner, own, picture.source.lists, owned, put_varint);
    }
    Some(batches::write(session, own_id, picture, scratch))
}

fn own_state(position: &Position, motion: &Motion, progress: &InputProgress, input_shift: i8) -> OwnState {
    OwnState {
        applied_sequence: progress.applied_sequence,
        forced_epoch: progress.forced_epoch,
        input_shift,
        position: position.0.to_array(),
        velocity: motion.velocity.to_array(),
        speed_bp: motion.speed_bp,
    }
}

fn introduce(session: &mut Session, own: SimId, state: OwnState, picture: &Picture<'_>) {
    let (scene, scene_epoch, tick) = (picture.scene.to_owned(), session.scene_epoch, picture.tick);
    session.send(&ServerMessage::Scene { scene, scene_epoch, own: own.bits(), tick, state });
    session.view.introduce(tick);
}

/// Has the view follow the character's interest, or in a crowd the part of it that is shown.
fn follow(session: &mut Session, interest: &Interest, eyes: &Eyes<'_>, picture: &Picture<'_>, scratch: &mut Scratch) {
    let Scratch { entering, leaving, crowd, shown, .. } = scratch;
    entering.clear();
    leaving.clear();
    let view = &mut session.view;
    let is_changed = !view.is_introduced() || !interest.entered().is_empty() || !interest.left().is_empty();
    let was_capped = view.crowd.cap().is_some();
    view.crowd.relax(interest.visible().len());
    let entering_count = if view.is_introduced() { interest.entered().len() } else { interest.visible().len() };
    view.crowd.meet(entering_count, view.shown.len(), picture.tick, u32::try_from(eyes.own.index()).unwrap_or(0));
    match view.crowd.cap() {
        Some(cap) if view.crowd.is_due(is_changed, picture.tick) => {
            let is_shown = |id| view.sees(id);
            let count = crowd::choose(interest.visible(), cap, is_shown, eyes, picture, (crowd, shown));
            view.crowd.note_shown(count);
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
