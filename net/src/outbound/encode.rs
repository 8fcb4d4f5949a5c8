//! Encode: puts together what each client is sent in this tick. Entities' bytes are copied, not made, here; what a
//! client lacks beyond the last step is made on demand, once for all who lack the same.

use bevy_ecs::prelude::*;
use sim::actor::{Motion, Position};
use sim::ids::SimId;
use sim::input::InputProgress;
use sim::interest::Interest;
use sim::replicated::{Audience, Changes, WireLists};
use sim::roster::Roster;
use sim::scene::{SceneAssets, SceneId};
use sim::tick::{SimTick, TICKS_PER_SECOND};
use sim::wire::put_varint;

use self::frames::FrameWriter;
use super::arena::Arena;
use super::bodies::{Bodies, Source};
use super::changes::{Encoded, PLACE_BITS};
use crate::protocol::{OwnState, ServerMessage};
use crate::records::put_head;
use crate::sessions::{Session, Sessions};

mod batches;
mod frames;

/// Ticks between frames to a client around whom nothing happens (1 s): they carry the acknowledgement that was lost.
const HEARTBEAT_TICKS: u32 = TICKS_PER_SECOND;

/// What all clients' turns read.
pub(super) struct Picture<'w> {
    tick: u32,
    scene: &'w str,
    source: Source<'w>,
    changes: &'w Changes,
    encoded: &'w Encoded,
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
            shown: lists.mask_of(Audience::Viewers) | lists.mask_of(Audience::OnEnter),
            owned: lists.mask_of(Audience::Owner),
        }
    }
}

/// Buffers that every client's turn uses again.
pub(super) struct Scratch {
    lacking: Bodies,
    whole: Bodies,
    arena: Arena,
    entering: Vec<SimId>,
    leaving: Vec<SimId>,
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
pub(super) fn assemble(world: &mut World, mut scratch: Local<Scratch>) {
    world.resource_scope(|world, mut sessions: Mut<Sessions>| {
        let picture = Picture::of(world);
        let Sessions { by_player, stats, .. } = &mut *sessions;
        scratch.begin(&picture);
        for session in by_player.values_mut() {
            stats.frame_bytes += serve(session, &picture, &mut scratch).unwrap_or(0);
        }
    });
}

/// One client's turn; answers the bytes of its batches, or nothing for one whose character is not there.
fn serve(session: &mut Session, picture: &Picture<'_>, scratch: &mut Scratch) -> Option<u64> {
    let own_id = session.character?;
    let own = picture.source.world.entity(picture.source.roster.entity(own_id)?);
    let state = own_state(own, session.input_wait_us)?;
    session.view.give_up_old(picture.tick);
    session.view.follow(own.get::<Interest>()?, picture.tick, &mut scratch.entering, &mut scratch.leaving);
    let mut owned = picture.owned;
    if session.view.is_introduced() {
        owned &= picture.changes.mask(own_id);
    } else {
        introduce(session, own_id, state, picture);
    }
    write_state(session, own_id, state, picture, scratch);
    scratch.owner.clear();
    if owned != 0 {
        super::changes::write_values(&mut scratch.owner, own, picture.source.lists, owned, put_varint);
    }
    Some(batches::write(session, own_id, picture, scratch))
}

fn own_state(own: EntityRef<'_>, input_wait_us: u64) -> Option<OwnState> {
    let (position, motion, progress) = (own.get::<Position>()?, own.get::<Motion>()?, own.get::<InputProgress>()?);
    Some(OwnState {
        applied_sequence: progress.applied_sequence,
        forced_epoch: progress.forced_epoch,
        input_wait_ms: u8::try_from(input_wait_us / 1_000).unwrap_or(u8::MAX),
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

/// Writes what the client lacks of everything in its view into frames, and gathers the events it is told.
fn write_state(session: &mut Session, own_id: SimId, own: OwnState, picture: &Picture<'_>, scratch: &mut Scratch) {
    let Scratch { lacking, arena, events, records, datagram, .. } = scratch;
    events.clear();
    let (tick, encoded) = (picture.tick, picture.encoded);
    let all_news = encoded.all_news();
    let mut pairs = std::mem::take(&mut session.view.pairs);
    let mut frames = FrameWriter::new(session, own, tick, arena, records, datagram);
    for pair in &mut pairs {
        let Some(news) = all_news.get(pair.id.index()) else { continue };
        if news.has_events {
            let is_told = |&&at: &&u32| is_told(picture.changes, at, own_id);
            events.extend(encoded.events(pair.id).iter().filter(is_told));
        }
        if news.changed_tick <= pair.since_tick {
            continue;
        }
        let is_written = if news.follows(tick, pair.since_tick) && pair.id != own_id {
            match news.short() {
                Some(record) => frames.put_short(pair.id, record),
                None => frames.put(pair.id, encoded.body(news)),
            }
        } else {
            let mask = encoded.changed_after(pair.id, pair.since_tick);
            // Where it is the client reads in its own state.
            if pair.id == own_id && mask & !PLACE_BITS == 0 {
                continue;
            }
            let compact = encoded.compact(pair.id, mask, pair.since_tick).filter(|_| pair.id != own_id);
            let is_written = match compact {
                Some(record) => frames.put_short(pair.id, record),
                None => frames.put(pair.id, lacking.body(picture.source, pair.id, mask)),
            };
            if is_written {
                frames.except(pair.id, pair.since_tick);
            }
            is_written
        };
        if is_written {
            pair.since_tick = tick;
        }
    }
    frames.finish();
    session.view.pairs = pairs;
    events.sort_unstable();
}

fn is_told(changes: &Changes, event: u32, own_id: SimId) -> bool {
    changes.events().get(event as usize).is_some_and(|event| !event.owner_only || event.subject == own_id)
}
