//! The packed records inside frames and batches: written by `outbound`, read by the client library.
//!
//! | where | bytes |
//! | --- | --- |
//! | state frame, repeated | `[index - previous index: varint]` and one of the two below |
//! | somewhere else | a [`CompactPlace`] of 3 to 6 bytes, whose lowest two bits are not `11` |
//! | whatever changed | `11` in the lowest two bits of a byte and values; see [`put_head`] |
//! | batch, repeated | one of the four below |
//! | enter | `1 [id: u32] [mask: varint] values` |
//! | leave | `2 [id: u32]` |
//! | event | `3 [subject id: u32] [kind: varint] [length: varint] body` |
//! | values for the owner | `4 [id: u32] [mask: varint] values` |
//!
//! An entity's `index` is the high part of its id. `values` are those of the mask's set bits in wire order,
//! each of its component's fixed size or behind a varint length. Reading is total: damage is a
//! [`RecordError`], never a panic.

use sim::ids::SimId;
use sim::wire::{Reader, put_varint};
use smallvec::SmallVec;

use crate::protocol::WireTable;

mod place;

pub use place::{COMPACT_STEP_CM_MAX, COMPACT_TICKS, CompactPlace, WIDE_TICKS};

/// Lowest bits of a state record's first byte that has values.
const VALUES_TAG: u8 = 0b11;
/// Components that fit in the first byte of a state record.
const HEAD_MASK_BITS: u32 = 6;

const ENTER: u8 = 1;
const LEAVE: u8 = 2;
const EVENT: u8 = 3;
const OWNER_VALUES: u8 = 4;

/// Damage in packed records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("packed records are damaged")]
pub struct RecordError;

/// Values of one entity: the component's place in the wire table, and its bytes without the length.
pub type Values<'a> = SmallVec<[(u8, &'a [u8]); 4]>;

/// One record of a state frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRecord<'a> {
    /// Index of the entity that holds it now.
    pub index: u32,
    /// What is new.
    pub news: StateNews<'a>,
}

/// What is new about an entity in a state frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateNews<'a> {
    /// Nothing but its place, and perhaps where it faces, told by the way from where it was.
    Place(CompactPlace),
    /// Whatever changed, each value as it is.
    Values(Values<'a>),
}

/// One record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchRecord<'a> {
    /// An entity came into view.
    Enter {
        /// Which.
        id: SimId,
        /// All it has to show.
        values: Values<'a>,
    },
    /// An entity went out of view.
    Leave {
        /// Which.
        id: SimId,
    },
    /// Something happened.
    Event {
        /// Place in [`WireTable::events`].
        kind: u16,
        /// The entity it happened to.
        subject: SimId,
        /// The event's body.
        body: &'a [u8],
    },
    /// Values that only the owner receives.
    OwnerValues {
        /// The receiver's character.
        id: SimId,
        /// What is new.
        values: Values<'a>,
    },
}

/// Reads the records of a state frame.
pub fn read_state<'a>(
    records: &'a [u8],
    table: &'a WireTable,
) -> impl Iterator<Item = Result<StateRecord<'a>, RecordError>> + 'a {
    let (mut reader, mut index) = (Reader::new(records), 0_u32);
    read_all(move || {
        (!reader.is_empty()).then(|| {
            index = reader.varint().and_then(|delta| index.checked_add(delta))?;
            Some(StateRecord { index, news: read_news(&mut reader, table)? })
        })
    })
}

/// Reads the records of a batch.
pub fn read_batch<'a>(
    records: &'a [u8],
    table: &'a WireTable,
) -> impl Iterator<Item = Result<BatchRecord<'a>, RecordError>> + 'a {
    let mut reader = Reader::new(records);
    read_all(move || (!reader.is_empty()).then(|| read_batch_record(&mut reader, table)))
}

/// Turns "nothing left", "one more" and "damaged" into an iterator that ends at the first damage.
fn read_all<T>(mut next: impl FnMut() -> Option<Option<T>>) -> impl Iterator<Item = Result<T, RecordError>> {
    let mut damaged = false;
    std::iter::from_fn(move || {
        if damaged {
            return None;
        }
        let record = next()?;
        damaged = record.is_none();
        Some(record.ok_or(RecordError))
    })
}

fn read_batch_record<'a>(reader: &mut Reader<'a>, table: &WireTable) -> Option<BatchRecord<'a>> {
    match reader.u8()? {
        ENTER => Some(BatchRecord::Enter { id: SimId::from_bits(reader.u32()?), values: read_values(reader, table)? }),
        LEAVE => Some(BatchRecord::Leave { id: SimId::from_bits(reader.u32()?) }),
        EVENT => {
            let subject = SimId::from_bits(reader.u32()?);
            let kind = u16::try_from(reader.varint()?).ok()?;
            Some(BatchRecord::Event { kind, subject, body: reader.prefixed()? })
        }
        OWNER_VALUES => {
            Some(BatchRecord::OwnerValues { id: SimId::from_bits(reader.u32()?), values: read_values(reader, table)? })
        }
        _ => None,
    }
}

fn read_news<'a>(reader: &mut Reader<'a>, table: &WireTable) -> Option<StateNews<'a>> {
    let head = reader.u8()?;
    if head & VALUES_TAG != VALUES_TAG {
        return CompactPlace::read(head, reader).map(StateNews::Place);
    }
    let mask = match u32::from(head >> VALUES_TAG.count_ones()) {
        0 => reader.varint()?,
        mask => mask,
    };
    read_values_of(mask, reader, table).map(StateNews::Values)
}

fn read_values<'a>(reader: &mut Reader<'a>, table: &WireTable) -> Option<Values<'a>> {
    let mask = reader.varint()?;
    read_values_of(mask, reader, table)
}

fn read_values_of<'a>(mut mask: u32, reader: &mut Reader<'a>, table: &WireTable) -> Option<Values<'a>> {
    let mut values = Values::new();
    while mask != 0 {
        let bit = mask.trailing_zeros();
        mask &= mask - 1;
        let component = table.components.get(bit as usize)?;
        let bytes = match component.value_bytes {
            0 => reader.prefixed()?,
            fixed => reader.take(usize::from(fixed))?,
        };
        values.push((u8::try_from(bit).ok()?, bytes));
    }
    Some(values)
}

/// Appends the head of a state record with values, which follow: the mask stands above the tag when it fits there and
/// is not empty, else behind it as a varint.
pub fn put_head(out: &mut Vec<u8>, mask: u32) {
    match u8::try_from(mask) {
        Ok(short @ 1..) if mask < 1 << HEAD_MASK_BITS => out.push(short << VALUES_TAG.count_ones() | VALUES_TAG),
        _ => {
            out.push(VALUES_TAG);
            put_varint(out, mask);
        }
    }
}

/// Appends the head of an enter record; mask and values follow.
pub(crate) fn put_enter(out: &mut Vec<u8>, id: SimId) {
    out.push(ENTER);
    out.extend_from_slice(&id.bits().to_le_bytes());
}

/// Appends a leave record.
pub(crate) fn put_leave(out: &mut Vec<u8>, id: SimId) {
    out.push(LEAVE);
    out.extend_from_slice(&id.bits().to_le_bytes());
}

/// Appends an event record.
pub(crate) fn put_event(out: &mut Vec<u8>, kind: u16, subject: SimId, body: &[u8]) {
    out.push(EVENT);
    out.extend_from_slice(&subject.bits().to_le_bytes());
    put_varint(out, u32::from(kind));
    put_varint(out, u32::try_from(body.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(body);
}

/// Appends the head of an owner record; mask and values follow.
pub(crate) fn put_owner(out: &mut Vec<u8>, id: SimId) {
    out.push(OWNER_VALUES);
    out.extend_from_slice(&id.bits().to_le_bytes());
}
