//! Telling in passing: the short records of all entities of which a client lacks nothing but the last step. That is nearly
//! everything that a server sends, so it is done for many entities at once, step by step: first those are picked that
//! have anything to tell, then their records are put behind their indices, then all are written one behind the other. No
//! branch depends on who has moved.

use sim::ids::SimId;

/// Bytes of a number that a record and its index are put together in.
pub(super) const WORD_BYTES: usize = size_of::<u64>();
/// Entities that are gone past at once.
const LANES: usize = 128;
/// Indices that take two bytes at most.
const GAP_END: u32 = 1 << 14;

/// What a client lacks of an entity that was sent everything up to the last tick, in one word that most need no more
/// than, laid out so that it is written with few instructions: the lowest byte says how many bytes it takes with an index
/// of one byte (0: it lacks nothing; the highest bit: it takes more than a word to tell it), the six above are the record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Passing(u64);

impl Passing {
    const RECORD_BYTES_MAX: usize = 6;
    const LENGTH_BITS: u64 = 0xFF;
    /// It takes a closer look.
    pub(super) const MORE: Self = Self(0x80);

    /// A record in the low bytes of a number, and how many those are.
    pub(super) fn new((word, length): (u64, u8)) -> Self {
        match usize::from(length) {
            0 => Self::default(),
            1..=Self::RECORD_BYTES_MAX => Self(word << 8 | u64::from(length + 1)),
            _ => Self::MORE,
        }
    }

    #[inline]
    const fn is_more(self) -> bool {
        self.0 & Self::MORE.0 != 0
    }

    #[inline]
    const fn is_nothing(self) -> bool {
        self.0 & Self::LENGTH_BITS == 0
    }

    /// The record behind an index below [`GAP_END`], and the bytes of both.
    #[inline]
    fn behind(self, index: u32) -> (u64, u64) {
        let index = u64::from(index);
        // 1 for what takes two bytes: of their varint the bits from the eighth on stand one higher, behind a mark.
        let is_far = index.wrapping_add(u64::from(GAP_END) - 0x80) / u64::from(GAP_END);
        let varint = index.wrapping_add(index & !0x7F).wrapping_add(is_far * 0x80);
        let (record, far) = (self.0 & !Self::LENGTH_BITS, 0_u64.wrapping_sub(is_far));
        (varint | (record & !far) | (record << 8 & far), (self.0 & Self::LENGTH_BITS).wrapping_add(is_far))
    }
}

/// The client's own character, which it reads of elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    pub(super) id: SimId,
    /// There is nothing to tell of it here.
    pub(super) rests: bool,
}

/// What was told of a run of entities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// Entities gone past, from the first.
    pub(super) count: usize,
    /// Those of them that something was told of: how many, the first and the last.
    pub(super) told_count: usize,
    pub(super) told: Option<(SimId, SimId)>,
    /// Bytes of their records.
    pub(super) bytes: usize,
}

/// The lanes of a way past entities, used again and again.
#[derive(Debug)]
pub(super) struct Passage {
    ids: [u32; LANES],
    words: [u64; LANES],
    lengths: [u64; LANES],
}

impl Default for Passage {
    fn default() -> Self {
        Self { ids: [0; LANES], words: [0; LANES], lengths: [0; LANES] }
    }
}

impl Passage {
    /// Goes past entities in the order of their ids and writes the records of those that take no closer look, as long as
    /// there is room for a whole word more than they take. `last` is the last entity told of before, of whom indices are
    /// counted on.
    pub(super) fn pass(
        &mut self,
        ids: &[SimId],
        all: &[Passing],
        own: Own,
        mut last: Option<SimId>,
        room: &mut [u8],
    ) -> Passed {
        // There the way ends, and another begins behind it.
        let met = if own.rests { None } else { ids.binary_search(&own.id).ok() };
        let mut ids = ids.get(..met.unwrap_or(ids.len())).unwrap_or_default();
        let mut passed = Passed::default();
        loop {
            let room = room.get_mut(passed.bytes..).unwrap_or_default();
            let few = ids.get(..(room.len() / WORD_BYTES).saturating_sub(1).min(LANES)).unwrap_or(ids);
            let some = self.pass_some(few, all, own.id, last, room);
            passed.count += some.count;
            passed.told_count += some.told_count;
            passed.bytes += some.bytes;
            if let Some((first, newest)) = some.told {
                last = Some(newest);
                passed.told = Some((passed.told.map_or(first, |(first, _)| first), newest));
            }
            ids = ids.get(some.count..).unwrap_or_default();
            if some.count == 0 || some.count < few.len() {
                return passed;
            }
        }
    }

    /// The same for as many as there are lanes and room for.
    fn pass_some(
        &mut self,
        ids: &[SimId],
        all: &[Passing],
        own: SimId,
        last: Option<SimId>,
        room: &mut [u8],
    ) -> Passed {
        let (mut count, mut told_count) = self.pick(ids, all);
        let is_own = |(first, last): (&SimId, &SimId)| (*first..=*last).contains(&own);
        if ids.first().zip(ids.last()).is_some_and(is_own) {
            told_count -= usize::from(self.leave_out(own, told_count));
        }
        if self.put_behind_indices(told_count, last.map_or(0, index_of)) >= GAP_END {
            (count, told_count) = self.before_gap(ids, told_count, last.map_or(0, index_of));
        }
        let told = self.ids.get(..told_count).and_then(|ids| ids.first().zip(ids.last()));
        let told = told.map(|(&first, &last)| (SimId::from_bits(first), SimId::from_bits(last)));
        Passed { count, told_count, told, bytes: self.write(told_count, room) }
    }

    /// Picks those of the entities that have something to tell, up to the first who has more; answers how many it has gone
    /// past and picked.
    #[inline]
    fn pick(&mut self, ids: &[SimId], all: &[Passing]) -> (usize, usize) {
        let mut picked = 0;
        for (count, id) in ids.iter().enumerate() {
            let passing = all.get(id.index()).copied().unwrap_or(Passing::MORE);
            if passing.is_more() {
                return (count, picked);
            }
            self.ids[picked % LANES] = id.bits();
            self.words[picked % LANES] = passing.0;
            picked = picked.wrapping_add(usize::from(!passing.is_nothing()));
        }
        (ids.len(), picked)
    }

    /// Takes one out that may have been picked.
    fn leave_out(&mut self, id: SimId, picked: usize) -> bool {
        let Some(Ok(at)) = self.ids.get(..picked).map(|ids| ids.binary_search(&id.bits())) else { return false };
        self.ids.copy_within(at + 1..picked, at);
        self.words.copy_within(at + 1..picked, at);
        true
    }

    /// Puts the records of those who were picked behind their indices; answers a number that is not below [`GAP_END`] if
    /// one of those is not.
    #[inline]
    fn put_behind_indices(&mut self, picked: usize, last_index: u32) -> u32 {
        let Self { ids, words, lengths } = self;
        let (ids, words, lengths) = (&ids[..picked], &mut words[..picked], &mut lengths[..picked]);
        let (Some(&first), Some(word), Some(length)) = (ids.first(), words.first_mut(), lengths.first_mut()) else {
            return 0;
        };
        let mut gaps = index_of(SimId::from_bits(first)).wrapping_sub(last_index);
        (*word, *length) = Passing(*word).behind(gaps);
        for ((before, id), (word, length)) in
            ids.iter().zip(&ids[1..]).zip(words[1..].iter_mut().zip(&mut lengths[1..]))
        {
            let gap = index_of(SimId::from_bits(*id)).wrapping_sub(index_of(SimId::from_bits(*before)));
            (*word, *length) = Passing(*word).behind(gap);
            gaps |= gap;
        }
        gaps
    }

    /// How many come before the first whose index is too far from the one before, of all and of those picked.
    #[cold]
    fn before_gap(&self, ids: &[SimId], picked: usize, last_index: u32) -> (usize, usize) {
        let mut before = last_index;
        let is_far = |&id: &u32| {
            let index = index_of(SimId::from_bits(id));
            index.wrapping_sub(std::mem::replace(&mut before, index)) >= GAP_END
        };
        let told_count = self.ids[..picked].iter().position(is_far).unwrap_or(picked);
        let first = self.ids.get(told_count).copied().unwrap_or(u32::MAX);
        (ids.partition_point(|id| id.bits() < first), told_count)
    }

    /// Writes the words one behind the other, each over what was too much of the one before.
    #[inline]
    fn write(&self, told_count: usize, room: &mut [u8]) -> usize {
        let mut at = 0_usize;
        for (word, length) in self.words[..told_count].iter().zip(&self.lengths[..told_count]) {
            if let Some(here) = room.get_mut(at..at.wrapping_add(WORD_BYTES)) {
                here.copy_from_slice(&word.to_le_bytes());
            }
            at = at.wrapping_add(*length as usize);
        }
        at
    }
}

#[allow(clippy::cast_possible_truncation, reason = "20 bits")]
fn index_of(id: SimId) -> u32 {
    id.index() as u32
}

#[cfg(test)]
mod tests {
    use sim::wire::put_varint;

    use super::*;

    /// The same, entity by entity.
    fn brute_force(
        ids: &[SimId],
        all: &[Passing],
        own: Own,
        mut last: Option<SimId>,
        room_bytes: usize,
    ) -> (Passed, Vec<u8>) {
        let (mut passed, mut bytes) = (Passed::default(), Vec::new());
        for &id in ids {
            let Some(&passing) = all.get(id.index()) else { break };
            let gap = index_of(id) - last.map_or(0, index_of);
            if passing.is_more() || (id == own.id && !own.rests) {
                break;
            }
            if !passing.is_nothing() && id != own.id {
                if gap >= GAP_END || room_bytes - bytes.len() < 2 * WORD_BYTES {
                    break;
                }
                put_varint(&mut bytes, gap);
                let length = (passing.0 & Passing::LENGTH_BITS) as usize - 1;
                bytes.extend_from_slice(&(passing.0 >> 8).to_le_bytes()[..length]);
                passed.told_count += 1;
                passed.told = Some((passed.told.map_or(id, |(first, _)| first), id));
                last = Some(id);
            }
            passed.count += 1;
        }
        passed.bytes = bytes.len();
        (passed, bytes)
    }

    proptest::proptest! {
        #[test]
        fn many_at_once_are_told_like_one_by_one(
            gaps in proptest::collection::vec(proptest::prop_oneof![20 => 1..200_u32, 10 => 1..3_000_u32, 1 => 16_000..17_000_u32], 0..400),
            kinds in proptest::collection::vec((0..40_u8, proptest::num::u64::ANY), 400),
            own in 0..400_usize,
            rests in proptest::bool::ANY,
            room_bytes in 0..2_000_usize,
        ) {
            let (mut index, mut ids, mut all) = (0, Vec::new(), Vec::new());
            for (gap, &(kind, word)) in gaps.into_iter().zip(&kinds) {
                index += gap;
                if index > SimId::INDEX_MAX {
                    break;
                }
                ids.push(SimId::new(index, kind.into()));
                all.resize(index as usize + 1, Passing::default());
                all[index as usize] = match kind {
                    0 => Passing::MORE,
                    1..=6 => Passing::new((word & ((1 << (8 * kind)) - 1), kind)),
                    7..=12 => Passing::default(),
                    _ => Passing::new((word & 0xFF_FFFF, 3)),
                };
            }
            let own = Own { id: ids.get(own).copied().unwrap_or(SimId::new(1, 0)), rests };
            let mut passage = Passage::default();
            let mut room = vec![0; room_bytes];
            let mut ids = &ids[..];
            let mut last = None;
            // On behind whoever takes a closer look, as long as there is any room.
            while !ids.is_empty() {
                let passed = passage.pass(ids, &all, own, last, &mut room);
                let (expected, bytes) = brute_force(ids, &all, own, last, room_bytes);
                if passed.count < expected.count {
                    // It stops a little before the room is used up.
                    proptest::prop_assert!(room_bytes - passed.bytes < 3 * WORD_BYTES);
                    proptest::prop_assert_eq!(&room[..passed.bytes], &bytes[..passed.bytes]);
                    break;
                }
                proptest::prop_assert_eq!(passed, expected);
                proptest::prop_assert_eq!(&room[..passed.bytes], &bytes[..]);
                last = passed.told.map(|(_, last)| last).or(last);
                ids = ids.get(passed.count + 1..).unwrap_or_default();
            }
        }
    }
}
