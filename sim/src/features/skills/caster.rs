//! What counts about whoever casts: the parts that nobody writes in the Act stage, and those that casts change.

use bevy_ecs::query::QueryData;
use glam::Vec2;

use super::combo::Combo;
use super::interrupts;
use super::queue::Punctuality;
use super::rules::{CasterView, price};
use super::{Casting, Cooldowns, Mana, now_ms};
use crate::actor::{Concealment, Heading, Position};
use crate::assets::{AttributeId, CostTime, Disturbance, Pool, SkillDef};
use crate::features::buffs::Tags;
use crate::features::combat::{Attributes, Level, SideData, Sides, Vitals, Worth};
use crate::ids::SimId;
use crate::intent::MoveIntent;
use crate::interest::Visibility;
use crate::tick::TICK_MS;

/// What nobody writes in the Act stage.
#[derive(QueryData)]
pub(super) struct Body {
    pub(super) position: &'static Position,
    heading: &'static Heading,
    side: SideData,
    level: &'static Level,
    concealment: &'static Concealment,
    pub(super) vitals: &'static Vitals,
    pub(super) tags: &'static Tags,
    attributes: &'static Attributes,
    steps: &'static MoveIntent,
}

/// A caster to look at.
#[derive(QueryData)]
pub(super) struct Caster {
    body: Body,
    mana: &'static Mana,
    pub(super) cooldowns: &'static Cooldowns,
    pub(super) casting: &'static Casting,
    pub(super) combo: &'static Combo,
}

/// A caster whose casts begin, go on and end.
#[derive(QueryData)]
#[query_data(mutable)]
pub(super) struct Acting {
    pub(super) id: &'static SimId,
    pub(super) body: Body,
    pub(super) mana: &'static mut Mana,
    pub(super) cooldowns: &'static mut Cooldowns,
    pub(super) casting: &'static mut Casting,
    pub(super) combo: &'static mut Combo,
    punctuality: Option<&'static Punctuality>,
}

impl CasterItem<'_, '_> {
    /// The caster as the rules see it in a tick; a cast that ends in it is over. `busy`: it is about to cast already.
    pub(super) fn view<'a>(&'a self, busy: bool, tick: u32, sides: &'a Sides) -> CasterView<'a> {
        let casts = self.is_under_way(tick) && !self.gives_way();
        let parts = Parts { mana: self.mana, cooldowns: self.cooldowns, combo: self.combo, casting: busy || casts };
        self.body.view(parts, sides)
    }

    /// Whether it casts something that does not end in this tick.
    pub(super) fn is_under_way(&self, tick: u32) -> bool {
        self.casting.0.as_ref().is_some_and(|cast| cast.finish_ms > now_ms(tick))
    }

    /// Whether what it casts is broken off for another cast.
    pub(super) fn gives_way(&self) -> bool {
        self.casting.0.as_ref().is_some_and(|cast| cast.cell(Disturbance::Recasts).ends())
    }

    /// The caster's eyes.
    pub(super) fn eyes(&self) -> Visibility {
        self.body.eyes()
    }

    /// When the cast under way ends and no cooldown keeps a skill from starting, in milliseconds.
    pub(super) fn ready_ms(&self, skill: crate::assets::Id<SkillDef>, def: &SkillDef, now: u64) -> u64 {
        let free_ms = self.casting.0.as_ref().map_or(0, |cast| cast.finish_ms);
        self.cooldowns.gcd_end_ms(def).max(self.cooldowns.end_ms(skill, def, now)).max(free_ms)
    }
}

impl<'w> ActingItem<'w, '_> {
    /// The caster as the rules see it.
    pub(super) fn view<'a>(&'a self, casting: bool, sides: &'a Sides) -> CasterView<'a> {
        let parts = Parts { mana: &self.mana, cooldowns: &self.cooldowns, combo: &self.combo, casting };
        self.body.view(parts, sides)
    }

    /// How late a cast may start and still be dated back, in milliseconds: for all, what the tick is too coarse for.
    pub(super) fn allowance_ms(&self) -> u32 {
        self.punctuality.map_or(TICK_MS - 1, Punctuality::allowance_ms)
    }

    /// What a skill costs of hit points at a time.
    pub(super) fn price_of_life(&self, def: &SkillDef, when: CostTime) -> u32 {
        price(def, Pool::Hp, self.body.vitals.hp_max, Some(when))
    }

    /// What a cast concerns.
    pub(super) fn interruptible(&mut self) -> interrupts::Caster<'_, 'w> {
        let (casting, mana, cooldowns) = (&mut self.casting, &mut self.mana, &mut self.cooldowns);
        interrupts::Caster { casting, mana, cooldowns, hp_max: self.body.vitals.hp_max }
    }
}

struct Parts<'a> {
    mana: &'a Mana,
    cooldowns: &'a Cooldowns,
    combo: &'a Combo,
    casting: bool,
}

impl BodyItem<'_, '_> {
    fn view<'a>(&self, parts: Parts<'a>, sides: &'a Sides) -> CasterView<'a> {
        CasterView {
            feet: self.position.0,
            heading: *self.heading,
            side: self.side.side(),
            sides,
            dead: !self.is_alive(),
            tags: *self.tags,
            hp: (self.vitals.hp, self.vitals.hp_max),
            mp: (parts.mana.mp, parts.mana.mp_max),
            combo: parts.combo,
            cooldowns: parts.cooldowns,
            casting: parts.casting,
            moving: self.moves(),
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        self.vitals.is_alive()
    }

    pub(super) fn eyes(&self) -> Visibility {
        Visibility::of(self.side.side().faction, *self.concealment)
    }

    pub(super) fn phase(&self) -> u16 {
        self.concealment.phase
    }

    pub(super) fn moves(&self) -> bool {
        self.steps.steps.iter().any(|step| step.wish != Vec2::ZERO)
    }

    pub(super) fn attribute(&self, attribute: AttributeId) -> i32 {
        self.attributes.current(attribute)
    }

    pub(super) fn worth(&self) -> Worth {
        self.attributes.worth(*self.level, self.side.side().faction)
    }
}
