//! Effects: what rests on a unit for a while (buffs, debuffs, damage over time, states such as stun, shields, procs).
//! A new effect is a record here and nothing else: everything below combines freely. What most effects do without may be
//! left out. The systems that keep them live in `features/buffs`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Modifier, Record, RefVisitor, ShortRef, TagList, actions::visit_actions};

mod capture;
mod diminish;
mod protection;
mod reaction;
mod stack;
mod timing;

pub use capture::CaptureTable;
pub use diminish::DiminishDef;
pub use protection::{AbsorbDef, AbsorbKind, BreakBarDef, DispelKind};
pub use reaction::{EventKind, ProcDef, ProcTarget};
pub use stack::{StackApply, StackBy, StackDef, StackExpire};
pub use timing::{Capture, DamageBreak, Duration, FirstTick, Logout, OnDeath, PeriodDef, PeriodRefresh};

/// One effect, `effect/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EffectDef {
    /// `effect/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// What kind of effect it is, for everything that names tags, such as `school.fire` or `dot`.
    #[serde(default)]
    pub tags: TagList,
    /// Whether it is a buff or a debuff: a buff reaches the own side, a debuff others.
    #[serde(default)]
    pub polarity: Polarity,
    /// Whether clients are not told of it.
    #[serde(default)]
    pub hidden: bool,
    /// What takes it away.
    #[serde(default)]
    pub dispel: DispelKind,

    /// Chance in percent that it withstands a dispel.
    #[serde(default)]
    pub dispel_resist_pct: u32,

    /// How long it lasts.
    pub duration: Duration,
    /// How often `periodic` happens.
    #[serde(default)]
    pub period: Option<PeriodDef>,
    /// How it adds up with itself.
    #[serde(default)]
    pub stack: StackDef,
    /// Which of the source's values count as they are instead of as they were when it was applied.
    #[serde(default)]
    pub capture: CaptureTable,

    /// Tags the target must have, all of them, for it to be applied.
    #[serde(default)]
    pub requires: TagList,
    /// Tags of which the target must have none for it to be applied.
    #[serde(default)]
    pub blocked_by: TagList,
    /// Tags the bearer must have for it to work, all of them; while one is missing it rests, and its time runs on.
    #[serde(default)]
    pub ongoing: TagList,
    /// Tags its bearer has while it works.
    #[serde(default)]
    pub grants: TagList,
    /// While it works, harmful effects with one of these tags are refused.
    #[serde(default)]
    pub immune: TagList,
    /// When it is applied, other effects with one of these tags end.
    #[serde(default)]
    pub removes: TagList,
    /// The category in which it gets weaker when it comes again and again.
    #[serde(default)]
    pub diminish: Option<ShortRef<DiminishDef>>,
    /// Units that can have it from one source at a time, the oldest loses it to the newest; 0 for any number.
    #[serde(default)]
    pub targets_max: u16,

    /// Changes of attributes while it works.
    #[serde(default)]
    pub modifiers: Vec<Modifier>,
    /// What happens to the bearer once per period, in order; amounts are per stack.
    #[serde(default)]
    pub periodic: Vec<Action>,
    /// What happens to the target each time it is applied.
    #[serde(default)]
    pub on_apply: Vec<Action>,
    /// What happens to the bearer when its time is over.
    #[serde(default)]
    pub on_expire: Vec<Action>,
    /// What happens to the bearer when it ends before its time, whatever ends it.
    #[serde(default)]
    pub on_remove: Vec<Action>,
    /// What happens to whoever takes it away by a dispel.
    #[serde(default)]
    pub on_dispel: Vec<Action>,
    /// What it does when something happens to its bearer.
    #[serde(default)]
    pub procs: Vec<ProcDef>,
    /// Points that take damage in place of the bearer.
    #[serde(default)]
    pub absorb: Option<AbsorbDef>,
    /// A bar that keeps crowd control off until it is worn down.
    #[serde(default)]
    pub break_bar: Option<BreakBarDef>,

    /// What damage to the bearer does to it.
    #[serde(default)]
    pub breaks_on_damage: DamageBreak,
    /// Whether it ends when its source stops casting the skill that applied it.
    #[serde(default)]
    pub channelled: bool,
    /// What becomes of it when its bearer dies.
    #[serde(default)]
    pub on_death: OnDeath,
    /// What becomes of it when its bearer leaves the scene.
    #[serde(default)]
    pub logout: Logout,
}

impl EffectDef {
    /// Its lists of actions, each with the name of its field.
    pub fn action_lists(&self) -> impl Iterator<Item = (String, &[Action])> {
        let own = [
            ("periodic", &self.periodic),
            ("on_apply", &self.on_apply),
            ("on_expire", &self.on_expire),
            ("on_remove", &self.on_remove),
            ("on_dispel", &self.on_dispel),
            ("stack.overflow", &self.stack.overflow),
        ];
        let absorb = self.absorb.iter().map(|absorb| ("absorb.on_break".to_owned(), &absorb.on_break[..]));
        let bar = self.break_bar.iter().map(|bar| ("break_bar.on_break".to_owned(), &bar.on_break[..]));
        let procs = self.procs.iter().enumerate();
        let procs = procs.map(|(index, proc)| (format!("procs.{index}.do"), &proc.actions[..]));
        own.into_iter().map(|(name, list)| (name.to_owned(), &list[..])).chain(absorb).chain(bar).chain(procs)
    }

    fn visit_tags(&mut self, visitor: &mut dyn RefVisitor) {
        self.tags.visit("tags", visitor);
        self.requires.visit("requires", visitor);
        self.blocked_by.visit("blocked_by", visitor);
        self.ongoing.visit("ongoing", visitor);
        self.grants.visit("grants", visitor);
        self.immune.visit("immune", visitor);
        self.removes.visit("removes", visitor);
    }

    /// The kinds of happenings that its procs react to, as a mask of [`EventKind::bit`].
    #[must_use]
    pub fn reacts_to(&self) -> u32 {
        self.procs.iter().flat_map(|proc| &proc.on).fold(0, |mask, kind| mask | kind.bit())
    }
}

impl Record for EffectDef {
    const KIND: &'static str = "effect";
    const FOLDER: &'static str = "effects";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        self.visit_tags(visitor);
        self.capture.visit("capture", visitor);
        if let Some(category) = &mut self.diminish {
            category.visit("diminish", visitor);
        }
        for (index, modifier) in self.modifiers.iter_mut().enumerate() {
            modifier.visit(&format!("modifiers.{index}"), visitor);
        }
        visit_actions(&mut self.periodic, "periodic", visitor);
        visit_actions(&mut self.on_apply, "on_apply", visitor);
        visit_actions(&mut self.on_expire, "on_expire", visitor);
        visit_actions(&mut self.on_remove, "on_remove", visitor);
        visit_actions(&mut self.on_dispel, "on_dispel", visitor);
        visit_actions(&mut self.stack.overflow, "stack.overflow", visitor);
        if let Some(absorb) = &mut self.absorb {
            if let Some(formula) = &mut absorb.formula {
                formula.visit("absorb.formula", visitor);
            }
            visit_actions(&mut absorb.on_break, "absorb.on_break", visitor);
        }
        if let Some(bar) = &mut self.break_bar {
            visit_actions(&mut bar.on_break, "break_bar.on_break", visitor);
        }
        for (index, proc) in self.procs.iter_mut().enumerate() {
            if let Some(skill) = &mut proc.skill {
                skill.visit(&format!("procs.{index}.skill"), visitor);
            }
            proc.tags.visit(&format!("procs.{index}.tags"), visitor);
            proc.self_has.visit(&format!("procs.{index}.self_has"), visitor);
            proc.other_has.visit(&format!("procs.{index}.other_has"), visitor);
            visit_actions(&mut proc.actions, &format!("procs.{index}.do"), visitor);
        }
    }
}

/// Whether an effect is good or bad for whoever has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Polarity {
    /// A buff.
    Helpful,
    /// A debuff.
    #[default]
    Harmful,
}
