//! When an actor may cast what again: global cooldowns by group, cooldowns with charges by skill or shared tag, and schools
//! locked by a kick. Kept as milliseconds of the scene's time, so that a cooldown which is no multiple of the tick loses
//! nothing; those that are over are forgotten when the next one begins. A cast that starts a little after it could have,
//! because the tick is coarse or the caster far away, is dated back to that moment ([`Cooldowns::dated_ms`]): the dates
//! of two casts are never nearer than the cooldown between them, so nobody gains a cast by it.
//!
//! On the wire, for the owner alone: varint count, then per global cooldown varint group tag + 1 (0: common) and varint
//! tick it ends in; varint count, then per cooldown varint `skill * 2` or `tag * 2 + 1`, varint charges spent, varint tick
//! the next comes back in; varint count, then per locked school varint tag and varint tick.

use std::sync::Arc;

use bevy_ecs::prelude::*;

use crate::assets::{Assets, CooldownDef, Id, SkillDef, Tag, TagId};
use crate::digest::{Digest, Digester};
use crate::features::combat::hasted_ms;
use crate::features::players::Carry;
use crate::replicated::{Audience, Replicate};
use crate::tick::TICK_MS;
use crate::wire::{Reader, put_varint};

/// The scene's time in milliseconds at the beginning of a tick.
#[must_use]
pub const fn now_ms(tick: u32) -> u64 {
    tick as u64 * TICK_MS as u64
}

/// The first tick that begins at or after a time; the last there is for what lies beyond all ticks.
#[must_use]
pub fn tick_of(ms: u64) -> u32 {
    u32::try_from(ms.div_ceil(u64::from(TICK_MS))).unwrap_or(u32::MAX)
}

/// What a cooldown belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Skill(Id<SkillDef>),
    Shared(TagId),
}

impl Key {
    fn of(skill: Id<SkillDef>, def: &CooldownDef) -> Self {
        def.tag.as_ref().map_or(Self::Skill(skill), |tag| Self::Shared(tag.id()))
    }

    fn bits(self) -> u32 {
        match self {
            Self::Skill(skill) => skill.raw() << 1,
            Self::Shared(tag) => u32::try_from(tag.index()).unwrap_or(0) << 1 | 1,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Gcd {
    group: Option<TagId>,
    end_ms: u64,
    by: Arc<SkillDef>,
}

#[derive(Debug, Clone, PartialEq)]
struct Running {
    key: Key,
    spent: u16,
    /// When the next charge comes back.
    next_ms: u64,
    recharge_ms: u32,
    by: Arc<SkillDef>,
}

impl Running {
    /// Charges still spent at a time, and when the next comes back then.
    fn at(&self, now_ms: u64) -> (u16, u64) {
        let (mut spent, mut next_ms) = (self.spent, self.next_ms);
        while spent > 0 && next_ms <= now_ms {
            spent -= 1;
            next_ms += u64::from(self.recharge_ms);
        }
        (spent, next_ms)
    }
}

/// Cooldowns of an actor, sorted by what they belong to. Written in the Act and Resolve stages.
#[derive(Component, Debug, Clone, PartialEq, Default)]
pub struct Cooldowns {
    gcds: Vec<Gcd>,
    running: Vec<Running>,
    lockouts: Vec<(TagId, u64)>,
    /// When the last cast came to its end.
    free_ms: u64,
}

/// What a client knows of its own cooldowns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CooldownsSeen {
    /// Group (as tag index + 1, 0 for the common one) and the tick it ends in.
    pub gcds: Vec<(u32, u32)>,
    /// Key (`skill * 2` or `tag * 2 + 1`), charges spent, and the tick the next comes back in.
    pub running: Vec<(u32, u32, u32)>,
    /// Locked school (tag index) and the tick it is free in.
    pub lockouts: Vec<(u32, u32)>,
}

impl CooldownsSeen {
    /// The first tick in which neither a cooldown nor a locked school keeps a skill from starting, as far as its player has
    /// been told; 0 when nothing does.
    #[must_use]
    pub fn ready_tick(&self, skill: Id<SkillDef>, def: &SkillDef) -> u32 {
        let group = def.gcd.as_ref().map(|gcd| gcd.group.as_ref().map_or(0, |group| tag_bits(group.id()) + 1));
        let gcds = self.gcds.iter().filter(|(own, _)| Some(*own) == group).map(|&(_, tick)| tick);
        let spent_all = |&&(key, spent, _): &&(u32, u32, u32)| {
            let cooldown = def.cooldown.as_ref();
            cooldown.is_some_and(|own| Key::of(skill, own).bits() == key && spent >= u32::from(own.charges))
        };
        let own = self.running.iter().filter(spent_all).map(|&(.., tick)| tick);
        let locks = |school: u32| def.tags.set().iter().any(|tag| tag_bits(tag) == school);
        let locked = self.lockouts.iter().filter(|(school, _)| locks(*school)).map(|&(_, tick)| tick);
        gcds.chain(own).chain(locked).max().unwrap_or(0)
    }
}

impl Cooldowns {
    /// True while any global cooldown runs.
    #[must_use]
    pub fn gcd_runs(&self, tick: u32) -> bool {
        self.gcds.iter().any(|gcd| gcd.end_ms > now_ms(tick))
    }

    /// When the global cooldown lets a skill start.
    #[must_use]
    pub fn gcd_end_ms(&self, def: &SkillDef) -> u64 {
        let Some(own) = &def.gcd else { return 0 };
        let group = own.group.as_ref().map(Tag::id);
        self.gcds.iter().find(|gcd| gcd.group == group).map_or(0, |gcd| gcd.end_ms)
    }

    /// When the skill's own cooldown lets it start.
    #[must_use]
    pub fn end_ms(&self, skill: Id<SkillDef>, def: &SkillDef, now_ms: u64) -> u64 {
        let Some(cooldown) = &def.cooldown else { return 0 };
        let key = Key::of(skill, cooldown);
        let Some(running) = self.running.iter().find(|running| running.key == key) else { return 0 };
        let (spent, next_ms) = running.at(now_ms);
        match spent >= cooldown.charges {
            true => next_ms + u64::from(running.recharge_ms) * u64::from(spent - cooldown.charges),
            // Not waiting: the charge that came back last did so one recharge before the next.
            false => next_ms.saturating_sub(u64::from(running.recharge_ms)).min(now_ms),
        }
    }

    /// True while the skill's own cooldown keeps it from starting.
    #[must_use]
    pub fn runs(&self, skill: Id<SkillDef>, def: &SkillDef, tick: u32) -> bool {
        self.end_ms(skill, def, now_ms(tick)) > now_ms(tick)
    }

    /// True while a kick keeps one of the skill's schools locked.
    #[must_use]
    pub fn is_locked_out(&self, def: &SkillDef, tick: u32) -> bool {
        self.lockouts.iter().any(|&(school, end_ms)| end_ms > now_ms(tick) && def.tags.set().has(school))
    }

    /// The first tick in which no cooldown keeps the skill from starting; it may have passed.
    #[must_use]
    pub fn ready_tick(&self, skill: Id<SkillDef>, def: &SkillDef, tick: u32) -> u32 {
        tick_of(self.gcd_end_ms(def).max(self.end_ms(skill, def, now_ms(tick))))
    }

    /// The date of a cast that starts now: the moment it could have started, if that was no longer ago than
    /// `allowance_ms`, and otherwise now.
    #[must_use]
    pub fn dated_ms(&self, skill: Id<SkillDef>, def: &SkillDef, now_ms: u64, allowance_ms: u32) -> u64 {
        let ready_ms = self.gcd_end_ms(def).max(self.end_ms(skill, def, now_ms)).max(self.free_ms);
        match now_ms.checked_sub(ready_ms) {
            // Who never waited for anything is not late.
            Some(late_ms) if ready_ms > 0 && late_ms <= u64::from(allowance_ms) => ready_ms,
            _ => now_ms,
        }
    }

    /// Begins both for a skill whose cast is dated `date_ms`, with the caster's haste in basis points.
    pub fn begin(&mut self, skill: Id<SkillDef>, def: &Arc<SkillDef>, date_ms: u64, haste_bp: i32) {
        if let Some(gcd) = &def.gcd {
            let ms = if gcd.hasted { hasted_ms(gcd.ms, haste_bp).max(gcd.min_ms) } else { gcd.ms };
            let group = gcd.group.as_ref().map(Tag::id);
            self.gcds.retain(|other| other.end_ms > date_ms && other.group != group);
            let place = self.gcds.partition_point(|other| other.group < group);
            self.gcds.insert(place, Gcd { group, end_ms: date_ms + u64::from(ms), by: Arc::clone(def) });
        }
        let Some(cooldown) = &def.cooldown else { return };
        let key = Key::of(skill, cooldown);
        let recharge_ms = if cooldown.hasted { hasted_ms(cooldown.ms, haste_bp) } else { cooldown.ms };
        let before = self.running.iter().find(|running| running.key == key).map(|running| running.at(date_ms));
        let (spent, next_ms) = match before {
            Some((spent, next_ms)) if spent > 0 => (spent.saturating_add(1), next_ms),
            _ => (1, date_ms + u64::from(recharge_ms)),
        };
        self.running.retain(|running| running.key != key && running.at(date_ms).0 > 0);
        let place = self.running.partition_point(|running| running.key < key);
        self.running.insert(place, Running { key, spent, next_ms, recharge_ms, by: Arc::clone(def) });
    }

    /// Gives back the charge a skill took when it began; the global cooldown runs on.
    pub fn give_back(&mut self, skill: Id<SkillDef>, def: &SkillDef) {
        let Some(cooldown) = &def.cooldown else { return };
        let key = Key::of(skill, cooldown);
        if let Some(running) = self.running.iter_mut().find(|running| running.key == key) {
            running.spent = running.spent.saturating_sub(1);
        }
        self.running.retain(|running| running.spent > 0);
    }

    /// Notes when the last cast came to its end: the next can be dated back to it.
    pub(super) fn cast_ended(&mut self, end_ms: u64) {
        self.free_ms = end_ms;
    }

    /// Locks a school until a time.
    pub fn lock(&mut self, school: TagId, end_ms: u64, now_ms: u64) {
        let before = self.lockouts.iter().find(|(other, _)| *other == school).map_or(0, |&(_, end_ms)| end_ms);
        self.lockouts.retain(|&(other, end_ms)| end_ms > now_ms && other != school);
        let place = self.lockouts.partition_point(|&(other, _)| other < school);
        self.lockouts.insert(place, (school, end_ms.max(before)));
    }

    /// Brings the end of a skill's own cooldown nearer by `ms`, or ends it; the global one runs on.
    pub fn reduce(&mut self, skill: Id<SkillDef>, def: &SkillDef, ms: Option<u32>) {
        let Some(cooldown) = &def.cooldown else { return };
        let key = Key::of(skill, cooldown);
        match ms {
            None => self.running.retain(|running| running.key != key),
            Some(ms) => {
                for running in self.running.iter_mut().filter(|running| running.key == key) {
                    running.next_ms = running.next_ms.saturating_sub(u64::from(ms));
                }
            }
        }
    }

    /// Ends all of them.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Reads the replicated value.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<CooldownsSeen> {
        let mut seen = CooldownsSeen::default();
        for _ in 0..reader.varint()? {
            seen.gcds.push((reader.varint()?, reader.varint()?));
        }
        for _ in 0..reader.varint()? {
            seen.running.push((reader.varint()?, reader.varint()?, reader.varint()?));
        }
        for _ in 0..reader.varint()? {
            seen.lockouts.push((reader.varint()?, reader.varint()?));
        }
        Some(seen)
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    put_varint(out, u32::try_from(count).unwrap_or(u32::MAX));
}

fn tag_bits(tag: TagId) -> u32 {
    u32::try_from(tag.index()).unwrap_or(0)
}

impl Replicate for Cooldowns {
    const NAME: &'static str = "cooldowns";
    const AUDIENCE: Audience = Audience::Owner;
    fn encode(&self, out: &mut Vec<u8>) {
        put_count(out, self.gcds.len());
        for gcd in &self.gcds {
            put_varint(out, gcd.group.map_or(0, |group| tag_bits(group) + 1));
            put_varint(out, tick_of(gcd.end_ms));
        }
        put_count(out, self.running.len());
        for running in &self.running {
            put_varint(out, running.key.bits());
            put_varint(out, u32::from(running.spent));
            put_varint(out, tick_of(running.next_ms));
        }
        put_count(out, self.lockouts.len());
        for &(school, end_ms) in &self.lockouts {
            put_varint(out, tag_bits(school));
            put_varint(out, tick_of(end_ms));
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_count(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn text(reader: &mut Reader<'_>) -> Option<String> {
    let length = reader.varint()?;
    (0..length).map(|_| reader.u8()).collect::<Option<Vec<u8>>>().and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Varint count, then per cooldown the name of the skill that began it, varint charges spent, varint milliseconds until
/// the next comes back and varint milliseconds of a charge; then the same for global cooldowns with the milliseconds left.
impl Carry for Cooldowns {
    const NAME: &'static str = "cooldowns";
    fn save(&self, tick: u32, assets: &Assets) -> Vec<u8> {
        let now_ms = now_ms(tick);
        let left_ms = |end_ms: u64| u32::try_from(end_ms.saturating_sub(now_ms)).unwrap_or(u32::MAX);
        let mut out = Vec::new();
        let running: Vec<_> = self.running.iter().map(|running| (running, running.at(now_ms))).collect();
        put_count(&mut out, running.iter().filter(|(_, (spent, _))| *spent > 0).count());
        for (running, (spent, next_ms)) in running.into_iter().filter(|(_, (spent, _))| *spent > 0) {
            put_text(&mut out, &running.by.id);
            put_varint(&mut out, u32::from(spent));
            put_varint(&mut out, left_ms(next_ms));
            put_varint(&mut out, running.recharge_ms);
        }
        let locked: Vec<_> = self.lockouts.iter().filter(|(_, end_ms)| *end_ms > now_ms).collect();
        put_count(&mut out, locked.len());
        for &(school, end_ms) in locked {
            put_text(&mut out, assets.tags.name(school));
            put_varint(&mut out, left_ms(end_ms));
        }
        for gcd in self.gcds.iter().filter(|gcd| gcd.end_ms > now_ms) {
            put_text(&mut out, &gcd.by.id);
            put_varint(&mut out, left_ms(gcd.end_ms));
        }
        out
    }

    fn load(bytes: &[u8], tick: u32, assets: &Assets) -> Option<Self> {
        let (now_ms, mut reader, mut loaded) = (now_ms(tick), Reader::new(bytes), Self::default());
        let skill = |name: &str| {
            let id = assets.skills.by_name(name)?;
            Some((id, Arc::clone(assets.skills.arc(id)?)))
        };
        for _ in 0..reader.varint()? {
            let (name, spent) = (text(&mut reader)?, reader.varint()?);
            let (left_ms, recharge_ms) = (reader.varint()?, reader.varint()?);
            let Some((id, by)) = skill(&name) else { continue };
            let Some(cooldown) = &by.cooldown else { continue };
            let (key, next_ms) = (Key::of(id, cooldown), now_ms + u64::from(left_ms));
            let spent = u16::try_from(spent).unwrap_or(1);
            loaded.running.push(Running { key, spent, next_ms, recharge_ms, by });
        }
        loaded.running.sort_by_key(|running| running.key);
        for _ in 0..reader.varint()? {
            let (name, left_ms) = (text(&mut reader)?, reader.varint()?);
            if let Some(school) = assets.tags.by_name(&name) {
                loaded.lock(school, now_ms + u64::from(left_ms), now_ms);
            }
        }
        while !reader.is_empty() {
            let (name, left_ms) = (text(&mut reader)?, reader.varint()?);
            let Some((_, by)) = skill(&name) else { continue };
            let Some(gcd) = &by.gcd else { continue };
            let group = gcd.group.as_ref().map(Tag::id);
            loaded.gcds.push(Gcd { group, end_ms: now_ms + u64::from(left_ms), by });
        }
        loaded.gcds.sort_by_key(|gcd| gcd.group);
        Some(loaded)
    }
}

impl Digest for Cooldowns {
    fn digest(&self, digester: &mut Digester) {
        for gcd in &self.gcds {
            digester.u32(gcd.group.map_or(0, |group| tag_bits(group) + 1));
            digester.u64(gcd.end_ms);
        }
        for running in &self.running {
            digester.u32(running.key.bits());
            digester.u32(u32::from(running.spent));
            digester.u64(running.next_ms);
            digester.u32(running.recharge_ms);
        }
        for &(school, end_ms) in &self.lockouts {
            digester.u32(tag_bits(school));
            digester.u64(end_ms);
        }
        digester.u64(self.free_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test_assets;

    fn skill(text: &str) -> (Id<SkillDef>, Arc<SkillDef>, Arc<Assets>) {
        let record =
            format!(r#"(id: "skill/tried", target: Caster, timeline: [(at: Hit, do: [Threat(amount: 1)])], {text})"#);
        let assets = test_assets(&[("skills/tried.ron", &record)]);
        let id = assets.skills.by_name("skill/tried").unwrap();
        (id, Arc::clone(assets.skills.arc(id).unwrap()), assets)
    }

    #[test]
    fn charges_come_back_one_after_the_other() {
        let (id, def, _) = skill("cooldown: (ms: 1_000, charges: 2)");
        let mut cooldowns = Cooldowns::default();
        cooldowns.begin(id, &def, 0, 0);
        assert!(!cooldowns.runs(id, &def, 2), "one is left");
        cooldowns.begin(id, &def, 100, 0);
        assert!(cooldowns.runs(id, &def, 19) && !cooldowns.runs(id, &def, 20));
        cooldowns.begin(id, &def, 1_000, 0);
        assert!(cooldowns.runs(id, &def, 39) && !cooldowns.runs(id, &def, 40), "and not already at 1,100 ms");
    }

    #[test]
    fn what_is_no_multiple_of_the_tick_loses_nothing() {
        let (id, def, _) = skill("gcd: (ms: 1_430)");
        let (mut cooldowns, mut casts, mut tick) = (Cooldowns::default(), 0, 0);
        while now_ms(tick) < 143_000 {
            if cooldowns.gcd_end_ms(&def) <= now_ms(tick) {
                let date_ms = cooldowns.dated_ms(id, &def, now_ms(tick), 49);
                assert!(date_ms <= now_ms(tick));
                cooldowns.begin(id, &def, date_ms, 0);
                casts += 1;
            }
            tick += 1;
        }
        assert_eq!(casts, 100);
    }

    #[test]
    fn who_is_later_than_allowed_is_dated_now() {
        let (id, def, _) = skill("gcd: (ms: 1_000)");
        let mut cooldowns = Cooldowns::default();
        cooldowns.begin(id, &def, 0, 0);
        assert_eq!(cooldowns.dated_ms(id, &def, 1_150, 200), 1_000);
        assert_eq!(cooldowns.dated_ms(id, &def, 1_250, 200), 1_250);
    }

    #[test]
    fn cooldowns_travel_by_name_and_go_on_where_they_were() {
        let (id, def, assets) =
            skill("gcd: (ms: 1_430, group: \"magic\"), cooldown: (ms: 8_000, tag: \"cooldown.x\", charges: 2)");
        let mut cooldowns = Cooldowns::default();
        cooldowns.begin(id, &def, 0, 0);
        cooldowns.begin(id, &def, 0, 0);
        let loaded = Cooldowns::load(&cooldowns.save(10, &assets), 1_010, &assets).unwrap();
        for after in [0, 18, 19, 149, 150] {
            assert_eq!(loaded.gcd_runs(1_010 + after), cooldowns.gcd_runs(10 + after));
            assert_eq!(loaded.runs(id, &def, 1_010 + after), cooldowns.runs(id, &def, 10 + after));
        }
        let mut bytes = Vec::new();
        cooldowns.encode(&mut bytes);
        let seen = Cooldowns::from_wire(&mut Reader::new(&bytes)).unwrap();
        assert_eq!((seen.gcds[0].1, seen.running[0].1, seen.running[0].2), (29, 2, 160));
    }

    #[test]
    fn who_is_told_its_cooldowns_knows_when_it_may_cast() {
        let (id, def, _) = skill("tags: [\"school.fire\"], gcd: (ms: 1_430), cooldown: (ms: 5_000, charges: 2)");
        let ready_tick = |cooldowns: &Cooldowns| {
            let mut bytes = Vec::new();
            cooldowns.encode(&mut bytes);
            Cooldowns::from_wire(&mut Reader::new(&bytes)).unwrap().ready_tick(id, &def)
        };
        let mut cooldowns = Cooldowns::default();
        assert_eq!(ready_tick(&cooldowns), 0);
        cooldowns.begin(id, &def, 10, 0);
        assert_eq!(ready_tick(&cooldowns), 29, "one charge is left, and the global cooldown ends at 1,440 ms");
        cooldowns.begin(id, &def, 1_500, 0);
        assert_eq!(ready_tick(&cooldowns), 101, "the first charge comes back at 5,010 ms");
        cooldowns.lock(def.tags.iter().next().unwrap().id(), 9_000, 1_500);
        assert_eq!(ready_tick(&cooldowns), 180);
    }
}
