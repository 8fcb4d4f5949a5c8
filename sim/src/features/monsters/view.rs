//! What a tree sees of a fight and does in it: the meaning of the leaves (`assets/ai/leaves.rs`) in a scene. Think stage;
//! everything it does is an intent, a message, or a part of the monster itself.

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use super::adds::{Said, SummonQueued};
use super::brain::{HelpCall, Mood};
use super::decide::{Scenery, ThinkerItem};
use super::fight::ground_distance_m;
use super::mind::Order;
use super::tactics::Situation;
use crate::actor::Heading;
use crate::assets::{Aimed, Assets, Condition, Deed, Filter, Id, Measure, MonsterDef, Ref, SkillDef, TagId, ticks_of};
use crate::behaviour::{Leaf, Status, View};
use crate::features::buffs::ActiveBuffs;
use crate::features::combat::{EffectAction, EffectQueued, Origin, Vitals};
use crate::features::skills::{Aim, CasterView, Refusal, TargetView, aim_of, check_aim, check_caster};
use crate::ids::SimId;
use crate::intent::{CastIntent, CastTarget};
use crate::random::Stream;

/// How far a monster looks for friends to help when a tree does not say, in metres.
const FRIENDS_M: f32 = 30.0;

/// A fight as one monster's tree sees it.
pub(super) struct FightView<'a, 'm, 'n, 'w, 's> {
    pub(super) me: &'a mut ThinkerItem<'m, 'n>,
    pub(super) scenery: &'a mut Scenery<'w, 's>,
    pub(super) def: &'a MonsterDef,
    pub(super) assets: &'a Assets,
    /// Whom it fights.
    pub(super) target: TargetView,
    /// The tree wants to give up.
    pub(super) gives_up: bool,
}

impl View for FightView<'_, '_, '_, '_, '_> {
    fn tick(&self) -> u32 {
        self.scenery.tick.0
    }

    fn check(&mut self, condition: &Condition) -> bool {
        match condition {
            Condition::HpBelow(pct) => hp_pct(self.me.vitals) < *pct,
            Condition::ManaBelow(pct) => self.mana_pct() < *pct,
            Condition::TargetHpBelow(pct) => self.hp_pct_of(self.target.id) < *pct,
            Condition::TargetWithin(metres) => self.target_m() < *metres,
            Condition::TargetInSight => self.situation().sees(),
            Condition::TargetCasting => self.other(self.target.id).is_some_and(|(.., casting, _)| casting.0.is_some()),
            Condition::AlliesNear { radius_m, least } => self.count_near(*radius_m, true) >= *least,
            Condition::EnemiesNear { radius_m, least } => self.count_near(*radius_m, false) >= *least,
            Condition::AllyBelow { hp_pct, radius_m } => self.lowest_ally(*radius_m).1 < *hp_pct,
            Condition::HasTag(tag) => self.me.tags.has(tag.id()),
            Condition::TargetHasTag(tag) => self.other(self.target.id).is_some_and(|(_, tags, ..)| tags.has(tag.id())),
            Condition::HasEffect(effect) => self.me.buffs.of(effect.id()).is_some(),
            Condition::TargetHasEffect(effect) => {
                self.other(self.target.id).is_some_and(|(.., buffs)| buffs.of(effect.id()).is_some())
            }
            Condition::SkillReady(skill) => {
                let def = &self.assets.skills[skill.id()];
                check_caster(&self.caster(), skill.id(), def, self.scenery.tick.0).is_ok()
            }
            Condition::PhaseIs(name) => {
                let phase = self.me.mind.phase().and_then(|phase| self.def.phases.get(phase));
                phase.is_some_and(|phase| phase.name == *name)
            }
            Condition::FightingFor(ms) => self.fighting_ticks() >= ticks_of(*ms),
            Condition::AddsAlive(least) => self.adds_alive() >= *least as usize,
            Condition::HomeBeyond(metres) => ground_distance_m(self.me.position.0, self.me.home.feet) > *metres,
            // The machine's own; it does not ask.
            Condition::TimerElapsed(_) | Condition::VarAtLeast { .. } | Condition::Random(_) => false,
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "distances in a scene fit; casts saturate")]
    fn measure(&mut self, measure: &Measure) -> i32 {
        let whole = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        match measure {
            Measure::Hp => whole(hp_pct(self.me.vitals)),
            Measure::Mana => whole(self.mana_pct()),
            Measure::TargetHp => whole(self.hp_pct_of(self.target.id)),
            Measure::TargetDistance => (self.target_m() * 10.0) as i32,
            Measure::LowestAllyHp(radius_m) => whole(self.lowest_ally(*radius_m).1),
            Measure::AlliesNear(radius_m) => whole(self.count_near(*radius_m, true)),
            Measure::EnemiesNear(radius_m) => whole(self.count_near(*radius_m, false)),
            Measure::FightingFor => whole(self.fighting_ticks() / 20),
            Measure::Var(_) => 0,
        }
    }

    fn act(&mut self, deed: &Deed) -> Status {
        match deed {
            Deed::Cast { skill, at } => done(self.cast(skill.id(), *at)),
            Deed::CastAny => {
                let choice = self.situation().first_usable();
                done(choice.is_some_and(|(skill, target)| self.begin_cast(skill, target, self.target.feet)))
            }
            Deed::CastTagged { tag, at } => {
                let has = |skill: &Id<SkillDef>| self.assets.skills[*skill].tags.set().has(tag.id());
                let skills: Vec<Id<SkillDef>> = self.def.skills.iter().map(Ref::id).filter(has).collect();
                done(skills.into_iter().any(|skill| self.cast(skill, *at)))
            }
            Deed::Approach { within_m } => self.approach(*within_m),
            Deed::KeepDistance { least_m, most_m } => {
                self.me.mind.order = Order::Keep { least_m: *least_m, most_m: *most_m };
                running((*least_m..=*most_m).contains(&self.target_m()))
            }
            Deed::Flee { until_m } => {
                let away = self.target_m() >= *until_m;
                self.me.mind.order = if away { Order::Hold } else { Order::Flee };
                running(away)
            }
            Deed::Circle { radius_m } => self.go_on(Order::Circle { radius_m: *radius_m }),
            Deed::Hold => self.go_on(Order::Hold),
            Deed::CallForHelp { radius_m } => {
                let call = HelpCall { caller: *self.me.id, victim: self.target.id, radius_m: Some(*radius_m) };
                self.scenery.calls.write(call);
                Status::Success
            }
            Deed::SwitchTarget(aimed) => self.switch_target(*aimed),
            Deed::ReturnHome => {
                self.gives_up = true;
                Status::Success
            }
            Deed::SetPhase(name) => done(self.set_phase(name)),
            Deed::Gain(effect) => {
                self.gain(EffectAction::Apply { effect: effect.id(), chance_pct: 100 });
                Status::Success
            }
            Deed::Say(text) => {
                self.say(Some(text));
                Status::Success
            }
            Deed::Summon { monster, count, most, radius_m } => {
                done(self.summon(monster.id(), *count, *most, *radius_m))
            }
            // The machine's own; it does not ask.
            Deed::Wait(_) | Deed::SetTimer { .. } | Deed::SetVar { .. } | Deed::AddVar { .. } => Status::Success,
        }
    }

    fn below(&mut self, salt: u16, end: u32) -> u32 {
        let (tick, id) = (self.scenery.tick.0, *self.me.id);
        self.scenery.random.draw(tick, id, Stream("behaviour"), u64::from(salt)).below(end)
    }

    fn explain(&self, leaf: Leaf<'_>, status: Status) -> Option<String> {
        match leaf {
            Leaf::Check(condition) => self.explain_check(condition),
            Leaf::Act(deed) => self.explain_deed(deed, status),
        }
    }
}

impl FightView<'_, '_, '_, '_, '_> {
    pub(super) fn situation(&self) -> Situation<'_> {
        self.me.situation(self.scenery, self.def, self.assets, self.target)
    }

    pub(super) fn caster(&self) -> CasterView<'_> {
        self.me.view(&self.scenery.sides)
    }

    pub(super) fn other(&self, id: SimId) -> Option<super::decide::Onlooked<'_>> {
        let entity = self.scenery.roster.entity(id)?;
        self.scenery.others.get(entity).ok()
    }

    pub(super) fn hp_pct_of(&self, id: SimId) -> u32 {
        self.other(id).map_or(0, |(vitals, ..)| hp_pct(vitals))
    }

    pub(super) fn mana_pct(&self) -> u32 {
        let mana = self.me.mana;
        u32::try_from(u64::from(mana.mp) * 100 / u64::from(mana.mp_max.max(1))).unwrap_or(100)
    }

    pub(super) fn target_m(&self) -> f32 {
        ground_distance_m(self.me.position.0, self.target.feet)
    }

    pub(super) fn fighting_ticks(&self) -> u32 {
        self.scenery.tick.0.saturating_sub(self.me.mind.since_tick)
    }

    pub(super) fn adds_alive(&self) -> usize {
        self.me.mind.adds.iter().filter(|add| self.other(**add).is_some_and(|(vitals, ..)| vitals.is_alive())).count()
    }

    fn for_each_near(&self, radius_m: f32, ally: bool, mut visit: impl FnMut(SimId)) {
        let (me, side) = (self.me.position.place(), self.me.side());
        self.scenery.units.for_each_near(me, radius_m, self.me.concealment.phase, |unit, _| {
            let sides = &self.scenery.sides;
            let counts = if ally { sides.may_help(side, unit.side) } else { sides.is_enemy(side, unit.side) };
            if counts && unit.id != *self.me.id {
                visit(unit.id);
            }
        });
    }

    pub(super) fn count_near(&self, radius_m: f32, ally: bool) -> u32 {
        let mut count = 0;
        self.for_each_near(radius_m, ally, |_| count += 1);
        count
    }

    /// The friend near, or itself, with the least part of its hit points, and that part in percent; equals go by id.
    pub(super) fn lowest_ally(&self, radius_m: f32) -> (SimId, u32) {
        let mut lowest = (hp_pct(self.me.vitals), *self.me.id);
        self.for_each_near(radius_m, true, |id| lowest = lowest.min((self.hp_pct_of(id), id)));
        (lowest.1, lowest.0)
    }

    /// Those on its threat list that can be seen, with their threat.
    fn hated(&self) -> Vec<(u64, TargetView)> {
        let eyes = self.me.eyes();
        let seen = |id| self.scenery.units.seen(id, eyes).filter(|unit| unit.alive);
        self.me.threat.iter().filter_map(|(id, milli)| Some((milli, seen(id)?))).collect()
    }

    fn find(&self, aimed: Aimed) -> Option<TargetView> {
        let feet = self.me.position.0;
        match aimed {
            Aimed::Victim | Aimed::Ground => Some(self.target),
            Aimed::Caster => self.scenery.units.seen(*self.me.id, self.me.eyes()),
            Aimed::LowestAlly => self.scenery.units.seen(self.lowest_ally(FRIENDS_M).0, self.me.eyes()),
            Aimed::RandomEnemy => {
                let hated = self.hated();
                let draw = self.scenery.random.draw(self.scenery.tick.0, *self.me.id, Stream("random enemy"), 0);
                let place = draw.clone().below(u32::try_from(hated.len()).unwrap_or(u32::MAX));
                hated.get(place as usize).map(|(_, unit)| *unit)
            }
            Aimed::FarthestEnemy => {
                let distance = |unit: &TargetView| unit.feet.distance_squared(feet);
                let hated = self.hated().into_iter().map(|(_, unit)| unit);
                hated.max_by(|a, b| distance(a).total_cmp(&distance(b)).then(b.id.cmp(&a.id)))
            }
            Aimed::SecondEnemy => {
                let mut hated = self.hated();
                hated.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.id.cmp(&b.1.id)));
                hated.get(1).map(|(_, unit)| *unit)
            }
        }
    }

    /// Casts a skill at someone if it can.
    fn cast(&mut self, skill: Id<SkillDef>, at: Aimed) -> bool {
        let aimed = self.aim(skill, at);
        aimed.is_ok_and(|(target, place)| self.begin_cast(skill, target, place))
    }

    /// At what, and where, a skill would be cast at someone, or the word for why it cannot be; what helps is for itself
    /// when nobody else is named.
    pub(super) fn aim(&self, skill: Id<SkillDef>, at: Aimed) -> Result<(CastTarget, Vec3), &'static str> {
        let def = &self.assets.skills[skill];
        let helps = def.target.filter() == Filter::Ally;
        let at = if helps && at == Aimed::Victim { Aimed::Caster } else { at };
        let unit = self.find(at).ok_or("no_target")?;
        let target = match at {
            Aimed::Ground => CastTarget::Ground(unit.feet),
            _ if unit.id == *self.me.id => CastTarget::Caster,
            _ => CastTarget::Unit(unit.id),
        };
        let view = CasterView { heading: facing(self.me.position.0, unit.feet, *self.me.heading), ..self.caster() };
        let seen = |id| self.scenery.units.seen(id, self.me.eyes());
        check_caster(&view, skill, def, self.scenery.tick.0).map_err(Refusal::reason)?;
        let aim = aim_of(def, target, *self.me.id, seen).ok_or("no_target")?;
        self.reaches(&view, def, aim)?;
        Ok((target, unit.feet))
    }

    fn reaches(&self, view: &CasterView<'_>, def: &SkillDef, aim: Aim) -> Result<(), &'static str> {
        let in_area = !matches!(aim, Aim::Caster) || def.target.filter() == Filter::Ally || {
            view.feet.distance(self.target.feet) <= def.target.reach_m()
        };
        if !in_area {
            return Err(Refusal::Range.reason());
        }
        check_aim(view, def, aim, 1.0, &self.scenery.geometry.0).map_err(Refusal::reason)
    }

    fn begin_cast(&mut self, skill: Id<SkillDef>, target: CastTarget, at: Vec3) -> bool {
        self.me.stay();
        self.me.mind.order = Order::Hold;
        let heading = facing(self.me.position.0, at, *self.me.heading);
        self.me.heading.set_if_neq(heading);
        self.scenery.casts.write(CastIntent { caster: *self.me.id, skill, target });
        true
    }

    fn approach(&mut self, within_m: Option<f32>) -> Status {
        let near = match within_m {
            Some(within_m) => self.target_m() <= within_m,
            None => self.situation().is_near(),
        };
        self.me.mind.order = if near { Order::Hold } else { Order::Approach(within_m) };
        running(near)
    }

    fn go_on(&mut self, order: Order) -> Status {
        self.me.mind.order = order;
        Status::Running
    }

    fn switch_target(&mut self, aimed: Aimed) -> Status {
        let Some(unit) = self.find(aimed).filter(|unit| unit.id != *self.me.id) else { return Status::Failure };
        if !self.scenery.sides.may_harm(self.me.side(), unit.side) {
            return Status::Failure;
        }
        self.target = unit;
        self.me.brain.mood = Mood::Fighting { victim: unit.id };
        Status::Success
    }

    fn set_phase(&mut self, name: &str) -> bool {
        let place = self.def.phases.iter().position(|phase| phase.name == name);
        let Some(place) = place.and_then(|place| u8::try_from(place + 1).ok()) else { return false };
        self.enter_phase(place);
        true
    }

    /// The phase at a place, from 1, begins: its deeds are done, its tree takes over.
    pub(super) fn enter_phase(&mut self, place: u8) {
        let def = self.def;
        self.me.mind.phase = place;
        self.me.mind.phase_tick = self.scenery.tick.0;
        for deed in def.phases.get(usize::from(place) - 1).into_iter().flat_map(|phase| &phase.deeds) {
            self.act(deed);
        }
    }

    /// Does something to itself.
    pub(super) fn gain(&mut self, what: EffectAction) {
        let id = *self.me.id;
        let worth = self.me.attributes.worth(*self.me.level, *self.me.faction);
        let queued =
            EffectQueued { source: id, target: id, worth, what, origin: Origin::World, periodic: false, depth: 0 };
        self.scenery.queued.write(queued);
    }

    pub(super) fn say(&mut self, text: Option<&str>) {
        let who = *self.me.id;
        self.scenery.sayings.write_batch(text.map(|text| Said { who, text: text.to_owned() }));
    }

    fn summon(&mut self, monster: Id<MonsterDef>, count: u32, most: u32, radius_m: f32) -> bool {
        let alive = u32::try_from(self.adds_alive()).unwrap_or(u32::MAX);
        let count = count.min(most.saturating_sub(alive));
        if count > 0 {
            let (owner, victim) = (*self.me.id, Some(self.target.id));
            self.scenery.summons.write(SummonQueued { owner, monster, count, radius_m, victim });
        }
        count > 0
    }
}

/// The heading from one place to another; as it was when they are the same.
pub(super) fn facing(from: Vec3, to: Vec3, before: Heading) -> Heading {
    Heading::along(Vec2::new(to.x - from.x, to.z - from.z)).unwrap_or(before)
}

/// Whether a monster can do nothing for the moment.
pub(super) fn is_held(tags: &crate::features::buffs::Tags) -> bool {
    tags.has(TagId::STUNNED) || tags.has(TagId::FEARED)
}

pub(super) fn hp_pct(vitals: &Vitals) -> u32 {
    u32::try_from(u64::from(vitals.hp) * 100 / u64::from(vitals.hp_max.max(1))).unwrap_or(100)
}

const fn done(is: bool) -> Status {
    if is { Status::Success } else { Status::Failure }
}

const fn running(is_over: bool) -> Status {
    if is_over { Status::Success } else { Status::Running }
}

/// Whether someone is held by something that a blow would break.
pub(super) fn is_suppressed(tags: &crate::features::buffs::Tags) -> bool {
    [TagId::SUPPRESSED, TagId::INVULNERABLE, TagId::UNTARGETABLE].into_iter().any(|tag| tags.has(tag))
}

/// What effects on a monster say about their sources: the tags of threat they grant.
pub(super) fn has_from(buffs: &ActiveBuffs, assets: &Assets, source: SimId, tag: TagId) -> bool {
    let grants = |effect| assets.effects.get(effect).is_some_and(|def| def.grants.set().has(tag));
    buffs.iter().any(|buff| buff.source == source && grants(buff.effect))
}
