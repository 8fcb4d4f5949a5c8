//! What time does: newcomers get their numbers, hit points and mana come back, speeds follow
//! tags. Receive: newcomers. Resolve: everything else, after buffs have changed.
//!
//! Regeneration comes once a second, at a moment that depends on the actor's id so that not all fall into one
//! tick; what is less than a point is carried on in thousandths.

use bevy_ecs::prelude::*;

use super::attributes::{Rebased, same_part};
use super::resolve::signed;
use super::{Attributes, CombatRules, Fight, HealthChanged, HealthKind, Level, Vitals};
use crate::actor::Motion;
use crate::assets::{AttributeId, TagId};
use crate::digest::{Digest, Digester};
use crate::features::buffs::Tags;
use crate::features::players::Class;
use crate::features::progress::Progress;
use crate::features::skills::{Casting, Mana, ManaChange};
use crate::ids::SimId;
use crate::scene::SceneAssets;
use crate::tick::{SimTick, TICKS_PER_SECOND};

/// Thousandths of points regained so far, each 0 to 999.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Regeneration {
    hp_milli: u32,
    mp_milli: u32,
}

type Newcomer<'a> = (&'a Class, &'a Progress, &'a mut Level, &'a mut Attributes, &'a mut Vitals, &'a mut Mana);

/// Gives players the numbers of their class; whoever has never lived before starts with all of everything.
pub(super) fn prepare_newcomers(assets: Res<SceneAssets>, mut newcomers: Query<Newcomer, Added<Class>>) {
    for (class, progress, mut level, mut attributes, mut vitals, mut mana) in &mut newcomers {
        let Some(def) = assets.0.classes.get(class.0) else { continue };
        *level = Level(progress.level);
        *attributes = Attributes::at_level(&assets.0, &def.attributes, progress.level);
        if vitals.hp_max == 0 {
            *vitals = Vitals::full(positive(attributes.current(AttributeId::HP_MAX)));
            *mana = Mana::full(positive(attributes.current(AttributeId::MANA_MAX)));
        }
    }
}

type Fitted<'a> = (&'a SimId, &'a Attributes, &'a mut Vitals, &'a mut Mana);

/// Hit points and mana never exceed what the attributes allow; when the game data was exchanged they keep their part.
pub(super) fn fit_vitals(
    (tick, rebased): (Res<SimTick>, Res<Rebased>),
    mut actors: Query<Fitted, Changed<Attributes>>,
    mut log: MessageWriter<HealthChanged>,
) {
    let by_part = rebased.is_now(tick.0);
    let mut fallen = Vec::new();
    for (&id, attributes, mut vitals, mut mana) in &mut actors {
        let hp_max = positive(attributes.current(AttributeId::HP_MAX));
        if vitals.hp_max != hp_max {
            let before = vitals.hp;
            vitals.hp = if by_part { same_part(before, vitals.hp_max, hp_max) } else { before.min(hp_max) };
            vitals.hp_max = hp_max;
            if vitals.hp != before {
                let change = signed(vitals.hp).saturating_sub(signed(before));
                fallen.push(HealthChanged::own(id, change, HealthKind::Limit));
            }
        }
        let mp_max = positive(attributes.current(AttributeId::MANA_MAX));
        if by_part && mana.mp_max != mp_max {
            *mana = Mana { mp: same_part(mana.mp, mana.mp_max, mp_max), mp_max };
        }
        mana.fit(mp_max);
    }
    fallen.sort_by_key(|entry| entry.target);
    log.write_batch(fallen);
}

type Recovering<'a> = (&'a SimId, &'a Attributes, &'a Fight, &'a mut Vitals, &'a mut Mana, &'a mut Regeneration);

/// Hit points and mana come back once a second, faster out of combat.
pub(super) fn regenerate(tick: Res<SimTick>, rules: Res<CombatRules>, mut actors: Query<Recovering>) {
    for (&id, attributes, fight, mut vitals, mut mana, mut carried) in &mut actors {
        let turn = tick.0 as usize + id.index();
        if !turn.is_multiple_of(TICKS_PER_SECOND as usize) || !vitals.is_alive() {
            continue;
        }
        // Of those who stand by almost all lack nothing.
        if vitals.hp >= vitals.hp_max && mana.missing() == 0 {
            carried.set_if_neq(Regeneration::default());
            continue;
        }
        let pct = if fight.is_on(tick.0) { rules.0.recovery.fighting_pct } else { rules.0.recovery.calm_pct };
        let hp_rate = attributes.current(AttributeId::HP_REGEN_MILLI);
        let hp = regained(&mut carried.hp_milli, hp_rate, pct, vitals.hp_max.saturating_sub(vitals.hp));
        if hp > 0 {
            vitals.hp += hp;
        }
        let mp_rate = attributes.current(AttributeId::MANA_REGEN_MILLI);
        let mp = regained(&mut carried.mp_milli, mp_rate, pct, mana.missing());
        mana.gain(mp);
    }
}

/// Whole points regained; what is less stays in `carried_milli`, and nothing stays when all is there.
fn regained(carried_milli: &mut u32, rate_milli: i32, pct: u32, missing: u32) -> u32 {
    let milli = u64::from(*carried_milli) + u64::from(positive(rate_milli)) * u64::from(pct) / 100;
    let points = u32::try_from(milli / 1_000).unwrap_or(u32::MAX);
    if points >= missing {
        *carried_milli = 0;
        return missing;
    }
    *carried_milli = u32::try_from(milli % 1_000).unwrap_or(0);
    points
}

type Held<'a> = (&'a Vitals, &'a Tags, &'a Attributes, &'a Casting, &'a mut Motion);
type Reconsidered = Or<(Changed<Vitals>, Changed<Tags>, Changed<Attributes>, Changed<Casting>)>;

/// The dead, the stunned and the rooted stay where they are; others go as fast as their attribute says, and slower while they
/// cast what lets them.
pub(super) fn set_speeds(mut actors: Query<Held, Reconsidered>) {
    for (vitals, tags, attributes, casting, mut motion) in &mut actors {
        let held = vitals.dead || tags.has(TagId::STUNNED) || tags.has(TagId::ROOTED);
        let slowed_bp = casting.slowed_bp().map_or(10_000, i32::from);
        let speed = attributes.current(AttributeId::SPEED_BP).clamp(0, 30_000) * slowed_bp / 10_000;
        let speed_bp = if held { 0 } else { u16::try_from(speed).unwrap_or(0) };
        if motion.speed_bp != speed_bp {
            motion.speed_bp = speed_bp;
        }
    }
}

fn positive(value: i32) -> u32 {
    value.max(0).unsigned_abs()
}

impl Digest for Regeneration {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.hp_milli);
        digester.u32(self.mp_milli);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_less_than_a_point_adds_up_and_nothing_is_lost() {
        let mut carried = 0;
        let points: u32 = (0..1_000).map(|_| regained(&mut carried, 337, 100, u32::MAX)).sum();
        assert_eq!((points, carried), (337, 0));
        assert_eq!(regained(&mut carried, 2_500, 300, u32::MAX), 7);
        assert_eq!(carried, 500);
    }

    #[test]
    fn whoever_has_everything_carries_nothing_on() {
        let mut carried = 900;
        assert_eq!((regained(&mut carried, 5_000, 100, 3), carried), (3, 0));
    }
}
