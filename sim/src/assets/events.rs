//! World events: a boss that comes to a place at stated times and is announced to everyone, in every scene.
//! Times are UTC; the timetable is pure arithmetic on seconds since 1970-01-01 00:00, who reads a clock is the process.
//! The systems that run them live in `features/world_events`.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{MonsterDef, Record, Ref, RefVisitor, SceneDef, ticks_of};

/// Seconds in a minute, and minutes in a day.
const MINUTE_S: u64 = 60;
const DAY_MIN: u64 = 24 * 60;
/// 1970-01-01 was a Thursday, the fourth day of a week that begins on Monday.
const FIRST_WEEKDAY: u64 = 3;

/// One world event, `event/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorldEventDef {
    /// `event/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// Who comes.
    pub monster: Ref<MonsterDef>,
    /// Into which scene.
    pub scene: Ref<SceneDef>,
    /// Where (x, z), in metres.
    pub at: (f32, f32),
    /// When, in UTC.
    pub when: Timetable,
    /// How many minutes before it comes it is announced in every scene, each from 1.
    #[serde(default)]
    pub announce_min: Vec<u16>,
    /// How long it stays when nobody fights it, in ms.
    pub lifetime_ms: u32,
}

impl WorldEventDef {
    /// How long it stays, in ticks.
    #[must_use]
    pub const fn lifetime_ticks(&self) -> u32 {
        ticks_of(self.lifetime_ms)
    }
}

impl Record for WorldEventDef {
    const KIND: &'static str = "event";
    const FOLDER: &'static str = "events";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        self.monster.visit("monster", visitor);
        self.scene.visit("scene", visitor);
    }
}

/// The times at which something happens, in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Timetable {
    /// Again and again, counted from midnight of 1970-01-01.
    Every {
        /// Minutes from one time to the next, from 1.
        minutes: u32,
        /// Minutes by which all of them are later.
        #[serde(default)]
        offset_minutes: u32,
    },
    /// Every day.
    Daily {
        /// At these times, such as `"19:30"`.
        at: Vec<TimeOfDay>,
    },
    /// On some days of the week.
    Weekly {
        /// On these days.
        days: Vec<Weekday>,
        /// At these times, such as `"19:30"`.
        at: Vec<TimeOfDay>,
    },
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A time of day in minutes since midnight, 0 to 1,439; written as `"19:30"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(pub u16);

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Clock;
        impl Visitor<'_> for Clock {
            type Value = TimeOfDay;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time of day such as \"19:30\"")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<TimeOfDay, E> {
                let parts = text.split_once(':').filter(|(hours, minutes)| hours.len() == 2 && minutes.len() == 2);
                let part = |text: &str, end: u16| text.parse::<u16>().ok().filter(|&number| number < end);
                let found = parts.and_then(|(hours, minutes)| Some(part(hours, 24)? * 60 + part(minutes, 60)?));
                found.map(TimeOfDay).ok_or_else(|| {
                    E::custom(format!("`{text}` is no time of day; write hours and minutes such as \"19:30\""))
                })
            }
        }
        deserializer.deserialize_str(Clock)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl schemars::JsonSchema for TimeOfDay {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeOfDay".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" })
    }
}

impl Timetable {
    /// The first time after `after_s`, both in seconds since 1970-01-01 00:00 UTC; `None` for a timetable without times.
    #[must_use]
    pub fn next_after(&self, after_s: u64) -> Option<u64> {
        let after_min = after_s / MINUTE_S;
        let next_min = match self {
            Self::Every { minutes: 0, .. } => return None,
            Self::Every { minutes, offset_minutes } => {
                let (step, offset) = (u64::from(*minutes), u64::from(*offset_minutes) % u64::from(*minutes));
                let behind = (after_min + step - offset % step) % step;
                after_min + step - behind
            }
            Self::Daily { at } => (0..=1).find_map(|days| on_day(after_min, days, at))?,
            Self::Weekly { days, at } => (0..=7).find_map(|ahead| {
                let weekday = (after_min / DAY_MIN + ahead + FIRST_WEEKDAY) % 7;
                let is_on = days.iter().any(|&day| day as u64 == weekday);
                if is_on { on_day(after_min, ahead, at) } else { None }
            })?,
        };
        Some(next_min * MINUTE_S)
    }
}

/// The first of the times `days_ahead` of the day of `after_min` that is later than `after_min`.
fn on_day(after_min: u64, days_ahead: u64, at: &[TimeOfDay]) -> Option<u64> {
    let midnight = (after_min / DAY_MIN + days_ahead) * DAY_MIN;
    at.iter().map(|time| midnight + u64::from(time.0)).filter(|&time| time > after_min).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22 was a Sunday; midnight in seconds.
    const SUNDAY: u64 = 20_779 * 86_400;

    fn clock(hours: u64, minutes: u64) -> u64 {
        (hours * 60 + minutes) * 60
    }

    #[test]
    fn a_steady_timetable_counts_from_its_offset() {
        let table = Timetable::Every { minutes: 120, offset_minutes: 15 };
        assert_eq!(table.next_after(SUNDAY), Some(SUNDAY + clock(0, 15)));
        assert_eq!(table.next_after(SUNDAY + clock(0, 15)), Some(SUNDAY + clock(2, 15)));
        assert_eq!(table.next_after(SUNDAY + clock(0, 14) + 59), Some(SUNDAY + clock(0, 15)));
        assert_eq!(Timetable::Every { minutes: 0, offset_minutes: 0 }.next_after(SUNDAY), None);
    }

    #[test]
    fn a_daily_timetable_goes_on_after_midnight() {
        let table = Timetable::Daily { at: vec![TimeOfDay(20 * 60), TimeOfDay(8 * 60 + 30)] };
        assert_eq!(table.next_after(SUNDAY), Some(SUNDAY + clock(8, 30)));
        assert_eq!(table.next_after(SUNDAY + clock(8, 30)), Some(SUNDAY + clock(20, 0)));
        assert_eq!(table.next_after(SUNDAY + clock(20, 0)), Some(SUNDAY + clock(32, 30)));
        assert_eq!(Timetable::Daily { at: Vec::new() }.next_after(SUNDAY), None);
    }

    #[test]
    fn a_weekly_timetable_knows_its_days() {
        let table = Timetable::Weekly { days: vec![Weekday::Sunday, Weekday::Tuesday], at: vec![TimeOfDay(60)] };
        assert_eq!(table.next_after(SUNDAY), Some(SUNDAY + clock(1, 0)));
        assert_eq!(table.next_after(SUNDAY + clock(1, 0)), Some(SUNDAY + clock(49, 0)));
        assert_eq!(table.next_after(SUNDAY + clock(49, 0)), Some(SUNDAY + clock(7 * 24 + 1, 0)));
    }

    #[test]
    fn times_of_day_are_read_strictly() {
        let read = |text: &str| ron::from_str::<TimeOfDay>(text);
        assert_eq!(read("\"19:30\"").unwrap().to_string(), "19:30");
        for bad in ["\"24:00\"", "\"7:30\"", "\"12:60\"", "\"12\"", "1930"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
