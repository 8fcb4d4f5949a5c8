//! Fighting bots against a scene of the test's own: they use what the server tells them of their cooldowns, so that nearly
//! nothing they ask for is refused, and they cast about as often as the rules allow.

use std::time::Duration;

use bots::{Behaviour, Impairment, Network, Plan};
use sim::features::combat::Vitals;
use sim::features::skills::CastStarted;
use sim::testing::test_assets;

use crate::combat::told;
use crate::crowd::walker;
use crate::live_scene::{LiveScene, unhurried};

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
    let (mut pace, mut casts, mut bot_ticks) = (unhurried(Duration::from_millis(50)), 0, 0);
    let report = loop {
        tokio::select! {
            report = &mut fight => break report.expect("the bots come to an end").expect("there is a report"),
            _ = pace.tick() => {
                live.tick_now();
                casts += told::<CastStarted>(&live.inner).len() as u64;
                bot_ticks += net::sessions::count(live.scene()) as u64;
            }
        }
    };
    println!("{casts} casts in {bot_ticks} ticks of a bot, {} refused", report.rejected_commands);
    assert!(report.is_good(), "{report}");
    // From afar a bolt every four seconds, and what else is in reach.
    assert!(casts * 60 >= bot_ticks, "{casts} casts in {bot_ticks} ticks of a bot");
    assert!(report.rejected_commands * 20 <= casts, "{} of {casts} refused", report.rejected_commands);
}

/// Runs a plan while its scene ticks; `meddle` may do what it wants before each tick.
async fn played(live: &mut LiveScene, plan: Plan, mut meddle: impl FnMut(&mut LiveScene)) -> bots::Report {
    let mut run = tokio::task::spawn_blocking(move || bots::run(&plan));
    let mut pace = unhurried(Duration::from_millis(50));
    loop {
        tokio::select! {
            report = &mut run => return report.expect("the bots come to an end").expect("there is a report"),
            _ = pace.tick() => {
                meddle(live);
                live.tick_now();
            }
        }
    }
}

#[tokio::test]
async fn a_bot_that_is_shown_what_cannot_be_true_leaves_a_bundle_that_shows_it_again() {
    let assets = test_assets(&[]);
    let mut live = LiveScene::of(&assets, "scene/flat");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let plan = Plan {
        count: 2,
        behaviour: Behaviour::Roam,
        duration: Duration::from_secs(4),
        bundles: Some(folder.path().to_owned()),
        ..Plan::new(live.addr(), assets.clone())
    };
    let mut together_ticks = 0;
    let report = played(&mut live, plan, |live| {
        together_ticks += u32::from(net::sessions::count(live.scene()) == 2);
        if together_ticks == 40 {
            let world = live.inner.scene.world_mut();
            world.query::<&mut Vitals>().iter_mut(world).for_each(|mut vitals| vitals.hp_max = vitals.hp - 1);
        }
    })
    .await;
    assert!(report.invariant_violations > 0, "the planted fault is seen: {report}");
    let bundle = std::fs::read_dir(folder.path()).expect("there are bundles").next().expect("one at least");
    let replayed = bots::replay(&bundle.expect("it can be read").path(), assets).expect("it can be replayed");
    assert!(replayed.is_same(), "{replayed:?}");
    assert!(replayed.about.violation.contains("more hit points than it can have"), "{}", replayed.about.violation);
}

#[tokio::test]
async fn views_are_right_over_a_bad_network_and_the_report_tells_the_impaired_from_the_others() {
    let assets = test_assets(&[]);
    let mut live = LiveScene::of(&assets, "scene/flat");
    let plan = Plan {
        count: 8,
        behaviour: Behaviour::Crowd,
        radius_m: 10.0,
        duration: Duration::from_secs(8),
        network: Network {
            impairment: Impairment { loss_pct: 20, delay_ms: 20, jitter_ms: 10, ..Impairment::default() },
            impaired: Some(4),
            cut: None,
        },
        ..Plan::new(live.addr(), assets)
    };
    let report = played(&mut live, plan, |_| {}).await;
    assert_eq!(report.invariant_violations, 0, "{report}");
    assert_eq!((report.connected, report.disconnects), (8, 0), "{report}");
    let (impaired, others) = (report.impaired.expect("some are"), report.others.expect("some are not"));
    assert!(impaired.loss > 0.05 && others.loss < impaired.loss / 3.0, "{} and {}", impaired.loss, others.loss);
    assert!(impaired.views_compared > 0 && others.views_compared > 0);
    assert!(report.series.len() >= 2, "{} points", report.series.len());
}
