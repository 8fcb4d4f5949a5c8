//! What a client may see, in wire order: the [`list`] below is the only place where the foundation names
//! features' components and events. A component is registered with `app.replicate::<T>()`, an event with
//! `app.add_client_event::<T>()`; the network layer knows them through [`WireLists`] alone, so a feature added
//! from outside travels without a change to it.
//!
//! Replicate stage: `mark` systems collect what changed into [`Changes`]; nothing runs when nobody watches.
//! A replicated component is never removed while its entity lives: "nothing" is one of its values.

use bevy_app::App;
use bevy_ecs::prelude::*;

use crate::actor::{Heading, Kind, Name, Position};
use crate::features::{buffs, combat, doors, equipment, loot, monsters, party, progress, pvp, skills, world_events};
use crate::ids::SimId;
use crate::roster::Roster;
use crate::tick::{Tick, TickSystems};

/// Everything a client may see.
pub fn list(app: &mut App) {
    app.replicate::<Position>()
        .replicate::<Heading>()
        .replicate::<combat::Vitals>()
        .replicate::<skills::Casting>()
        .replicate::<buffs::ActiveBuffs>()
        .replicate::<Kind>()
        .replicate::<Name>()
        .replicate::<skills::Mana>()
        .replicate::<loot::Bag>()
        .replicate::<loot::Pile>()
        .replicate::<doors::DoorState>()
        .replicate::<party::Party>()
        .replicate::<equipment::Equipment>()
        .replicate::<equipment::Outfit>()
        .replicate::<buffs::BreakBar>()
        .replicate::<combat::Level>()
        .replicate::<combat::Allegiance>()
        .replicate::<progress::Progress>()
        .replicate::<skills::Cooldowns>()
        .replicate::<skills::InFlight>()
        .replicate::<skills::Lasting>()
        .replicate::<combat::Respawn>();
    app.add_client_event::<combat::HealthChanged>()
        .add_client_event::<combat::Died>()
        .add_client_event::<skills::CastEnded>()
        .add_client_event::<loot::LootTaken>()
        .add_client_event::<loot::LootRollStarted>()
        .add_client_event::<loot::LootRolled>()
        .add_client_event::<loot::LootWon>()
        .add_client_event::<world_events::Announced>()
        .add_client_event::<progress::ExperienceGained>()
        .add_client_event::<progress::LeveledUp>()
        .add_client_event::<pvp::DuelTold>()
        .add_client_event::<combat::ReturnOffered>()
        .add_client_event::<monsters::Said>();
}

/// Who receives a component, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Everyone who sees the entity, in datagrams; the newest value wins.
    Viewers,
    /// Everyone who sees the entity, once, when it comes into view: for what never changes.
    OnEnter,
    /// The player whose character it is, on the stream.
    Owner,
}

/// Bytes of a value on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueSize {
    /// Always this many, at most 255.
    Bytes(u8),
    /// A varint length comes first.
    Prefixed,
}

/// A component that clients may see.
pub trait Replicate: Component {
    /// Stable name on the wire.
    const NAME: &'static str;
    /// Who receives it.
    const AUDIENCE: Audience = Audience::Viewers;
    /// Bytes of a value.
    const SIZE: ValueSize = ValueSize::Prefixed;
    /// Appends the value, without its length.
    fn encode(&self, out: &mut Vec<u8>);
}

/// Something that happened to an entity and that everyone who sees it, or its player alone, is told, in order, on the
/// stream.
pub trait ClientEvent: Message {
    /// Stable name on the wire.
    const NAME: &'static str;
    /// Who is told: everyone who sees the subject, or only the player whose character it is.
    const AUDIENCE: Audience = Audience::Viewers;
    /// The entity whose viewers are told.
    fn subject(&self) -> SimId;
    /// Another entity that the first four bytes of the body name. A client that does not see it reads 0 there.
    fn other(&self) -> Option<SimId> {
        None
    }
    /// Appends the event's body.
    fn encode(&self, out: &mut Vec<u8>);
}

/// One entry of the list of components.
#[derive(Clone, Copy)]
pub struct ReplicatedEntry {
    /// Stable name.
    pub name: &'static str,
    /// Who receives it.
    pub audience: Audience,
    /// Bytes of a value.
    pub size: ValueSize,
    encode: fn(EntityRef<'_>, &mut Vec<u8>) -> bool,
}

impl ReplicatedEntry {
    /// Appends an entity's value, with its length if it has one; false when the entity has no such component.
    pub fn encode(&self, entity: EntityRef<'_>, out: &mut Vec<u8>) -> bool {
        (self.encode)(entity, out)
    }
}

/// The lists behind the wire's numbers, in wire order.
#[derive(Resource, Default, Clone)]
pub struct WireLists {
    /// Replicated components; at most 32.
    pub components: Vec<ReplicatedEntry>,
    /// Names of events.
    pub events: Vec<&'static str>,
}

impl WireLists {
    /// A mask with the bits of all components of an audience.
    #[must_use]
    pub fn mask_of(&self, audience: Audience) -> u32 {
        (0_u32..)
            .zip(&self.components)
            .filter(|(_, entry)| entry.audience == audience)
            .fold(0, |mask, (bit, _)| mask | 1 << bit)
    }
}

/// What changed in this tick, by the entities' dense index. Valid from the Replicate stage's
/// [`ReplicateSystems::Mark`] on.
#[derive(Resource, Default)]
pub struct Changes {
    masks: Vec<u32>,
    touched: Vec<SimId>,
    events: Vec<EventRecord>,
    bodies: Vec<u8>,
    watched: bool,
}

/// One event of this tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRecord {
    /// Index in [`WireLists::events`].
    pub kind: u16,
    /// Whose viewers are told.
    pub subject: SimId,
    /// Another entity that the first four bytes of the body name, for those who see it.
    pub other: Option<SimId>,
    /// Whether only the player whose character is the subject is told.
    pub owner_only: bool,
    start: u32,
    end: u32,
}

impl Changes {
    /// Asks for changes to be collected; the network layer does so while anyone is connected.
    pub fn watch(&mut self, watched: bool) {
        self.watched = watched;
    }

    /// Changed components of an entity as bits in wire order.
    #[must_use]
    pub fn mask(&self, id: SimId) -> u32 {
        self.masks.get(id.index()).copied().unwrap_or(0)
    }

    /// Every entity with a changed component, each once, in no particular order.
    #[must_use]
    pub fn touched(&self) -> &[SimId] {
        &self.touched
    }

    /// The events of this tick, by kind and then in the order they happened.
    #[must_use]
    pub fn events(&self) -> &[EventRecord] {
        &self.events
    }

    /// The body of an event.
    #[must_use]
    pub fn body(&self, event: &EventRecord) -> &[u8] {
        self.bodies.get(event.start as usize..event.end as usize).unwrap_or_default()
    }

    fn mark(&mut self, id: SimId, bit: u32) {
        if let Some(mask) = self.masks.get_mut(id.index()) {
            if *mask == 0 {
                self.touched.push(id);
            }
            *mask |= 1 << bit;
        }
    }
}

/// Order within the Replicate stage.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplicateSystems {
    /// What changed is collected.
    Mark,
    /// What changed becomes bytes per client.
    Encode,
}

/// One place in the chain of marking systems.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct MarkStep(u32);

/// Registration of what clients may see.
pub trait ReplicateApp {
    /// Adds a component to the end of the wire's list.
    ///
    /// # Panics
    /// With more than 32 components: the mask of a record has 32 bits.
    fn replicate<T: Replicate>(&mut self) -> &mut Self;
    /// Adds an event to the end of the wire's list.
    fn add_client_event<T: ClientEvent>(&mut self) -> &mut Self;
}

impl ReplicateApp for App {
    fn replicate<T: Replicate>(&mut self) -> &mut Self {
        let mut lists = self.world_mut().resource_mut::<WireLists>();
        let bit = u32::try_from(lists.components.len()).unwrap_or(u32::MAX);
        assert!(bit < 32, "a record's mask has 32 bits; `{}` does not fit", T::NAME);
        let entry = ReplicatedEntry { name: T::NAME, audience: T::AUDIENCE, size: T::SIZE, encode: encode_value::<T> };
        lists.components.push(entry);
        if T::AUDIENCE == Audience::OnEnter {
            return self;
        }
        let mark = move |changed: Query<&SimId, Changed<T>>, mut changes: ResMut<Changes>| {
            changed.iter().for_each(|&id| changes.mark(id, bit));
        };
        add_mark_step(self, mark.run_if(watched));
        self
    }

    fn add_client_event<T: ClientEvent>(&mut self) -> &mut Self {
        self.add_message::<T>();
        let mut lists = self.world_mut().resource_mut::<WireLists>();
        let kind = u16::try_from(lists.events.len()).unwrap_or(u16::MAX);
        lists.events.push(T::NAME);
        let owner_only = T::AUDIENCE == Audience::Owner;
        let collect = move |mut happened: MessageReader<T>, mut changes: ResMut<Changes>| {
            let Changes { events, bodies, watched, .. } = &mut *changes;
            for event in happened.read().filter(|_| *watched) {
                let start = u32::try_from(bodies.len()).unwrap_or(u32::MAX);
                event.encode(bodies);
                let end = u32::try_from(bodies.len()).unwrap_or(u32::MAX);
                events.push(EventRecord {
                    kind,
                    subject: event.subject(),
                    other: event.other(),
                    owner_only,
                    start,
                    end,
                });
            }
        };
        add_mark_step(self, collect.into_configs());
        self
    }
}

/// Prepares the lists; the features' entries follow from [`list`].
pub fn plugin(app: &mut App) {
    app.init_resource::<WireLists>().init_resource::<Changes>().init_resource::<MarkSteps>();
    app.configure_sets(Tick, (ReplicateSystems::Mark, ReplicateSystems::Encode).chain().in_set(TickSystems::Replicate));
    add_mark_step(app, forget_last_tick.into_configs());
    list(app);
}

#[derive(Resource, Default)]
struct MarkSteps(u32);

fn add_mark_step(app: &mut App, system: bevy_ecs::schedule::ScheduleConfigs<bevy_ecs::system::ScheduleSystem>) {
    let mut steps = app.world_mut().resource_mut::<MarkSteps>();
    let step = steps.0;
    steps.0 += 1;
    app.configure_sets(Tick, MarkStep(step).in_set(ReplicateSystems::Mark));
    if let Some(previous) = step.checked_sub(1) {
        app.configure_sets(Tick, MarkStep(step).after(MarkStep(previous)));
    }
    app.add_systems(Tick, system.in_set(MarkStep(step)));
}

fn watched(changes: Res<Changes>) -> bool {
    changes.watched
}

fn forget_last_tick(mut changes: ResMut<Changes>, roster: Res<Roster>) {
    let Changes { masks, touched, events, bodies, .. } = &mut *changes;
    masks.resize(roster.index_end(), 0);
    for id in touched.drain(..) {
        if let Some(mask) = masks.get_mut(id.index()) {
            *mask = 0;
        }
    }
    events.clear();
    bodies.clear();
}

fn encode_value<T: Replicate>(entity: EntityRef<'_>, out: &mut Vec<u8>) -> bool {
    let Some(value) = entity.get::<T>() else { return false };
    match T::SIZE {
        ValueSize::Bytes(_) => value.encode(out),
        ValueSize::Prefixed => {
            // One byte of length is almost always enough; the rest is moved when it is not.
            let start = out.len();
            out.push(0);
            value.encode(out);
            let value_bytes = out.len() - start - 1;
            if let Ok(length @ 0..0x80) = u8::try_from(value_bytes) {
                out[start] = length;
            } else {
                let mut prefix = Vec::new();
                crate::wire::put_varint(&mut prefix, u32::try_from(value_bytes).unwrap_or(u32::MAX));
                out.splice(start..=start, prefix);
            }
        }
    }
    true
}
