//! World events on the wall clock: a thread that waits for the next time in the game data's timetables and tells the
//! scenes. Scenes know no clock; what they are told enters them as logged inputs, and what they answer (a boss is there,
//! is dead, has left) is told to all of them by the [`Herald`].
//!
//! Times that pass while the process is down are not made up for: the next one counts.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sim::assets::Assets;
use sim::input::{EventMoment, SceneInput};
use tracing::info;

use crate::assets::CurrentAssets;

/// Longest wait in one piece, so that changed data and a changed clock are noticed.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// The way to every scene.
#[derive(Debug, Clone)]
pub struct Herald {
    ways: Vec<Sender<SceneInput>>,
}

impl Herald {
    /// Ways to so many scenes, and their ends in the order of the scenes.
    #[must_use]
    pub fn new(scene_count: usize) -> (Self, Vec<Receiver<SceneInput>>) {
        let (ways, ends) = (0..scene_count).map(|_| channel()).unzip();
        (Self { ways }, ends)
    }

    /// Every scene is told in its next tick.
    pub fn tell_all(&self, event: &str, moment: &EventMoment) {
        info!(event, ?moment, "world event");
        for way in &self.ways {
            // A scene whose thread has ended hears nothing any more.
            let _stopped = way.send(SceneInput::WorldEvent { event: event.to_owned(), moment: moment.clone() });
        }
    }
}

/// The thread that waits; it ends when this is dropped.
pub struct Timetables {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Timetables {
    /// Starts it; it follows the game data as `current` has it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(herald: Herald, current: CurrentAssets) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("timetables".to_owned()).spawn(move || {
            keep(&herald, &current, &stopped);
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Timetables {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn keep(herald: &Herald, current: &CurrentAssets, stopped: &Receiver<()>) {
    let mut reader = Reader { told_until_s: now_s() };
    loop {
        let (now, wait) = reader.read(&current.get(), now_s());
        for (event, moment) in now {
            herald.tell_all(&event, &moment);
        }
        match stopped.recv_timeout(wait.max(Duration::from_millis(50))) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Reads the timetables, whichever are in force.
struct Reader {
    /// Until when everything was told, in seconds since 1970.
    told_until_s: u64,
}

impl Reader {
    /// What is to be told now, and how long to wait until the next look.
    fn read(&mut self, assets: &Assets, now_s: u64) -> (Vec<(String, EventMoment)>, Duration) {
        let due = due(assets, self.told_until_s, now_s);
        self.told_until_s = self.told_until_s.max(now_s);
        let next_s = next(assets, self.told_until_s);
        let wait = next_s.map_or(WAIT_MAX, |next_s| Duration::from_secs(next_s.saturating_sub(now_s)).min(WAIT_MAX));
        (due, wait)
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Every moment of every event later than `after_s` and not later than `until_s`, by time.
fn due(assets: &Assets, after_s: u64, until_s: u64) -> Vec<(String, EventMoment)> {
    let mut found: Vec<(u64, String, EventMoment)> =
        moments(assets, after_s).filter(|(time_s, ..)| *time_s <= until_s).collect();
    found.sort_by_key(|(time_s, ..)| *time_s);
    found.into_iter().map(|(_, event, moment)| (event, moment)).collect()
}

/// The time of the first moment later than `after_s`.
fn next(assets: &Assets, after_s: u64) -> Option<u64> {
    moments(assets, after_s).map(|(time_s, ..)| time_s).min()
}

/// The next start of each event and the announcements before it that are still to come.
fn moments(assets: &Assets, after_s: u64) -> impl Iterator<Item = (u64, String, EventMoment)> {
    assets.events.iter().flat_map(move |(_, def)| {
        let soon = def.announce_min.iter().filter_map(move |&minutes| {
            let ahead_s = u64::from(minutes) * 60;
            let start_s = def.when.next_after(after_s + ahead_s)?;
            Some((start_s - ahead_s, def.id.clone(), EventMoment::Soon { minutes }))
        });
        let start = def.when.next_after(after_s).map(|start_s| (start_s, def.id.clone(), EventMoment::Due));
        soon.chain(start)
    })
}

#[cfg(test)]
mod tests {
    use sim::testing::test_assets;

    use super::*;

    #[test]
    fn announcements_come_before_the_start_each_once_and_in_order() {
        let event = r#"(id: "event/rats", monster: "monster/rat", scene: "scene/flat", at: (0, 0), lifetime_ms: 60000,
            when: Every(minutes: 60, offset_minutes: 30), announce_min: [10, 1])"#;
        let assets = test_assets(&[("events/rats.ron", event)]);
        let midnight = 20_779 * 86_400;
        let minute = |minutes: u64| midnight + minutes * 60;
        assert_eq!(next(&assets, minute(0)), Some(minute(20)));
        let told: Vec<EventMoment> =
            due(&assets, minute(0), minute(59)).into_iter().map(|(_, moment)| moment).collect();
        let expected = [EventMoment::Soon { minutes: 10 }, EventMoment::Soon { minutes: 1 }, EventMoment::Due];
        assert_eq!(told, expected);
        assert!(due(&assets, minute(30), minute(79)).is_empty());
        assert_eq!(next(&assets, minute(30)), Some(minute(80)));
    }

    #[test]
    fn a_timetable_that_is_edited_is_followed_from_then_on() {
        let rats = |when: &str| {
            let event = format!(
                r#"(id: "event/rats", monster: "monster/rat", scene: "scene/flat", at: (0, 0), lifetime_ms: 60000,
                    when: {when}, announce_min: [])"#
            );
            test_assets(&[("events/rats.ron", &event)])
        };
        let current = CurrentAssets::new(rats("Every(minutes: 60, offset_minutes: 30)"));
        let midnight_s = 20_779 * 86_400;
        let minute = |minutes: u64| midnight_s + minutes * 60;
        let mut reader = Reader { told_until_s: minute(0) };
        assert_eq!(reader.read(&current.get(), minute(5)), (vec![], WAIT_MAX), "data and clock are looked at often");
        current.set(rats("Every(minutes: 60, offset_minutes: 3)"));
        assert_eq!(reader.read(&current.get(), minute(6)).0, [], "what would have been is not made up for");
        current.set(rats("Every(minutes: 60, offset_minutes: 10)"));
        let due = vec![("event/rats".to_owned(), EventMoment::Due)];
        assert_eq!(reader.read(&current.get(), minute(10)).0, due, "earlier than it was");
        assert_eq!(reader.read(&current.get(), minute(30)).0, [], "and not when it was any more");
        current.set(test_assets(&[]));
        assert_eq!(reader.read(&current.get(), minute(70)).0, [], "nor when it is gone");
    }

    #[test]
    fn every_scene_hears_of_it() {
        let (herald, ends) = Herald::new(3);
        herald.tell_all("event/rats", &EventMoment::Begun);
        for end in ends {
            let heard = end.try_recv().expect("it was told");
            assert_eq!(heard, SceneInput::WorldEvent { event: "event/rats".into(), moment: EventMoment::Begun });
        }
    }
}
