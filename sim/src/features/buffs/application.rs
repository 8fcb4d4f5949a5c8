//! How an effect comes to someone, called from the combat loop: each deed meets the buffs as the deed before left them.
//!
//! The way in: chance, side, immunity, required and blocking tags, the break bar, diminishing returns, stacking. What has
//! got in removes what it removes, takes itself from others where only so many may have it, and does its `on_apply`.
//! Tags follow at once; attributes at the end of the stage.

use std::sync::Arc;

use super::absorb::shield_points;
use super::break_bar::{control_points, wear_down};
use super::clock::{acts_at_once, first_beat};
use super::deeds::Author;
use super::ending::{Cause, Ending};
use super::gates::{Refused, admit, has_any};
use super::procs::fresh_procs;
use super::totals::settle;
use super::{Application, BUFF_REFUSED, Buff, FOREVER, apply, diminish};
use crate::assets::{Assets, AttributeId, DiminishDef, Duration, EffectDef, Id, Polarity, School, StackBy, ticks_of};
use crate::features::combat::{EffectQueued, EventKind, Happening, Origin, PatientItem, Resolver, Trigger, Worklist};
use crate::ids::SimId;
use crate::random::Stream;

/// Applies an effect by chance: helpful ones to the own side, harmful ones to others, either to oneself.
pub(crate) fn apply_effect(
    resolver: &mut Resolver,
    deed: &EffectQueued,
    (effect, chance_pct): (Id<EffectDef>, u32),
    salt: u64,
    work: &mut Worklist,
) {
    if !resolver.draw(deed, Stream("effect chance"), salt).chance_bp(chance_pct.saturating_mul(100)) {
        return;
    }
    let (assets, tick) = (resolver.assets.0.clone(), resolver.tick.0);
    let Some(def) = assets.effects.get(effect) else { return };
    let Some(side) = resolver.patient(deed.target).map(|target| target.side.side()) else { return };
    let (harms, helps) = resolver.bearing(deed, side);
    let fits = if def.polarity == Polarity::Helpful { helps } else { harms };
    if deed.source != deed.target && !fits {
        return;
    }
    let between_players = side.allegiance.player && resolver.source_side(deed).allegiance.player;
    let Some(mut target) = resolver.patient(deed.target) else { return };
    let mut arrival = Arrival { effect, def, deed, tick, between_players, assets: &assets, out: Vec::new() };
    let outcome = arrival.enter(&mut target);
    let out = arrival.out;
    match outcome {
        Ok(()) => {
            work.set_off(out);
            work.set_off(take_from_others(resolver, deed, def, effect));
            tell(deed, effect, work);
        }
        Err(refused) => {
            resolver.counters.add(BUFF_REFUSED, refused.reason());
            // What an effect does at the most stacks happens although it is denied, and so does a broken bar.
            work.set_off(out);
        }
    }
}

/// One application on its way.
struct Arrival<'a> {
    effect: Id<EffectDef>,
    def: &'a EffectDef,
    deed: &'a EffectQueued,
    tick: u32,
    between_players: bool,
    assets: &'a Arc<Assets>,
    out: Vec<EffectQueued>,
}

impl Arrival<'_> {
    fn enter(&mut self, target: &mut PatientItem<'_, '_>) -> Result<(), Refused> {
        admit(self.def, &target.tags.granted, &target.buffs.list, self.assets)?;
        let length_ticks = self.length(target)?;
        if self.def.duration == Duration::Instant {
            self.clear(target, None);
            self.author().act(&self.def.on_apply, self.deed.target, &mut self.out);
            return Ok(());
        }
        let fresh = self.fresh(length_ticks, target);
        let end_tick = fresh.end_tick;
        let (how, place) = apply(&mut target.buffs.list, self.def, fresh, self.tick);
        if matches!(how, Application::Overflow | Application::Denied) {
            self.author().act(&self.def.stack.overflow, self.deed.target, &mut self.out);
        }
        match how {
            Application::Weaker => return Err(Refused::Weaker),
            Application::Full => return Err(Refused::Full),
            Application::Denied if !self.def.stack.clear_on_overflow => return Ok(()),
            _ => {}
        }
        if let Some(category) = self.diminished_by() {
            let def = &self.assets.diminishing[category];
            diminish::remember(&mut target.buffs.diminished, category, def, end_tick, self.tick);
        }
        self.clear(target, place);
        self.act(target, how);
        settle(&mut target.buffs, &mut target.tags, self.assets);
        Ok(())
    }

    /// What the application sets off, and the end of what has overflown.
    fn act(&mut self, target: &mut PatientItem<'_, '_>, how: Application) {
        let (author, bearer) = (self.author(), self.deed.target);
        if how != Application::Denied {
            author.act(&self.def.on_apply, bearer, &mut self.out);
        }
        if how == Application::New && acts_at_once(self.def) {
            author.act_periodically(&self.def.periodic, bearer, (1, 1_000), &mut self.out);
        }
        if matches!(how, Application::Overflow | Application::Denied) && self.def.stack.clear_on_overflow {
            let (effect, source, by) = (self.effect, self.deed.source, self.def.stack.by);
            let joined = |buff: &Buff| buff.effect == effect && (by == StackBy::Target || buff.source == source);
            self.ending().end_where(&mut target.buffs, Cause::Removed, joined);
        }
    }

    /// How long it would last: the break bar takes crowd control, players' is capped, and it diminishes.
    fn length(&mut self, target: &mut PatientItem<'_, '_>) -> Result<u32, Refused> {
        let full = self.def.duration.ticks().unwrap_or(FOREVER);
        let Some(category) = self.def.diminish.as_ref().map(|category| category.id()) else { return Ok(full) };
        if self.def.polarity == Polarity::Harmful && target.bar.is_up(self.tick) {
            let points = target.bar.def(self.assets).map_or(0, |bar| control_points(bar, full));
            wear_down(target, points, (self.deed.depth + 1, self.tick), self.assets, &mut self.out);
            return Err(Refused::BreakBar);
        }
        let def = &self.assets.diminishing[category];
        let cap = if self.between_players && def.pvp_cap_ms > 0 { ticks_of(def.pvp_cap_ms) } else { FOREVER };
        match self.diminished_by() {
            Some(_) => diminish::shortened(&target.buffs.diminished, category, def, full.min(cap), self.tick)
                .ok_or(Refused::Diminished),
            None => Ok(full.min(cap)),
        }
    }

    /// The category in which it diminishes here: between players always, elsewhere where the category says so.
    fn diminished_by(&self) -> Option<Id<DiminishDef>> {
        let category = self.def.diminish.as_ref()?.id();
        (self.between_players || self.assets.diminishing[category].pve).then_some(category)
    }

    fn fresh(&self, length_ticks: u32, target: &PatientItem<'_, '_>) -> Buff {
        let (deed, def, tick) = (self.deed, self.def, self.tick);
        let skill = match deed.origin {
            Origin::Skill(skill) => Some(skill),
            Origin::Effect(_) | Origin::World => None,
        };
        let haste_bp = deed.worth.of(AttributeId::HASTE);
        Buff {
            effect: self.effect,
            source: deed.source,
            worth: deed.worth.clone(),
            skill,
            stacks: 1,
            start_tick: tick,
            renewed_tick: tick,
            end_tick: if length_ticks == FOREVER { FOREVER } else { tick.saturating_add(length_ticks) },
            length_ticks,
            beat: def.period.as_ref().map(|period| first_beat(period, haste_bp, tick)),
            layers: Vec::new(),
            shield: def.absorb.as_ref().map_or(0, |absorb| shield_points(absorb, &deed.worth, target, self.assets)),
            wounds: 0,
            procs: fresh_procs(def, tick),
            working: true,
            hidden: def.hidden,
            own: deed.source == deed.target,
        }
    }

    /// Ends what it removes and what it refuses, but not itself.
    fn clear(&mut self, target: &mut PatientItem<'_, '_>, place: Option<usize>) {
        let (def, assets, own) = (self.def, self.assets.clone(), self.effect);
        if def.removes.is_empty() && def.immune.is_empty() {
            return;
        }
        debug_assert!(
            place.is_none_or(|place| target.buffs.list[place].effect == own),
            "a buff stands where it was put"
        );
        let goes = |buff: &Buff| {
            let Some(other) = assets.effects.get(buff.effect).filter(|_| buff.effect != own) else { return false };
            let refused = other.polarity == Polarity::Harmful && has_any(other.tags.set(), &def.immune);
            refused || has_any(other.tags.set(), &def.removes)
        };
        self.ending().end_where(&mut target.buffs, Cause::Removed, goes);
        settle(&mut target.buffs, &mut target.tags, &assets);
    }

    fn author(&self) -> Author {
        let (source, worth) = (self.deed.source, self.deed.worth.clone());
        Author { effect: self.effect, source, worth, depth: self.deed.depth + 1 }
    }

    fn ending(&mut self) -> Ending<'_> {
        let (bearer, tick, depth) = (self.deed.target, self.tick, self.deed.depth + 1);
        Ending { bearer, tick, depth, assets: self.assets, out: &mut self.out }
    }
}

/// Where only so many may have an effect from one source, those who had it first lose it.
fn take_from_others(
    resolver: &mut Resolver,
    deed: &EffectQueued,
    def: &EffectDef,
    effect: Id<EffectDef>,
) -> Vec<EffectQueued> {
    let mut out = Vec::new();
    if def.targets_max == 0 {
        return out;
    }
    let bears = |buff: &&Buff| buff.effect == effect && buff.source == deed.source;
    let bearers = resolver.patients.iter().filter_map(|patient| {
        let buff = patient.buffs.list.iter().find(bears)?;
        let id = patient.side.side().id;
        Some((buff.renewed_tick, id == deed.target, id))
    });
    let mut bearers: Vec<(u32, bool, SimId)> = bearers.collect();
    bearers.sort_unstable();
    let surplus = bearers.len().saturating_sub(usize::from(def.targets_max));
    let (assets, tick) = (resolver.assets.0.clone(), resolver.tick.0);
    for &(.., bearer) in bearers.iter().take(surplus) {
        let Some(mut patient) = resolver.patient(bearer) else { continue };
        let mut ending = Ending { bearer, tick, depth: deed.depth + 1, assets: &assets, out: &mut out };
        ending.end_where(&mut patient.buffs, Cause::Removed, |buff| bears(&buff));
        settle(&mut patient.buffs, &mut patient.tags, &assets);
    }
    out
}

fn tell(deed: &EffectQueued, effect: Id<EffectDef>, work: &mut Worklist) {
    let one = |kind, who, other| Happening {
        kind,
        who,
        other,
        cause: Trigger::default(),
        school: School::Physical,
        origin: Origin::Effect(effect),
        depth: deed.depth,
    };
    work.happened(one(EventKind::EffectGiven, deed.source, deed.target));
    work.happened(one(EventKind::EffectTaken, deed.target, deed.source));
}
