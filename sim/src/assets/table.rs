//! The table that holds one kind, and how its ids outlive the data they came with.
//! The first data of a process numbers records by their names. Data loaded after it keeps those numbers and counts on for
//! new names; a record that is gone is retired: `get` and `by_name` know it no more, its number is never given to
//! another, and whoever still holds its id may finish with what it last was (`table[id]`). A name that comes back is the
//! same record again.

use std::{ops::Index, sync::Arc};

use super::{Id, Record};

/// All records of one kind. Each is shared, so that what is under way can keep the one it began with.
#[derive(Debug, Clone, PartialEq)]
pub struct Table<T> {
    /// By id; what is retired stands here as it last was.
    records: Vec<Arc<T>>,
    /// The ids of what is not retired, ascending.
    live: Vec<u32>,
    /// The same in the order of names.
    by_name: Vec<u32>,
}

impl<T: Record> Table<T> {
    /// The table after `before`, in which every record stands at the number the loader gave its name; ids are unique by
    /// the time the loader builds a table.
    pub(crate) fn new(before: Option<&Self>, numbered: impl IntoIterator<Item = (u32, Arc<T>)>) -> Self {
        let mut numbered: Vec<_> = numbered.into_iter().collect();
        numbered.sort_unstable_by_key(|(index, _)| *index);
        let mut records = before.map_or_else(Vec::new, |before| before.records.clone());
        for (index, record) in &numbered {
            match records.get_mut(*index as usize) {
                Some(known) => known.clone_from(record),
                None => records.push(Arc::clone(record)),
            }
        }
        let live: Vec<u32> = numbered.iter().map(|(index, _)| *index).collect();
        let by_name = match before {
            // The same numbers are the same names.
            Some(before) if before.live == live => before.by_name.clone(),
            _ => {
                let mut by_name = live.clone();
                by_name.sort_unstable_by(|a, b| records[*a as usize].id().cmp(records[*b as usize].id()));
                by_name
            }
        };
        Self { records, live, by_name }
    }

    /// The record with this id, or `None` when it is retired.
    pub fn get(&self, id: Id<T>) -> Option<&T> {
        self.arc(id).map(Arc::as_ref)
    }

    /// The record with this id, to keep beyond the epoch; `None` when it is retired.
    pub fn arc(&self, id: Id<T>) -> Option<&Arc<T>> {
        self.live.binary_search(&id.raw()).ok().and_then(|_| self.records.get(id.index()))
    }

    /// The id of the record called `name` (`kind/name`), by binary search.
    pub fn by_name(&self, name: &str) -> Option<Id<T>> {
        let at = self.by_name.binary_search_by(|index| self.records[*index as usize].id().cmp(name));
        at.ok().and_then(|at| self.by_name.get(at)).map(|index| Id::new(*index))
    }

    /// The id for a raw index, or `None` when there is no such record; for ids that came over the wire.
    pub fn id_of_raw(&self, raw: u32) -> Option<Id<T>> {
        self.live.binary_search(&raw).ok().map(|_| Id::new(raw))
    }

    /// The id for a raw index that is or once was a record's; for what a client asks that may not know yet what is gone.
    pub fn id_of_raw_ever(&self, raw: u32) -> Option<Id<T>> {
        ((raw as usize) < self.records.len()).then(|| Id::new(raw))
    }

    /// Every record with its id, in id order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Id<T>, &T)> {
        self.live.iter().map(|index| (Id::new(*index), self.records[*index as usize].as_ref()))
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether there is no record of this kind.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// The records whose number is not the one that the same data would give them if it were loaded alone, with it.
    pub(crate) fn renumbered(&self) -> impl Iterator<Item = (&str, u32)> {
        let mut sorted: Vec<(&str, u32)> =
            self.by_name.iter().map(|index| (self.records[*index as usize].id(), *index)).collect();
        sorted.sort_by_key(|(id, _)| T::rank(id));
        (0_u32..).zip(sorted).filter(|(place, (_, index))| place != index).map(|(_, numbered)| numbered)
    }

    /// The records of all ids from 0, retired ones too.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &T> {
        self.records.iter().map(Arc::as_ref)
    }
}

/// What keeps the records of one kind in the data: a table, or something that knows more of them.
pub(crate) trait Holder<T> {
    /// Takes over the records.
    fn of(table: Table<T>) -> Self;
    /// The records.
    fn table(&self) -> &Table<T>;
}

impl<T> Holder<T> for Table<T> {
    fn of(table: Self) -> Self {
        table
    }

    fn table(&self) -> &Self {
        self
    }
}

/// The record with an id of this table or one before it; a retired one as it last was.
impl<T: Record> Index<Id<T>> for Table<T> {
    type Output = T;

    fn index(&self, id: Id<T>) -> &T {
        &self.records[id.index()]
    }
}

/// No records.
impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { records: Vec::new(), live: Vec::new(), by_name: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::MovementDef;

    fn record(name: &str, radius_m: f32) -> Arc<MovementDef> {
        Arc::new(MovementDef {
            id: name.to_owned(),
            run_mps: 5.0,
            walk_mps: 2.0,
            acceleration: 10.0,
            friction: 6.0,
            stop_speed_mps: 1.0,
            radius_m,
            height_m: 1.8,
            step_height_m: 0.4,
            slope_max_deg: 45.0,
        })
    }

    #[test]
    fn a_record_that_is_gone_keeps_its_number_and_comes_back_to_it() {
        let first = Table::new(None, [(0, record("movement/a", 0.1)), (1, record("movement/b", 0.2))]);
        let second = Table::new(Some(&first), [(1, record("movement/b", 0.3)), (2, record("movement/aa", 0.4))]);
        let a = first.by_name("movement/a").expect("it is there");
        assert_eq!((second.get(a), second.by_name("movement/a"), second[a].radius_m), (None, None, 0.1));
        assert_eq!((second.len(), second.id_of_raw(0)), (2, None));
        assert_eq!((second.id_of_raw_ever(0), second.id_of_raw_ever(3)), (Some(a), None));
        assert_eq!(second.by_name("movement/aa").map(Id::raw), Some(2), "a new name counts on");
        assert_eq!(second.renumbered().collect::<Vec<_>>(), [("movement/aa", 2)], "and `b` is where it would be");
        let third = Table::new(Some(&second), [(0, record("movement/a", 0.5)), (2, record("movement/aa", 0.4))]);
        assert_eq!((third.by_name("movement/a"), third[a].radius_m), (Some(a), 0.5));
    }
}
