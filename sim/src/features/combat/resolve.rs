//! Resolve: the loop in which everything queued happens, one thing after another, each on the world as the one before
//! left it; what becomes of a blow is in `blow`. What happens is told to the effects of those concerned; what they set off is done at once, one deeper.
//!
//! The order is that of the sources' ids, for one source that of queueing, and what a deed sets off comes right after it;
//! it does not depend on how the commands of a tick arrived. Damage to the dead is nothing; whoever loses the last hit point dies at once, and the last damage
//! is the killer's. Chains end at [`DEPTH_MAX`] and with the budgets of the tick
//! and of the source; what is left then is dropped and counted.

use std::collections::VecDeque;
use std::sync::Arc;

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;
use bevy_ecs::system::SystemParam;
use rustc_hash::FxHashMap;

use super::deed::{attack_kind, is_immune, raw_milli};
use super::resurrection::offer_of;
use super::{
    Attributes, Blow, CombatRules, Died, EffectAction, EffectQueued, EventKind, Fight, Happening, HealthChanged,
    HealthKind, Level, Luck, Outcome, Respawn, ReturnOffered, Roll, Side, SideData, Sides, Trigger, Untouchable,
    Vitals,
};
use crate::actor::Faction;
use crate::assets::{AttackKind, AttributeId, FormulaDef, Id, Pool, School, TagId};
use crate::counters::{COMBAT, Counters};
use crate::features::buffs::{self, ActiveBuffs, BreakBar, Dispelling, Incoming, Tags};
use crate::features::skills::{Mana, ManaChange, PassedOn};
use crate::formula::Scope;
use crate::ids::SimId;
use crate::random::{Draw, Random, Stream};
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::SimTick;

mod exact;

/// Deeds that did not happen, by reason.
pub const EFFECT_DROPPED: &str = "effect_dropped_total";
/// How many deeds may set one another off in a row.
pub const DEPTH_MAX: u8 = 4;
/// How many deeds may happen in one tick of a scene, chains included.
pub const EFFECTS_MAX: usize = 50_000;
/// How many of them may be of one source: 64 targets, eight actions each.
pub const SOURCE_EFFECTS_MAX: u32 = 512;

/// Takes what is queued and puts it into the order in which it is resolved.
fn in_order(queued: &mut MessageReader<EffectQueued>) -> Vec<EffectQueued> {
    let mut effects: Vec<EffectQueued> = queued.read().cloned().collect();
    // Stable: those of one source stay in the order they were queued.
    effects.sort_by_key(|effect| effect.source);
    effects
}

/// Everything about an actor that a deed may change.
#[derive(QueryData)]
#[query_data(mutable)]
pub struct Patient {
    /// Who.
    pub id: &'static SimId,
    /// Its faction.
    pub faction: &'static Faction,
    /// Whose side it is on.
    pub side: SideData,
    /// Its level.
    pub level: &'static Level,
    /// Its numbers.
    pub attributes: &'static Attributes,
    /// What holds it.
    pub tags: &'static mut Tags,
    /// Whether others' deeds reach it.
    pub untouchable: &'static Untouchable,
    /// Hit points.
    pub vitals: &'static mut Vitals,
    /// Mana.
    pub mana: &'static mut Mana,
    /// Its fight.
    pub fight: &'static mut Fight,
    /// How it returns from the dead, if it is a player.
    pub respawn: Option<&'static mut Respawn>,
    /// Its streaks.
    pub luck: &'static mut Luck,
    /// Its buffs.
    pub buffs: &'static mut ActiveBuffs,
    /// Its break bar.
    pub bar: &'static mut BreakBar,
}

/// What the loop works with.
#[derive(SystemParam)]
pub struct Resolver<'w, 's> {
    /// The tick.
    pub tick: Res<'w, SimTick>,
    /// The scene's randomness.
    pub random: Res<'w, Random>,
    /// The game data.
    pub assets: Res<'w, SceneAssets>,
    /// Who is where.
    pub roster: Res<'w, Roster>,
    /// Who may harm and help whom.
    pub sides: Res<'w, Sides>,
    /// What becomes of a blow here.
    pub rules: Res<'w, CombatRules>,
    /// Everyone to whom something can happen.
    pub patients: Query<'w, 's, Patient>,
    /// What is counted.
    pub counters: ResMut<'w, Counters>,
    passed_on: MessageWriter<'w, PassedOn>,
    log: MessageWriter<'w, HealthChanged>,
    deaths: MessageWriter<'w, Died>,
    offers: MessageWriter<'w, ReturnOffered>,
}

/// What is still to be done in this tick, and what has just happened.
#[derive(Debug, Default)]
pub struct Worklist {
    todo: VecDeque<EffectQueued>,
    /// What the present deed has set off, in the order in which it is done next.
    set_off: Vec<EffectQueued>,
    happened: Vec<Happening>,
    done_count: usize,
    /// Looked up only, never walked through.
    done_by_source: FxHashMap<SimId, u32>,
}

impl Worklist {
    /// Notes something that happened; the effects of `who` are asked about it when the present deed is done.
    pub fn happened(&mut self, happening: Happening) {
        self.happened.push(happening);
    }

    fn begin(&mut self) {
        self.done_count = 0;
        self.done_by_source.clear();
    }

    /// Whether the tick has room for a deed, else why not.
    fn allows(&mut self, deed: &EffectQueued) -> Result<(), &'static str> {
        if deed.depth > DEPTH_MAX {
            return Err("depth");
        }
        if self.done_count >= EFFECTS_MAX {
            return Err("budget");
        }
        let own = self.done_by_source.entry(deed.source).or_default();
        *own += 1;
        if *own > SOURCE_EFFECTS_MAX { Err("source_budget") } else { Ok(()) }
    }

    /// Adds deeds that the present one set off; they are done next, in this order, before what was queued earlier.
    pub fn set_off(&mut self, deeds: impl IntoIterator<Item = EffectQueued>) {
        self.set_off.extend(deeds);
    }

    /// Has the effects of those concerned react to what has happened, and puts what was set off in front.
    fn follow_up(&mut self, resolver: &mut Resolver, salt: u64) {
        let mut happened = std::mem::take(&mut self.happened);
        for (place, happening) in (0_u64..).zip(happened.drain(..)) {
            // One deed tells of a handful of things at most.
            buffs::react(resolver, &happening, (salt << 4) | (place & 15), &mut self.set_off);
        }
        self.happened = happened;
        for deed in self.set_off.drain(..).rev() {
            self.todo.push_front(deed);
        }
    }
}

pub(super) fn resolve(mut resolver: Resolver, mut queued: MessageReader<EffectQueued>, mut work: Local<Worklist>) {
    work.todo.extend(in_order(&mut queued));
    work.begin();
    while let Some(deed) = work.todo.pop_front() {
        if let Err(reason) = work.allows(&deed) {
            resolver.counters.add(EFFECT_DROPPED, reason);
            continue;
        }
        // Two deeds of one source never share a draw: the salt is their number in the tick.
        let salt = work.done_count as u64;
        work.done_count += 1;
        resolver.carry_out(&deed, salt, &mut work);
        work.follow_up(&mut resolver, salt);
    }
}

impl<'s> Resolver<'_, 's> {
    /// Someone to whom something can happen.
    pub fn patient(&mut self, id: SimId) -> Option<PatientItem<'_, 's>> {
        let entity = self.roster.entity(id)?;
        self.patients.get_mut(entity).ok()
    }

    /// The side of a deed's source: as it is now, or its faction alone when it has gone.
    pub fn source_side(&mut self, deed: &EffectQueued) -> Side {
        let present = self.patient(deed.source).map(|source| source.side.side());
        present.unwrap_or(Side::of_faction(deed.source, deed.worth.faction))
    }

    /// Whether a deed's source may harm, and whether it may help someone.
    pub fn bearing(&mut self, deed: &EffectQueued, to: Side) -> (bool, bool) {
        let by = self.source_side(deed);
        (self.sides.may_harm(by, to), self.sides.may_help(by, to))
    }

    /// The draw of a deed for a purpose.
    #[must_use]
    pub fn draw(&self, deed: &EffectQueued, purpose: Stream, salt: u64) -> Draw {
        self.random.draw(self.tick.0, deed.source, purpose, salt)
    }

    fn carry_out(&mut self, deed: &EffectQueued, salt: u64, work: &mut Worklist) {
        let Some(target) = self.patient(deed.target) else { return };
        let side = target.side.side();
        if let EffectAction::Resurrect { hp_pct } = deed.what {
            return self.offer_return(deed, hp_pct, side);
        }
        if !target.vitals.is_alive() || (target.untouchable.0 && deed.source != deed.target) {
            return;
        }
        let (harms, helps) = self.bearing(deed, side);
        let for_this = self.in_context(deed);
        let deed = for_this.as_ref().unwrap_or(deed);
        match deed.what {
            EffectAction::Damage { school, formula, coef } if harms => {
                self.hurt(deed, school, (formula, coef), salt, work);
            }
            EffectAction::Heal { formula, coef } if helps => self.mend(deed, (formula, coef), salt, work),
            EffectAction::Wound { school, formula, coef } if harms => self.wound(deed, school, (formula, coef), work),
            EffectAction::Restore { formula, coef } if helps => self.restore(deed, (formula, coef), work),
            EffectAction::Gain { pool: Pool::Mana, amount } if helps => {
                if let Some(mut target) = self.patient(deed.target) {
                    target.mana.gain(amount);
                }
            }
            EffectAction::Gain { pool: Pool::Hp, amount } if helps => {
                self.give_back(deed, amount, Entry { school: School::Holy, ..Entry::NOTHING }, work)
            }
            EffectAction::Threat { .. } | EffectAction::Taunt | EffectAction::ScaleThreat { .. } if harms => {
                self.provoke(deed);
            }
            EffectAction::Apply { effect, chance_pct } => {
                buffs::apply_effect(self, deed, (effect, chance_pct), salt, work);
            }
            EffectAction::Remove { effect, stacks } => buffs::remove(self, deed, (effect, stacks), work),
            EffectAction::Dispel { kinds, count, chance_pct, steal } => {
                buffs::dispel(self, deed, Dispelling { kinds, count, chance_pct, steal }, salt, work);
            }
            EffectAction::Stagger { amount } if harms => buffs::stagger(self, deed, amount, work),
            EffectAction::Interrupt { .. } | EffectAction::Displace { .. } if harms => self.pass_on(deed),
            EffectAction::Displace { .. } if deed.source == deed.target => self.pass_on(deed),
            EffectAction::Cooldown { .. } if helps => self.pass_on(deed),
            EffectAction::Conjure(_) => self.pass_on(deed),
            _ => {}
        }
    }

    /// What anger comes to belongs to monsters; a fight it is in any case.
    fn provoke(&mut self, deed: &EffectQueued) {
        let (tick, rules) = (self.tick.0, Arc::clone(&self.rules.0));
        let Some(mut target) = self.patient(deed.target) else { return };
        target.fight.hit(tick, &rules.recovery);
        let deaf = deed.what == EffectAction::Taunt && target.tags.granted.has(TagId::IMMUNE_TAUNT);
        if !deaf {
            self.pass_on(deed);
        }
    }

    /// What casts, bodies and what is conjured come to belongs to skills.
    fn pass_on(&mut self, deed: &EffectQueued) {
        self.passed_on.write(PassedOn(deed.clone()));
    }

    /// Offers a dead player to be raised.
    fn offer_return(&mut self, deed: &EffectQueued, hp_pct: u32, side: Side) {
        let (_, helps) = self.bearing(deed, side);
        let offer = offer_of(deed, hp_pct, &self.rules, self.tick.0);
        let Some(target) = self.patient(deed.target) else { return };
        let Some(mut respawn) = target.respawn.filter(|_| target.vitals.dead && helps) else { return };
        respawn.offer(offer);
        self.offers.write(ReturnOffered { who: deed.target, by: deed.source, hp_pct });
    }

    /// What a deed is as a blow against someone.
    fn blow<'a>(&self, deed: &'a EffectQueued, target: &'a Struck, school: School, raw_milli: u64) -> Blow<'a> {
        let kind = match deed.what {
            EffectAction::Damage { .. } => attack_kind(deed, school, &self.assets.0),
            _ => AttackKind::Heal,
        };
        let Struck { level: target_level, pvp, done_bp, taken_bp, .. } = *target;
        let (worth, target) = (&deed.worth, &target.attributes[..]);
        Blow { kind, school, raw_milli, worth, target, done_bp, taken_bp, target_level, pvp }
    }

    /// What the formula of a deed says, in thousandths of a point.
    fn raw(&mut self, deed: &EffectQueued, struck: &Struck, (formula, coef): Raw) -> u64 {
        let scope = self.scope(deed, struck, coef);
        raw_milli(formula.and_then(|formula| self.assets.0.formulas.get(formula)), &scope)
    }

    /// What the formula of a deed is asked about.
    fn scope<'a>(&mut self, deed: &'a EffectQueued, struck: &'a Struck, coef: u32) -> Scope<'a> {
        let pools_of = |patient: PatientItem<'_, '_>| (patient.vitals.hp, patient.mana.mp);
        let pools = self.patient(deed.source).map(pools_of).unwrap_or_default();
        let target_pools = self.patient(deed.target).map(pools_of).unwrap_or_default();
        Scope {
            target: Some(&struck.attributes),
            level: deed.worth.level,
            target_level: struck.level,
            pools,
            target_pools,
            coef: i32::try_from(coef).unwrap_or(i32::MAX),
            cause: deed.worth.cause,
            ..Scope::of(&deed.worth.attributes)
        }
    }

    /// Rolls for a blow, on the luck of its source if it is still there.
    fn roll(&mut self, deed: &EffectQueued, blow: &Blow<'_>, salt: u64) -> Roll {
        let (rules, mut draw) = (Arc::clone(&self.rules.0), self.draw(deed, Stream("combat roll"), salt));
        let mut source = self.patient(deed.source);
        blow.roll(&rules, source.as_mut().map(|source| source.luck.as_mut()), &mut draw)
    }

    /// What counts about the target of a deed; `done` and `taken` are the attributes that strengthen such deeds.
    fn struck(&mut self, deed: &EffectQueued, done: AttributeId, taken: AttributeId) -> Option<Struck> {
        let by = self.source_side(deed);
        let attributes = self.target_numbers(deed)?;
        let target = self.patient(deed.target)?;
        let side = target.side.side();
        Some(Struck {
            done_bp: deed.worth.of(done),
            taken_bp: attributes.get(taken.index()).copied().unwrap_or(0),
            attributes,
            level: target.level.0,
            pvp: by.allegiance.player && side.allegiance.player && by.id != side.id,
            duel: by.allegiance.duel == Some(side.id),
        })
    }

    fn hurt(&mut self, deed: &EffectQueued, school: School, raw: Raw, salt: u64, work: &mut Worklist) {
        let (tick, rules) = (self.tick.0, Arc::clone(&self.rules.0));
        if let Some(mut source) = self.patient(deed.source) {
            source.fight.hit(tick, &rules.recovery);
        }
        let (done, taken) = (AttributeId::DAMAGE_DONE_BP, AttributeId::DAMAGE_TAKEN_BP);
        let Some(struck) = self.struck(deed, done, taken) else { return };
        let raw_milli = self.raw(deed, &struck, raw);
        let blow = self.blow(deed, &struck, school, raw_milli);
        let Some(mut target) = self.patient(deed.target) else { return };
        target.fight.hit(tick, &rules.recovery);
        if is_immune(&target.tags.granted, school) {
            return self.note(deed, Entry { outcome: Outcome::Immune, school, ..Entry::NOTHING });
        }
        let roll = self.roll(deed, &blow, salt);
        let (points, _blocked) = blow.damage(&rules, roll);
        if roll.outcome.is_avoided() || points == 0 {
            return self.note(deed, Entry { outcome: roll.outcome, school, ..Entry::NOTHING });
        }
        self.take(deed, Entry { outcome: roll.outcome, school, ..Entry::NOTHING }, points, struck.duel, work);
    }

    /// Takes hit points that nothing avoided, after the target's shields.
    fn take(&mut self, deed: &EffectQueued, entry: Entry, points: u32, duel: bool, work: &mut Worklist) {
        let assets = self.assets.0.clone();
        let (moment, draw) = ((deed.depth, self.tick.0), self.draw(deed, Stream("break"), work.done_count as u64));
        let Some(mut target) = self.patient(deed.target) else { return };
        let absorbed = buffs::shield(&mut target, Incoming::Damage(entry.school), points, moment, &assets, work);
        let arrives = points - absorbed;
        // Whoever loses a duel lives.
        let there = if duel { target.vitals.hp.saturating_sub(1) } else { target.vitals.hp };
        let lost = arrives.min(there);
        if lost > 0 {
            target.vitals.hp -= lost;
            target.vitals.dead = target.vitals.hp == 0;
            buffs::break_by_damage(&mut target, lost, moment, &assets, draw, work);
        }
        let died = target.vitals.dead;
        let outcome = if arrives == 0 { Outcome::Absorb } else { entry.outcome };
        let crit = outcome == Outcome::Crit;
        self.note(deed, Entry { amount: -signed(lost), outcome, absorbed, over: arrives - lost, ..entry });
        if absorbed > 0 {
            let cause = Trigger { amount: absorbed, absorbed, crit };
            self.tell_both(deed, [EventKind::ShieldHit, EventKind::Absorbed], (cause, entry.school), work);
        }
        if arrives == 0 {
            return;
        }
        let [dealt, taken] = match deed.periodic {
            true => [EventKind::PeriodicDealt, EventKind::PeriodicTaken],
            false => [EventKind::HitDealt, EventKind::HitTaken],
        };
        let cause = Trigger { amount: lost, absorbed, crit };
        self.tell_both(deed, [dealt, taken], (cause, entry.school), work);
        if died {
            self.counters.add(COMBAT, "death");
            self.deaths.write(Died { who: deed.target, killer: Some(deed.source) });
            self.tell_both(deed, [EventKind::Killed, EventKind::Died], (cause, entry.school), work);
        }
    }

    fn mend(&mut self, deed: &EffectQueued, raw: Raw, salt: u64, work: &mut Worklist) {
        let rules = Arc::clone(&self.rules.0);
        let school = School::Holy;
        let (done, taken) = (AttributeId::HEALING_DONE_BP, AttributeId::HEALING_TAKEN_BP);
        let Some(struck) = self.struck(deed, done, taken) else { return };
        let raw_milli = self.raw(deed, &struck, raw);
        let blow = self.blow(deed, &struck, school, raw_milli);
        let roll = self.roll(deed, &blow, salt);
        let tick = self.tick.0;
        let in_pvp = self
            .patient(deed.target)
            .is_some_and(|target| target.side.side().allegiance.flagged && target.fight.is_on(tick));
        let points = blow.healing(&rules, roll, in_pvp);
        self.give_back(deed, points, Entry { outcome: roll.outcome, school, ..Entry::NOTHING }, work);
    }

    fn give_back(&mut self, deed: &EffectQueued, points: u32, entry: Entry, work: &mut Worklist) {
        let (assets, moment) = (self.assets.0.clone(), (deed.depth, self.tick.0));
        let Some(mut target) = self.patient(deed.target) else { return };
        let absorbed = buffs::shield(&mut target, Incoming::Healing, points, moment, &assets, work);
        let points = points - absorbed;
        let gained = points.min(target.vitals.hp_max.saturating_sub(target.vitals.hp));
        if gained > 0 {
            target.vitals.hp += gained;
        } else if deed.periodic && absorbed == 0 {
            // What heals the healthy over and over is no news.
            return;
        }
        self.note(deed, Entry { amount: signed(gained), absorbed, over: points - gained, ..entry });
        if gained > 0 {
            let crit = entry.outcome == Outcome::Crit;
            let cause = Trigger { amount: gained, absorbed, crit };
            self.tell_both(deed, [EventKind::HealDealt, EventKind::HealTaken], (cause, entry.school), work);
        }
    }

    /// Writes the log's entry about a deed.
    fn note(&mut self, deed: &EffectQueued, entry: Entry) {
        let kind = if deed.periodic { HealthKind::Periodic } else { HealthKind::Direct };
        let Entry { amount, outcome, school, absorbed, over } = entry;
        let (target, source, origin) = (deed.target, deed.source, deed.origin);
        let heals =
            matches!(deed.what, EffectAction::Heal { .. } | EffectAction::Restore { .. } | EffectAction::Gain { .. });
        self.counters.add(COMBAT, if heals { "heal" } else { outcome.name() });
        self.log.write(HealthChanged { target, source, amount, kind, outcome, school, absorbed, over, origin });
    }

    /// Tells the source and the target what happened between them.
    fn tell_both(
        &mut self,
        deed: &EffectQueued,
        [done, suffered]: [EventKind; 2],
        (cause, school): (Trigger, School),
        work: &mut Worklist,
    ) {
        let (origin, depth) = (deed.origin, deed.depth);
        for (kind, who, other) in [(done, deed.source, deed.target), (suffered, deed.target, deed.source)] {
            work.happened(Happening { kind, who, other, cause, school, origin, depth });
        }
    }
}

/// A formula and the coefficient it is handed.
type Raw = (Option<Id<FormulaDef>>, u32);

/// What counts about whoever a deed reaches.
struct Struck {
    attributes: Arc<[i32]>,
    done_bp: i32,
    taken_bp: i32,
    level: u16,
    /// Whether both are players.
    pvp: bool,
    /// Whether the two fight a duel.
    duel: bool,
}

/// What the log says about a deed besides who did it.
#[derive(Clone, Copy)]
struct Entry {
    amount: i32,
    outcome: Outcome,
    school: School,
    absorbed: u32,
    over: u32,
}

impl Entry {
    const NOTHING: Self = Self { amount: 0, outcome: Outcome::Hit, school: School::Physical, absorbed: 0, over: 0 };
}

/// Hit points as a signed amount; they are at most a hundred million.
pub(super) fn signed(points: u32) -> i32 {
    i32::try_from(points).unwrap_or(i32::MAX)
}
