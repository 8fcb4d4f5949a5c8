//! What becomes of a bot whose login fails, driven without a server.

use sim::testing::test_assets;

use super::*;
use crate::{Cut, Network, Plan};

const TURNED_AWAY: Closed = Closed::Goodbye(Goodbye::LoginTimeout);
const FULL: Closed = Closed::Goodbye(Goodbye::Full);

fn field() -> Field {
    let cut = Some(Cut { after: Duration::ZERO, lasting: Duration::from_secs(1) });
    let network = Network { cut, ..Network::default() };
    let plan = Plan { count: 1, network, ..Plan::new(([127, 0, 0, 1], 9).into(), test_assets(&[])) };
    Field::new(&plan).unwrap()
}

/// A herd of one bot that is at this stage, and has something to come back with.
fn herd(field: &Field, stage: Stage) -> Herd<'_> {
    let lines = Lines::open(&field.plan, 1, 0, 0).unwrap();
    let mut herd = Herd::new(field, lines, &[0], 0);
    (herd.seats[0].stage, herd.seats[0].token) = (stage, Some([7; 32]));
    herd
}

#[tokio::test]
async fn who_comes_back_and_is_turned_away_tries_again_until_it_is_told_that_it_is_in_vain() {
    let field = field();
    let mut herd = herd(&field, Stage::Away(Instant::now()));
    for closed in [TURNED_AWAY, FULL, Closed::Lost] {
        let before = Instant::now();
        herd.hear(0, News::Closed(closed));
        assert!(matches!(herd.seats[0].stage, Stage::Away(_)) && herd.seats[0].next > before, "{closed:?}");
    }
    herd.hear(0, News::Closed(Closed::Goodbye(Goodbye::ResumeRefused)));
    assert!(matches!(herd.seats[0].stage, Stage::Out));
    assert_eq!((herd.outcome.logins_retried, herd.outcome.disconnects), (3, 1));
}

#[tokio::test]
async fn who_joins_and_is_turned_away_tries_again_in_time_and_not_where_there_is_no_room() {
    let field = field();
    let (now, long_ago) = (Instant::now(), Instant::now().checked_sub(JOIN_TIMEOUT).unwrap());
    for (since, closed, expected) in
        [(now, TURNED_AWAY, 1), (now, Closed::Lost, 1), (now, FULL, 0), (long_ago, Closed::Lost, 0)]
    {
        let mut herd = herd(&field, Stage::Joining(since));
        herd.hear(0, News::Closed(closed));
        assert_eq!(herd.outcome.logins_retried, expected, "{closed:?}");
        assert_eq!(matches!(herd.seats[0].stage, Stage::Joining(_)), expected > 0, "{closed:?}");
        assert_eq!(herd.outcome.refusal.is_some(), expected == 0, "{closed:?}");
    }
}

#[tokio::test]
async fn another_try_to_join_counts_from_the_first_one() {
    let field = field();
    let since = Instant::now();
    let mut herd = herd(&field, Stage::Joining(since));
    herd.act(0, since);
    assert!(herd.lines.line(0).is_some(), "it calls");
    assert_eq!(herd.seats[0].next, since + JOIN_TIMEOUT);
}

#[test]
fn a_way_back_begins_when_the_network_returns_or_when_the_line_is_lost_after_that() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(way_back(None, at(1), at(2)), None);
    assert_eq!(way_back(Some(at(5)), at(1), at(6)), Some(Duration::from_secs(1)));
    assert_eq!(way_back(Some(at(5)), at(40), at(42)), Some(Duration::from_secs(2)));
}
