//! Diminishing returns: each crowd control of a category that comes before the last is forgotten lasts a smaller part of
//! its time, and in the end none. The window in which it is remembered begins at the end of the last one. Pure.

use crate::assets::{DiminishDef, Id};

/// What an actor remembers of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diminished {
    /// Which category.
    pub category: Id<DiminishDef>,
    /// How many have come.
    pub count: u8,
    /// The tick from which on all is forgotten.
    pub forget_tick: u32,
}

/// How long an effect of `length_ticks` lasts now, in ticks: `None` when it has no effect at all. Half ticks round up.
#[must_use]
pub fn shortened(
    memory: &[Diminished],
    category: Id<DiminishDef>,
    def: &DiminishDef,
    length_ticks: u32,
    tick: u32,
) -> Option<u32> {
    let known = memory.iter().find(|known| known.category == category && tick < known.forget_tick);
    let pct = def.pct_after(known.map_or(0, |known| known.count));
    let length = (u64::from(length_ticks) * u64::from(pct)).div_ceil(100);
    u32::try_from(length).ok().filter(|&length| length > 0)
}

/// Notes that an effect of a category has come and will end at `end_tick`.
pub fn remember(memory: &mut Vec<Diminished>, category: Id<DiminishDef>, def: &DiminishDef, end_tick: u32, tick: u32) {
    memory.retain(|known| tick < known.forget_tick);
    let forget_tick = end_tick.saturating_add(def.window_ticks());
    match memory.iter_mut().find(|known| known.category == category) {
        Some(known) => {
            known.count = known.count.saturating_add(1);
            known.forget_tick = known.forget_tick.max(forget_tick);
        }
        None => memory.push(Diminished { category, count: 1, forget_tick }),
    }
}

/// Notes that an effect of a category has ended before its time; `last_end_tick` is when the last of those that remain
/// ends, or now.
pub fn ended(memory: &mut [Diminished], category: Id<DiminishDef>, def: &DiminishDef, last_end_tick: u32) {
    if let Some(known) = memory.iter_mut().find(|known| known.category == category) {
        known.forget_tick = last_end_tick.saturating_add(def.window_ticks());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STUN: Id<DiminishDef> = Id::new(0);

    fn stun() -> DiminishDef {
        DiminishDef {
            id: "diminish/stun".into(),
            name: String::new(),
            steps_pct: vec![100, 50, 25, 0],
            window_ms: 15_000,
            pvp_cap_ms: 10_000,
            pve: false,
        }
    }

    /// How long each of the stuns of 4 s at these ticks lasts; 0 for no effect.
    fn lengths(ticks: &[u32]) -> Vec<u32> {
        let (def, mut memory) = (stun(), Vec::new());
        let one = |&tick: &u32| {
            let length = shortened(&memory, STUN, &def, 80, tick)?;
            remember(&mut memory, STUN, &def, tick + length, tick);
            Some(length)
        };
        ticks.iter().map(one).map(Option::unwrap_or_default).collect()
    }

    #[test]
    fn the_first_lasts_all_of_it_then_half_then_a_quarter_then_nothing() {
        assert_eq!(lengths(&[0, 100, 200, 300, 310]), [80, 40, 20, 0, 0]);
    }

    #[test]
    fn all_is_forgotten_fifteen_seconds_after_the_end_of_the_last() {
        // The first ends at 80, the window at 380.
        assert_eq!(lengths(&[0, 379, 400]), [80, 40, 20]);
        assert_eq!(lengths(&[0, 380, 470]), [80, 80, 40]);
        // What has no effect does not make the window longer: the third ends at 220, the window at 520.
        assert_eq!(lengths(&[0, 100, 200, 300, 519, 520]), [80, 40, 20, 0, 0, 80]);
    }

    #[test]
    fn an_early_end_begins_the_window_early() {
        let (def, mut memory) = (stun(), Vec::new());
        remember(&mut memory, STUN, &def, 80, 0);
        ended(&mut memory, STUN, &def, 20);
        assert_eq!(shortened(&memory, STUN, &def, 80, 319), Some(40));
        assert_eq!(shortened(&memory, STUN, &def, 80, 320), Some(80));
    }

    #[test]
    fn categories_do_not_know_of_one_another() {
        let (def, mut memory) = (stun(), Vec::new());
        remember(&mut memory, STUN, &def, 80, 0);
        assert_eq!(shortened(&memory, Id::new(1), &def, 80, 10), Some(80));
    }
}
