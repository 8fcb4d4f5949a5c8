//! Things: a stack of one item, what a single piece has of its own, and what is left of an item that the game data no
//! longer has. On the wire a thing is:
//!
//! | bytes | what |
//! | --- | --- |
//! | varint | item + 1; 0 for one that the game data no longer has |
//! | varint | count |
//! | `u8` | bit 0: bound, bit 1: a piece with something of its own, and then |
//! | varint | charges |
//! | varint | count of rolls, and for each: varint attribute, operation byte, zigzag varint amount |

use smallvec::SmallVec;

use crate::assets::{Assets, AttributeId, Bind, Id, ItemDef, ModifierOp, RollOp};
use crate::digest::{Digest, Digester};
use crate::epoch::EpochSwap;
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
    /// Tells pieces apart, of all scenes and all runs: given by the [`Mint`](crate::ids::Mint) of the scene it is made in.
    pub serial: u128,
    /// Uses left; 0 for one that does not count them.
    pub charges: u32,
    /// What differs from piece to piece.
    pub rolls: SmallVec<[Roll; 2]>,
}

/// A change of an attribute that one piece brings and another does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roll {
    /// Which attribute.
    pub attribute: AttributeId,
    /// How.
    pub op: RollOp,
    /// How much.
    pub amount: i32,
}

impl Roll {
    /// The operation on the attribute.
    #[must_use]
    pub const fn modifier(self) -> ModifierOp {
        self.op.with(self.amount)
    }
}

/// Operations in the order of their bytes on the wire.
const OPS: [RollOp; 3] = [RollOp::Flat, RollOp::Increased, RollOp::More];
/// Rolls of a piece that a reader accepts; data gives a handful.
const ROLLS_MAX: u32 = 64;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThingSeen {
    /// Which item; `None` for one that the game data no longer has.
    pub item: Option<Id<ItemDef>>,
    /// How many.
    pub count: u32,
    /// Whether it is its owner's for good.
    pub bound: bool,
    /// What it has of its own; the serial stays the server's.
    pub piece: Option<Box<Piece>>,
}

impl Stack {
    /// So many of an item with nothing of their own.
    #[must_use]
    pub const fn plain(item: Id<ItemDef>, count: u32) -> Self {
        Self { item, count, bound: false, piece: None }
    }

    /// The stack as it is once it is in a bag.
    #[must_use]
    pub fn as_picked_up(&self, def: &ItemDef) -> Self {
        Self { bound: self.bound || def.bind == Bind::OnPickup, ..self.clone() }
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

    /// The thing after an exchange of the game data: an item that is gone leaves a relic, one that is back is itself again.
    /// `None` when nothing changes.
    #[must_use]
    pub fn following(&self, swap: &EpochSwap) -> Option<Self> {
        match self {
            Self::Stack(Stack { item, count, bound, piece }) if swap.is_gone(*item) => {
                let (name, piece) = (swap.old.items[*item].id.clone(), piece.clone());
                Some(Self::Relic(Relic { name, count: *count, bound: *bound, piece }))
            }
            Self::Stack(_) => None,
            Self::Relic(relic) => relic.back(&swap.new),
        }
    }

    /// Writes it as its owner's client sees it.
    pub fn put(&self, out: &mut Vec<u8>) {
        ThingSeen::of(self).put(out);
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
            put_varint(out, u32::try_from(piece.rolls.len()).unwrap_or(0));
            for roll in &piece.rolls {
                let def = assets.attributes.get(roll.attribute);
                let name = def.and_then(|def| def.id.split_once('/')).map_or("", |(_, name)| name);
                put_varint(out, u32::try_from(name.len()).unwrap_or(0));
                out.extend_from_slice(name.as_bytes());
                out.push(roll.op as u8);
                out.extend_from_slice(&roll.amount.to_le_bytes());
            }
        }
    }

    /// Reads what `save` wrote.
    pub fn load(reader: &mut Reader<'_>, assets: &Assets) -> Option<Self> {
        let name = reader.prefixed().filter(|name| name.len() <= NAME_BYTES_MAX)?;
        let name = String::from_utf8(name.to_vec()).ok()?;
        let (count, flags) = (reader.varint().filter(|&count| count > 0)?, reader.u8()?);
        let piece = match flags & 2 {
            0 => None,
            _ => Some(Box::new(Piece::load(reader, assets)?)),
        };
        let relic = Relic { name, count, bound: flags & 1 == 1, piece };
        Some(relic.back(assets).unwrap_or(Self::Relic(relic)))
    }
}

impl Relic {
    /// The thing itself again, if the game data has its item.
    fn back(&self, assets: &Assets) -> Option<Thing> {
        let item = assets.items.by_name(&self.name)?;
        Some(Thing::Stack(Stack { item, count: self.count, bound: self.bound, piece: self.piece.clone() }))
    }
}

impl Piece {
    /// Reads serial, charges and rolls; a roll of an attribute that the game data no longer has is lost.
    fn load(reader: &mut Reader<'_>, assets: &Assets) -> Option<Self> {
        let (low, high, charges) = (reader.u64()?, reader.u64()?, reader.varint()?);
        let serial = u128::from(high) << 64 | u128::from(low);
        let count = reader.varint().filter(|&count| count <= ROLLS_MAX)?;
        let mut rolls = SmallVec::new();
        for _ in 0..count {
            let name = std::str::from_utf8(reader.prefixed()?).ok()?;
            let (op, amount) = (*OPS.get(usize::from(reader.u8()?))?, reader.i32()?);
            rolls.extend(assets.attributes.by_name(name).map(|attribute| Roll { attribute, op, amount }));
        }
        Some(Self { serial, charges, rolls })
    }
}

impl ThingSeen {
    /// Reads a thing.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        let item = reader.varint()?.checked_sub(1).map(Id::new);
        let (count, flags) = (reader.varint()?, reader.u8()?);
        let piece = if flags & 2 == 0 { None } else { Some(Box::new(Self::piece_from_wire(reader)?)) };
        Some(Self { item, count, bound: flags & 1 == 1, piece })
    }

    fn piece_from_wire(reader: &mut Reader<'_>) -> Option<Piece> {
        let charges = reader.varint()?;
        let count = reader.varint().filter(|&count| count <= ROLLS_MAX)?;
        let roll = |reader: &mut Reader<'_>| {
            let attribute = AttributeId::new(u16::try_from(reader.varint()?).ok()?);
            let (op, zigzag) = (*OPS.get(usize::from(reader.u8()?))?, reader.varint()?);
            Some(Roll { attribute, op, amount: (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()) })
        };
        let rolls = (0..count).map(|_| roll(reader)).collect::<Option<_>>()?;
        Some(Piece { serial: 0, charges, rolls })
    }

    /// Writes it.
    pub fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.item.map_or(0, |item| item.raw() + 1));
        put_varint(out, self.count);
        out.push(u8::from(self.bound) | u8::from(self.piece.is_some()) << 1);
        if let Some(piece) = &self.piece {
            put_varint(out, piece.charges);
            put_varint(out, u32::try_from(piece.rolls.len()).unwrap_or(0));
            for roll in &piece.rolls {
                put_varint(out, u32::try_from(roll.attribute.index()).unwrap_or(0));
                out.push(roll.op as u8);
                put_varint(out, ((roll.amount << 1) ^ (roll.amount >> 31)).cast_unsigned());
            }
        }
    }

    /// What is seen of a thing.
    #[must_use]
    pub fn of(thing: &Thing) -> Self {
        match thing {
            Thing::Stack(stack) => Self::of_stack(stack),
            Thing::Relic(relic) => {
                let Relic { count, bound, piece, .. } = relic.clone();
                Self { item: None, count, bound, piece: without_serial(piece) }
            }
        }
    }

    /// What is seen of a stack.
    #[must_use]
    pub fn of_stack(stack: &Stack) -> Self {
        let Stack { item, count, bound, piece } = stack.clone();
        Self { item: Some(item), count, bound, piece: without_serial(piece) }
    }
}

fn without_serial(piece: Option<Box<Piece>>) -> Option<Box<Piece>> {
    piece.map(|piece| Box::new(Piece { serial: 0, ..*piece }))
}

impl Digest for Stack {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.item.raw() + 1);
        digest_rest(self.count, self.bound, self.piece.as_deref(), digester);
    }
}

impl Digest for Thing {
    fn digest(&self, digester: &mut Digester) {
        match self {
            Self::Stack(stack) => stack.digest(digester),
            Self::Relic(relic) => {
                digester.bytes(relic.name.as_bytes());
                digest_rest(relic.count, relic.bound, relic.piece.as_deref(), digester);
            }
        }
    }
}

fn digest_rest(count: u32, bound: bool, piece: Option<&Piece>, digester: &mut Digester) {
    digester.u32(count);
    digester.u32(u32::from(bound));
    if let Some(piece) = piece {
        digester.bytes(&piece.serial.to_le_bytes());
        digester.u32(piece.charges);
        for roll in &piece.rolls {
            digester.u64(roll.attribute.index() as u64);
            digester.u32(roll.op as u32);
            digester.i64(i64::from(roll.amount));
        }
    }
}
