//! What every effect of the game data does when something happens to its bearer, from the records' documentation: shields
//! take their share and break, damage ends what it ends, procs come true when and as often as they may, death, dispels
//! and immunity take away what they take away.

use sim::assets::{
    AbsorbKind, Action, DamageBreak, DispelKind, EventKind, OnDeath, Polarity, Pool, ProcDef, ProcTarget, School,
};
use sim::features::buffs::ActiveBuffs;
use sim::features::combat::{EffectAction, HealthChanged, Origin, Vitals};
use sim::features::skills::Mana;
use sim::ids::SimId;
use sim::replicated::Replicate;
use sim::wire::Reader;

use crate::combat::{strike, told};
use crate::effect_records::{ATTACK, Case, every_effect, game_data};
use crate::skill_shapes::post_of;

fn damage(school: School, coef: u32) -> EffectAction {
    EffectAction::Damage { school, formula: None, coef }
}

fn borne(name: &str, effect: sim::assets::Id<sim::assets::EffectDef>) -> Case {
    let mut case = Case::of(effect);
    case.apply();
    case.scene.tick();
    assert!(case.stacks_and_end().is_some(), "{name} comes to its bearer");
    case
}

fn shield(case: &Case) -> u32 {
    case.scene.get::<ActiveBuffs>(case.bearer).of(case.effect).map_or(0, |buff| buff.shield)
}

/// Has something happen to the bearer and gives the entry about it: what was lost or gained, absorbed, and too much.
fn entry(case: &mut Case, source: SimId, what: EffectAction) -> HealthChanged {
    strike(&mut case.scene, source, case.bearer, what);
    case.scene.tick();
    let log = told::<HealthChanged>(&case.scene);
    *log.iter().find(|entry| entry.target == case.bearer && entry.origin == Origin::World).expect("it is in the log")
}

#[test]
fn every_shield_takes_its_share_until_it_is_used_up_and_breaks_as_its_record_says() {
    let mut shields = 0;
    for (name, effect) in every_effect() {
        let Some(absorb) = game_data().effects[effect].absorb.clone() else { continue };
        let mut case = borne(&name, effect);
        assert!(absorb.formula.is_none(), "the test knows no formulas");
        assert_eq!(shield(&case), absorb.coef * ATTACK / 1_000 + absorb.amount, "{name}");
        let (other, bearer) = (case.other(), case.bearer);
        let school = absorb.schools.first().copied().unwrap_or(School::Fire);
        // The last is more than is left, and not more than the bearer has.
        for part in [0.3, 0.3, 3.0] {
            let before = shield(&case);
            let points = f64::from(before) * part;
            let (found, arrives) = match absorb.takes {
                AbsorbKind::Damage => {
                    let coef = (points * 1_000.0 / case.arrives(school, 1_000.0)) as u32;
                    (entry(&mut case, other, damage(school, coef)), points)
                }
                AbsorbKind::Healing => {
                    let amount = points as u32;
                    (entry(&mut case, bearer, EffectAction::Gain { pool: Pool::Hp, amount }), points)
                }
            };
            let whole = found.amount.unsigned_abs() + found.absorbed + found.over;
            assert!((f64::from(whole) - arrives).abs() < 5.0, "{name}: {found:?} of {arrives}");
            let share = (whole * absorb.share_pct).div_ceil(100).min(before);
            assert_eq!((found.absorbed, shield(&case)), (share, before - share), "{name}: {found:?}");
        }
        assert!(case.stacks_and_end().is_none(), "{name} is used up and ends");
        for action in &absorb.on_break {
            match action {
                Action::Gain { attr: Pool::Mana, amount } => {
                    assert_eq!(case.scene.get::<Mana>(bearer).mp, 100 + amount, "{name}");
                }
                other => {
                    let next = other.applied().expect("it applies something").id();
                    assert!(case.bears(bearer, next), "{name} breaks into something");
                }
            }
        }
        // What a shield is not for passes it by.
        if let Some(school) =
            School::ALL.into_iter().find(|school| !absorb.schools.is_empty() && !absorb.schools.contains(school))
        {
            let mut case = borne(&name, effect);
            assert_eq!(entry(&mut case, other, damage(school, 500)).absorbed, 0, "{name} against {school:?}");
        }
        shields += 1;
    }
    assert!(shields >= 5, "{shields}");
}

#[test]
fn damage_ends_what_it_ends_by_the_record_and_leaves_the_rest() {
    let mut counts = [0_u32; 4];
    for (name, effect) in every_effect() {
        let mut case = borne(&name, effect);
        let (def, other) = (case.def.clone(), case.other());
        if def.absorb.is_some() || def.channelled {
            continue;
        }
        let hit = |case: &mut Case, points: f64| {
            let coef = (points * 1_000.0 / case.arrives(School::Holy, 1_000.0)).ceil() as u32;
            strike(&mut case.scene, other, case.bearer, damage(School::Holy, coef));
            case.scene.tick();
            case.stacks_and_end().is_some()
        };
        match def.breaks_on_damage {
            DamageBreak::Never => {
                assert!(hit(&mut case, 5_000.0), "{name}: nothing ends it");
                counts[0] += 1;
            }
            DamageBreak::Always => {
                assert!(!hit(&mut case, 3.0), "{name}: anything ends it");
                let mut case = Case::of(effect);
                case.apply();
                assert!(hit(&mut case, 3.0), "{name}: but not in the tick in which it comes");
                counts[1] += 1;
            }
            DamageBreak::Above { hp_pct } => {
                let most = f64::from(hp_pct) * 1_000.0;
                assert!(hit(&mut case, most * 0.6), "{name}: {hp_pct} % are not reached");
                assert!(hit(&mut case, most * 0.3), "{name}: {hp_pct} % are not reached together");
                assert!(!hit(&mut case, most * 0.2), "{name}: {hp_pct} % are reached together");
                counts[2] += 1;
            }
            DamageBreak::Chance { pct } => {
                let mut ended = 0;
                for _ in 0..300 {
                    ended += u32::from(!hit(&mut case, 3.0));
                    strike(&mut case.scene, other, case.bearer, EffectAction::Remove { effect, stacks: 0 });
                    case.apply();
                    case.scene.tick();
                    let entity = case.scene.entity(case.bearer);
                    let vitals = Vitals { hp: 50_000, hp_max: 100_000, dead: false };
                    case.scene.scene.world_mut().entity_mut(entity).insert(vitals);
                }
                // Four standard deviations.
                let (mean, sd) = (3.0 * f64::from(pct), (300.0 * f64::from(pct * (100 - pct)) / 10_000.0).sqrt());
                assert!((f64::from(ended) - mean).abs() < 4.0 * sd, "{name}: {ended} of 300 with {pct} %");
                counts[3] += 1;
            }
        }
    }
    assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
}

/// One round of everything that procs react to, happening to the bearer and by it.
fn round(case: &mut Case, other: SimId, kills: bool) {
    for school in [School::Physical, School::Fire] {
        strike(&mut case.scene, other, case.bearer, damage(school, 400));
        strike(&mut case.scene, case.bearer, other, damage(school, 400));
    }
    strike(&mut case.scene, case.bearer, case.bearer, EffectAction::Heal { formula: None, coef: 50 });
    if kills {
        let victim = post_of(&mut case.scene, "monster/proof", 13.0, 12.0);
        strike(&mut case.scene, case.bearer, victim, damage(School::Holy, u32::MAX));
    }
    case.scene.tick();
}

/// Whether a proc has just come true: what it does is in the log, in a pool, or on whom it is done to.
fn came_true(case: &Case, proc: &ProcDef, other: SimId, mana_before: u32) -> bool {
    // Whoever heals here heals itself.
    let is_other = proc.to == ProcTarget::Other && !proc.on.contains(&EventKind::HealDealt);
    let receiver = if is_other { other } else { case.bearer };
    let log = told::<HealthChanged>(&case.scene);
    proc.actions.iter().all(|action| match action {
        Action::Damage { .. } | Action::Heal { .. } | Action::Gain { attr: Pool::Hp, .. } => {
            log.iter().any(|entry| entry.origin == Origin::Effect(case.effect) && entry.target == receiver)
        }
        Action::Gain { attr: Pool::Mana, amount } => case.scene.get::<Mana>(receiver).mp >= mana_before + amount,
        action => {
            let effect = action.applied().expect("it applies something").id();
            let tick = case.scene.scene.tick_number();
            case.scene.get::<ActiveBuffs>(receiver).of(effect).is_some_and(|buff| buff.renewed_tick == tick)
        }
    })
}

#[test]
fn every_proc_comes_true_and_no_sooner_or_more_often_than_its_record_allows() {
    let mut procs = 0;
    for (name, effect) in every_effect() {
        for proc in game_data().effects[effect].procs.clone() {
            // Everything is critical where only that counts.
            let mut case = Case::of_class(effect, if proc.crit_only { "class/lucky" } else { "class/proof" });
            let other = case.other();
            case.apply();
            case.scene.tick();
            let begin = case.scene.scene.tick_number();
            let kills = proc.on.contains(&EventKind::Killed);
            let shielded = proc.on.contains(&EventKind::Absorbed);
            let mut at = Vec::new();
            for _ in 0..2_400 {
                let entity = case.scene.entity(case.bearer);
                let hp = 1_000 * proc.self_hp_below_pct.map_or(50, |pct| pct - 1);
                let vitals = Vitals { hp, hp_max: 100_000, dead: false };
                case.scene.scene.world_mut().entity_mut(entity).insert((vitals, Mana { mp: 100, mp_max: 1_000 }));
                let entity = case.scene.entity(other);
                case.scene.scene.world_mut().entity_mut(entity).insert(Vitals::full(100_000));
                if shielded && case.stacks_and_end().is_none() {
                    case.apply();
                    case.scene.tick();
                }
                round(&mut case, other, kills);
                if came_true(&case, &proc, other, 100) {
                    at.push(case.scene.scene.tick_number());
                }
                let enough = at.len() >= 8 || proc.cooldown_ms > 30_000 && !at.is_empty();
                if (enough && proc.charges == 0) || (case.stacks_and_end().is_none() && !shielded) {
                    break;
                }
            }
            assert!(!at.is_empty(), "{name}: its proc never comes true");
            let cooldown_ticks = proc.cooldown_ms / 50;
            assert!(
                at.windows(2).all(|pair| pair[1] - pair[0] >= cooldown_ticks),
                "{name}: {at:?} rests for {cooldown_ticks}"
            );
            if proc.chance_pct == 100 && proc.ppm_milli == 0 {
                assert!(at[0] <= begin + 2, "{name}: the first occasion counts");
                assert!(at.windows(2).all(|pair| pair[1] - pair[0] <= cooldown_ticks.max(1) + 1), "{name}: {at:?}");
            }
            if proc.charges > 0 {
                assert_eq!((at.len(), case.stacks_and_end()), (usize::from(proc.charges), None), "{name}: its charges");
            }
            procs += 1;
        }
    }
    assert!(procs >= 12, "{procs}");
}

#[test]
fn death_takes_every_effect_that_does_not_say_otherwise() {
    let mut kept = 0;
    for (name, effect) in every_effect() {
        let mut case = borne(&name, effect);
        let (other, mortal) = (case.other(), case.bearer);
        let entity = case.scene.entity(mortal);
        case.scene.scene.world_mut().entity_mut(entity).insert(Vitals { hp: 1, hp_max: 100_000, dead: false });
        // Through any shield.
        for _ in 0..3 {
            strike(&mut case.scene, other, mortal, damage(School::Arcane, 1_000_000));
        }
        case.scene.tick();
        assert!(case.scene.get::<Vitals>(mortal).is_dead(), "{name}");
        assert_eq!(case.stacks_and_end().is_some(), case.def.on_death == OnDeath::Keep, "{name}");
        kept += u32::from(case.def.on_death == OnDeath::Keep);
    }
    assert!(kept >= 2, "{kept} outlast death");
}

#[test]
fn dispels_take_what_they_are_for_and_nothing_else() {
    let kinds = [
        DispelKind::Magic,
        DispelKind::Curse,
        DispelKind::Poison,
        DispelKind::Disease,
        DispelKind::Bleed,
        DispelKind::Enrage,
    ];
    let mut taken = 0;
    for (name, effect) in every_effect() {
        let mut case = borne(&name, effect);
        if case.def.channelled {
            continue;
        }
        // Harm is taken away by friends, help by others.
        let by = if case.def.polarity == Polarity::Harmful { case.bearer } else { case.other() };
        let dispel = |kinds: u8| EffectAction::Dispel { kinds, count: 1, chance_pct: 100, steal: false };
        let all = kinds.iter().fold(0, |mask, kind| mask | kind.bit());
        strike(&mut case.scene, by, case.bearer, dispel(all & !case.def.dispel.bit()));
        case.scene.tick();
        assert!(case.stacks_and_end().is_some(), "{name}: other dispels leave it");
        let mut tries = 0;
        while case.def.dispel.bit() != 0 && case.stacks_and_end().is_some() {
            strike(&mut case.scene, by, case.bearer, dispel(case.def.dispel.bit()));
            case.scene.tick();
            tries += 1;
            assert!(tries == 1 || case.def.dispel_resist_pct > 0, "{name}: nothing resists");
            assert!(tries < 40, "{name}: it goes in the end");
        }
        if case.def.dispel.bit() != 0 {
            taken += 1;
            let struck = told::<HealthChanged>(&case.scene);
            let strikes = case.def.on_dispel.iter().filter(|action| matches!(action, Action::Damage { .. })).count();
            let found =
                struck.iter().filter(|entry| entry.origin == Origin::Effect(effect) && entry.target == by).count();
            assert_eq!(found, strikes, "{name}: what befalls whoever takes it away");
        }
    }
    assert!(taken > 15, "{taken}");
}

#[test]
fn immunity_removal_and_greed_are_as_the_records_say_and_the_hidden_is_not_told() {
    let (mut refused, mut removed, mut greedy) = (0, 0, 0);
    for (name, effect) in every_effect() {
        let case = borne(&name, effect);
        let mut bytes = Vec::new();
        case.scene.get::<ActiveBuffs>(case.bearer).encode(&mut bytes);
        let seen = ActiveBuffs::from_wire(&mut Reader::new(&bytes)).expect("it can be read");
        assert_eq!(seen.iter().any(|buff| buff.effect == effect), !case.def.hidden, "{name} is told of");
        for (second_name, second) in every_effect() {
            let def = game_data().effects[second].clone();
            let has_any = |list: &sim::assets::TagList| list.iter().any(|tag| def.tags.set().has(tag.id()));
            if second == effect || (!has_any(&case.def.immune) && !has_any(&case.def.removes)) {
                continue;
            }
            let mut case = borne(&name, effect);
            if has_any(&case.def.immune) && def.polarity == Polarity::Harmful && !def.channelled {
                let other = case.other();
                strike(&mut case.scene, other, case.bearer, EffectAction::Apply { effect: second, chance_pct: 100 });
                case.scene.tick();
                assert!(!case.bears(case.bearer, second), "{name} keeps {second_name} off");
                assert_eq!(crate::effects::refused(&case.scene, "immune"), 1, "{name} keeps {second_name} off");
                refused += 1;
            }
            if has_any(&case.def.removes) && def.polarity == case.def.polarity {
                let mut case = Case::of(effect);
                let bearer = case.bearer;
                strike(&mut case.scene, bearer, bearer, EffectAction::Apply { effect: second, chance_pct: 100 });
                case.scene.tick();
                assert!(case.bears(bearer, second), "{second_name}");
                case.apply();
                case.scene.tick();
                assert!(!case.bears(bearer, second), "{name} takes the place of {second_name}");
                removed += 1;
            }
        }
        if case.def.targets_max > 0 {
            let mut case = borne(&name, effect);
            let more: Vec<SimId> = (0..case.def.targets_max)
                .map(|at| post_of(&mut case.scene, "monster/proof", 14.0 + f32::from(at), 10.0))
                .collect();
            for &id in &more {
                strike(&mut case.scene, case.source, id, EffectAction::Apply { effect, chance_pct: 100 });
                case.scene.tick();
            }
            assert!(case.stacks_and_end().is_none(), "{name}: the first has lost it");
            assert!(more.iter().all(|&id| case.bears(id, effect)), "{name}: the last have it");
            greedy += 1;
        }
    }
    assert!(refused >= 3 && removed >= 2 && greedy >= 1, "{refused} refused, {removed} removed, {greedy} greedy");
}
