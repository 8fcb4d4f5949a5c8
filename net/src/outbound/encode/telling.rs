//! Telling: what one client lacks of everything it is shown is written into its frames, and what happened to them is
//! gathered for its batch.
//!
//! While everything fits, entities are told as they stand, nearly all of them in passing. When the last tick's budget was
//! short, those are told who are most urgent.

use sim::ids::SimId;
use sim::replicated::Changes;

use super::super::bodies::Bodies;
use super::super::changes::{News, PLACE_BITS};
use super::super::passing::{Own, Passage};
use super::super::view::Pair;
use super::budget::{Eyes, Ration, Verdict};
use super::frames::FrameWriter;
use super::{Picture, Scratch, crowd};
use crate::protocol::OwnState;
use crate::sessions::Session;

/// One client's share of this tick's news.
struct Telling<'a> {
    picture: &'a Picture<'a>,
    own: SimId,
    lacking: &'a mut Bodies,
    events: &'a mut Vec<u32>,
    frames: FrameWriter<'a>,
    passage: &'a mut Passage,
    told_count: usize,
    /// Who has to wait, of those that are not told by the ration.
    left_out: &'a mut Vec<Pair>,
    /// Of whom there is too much to tell for a datagram.
    oversized: &'a mut Vec<SimId>,
}

/// What became of one entity's news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// They are in a frame.
    Written,
    /// They are not for this client.
    Nothing,
    /// They wait.
    NoRoom,
}

/// Writes what the client lacks of everything in its view into frames, and gathers the events it is told.
pub(super) fn tell(
    session: &mut Session,
    eyes: &Eyes<'_>,
    own: OwnState,
    picture: &Picture<'_>,
    scratch: &mut Scratch,
) {
    let Scratch { lacking, passage, arena, events, records, datagram, ration, pairs, left_out, oversized, .. } =
        scratch;
    events.clear();
    left_out.clear();
    oversized.clear();
    let budget_bytes = picture.limits.record_bytes_per_tick();
    let view = &mut session.view;
    let was_short = view.is_short;
    if was_short {
        view.set_all_apart(pairs);
        ration.work_out(&view.apart, picture, (eyes, lacking), budget_bytes);
    }
    let (shown, mut apart, told_tick) =
        (std::mem::take(&mut view.shown), std::mem::take(&mut view.apart), view.told_tick);
    let frames = FrameWriter::new(session, own, picture, (arena, records, datagram));
    let mut telling =
        Telling { picture, own: eyes.own, lacking, events, frames, passage, told_count: 0, left_out, oversized };
    let waiting_count = if was_short {
        telling.tell_most_urgent(&mut apart, ration)
    } else {
        telling.tell_all(&shown, &apart, told_tick);
        telling.left_out.len()
    };
    let told_count = telling.told_count;
    if waiting_count > 0 {
        telling.frames.leave_out();
    }
    telling.frames.finish();
    events.sort_unstable();
    let (view, tick) = (&mut session.view, picture.tick);
    let silence_ticks = picture.limits.silence_ticks;
    let (is_hopeless, is_easy) = (was_short && ration.is_hopeless(), !was_short || ration.is_easy(silence_ticks));
    view.crowd.adapt(is_hopeless, is_easy, tick, || crowd::count(&shown, picture));
    view.is_short = waiting_count > 0 || (was_short && ration.wanted_bytes() * 5 > budget_bytes * 4);
    match (was_short, view.is_short) {
        // All stay apart until the budget suffices again: nobody is sorted out and in again in every tick.
        (true, true) => {}
        (true, false) => apart.retain(|pair| pair.since_tick != tick),
        (false, _) => {
            apart.clear();
            apart.extend_from_slice(left_out);
        }
    }
    view.left_out_count = waiting_count;
    view.told_count += told_count as u64;
    (view.shown, view.apart, view.told_tick) = (shown, apart, tick);
}

impl Telling<'_> {
    /// Tells of everybody while there is room: those set apart one by one, the others in between in runs.
    fn tell_all(&mut self, shown: &[SimId], apart: &[Pair], told_tick: u32) {
        let mut rest = shown;
        for &pair in apart {
            let (run, others) = rest.split_at(rest.partition_point(|&id| id < pair.id));
            self.tell_run(run, told_tick);
            self.tell_one(pair);
            rest = others.get(1..).unwrap_or_default();
        }
        self.tell_run(rest, told_tick);
    }

    /// Tells of entities of which the client was sent everything up to the same tick.
    fn tell_run(&mut self, mut run: &[SimId], since_tick: u32) {
        let encoded = self.picture.encoded;
        let is_last_tick = since_tick + 1 == self.picture.tick;
        // Where it is itself the client reads in its own state.
        let own = Own { id: self.own, rests: !encoded.is_more_than_place(self.own, since_tick) };
        loop {
            let (passed, written) = match is_last_tick {
                true => self.frames.pass(self.passage, run, encoded.all_passing(), own),
                false => (0, 0),
            };
            self.told_count += written;
            let Some((&id, rest)) = run.get(passed..).and_then(<[SimId]>::split_first) else { return };
            self.tell_one(Pair { id, since_tick });
            run = rest;
        }
    }

    /// Tells of those who go by the ration, and notes that they were told; answers how many have to wait.
    fn tell_most_urgent(&mut self, pairs: &mut [Pair], ration: &mut Ration) -> usize {
        if self.picture.encoded.has_events() {
            pairs.iter().for_each(|pair| self.gather_events(pair.id));
        }
        let (picture, mut waiting_count) = (self.picture, 0);
        self.tell_alone(pairs);
        self.frames.keep(ration.first_bytes());
        for (at, pair) in pairs.iter_mut().enumerate() {
            let verdict = ration.verdict(at, || picture.wanted(pair, self.lacking));
            if verdict == Verdict::GoesFirst {
                self.frames.give_back(picture.wanted(pair, self.lacking));
            }
            let is_let = matches!(verdict, Verdict::Goes | Verdict::GoesFirst);
            if verdict == Verdict::Waits || (is_let && !self.tell_news(*pair)) {
                waiting_count += 1;
            } else {
                pair.since_tick = picture.tick;
            }
        }
        waiting_count
    }

    /// Tells of one whose record found no room beside others in the last tick.
    fn tell_alone(&mut self, pairs: &mut [Pair]) {
        let Some(id) = self.frames.take_next_alone() else { return };
        let Ok(at) = pairs.binary_search_by_key(&id, |pair| pair.id) else { return };
        if self.tell_news(pairs[at]) {
            pairs[at].since_tick = self.picture.tick;
            self.frames.end_frame();
        }
    }

    /// Tells of one entity.
    fn tell_one(&mut self, pair: Pair) {
        self.gather_events(pair.id);
        if !self.tell_news(pair) {
            self.left_out.push(pair);
        }
    }

    fn gather_events(&mut self, id: SimId) {
        if self.picture.encoded.all_news().get(id.index()).is_some_and(|news| news.has_events) {
            let (changes, own) = (self.picture.changes, self.own);
            let is_told = |&&at: &&u32| is_told(changes, at, own);
            self.events.extend(self.picture.encoded.events(id).iter().filter(is_told));
        }
    }

    /// Writes the news of one entity, if there are any; false when they have to wait.
    fn tell_news(&mut self, pair: Pair) -> bool {
        let news = self.picture.encoded.all_news().get(pair.id.index());
        let Some(news) = news.filter(|news| news.changed_tick > pair.since_tick) else { return true };
        let told = self.write(&pair, news);
        self.told_count += usize::from(told == Told::Written);
        told != Told::NoRoom
    }

    /// Writes what the client lacks of one entity.
    fn write(&mut self, pair: &Pair, news: &News) -> Told {
        let (picture, id, since_tick) = (self.picture, pair.id, pair.since_tick);
        let (encoded, is_own) = (picture.encoded, id == self.own);
        let is_written = if news.follows(picture.tick, since_tick) && !is_own {
            match news.short() {
                Some(record) => self.frames.put_short(id, record),
                None => put(&mut self.frames, self.oversized, id, encoded.body(news)),
            }
        } else {
            let mask = encoded.changed_after(id, since_tick);
            // Where it is itself the client reads in its own state.
            if is_own && mask & !PLACE_BITS == 0 {
                return Told::Nothing;
            }
            let is_written = match encoded.compact(id, mask, since_tick).filter(|_| !is_own) {
                Some(record) => self.frames.put_short(id, record),
                None => put(&mut self.frames, self.oversized, id, self.lacking.body(picture.source, id, mask)),
            };
            if is_written {
                self.frames.except(id, since_tick);
            }
            is_written
        };
        if is_written { Told::Written } else { Told::NoRoom }
    }
}

/// Writes a record, or notes that the batch has to carry it; false when it has to wait.
fn put(frames: &mut FrameWriter<'_>, oversized: &mut Vec<SimId>, id: SimId, body: &[u8]) -> bool {
    if FrameWriter::fits(body.len()) {
        return frames.put(id, body);
    }
    oversized.push(id);
    true
}

fn is_told(changes: &Changes, event: u32, own_id: SimId) -> bool {
    changes.events().get(event as usize).is_some_and(|event| !event.owner_only || event.subject == own_id)
}
