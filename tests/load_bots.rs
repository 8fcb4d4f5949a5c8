//! Fighting bots against a scene of the test's own: they use what the server tells them of their cooldowns, so that nearly
//! nothing they ask for is refused, and they cast about as often as the rules allow.

use std::time::Duration;

use bots::{Behaviour, Plan};
use sim::features::skills::CastStarted;
use sim::testing::test_assets;
use tokio::time::interval;

use crate::combat::told;
use crate::crowd::walker;
use crate::live_scene::LiveScene;

/// Bots, and how long they fight in seconds.
const BOTS: u32 = 4;
const SECONDS: u32 = 12;

#[tokio::test]
async fn fighting_bots_ask_for_what_is_ready_and_for_little_else() {
    let assets = test_assets(&[]);
    let mut live = LiveScene::of(&assets, "scene/flat");
    for (x, z) in [(3.0, 3.0), (-3.0, 3.0), (3.0, -3.0), (-3.0, -3.0)] {
        walker(&mut live.inner, x, z);
    }
    let plan = Plan {
        count: BOTS,
        behaviour: Behaviour::Fight,
        duration: Duration::from_secs(SECONDS.into()),
        ..Plan::new(live.addr(), assets)
    };
    let mut fight = tokio::task::spawn_blocking(move || bots::run(&plan));
    let (mut pace, mut casts) = (interval(Duration::from_millis(50)), 0);
    let report = loop {
        tokio::select! {
            report = &mut fight => break report.expect("the bots come to an end").expect("there is a report"),
            _ = pace.tick() => {
                live.tick_now();
                casts += told::<CastStarted>(&live.inner).len() as u64;
            }
        }
    };
    println!("{casts} casts, {} refused", report.rejected_commands);
    assert!(report.is_good(), "{report}");
    // From afar a bolt every four seconds, and what else is in reach.
    assert!(casts >= u64::from(BOTS * SECONDS) / 3, "{casts} casts");
    assert!(report.rejected_commands * 20 <= casts, "{} of {casts} refused", report.rejected_commands);
}
