//! Things: a stack of one item, what a single piece has of its own, and what is left of an item that the game data no
//! longer has. On the wire a thing is:
//!
//! | bytes | what |
//! | --- | --- |
//! | varint | item + 1; 0 for one that the game data no longer has |
//! | varint | count |
//! | `u8` | bit 0: bound, bit 1: a piece with something of its own, and then |
//! | varint | charges |

use crate::assets::{Assets, Id, ItemDef};
use crate::digest::{Digest, Digester};
use crate::wire::{Reader, put_varint};

/// Most bytes of an item's name that a reader accepts.
const NAME_BYTES_MAX: usize = 256;

/// Some of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// Which item.
    pub item: Id<ItemDef>,
    /// How many, from 1.
    pub count: u32,
    /// Whether it is its owner's for good.
    pub bound: bool,
    /// What it has of its own; only for a single piece.
    pub piece: Option<Box<Piece>>,
}

/// What a single piece has of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Piece {
    /// No two pieces have the same, in any scene of a server's life.
    pub serial: u64,
    /// Uses left.
    pub charges: u32,
}

/// What is left of an item that the game data no longer has: enough to bring it back when it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relic {
    /// The item's id, such as `item/silver_ring`.
    pub name: String,
    /// How many.
    pub count: u32,
    /// Whether it was its owner's for good.
    pub bound: bool,
    /// What it had of its own.
    pub piece: Option<Box<Piece>>,
}

/// What lies in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// Some of an item.
    Stack(Stack),
    /// What is left of an item that the game data no longer has.
    Relic(Relic),
}

/// A thing as its owner's client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThingSeen {
    /// Which item; `None` for one that the game data no longer has.
    pub item: Option<Id<ItemDef>>,
    /// How many.
    pub count: u32,
    /// Whether it is its owner's for good.
    pub bound: bool,
    /// Uses left, for a piece that counts them.
    pub charges: Option<u32>,
}

impl Stack {
    /// So many of an item with nothing of their own.
    #[must_use]
    pub const fn plain(item: Id<ItemDef>, count: u32) -> Self {
        Self { item, count, bound: false, piece: None }
    }

    /// Whether two stacks may become one.
    #[must_use]
    pub fn joins(&self, other: &Self) -> bool {
        self.item == other.item && self.bound == other.bound && self.piece.is_none() && other.piece.is_none()
    }
}

impl Thing {
    /// The stack, if the game data has the item.
    #[must_use]
    pub const fn stack(&self) -> Option<&Stack> {
        match self {
            Self::Stack(stack) => Some(stack),
            Self::Relic(_) => None,
        }
    }

    /// How many.
    #[must_use]
    pub const fn count(&self) -> u32 {
        match self {
            Self::Stack(stack) => stack.count,
            Self::Relic(relic) => relic.count,
        }
    }

    /// Takes some off; what is left of it is at least one.
    pub(super) const fn take(&mut self, count: u32) {
        match self {
            Self::Stack(stack) => stack.count -= count,
            Self::Relic(relic) => relic.count -= count,
        }
    }

    /// The thing in other game data: items keep their names, relics come back, and what is no longer there becomes one.
    #[must_use]
    pub fn renamed(self, name_of: impl Fn(Id<ItemDef>) -> String, by_name: impl Fn(&str) -> Option<Id<ItemDef>>) -> Self {
        let relic = match self {
            Self::Stack(Stack { item, count, bound, piece }) => Relic { name: name_of(item), count, bound, piece },
            Self::Relic(relic) => relic,
        };
        match by_name(&relic.name) {
            Some(item) => {
                Self::Stack(Stack { item, count: relic.count, bound: relic.bound, piece: relic.piece })
            }
            None => Self::Relic(relic),
        }
    }

    /// Writes it as its owner's client sees it.
    pub fn put(&self, out: &mut Vec<u8>) {
        let (item, count, bound, piece) = match self {
            Self::Stack(stack) => (stack.item.raw() + 1, stack.count, stack.bound, &stack.piece),
            Self::Relic(relic) => (0, relic.count, relic.bound, &relic.piece),
        };
        put_varint(out, item);
        put_varint(out, count);
        out.push(u8::from(bound) | u8::from(piece.is_some()) << 1);
        if let Some(piece) = piece {
            put_varint(out, piece.charges);
        }
    }

    /// Writes it by the item's name, with everything it has of its own.
    pub fn save(&self, out: &mut Vec<u8>, assets: &Assets) {
        let (name, count, bound, piece) = match self {
            Self::Stack(stack) => (assets.items[stack.item].id.as_str(), stack.count, stack.bound, &stack.piece),
            Self::Relic(relic) => (relic.name.as_str(), relic.count, relic.bound, &relic.piece),
        };
        put_varint(out, u32::try_from(name.len()).unwrap_or(0));
        out.extend_from_slice(name.as_bytes());
        put_varint(out, count);
        out.push(u8::from(bound) | u8::from(piece.is_some()) << 1);
        if let Some(piece) = piece {
            out.extend_from_slice(&piece.serial.to_le_bytes());
            put_varint(out, piece.charges);
        }
    }

    /// Reads what `save` wrote.
    pub fn load(reader: &mut Reader<'_>, assets: &Assets) -> Option<Self> {
        let name = reader.prefixed().filter(|name| name.len() <= NAME_BYTES_MAX)?;
        let name = String::from_utf8(name.to_vec()).ok()?;
        let (count, flags) = (reader.varint().filter(|&count| count > 0)?, reader.u8()?);
        let piece = match flags & 2 {
            0 => None,
            _ => Some(Box::new(Piece { serial: reader.u64()?, charges: reader.varint()? })),
        };
        let relic = Self::Relic(Relic { name, count, bound: flags & 1 == 1, piece });
        Some(relic.renamed(|_| String::new(), |name| assets.items.by_name(name)))
    }
}

impl ThingSeen {
    /// Reads a thing.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        let item = reader.varint()?.checked_sub(1).map(Id::new);
        let (count, flags) = (reader.varint()?, reader.u8()?);
        let charges = if flags & 2 == 0 { None } else { Some(reader.varint()?) };
        Some(Self { item, count, bound: flags & 1 == 1, charges })
    }

    /// What is seen of a thing.
    #[must_use]
    pub fn of(thing: &Thing) -> Self {
        match thing {
            Thing::Stack(Stack { item, count, bound, piece }) => {
                Self { item: Some(*item), count: *count, bound: *bound, charges: piece.as_ref().map(|own| own.charges) }
            }
            Thing::Relic(Relic { count, bound, piece, .. }) => {
                Self { item: None, count: *count, bound: *bound, charges: piece.as_ref().map(|own| own.charges) }
            }
        }
    }
}

impl Digest for Thing {
    fn digest(&self, digester: &mut Digester) {
        let (count, bound, piece) = match self {
            Self::Stack(Stack { item, count, bound, piece }) => {
                digester.u32(item.raw() + 1);
                (count, bound, piece)
            }
            Self::Relic(Relic { name, count, bound, piece }) => {
                digester.bytes(name.as_bytes());
                (count, bound, piece)
            }
        };
        digester.u32(*count);
        digester.u32(u32::from(*bound));
        if let Some(piece) = piece {
            digester.u64(piece.serial);
            digester.u32(piece.charges);
        }
    }
}
