//! The attack table: everything that can become of a blow shares one roll of 10,000. The rows stand in a fixed order;
//! what does not fit any more is pushed off the end, plain hits first, then critical ones. So a target that avoids
//! more is not only hit less often: what is left for critical hits shrinks too. Pure.

/// Basis points in a whole.
const WHOLE_BP: u32 = 10_000;

/// What became of a blow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It struck as usual.
    #[default]
    Hit,
    /// It struck hard.
    Crit,
    /// It went wide.
    Miss,
    /// The target stepped aside.
    Dodge,
    /// The target turned it away with a weapon.
    Parry,
    /// It struck with a part of its force, because the target is above the attacker.
    Glance,
    /// A shield took a part of it.
    Block,
    /// A shield of magic took all of it.
    Absorb,
    /// Nothing of the kind can hurt the target.
    Immune,
}

impl Outcome {
    /// Every outcome, in the order of their numbers on the wire.
    pub const ALL: [Self; 9] = [
        Self::Hit,
        Self::Crit,
        Self::Miss,
        Self::Dodge,
        Self::Parry,
        Self::Glance,
        Self::Block,
        Self::Absorb,
        Self::Immune,
    ];

    /// Stable lower-case word for metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Crit => "crit",
            Self::Miss => "miss",
            Self::Dodge => "dodge",
            Self::Parry => "parry",
            Self::Glance => "glance",
            Self::Block => "block",
            Self::Absorb => "absorb",
            Self::Immune => "immune",
        }
    }

    /// Whether nothing of the blow arrives, neither damage nor what the skill does besides.
    #[must_use]
    pub const fn is_avoided(self) -> bool {
        matches!(self, Self::Miss | Self::Dodge | Self::Parry | Self::Immune)
    }
}

/// Rows of the table in the order they are laid out; a plain hit is what is left.
pub const ROWS: [Outcome; 6] =
    [Outcome::Miss, Outcome::Dodge, Outcome::Parry, Outcome::Glance, Outcome::Block, Outcome::Crit];

/// The chances of one blow, laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttackTable {
    /// Where each row ends, in basis points of the roll; never falling, at most 10,000.
    ends_bp: [u32; ROWS.len()],
}

impl AttackTable {
    /// Lays out the wanted chances, in the order of [`ROWS`], in basis points; negative ones count as none.
    #[must_use]
    pub fn of(wanted_bp: [i32; ROWS.len()]) -> Self {
        let mut end_bp = 0_u32;
        let ends_bp = wanted_bp.map(|bp| {
            end_bp = end_bp.saturating_add(bp.max(0).unsigned_abs()).min(WHOLE_BP);
            end_bp
        });
        Self { ends_bp }
    }

    /// What a roll of `0..10_000` comes to.
    #[must_use]
    pub fn outcome(&self, roll: u32) -> Outcome {
        let row = self.ends_bp.iter().position(|&end_bp| roll < end_bp);
        row.and_then(|row| ROWS.get(row)).copied().unwrap_or(Outcome::Hit)
    }

    /// The real chance of an outcome in basis points, after what did not fit was pushed off.
    #[must_use]
    pub fn chance_bp(&self, outcome: Outcome) -> u32 {
        let start_of = |row: usize| row.checked_sub(1).map_or(0, |before| self.ends_bp[before]);
        match ROWS.iter().position(|&row| row == outcome) {
            Some(row) => self.ends_bp[row] - start_of(row),
            None if outcome == Outcome::Hit => WHOLE_BP - start_of(ROWS.len()),
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_table_leaves_22_percent_of_40_for_critical_hits_and_none_for_plain_ones() {
        let table = AttackTable::of([2_700, 650, 1_400, 2_400, 650, 4_000]);
        assert_eq!(ROWS.map(|row| table.chance_bp(row)), [2_700, 650, 1_400, 2_400, 650, 2_200]);
        assert_eq!(table.chance_bp(Outcome::Hit), 0);
    }

    #[test]
    fn an_empty_table_always_hits_and_a_negative_chance_is_none() {
        let table = AttackTable::of([-500, 0, 0, 0, 0, 0]);
        assert_eq!((table.outcome(0), table.outcome(9_999)), (Outcome::Hit, Outcome::Hit));
        assert_eq!(table.chance_bp(Outcome::Hit), 10_000);
    }

    #[test]
    fn a_sure_miss_leaves_room_for_nothing_else() {
        let table = AttackTable::of([i32::MAX; 6]);
        assert_eq!((table.outcome(0), table.outcome(9_999)), (Outcome::Miss, Outcome::Miss));
    }

    proptest! {
        #[test]
        fn every_roll_has_one_outcome_and_as_many_as_its_chance_says(wanted in prop::array::uniform6(-100_i32..12_000)) {
            let table = AttackTable::of(wanted);
            let mut counts = [0_u32; Outcome::ALL.len()];
            (0..10_000).for_each(|roll| counts[table.outcome(roll) as usize] += 1);
            for outcome in Outcome::ALL {
                prop_assert_eq!(counts[outcome as usize], table.chance_bp(outcome), "{:?}", outcome);
            }
        }
    }
}
