//! One thread of bots: whose turn it is, who joins, whose line is gone and who finds back. Every second it hands in what its
//! bots measured.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::time::{Duration, Instant};

use net::client::{Closed, ConnectOptions};
use net::protocol::{Goodbye, ResumeToken};
use sim::ids::SimId;
use sim::random::{Random, Stream};

use super::{Field, Phase};
use crate::bot::Bot;
use crate::line::{Caller, Lines, News};
use crate::measure::Measures;
use crate::report::Outcome;
use crate::thread_clock::thread_cpu;
use crate::truth::Truths;

/// Time between two turns, the server's tick.
const TURN: Duration = Duration::from_millis(50);
/// Time between two turns of a bot that sends nothing: 100,000 of them share a machine with the server.
const STILL_TURN: Duration = Duration::from_secs(5);
/// How long the server may take to let a bot in.
const JOIN_TIMEOUT: Duration = Duration::from_secs(20);
/// How long one try to come back may take, besides what the path is made to take.
const RETURN_TIMEOUT: Duration = Duration::from_millis(400);
/// Round trips of a try to come back.
const RETURN_ROUND_TRIPS: u32 = 5;
/// How long a bot tries to come back: as long as its token is good.
const RETURN_PATIENCE: Duration = Duration::from_secs(60);
/// Least and most time before a login that failed is tried again, in milliseconds: those whom a busy server turned away
/// together do not come together again.
const RETRY_PAUSE_MS: (i32, i32) = (100, 600);
/// How long the server's goodbyes are waited for.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a thread with nothing to do looks at the phase of the test.
const LOOK_PERIOD: Duration = Duration::from_millis(50);

/// What becomes of a bot.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Its time to join has not come.
    Waiting,
    /// It has asked to be let in, first at that time.
    Joining(Instant),
    /// It plays.
    In,
    /// Its line was lost then; it tries to come back by token.
    Away(Instant),
    /// It is done.
    Out,
}

struct Seat<'f> {
    number: u32,
    is_impaired: bool,
    stage: Stage,
    /// When it does something next; other entries of the agenda are void.
    next: Instant,
    /// Logins that failed and were tried again.
    retries: u32,
    /// What it comes back with, and as whom.
    token: Option<ResumeToken>,
    own: Option<SimId>,
    bot: Bot<'f>,
}

struct Herd<'f> {
    field: &'f Field,
    lines: Lines,
    seats: Vec<Seat<'f>>,
    /// When which seat does something next.
    agenda: BinaryHeap<Reverse<(Instant, usize)>>,
    truths: Truths,
    outcome: Outcome,
    /// This second's measures: of those with a good network, and of the impaired.
    second: [Measures; 2],
    handed_in: (u32, Instant, Duration),
    /// Whether all had joined when it last looked.
    measuring: bool,
    /// Bots that play: of those with a good network, and of the impaired.
    playing: [u32; 2],
}

/// Drives the bots whose place in the order leaves the remainder `herd`, so that every herd joins evenly.
pub(super) async fn run(field: &Field, herd: u32, herds: u32) -> io::Result<Outcome> {
    let orders: Vec<u32> = (0..field.plan.count).filter(|order| order % herds == herd).collect();
    let impaired = field.plan.network.impaired_count(field.plan.count);
    let impaired_here = orders.iter().filter(|&&order| order < impaired).count();
    let lines = match Lines::open(&field.plan, orders.len(), impaired_here, herd) {
        Ok(lines) => lines,
        Err(error) => {
            // Nobody waits for bots that will not come.
            orders.iter().for_each(|_| field.note_joined(false));
            return Err(error);
        }
    };
    let mut herd = Herd::new(field, lines, &orders, impaired);
    if let Err(error) = herd.play().await {
        herd.give_up();
        return Err(error);
    }
    herd.finish().await
}

impl<'f> Herd<'f> {
    fn new(field: &'f Field, lines: Lines, orders: &[u32], impaired: u32) -> Self {
        let seat = |&order: &u32| {
            let number = field.plan.first + order;
            Seat {
                number,
                is_impaired: order < impaired,
                stage: Stage::Waiting,
                next: field.join_time(order),
                retries: 0,
                token: None,
                own: None,
                bot: Bot::new(field, number),
            }
        };
        let seats: Vec<Seat<'f>> = orders.iter().map(seat).collect();
        Self {
            field,
            lines,
            agenda: seats.iter().enumerate().map(|(index, seat)| Reverse((seat.next, index))).collect(),
            seats,
            truths: Truths::default(),
            outcome: Outcome::default(),
            second: Default::default(),
            handed_in: (field.second(), Instant::now(), thread_cpu()),
            measuring: false,
            playing: [0; 2],
        }
    }

    async fn play(&mut self) -> io::Result<()> {
        while self.field.phase() != Phase::Leaving {
            let soon = Instant::now() + LOOK_PERIOD;
            let next = self.agenda.peek().map_or(soon, |Reverse((due, _))| soon.min(*due));
            self.lines.cut(self.field.is_cut());
            for (seat, news) in self.lines.wait(next).await? {
                self.hear(seat, news);
            }
            let now = Instant::now();
            while let Some(&Reverse((due, seat))) = self.agenda.peek()
                && due <= now
            {
                self.agenda.pop();
                if self.seats[seat].next == due {
                    self.act(seat, due);
                }
            }
            self.hand_in(false);
        }
        Ok(())
    }

    /// Nobody waits for what this herd cannot do any more.
    fn give_up(&self) {
        for seat in &self.seats {
            match seat.stage {
                Stage::Waiting | Stage::Joining(_) => self.field.note_joined(false),
                Stage::In | Stage::Away(_) => self.field.note_left(),
                Stage::Out => {}
            }
        }
    }

    fn at(&mut self, seat: usize, next: Instant) {
        self.seats[seat].next = next;
        self.agenda.push(Reverse((next, seat)));
    }

    fn act(&mut self, seat: usize, due: Instant) {
        match self.seats[seat].stage {
            Stage::Waiting => self.join(seat, Instant::now()),
            Stage::Joining(since) if since.elapsed() < JOIN_TIMEOUT => self.join(seat, since),
            Stage::Joining(_) => self.refuse(seat, "the server did not place the character within 20 s".to_owned()),
            Stage::In => self.take_turn(seat, due),
            Stage::Away(since) => self.come_back(seat, since),
            Stage::Out => {}
        }
    }

    fn hear(&mut self, seat: usize, news: News) {
        match (self.seats[seat].stage, news) {
            (Stage::Joining(_), News::Entered) => self.enter(seat),
            (Stage::Joining(since), News::Closed(closed)) => {
                let is_over = matches!(closed, Closed::Goodbye(Goodbye::Full));
                if is_over || !self.tries_again(seat, closed, since + JOIN_TIMEOUT) {
                    self.refuse(seat, in_words(closed));
                }
            }
            (Stage::In, News::Closed(closed)) => self.lose(seat, closed),
            (Stage::Away(since), News::Entered) => self.resume(seat, since),
            (Stage::Away(since), News::Closed(closed)) => {
                self.keep_token(seat);
                if !self.tries_again(seat, closed, since + RETURN_PATIENCE) {
                    self.drop_out(seat, &in_words(closed));
                }
            }
            (Stage::Waiting | Stage::Out, _) | (Stage::In, News::Entered) => {}
        }
    }

    /// A login failed. Plans another one when that may help and comes before `until`; answers whether it does.
    fn tries_again(&mut self, seat: usize, closed: Closed, until: Instant) -> bool {
        let may_help = matches!(closed, Closed::Lost | Closed::Goodbye(Goodbye::LoginTimeout | Goodbye::Full));
        let Seat { number, retries, .. } = &mut self.seats[seat];
        let random = Random::new(self.field.plan.seed);
        let mut draw = random.draw(*retries, SimId::from_bits(*number), Stream("retry"), 0);
        let pause_ms = draw.between(RETRY_PAUSE_MS.0, RETRY_PAUSE_MS.1);
        let next = Instant::now() + Duration::from_millis(pause_ms.unsigned_abs().into());
        if !may_help || next >= until {
            return false;
        }
        *retries += 1;
        self.outcome.logins_retried += 1;
        self.at(seat, next);
        true
    }

    /// Asks to be let in; the first time was then.
    fn join(&mut self, seat: usize, since: Instant) {
        let Seat { number, is_impaired, stage, .. } = &mut self.seats[seat];
        *stage = Stage::Joining(since);
        let options = ConnectOptions {
            name: format!("bot-{}-{number}", self.field.plan.seed),
            class: self.field.class_of(*number).id.clone(),
            trust: self.field.plan.trust,
        };
        match self.lines.connect(seat, &Caller::Newcomer(options), *is_impaired) {
            Ok(()) => self.at(seat, since + JOIN_TIMEOUT),
            Err(why) => return self.refuse(seat, why),
        }
        self.record(seat);
    }

    fn record(&mut self, seat: usize) {
        if let Some(mut line) = self.lines.line(seat) {
            self.seats[seat].bot.begin_recording(&mut line);
        }
    }

    fn refuse(&mut self, seat: usize, why: String) {
        self.lines.hang_up(seat);
        self.field.note_joined(false);
        self.seats[seat].stage = Stage::Out;
        self.outcome.refuse(why);
    }

    fn enter(&mut self, seat: usize) {
        self.field.note_joined(true);
        self.outcome.connected += 1;
        let ours = self.field.plan.assets.hash;
        let accepted = self.lines.line(seat).and_then(|line| line.accepted());
        if let Some(theirs) = accepted.map(|accepted| accepted.assets_hash).filter(|&theirs| theirs != ours) {
            self.outcome.other_assets = Some(theirs);
            self.lines.hang_up(seat);
            self.seats[seat].stage = Stage::Out;
            return self.field.note_left();
        }
        self.sit_down(seat);
    }

    /// Plays from now on, and knows what it needs to come back.
    fn sit_down(&mut self, seat: usize) {
        let Some(line) = self.lines.line(seat) else { return };
        let (token, own) = (line.resume_token(), line.world().scene().map(|scene| scene.own));
        let here = &mut self.seats[seat];
        (here.stage, here.token, here.own) = (Stage::In, token, own);
        self.playing[usize::from(here.is_impaired)] += 1;
        self.field.note_character(own);
        self.at(seat, Instant::now());
    }

    /// A line that was welcomed has used up the token it came with, and was given the next one.
    fn keep_token(&mut self, seat: usize) {
        let given = self.lines.line(seat).and_then(|line| line.resume_token());
        let token = &mut self.seats[seat].token;
        *token = given.or(*token);
    }

    fn take_turn(&mut self, seat: usize, due: Instant) {
        let Seat { is_impaired, bot, .. } = &mut self.seats[seat];
        let measures = &mut self.second[usize::from(*is_impaired)];
        let Some(mut line) = self.lines.line(seat) else { return };
        bot.take_turn(&mut line, measures, self.measuring);
        self.truths.note(&line);
        if bot.looks_now() {
            bot.compare(&line, &self.truths, measures);
        }
        if self.field.plan.network.cut.is_some() && bot.hears_nothing() {
            return self.lose(seat, Closed::Lost);
        }
        let correction_us = line.pacing_correction_us();
        let pause = if self.field.plan.behaviour.is_still() { STILL_TURN } else { TURN };
        let correction = Duration::from_micros(correction_us.unsigned_abs());
        let next = if correction_us < 0 { due + pause - correction } else { due + pause + correction };
        // A bot that was held up does not hurry afterwards.
        self.at(seat, next.max(Instant::now()));
    }

    /// A line that was in use is gone. When the plan cuts the network, its bot tries to come back.
    fn lose(&mut self, seat: usize, closed: Closed) {
        let Seat { is_impaired, bot, token, .. } = &mut self.seats[seat];
        let group = usize::from(*is_impaired);
        if let Some(mut line) = self.lines.line(seat) {
            bot.count(&mut line, &mut self.second[group]);
        }
        self.playing[group] -= 1;
        let comes_back =
            self.field.plan.network.cut.is_some() && token.is_some() && !matches!(closed, Closed::Goodbye(_));
        bot.lose_line();
        if !comes_back {
            return self.drop_out(seat, &in_words(closed));
        }
        self.outcome.returns.lost += 1;
        self.lines.hang_up(seat);
        self.seats[seat].stage = Stage::Away(Instant::now());
        self.at(seat, Instant::now());
    }

    fn drop_out(&mut self, seat: usize, why: &str) {
        self.outcome.drop_one(self.seats[seat].bot.told_dropped(why));
        self.lines.hang_up(seat);
        self.seats[seat].stage = Stage::Out;
        self.field.note_left();
    }

    /// Tries once to come back, and gives up what was tried before.
    fn come_back(&mut self, seat: usize, since: Instant) {
        let Seat { token, is_impaired, .. } = &self.seats[seat];
        let Some(token) = token.filter(|_| since.elapsed() < RETURN_PATIENCE) else {
            return self.drop_out(seat, "it could not come back");
        };
        if self.lines.line(seat).is_some_and(|line| line.has_spoken()) {
            // The server may have the token, which is good once: its answer is on its way, or the line will prove lost.
            return self.at(seat, Instant::now() + RETURN_TIMEOUT);
        }
        let caller = Caller::Returner(token, self.field.plan.trust);
        if let Err(why) = self.lines.connect(seat, &caller, *is_impaired) {
            return self.drop_out(seat, &why);
        }
        self.record(seat);
        let impairment = self.field.plan.network.impairment;
        let path = Duration::from_millis(u64::from(impairment.delay_ms + impairment.jitter_ms)) * 2;
        self.at(seat, Instant::now() + RETURN_TIMEOUT + path * RETURN_ROUND_TRIPS);
    }

    fn resume(&mut self, seat: usize, since: Instant) {
        let before = self.seats[seat].own;
        self.sit_down(seat);
        self.outcome.returns.resumed += 1;
        self.outcome.returns.same_entity += u32::from(self.seats[seat].own == before);
        if let Some(after) = way_back(self.field.mended(), since, Instant::now()) {
            self.outcome.returns.after.record(u32::try_from(after.as_micros()).unwrap_or(u32::MAX));
        }
    }

    /// Hands in what was measured since the last second ended, when it has ended, all have joined, or it is `over`.
    fn hand_in(&mut self, over: bool) {
        let (second, since, cpu_before) = self.handed_in;
        let measuring = self.field.phase() == Phase::Measuring;
        let was_measuring = std::mem::replace(&mut self.measuring, measuring);
        if self.field.second() == second && measuring == was_measuring && !over {
            return;
        }
        let (at, cpu) = (Instant::now(), thread_cpu());
        self.handed_in = (self.field.second(), at, cpu);
        self.second[0].cpu = cpu.saturating_sub(cpu_before);
        for (group, measures) in self.second.iter_mut().enumerate() {
            measures.connected = (at - since) * self.playing[group];
            if !over {
                // The rest of a second makes no point: bots hand in a second's bytes at its end.
                self.field.series().add(second, measures);
            }
            self.outcome.add_measures(group, measures, was_measuring);
            measures.clear();
        }
    }

    async fn finish(mut self) -> io::Result<Outcome> {
        let strangers = self.strangers();
        self.outcome.returns.strangers.extend(strangers);
        for seat in 0..self.seats.len() {
            let Seat { is_impaired, stage, bot, .. } = &mut self.seats[seat];
            let Some(mut line) = self.lines.line(seat) else { continue };
            if matches!(stage, Stage::In) {
                bot.count(&mut line, &mut self.second[usize::from(*is_impaired)]);
                bot.say_goodbye(&mut line);
            } else {
                self.lines.hang_up(seat);
            }
        }
        self.hand_in(true);
        self.lines.leave(LEAVE_TIMEOUT).await?;
        for seat in self.seats {
            let (count, told) = seat.bot.into_violations();
            self.outcome.violate(count, told);
        }
        Ok(self.outcome)
    }

    /// Characters in anyone's view that are no bot's: of interest after everybody was away.
    fn strangers(&mut self) -> Vec<SimId> {
        if self.field.plan.network.cut.is_none() {
            return Vec::new();
        }
        let mut strangers = Vec::new();
        for seat in 0..self.seats.len() {
            let Some(line) = self.lines.line(seat) else { continue };
            let players = self.seats[seat].bot.players_seen(&line);
            strangers.extend(players.into_iter().filter(|id| !self.field.is_character(*id)));
        }
        strangers
    }
}

/// How long a bot that was away since then took to come back after the network did; `None` without a cut that is over. A
/// line may also be lost long after the cut: its way back begins there.
fn way_back(mended: Option<Instant>, since: Instant, now: Instant) -> Option<Duration> {
    mended.map(|mended| now.saturating_duration_since(mended.max(since)))
}

fn in_words(closed: Closed) -> String {
    match closed {
        Closed::Goodbye(Goodbye::LoggedOut) => "it was logged out".to_owned(),
        Closed::Goodbye(goodbye) => format!("the server said {}", goodbye.name()),
        Closed::Lost => "the connection was lost".to_owned(),
        Closed::Here => "the connection was closed here".to_owned(),
    }
}

#[cfg(test)]
mod tests;
