//! Skills: what a unit can do on purpose, to whom, at what price, and what happens when it works.
//! Durations are milliseconds; coefficients are thousandths. What a skill does stands on its timeline: lists of actions
//! with the moment at which they are done. The systems that run skills live in `features/skills`.

use serde::{Deserialize, Serialize};

use super::{
    Action, Cells, Pool, Record, Ref, RefVisitor, Tag, TagId, TagList, TagSet, actions::visit_actions, ticks_of,
};

mod cast;
mod target;

pub use cast::{CastDef, CastKind, CastMove, ChargeLevel, Pushback};
pub use target::{Filter, Los, SkillTarget};

/// One skill, `skill/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkillDef {
    /// `skill/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// Words such as `school.fire`. A `spell` is stopped by silence, what is of `weapon` by disarming; `school.*` is what
    /// a kick locks.
    #[serde(default)]
    pub tags: TagList,
    /// How it is cast.
    #[serde(default)]
    pub cast: CastDef,
    /// The global cooldown it heeds and begins; without one it can be used at any time.
    #[serde(default)]
    pub gcd: Option<GcdDef>,
    /// How long before it may start it can be asked for; it then starts by itself at the first moment.
    #[serde(default)]
    pub queue_window_ms: u32,
    /// What it takes.
    #[serde(default)]
    pub cost: Vec<CostDef>,
    /// When what was paid at the start and the cooldown come back; without it, when the table of interruptions says so.
    #[serde(default)]
    pub refund: Option<Refund>,
    /// When it may be used again.
    #[serde(default)]
    pub cooldown: Option<CooldownDef>,
    /// What must hold to use it.
    #[serde(default)]
    pub requires: Requirements,
    /// What keeps the caster from beginning it and ends it: states such as `state.stunned`. Without it: stun and fear,
    /// silence for spells, disarming for what is of `weapon` keep it from beginning, and the table of interruptions says
    /// what ends it.
    #[serde(default)]
    pub stopped_by: Option<TagList>,
    /// What ends it or pushes it back, where that differs from the table of interruptions. `move`, `pushback`,
    /// `interruptible` and `stopped_by` are short for some of it.
    #[serde(default)]
    pub interrupts: Cells,
    /// What the same button does for a while after it.
    #[serde(default)]
    pub becomes: Option<BecomesDef>,
    /// Who or what it is aimed at.
    pub target: SkillTarget,
    /// What happens when.
    pub timeline: Vec<Moment>,
}

/// A global cooldown.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GcdDef {
    /// Skills of one group wait for each other; without one, of the common group.
    #[serde(default)]
    pub group: Option<Tag>,
    /// How long; it need not be a multiple of the tick, what is left over counts for the next.
    pub ms: u32,
    /// Whether haste shortens it.
    #[serde(default)]
    pub hasted: bool,
    /// What haste cannot shorten it below.
    #[serde(default)]
    pub min_ms: u32,
}

/// What a skill takes from its caster.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostDef {
    /// `"mana"` or `"hp"`; hit points can be paid down to 1.
    pub attr: Pool,
    /// Points.
    #[serde(default)]
    pub amount: u32,
    /// Percent of the greatest points, besides `amount`.
    #[serde(default)]
    pub pct_of_max: u32,
    /// When it is taken.
    #[serde(default)]
    pub when: CostTime,
}

/// When a price is paid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum CostTime {
    /// When the cast begins.
    #[default]
    OnStart,
    /// When it takes effect; without enough then, it fails.
    OnFinish,
    /// With every tick of a channel; without enough, it ends.
    PerTick,
}

/// When what was paid at the start, and the cooldown, are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum Refund {
    /// When the caster breaks the cast off itself.
    OnCancel,
    /// Whenever it does not take effect, also when it is interrupted.
    Always,
    /// Never.
    Never,
}

/// When a skill may be used again.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CooldownDef {
    /// How long, from the start of the cast.
    pub ms: u32,
    /// Skills with the same tag share the cooldown.
    #[serde(default)]
    pub tag: Option<Tag>,
    /// How often it can be used before it has to wait; charges come back one after the other.
    #[serde(default = "one_charge")]
    pub charges: u16,
    /// Whether haste shortens it.
    #[serde(default)]
    pub hasted: bool,
}

const fn one_charge() -> u16 {
    1
}

/// What must hold to use a skill.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    /// Tags the caster must have been granted, all of them.
    #[serde(default)]
    pub caster: TagList,
    /// Tags the target must have been granted, all of them.
    #[serde(default)]
    pub target: TagList,
    /// The skill its caster must have used last.
    #[serde(default)]
    pub combo: Option<ComboDef>,
}

/// A step of a combo.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComboDef {
    /// The skill before.
    pub after: Ref<SkillDef>,
    /// How long that may have been ago.
    pub within_ms: u32,
    /// `None`: without the step before, it cannot be used. Otherwise it can always be used, and after the step before its
    /// amounts are so many percent.
    #[serde(default)]
    pub bonus_pct: Option<u32>,
}

/// A skill in place of another.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BecomesDef {
    /// Which; its caster need not know it.
    pub skill: Ref<SkillDef>,
    /// How long after this one took effect.
    pub within_ms: u32,
}

/// Some actions and when they are done.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// When.
    pub at: At,
    /// What, in order, each to every target.
    #[serde(rename = "do")]
    pub actions: Vec<Action>,
}

/// A moment of a cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum At {
    /// The cast begins.
    Start,
    /// The cast, the channel or the charge has come to its end.
    Finish,
    /// It reaches someone: when a projectile that it launches hits, otherwise with its end.
    Hit,
    /// Every tick of a channel.
    EachTick,
    /// One tick of a channel, from 1.
    Tick(u16),
    /// So many milliseconds after the start, if the cast lasts that long.
    Ms(u32),
    /// A charge is let go.
    Release,
}

impl SkillDef {
    /// Cast time in ticks before haste: the whole of a channel, the longest charge; 0 for instant.
    #[must_use]
    pub const fn cast_ticks(&self) -> u32 {
        self.cast.length_ms().div_ceil(crate::tick::TICK_MS)
    }

    /// Global cooldown in ticks before haste.
    #[must_use]
    pub fn gcd_ticks(&self) -> u32 {
        self.gcd.as_ref().map_or(0, |gcd| gcd.ms.div_ceil(crate::tick::TICK_MS))
    }

    /// Cooldown in ticks before haste; 0 without one.
    #[must_use]
    pub fn cooldown_ticks(&self) -> u32 {
        self.cooldown.as_ref().map_or(0, |cooldown| ticks_of(cooldown.ms))
    }

    /// Mana points it takes in all before any tick of a channel, without parts of the greatest points.
    #[must_use]
    pub fn mana_cost(&self) -> u32 {
        let own = self.cost.iter().filter(|cost| cost.attr == Pool::Mana && cost.when != CostTime::PerTick);
        own.map(|cost| cost.amount).sum()
    }

    /// Everything it may do, whenever.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.timeline.iter().flat_map(|moment| &moment.actions)
    }

    /// What it does at a moment, in the order of the timeline.
    pub fn actions_at(&self, at: At) -> impl Iterator<Item = &Action> {
        self.timeline.iter().filter(move |moment| moment.at == at).flat_map(|moment| &moment.actions)
    }

    /// Whether what it does when it hits waits for a projectile.
    #[must_use]
    pub fn launches(&self) -> bool {
        let before = self.timeline.iter().filter(|moment| moment.at != At::Hit);
        before.flat_map(|moment| &moment.actions).any(|action| matches!(action, Action::Launch { .. }))
    }

    /// How near the door has to be that it works, in metres; `None` for a skill that works no door.
    #[must_use]
    pub fn door_reach_m(&self) -> Option<f32> {
        self.actions().find_map(|action| match action {
            Action::WorkDoor { reach_m } => Some(*reach_m),
            _ => None,
        })
    }

    /// Whether one of the tags that a caster has been granted stops it.
    #[must_use]
    pub fn stopper(&self, granted: &TagSet) -> Option<TagId> {
        let own = [TagId::STUNNED, TagId::FEARED, TagId::SILENCED, TagId::DISARMED];
        let stops = |tag: TagId| match (&self.stopped_by, tag) {
            (Some(list), _) => list.set().has(tag),
            (None, TagId::SILENCED) => self.tags.set().has(TagId::SPELL),
            (None, TagId::DISARMED) => self.tags.set().has(TagId::WEAPON),
            (None, _) => true,
        };
        let usual = own.into_iter().find(|&tag| granted.has(tag) && stops(tag));
        usual.or_else(|| self.stopped_by.as_ref()?.iter().map(Tag::id).find(|&tag| granted.has(tag)))
    }
}

impl SkillDef {
    /// Whether it is `stopped_by` a state that the caster has been granted and that is no column of the table.
    #[must_use]
    pub fn is_hindered(&self, granted: &TagSet) -> bool {
        let columns = [TagId::STUNNED, TagId::FEARED, TagId::SILENCED, TagId::DISARMED, TagId::ROOTED];
        let mut states = self.stopped_by.iter().flat_map(TagList::iter).map(Tag::id);
        states.any(|tag| !columns.contains(&tag) && granted.has(tag))
    }
}

impl Record for SkillDef {
    const KIND: &'static str = "skill";
    const FOLDER: &'static str = "skills";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        self.tags.visit("tags", visitor);
        if let Some(tag) = self.gcd.as_mut().and_then(|gcd| gcd.group.as_mut()) {
            tag.visit("gcd.group", visitor);
        }
        if let Some(tag) = self.cooldown.as_mut().and_then(|cooldown| cooldown.tag.as_mut()) {
            tag.visit("cooldown.tag", visitor);
        }
        self.requires.caster.visit("requires.caster", visitor);
        self.requires.target.visit("requires.target", visitor);
        if let Some(combo) = &mut self.requires.combo {
            combo.after.visit("requires.combo.after", visitor);
        }
        if let Some(list) = &mut self.stopped_by {
            list.visit("stopped_by", visitor);
        }
        if let Some(becomes) = &mut self.becomes {
            becomes.skill.visit("becomes.skill", visitor);
        }
        for (index, moment) in self.timeline.iter_mut().enumerate() {
            visit_actions(&mut moment.actions, &format!("timeline.{index}.do"), visitor);
        }
    }
}
