//! The course of a test from outside: when measuring begins, when the network is cut and mended, when all leave. It draws
//! the view, and asks the server for its own figures.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Field, Phase};
use crate::scrape::{ServerReport, Watch};
use crate::screen::{Look, Screen};

/// How often the view is drawn and the clock is looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(100);
/// How often the server is asked.
const WATCH_PERIOD: Duration = Duration::from_secs(1);

/// Takes the test through its phases; ends early when nobody is left, or when the onlooker has seen enough. Answers what
/// the server said of itself.
pub(super) fn conduct(field: &Arc<Field>) -> std::io::Result<Option<ServerReport>> {
    let watch = watch(field)?;
    let mut screen = Screen::open(field.plan.shows_progress);
    let is_in_time = wait_for_all(field, &mut screen);
    if is_in_time {
        field.enter(Phase::Measuring);
        measure(field, &mut screen);
    }
    drop(screen);
    field.enter(Phase::Leaving);
    Ok(watch.and_then(|watch| watch.join().ok().flatten()))
}

/// False when the onlooker gave up, or a herd broke.
fn wait_for_all(field: &Field, screen: &mut Screen) -> bool {
    while !field.have_all_answers() {
        if field.phase() == Phase::Leaving {
            return false;
        }
        let joined = field.joined.load(Ordering::Relaxed);
        if !show(field, screen, "bots join", f64::from(joined) / f64::from(field.plan.count.max(1))) {
            return false;
        }
        std::thread::sleep(LOOK_PERIOD);
    }
    true
}

fn measure(field: &Field, screen: &mut Screen) {
    let (began, duration) = (Instant::now(), field.plan.duration);
    while began.elapsed() < duration && (field.is_anybody_here() || field.plan.network.cut.is_some()) {
        if field.phase() == Phase::Leaving {
            return;
        }
        let elapsed = began.elapsed();
        let is_cut = field.plan.network.cut.is_some_and(|cut| (cut.after..cut.after + cut.lasting).contains(&elapsed));
        field.cut(is_cut);
        let doing = if is_cut { "the network is cut" } else { "bots play" };
        if !show(field, screen, doing, elapsed.as_secs_f64() / duration.as_secs_f64().max(1e-9)) {
            return;
        }
        std::thread::sleep(LOOK_PERIOD.min(duration.saturating_sub(began.elapsed())));
    }
}

fn show(field: &Field, screen: &mut Screen, doing: &str, done: f64) -> bool {
    let read = |count: &std::sync::atomic::AtomicU32| count.load(Ordering::Relaxed);
    let server = field.server().clone();
    let series = field.series();
    screen.show(&Look {
        doing,
        joined: read(&field.joined),
        refused: read(&field.refused),
        gone: read(&field.left),
        count: field.plan.count,
        done,
        elapsed: field.began.elapsed(),
        violations: field.violations.load(Ordering::Relaxed),
        points: series.points(),
        server: server.as_ref(),
    })
}

/// A thread that asks the server until all leave, if the plan says where.
fn watch(field: &Arc<Field>) -> std::io::Result<Option<JoinHandle<Option<ServerReport>>>> {
    let Some(server) = field.plan.metrics else { return Ok(None) };
    let field = Arc::clone(field);
    let run = move || {
        let mut watch = Watch::new(server);
        loop {
            let (next, phase) = (Instant::now() + WATCH_PERIOD, field.phase());
            if phase == Phase::Leaving {
                return watch.finish();
            }
            watch.look(phase == Phase::Measuring);
            *field.server() = watch.newest().cloned();
            while Instant::now() < next && field.phase() != Phase::Leaving {
                std::thread::sleep(LOOK_PERIOD);
            }
        }
    };
    std::thread::Builder::new().name("watch".to_owned()).spawn(run).map(Some)
}
