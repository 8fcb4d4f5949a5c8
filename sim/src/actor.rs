//! The components that every acting thing has, whichever feature made it: a place, a facing, a body, a side.
//! Players and monsters are both actors and differ only in who writes their intents. Features attach their
//! own components to all actors with `app.register_required_components::<Actor, ...>()`.

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use crate::assets::{Id, MovementDef};
use crate::digest::{Digest, Digester};
use crate::intent::MoveIntent;
use crate::locomotion::SPEED_BP_NORMAL;
use crate::replicated::{Audience, Replicate, ValueSize};
use crate::wire::{Reader, put_varint};

/// Something that moves and fights. Brings the foundation's components along; features add theirs.
#[derive(Component, Debug, Clone, Copy, Default)]
#[require(Position, Heading, Motion, Girth, Faction, Concealment, Kind, MoveIntent)]
pub struct Actor;

/// Feet position in metres: x east, y up, z north. Written in the Move stage and by forced moves.
#[derive(Component, Debug, Clone, Copy, PartialEq, Default)]
pub struct Position(pub Vec3);

impl Position {
    /// The place on the ground plane (x, z).
    #[must_use]
    #[inline]
    pub fn place(self) -> Vec2 {
        Vec2::new(self.0.x, self.0.z)
    }
}

/// Where an actor faces: radians from `+z` towards `+x`. Written in the Move stage.
#[derive(Component, Debug, Clone, Copy, PartialEq, Default)]
pub struct Heading(pub f32);

impl Heading {
    /// The heading that looks along a direction on the ground plane; `None` for a direction of no length.
    #[must_use]
    pub fn along(direction: Vec2) -> Option<Self> {
        (direction.length_squared() > 1e-8).then(|| Self(direction.x.atan2(direction.y)))
    }

    /// Unit direction on the ground plane (x, z).
    #[must_use]
    pub fn direction(self) -> Vec2 {
        Vec2::new(self.0.sin(), self.0.cos())
    }
}

/// How an actor moves. The velocity is written in the Move stage, the speed by whoever holds or hastens it (Resolve).
#[derive(Component, Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// Metres per second; `y` only while falling.
    pub velocity: Vec3,
    /// Basis points of the profile's speed; 0 while the actor may not move.
    pub speed_bp: u16,
}

impl Default for Motion {
    fn default() -> Self {
        Self { velocity: Vec3::ZERO, speed_bp: SPEED_BP_NORMAL }
    }
}

/// The movement profile of an actor: its body and its speed. Written when it is spawned.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile(pub Id<MovementDef>);

/// How much room an actor takes among others, in metres, if not as its profile says. Walls it meets as its profile
/// says. Written when it is spawned.
#[derive(Component, Debug, Clone, Copy, PartialEq, Default)]
pub struct Girth(pub Option<f32>);

/// Nobody can perceive the actor, and nothing is worked out for it: its position is of the tick in which it fell asleep, and
/// systems that have nothing to do for it pass it by with `Without<Asleep>`. Written in the Move stage.
#[derive(Component, Debug, Clone, Copy, PartialEq)]
#[component(storage = "SparseSet")]
pub struct Asleep {
    /// Least x and z of where it may be, in metres.
    pub min: Vec2,
    /// Greatest x and z of where it may be, in metres.
    pub max: Vec2,
}

/// Whose side an actor is on; other sides are enemies. Written when it is spawned.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Faction(pub u32);

impl Faction {
    /// The side of all players.
    pub const PLAYERS: Self = Self::named("players");

    /// The side behind a name in the game data (FNV-1a of it).
    #[must_use]
    pub const fn named(name: &str) -> Self {
        let (bytes, mut hash, mut at) = (name.as_bytes(), 0x811c_9dc5_u32, 0);
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
            at += 1;
        }
        Self(hash)
    }
}

impl Default for Faction {
    fn default() -> Self {
        Self::PLAYERS
    }
}

/// What hides an actor from some eyes; see [`crate::interest`] for the rule.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Concealment {
    /// Only those of one phase see one another.
    pub phase: u16,
    /// Hidden from other factions.
    pub stealth: bool,
    /// Hidden from whoever is neither dead nor a ghost.
    pub ghost: bool,
    /// Sees with the eyes of the dead. Written in Resolve, when an actor dies or returns.
    pub dead: bool,
}

impl Concealment {
    /// What hides somebody in a phase and nothing else.
    #[must_use]
    pub const fn in_phase(phase: u16) -> Self {
        Self { phase, stealth: false, ghost: false, dead: false }
    }

    /// What hides whatever somebody throws or lays down: who strikes out of hiding is found out by that, but
    /// of ghosts the living notice nothing.
    #[must_use]
    pub const fn of_works(self) -> Self {
        Self { ghost: self.ghost, ..Self::in_phase(self.phase) }
    }
}

/// What a client draws: written when the entity is spawned, never changed.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Kind {
    /// Nothing in particular (tests).
    #[default]
    Thing,
    /// A player of the class with this dense index.
    Player(u32),
    /// A monster with this dense index.
    Monster(u32),
    /// Things on the ground.
    Loot,
    /// The door with this index in its scene.
    Door(u32),
    /// A projectile with this dense index.
    Projectile(u32),
    /// An area on the ground with this dense index.
    Area(u32),
}

/// What players read above an entity: written when the entity is spawned, never changed.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct Name(pub String);

/// Greatest coordinate on the wire, in centimetres: five times as far as any scene reaches.
const COORDINATE_CM_MAX: f32 = 8_388_607.0;

impl Position {
    /// Bytes of a place on the wire.
    pub const WIRE_BYTES: usize = 9;

    /// East, up and north in centimetres, as they are replicated; beyond 83 km it is the farthest place there is.
    #[must_use]
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "clamped")]
    pub fn to_cm(self) -> [i32; 3] {
        self.0.to_array().map(|metres| (metres * 100.0).round().clamp(-COORDINATE_CM_MAX, COORDINATE_CM_MAX) as i32)
    }

    /// The same in metres.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "24 bits fit")]
    pub fn from_cm(cm: [i32; 3]) -> Self {
        Self(Vec3::from_array(cm.map(|cm| cm as f32 / 100.0)))
    }

    /// A place in centimetres as it travels: three bytes for each coordinate, low ones first.
    #[must_use]
    #[inline]
    pub fn cm_to_wire(cm: [i32; 3]) -> [u8; Self::WIRE_BYTES] {
        let [[a, b, c, _], [d, e, f, _], [g, h, i, _]] = cm.map(i32::to_le_bytes);
        [a, b, c, d, e, f, g, h, i]
    }

    /// Reads it back; `None` without so many bytes.
    #[must_use]
    #[inline]
    pub fn cm_from_wire(bytes: &[u8]) -> Option<[i32; 3]> {
        let &[a, b, c, d, e, f, g, h, i] = bytes.first_chunk::<{ Self::WIRE_BYTES }>()?;
        // The highest byte comes back by its sign.
        Some([[0, a, b, c], [0, d, e, f], [0, g, h, i]].map(|bytes| i32::from_le_bytes(bytes) >> 8))
    }

    /// Reads a replicated position, in metres.
    #[must_use]
    pub fn from_wire(bytes: &[u8]) -> Option<Vec3> {
        Some(Self::from_cm(Self::cm_from_wire(bytes)?).0)
    }
}

/// `x y z`, each in centimetres, three bytes from low to high.
impl Replicate for Position {
    const NAME: &'static str = "position";
    const SIZE: ValueSize = ValueSize::Bytes(9);
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&Self::cm_to_wire(self.to_cm()));
    }
}

/// One byte: 256ths of a turn.
impl Replicate for Heading {
    const NAME: &'static str = "heading";
    const SIZE: ValueSize = ValueSize::Bytes(1);
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.to_byte());
    }
}

impl Heading {
    /// 256ths of a turn, as they are replicated.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a turn wraps")]
    #[inline]
    pub fn to_byte(self) -> u8 {
        (self.0 / std::f32::consts::TAU * 256.0).round() as i32 as u8
    }

    /// Reads a replicated heading.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self(f32::from(reader.u8()?) / 256.0 * std::f32::consts::TAU))
    }
}

/// A tag byte (0 thing, 1 player, 2 monster, 3 loot, 4 door, 5 projectile, 6 area) and the varint index of what
/// it is.
impl Replicate for Kind {
    const NAME: &'static str = "kind";
    const AUDIENCE: Audience = Audience::OnEnter;
    fn encode(&self, out: &mut Vec<u8>) {
        let (tag, index) = match *self {
            Self::Thing => (0, 0),
            Self::Player(class) => (1, class),
            Self::Monster(monster) => (2, monster),
            Self::Loot => (3, 0),
            Self::Door(door) => (4, door),
            Self::Projectile(projectile) => (5, projectile),
            Self::Area(area) => (6, area),
        };
        out.push(tag);
        put_varint(out, index);
    }
}

impl Kind {
    /// Reads a replicated kind.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        let (tag, index) = (reader.u8()?, reader.varint()?);
        match tag {
            0 => Some(Self::Thing),
            1 => Some(Self::Player(index)),
            2 => Some(Self::Monster(index)),
            3 => Some(Self::Loot),
            4 => Some(Self::Door(index)),
            5 => Some(Self::Projectile(index)),
            6 => Some(Self::Area(index)),
            _ => None,
        }
    }
}

/// UTF-8.
impl Replicate for Name {
    const NAME: &'static str = "name";
    const AUDIENCE: Audience = Audience::OnEnter;
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

impl Digest for Position {
    fn digest(&self, digester: &mut Digester) {
        self.0.to_array().into_iter().for_each(|metres| digester.f32(metres));
    }
}

impl Digest for Heading {
    fn digest(&self, digester: &mut Digester) {
        digester.f32(self.0);
    }
}

impl Digest for Motion {
    fn digest(&self, digester: &mut Digester) {
        self.velocity.to_array().into_iter().for_each(|mps| digester.f32(mps));
        digester.u32(u32::from(self.speed_bp));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_back_within_half_a_centimetre_wherever_it_is() {
        for place in
            [Vec3::new(0.004, -2.5, 499.99), Vec3::new(-499.99, 40.0, -327.6), Vec3::new(10_000.0, -655.36, -16_384.0)]
        {
            let mut bytes = Vec::new();
            Position(place).encode(&mut bytes);
            let read = Position::from_wire(&bytes).unwrap();
            assert!((read - place).abs().max_element() <= 0.0055, "{place} came back as {read}");
        }
        assert_eq!(Position::from_wire(&[0; 8]), None);
        let far = Position(Vec3::new(1e9, f32::NEG_INFINITY, f32::NAN)).to_cm();
        assert_eq!(Position::cm_from_wire(&Position::cm_to_wire(far)), Some([8_388_607, -8_388_607, 0]));
    }
}
