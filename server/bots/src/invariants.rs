//! What must be true of everything a client is shown. A bot looks after every turn; each violation is counted,
//! and the first few are told in words.

use std::collections::VecDeque;

use glam::Vec3;
use net::client::ClientSession;
use net::client::world::{RemoteEntity, WorldEvent};
use net::protocol::OwnState;
use sim::assets::{MovementDef, SceneDef};
use sim::features::combat::{HealthChanged, Vitals};
use sim::features::skills::{CastEnded, CastOutcome, Cooldowns, CooldownsSeen};
use sim::locomotion::SPEED_BP_NORMAL;
use sim::tick::TICK_SECONDS;
use sim::wire::Reader;

mod ledger;
mod regain;

use crate::senses::Senses;
use crate::truth::Truth;
use crate::walk::ground;
use ledger::Ledger;

/// How much farther than the leave radius something in view may be, in metres: what two runners part in a second,
/// while the news of it travels.
const LEAVE_SLACK_M: f32 = 15.0;
/// What the own character may move over [`SPEED_WINDOW_TICKS`], as a part of what its speed allows.
const SPEED_TOLERANCE: f32 = 1.02;
/// Ticks over which the own speed is judged (5 s).
const SPEED_WINDOW_TICKS: u32 = 100;
/// A step of the own character beyond this is being set down elsewhere, in metres.
const JUMP_M: f32 = 5.0;
/// Turns after a jump in which what is in view may still be that of the former place (3 s).
const JUMP_REST_TURNS: u32 = 60;
/// After so many ticks in a scene the own character has to be in view (3 s).
const ENTER_TICKS: u32 = 60;
/// Violations told in words per bot.
const TOLD_MAX: usize = 5;

/// The judge of one bot.
#[derive(Debug, Default)]
pub(crate) struct Invariants {
    count: u64,
    told: Vec<String>,
    scene_epoch: u32,
    newest_tick: u32,
    batch_gaps: u64,
    jumped_turn: Option<u32>,
    way: Way,
    ledger: Ledger,
    /// [`ClientWorld::own_news`](net::client::world::ClientWorld::own_news) at the end of the last turn.
    own_news: Option<u32>,
    /// The own cooldowns as they were told by the end of the last turn, and in which tick.
    cooldowns: (u32, Vec<u8>),
}

impl Invariants {
    /// Looks at everything; call once per turn. Others are looked at every `look_turns`, or never.
    pub(crate) fn check(&mut self, senses: &Senses<'_>, look_turns: Option<u32>) {
        let world = senses.session.world();
        let Some(scene) = world.scene() else { return };
        if scene.epoch != self.scene_epoch {
            (self.scene_epoch, self.newest_tick, self.jumped_turn) = (scene.epoch, 0, Some(senses.turn));
            (self.way, self.ledger, self.cooldowns) = (Way::default(), Ledger::default(), (0, Vec::new()));
            self.own_news = None;
        }
        let (tick, own) = (world.newest_tick(), *world.own());
        if tick < self.newest_tick {
            self.violated(senses, &format!("frames went back from tick {} to tick {tick}", self.newest_tick));
        }
        if tick > self.newest_tick {
            self.check_own(senses, tick, &own);
        }
        self.newest_tick = tick;
        self.check_batches(senses);
        if self.own_news.replace(world.own_news()) != Some(world.own_news()) {
            self.check_vitals(senses);
            self.remember_cooldowns(senses);
        }
        if look_turns.is_some_and(|turns| senses.turn.is_multiple_of(turns)) {
            self.check_others(senses);
            self.balance_books(senses);
        }
    }

    /// Takes in what happened to somebody in view; before [`Invariants::check`].
    pub(crate) fn hear(&mut self, senses: &Senses<'_>, event: &WorldEvent) {
        if Some(event.kind) == senses.bits.health_changed {
            if let Some(change) = HealthChanged::from_wire(event.subject, &mut Reader::new(&event.body)) {
                self.ledger.enter(event.subject, event.tick, change.amount);
            }
        } else if Some(event.kind) == senses.bits.cast_ended && Some(event.subject) == senses.own_id() {
            let cast = CastEnded::from_wire(event.subject, &mut Reader::new(&event.body));
            if let Some(cast) = cast.filter(|cast| cast.outcome == CastOutcome::Finished) {
                self.check_cooldown(senses, event.tick, &cast);
            }
        }
    }

    /// A bot is shown where it was not.
    pub(crate) fn hear_truth(&mut self, session: &ClientSession, truth: &Truth) {
        if let Some(what) = truth.contradiction(session) {
            self.violated_in(session, &what);
        }
    }

    /// An instant cast that took effect must have been ready by what the server had told before.
    fn check_cooldown(&mut self, senses: &Senses<'_>, tick: u32, cast: &CastEnded) {
        let Some(skill) = senses.assets.skills.get(cast.skill).filter(|skill| skill.cast_ticks() == 0) else { return };
        let (told, bytes) = &self.cooldowns;
        let Some(told) = cooldowns_of(bytes).filter(|_| *told < tick) else { return };
        let ready_tick = told.ready_tick(cast.skill, skill);
        if ready_tick > tick {
            self.violated(
                senses,
                &format!("{} took effect in tick {tick}, but was ready in tick {ready_tick}", skill.id),
            );
        }
    }

    fn remember_cooldowns(&mut self, senses: &Senses<'_>) {
        let world = senses.session.world();
        let bytes = senses.bits.cooldowns.and_then(|bit| world.own_value(bit)).unwrap_or_default();
        let (tick, known) = &mut self.cooldowns;
        if known != bytes {
            *tick = world.newest_tick();
            known.clear();
            known.extend_from_slice(bytes);
        }
    }

    /// Compares hit points that have settled with what the combat log said of them.
    fn balance_books(&mut self, senses: &Senses<'_>) {
        let Some(bit) = senses.bits.vitals else { return };
        let world = senses.session.world();
        for id in self.ledger.open() {
            self.ledger.renew(id, world.entity(id).map_or(0, RemoteEntity::entered_tick));
            let shown = world.entity(id).and_then(|entity| Some((entity.value_tick(bit)?, entity.value(bit)?)));
            let vitals = shown.and_then(|(tick, bytes)| Some((tick, Vitals::from_wire(&mut Reader::new(bytes))?)));
            let Some((tick, vitals)) = vitals else {
                self.ledger.close(id);
                continue;
            };
            let regained_max =
                || self::regain::regained_max(senses.assets, senses.combat_rules(), senses.is_player(id));
            if let Err(off) = self.ledger.balance(id, (tick, vitals.hp), world.newest_tick(), regained_max) {
                let (shown, expected) = (off.shown, off.expected);
                self.violated(senses, &format!("{id} has {shown} hit points, but the log makes up {expected}"));
            }
        }
    }

    /// The judge of the same bot on another line: what it has counted stays, what it knew does not.
    pub(crate) fn for_next_line(&mut self) -> Self {
        Self { count: self.count, told: std::mem::take(&mut self.told), ..Self::default() }
    }

    /// Violations so far.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The first one in words.
    pub(crate) fn first_told(&self) -> Option<&str> {
        self.told.first().map(String::as_str)
    }

    /// The first few in words.
    pub(crate) fn told(self) -> Vec<String> {
        self.told
    }

    fn check_own(&mut self, senses: &Senses<'_>, tick: u32, own: &OwnState) {
        let position = Vec3::from(own.position);
        self.check_place(senses, position, "the own character");
        let profile = &senses.assets.movements[senses.class.movement.id()];
        match self.way.go_on(tick, own, profile) {
            Gone::Jumped => self.jumped_turn = Some(senses.turn),
            Gone::TooFar { moved_m, allowed_m } => self.violated(
                senses,
                &format!("the own character moved {moved_m:.2} m in 5 s where {allowed_m:.2} m are allowed"),
            ),
            Gone::Fair => {}
        }
    }

    fn check_vitals(&mut self, senses: &Senses<'_>) {
        if senses.vitals().is_some_and(|vitals| vitals.hp > vitals.hp_max) {
            self.violated(senses, "the own character has more hit points than it can have");
        }
    }

    fn check_batches(&mut self, senses: &Senses<'_>) {
        let gaps = senses.session.world().counts().batch_gaps;
        if gaps > self.batch_gaps {
            self.violated(senses, "a batch came out of order");
        }
        self.batch_gaps = gaps;
    }

    fn check_others(&mut self, senses: &Senses<'_>) {
        let mut index_before = None;
        for entity in senses.session.world().entities() {
            let index = Some(entity.id().index());
            if index == index_before {
                self.violated(senses, &format!("two entities share the index of {}", entity.id()));
            }
            index_before = index;
        }
        self.check_self_in_view(senses);
        let settled = self.jumped_turn.is_none_or(|turn| senses.turn.saturating_sub(turn) > JUMP_REST_TURNS);
        let here = ground(Vec3::from(senses.session.world().own().position));
        let seen_m = senses.scene.aoi.leave_m + LEAVE_SLACK_M;
        for seen in senses.others() {
            if seen.vitals.is_some_and(|vitals| vitals.hp > vitals.hp_max) {
                self.violated(senses, &format!("{} has more hit points than it can have", seen.id));
            }
            // What was in view before a jump is read near the new place, and so is anywhere.
            if !settled {
                continue;
            }
            self.check_place(senses, seen.position, "an entity in view");
            let distance_m = ground(seen.position).distance(here);
            if distance_m > seen_m {
                self.violated(senses, &format!("{} is in view at {distance_m:.1} m", seen.id));
            }
        }
    }

    fn check_self_in_view(&mut self, senses: &Senses<'_>) {
        let world = senses.session.world();
        let Some(scene) = world.scene() else { return };
        let is_new = world.newest_tick().saturating_sub(scene.entered_tick) < ENTER_TICKS;
        if !is_new && world.entity(scene.own).is_none() {
            self.violated(senses, "the own character is not in view");
        }
    }

    fn check_place(&mut self, senses: &Senses<'_>, position: Vec3, whose: &str) {
        if !is_within(position, senses.scene) {
            self.violated(senses, &format!("{whose} is at {position}, which is not in the scene"));
        }
    }

    fn violated(&mut self, senses: &Senses<'_>, what: &str) {
        self.violated_in(senses.session, what);
    }

    fn violated_in(&mut self, session: &ClientSession, what: &str) {
        self.count += 1;
        if self.told.len() < TOLD_MAX {
            let world = session.world();
            let (tick, scene) = (world.newest_tick(), world.scene().map_or("no scene", |scene| scene.id.as_str()));
            self.told.push(format!("{scene} tick {tick}: {what}"));
        }
    }
}

fn cooldowns_of(bytes: &[u8]) -> Option<CooldownsSeen> {
    Cooldowns::from_wire(&mut Reader::new(bytes))
}

fn is_within(position: Vec3, scene: &SceneDef) -> bool {
    // Places travel in centimetres, so the edge may be rounded outwards by half of one.
    let (min, max) = (scene.bounds.min, scene.bounds.max);
    let inside = |value: f32, min: f32, max: f32| (min - 0.01..=max + 0.01).contains(&value);
    position.is_finite() && inside(position.x, min.0, max.0) && inside(position.z, min.1, max.1)
}

/// What the last 5 s of the own character add up to.
#[derive(Debug, Default)]
struct Way {
    last: Option<(u32, OwnState)>,
    /// (tick it began at, moved, allowed) in metres.
    steps: VecDeque<(u32, f32, f32)>,
}

/// How a step of the own character was.
#[derive(Debug, PartialEq)]
enum Gone {
    Fair,
    Jumped,
    TooFar { moved_m: f32, allowed_m: f32 },
}

impl Way {
    #[allow(clippy::cast_precision_loss, reason = "a few ticks")]
    fn go_on(&mut self, tick: u32, own: &OwnState, profile: &MovementDef) -> Gone {
        let Some((last_tick, last)) = self.last.replace((tick, *own)) else { return Gone::Fair };
        let moved_m = ground(Vec3::from(own.position)).distance(ground(Vec3::from(last.position)));
        if own.forced_epoch != last.forced_epoch || moved_m > JUMP_M {
            self.steps.clear();
            return Gone::Jumped;
        }
        let speed_bp = f32::from(own.speed_bp.max(last.speed_bp)) / f32::from(SPEED_BP_NORMAL);
        let tick_m = profile.run_mps * speed_bp * TICK_SECONDS;
        self.steps.push_back((last_tick, moved_m, tick_m * tick.saturating_sub(last_tick) as f32));
        // Nothing that begins before the window counts: what was saved up before it may be spent in one tick.
        while self.steps.front().is_some_and(|&(begun, ..)| tick.saturating_sub(begun) > SPEED_WINDOW_TICKS) {
            self.steps.pop_front();
        }
        // The rule is for those who move: while somebody lies dead, what it was allowed earlier leaves the window before what
        // it moved by that does.
        let Some(&(begun, ..)) = self.steps.front().filter(|_| moved_m > 0.0) else { return Gone::Fair };
        let (moved_m, known_m) = self.steps.iter().fold((0.0, 0.0), |(m, a), step| (m + step.1, a + step.2));
        // The rule is for whole windows: the rest of this one is taken to be as the last tick was.
        let rest_ticks = SPEED_WINDOW_TICKS.saturating_sub(tick.saturating_sub(begun));
        let allowed_m = known_m + tick_m * rest_ticks as f32;
        // A millimetre for the sums of a hundred small numbers, and what places far from the origin are rounded by.
        let rounded_m = self.steps.len() as f32 * Vec3::from(own.position).abs().max_element() * f32::EPSILON;
        if moved_m > allowed_m * SPEED_TOLERANCE + rounded_m + 1e-3 {
            self.steps.clear();
            return Gone::TooFar { moved_m, allowed_m };
        }
        Gone::Fair
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> MovementDef {
        MovementDef {
            id: "move/runner".into(),
            run_mps: 6.0,
            walk_mps: 2.0,
            acceleration: 10.0,
            friction: 6.0,
            stop_speed_mps: 2.0,
            radius_m: 0.4,
            height_m: 1.8,
            step_height_m: 0.4,
            slope_max_deg: 45.0,
        }
    }

    /// The verdicts on 300 ticks at a part of the full speed.
    fn judged(part: f32) -> Vec<Gone> {
        let (mut way, mut x) = (Way::default(), 0.0);
        let step = |tick| {
            x += 0.3 * part;
            let own = OwnState { position: [x, 0.0, 0.0], speed_bp: SPEED_BP_NORMAL, ..OwnState::default() };
            way.go_on(tick, &own, &profile())
        };
        (1..=300).map(step).collect()
    }

    #[test]
    fn who_has_run_and_lies_dead_is_not_judged_by_what_it_is_allowed_now() {
        let (mut way, mut x) = (Way::default(), 0.0);
        for tick in 1..=300 {
            let (stands, dead) = (tick < 120, tick >= 205);
            // Steps that were held up on the way come two at a time.
            let steps = if stands || dead {
                0.0
            } else if tick < 125 {
                2.0
            } else {
                1.0
            };
            x += 0.3 * steps;
            let speed_bp = if dead { 0 } else { SPEED_BP_NORMAL };
            let own = OwnState { position: [x, 0.0, 0.0], speed_bp, ..OwnState::default() };
            assert_eq!(way.go_on(tick, &own, &profile()), Gone::Fair, "tick {tick}");
        }
    }

    #[test]
    fn full_speed_is_fair_and_five_percent_more_is_not() {
        assert!(judged(1.0).iter().all(|gone| *gone == Gone::Fair));
        assert!(judged(1.05).iter().any(|gone| matches!(gone, Gone::TooFar { .. })));
    }

    #[test]
    fn being_set_down_elsewhere_is_a_jump_and_starts_anew() {
        let mut way = Way::default();
        let at = |x, forced_epoch| OwnState { position: [x, 0.0, 0.0], forced_epoch, ..OwnState::default() };
        assert_eq!(way.go_on(1, &at(0.0, 0), &profile()), Gone::Fair);
        assert_eq!(way.go_on(2, &at(1.0, 1), &profile()), Gone::Jumped);
        assert_eq!(way.go_on(3, &at(90.0, 1), &profile()), Gone::Jumped);
    }
}
