//! What becomes of casts when something happens to their casters or their targets: the table of the scene's combat profile
//! says it, and nothing else does. Act: what a caster does and is, and where its target is, is looked at before a cast goes
//! on. Resolve, after the combat loop: blows, kicks and pushes are noted ([`Disturbed`]) and heeded in the order in which
//! they came. A cast keeps the table it began with, as it keeps its definition.
//!
//! What has ticked has taken effect: a channel broken off half-way is never paid back.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use glam::Vec3;

use super::cooldowns::now_ms;
use super::deliver::LifePaid;
use super::rules::{FINISH_TOLERANCE, price, sees};
use super::{Cast, CastEnded, CastOutcome, Casting, Cooldowns, Mana, ManaChange, PassedOn, TargetView};
use crate::assets::{
    CastKind, Cell, CostTime, Disturbance, Id, InterruptDef, Pool, Refund, School, SkillDef, SkillTarget, TagId, TagSet,
};
use crate::epoch::EpochSwap;
use crate::features::buffs::Tags;
use crate::features::combat::{EffectAction, HealthChanged, HealthKind, Vitals};
use crate::ids::SimId;
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneId};
use crate::space::Geometry;
use crate::tick::SimTick;

/// The table of this scene. Written when the scene is made and when its game data is replaced.
#[derive(Resource, Debug, Clone)]
pub struct InterruptRules(pub Arc<InterruptDef>);

/// Something happened to someone who may be casting. Written by any feature in any stage, heeded in Resolve.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disturbed {
    /// To whom.
    pub who: SimId,
    /// What.
    pub by: Disturbance,
    /// For how long a kick locks the schools of what it ends, in milliseconds; 0 for everything else.
    pub lockout_ms: u32,
}

impl Disturbed {
    /// Something that is no kick.
    #[must_use]
    pub const fn new(who: SimId, by: Disturbance) -> Self {
        Self { who, by, lockout_ms: 0 }
    }
}

/// Reads the table of the scene from its game data.
pub(super) fn read_table(world: &mut World) {
    let (SceneId(scene), assets) = (*world.resource::<SceneId>(), world.resource::<SceneAssets>().0.clone());
    let profile = &assets.combat[assets.scenes[scene].combat.id()];
    if let Some(table) = assets.interrupts.arc(profile.interrupts.id()) {
        world.insert_resource(InterruptRules(Arc::clone(table)));
    }
}

/// Reads the table of new game data, and tells every caster.
pub(super) fn follow_epoch(world: &mut World, _: &EpochSwap) {
    read_table(world);
    let mut casters = world.query::<(&SimId, &Casting)>();
    let mut told: Vec<SimId> =
        casters.iter(world).filter(|(_, casting)| casting.0.is_some()).map(|(&id, _)| id).collect();
    told.sort_unstable();
    for who in told {
        world.write_message(Disturbed::new(who, Disturbance::Reloaded));
    }
}

/// The parts of a caster that a cast concerns.
pub(super) struct Caster<'a, 'w> {
    pub(super) casting: &'a mut Mut<'w, Casting>,
    pub(super) mana: &'a mut Mut<'w, Mana>,
    pub(super) cooldowns: &'a mut Mut<'w, Cooldowns>,
    pub(super) hp_max: u32,
}

/// A cast that is over before its time.
pub(super) struct Stopped {
    pub(super) skill: Id<SkillDef>,
    pub(super) outcome: CastOutcome,
    /// Hit points that come back.
    pub(super) hp_back: u32,
}

impl Caster<'_, '_> {
    /// Has something happen to what is under way.
    pub(super) fn suffer(&mut self, by: Disturbance, lockout_ms: u32, now: u64) -> Option<Stopped> {
        let cast = self.casting.0.as_ref()?;
        match cast.cell(by) {
            Cell::Nothing => None,
            Cell::Pushback { ms, max } => {
                if cast.pushes < max {
                    self.push_back(ms, now);
                }
                None
            }
            Cell::Cancel { refund } => self.end(CastOutcome::Cancelled, refund),
            Cell::Interrupt { refund, lockout } => {
                let locked_ms = lockout.ms(lockout_ms);
                for school in School::ALL.map(School::tag) {
                    if locked_ms > 0 && cast.def.tags.set().has(school) {
                        self.cooldowns.lock(school, now + u64::from(locked_ms), now);
                    }
                }
                self.end(CastOutcome::Interrupted, refund)
            }
        }
    }

    /// A cast takes longer, a channel ends earlier.
    fn push_back(&mut self, ms: u32, now: u64) {
        let Some(cast) = self.casting.0.as_mut() else { return };
        cast.pushes += 1;
        cast.finish_ms = match cast.def.cast.kind() {
            Some(CastKind::Channel) => cast.finish_ms.saturating_sub(u64::from(ms)).max(now),
            _ => cast.finish_ms + u64::from(ms),
        };
    }

    /// Ends what is under way without effect; what it took at its start comes back when its skill says so, and where that
    /// says nothing, when `refund` does.
    pub(super) fn end(&mut self, outcome: CastOutcome, refund: bool) -> Option<Stopped> {
        let cast = self.casting.0.take()?;
        let back = match cast.def.refund {
            Some(Refund::OnCancel) => outcome == CastOutcome::Cancelled,
            Some(Refund::Always) => true,
            Some(Refund::Never) => false,
            None => refund,
        };
        let mut hp_back = 0;
        if back && cast.ticks == 0 {
            self.mana.gain(price(&cast.def, Pool::Mana, self.mana.mp_max, Some(CostTime::OnStart)));
            self.cooldowns.give_back(cast.skill, &cast.def);
            hp_back = price(&cast.def, Pool::Hp, self.hp_max, Some(CostTime::OnStart));
        }
        Some(Stopped { skill: cast.skill, outcome, hp_back })
    }
}

impl Cast {
    /// What becomes of it when something happens.
    #[must_use]
    pub fn cell(&self, by: Disturbance) -> Cell {
        self.table.cell(&self.def, by)
    }

    /// What about its caster ends it: its death, its states, its steps.
    pub(super) fn ended_by_caster(&self, alive: bool, granted: &TagSet, moves: bool) -> Option<Disturbance> {
        let ends = |by: &Disturbance| self.cell(*by).ends();
        if !alive {
            return Some(Disturbance::Dies);
        }
        state_that_ends(&self.table, &self.def, granted)
            .or_else(|| Some(Disturbance::Moves).filter(|by| moves && ends(by)))
    }

    /// What about its target ends it: it is gone, dead, too far away, or something stands between. `feet` are its caster's.
    pub(super) fn ended_by_target(
        &self,
        target: Option<TargetView>,
        feet: Vec3,
        geometry: &Geometry,
    ) -> Option<Disturbance> {
        let ends = |by: &Disturbance| self.cell(*by).ends();
        let (range_m, dead) = match self.def.target {
            SkillTarget::Unit { range_m, dead, .. } => (range_m, dead),
            SkillTarget::Chain { range_m, .. } => (range_m, false),
            _ => return None,
        };
        let Some(target) = target else { return Some(Disturbance::TargetGone).filter(ends) };
        if !target.alive && !dead && ends(&Disturbance::TargetDies) {
            return Some(Disturbance::TargetDies);
        }
        if feet.distance(target.feet) > range_m * FINISH_TOLERANCE && ends(&Disturbance::TargetFar) {
            return Some(Disturbance::TargetFar);
        }
        // A ray is dear: it is cast only where its answer counts.
        let hides = ends(&Disturbance::TargetHidden) && !sees(feet, target.feet, geometry);
        hides.then_some(Disturbance::TargetHidden)
    }
}

/// The state of a caster that ends a cast of a skill.
pub(super) fn state_that_ends(table: &InterruptDef, def: &SkillDef, granted: &TagSet) -> Option<Disturbance> {
    let ends = |by: Disturbance| table.cell(def, by).ends();
    let state = Disturbance::STATES.into_iter().find(|&(by, tag)| granted.has(tag) && ends(by));
    let hindered = || def.is_hindered(granted) && ends(Disturbance::Hindered);
    state.map(|(by, _)| by).or_else(|| hindered().then_some(Disturbance::Hindered))
}

/// Notes what blows of others do.
pub(super) fn feel_blows(mut log: MessageReader<HealthChanged>, mut disturbed: MessageWriter<Disturbed>) {
    for entry in log.read().filter(|entry| entry.amount < 0 && entry.source != entry.target) {
        let by = match entry.kind {
            HealthKind::Direct => Disturbance::Damaged,
            HealthKind::Periodic => Disturbance::Burned,
            _ => continue,
        };
        disturbed.write(Disturbed::new(entry.target, by));
    }
}

/// Kicks are noted, and cooldowns change, in the order in which the loop let them pass.
pub(super) fn feel_deeds(
    (roster, assets): (Res<Roster>, Res<SceneAssets>),
    mut passed: MessageReader<PassedOn>,
    mut disturbed: MessageWriter<Disturbed>,
    mut others: Query<(&Tags, &mut Cooldowns)>,
) {
    for PassedOn(deed) in passed.read() {
        let found = roster.entity(deed.target).and_then(|entity| others.get_mut(entity).ok());
        let Some((tags, mut cooldowns)) = found else { continue };
        match deed.what {
            EffectAction::Interrupt { lockout_ms } if !tags.has(TagId::IMMUNE_INTERRUPT) => {
                disturbed.write(Disturbed { who: deed.target, by: Disturbance::Kicked, lockout_ms });
            }
            EffectAction::Cooldown { skill, ms } => {
                if let Some(def) = assets.0.skills.get(skill) {
                    cooldowns.reduce(skill, def, ms);
                }
            }
            _ => {}
        }
    }
}

type Suffering<'a> = (&'a Vitals, &'a mut Casting, &'a mut Cooldowns, &'a mut Mana);

/// What has been noted happens to casts.
pub(super) fn heed(
    (tick, roster): (Res<SimTick>, Res<Roster>),
    mut disturbed: MessageReader<Disturbed>,
    mut ended: MessageWriter<CastEnded>,
    mut paid: MessageWriter<LifePaid>,
    mut casters: Query<Suffering>,
) {
    let now = now_ms(tick.0);
    for &Disturbed { who, by, lockout_ms } in disturbed.read() {
        let found = roster.entity(who).and_then(|entity| casters.get_mut(entity).ok());
        let Some((vitals, mut casting, mut cooldowns, mut mana)) = found else { continue };
        let (casting, mana, cooldowns) = (&mut casting, &mut mana, &mut cooldowns);
        let mut caster = Caster { casting, mana, cooldowns, hp_max: vitals.hp_max };
        let Some(Stopped { skill, outcome, hp_back }) = caster.suffer(by, lockout_ms, now) else { continue };
        if hp_back > 0 {
            paid.write(LifePaid { who, skill, points: -i64::from(hp_back) });
        }
        ended.write(CastEnded { caster: who, skill, outcome });
    }
}

/// Ends what someone casts who is about to leave the scene, so that what it takes along is what it should.
pub(super) fn take_leave(world: &mut World, entity: Entity) {
    let now = now_ms(world.resource::<SimTick>().0);
    let mut leaving = world.query::<(&mut Vitals, &mut Casting, &mut Cooldowns, &mut Mana)>();
    let Ok((mut vitals, mut casting, mut cooldowns, mut mana)) = leaving.get_mut(world, entity) else { return };
    let (hp_max, casting, mana, cooldowns) = (vitals.hp_max, &mut casting, &mut mana, &mut cooldowns);
    let mut caster = Caster { casting, mana, cooldowns, hp_max };
    if let Some(Stopped { hp_back, .. }) =
        caster.suffer(Disturbance::Leaves, 0, now).filter(|stopped| stopped.hp_back > 0)
    {
        vitals.hp = vitals.hp.saturating_add(hp_back).min(hp_max);
    }
}
