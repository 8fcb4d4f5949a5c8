//! The ledger of hit points as a client can keep it: what the combat log says was added and taken has to make up what hit
//! points are shown. State may come before the events of its tick or after, so a balance is drawn when the hit points
//! have not changed for two seconds: everything up to then has come. What regenerates is in no log, so more may be shown than
//! the log makes up, though not more than can come back in the time.

use std::collections::BTreeMap;

use sim::ids::SimId;
use sim::tick::TICKS_PER_SECOND;

/// Hit points that have not changed for so many ticks are settled (2 s).
const SETTLED_TICKS: u32 = 40;
/// Entries of one entity that are kept; with more its book is closed, unbalanced.
const ENTRIES_MAX: usize = 256;
/// Books kept at once; beyond it nobody new gets one.
const BOOKS_MAX: usize = 64;

/// What somebody's hit points were, and what has happened to them since.
#[derive(Debug, Default)]
struct Book {
    base: Option<(u32, u32)>,
    /// (tick, amount).
    entries: Vec<(u32, i64)>,
}

/// Books of those of whom the combat log tells.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    books: BTreeMap<SimId, Book>,
}

/// Hit points that the log does not explain.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unexplained {
    pub(super) shown: i64,
    pub(super) expected: i64,
}

impl Ledger {
    /// Enters a change into the target's book.
    pub(super) fn enter(&mut self, target: SimId, tick: u32, amount: i32) {
        if self.books.len() >= BOOKS_MAX && !self.books.contains_key(&target) {
            return;
        }
        let book = self.books.entry(target).or_default();
        book.entries.push((tick, amount.into()));
        if book.entries.len() > ENTRIES_MAX {
            self.books.remove(&target);
        }
    }

    /// Whose books are open.
    pub(super) fn open(&self) -> Vec<SimId> {
        self.books.keys().copied().collect()
    }

    /// Begins the book anew of somebody who came into view after its last balance: what happened out of view is not in it.
    pub(super) fn renew(&mut self, id: SimId, entered_tick: u32) {
        if let Some(book) = self.books.get_mut(&id)
            && book.base.is_some_and(|(base, _)| base < entered_tick)
        {
            *book = Book::default();
        }
    }

    /// Closes the book of somebody who is out of view.
    pub(super) fn close(&mut self, id: SimId) {
        self.books.remove(&id);
    }

    /// Compares the hit points shown as of `tick` to somebody who knows of `now` with the book. `regained_max` tells how many
    /// may come back in a second; it is asked when that matters.
    pub(super) fn balance(
        &mut self,
        id: SimId,
        (tick, hp): (u32, u32),
        now: u32,
        regained_max: impl FnOnce() -> i64,
    ) -> Result<(), Unexplained> {
        let Some(book) = self.books.get_mut(&id) else { return Ok(()) };
        if now.saturating_sub(tick) < SETTLED_TICKS {
            return Ok(());
        }
        let base = book.base.replace((tick, hp));
        let after = base.map_or(0, |(base, _)| base);
        let added: i64 =
            book.entries.iter().filter(|(at, _)| (after + 1..=tick).contains(at)).map(|(_, add)| add).sum();
        book.entries.retain(|(at, _)| *at > tick);
        match base {
            Some((base, before)) if tick > base => {
                let (shown, expected) = (i64::from(hp), i64::from(before) + added);
                let seconds = i64::from((tick - base).div_ceil(TICKS_PER_SECOND)) + 1;
                let is_explained = shown == expected
                    || (shown > expected && shown - expected <= regained_max().saturating_mul(seconds));
                if is_explained { Ok(()) } else { Err(Unexplained { shown, expected }) }
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WOLF: SimId = SimId::new(7, 1);

    fn book() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.enter(WOLF, 100, -10);
        assert_eq!(ledger.balance(WOLF, (100, 90), 150, || 0), Ok(()), "the base");
        ledger.enter(WOLF, 160, -30);
        ledger.enter(WOLF, 161, 5);
        ledger
    }

    #[test]
    fn what_the_log_says_makes_up_what_is_shown() {
        assert_eq!(book().balance(WOLF, (161, 65), 201, || 0), Ok(()));
    }

    #[test]
    fn hit_points_that_the_log_does_not_explain_are_told() {
        assert_eq!(book().balance(WOLF, (161, 64), 201, || 0), Err(Unexplained { shown: 64, expected: 65 }));
        assert_eq!(book().balance(WOLF, (161, 64), 201, || 9), Err(Unexplained { shown: 64, expected: 65 }));
    }

    #[test]
    fn what_can_have_come_back_by_itself_needs_no_entry_and_more_does() {
        // 61 ticks are begun seconds, and one more may have been counted in.
        let most = 65 + 9 * 5;
        assert_eq!(book().balance(WOLF, (161, most), 201, || 9), Ok(()));
        let more = Unexplained { shown: i64::from(most) + 1, expected: 65 };
        assert_eq!(book().balance(WOLF, (161, most + 1), 201, || 9), Err(more));
    }

    #[test]
    fn what_happened_out_of_view_is_not_asked_for() {
        let mut ledger = book();
        ledger.renew(WOLF, 165);
        assert_eq!(ledger.balance(WOLF, (170, 20), 210, || 0), Ok(()));
    }

    #[test]
    fn nothing_is_said_before_hit_points_have_settled() {
        assert_eq!(book().balance(WOLF, (160, 1), 190, || 0), Ok(()));
    }
}
