//! The time this thread has spent on a core: what bots cost, whatever else the machine does.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of the calling thread since it began.
pub(crate) fn thread_cpu() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(spent.tv_sec), u32::try_from(spent.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_a_thread_stands_still_while_others_work() {
        let worked = std::thread::spawn(|| {
            let before = thread_cpu();
            while thread_cpu() < before + Duration::from_millis(20) {}
            thread_cpu()
        });
        let before = thread_cpu();
        let others = worked.join().unwrap();
        assert!(thread_cpu().saturating_sub(before) < others, "waiting is not working");
    }
}
