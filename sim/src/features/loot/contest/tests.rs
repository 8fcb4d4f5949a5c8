//! Contests without a scene.

use super::*;
use crate::assets::Id;

fn settled(choices: &[Option<Choice>], seed: u64) -> (Vec<(PlayerId, Choice, u32)>, Option<PlayerId>) {
    let players = (1..).map(PlayerId).take(choices.len());
    let mut contest = Contest::among(0, players, 0);
    for (entrant, &choice) in contest.entrants.iter_mut().zip(choices) {
        entrant.1 = choice;
    }
    contest.settle(&mut Random::new(seed).draw(1, SimId::new(1, 0), Stream("test"), 0), |_| true)
}

#[test]
fn whoever_has_left_has_passed_and_keeps_nobody_waiting() {
    let mut contest = Contest::among(0, [1, 2, 3].map(PlayerId), 0);
    let is_there = |player| player != PlayerId(2);
    contest.entrants[0].1 = Some(Choice::Greed);
    contest.entrants[1].1 = Some(Choice::Need);
    assert!(!contest.is_due(1, is_there), "the third has not chosen");
    assert!(contest.is_due(1, |player| player == PlayerId(1)), "nobody is left to choose");
    assert!(contest.is_due(CONTEST_TICKS, is_there));
    let mut draw = Random::new(1).draw(1, SimId::new(1, 0), Stream("test"), 0);
    let (rolls, winner) = contest.settle(&mut draw, is_there);
    assert_eq!(winner, Some(PlayerId(1)), "greed, because who needed it has gone");
    assert_eq!(rolls[1], (PlayerId(2), Choice::Pass, 0));
}

#[test]
fn need_comes_before_greed_and_greed_before_nothing() {
    let (need, greed, pass) = (Some(Choice::Need), Some(Choice::Greed), Some(Choice::Pass));
    for seed in 0..50 {
        assert_eq!(settled(&[greed, need, greed], seed).1, Some(PlayerId(2)));
        assert_eq!(settled(&[pass, None, greed], seed).1, Some(PlayerId(3)));
        assert_eq!(settled(&[pass, None, pass], seed).1, None);
    }
}

#[test]
fn the_highest_roll_wins_and_equal_ones_roll_again() {
    let mut ties = 0;
    let mut wins = [0; 3];
    for seed in 0..3_000 {
        let (rolls, winner) = settled(&[Some(Choice::Greed); 3], seed);
        assert!(rolls.iter().all(|roll| (1..=ROLL_MAX).contains(&roll.2)));
        let most = rolls.iter().map(|roll| roll.2).max().unwrap();
        let first: Vec<PlayerId> = rolls.iter().filter(|roll| roll.2 == most).map(|roll| roll.0).collect();
        ties += usize::from(first.len() > 1);
        assert!(first.contains(&winner.unwrap()));
        wins[usize::try_from(winner.unwrap().0).unwrap() - 1] += 1;
    }
    assert!(ties > 10, "{ties}");
    assert!(wins.iter().all(|&wins| (900..1_100).contains(&wins)), "{wins:?}");
}

#[test]
fn commands_and_events_come_back_as_they_were() {
    let assets = crate::testing::test_assets(&[]);
    let (told, pile) = (SimId::new(3, 0), SimId::new(9, 1));
    let command = RollCommand { pile, number: 2, choice: Choice::Need };
    assert_eq!(RollCommand::decode(&command.encode(), &assets), Ok(command));
    let bad = RollWire { pile: 1, number: 0, choice: 3 };
    assert_eq!(RollCommand::decode(&write_archive(&bad), &assets), Err(CommandError::OutOfRange));
    let thing = ThingSeen::of_stack(&Stack::plain(Id::new(300), 2));
    let mut bytes = Vec::new();
    let started = LootRollStarted { told, pile, number: 2, until_tick: 700, thing };
    started.encode(&mut bytes);
    assert_eq!(LootRollStarted::from_wire(told, &mut Reader::new(&bytes)), Some(started));
    bytes.clear();
    let rolled = LootRolled { told, pile, number: 2, roller: told, choice: Choice::Greed, roll: 77 };
    rolled.encode(&mut bytes);
    assert_eq!(LootRolled::from_wire(told, &mut Reader::new(&bytes)), Some(rolled));
    for winner in [None, Some(told)] {
        bytes.clear();
        let won = LootWon { told, pile, number: 2, winner };
        won.encode(&mut bytes);
        assert_eq!(LootWon::from_wire(told, &mut Reader::new(&bytes)), Some(won));
        bytes.pop();
        assert_eq!(LootWon::from_wire(told, &mut Reader::new(&bytes)), None);
    }
}
