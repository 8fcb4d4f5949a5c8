//! What a client knows: the scene it is in, the entities it sees, and what it has to acknowledge.
//!
//! Per component the newest tick wins, so frames may come late, twice or never. What was not announced by an enter
//! record is not shown; a frame that mentions such a thing is not acknowledged either, so that its state is sent again
//! once the entity is known; the same goes for a place that cannot be completed. A new scene voids everything. Pure: bytes in, state out.

use std::collections::VecDeque;
use std::sync::Arc;

use glam::Vec3;
use sim::actor::{Heading, Position};
use sim::ids::SimId;
use sim::replicated::Replicate;

use self::entity::{Entities, PlaceBits, ValueMap};
use super::frames::FrameWindow;
use super::interpolate::Pose;
use crate::protocol::{OwnState, ServerMessage, StateFrame, WireTable};
use crate::records::{BatchRecord, StateNews, read_batch, read_state};

mod entity;

pub use entity::RemoteEntity;

/// Events kept until they are taken; beyond it the oldest are lost and counted.
const EVENTS_MAX: usize = 1_024;

/// The scene the own character is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentScene {
    /// Id such as `scene/field`.
    pub id: String,
    /// Counts the session's scenes from 1.
    pub epoch: u32,
    /// The own character.
    pub own: SimId,
    /// Server tick at entry.
    pub entered_tick: u32,
}

/// Something that happened in view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldEvent {
    /// Server tick in which it happened.
    pub tick: u32,
    /// Place in [`WireTable::events`].
    pub kind: u16,
    /// The entity it happened to.
    pub subject: SimId,
    /// The event's own bytes.
    pub body: Vec<u8>,
}

/// What did not fit, for whoever watches over the protocol. All but `events_dropped` are 0 on a path without loss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorldCounts {
    /// State frames that came, each once.
    pub frames_received: u64,
    /// State frames that did not come, as far as is known now.
    pub frames_lost: u64,
    /// State frames of a scene that is not the current one.
    pub frames_void: u64,
    /// Records about entities that are not known.
    pub unknown_records: u64,
    /// Places that could not be completed, because what came before was lost; they are sent again.
    pub unplaced_records: u64,
    /// Frames and batches whose records are damaged.
    pub damaged: u64,
    /// Batches that came out of order, which the stream makes impossible.
    pub batch_gaps: u64,
    /// Events nobody took in time.
    pub events_dropped: u64,
}

/// Everything a client knows of the world.
#[derive(Debug, Default)]
pub struct ClientWorld {
    wire: Arc<WireTable>,
    places: PlaceBits,
    scene: Option<CurrentScene>,
    entities: Entities,
    owner_values: ValueMap,
    own: OwnState,
    newest_tick: u32,
    /// The newest tick of which everything was told.
    whole_tick: u32,
    seen: FrameWindow,
    applied: FrameWindow,
    batch_ack: u32,
    /// The batch that must come next; unknown at the beginning of a scene.
    batch_follows: Option<u32>,
    events: VecDeque<WorldEvent>,
    counts: WorldCounts,
    ignores_places: bool,
    own_news: u32,
}

impl ClientWorld {
    /// Takes in no more steps of entities in view from now on.
    pub(super) fn ignore_places(&mut self) {
        self.ignores_places = true;
    }

    /// Applies a message of the stream, as far as it concerns the world.
    pub fn on_message(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Welcome { wire, .. } => {
                let places = PlaceBits { position: bit(&wire, Position::NAME), heading: bit(&wire, Heading::NAME) };
                (self.wire, self.places) = (Arc::new(wire), places);
            }
            ServerMessage::Scene { scene, scene_epoch, own, tick, state } => {
                let own = SimId::from_bits(own);
                self.scene = Some(CurrentScene { id: scene, epoch: scene_epoch, own, entered_tick: tick });
                self.entities.begin_anew(own);
                self.owner_values = ValueMap::default();
                self.own_news = self.own_news.wrapping_add(1);
                (self.own, self.newest_tick, self.batch_follows) = (state, tick, None);
                self.whole_tick = tick;
            }
            ServerMessage::Batch { batch, tick, records } => self.on_batch(batch, tick, &records),
            ServerMessage::Rejected { .. }
            | ServerMessage::Log { .. }
            | ServerMessage::Probe
            | ServerMessage::Goodbye { .. }
            | ServerMessage::Data { .. }
            | ServerMessage::FollowEnded { .. } => {}
        }
    }

    /// Applies a state frame. Returns the own state when it is the newest so far.
    pub fn on_frame(&mut self, frame: &StateFrame) -> Option<OwnState> {
        if !self.seen.insert(frame.frame) {
            return None;
        }
        self.counts.frames_received += 1;
        self.counts.frames_lost = u64::from(self.seen.newest()).saturating_sub(self.counts.frames_received);
        if !self.is_in(frame.scene_epoch) {
            self.counts.frames_void += 1;
            return None;
        }
        if self.apply_records(frame) {
            self.applied.insert(frame.frame);
        }
        if frame.is_whole {
            self.whole_tick = self.whole_tick.max(frame.tick);
        }
        if frame.tick <= self.newest_tick {
            return None;
        }
        (self.newest_tick, self.own) = (frame.tick, frame.own);
        Some(frame.own)
    }

    /// Says whether every record could be applied.
    fn apply_records(&mut self, frame: &StateFrame) -> bool {
        let Self { wire, entities, counts, places, ignores_places, whole_tick, own_news, scene, .. } = self;
        let own_index = scene.as_ref().map(|scene| scene.own.index());
        let ticks = (frame.tick, *whole_tick);
        let (mut whole, mut from) = (true, 0);
        for record in read_state(&frame.records, wire) {
            let Ok(record) = record else {
                counts.damaged += 1;
                return false;
            };
            if *ignores_places && places.is_all_of(&record.news) {
                continue;
            }
            let Some(entity) = entities.at_index(record.index, &mut from) else {
                counts.unknown_records += 1;
                whole = false;
                continue;
            };
            // An older frame may speak of the index's former owner, and what it says is in the enter record anyway.
            if frame.tick < entity.entered_tick() {
                continue;
            }
            match record.news {
                StateNews::Values(values) => {
                    *own_news = own_news.wrapping_add(u32::from(own_index == Some(record.index as usize)));
                    entity.apply(ticks, &values, *places);
                }
                StateNews::Place(place) => {
                    let is_placed = entity.apply_place(ticks, place, *places);
                    counts.unplaced_records += u64::from(!is_placed);
                    whole &= is_placed;
                }
            }
        }
        whole
    }

    fn on_batch(&mut self, batch: u32, tick: u32, records: &[u8]) {
        let Self { wire, entities, counts, places, events, owner_values, own_news, scene, .. } = self;
        let own = scene.as_ref().map(|scene| scene.own);
        let follows = self.batch_follows.replace(batch.wrapping_add(1)).is_none_or(|expected| expected == batch);
        if !follows || own.is_none() {
            counts.batch_gaps += 1;
        }
        self.batch_ack = batch;
        for record in read_batch(records, wire) {
            match record {
                Ok(BatchRecord::Enter { id, values }) => {
                    let mut entity = RemoteEntity::new(id, tick);
                    entity.apply((tick, tick), &values, *places);
                    entities.insert(entity);
                    *own_news = own_news.wrapping_add(u32::from(own == Some(id)));
                }
                Ok(BatchRecord::Leave { id }) => {
                    if !entities.remove(id) {
                        counts.unknown_records += 1;
                    }
                    *own_news = own_news.wrapping_add(u32::from(own == Some(id)));
                }
                Ok(BatchRecord::Event { kind, subject, body }) => {
                    if events.len() == EVENTS_MAX {
                        events.pop_front();
                        counts.events_dropped += 1;
                    }
                    events.push_back(WorldEvent { tick, kind, subject, body: body.to_vec() });
                }
                Ok(BatchRecord::OwnerValues { values, .. }) => {
                    for (component, bytes) in values {
                        owner_values.set(component, tick, bytes);
                    }
                    *own_news = own_news.wrapping_add(1);
                }
                Err(_) => counts.damaged += 1,
            }
        }
    }

    /// The scene the character is in, once the server has said so.
    #[must_use]
    pub fn scene(&self) -> Option<&CurrentScene> {
        self.scene.as_ref()
    }

    /// Whether it is in the scene of this epoch.
    pub(super) fn is_in(&self, scene_epoch: u32) -> bool {
        self.scene.as_ref().is_some_and(|scene| scene.epoch == scene_epoch)
    }

    /// What the numbers in records stand for.
    #[must_use]
    pub fn wire(&self) -> &WireTable {
        &self.wire
    }

    /// A component's place in the wire table.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<u8> {
        bit(&self.wire, name)
    }

    /// The name of an event.
    #[must_use]
    pub fn event_name(&self, kind: u16) -> Option<&str> {
        self.wire.events.get(usize::from(kind)).map(String::as_str)
    }

    /// The newest own state.
    #[must_use]
    pub fn own(&self) -> &OwnState {
        &self.own
    }

    /// The newest bytes of a component of the own character, those only it receives included.
    #[must_use]
    pub fn own_value(&self, component: u8) -> Option<&[u8]> {
        let seen = || self.entities.own()?.value(component);
        self.owner_values.value(component).or_else(seen)
    }

    /// A number that is another one whenever [`ClientWorld::own_value`] may answer otherwise than before, of anything but
    /// place and heading: for who looks at the own character in every tick, as it spares the looking.
    #[must_use]
    pub fn own_news(&self) -> u32 {
        self.own_news
    }

    /// Has this world use `known` if that says the same as its own table, so that the clients of one process read one copy;
    /// else `known` becomes its own.
    pub(super) fn share_wire(&mut self, known: &mut Arc<WireTable>) {
        if *known == self.wire {
            self.wire = Arc::clone(known);
        } else {
            *known = Arc::clone(&self.wire);
        }
    }

    /// The entities in view, by id.
    pub fn entities(&self) -> impl ExactSizeIterator<Item = &RemoteEntity> {
        self.entities.iter()
    }

    /// An entity in view.
    #[must_use]
    pub fn entity(&self, id: SimId) -> Option<&RemoteEntity> {
        self.entities.get(id)
    }

    /// The last known position of an entity in view, in metres; not interpolated.
    #[must_use]
    pub fn position(&self, id: SimId) -> Option<Vec3> {
        Position::from_wire(self.entities.get(id)?.value(self.places.position?)?)
    }

    /// Where to draw an entity at a moment in server ticks.
    #[must_use]
    pub fn pose(&self, id: SimId, moment: f64) -> Option<Pose> {
        self.entities.get(id)?.track.at(moment, (self.newest_tick, self.whole_tick))
    }

    /// The newest server tick heard of.
    #[must_use]
    pub fn newest_tick(&self) -> u32 {
        self.newest_tick
    }

    /// Newest frame applied, and a bit for each of the 32 before it: what an input acknowledges.
    #[must_use]
    pub fn frame_acks(&self) -> (u32, u32) {
        (self.applied.newest(), self.applied.bits())
    }

    /// The newest batch applied, 0 before the first.
    #[must_use]
    pub fn batch_ack(&self) -> u32 {
        self.batch_ack
    }

    /// Takes the oldest event nobody has taken.
    pub fn take_event(&mut self) -> Option<WorldEvent> {
        self.events.pop_front()
    }

    /// What did not fit so far.
    #[must_use]
    pub fn counts(&self) -> &WorldCounts {
        &self.counts
    }
}

fn bit(wire: &WireTable, name: &str) -> Option<u8> {
    wire.components.iter().position(|component| component.name == name).and_then(|bit| u8::try_from(bit).ok())
}

#[cfg(test)]
mod tests;
