//! Resolve: the loop in which everything queued happens, one thing after another, each on the world as the one before
//! left it. What happens is told to the effects of those concerned; what they set off is done at once, one deeper.
//!
//! The order is that of the sources' ids, and for one source that of queueing; it does not depend on how the commands
//! of a tick arrived. Damage to the dead is nothing; whoever loses the last hit point dies at once, and the last damage
//! is the killer's. Chains end at [`DEPTH_MAX`] and with the tick's budget; what is left then is dropped and counted.

use std::collections::VecDeque;

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;
use bevy_ecs::system::SystemParam;

use super::{
    Attributes, Died, EffectAction, EffectQueued, EventKind, Fight, Happening, HealthChanged, HealthKind, Roll, Side,
    SideData, Sides, Untouchable, Vitals, damage, heal,
};
use crate::assets::{AttributeId, Pool, School, TagId};
use crate::counters::{COMBAT, Counters};
use crate::features::buffs::{self, ActiveBuffs, Tags};
use crate::features::skills::{Mana, ManaChange};
use crate::ids::SimId;
use crate::random::{Draw, Random, Stream};
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::SimTick;

/// Deeds that did not happen, by reason.
pub const EFFECT_DROPPED: &str = "effect_dropped_total";
/// How many deeds may set one another off in a row.
pub const DEPTH_MAX: u8 = 4;
/// How many deeds may happen in one tick of a scene, chains included.
pub const EFFECTS_MAX: usize = 50_000;

/// Takes what is queued and puts it into the order in which it is resolved.
pub(crate) fn in_order(queued: &mut MessageReader<EffectQueued>) -> Vec<EffectQueued> {
    let mut effects: Vec<EffectQueued> = queued.read().cloned().collect();
    // Stable: those of one source stay in the order they were queued.
    effects.sort_by_key(|effect| effect.source);
    effects
}

/// Everything about an actor that a deed may change.
#[derive(QueryData)]
#[query_data(mutable)]
pub struct Patient {
    /// Whose side it is on.
    pub side: SideData,
    /// Its numbers.
    pub attributes: &'static Attributes,
    /// What holds it.
    pub tags: &'static Tags,
    /// Whether others' deeds reach it.
    pub untouchable: &'static Untouchable,
    /// Hit points.
    pub vitals: &'static mut Vitals,
    /// Mana.
    pub mana: &'static mut Mana,
    /// Its fight.
    pub fight: &'static mut Fight,
    /// Its buffs.
    pub buffs: &'static mut ActiveBuffs,
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
    /// Everyone to whom something can happen.
    pub patients: Query<'w, 's, Patient>,
    /// What is counted.
    pub counters: ResMut<'w, Counters>,
    log: MessageWriter<'w, HealthChanged>,
    deaths: MessageWriter<'w, Died>,
}

/// What is still to be done in this tick, and what has just happened.
#[derive(Debug, Default)]
pub struct Worklist {
    todo: VecDeque<EffectQueued>,
    happened: Vec<Happening>,
    done_count: usize,
}

impl Worklist {
    /// Notes something that happened; the effects of `who` are asked about it when the present deed is done.
    pub fn happened(&mut self, happening: Happening) {
        self.happened.push(happening);
    }

    /// Adds a deed that something set off; it is done before what was queued earlier.
    pub fn set_off(&mut self, deeds: Vec<EffectQueued>) {
        for deed in deeds.into_iter().rev() {
            self.todo.push_front(deed);
        }
    }
}

pub(super) fn resolve(mut resolver: Resolver, mut queued: MessageReader<EffectQueued>, mut work: Local<Worklist>) {
    work.todo.extend(in_order(&mut queued));
    work.done_count = 0;
    while let Some(deed) = work.todo.pop_front() {
        if work.done_count >= EFFECTS_MAX {
            resolver.counters.add(EFFECT_DROPPED, "budget");
            continue;
        }
        if deed.depth > DEPTH_MAX {
            resolver.counters.add(EFFECT_DROPPED, "depth");
            continue;
        }
        // Two deeds of one source never share a draw: the salt is their number in the tick.
        let salt = work.done_count as u64;
        work.done_count += 1;
        resolver.carry_out(&deed, salt, &mut work);
        // Effects that react to what happened are asked here.
        work.happened.clear();
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
        if !target.vitals.is_alive() || (target.untouchable.0 && deed.source != deed.target) {
            return;
        }
        let (harms, helps) = self.bearing(deed, side);
        match deed.what {
            EffectAction::Damage { school, coef } if harms => self.hurt(deed, school, coef, salt, work),
            EffectAction::Heal { coef } if helps => self.mend(deed, coef, salt, work),
            EffectAction::Gain { pool: Pool::Mana, amount } if helps => {
                if let Some(mut target) = self.patient(deed.target) {
                    target.mana.gain(amount);
                }
            }
            EffectAction::Gain { pool: Pool::Hp, amount } if helps => self.give_back(deed, amount, work),
            EffectAction::Threat { .. } if harms => {
                let tick = self.tick.0;
                if let Some(mut target) = self.patient(deed.target) {
                    target.fight.hit(tick);
                }
            }
            EffectAction::Apply { effect, chance_pct } => buffs::apply_effect(self, deed, effect, chance_pct, salt),
            _ => {}
        }
    }

    fn hurt(&mut self, deed: &EffectQueued, school: School, coef: u32, salt: u64, work: &mut Worklist) {
        let tick = self.tick.0;
        let crit_bp = if deed.periodic { 0 } else { deed.worth.of(AttributeId::CRIT_BP) };
        let roll = Roll::draw(&mut self.draw(deed, Stream("combat roll"), salt), crit_bp);
        if let Some(mut source) = self.patient(deed.source) {
            source.fight.hit(tick);
        }
        let assets = self.assets.0.clone();
        let Some(mut target) = self.patient(deed.target) else { return };
        target.fight.hit(tick);
        if target.tags.has(TagId::INVULNERABLE) {
            return;
        }
        let points = damage(&deed.worth, coef, target.attributes.current(AttributeId::ARMOR), roll);
        let lost = points.min(target.vitals.hp);
        target.vitals.hp -= lost;
        let died = target.vitals.hp == 0;
        target.vitals.dead = died;
        buffs::break_by_damage(&mut target.buffs, &assets);
        self.counters.add(COMBAT, if roll.crit { "crit" } else { "hit" });
        self.log.write(entry(deed, -signed(lost), roll.crit));
        let [dealt, taken] = match deed.periodic {
            true => [EventKind::PeriodicDealt, EventKind::PeriodicTaken],
            false => [EventKind::HitDealt, EventKind::HitTaken],
        };
        work.happened(happening(deed, dealt, lost, school, roll.crit).told_to(deed.source, deed.target));
        work.happened(happening(deed, taken, lost, school, roll.crit).told_to(deed.target, deed.source));
        if died {
            self.counters.add(COMBAT, "death");
            self.deaths.write(Died { who: deed.target, killer: Some(deed.source) });
            work.happened(
                happening(deed, EventKind::Killed, lost, school, roll.crit).told_to(deed.source, deed.target),
            );
            work.happened(happening(deed, EventKind::Died, lost, school, roll.crit).told_to(deed.target, deed.source));
        }
    }

    fn mend(&mut self, deed: &EffectQueued, coef: u32, salt: u64, work: &mut Worklist) {
        let roll = Roll::draw(&mut self.draw(deed, Stream("combat roll"), salt), 0);
        self.give_back(deed, heal(&deed.worth, coef, roll), work);
    }

    fn give_back(&mut self, deed: &EffectQueued, points: u32, work: &mut Worklist) {
        let Some(mut target) = self.patient(deed.target) else { return };
        let gained = points.min(target.vitals.hp_max.saturating_sub(target.vitals.hp));
        if gained == 0 {
            return;
        }
        target.vitals.hp += gained;
        self.counters.add(COMBAT, "heal");
        self.log.write(entry(deed, signed(gained), false));
        for (kind, who, other) in
            [(EventKind::HealDealt, deed.source, deed.target), (EventKind::HealTaken, deed.target, deed.source)]
        {
            work.happened(happening(deed, kind, gained, School::Holy, false).told_to(who, other));
        }
    }
}

fn happening(deed: &EffectQueued, kind: EventKind, amount: u32, school: School, crit: bool) -> Happening {
    let (who, other, origin, depth) = (deed.source, deed.target, deed.origin, deed.depth);
    Happening { kind, who, other, amount, school, origin, crit, depth }
}

impl Happening {
    /// The same, as `who` is told of it.
    #[must_use]
    pub const fn told_to(self, who: SimId, other: SimId) -> Self {
        Self { who, other, ..self }
    }
}

fn entry(deed: &EffectQueued, amount: i32, crit: bool) -> HealthChanged {
    let kind = if deed.periodic { HealthKind::Periodic } else { HealthKind::Direct };
    HealthChanged { target: deed.target, source: deed.source, amount, kind, crit }
}

/// Hit points as a signed amount; they are at most a hundred million.
pub(super) fn signed(points: u32) -> i32 {
    i32::try_from(points).unwrap_or(i32::MAX)
}

/// The log's entry for a change that nobody did to `target`.
pub(super) fn own_entry(target: SimId, amount: i32, kind: HealthKind) -> HealthChanged {
    HealthChanged { target, source: target, amount, kind, crit: false }
}
