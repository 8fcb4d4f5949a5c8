//! The time between two slices: a nap while there is traffic, the reactor when there is none.

use std::future::Future;
use std::time::{Duration, Instant};

use super::SLICE;

/// Waits shorter than this are napped away: the reactor's timer counts in milliseconds and rounds up.
const REACTOR_GRAIN: Duration = Duration::from_millis(2);

/// Waits after a slice that began at `began` until there is a reason for the next: at once when it found something
/// (`busy`), else when `ready` is, and at `until` at the latest. Naps on the thread, which has nothing else to do.
pub(crate) async fn pause(began: Instant, busy: bool, until: Instant, ready: impl Future<Output = ()>) {
    let now = Instant::now();
    let next_slice = began + SLICE;
    if busy || until < now + REACTOR_GRAIN {
        let wake = if busy { next_slice } else { until.max(next_slice) };
        if let Some(nap) = wake.checked_duration_since(now) {
            std::thread::sleep(nap);
        }
        return;
    }
    tokio::select! {
        () = ready => {}
        () = tokio::time::sleep_until(until.into()) => {}
    }
}
