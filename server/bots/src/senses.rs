//! What a bot knows in one turn, in game words: itself, and what it sees. Reads the client's replicated bytes
//! and never believes that they can be read.

use std::time::Duration;

use glam::{Vec2, Vec3};
use net::client::ClientSession;
use net::client::world::RemoteEntity;
use sim::actor::{Kind, Position};
use sim::assets::{Assets, ClassDef, CombatDef, SceneDef};
use sim::features::combat::{HealthChanged, Vitals};
use sim::features::doors::DoorState;
use sim::features::skills::{CastEnded, Cooldowns, CooldownsSeen, Mana};
use sim::ids::SimId;
use sim::locomotion::body_shape;
use sim::replicated::{ClientEvent, Replicate};
use sim::space::Geometry;
use sim::space::navmesh::Navmesh;
use sim::wire::Reader;

/// How far ahead a way has to be free, in metres.
const FREE_WAY_M: f32 = 3.0;

/// Places of components in the wire table of the session.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bits {
    pub(crate) kind: Option<u8>,
    pub(crate) door: Option<u8>,
    pub(crate) vitals: Option<u8>,
    mana: Option<u8>,
    pub(crate) cooldowns: Option<u8>,
    pub(crate) position: Option<u8>,
    pub(crate) health_changed: Option<u16>,
    pub(crate) cast_ended: Option<u16>,
}

impl Bits {
    pub(crate) fn of(session: &ClientSession) -> Self {
        let world = session.world();
        Self {
            kind: world.component(Kind::NAME),
            door: world.component(DoorState::NAME),
            vitals: world.component(Vitals::NAME),
            mana: world.component(Mana::NAME),
            cooldowns: world.component(Cooldowns::NAME),
            position: world.component(Position::NAME),
            health_changed: event(session, HealthChanged::NAME),
            cast_ended: event(session, CastEnded::NAME),
        }
    }
}

/// The place of an event in the wire table.
fn event(session: &ClientSession, name: &str) -> Option<u16> {
    let events = &session.world().wire().events;
    events.iter().position(|event| event == name).and_then(|kind| u16::try_from(kind).ok())
}

/// Something in view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) id: SimId,
    pub(crate) kind: Kind,
    pub(crate) position: Vec3,
    pub(crate) vitals: Option<Vitals>,
}

impl Seen {
    /// A monster that can be fought.
    pub(crate) fn is_living_monster(&self) -> bool {
        matches!(self.kind, Kind::Monster(_)) && self.vitals.is_some_and(|vitals| vitals.is_alive())
    }
}

/// What a bot knows in one turn.
pub(crate) struct Senses<'a> {
    pub(crate) session: &'a ClientSession,
    /// The round trip as the connection measures it.
    pub(crate) rtt: Duration,
    pub(crate) bits: Bits,
    pub(crate) assets: &'a Assets,
    pub(crate) scene: &'a SceneDef,
    pub(crate) geometry: &'a Geometry,
    /// With every door open: whoever comes to a closed one opens it.
    pub(crate) navmesh: Option<&'a Navmesh>,
    pub(crate) class: &'a ClassDef,
    /// Where the own character faces: the direction of its last step, as nobody tells a client its own heading.
    pub(crate) facing: Vec2,
    /// Turns taken so far, 20 a second.
    pub(crate) turn: u32,
}

impl Senses<'_> {
    /// The own character.
    pub(crate) fn own_id(&self) -> Option<SimId> {
        self.session.world().scene().map(|scene| scene.own)
    }

    /// Where the own character is, as predicted.
    pub(crate) fn position(&self) -> Vec3 {
        self.session.own_position()
    }

    /// True when nothing stands within a few steps in a direction.
    pub(crate) fn is_way_free(&self, direction: Vec2) -> bool {
        let body = body_shape(&self.assets.movements[self.class.movement.id()]);
        let by = Vec3::new(direction.x, 0.0, direction.y) * FREE_WAY_M;
        self.geometry.sweep(self.position(), by, body).is_none()
    }

    /// The own hit points, once they are known.
    pub(crate) fn vitals(&self) -> Option<Vitals> {
        let bytes = self.session.world().own_value(self.bits.vitals?)?;
        Vitals::from_wire(&mut Reader::new(bytes))
    }

    /// The own mana, once it is known.
    pub(crate) fn mana(&self) -> Option<Mana> {
        let bytes = self.session.world().own_value(self.bits.mana?)?;
        Mana::from_wire(&mut Reader::new(bytes))
    }

    /// The own cooldowns as the server told them; none before it has.
    pub(crate) fn cooldowns(&self) -> CooldownsSeen {
        let bytes = self.bits.cooldowns.and_then(|bit| self.session.world().own_value(bit));
        bytes.and_then(|bytes| Cooldowns::from_wire(&mut Reader::new(bytes))).unwrap_or_default()
    }

    /// The first tick of the server in which something asked for now can be heard.
    pub(crate) fn next_server_tick(&self) -> u32 {
        self.session.world().newest_tick().saturating_add(1)
    }

    /// Everything in view but the own character.
    pub(crate) fn others(&self) -> impl Iterator<Item = Seen> + '_ {
        let own = self.own_id();
        let entities = self.session.world().entities();
        entities.filter(move |entity| Some(entity.id()) != own).filter_map(|entity| self.read(entity))
    }

    /// One thing in view.
    pub(crate) fn other(&self, id: SimId) -> Option<Seen> {
        self.read(self.session.world().entity(id)?)
    }

    fn read(&self, entity: &RemoteEntity) -> Option<Seen> {
        let kind = Kind::from_wire(&mut Reader::new(entity.value(self.bits.kind?)?))?;
        let vitals = self.bits.vitals.and_then(|bit| entity.value(bit));
        let vitals = vitals.and_then(|bytes| Vitals::from_wire(&mut Reader::new(bytes)));
        Some(Seen { id: entity.id(), kind, position: self.session.world().position(entity.id())?, vitals })
    }

    /// Whether something in view is a player's character.
    pub(crate) fn is_player(&self, id: SimId) -> bool {
        self.other(id).is_some_and(|seen| matches!(seen.kind, Kind::Player(_)))
    }

    /// The rules of combat of the scene.
    pub(crate) fn combat_rules(&self) -> &CombatDef {
        &self.assets.combat[self.scene.combat.id()]
    }

    /// The nearest thing in view that is wanted, with its distance in metres.
    pub(crate) fn nearest(&self, wanted: impl Fn(&Seen) -> bool) -> Option<(Seen, f32)> {
        let here = self.position();
        let distances = self.others().filter(|seen| wanted(seen)).map(|seen| (seen, seen.position.distance(here)));
        distances.min_by(|(_, a), (_, b)| a.total_cmp(b))
    }
}
