//! The rules of actions, wherever they stand.

use super::Checker;
use crate::assets::Action;

/// A thousand times attack.
const COEF_MAX: i64 = 1_000_000;
/// Most points an action gives or takes by itself.
const AMOUNT_MAX: i64 = 1_000_000;

/// Checks the actions of a list at `path`. Where points come from elsewhere, those that say none of their own are good.
pub(crate) fn check_actions(actions: &[Action], path: &str, has_points: bool, check: &mut Checker<'_, '_>) {
    for (index, action) in actions.iter().enumerate() {
        let says_none = matches!(
            action,
            Action::Gain { amount: 0, .. } | Action::Threat { amount: 0 } | Action::Stagger { amount: 0 }
        );
        if has_points && says_none {
            continue;
        }
        check_action(action, &format!("{path}.{index}"), check);
    }
}

/// Checks the action at `path`.
pub(crate) fn check_action(action: &Action, path: &str, check: &mut Checker<'_, '_>) {
    match action {
        Action::Damage { coef, .. } | Action::Heal { coef, .. } => {
            check.whole(&format!("{path}.coef"), *coef, 1..=COEF_MAX);
        }
        Action::Resurrect { hp_pct } => check.whole(&format!("{path}.hp_pct"), *hp_pct, 1..=100),
        Action::Gain { amount, .. } | Action::Stagger { amount } => {
            check.whole(&format!("{path}.amount"), *amount, 1..=AMOUNT_MAX);
        }
        Action::Threat { amount: 0 } => check.whole(&format!("{path}.amount"), 0, 1..=AMOUNT_MAX),
        Action::Threat { amount } => check.whole(&format!("{path}.amount"), *amount, -AMOUNT_MAX..=AMOUNT_MAX),
        Action::ScaleThreat { pct } => {
            check.whole(&format!("{path}.pct"), *pct, 0..=10_000);
            if *pct == 100 {
                check.pointless(&format!("{path}.pct"), "changes no threat");
            }
        }
        Action::ApplyEffect { chance_pct, .. } => check.whole(&format!("{path}.chance_pct"), *chance_pct, 1..=100),
        Action::Dispel { count, chance_pct, kinds, .. } => {
            check.whole(&format!("{path}.count"), *count, 1..=100);
            check.whole(&format!("{path}.chance_pct"), *chance_pct, 1..=100);
            if kinds.is_empty() && check.is_original(&format!("{path}.kinds")) {
                check.pointless(&format!("{path}.kinds"), "dispels nothing");
            }
        }
        Action::Interrupt { lockout_ms } => check.duration(&format!("{path}.lockout_ms"), *lockout_ms, 0..=60_000),
        Action::Displace(how) => check.float(&format!("{path}.0.distance_m"), how.distance_m(), 0.1..=40.0),
        Action::ReduceCooldown { ms, .. } => check.duration(&format!("{path}.ms"), *ms, 50..=3_600_000),
        Action::Apply(_)
        | Action::Taunt
        | Action::Remove { .. }
        | Action::Launch { .. }
        | Action::Area { .. }
        | Action::ResetCooldown { .. } => {}
        Action::WorkDoor { reach_m } => check.float(&format!("{path}.reach_m"), *reach_m, 0.1..=20.0),
    }
}
