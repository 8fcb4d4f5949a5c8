//! Whether a cast may start, or still take effect: one set of rules for players' commands, monsters' decisions
//! and the start and the finish of every cast. Pure: whoever asks gathers what it takes.
//!
//! Distances are from centre to centre, in three dimensions; a finished cast may reach a tenth farther. Sight
//! goes from eyes to eyes, 1.5 m above the feet.

use glam::Vec3;

use super::combo::Combo;
use super::interrupts::state_that_ends;
use super::shapes::within_arc;
use super::{Cooldowns, now_ms};
use crate::actor::Heading;
use crate::assets::{Assets, CostTime, Disturbance, Id, InterruptDef, Los, Pool, SkillDef, SkillTarget, TagId};
use crate::features::buffs::Tags;
use crate::features::combat::{Side, Sides};
use crate::ids::SimId;
use crate::space::Geometry;

/// Height of eyes above feet, in metres.
pub(super) const EYES_M: f32 = 1.5;
/// What a target may have moved beyond a skill's range until the cast finishes.
pub(super) const FINISH_TOLERANCE: f32 = 1.1;

/// Why a cast is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The caster is dead.
    Dead,
    /// The caster is stunned.
    Stunned,
    /// The caster is silenced.
    Silenced,
    /// The caster is disarmed.
    Disarmed,
    /// The caster is feared.
    Feared,
    /// Something else that the caster has been granted prevents it.
    Blocked,
    /// A kick has locked a school of the skill.
    LockedOut,
    /// The caster lacks a tag that the skill requires.
    CasterState,
    /// The target lacks a tag that the skill requires.
    TargetState,
    /// The step before of the combo is missing.
    Combo,
    /// The caster does not have the skill.
    UnknownSkill,
    /// The caster is casting already.
    Casting,
    /// The global cooldown runs.
    Gcd,
    /// The skill's own cooldown runs.
    Cooldown,
    /// There is not enough mana.
    Mana,
    /// There are not enough hit points.
    Health,
    /// There is no such target, or the caster cannot see it.
    NoTarget,
    /// The target is dead or on the wrong side.
    WrongTarget,
    /// The target is too far away.
    Range,
    /// The target is too near.
    TooNear,
    /// The target is not in front of the caster.
    Facing,
    /// Something stands between.
    LineOfSight,
    /// The caster moves, and moving would end the cast.
    Moving,
    /// There is no door in reach.
    NoDoor,
}

impl Refusal {
    /// Stable word for clients and metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Stunned => "stunned",
            Self::Silenced => "silenced",
            Self::Disarmed => "disarmed",
            Self::Feared => "feared",
            Self::Blocked => "blocked",
            Self::LockedOut => "locked_out",
            Self::CasterState => "caster_state",
            Self::TargetState => "target_state",
            Self::Combo => "combo",
            Self::UnknownSkill => "unknown_skill",
            Self::Casting => "casting",
            Self::Gcd => "gcd",
            Self::Cooldown => "cooldown",
            Self::Mana => "mana",
            Self::Health => "health",
            Self::NoTarget => "no_target",
            Self::WrongTarget => "wrong_target",
            Self::Range => "range",
            Self::TooNear => "too_near",
            Self::Facing => "facing",
            Self::LineOfSight => "line_of_sight",
            Self::Moving => "moving",
            Self::NoDoor => "no_door",
        }
    }
}

/// What counts about a caster.
#[derive(Debug, Clone, Copy)]
pub struct CasterView<'a> {
    /// Feet position in metres.
    pub feet: Vec3,
    /// Facing.
    pub heading: Heading,
    /// Side.
    pub side: Side,
    /// Who may harm and help whom.
    pub sides: &'a Sides,
    /// Whether it is dead.
    pub dead: bool,
    /// Its tags.
    pub tags: Tags,
    /// Hit points and the greatest.
    pub hp: (u32, u32),
    /// Mana points and the greatest.
    pub mp: (u32, u32),
    /// What it used last.
    pub combo: &'a Combo,
    /// Cooldowns.
    pub cooldowns: &'a Cooldowns,
    /// Whether a cast is under way.
    pub casting: bool,
    /// Whether it takes a step in this tick.
    pub moving: bool,
}

/// What counts about a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetView {
    /// Who.
    pub id: SimId,
    /// Feet position in metres.
    pub feet: Vec3,
    /// Side.
    pub side: Side,
    /// Level.
    pub level: u16,
    /// Whether it can be hurt or healed.
    pub alive: bool,
    /// What it has been granted.
    pub tags: Tags,
}

/// What a cast is really aimed at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    /// Nothing beyond the caster's own place.
    Caster,
    /// Someone.
    Unit(TargetView),
    /// A place in metres.
    Place(Vec3),
}

/// Whether the caster could start the skill at all.
///
/// # Errors
/// The first reason against it.
pub fn check_caster(caster: &CasterView<'_>, skill: Id<SkillDef>, def: &SkillDef, tick: u32) -> Result<(), Refusal> {
    if caster.dead {
        return Err(Refusal::Dead);
    }
    if let Some(tag) = def.stopper(&caster.tags.granted) {
        return Err(stopped(tag));
    }
    let lacks = !caster.tags.granted.contains_all(def.requires.caster.set());
    let misses = def.requires.combo.as_ref().is_some_and(|combo| {
        combo.bonus_pct.is_none() && !caster.combo.follows(combo.after.id(), combo.within_ms, now_ms(tick))
    });
    let reasons = [
        (caster.cooldowns.is_locked_out(def, tick), Refusal::LockedOut),
        (lacks, Refusal::CasterState),
        (caster.casting, Refusal::Casting),
        (caster.cooldowns.gcd_end_ms(def) > now_ms(tick), Refusal::Gcd),
        (caster.cooldowns.runs(skill, def, tick), Refusal::Cooldown),
        (misses, Refusal::Combo),
        (caster.mp.0 < price(def, Pool::Mana, caster.mp.1, None), Refusal::Mana),
        (!pays_with_life(def, caster.hp), Refusal::Health),
    ];
    reasons.into_iter().find(|(holds, _)| *holds).map_or(Ok(()), |(_, refusal)| Err(refusal))
}

/// What a skill costs of a pool whose greatest points are `most`: in all before any tick of a channel, or at one time.
pub(super) fn price(def: &SkillDef, pool: Pool, most: u32, when: Option<CostTime>) -> u32 {
    let counts = |at: CostTime| when.map_or(at != CostTime::PerTick, |when| at == when);
    let own = def.cost.iter().filter(|cost| cost.attr == pool && counts(cost.when));
    let points = |pct: u32| u32::try_from(u64::from(most) * u64::from(pct) / 100).unwrap_or(u32::MAX);
    own.fold(0, |sum, cost| sum.saturating_add(cost.amount).saturating_add(points(cost.pct_of_max)))
}

fn pays_with_life(def: &SkillDef, (hp, hp_max): (u32, u32)) -> bool {
    let price = price(def, Pool::Hp, hp_max, None);
    price == 0 || hp > price
}

fn stopped(tag: TagId) -> Refusal {
    match tag {
        TagId::STUNNED => Refusal::Stunned,
        TagId::SILENCED => Refusal::Silenced,
        TagId::DISARMED => Refusal::Disarmed,
        TagId::FEARED => Refusal::Feared,
        _ => Refusal::Blocked,
    }
}

/// Whether the skill could reach what it is aimed at; `tolerance` multiplies its range.
///
/// # Errors
/// The first reason against it.
pub fn check_aim(
    caster: &CasterView<'_>,
    def: &SkillDef,
    aim: Aim,
    tolerance: f32,
    geometry: &Geometry,
) -> Result<(), Refusal> {
    if def.door_reach_m().is_some_and(|reach_m| geometry.door_in_reach(caster.feet, reach_m * tolerance).is_none()) {
        return Err(Refusal::NoDoor);
    }
    let at_end = tolerance > 1.0;
    let sight = |los: Los| matches!((los, at_end), (Los::AtStartAndEnd, _) | (Los::AtStart, false));
    let (range_m, min_range_m, los) = match def.target {
        SkillTarget::Unit { range_m, min_range_m, los, .. } => (range_m, min_range_m, sight(los)),
        SkillTarget::Chain { range_m, los, .. } => (range_m, 0.0, sight(los)),
        SkillTarget::Ground { range_m, .. } => (range_m, 0.0, true),
        SkillTarget::Caster | SkillTarget::Around { .. } | SkillTarget::Cone { .. } | SkillTarget::Line { .. } => {
            return Ok(());
        }
    };
    let (to, own) = match aim {
        Aim::Caster => return Err(Refusal::NoTarget),
        Aim::Unit(target) => {
            check_target(caster, def, &target)?;
            (target.feet, target.side.id == caster.side.id)
        }
        Aim::Place(place) => (place, false),
    };
    let distance_m = caster.feet.distance(to);
    if distance_m > range_m * tolerance {
        return Err(Refusal::Range);
    }
    if !own && !at_end && distance_m < min_range_m {
        return Err(Refusal::TooNear);
    }
    if !own && !def.target.facing_deg().is_none_or(|arc_deg| faces(caster, to, arc_deg)) {
        return Err(Refusal::Facing);
    }
    if !own && los && !sees(caster.feet, to, geometry) {
        return Err(Refusal::LineOfSight);
    }
    Ok(())
}

/// Whether someone is of the kind that the skill is for.
fn check_target(caster: &CasterView<'_>, def: &SkillDef, target: &TargetView) -> Result<(), Refusal> {
    let for_dead = matches!(def.target, SkillTarget::Unit { dead: true, .. });
    let untargetable = target.tags.has(TagId::UNTARGETABLE) && target.side.id != caster.side.id;
    let suits = caster.sides.suits(def.target.filter(), caster.side, target.side);
    if target.alive == for_dead || untargetable || !suits {
        return Err(Refusal::WrongTarget);
    }
    let fits = target.tags.granted.contains_all(def.requires.target.set());
    if fits { Ok(()) } else { Err(Refusal::TargetState) }
}

/// What would end the cast at once: a step, or a state of the caster.
///
/// # Errors
/// [`Refusal::Moving`], or what the state is.
pub(super) fn check_standing(caster: &CasterView<'_>, def: &SkillDef, table: &InterruptDef) -> Result<(), Refusal> {
    if caster.moving && table.cell(def, Disturbance::Moves).ends() {
        return Err(Refusal::Moving);
    }
    match state_that_ends(table, def, &caster.tags.granted) {
        Some(by) => Err(by.state().map_or(Refusal::Blocked, stopped)),
        None => Ok(()),
    }
}

/// Whether a place is within the arc in front of the caster.
pub(super) fn faces(caster: &CasterView<'_>, to: Vec3, arc_deg: f32) -> bool {
    within_arc(caster.feet, caster.heading, to, arc_deg)
}

/// Whether nothing stands between the eyes above two places.
pub(super) fn sees(from: Vec3, to: Vec3, geometry: &Geometry) -> bool {
    geometry.line_is_clear(from + Vec3::Y * EYES_M, to + Vec3::Y * EYES_M)
}

/// For clients: whether the game data alone speaks against casting at something so far away.
#[must_use]
pub fn in_reach(assets: &Assets, skill: Id<SkillDef>, from: Vec3, to: Vec3) -> bool {
    assets.skills.get(skill).is_some_and(|def| from.distance(to) <= def.target.reach_m())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Faction;
    use crate::testing::test_assets;

    static NO_COMBO: Combo = Combo::NONE;

    fn caster<'a>(cooldowns: &'a Cooldowns, sides: &'a Sides) -> CasterView<'a> {
        CasterView {
            feet: Vec3::ZERO,
            heading: Heading(0.0),
            side: Side::of_faction(SimId::new(1, 0), Faction::PLAYERS),
            sides,
            dead: false,
            tags: Tags::default(),
            hp: (100, 100),
            mp: (100, 100),
            combo: &NO_COMBO,
            cooldowns,
            casting: false,
            moving: false,
        }
    }

    #[test]
    fn the_arc_in_front_ends_where_it_says() {
        let cooldowns = Cooldowns::default();
        let sides = Sides::default();
        let caster = caster(&cooldowns, &sides);
        let at = |deg: f32| Vec3::new(deg.to_radians().sin(), 0.0, deg.to_radians().cos()) * 5.0;
        assert!(faces(&caster, at(44.9), 90.0) && faces(&caster, at(-44.9), 90.0));
        assert!(!faces(&caster, at(45.5), 90.0) && !faces(&caster, at(180.0), 90.0));
        assert!(faces(&caster, at(180.0), 360.0) && faces(&caster, at(180.0) * 0.05, 10.0));
    }

    #[test]
    fn a_finished_cast_reaches_a_tenth_farther_and_no_more() {
        let assets = test_assets(&[]);
        let strike = &assets.skills[assets.skills.by_name("skill/strike").unwrap()];
        let (cooldowns, geometry, sides) = (Cooldowns::default(), Geometry::flat(100.0), Sides::default());
        let aim = |x: f32| {
            let id = SimId::new(2, 0);
            let side = Side::of_faction(id, Faction::named("vermin"));
            Aim::Unit(TargetView {
                id,
                feet: Vec3::new(x, 0.0, 0.0),
                side,
                level: 1,
                alive: true,
                tags: Tags::default(),
            })
        };
        let check = |x, tolerance| check_aim(&caster(&cooldowns, &sides), strike, aim(x), tolerance, &geometry);
        assert_eq!((check(2.99, 1.0), check(3.01, 1.0)), (Ok(()), Err(Refusal::Range)));
        assert_eq!((check(3.29, FINISH_TOLERANCE), check(3.31, FINISH_TOLERANCE)), (Ok(()), Err(Refusal::Range)));
    }
}
