//! One thread of bots: whose turn it is, who joins, whose line is gone. Every second it hands in what its bots measured.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::time::Duration;

use net::client::{ConnectError, ConnectOptions};
use tokio::time::Instant;

use super::{Field, Phase};
use crate::bot::Bot;
use crate::line::Lines;
use crate::measure::Measures;
use crate::report::Outcome;
use crate::thread_clock::thread_cpu;

/// Time between two turns, the server's tick.
const TURN: Duration = Duration::from_millis(50);
/// Time between two turns of a bot that sends nothing.
const STILL_TURN: Duration = Duration::from_secs(1);
/// How long the server's goodbyes are waited for.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a thread with nothing to do looks at the phase of the test.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

/// What becomes of a bot.
enum Stage {
    /// Its time to join has not come.
    Waiting,
    /// It has asked to be let in.
    Joining,
    /// It plays.
    In,
    /// It is done.
    Out,
}

struct Seat<'f> {
    number: u32,
    impaired: bool,
    stage: Stage,
    bot: Bot<'f>,
}

struct Herd<'f> {
    field: &'f Field,
    lines: Lines,
    seats: Vec<Seat<'f>>,
    /// When which seat does something next.
    agenda: BinaryHeap<Reverse<(Instant, usize)>>,
    outcome: Outcome,
    /// This second's measures: of those with a good network, and of the impaired.
    second: [Measures; 2],
    handed_in: (u32, Instant, Duration),
    /// Whether all had joined when it last looked.
    measuring: bool,
    playing: u32,
}

/// Drives the bots whose place in the order leaves the remainder `herd`, so that every herd joins evenly.
pub(super) async fn run(field: &Field, herd: u32, herds: u32) -> io::Result<Outcome> {
    let orders: Vec<u32> = (0..field.plan.count).filter(|order| order % herds == herd).collect();
    let lines = match Lines::open(&field.plan, orders.len(), herd).await {
        Ok(lines) => lines,
        Err(error) => {
            // Nobody waits for bots that will not come.
            orders.iter().for_each(|_| field.note_joined(false));
            return Err(error);
        }
    };
    let mut herd = Herd::new(field, lines, &orders);
    herd.play().await;
    Ok(herd.finish().await)
}

impl<'f> Herd<'f> {
    fn new(field: &'f Field, lines: Lines, orders: &[u32]) -> Self {
        let impaired = field.plan.network.impaired_count(field.plan.count);
        let seat = |&order: &u32| {
            let number = field.plan.first + order;
            Seat { number, impaired: order < impaired, stage: Stage::Waiting, bot: Bot::new(field, number) }
        };
        let agenda = orders.iter().enumerate().map(|(seat, &order)| Reverse((field.join_time(order), seat)));
        Self {
            field,
            lines,
            seats: orders.iter().map(seat).collect(),
            agenda: agenda.collect(),
            outcome: Outcome::default(),
            second: Default::default(),
            handed_in: (field.second(), Instant::now(), thread_cpu()),
            measuring: false,
            playing: 0,
        }
    }

    async fn play(&mut self) {
        while self.field.phase() != Phase::Leaving {
            let soon = Instant::now() + LOOK_PERIOD;
            let next = self.agenda.peek().map_or(soon, |Reverse((due, _))| soon.min(*due));
            if let Some((seat, answer)) = self.lines.wait(next).await {
                self.on_answer(seat, answer);
            }
            let now = Instant::now();
            while let Some(&Reverse((due, seat))) = self.agenda.peek()
                && due <= now
            {
                self.agenda.pop();
                self.act(seat, due);
            }
            self.hand_in(false);
        }
    }

    fn act(&mut self, seat: usize, due: Instant) {
        match self.seats[seat].stage {
            Stage::Waiting => self.join(seat),
            Stage::In => self.take_turn(seat, due),
            Stage::Joining | Stage::Out => {}
        }
    }

    fn join(&mut self, seat: usize) {
        let Seat { number, impaired, stage, .. } = &mut self.seats[seat];
        *stage = Stage::Joining;
        let options = ConnectOptions {
            name: format!("bot-{}-{number}", self.field.plan.seed),
            class: self.field.class_of(*number).id.clone(),
            trust: self.field.plan.trust,
        };
        self.lines.connect(seat, options, *impaired);
    }

    fn on_answer(&mut self, seat: usize, answer: Result<(), ConnectError>) {
        self.field.note_joined(answer.is_ok());
        if let Err(refused) = answer {
            self.seats[seat].stage = Stage::Out;
            self.outcome.refuse(&refused);
            return;
        }
        self.outcome.connected += 1;
        let ours = self.field.plan.assets.hash;
        let accepted = self.lines.line(seat).and_then(|line| line.accepted());
        if let Some(theirs) = accepted.map(|accepted| accepted.assets_hash).filter(|&theirs| theirs != ours) {
            self.outcome.other_assets = Some(theirs);
            self.lines.drop_line(seat);
            return self.stop(seat);
        }
        self.seats[seat].stage = Stage::In;
        self.playing += 1;
        self.agenda.push(Reverse((Instant::now(), seat)));
    }

    fn take_turn(&mut self, seat: usize, due: Instant) {
        let (measuring, is_still) = (self.measuring, self.field.plan.behaviour.is_still());
        let Seat { impaired, bot, .. } = &mut self.seats[seat];
        let measures = &mut self.second[usize::from(*impaired)];
        let Some(line) = self.lines.line(seat) else { return };
        bot.take_turn(line, measures, measuring);
        if line.closed().is_some() {
            bot.count(line, measures);
            self.outcome.drop_one(bot.why_dropped(line));
            self.playing -= 1;
            self.lines.drop_line(seat);
            return self.stop(seat);
        }
        let correction_us = line.pacing_correction_us();
        let pause = if is_still { STILL_TURN } else { TURN };
        let correction = Duration::from_micros(correction_us.unsigned_abs());
        let next = if correction_us < 0 { due + pause - correction } else { due + pause + correction };
        // A bot that was held up does not hurry afterwards.
        self.agenda.push(Reverse((next.max(Instant::now()), seat)));
    }

    fn stop(&mut self, seat: usize) {
        self.seats[seat].stage = Stage::Out;
        self.field.note_left();
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
        let impaired = self.seats.iter().filter(|seat| seat.impaired && matches!(seat.stage, Stage::In)).count();
        let impaired = u32::try_from(impaired).unwrap_or(u32::MAX).min(self.playing);
        for (group, bots) in [self.playing - impaired, impaired].into_iter().enumerate() {
            let measures = &mut self.second[group];
            measures.connected = (at - since) * bots;
            self.field.series().add(second, measures);
            self.outcome.add_measures(group, measures, was_measuring);
            measures.clear();
        }
    }

    async fn finish(mut self) -> Outcome {
        for seat in 0..self.seats.len() {
            let Seat { impaired, bot, .. } = &mut self.seats[seat];
            if let Some(line) = self.lines.line(seat) {
                bot.count(line, &mut self.second[usize::from(*impaired)]);
            }
        }
        self.hand_in(true);
        self.lines.leave(LEAVE_TIMEOUT).await;
        for seat in self.seats {
            let (count, told) = seat.bot.into_violations();
            self.outcome.violate(count, told);
        }
        self.outcome
    }
}
