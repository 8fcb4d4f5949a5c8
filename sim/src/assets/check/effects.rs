//! The rules of effects and of diminishing returns, and the chains in which effects apply one another: what happens at the
//! very moment of an application must come to an end.

use std::collections::BTreeSet;

use super::{Check, Checker, actions::check_actions};
use crate::assets::{
    AbsorbDef, Action, BreakBarDef, DamageBreak, DiminishDef, DispelKind, Duration, EffectDef, Id, PeriodDef, ProcDef,
    StackApply, StackExpire, kinds::Records, report::Code,
};

/// Longest duration: a week.
const DURATION_MS_MAX: i64 = 7 * 24 * 3_600_000;
/// Longest period, cooldown of a proc and lockout: an hour.
const PERIOD_MS_MAX: i64 = 3_600_000;
/// Most points of shields and bars.
const POINTS_MAX: i64 = 100_000_000;
/// Most procs of one effect.
const PROCS_MAX: i64 = 16;

impl Check for EffectDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        if let Duration::Ms(ms) = self.duration {
            check.duration("duration.0", ms, 50..=DURATION_MS_MAX);
        }
        if let Some(period) = &self.period {
            check.duration("period.ms", period.ms, 50..=PERIOD_MS_MAX);
        }
        check.whole("dispel_resist_pct", self.dispel_resist_pct, 0..=100);
        self.check_stack(check);
        for (index, modifier) in self.modifiers.iter().enumerate() {
            check.whole(&format!("modifiers.{index}.op.0"), modifier.op.amount(), -10_000_000..=10_000_000);
        }
        for (path, actions) in self.action_lists() {
            let proc = path.strip_prefix("procs.").and_then(|rest| rest.split('.').next()?.parse::<usize>().ok());
            let has_points = proc.and_then(|index| self.procs.get(index)).is_some_and(|proc| proc.share_pct > 0);
            check_actions(actions, &path, has_points, check);
        }
        match self.breaks_on_damage {
            DamageBreak::Chance { pct } => check.whole("breaks_on_damage.pct", pct, 1..=100),
            DamageBreak::Above { hp_pct } => check.whole("breaks_on_damage.hp_pct", hp_pct, 1..=100),
            DamageBreak::Never | DamageBreak::Always => {}
        }
        if let Some(absorb) = &self.absorb {
            check_absorb(absorb, check);
        }
        if let Some(bar) = &self.break_bar {
            check_bar(bar, check);
        }
        check.whole("procs", i64::try_from(self.procs.len()).unwrap_or(i64::MAX), 0..=PROCS_MAX);
        for (index, proc) in self.procs.iter().enumerate() {
            check_proc(proc, &format!("procs.{index}"), check);
        }
        self.check_time(check);
        self.check_purpose(check);
    }

    fn check_among(&self, records: &Records, check: &mut Checker<'_, '_>) {
        let Some(ring) = self.ring(records) else { return };
        // A ring is told once, at the first of its effects.
        if ring.iter().any(|id| id.as_str() < self.id.as_str()) {
            return;
        }
        let names: Vec<String> = ring.iter().chain(ring.first()).map(|id| format!("`{id}`")).collect();
        let message = format!("{} leads back to itself at once, without any time in between", check.title);
        let path = if self.on_apply.is_empty() { "stack.overflow" } else { "on_apply" };
        if let Some(note) = check.report(Code::EffectRing, path, message) {
            note.label("begins the ring").help(format!("the ring is {}", names.join(" -> ")));
        }
    }
}

impl EffectDef {
    fn check_stack(&self, check: &mut Checker<'_, '_>) {
        check.whole("stack.max", self.stack.max, 1..=1_000);
        if let StackApply::ExtendDuration { max_ms } = self.stack.on_apply {
            check.duration("stack.on_apply.max_ms", max_ms, 50..=DURATION_MS_MAX);
        }
        if self.stack.on_apply == StackApply::Replace && self.stack.max > 1 {
            let message = format!("{} has at most one stack, because the stronger replaces the weaker", check.title);
            check.contradiction("stack.max", "stack.on_apply", message);
        }
        let sheds = self.stack.on_expire == StackExpire::RemoveOne;
        if sheds && self.stack.on_apply == StackApply::AddIndependent {
            let message = format!("{} has stacks with times of their own, which end by themselves", check.title);
            check.contradiction("stack.on_expire", "stack.on_apply", message);
        }
    }

    /// Durations, periods and what hangs on them.
    fn check_time(&self, check: &mut Checker<'_, '_>) {
        let title = check.title.clone();
        match (&self.period, self.periodic.is_empty()) {
            (Some(_), true) => {
                check.contradiction("period", "periodic", format!("{title} has a period but nothing `periodic` to do"));
            }
            (None, false) => {
                let message = format!("{title} has something `periodic` to do but no `period`");
                check.contradiction("periodic", "period", message);
            }
            _ => {}
        }
        if let (Some(PeriodDef { ms, partial_last: false, .. }), Duration::Ms(duration_ms)) =
            (&self.period, self.duration)
            && *ms > duration_ms
        {
            let message = format!("{title} ends after {duration_ms} ms, before its first period of {ms} ms");
            check.contradiction("period.ms", "duration", message);
        }
        if self.duration == Duration::Instant && self.stays() {
            let message = format!("{title} lasts no time, so only `on_apply` and `removes` can do anything");
            check.contradiction("duration", "id", message);
        }
        if self.diminish.is_some() && self.duration == Duration::Infinite {
            let message = format!("{title} has no end, so nothing about it can diminish");
            check.contradiction("diminish", "duration", message);
        }
        if self.dispel == DispelKind::None && !self.on_dispel.is_empty() {
            let message = format!("{title} does something when it is dispelled, but nothing dispels it");
            check.contradiction("on_dispel", "dispel", message);
        }
    }

    /// Whether it does anything that takes time.
    fn stays(&self) -> bool {
        !(self.modifiers.is_empty()
            && self.periodic.is_empty()
            && self.grants.is_empty()
            && self.immune.is_empty()
            && self.procs.is_empty()
            && self.absorb.is_none()
            && self.break_bar.is_none())
    }

    fn check_purpose(&self, check: &mut Checker<'_, '_>) {
        let lists = self.action_lists().any(|(_, actions)| !actions.is_empty());
        // An effect with tags may be there for others to ask about.
        let is_idle = !self.stays() && !lists && self.removes.is_empty() && self.tags.is_empty();
        let parts =
            ["modifiers", "periodic", "grants", "procs", "absorb", "break_bar", "on_apply", "immune", "removes"];
        if is_idle && self.period.is_none() && parts.into_iter().all(|path| check.is_original(path)) {
            check.pointless("id", "changes nothing, does nothing and grants nothing");
        }
    }

    /// The effects that it applies at the moment it is applied itself.
    fn at_once(&self) -> impl Iterator<Item = Id<Self>> {
        self.on_apply.iter().chain(&self.stack.overflow).filter_map(Action::applied).filter_map(|effect| effect.found())
    }

    /// The shortest chain of applications at once that leads from this effect back to it, by ids.
    fn ring(&self, records: &Records) -> Option<Vec<String>> {
        let mut seen = BTreeSet::new();
        let mut paths: Vec<(Id<Self>, Vec<String>)> =
            self.at_once().map(|next| (next, vec![self.id.clone()])).collect();
        while !paths.is_empty() {
            let mut longer = Vec::new();
            for (at, path) in paths {
                let Some(def) = records.effects.get(at) else { continue };
                if def.id == self.id {
                    return Some(path);
                }
                if seen.insert(at) {
                    let path: Vec<String> = path.into_iter().chain([def.id.clone()]).collect();
                    longer.extend(def.at_once().map(|next| (next, path.clone())));
                }
            }
            paths = longer;
        }
        None
    }
}

fn check_absorb(absorb: &AbsorbDef, check: &mut Checker<'_, '_>) {
    check.whole("absorb.coef", absorb.coef, 0..=1_000_000);
    check.whole("absorb.amount", absorb.amount, 0..=POINTS_MAX);
    check.whole("absorb.share_pct", absorb.share_pct, 1..=100);
    check.whole("absorb.priority", absorb.priority, -1_000..=1_000);
    if absorb.coef == 0 && absorb.amount == 0 && check.is_original("absorb.coef") && check.is_original("absorb.amount")
    {
        check.pointless("absorb", "has a shield of no points");
    }
}

fn check_bar(bar: &BreakBarDef, check: &mut Checker<'_, '_>) {
    check.whole("break_bar.amount", bar.amount, 1..=POINTS_MAX);
    check.whole("break_bar.regen", bar.regen, 0..=POINTS_MAX);
    check.whole("break_bar.crowd_control_per_s", bar.crowd_control_per_s, 0..=POINTS_MAX);
    check.duration("break_bar.lockout_ms", bar.lockout_ms, 50..=PERIOD_MS_MAX);
}

fn check_proc(proc: &ProcDef, path: &str, check: &mut Checker<'_, '_>) {
    check.whole(&format!("{path}.chance_pct"), proc.chance_pct, 1..=100);
    check.whole(&format!("{path}.share_pct"), proc.share_pct, 0..=1_000);
    check.whole(&format!("{path}.ppm_milli"), proc.ppm_milli, 0..=60_000);
    check.duration(&format!("{path}.cooldown_ms"), proc.cooldown_ms, 0..=PERIOD_MS_MAX);
    check.whole(&format!("{path}.charges"), proc.charges, 0..=10_000);
    for (field, pct) in [("self_hp_below_pct", proc.self_hp_below_pct), ("other_hp_below_pct", proc.other_hp_below_pct)]
    {
        if let Some(pct) = pct {
            check.whole(&format!("{path}.{field}"), pct, 1..=100);
        }
    }
    if proc.on.is_empty() && check.is_original(&format!("{path}.on")) {
        check.pointless(&format!("{path}.on"), "has a proc that reacts to nothing");
    }
    if proc.actions.is_empty() && check.is_original(&format!("{path}.do")) {
        check.pointless(&format!("{path}.do"), "has a proc that does nothing");
    }
    if proc.ppm_milli > 0 && proc.chance_pct < 100 {
        let message = format!("{} has a proc with both a chance and procs per minute", check.title);
        check.contradiction(&format!("{path}.chance_pct"), &format!("{path}.ppm_milli"), message);
    }
}

impl Check for DiminishDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        check.whole("steps_pct", i64::try_from(self.steps_pct.len()).unwrap_or(i64::MAX), 1..=16);
        for (index, pct) in self.steps_pct.iter().enumerate() {
            check.whole(&format!("steps_pct.{index}"), *pct, 0..=100);
        }
        if let Some(index) = self.steps_pct.windows(2).position(|pair| pair[0] < pair[1]) {
            let message = format!("{} gets stronger from step {} to the next", check.title, index + 1);
            check.contradiction(&format!("steps_pct.{}", index + 1), "steps_pct", message);
        }
        check.duration("window_ms", self.window_ms, 0..=PERIOD_MS_MAX);
        check.duration("pvp_cap_ms", self.pvp_cap_ms, 0..=PERIOD_MS_MAX);
    }
}
