//! Procs: what effects do when something happens to their bearer. Called from the combat loop for everything that has just
//! happened; what a proc does is done at once, one deeper, so chains end with the loop's budgets.
//!
//! A proc's own chances: no sooner than its cooldown allows, by a flat chance or by real procs per minute, so many times
//! until its charges are used up. It does not react to what its own effect does unless it says so.

use bevy_ecs::change_detection::DetectChangesMut;

use super::deeds::Author;
use super::ending::{Cause, Ending};
use super::ppm::{CERTAIN_PPM, chance_millionths};
use super::totals::settle;
use super::{Buff, ProcState};
use crate::assets::{Assets, AttributeId, EffectDef, Polarity, ProcDef, ProcTarget, TagSet, ticks_of};
use crate::features::combat::{EffectQueued, Happening, Origin, PatientItem, Resolver, Vitals, Worth};
use crate::ids::SimId;
use crate::random::{Random, Stream};

/// What the procs of an effect remember at first.
pub(super) fn fresh_procs(def: &EffectDef, tick: u32) -> Vec<ProcState> {
    let charges = |proc: &ProcDef| if proc.charges == 0 { u16::MAX } else { proc.charges };
    let fresh = |proc| ProcState { attempt_tick: tick, success_tick: tick, ready_tick: tick, charges: charges(proc) };
    def.procs.iter().map(fresh).collect()
}

/// What procs ask about one of the two concerned.
#[derive(Clone, Copy, Default)]
struct View {
    tags: TagSet,
    vitals: Vitals,
}

impl View {
    fn of(patient: &PatientItem<'_, '_>) -> Self {
        Self { tags: patient.tags.granted, vitals: *patient.vitals }
    }

    fn is_below(&self, pct: Option<u32>) -> bool {
        pct.is_none_or(|pct| u64::from(self.vitals.hp) * 100 < u64::from(self.vitals.hp_max) * u64::from(pct))
    }
}

/// Something that happened, as procs look at it.
struct Occasion<'a> {
    happening: &'a Happening,
    bearer: View,
    other: View,
    haste_bp: i32,
    tick: u32,
    random: Random,
    assets: &'a Assets,
}

/// Asks the effects of whoever something happened to; what they set off is added to `out`. `salt` tells apart what
/// happens in one tick.
pub(crate) fn react(resolver: &mut Resolver, happening: &Happening, salt: u64, out: &mut Vec<EffectQueued>) {
    let bit = happening.kind.bit();
    let listens = |patient: PatientItem<'_, '_>| patient.buffs.reacts_to & bit != 0;
    if !resolver.patient(happening.who).is_some_and(listens) {
        return;
    }
    let (assets, tick, random) = (resolver.assets.0.clone(), resolver.tick.0, *resolver.random);
    let other = resolver.patient(happening.other).map(|other| View::of(&other)).unwrap_or_default();
    let Some(mut patient) = resolver.patient(happening.who) else { return };
    let occasion = Occasion {
        happening,
        bearer: View::of(&patient),
        other,
        haste_bp: patient.attributes.current(AttributeId::HASTE),
        tick,
        random,
        assets: &assets,
    };
    let own_worth = patient.attributes.worth(*patient.level, *patient.faction);
    let mut spent = Vec::new();
    // What procs remember is no news to clients.
    let list = &mut patient.buffs.bypass_change_detection().list;
    for (index, buff) in list.iter_mut().enumerate().filter(|(_, buff)| buff.working && !buff.procs.is_empty()) {
        let Some(def) = assets.effects.get(buff.effect) else { continue };
        for (place, proc) in def.procs.iter().enumerate() {
            // Enough room for every proc of every buff below one deed's salt.
            let salt = (salt << 20) | ((index as u64) << 8) | (place as u64 & 0xff);
            if occasion.sets_off(proc, place, buff, salt) {
                let author = author(buff, def, happening, &own_worth);
                let begin = out.len();
                author.act(&proc.actions, receiver(proc, buff, happening), out);
                let points = share(happening.cause.amount, proc.share_pct);
                out[begin..].iter_mut().for_each(|deed| deed.what = deed.what.plus(points));
                if buff.procs.iter().any(|state| state.charges == 0) {
                    spent.push(index);
                    break;
                }
            }
        }
    }
    end_spent(&mut patient, spent, (happening.depth.saturating_add(1), tick), &assets, out);
}

fn end_spent(
    patient: &mut PatientItem<'_, '_>,
    spent: Vec<usize>,
    (depth, tick): (u8, u32),
    assets: &Assets,
    out: &mut Vec<EffectQueued>,
) {
    if spent.is_empty() {
        return;
    }
    let mut ending = Ending { bearer: *patient.id, tick, depth, assets, out };
    for (gone, index) in spent.into_iter().enumerate() {
        ending.end(&mut patient.buffs, index - gone, Cause::Removed);
    }
    settle(&mut patient.buffs, &mut patient.tags, assets);
}

/// A helpful effect's procs are its bearer's deeds, a harmful one's those of whoever applied it; their formulas know what
/// happened.
fn author(buff: &Buff, def: &EffectDef, happening: &Happening, own_worth: &Worth) -> Author {
    let depth = happening.depth.saturating_add(1);
    let author = match def.polarity {
        Polarity::Helpful => Author { effect: buff.effect, source: happening.who, worth: own_worth.clone(), depth },
        Polarity::Harmful => Author::of(buff, depth),
    };
    Author { worth: Worth { cause: happening.cause, ..author.worth }, ..author }
}

/// So many percent of the points that happened, rounded to the nearest.
fn share(amount: u32, pct: u32) -> u32 {
    u32::try_from((u64::from(amount) * u64::from(pct) + 50) / 100).unwrap_or(u32::MAX)
}

fn receiver(proc: &ProcDef, buff: &Buff, happening: &Happening) -> SimId {
    match proc.to {
        ProcTarget::Other => happening.other,
        ProcTarget::Bearer => happening.who,
        ProcTarget::Source => buff.source,
    }
}

impl Occasion<'_> {
    /// Whether a proc comes true now; notes the attempt and the success.
    fn sets_off(&self, proc: &ProcDef, place: usize, buff: &mut Buff, salt: u64) -> bool {
        if !self.concerns(proc, buff) {
            return false;
        }
        let Some(state) = buff.procs.get_mut(place) else { return false };
        if self.tick < state.ready_tick || state.charges == 0 {
            return false;
        }
        let chance = self.chance_millionths(proc, state);
        state.attempt_tick = self.tick;
        let mut draw = self.random.draw(self.tick, self.happening.who, Stream("proc"), salt);
        if draw.below(CERTAIN_PPM) >= chance {
            return false;
        }
        state.success_tick = self.tick;
        state.ready_tick = self.tick.saturating_add(ticks_of(proc.cooldown_ms));
        if state.charges != u16::MAX {
            state.charges -= 1;
        }
        true
    }

    fn chance_millionths(&self, proc: &ProcDef, state: &ProcState) -> u32 {
        if proc.ppm_milli == 0 {
            return proc.chance_pct.min(100) * (CERTAIN_PPM / 100);
        }
        let since = |tick: u32| self.tick.saturating_sub(tick);
        let haste_bp = if proc.hasted { i64::from(self.haste_bp).max(-9_000) } else { 0 };
        let ppm_milli = i64::from(proc.ppm_milli) * (10_000 + haste_bp) / 10_000;
        let ppm_milli = u32::try_from(ppm_milli).unwrap_or(u32::MAX);
        chance_millionths(ppm_milli, since(state.attempt_tick), since(state.success_tick))
    }

    fn concerns(&self, proc: &ProcDef, buff: &Buff) -> bool {
        let happening = self.happening;
        let own = happening.origin == Origin::Effect(buff.effect);
        proc.on.contains(&happening.kind)
            && (proc.allow_self || !own)
            && (proc.schools.is_empty() || proc.schools.contains(&happening.school))
            && (!proc.crit_only || happening.cause.crit)
            && happening.cause.amount >= proc.amount_min
            && proc.skill.as_ref().is_none_or(|skill| happening.origin == Origin::Skill(skill.id()))
            && (proc.tags.is_empty() || self.origin_has_any(proc))
            && proc.self_has.iter().all(|tag| self.bearer.tags.has(tag.id()))
            && proc.other_has.iter().all(|tag| self.other.tags.has(tag.id()))
            && self.bearer.is_below(proc.self_hp_below_pct)
            && self.other.is_below(proc.other_hp_below_pct)
    }

    fn origin_has_any(&self, proc: &ProcDef) -> bool {
        let tags = match self.happening.origin {
            Origin::Skill(skill) => self.assets.skills.get(skill).map(|skill| skill.tags.set()),
            Origin::Effect(effect) => self.assets.effects.get(effect).map(|effect| effect.tags.set()),
            Origin::World => None,
        };
        tags.is_some_and(|tags| super::gates::has_any(tags, &proc.tags))
    }
}
