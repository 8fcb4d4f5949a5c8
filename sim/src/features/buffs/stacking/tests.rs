//! Every policy of stacking, as applications go in and instances come out.

use super::*;
use crate::assets::{EffectDef, StackDef};
use crate::features::buffs::active::test_buff;

fn effect(stack: StackDef) -> EffectDef {
    let text = r#"(id: "effect/test", duration: Ms(5000))"#;
    let options = ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    let def: EffectDef = options.from_str(text).unwrap();
    EffectDef { stack, ..def }
}

fn stacking(by: StackBy, max: u16, on_apply: StackApply) -> EffectDef {
    effect(StackDef { by, max, on_apply, ..StackDef::default() })
}

/// Applications as (source, tick), then the instances as (stacks, end).
fn after(def: &EffectDef, applications: &[(u32, u32)]) -> Vec<(u16, u32)> {
    let mut list = Vec::new();
    for &(source, tick) in applications {
        apply(&mut list, def, test_buff(0, source, tick), tick);
    }
    list.iter().map(|buff| (buff.stacks, buff.end_tick)).collect()
}

#[test]
fn each_source_has_its_own_instance_or_all_share_one() {
    let applications = [(1, 0), (2, 10), (1, 20)];
    let by_source = stacking(StackBy::Source, 3, StackApply::RefreshDuration);
    assert_eq!(after(&by_source, &applications), [(2, 120), (1, 110)]);
    let by_target = stacking(StackBy::Target, 3, StackApply::RefreshDuration);
    assert_eq!(after(&by_target, &applications), [(3, 120)]);
}

#[test]
fn the_newest_source_owns_what_is_shared() {
    let mut list = Vec::new();
    let def = stacking(StackBy::Target, 3, StackApply::KeepDuration);
    for source in [1, 2] {
        apply(&mut list, &def, test_buff(0, source, 0), 0);
    }
    assert_eq!(list[0].source, crate::ids::SimId::new(2, 0));
}

#[test]
fn stacks_end_at_the_most() {
    assert_eq!(after(&stacking(StackBy::Source, 3, StackApply::RefreshDuration), &[(1, 0); 9]), [(3, 100)]);
}

#[test]
fn the_remaining_time_is_renewed_extended_up_to_a_most_or_kept() {
    let after = |on_apply, applications: &[_]| after(&stacking(StackBy::Source, 2, on_apply), applications);
    let extend = StackApply::ExtendDuration { max_ms: 8_000 };
    assert_eq!(after(StackApply::RefreshDuration, &[(1, 0), (1, 60)]), [(2, 160)]);
    assert_eq!(after(extend, &[(1, 0), (1, 60)]), [(2, 200)]);
    assert_eq!(after(extend, &[(1, 0), (1, 10)]), [(2, 170)]);
    assert_eq!(after(StackApply::KeepDuration, &[(1, 0), (1, 60)]), [(2, 100)]);
}

#[test]
fn stacks_with_a_time_of_their_own_end_one_by_one_and_the_oldest_makes_room() {
    let def = stacking(StackBy::Source, 3, StackApply::AddIndependent);
    let mut list = Vec::new();
    for tick in [0, 30, 60, 90] {
        apply(&mut list, &def, test_buff(0, 1, tick), tick);
    }
    assert_eq!(list[0].layers, [130, 160, 190]);
    assert_eq!(due_tick(&list[0]), 130);
    assert_eq!(expire(&mut list[0], &def, 129), Ending::NotYet);
    assert_eq!(expire(&mut list[0], &def, 130), Ending::Fewer);
    assert_eq!((list[0].stacks, list[0].end_tick), (2, 190));
    assert_eq!(expire(&mut list[0], &def, 190), Ending::Over);
}

#[test]
fn the_last_stack_may_go_one_at_a_time() {
    let def = effect(StackDef { max: 3, on_expire: StackExpire::RemoveOne, ..StackDef::default() });
    let mut list = Vec::new();
    for _ in 0..2 {
        apply(&mut list, &def, test_buff(0, 1, 0), 0);
    }
    assert_eq!(expire(&mut list[0], &def, 100), Ending::Fewer);
    assert_eq!((list[0].stacks, list[0].end_tick), (1, 200));
    assert_eq!(expire(&mut list[0], &def, 200), Ending::Over);
}

#[test]
fn the_stronger_of_two_stays() {
    let def = stacking(StackBy::Target, 1, StackApply::Replace);
    let with = |shield, tick| Buff { shield, ..test_buff(0, 1, tick) };
    let mut list = Vec::new();
    assert_eq!(apply(&mut list, &def, with(50, 0), 0).0, Application::New);
    assert_eq!(apply(&mut list, &def, with(40, 10), 10).0, Application::Weaker);
    assert_eq!(list[0].end_tick, 100);
    assert_eq!(apply(&mut list, &def, with(60, 20), 20).0, Application::Renewed);
    assert_eq!((list[0].shield, list[0].end_tick), (60, 120));
}

#[test]
fn overflow_renews_unless_it_is_denied() {
    let renewing = StackDef { max: 2, ..StackDef::default() };
    let denying = StackDef { deny_overflow: true, ..renewing.clone() };
    for (stack, how, end_tick) in [(renewing, Application::Overflow, 150), (denying, Application::Denied, 100)] {
        let (def, mut list) = (effect(stack), Vec::new());
        apply(&mut list, &def, test_buff(0, 1, 0), 0);
        assert_eq!(apply(&mut list, &def, test_buff(0, 1, 0), 0).0, Application::Renewed);
        assert_eq!(apply(&mut list, &def, test_buff(0, 1, 50), 50).0, how);
        assert_eq!((list[0].stacks, list[0].end_tick), (2, end_tick));
    }
}

#[test]
fn a_full_list_refuses_what_is_new_and_renews_what_is_there() {
    let (def, mut list) = (stacking(StackBy::Source, 3, StackApply::RefreshDuration), Vec::new());
    for kind in 0..140 {
        let expected = if kind < 128 { Application::New } else { Application::Full };
        assert_eq!(apply(&mut list, &def, test_buff(kind, 1, 0), 0).0, expected);
    }
    assert_eq!(apply(&mut list, &def, test_buff(5, 1, 0), 0).0, Application::Renewed);
}
