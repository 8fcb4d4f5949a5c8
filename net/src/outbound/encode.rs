//! Encode: puts together what each client is sent in this tick. Entities' bytes are copied, not made, here.

use bevy_ecs::prelude::*;
use bytes::Bytes;
use sim::actor::{Motion, Position};
use sim::ids::SimId;
use sim::input::InputProgress;
use sim::replicated::Changes;
use sim::roster::Roster;
use sim::scene::{SceneAssets, SceneId};
use sim::tick::{SimTick, TICKS_PER_SECOND};
use sim::wire::put_varint;

use super::changes::{Encoded, Span};
use super::view::ClientView;
use crate::codec::encode_state_frame;
use crate::protocol::{
    DATAGRAM_BYTES_MAX, DATAGRAMS_PER_TICK_MAX, OwnState, SERVER_FRAME_BYTES_MAX, ServerMessage, StateFrame,
};
use crate::records::{put_enter, put_event, put_leave, put_owner};
use crate::sessions::{FRAME_OVERHEAD_BYTES, Session, Sessions};
use crate::slots::Slot;

/// Bytes of records in one state datagram.
const RECORD_BYTES_MAX: usize = DATAGRAM_BYTES_MAX - FRAME_OVERHEAD_BYTES;
/// Bytes of records in one batch; the rest of the frame is the envelope.
const BATCH_BYTES_MAX: usize = SERVER_FRAME_BYTES_MAX - 1_024;
/// Bytes an index takes in a record, at most.
const INDEX_BYTES_MAX: usize = 3;
/// Ticks between frames to a client around whom nothing happens (1 s): they carry the acknowledgement that was lost.
const HEARTBEAT_TICKS: u32 = TICKS_PER_SECOND;

type OwnParts<'a> = (&'a Position, &'a Motion, &'a InputProgress);

/// Buffers that every client's turn uses again.
#[derive(Default)]
pub(super) struct Scratch {
    batch: Vec<u8>,
    records: Vec<u8>,
    datagram: Vec<u8>,
    candidates: Vec<Candidate>,
    events: Vec<u32>,
    ids: Vec<SimId>,
}

/// One entity that has something for the client.
#[derive(Clone, Copy)]
struct Candidate {
    at: usize,
    id: SimId,
    span: Span,
    sent_tick: u32,
}

/// Assembles batches and frames of every client.
pub(super) fn assemble(
    (tick, assets, scene): (Res<SimTick>, Res<SceneAssets>, Res<SceneId>),
    (roster, changes, encoded): (Res<Roster>, Res<Changes>, Res<Encoded>),
    characters: Query<OwnParts>,
    mut sessions: ResMut<Sessions>,
    mut scratch: Local<Scratch>,
) {
    let Sessions { by_player, stats, .. } = &mut *sessions;
    let count = by_player.len();
    for (rank, session) in by_player.values_mut().enumerate() {
        let Some(own_id) = session.character else { continue };
        let Some(parts) = roster.entity(own_id).and_then(|entity| characters.get(entity).ok()) else { continue };
        let own = own_state(parts, Slot::new(rank, count).input_shift(session.input_wait_us));
        session.view.give_up_old(tick.0);
        if !session.view.is_introduced() {
            introduce(session, own_id, own, tick.0, &assets.0.scenes[scene.0].id);
        }
        choose(&session.view, own_id, &encoded, &changes, &mut scratch);
        if session.follower.is_some() {
            // It simulates all that itself; its own state still tells it when its inputs came.
            scratch.candidates.clear();
        } else {
            stats.frame_bytes += write_batches(session, own_id, &encoded, &changes, tick.0, &mut scratch);
        }
        keep_to_budget(&mut session.view, &mut scratch);
        write_frames(session, own, tick.0, &encoded, &mut scratch);
    }
}

fn own_state((position, motion, progress): (&Position, &Motion, &InputProgress), input_shift: i8) -> OwnState {
    OwnState {
        applied_sequence: progress.applied_sequence,
        forced_epoch: progress.forced_epoch,
        input_shift,
        position: position.0.to_array(),
        velocity: motion.velocity.to_array(),
        speed_bp: motion.speed_bp,
    }
}

fn introduce(session: &mut Session, own: SimId, state: OwnState, tick: u32, scene: &str) {
    let scene_epoch = session.scene_epoch;
    session.send(&ServerMessage::Scene { scene: scene.to_owned(), scene_epoch, own: own.bits(), tick, state });
    session.view.introduce();
}

/// Finds the entities with state for the client, and the events it is told.
fn choose(view: &ClientView, own_id: SimId, encoded: &Encoded, changes: &Changes, scratch: &mut Scratch) {
    let is_told =
        |&at: &u32| changes.events().get(at as usize).is_some_and(|event| !event.owner_only || event.subject == own_id);
    scratch.candidates.clear();
    scratch.events.clear();
    let mut entering = view.entering().iter().copied().peekable();
    for (at, pair) in view.pairs.iter().enumerate() {
        let news = encoded.news(pair.id);
        if news.has_events {
            let events = encoded.slot(pair.id).map_or(&[][..], |slot| encoded.events(slot));
            scratch.events.extend(events.iter().copied().filter(is_told));
        }
        // What comes into view is described in the batch, as it is now.
        if entering.next_if_eq(&pair.id).is_some() {
            continue;
        }
        let span = match pair.owed {
            true => encoded.slot(pair.id).map_or(Span::default(), |slot| slot.full),
            false => news.delta,
        };
        let told_by_own_state = pair.id == own_id && !pair.owed && !news.more_than_place;
        if !span.is_empty() && !told_by_own_state {
            scratch.candidates.push(Candidate { at, id: pair.id, span, sent_tick: pair.sent_tick });
        }
    }
    scratch.events.sort_unstable();
}

/// When there is more than the tick's datagrams hold, those that waited longest go first and the rest is owed.
fn keep_to_budget(view: &mut ClientView, scratch: &mut Scratch) {
    let budget_bytes = RECORD_BYTES_MAX * DATAGRAMS_PER_TICK_MAX * 9 / 10;
    let wanted_bytes: usize = scratch.candidates.iter().map(|one| one.span.len() + INDEX_BYTES_MAX).sum();
    if wanted_bytes <= budget_bytes {
        return;
    }
    scratch.candidates.sort_by_key(|one| one.sent_tick);
    let mut bytes = 0;
    let fitting = scratch.candidates.iter().take_while(|one| {
        bytes += one.span.len() + INDEX_BYTES_MAX;
        bytes <= budget_bytes
    });
    let fitting = fitting.count();
    for left_out in scratch.candidates.drain(fitting..) {
        if let Some(pair) = view.pairs.get_mut(left_out.at) {
            pair.owed = true;
        }
    }
    scratch.candidates.sort_by_key(|one| one.at);
}

fn write_frames(session: &mut Session, own: OwnState, tick: u32, encoded: &Encoded, scratch: &mut Scratch) {
    scratch.records.clear();
    scratch.ids.clear();
    let candidates = std::mem::take(&mut scratch.candidates);
    let (mut index, mut frames) = (0, 0);
    for one in &candidates {
        let body = encoded.bytes(one.span);
        if scratch.records.len() + body.len() + INDEX_BYTES_MAX > RECORD_BYTES_MAX {
            write_frame(session, own, tick, scratch);
            (index, frames) = (0, frames + 1);
        }
        let next = u32::try_from(one.id.index()).unwrap_or(0);
        put_varint(&mut scratch.records, next - index);
        index = next;
        scratch.records.extend_from_slice(body);
        scratch.ids.push(one.id);
        if let Some(pair) = session.view.pairs.get_mut(one.at) {
            pair.owed = false;
            pair.sent_tick = tick;
        }
    }
    scratch.candidates = candidates;
    let news = session.view.last_own.is_none_or(|last| OwnState { input_shift: own.input_shift, ..last } != own);
    let heartbeat = tick.wrapping_sub(session.view.last_frame_tick) >= HEARTBEAT_TICKS;
    if !scratch.records.is_empty() || (frames == 0 && (news || heartbeat)) {
        write_frame(session, own, tick, scratch);
    }
    session.view.last_own = Some(own);
}

fn write_frame(session: &mut Session, own: OwnState, tick: u32, scratch: &mut Scratch) {
    let number = session.view.next_frame(tick, &scratch.ids);
    let records = std::mem::take(&mut scratch.records);
    let frame = StateFrame { frame: number, tick, scene_epoch: session.scene_epoch, own, records };
    match encode_state_frame(&frame, &mut scratch.datagram) {
        Ok(()) => session.view.outgoing.push(Bytes::copy_from_slice(&scratch.datagram)),
        Err(error) => tracing::error!(%error, player = %session.player, "a state frame could not be written"),
    }
    scratch.records = frame.records;
    scratch.records.clear();
    scratch.ids.clear();
}

/// Writes what went, what came, what happened and what only the owner sees; answers the bytes.
fn write_batches(
    session: &mut Session,
    own_id: SimId,
    encoded: &Encoded,
    changes: &Changes,
    tick: u32,
    scratch: &mut Scratch,
) -> u64 {
    let mut batches = Batches { tick, bytes: 0, last: None, out: &mut scratch.batch };
    batches.out.clear();
    for at in 0..session.view.leaving().len() {
        let id = session.view.leaving()[at];
        batches.record(session, |out| put_leave(out, id));
    }
    for at in 0..session.view.entering().len() {
        let id = session.view.entering()[at];
        let body = encoded.slot(id).map_or(&[][..], |slot| encoded.bytes(slot.enter));
        batches.record(session, |out| {
            put_enter(out, id);
            // An entity with nothing to show has an empty mask.
            out.extend_from_slice(if body.is_empty() { &[0] } else { body });
        });
    }
    for &event in &scratch.events {
        if let Some(event) = changes.events().get(event as usize) {
            // Who struck from out of sight stays unnamed.
            let hidden = event.other.is_some_and(|other| !session.view.sees(other));
            batches.record(session, |out| {
                put_event(out, event.kind, event.subject, changes.body(event));
                let body = out.len() - changes.body(event).len();
                if let Some(named) = out.get_mut(body..body + 4).filter(|_| hidden) {
                    named.fill(0);
                }
            });
        }
    }
    let owner = encoded.slot(own_id).map_or(&[][..], |slot| encoded.bytes(slot.owner));
    if !owner.is_empty() {
        batches.record(session, |out| {
            put_owner(out, own_id);
            out.extend_from_slice(owner);
        });
    }
    batches.flush(session);
    if let Some(last) = batches.last {
        // Only the last batch of the tick vouches for all that came into view in it.
        session.view.told(last, tick);
    }
    batches.bytes
}

struct Batches<'a> {
    tick: u32,
    bytes: u64,
    last: Option<u32>,
    out: &'a mut Vec<u8>,
}

impl Batches<'_> {
    /// Appends a record, in a further batch when this one is full.
    fn record(&mut self, session: &mut Session, write: impl Fn(&mut Vec<u8>)) {
        let start = self.out.len();
        write(self.out);
        if self.out.len() > BATCH_BYTES_MAX && start > 0 {
            self.out.truncate(start);
            self.flush(session);
            write(self.out);
        }
    }

    fn flush(&mut self, session: &mut Session) {
        if self.out.is_empty() {
            return;
        }
        let batch = session.view.next_batch();
        self.bytes += self.out.len() as u64;
        let records = std::mem::take(self.out);
        session.send(&ServerMessage::Batch { batch, tick: self.tick, records });
        self.last = Some(batch);
    }
}
