//! How fights go on: when the phases of a monster begin and how long each takes, and what each side does in each stretch.

use std::collections::BTreeMap;
use std::sync::Arc;

use sim::assets::Assets;
use sim::laboratory::{Bout, Contest, Fighter, PhaseRecord, STRETCH_TICKS};

use super::histogram::seconds;
use super::name_of;
use super::statistics::{mean, median, share};
use super::summary::{PhaseSummary, Stretch};

/// What is known of one phase of one monster: when it began first, and how long it took each time.
#[derive(Default)]
struct Known {
    begins: Vec<u32>,
    lasts_s: Vec<f64>,
}

/// When each phase of each monster begins, in the order of sides, places and phases.
pub(super) fn phases(assets: &Arc<Assets>, contest: &Contest, bouts: &[Bout]) -> Vec<PhaseSummary> {
    let mut known: BTreeMap<(usize, usize, usize), Known> = BTreeMap::new();
    for bout in bouts {
        for (index, record) in bout.phases.iter().enumerate() {
            let own = |other: &&PhaseRecord| (other.side, other.member) == (record.side, record.member);
            let died = bout.members[record.side][record.member].died_tick.unwrap_or(bout.ticks);
            let next = bout.phases[index + 1..].iter().find(own).map_or(died, |next| next.tick);
            let is_first = !bout.phases[..index].iter().filter(own).any(|before| before.phase == record.phase);
            let known = known.entry((record.side, record.member, record.phase)).or_default();
            known.lasts_s.push(seconds(next.saturating_sub(record.tick)));
            known.begins.extend(is_first.then_some(record.tick));
        }
    }
    let told = known.into_iter().filter_map(|((side, member, phase), mut known)| {
        let combatant = &contest.sides[side][member];
        let Fighter::Monster(monster) = combatant.fighter else { return None };
        known.begins.sort_unstable();
        Some(PhaseSummary {
            monster: name_of(assets, combatant),
            phase: assets.monsters[monster].phases.get(phase)?.name.clone(),
            reached: share(known.begins.len(), bouts.len()),
            begins_s: median(&known.begins).times(seconds(1)),
            lasts_s: mean(&known.lasts_s),
        })
    });
    told.collect()
}

/// What each side does in each stretch of the fights that go on so long; of the last stretch of a fight only as much
/// counts as there was.
pub(super) fn stretches(bouts: &[Bout]) -> Vec<Stretch> {
    let longest = bouts.iter().map(|bout| bout.ticks).max().unwrap_or(0);
    let stretch = |number: u32| {
        let from = number * STRETCH_TICKS;
        let going_on: Vec<&Bout> = bouts.iter().filter(|bout| bout.ticks > from).collect();
        let dps = [0, 1].map(|side| {
            let rate = |bout: &&Bout| {
                let damage = bout.damage[side].get(number as usize).copied().unwrap_or(0);
                damage as f64 / seconds((bout.ticks - from).min(STRETCH_TICKS))
            };
            mean(&going_on.iter().map(rate).collect::<Vec<_>>())
        });
        Stretch { from_s: seconds(from), fights: going_on.len(), dps }
    };
    (0..longest.div_ceil(STRETCH_TICKS)).map(stretch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::laboratory::{MemberRecord, Winner};

    fn bout(ticks: u32, damage: [Vec<u64>; 2]) -> Bout {
        let members = [vec![MemberRecord::default()], vec![MemberRecord::default()]];
        Bout { winner: Winner::Undecided, ticks, members, phases: Vec::new(), damage }
    }

    #[test]
    fn a_stretch_counts_the_fights_that_go_on_and_the_time_they_do() {
        // One fight of 7.5 s, one of 5 s: in the second stretch only the first, for half of it.
        let bouts = [bout(150, [vec![500, 100], vec![50]]), bout(100, [vec![300], vec![150]])];
        let found = stretches(&bouts);
        assert_eq!(
            found.iter().map(|stretch| (stretch.from_s, stretch.fights)).collect::<Vec<_>>(),
            [(0.0, 2), (5.0, 1)]
        );
        assert_eq!(
            found.iter().map(|stretch| stretch.dps.map(|dps| dps.value)).collect::<Vec<_>>(),
            [[80.0, 20.0], [40.0, 0.0]]
        );
        assert!(stretches(&[]).is_empty());
    }
}
