//! The client's rules: newest wins, nothing unannounced is shown, a new scene voids everything.

use proptest::prelude::*;
use sim::wire::put_varint;

use super::*;
use crate::protocol::{NO_RESUME_TOKEN, WireComponent};
use crate::records::CompactPlace;

/// Components: 0 position (6 bytes), 1 vitals (behind a length).
fn wire() -> WireTable {
    let component = |name: &str, value_bytes| WireComponent { name: name.into(), value_bytes };
    WireTable {
        components: vec![component(Position::NAME, 9), component("vitals", 0)],
        events: vec!["died".into()],
        commands: Vec::new(),
    }
}

fn world() -> ClientWorld {
    let mut world = ClientWorld::default();
    world.on_message(ServerMessage::Welcome { player_id: 1, assets_hash: 2, resume: NO_RESUME_TOKEN, wire: wire() });
    world.on_message(scene(1, 10));
    world
}

fn scene(scene_epoch: u32, tick: u32) -> ServerMessage {
    ServerMessage::Scene { scene: "scene/field".into(), scene_epoch, own: 1 << 12, tick, state: OwnState::default() }
}

fn id(index: u32) -> SimId {
    SimId::new(index, 0)
}

fn position(x_m: f32) -> Vec<u8> {
    let mut bytes = vec![0b01];
    Position(Vec3::new(x_m, 0.0, 0.0)).encode(&mut bytes);
    bytes
}

fn vitals(value: u8) -> Vec<u8> {
    vec![0b10, 1, value]
}

fn enter(index: u32, values: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    crate::records::put_enter(&mut bytes, id(index));
    bytes.extend_from_slice(values);
    bytes
}

fn batch(world: &mut ClientWorld, tick: u32, records: Vec<u8>) {
    let batch = world.batch_ack() + 1;
    world.on_message(ServerMessage::Batch { batch, tick, records });
}

fn frame(frame: u32, tick: u32, records: &[(u32, Vec<u8>)]) -> StateFrame {
    let (mut bytes, mut last) = (Vec::new(), 0);
    for (index, values) in records {
        put_varint(&mut bytes, index - last);
        // Enter records have the bare mask in front, state records their own head.
        crate::records::put_head(&mut bytes, u32::from(values[0]));
        bytes.extend_from_slice(&values[1..]);
        last = *index;
    }
    StateFrame { frame, tick, scene_epoch: 1, is_whole: true, own: OwnState::default(), records: bytes }
}

fn x_of(world: &ClientWorld, index: u32) -> Option<f32> {
    world.position(id(index)).map(|position| position.x)
}

#[test]
fn a_client_that_ignores_places_acknowledges_them_and_takes_in_all_else() {
    let mut world = world();
    world.ignore_places();
    batch(&mut world, 10, enter(5, &position(1.0)));
    let (word, bytes) = CompactPlace::new([130, 0, 0], false, None).to_word();
    let records = [&[5], &word.to_le_bytes()[..bytes]].concat();
    let told = StateFrame { frame: 1, tick: 11, scene_epoch: 1, is_whole: true, own: OwnState::default(), records };
    assert!(world.on_frame(&told).is_some());
    world.on_frame(&frame(2, 12, &[(5, vitals(7))]));
    assert_eq!((x_of(&world, 5), world.frame_acks()), (Some(1.0), (2, 1)));
    assert_eq!(world.entity(id(5)).and_then(|entity| entity.value(1)), Some(&[7][..]));
}

#[test]
fn an_announced_entity_moves_with_the_newest_frame() {
    let mut world = world();
    batch(&mut world, 10, enter(5, &position(1.0)));
    world.on_frame(&frame(2, 12, &[(5, position(3.0))]));
    world.on_frame(&frame(1, 11, &[(5, position(2.0))]));
    assert_eq!(x_of(&world, 5), Some(3.0));
    assert_eq!(world.frame_acks(), (2, 1));
    assert_eq!(world.counts().frames_lost, 0);
}

#[test]
fn a_late_frame_still_brings_the_components_that_no_newer_one_had() {
    let mut world = world();
    batch(&mut world, 10, enter(5, &position(1.0)));
    world.on_frame(&frame(2, 12, &[(5, position(3.0))]));
    world.on_frame(&frame(1, 11, &[(5, vitals(7))]));
    assert_eq!(world.entity(id(5)).and_then(|entity| entity.value(1)), Some(&[7][..]));
}

#[test]
fn what_was_not_announced_is_neither_shown_nor_acknowledged() {
    let mut world = world();
    world.on_frame(&frame(1, 11, &[(5, position(2.0))]));
    assert_eq!((x_of(&world, 5), world.frame_acks()), (None, (0, 0)));
    assert_eq!(world.counts().unknown_records, 1);
    batch(&mut world, 10, enter(5, &position(1.0)));
    world.on_frame(&frame(2, 12, &[(5, position(2.0))]));
    assert_eq!((x_of(&world, 5), world.frame_acks()), (Some(2.0), (2, 0)));
}

#[test]
fn a_frame_older_than_the_entity_does_not_touch_it() {
    let mut world = world();
    batch(&mut world, 20, enter(5, &position(1.0)));
    world.on_frame(&frame(1, 19, &[(5, position(9.0))]));
    assert_eq!(x_of(&world, 5), Some(1.0));
}

#[test]
fn one_that_left_is_gone_and_comes_back_as_new() {
    let mut world = world();
    batch(&mut world, 10, enter(5, &[vitals(1), Vec::new()].concat()));
    let mut leave = Vec::new();
    crate::records::put_leave(&mut leave, id(5));
    batch(&mut world, 11, leave);
    assert_eq!(world.entities().len(), 0);
    batch(&mut world, 12, enter(5, &position(4.0)));
    assert_eq!(world.entity(id(5)).and_then(|entity| entity.value(1)), None);
}

#[test]
fn a_new_scene_voids_everything_and_frames_of_the_old_one() {
    let mut world = world();
    batch(&mut world, 10, enter(5, &position(1.0)));
    world.on_message(scene(2, 50));
    assert_eq!(world.entities().len(), 0);
    assert_eq!(world.on_frame(&frame(1, 60, &[])), None);
    assert_eq!((world.counts().frames_void, world.frame_acks().0), (1, 0));
}

#[test]
fn a_batch_that_does_not_follow_the_last_one_is_noticed() {
    let mut world = world();
    for batch in [7, 8, 10] {
        world.on_message(ServerMessage::Batch { batch, tick: 10, records: Vec::new() });
    }
    assert_eq!((world.counts().batch_gaps, world.batch_ack()), (1, 10));
}

#[test]
fn only_a_newer_own_state_is_given_out() {
    let mut world = world();
    assert!(world.on_frame(&frame(2, 12, &[])).is_some());
    assert!(world.on_frame(&frame(1, 11, &[])).is_none());
    assert!(world.on_frame(&frame(2, 12, &[])).is_none());
    assert_eq!(world.newest_tick(), 12);
}

#[test]
fn a_frame_that_did_not_come_is_counted_once() {
    let mut world = world();
    for number in [1, 2, 5, 4] {
        world.on_frame(&frame(number, 10 + number, &[]));
    }
    assert_eq!(world.counts().frames_lost, 1);
}

#[test]
fn events_are_kept_in_order_up_to_a_limit() {
    let mut world = world();
    for body in 0..=EVENTS_MAX {
        let mut bytes = Vec::new();
        crate::records::put_event(&mut bytes, 0, SimId::new(1, 0), &body.to_le_bytes());
        batch(&mut world, 10, bytes);
    }
    assert_eq!(world.counts().events_dropped, 1);
    let first = world.take_event();
    assert_eq!(first.as_ref().map(|event| event.body.as_slice()), Some(&1usize.to_le_bytes()[..]));
    assert_eq!(first.and_then(|event| world.event_name(event.kind).map(String::from)).as_deref(), Some("died"));
}

#[test]
fn values_for_the_owner_are_the_own_characters() {
    let mut world = world();
    let mut bytes = Vec::new();
    crate::records::put_owner(&mut bytes, id(1));
    bytes.extend(vitals(9));
    batch(&mut world, 10, bytes);
    assert_eq!(world.own_value(1), Some(&[9][..]));
    assert_eq!(world.entities().len(), 0);
}

#[test]
fn the_own_characters_values_come_and_go_with_it() {
    let mut world = world();
    assert_eq!(world.own_value(1), None);
    batch(&mut world, 10, [enter(5, &vitals(2)), enter(1, &vitals(3))].concat());
    assert_eq!(world.own_value(1), Some(&[3][..]));
    let mut leave = Vec::new();
    crate::records::put_leave(&mut leave, id(1));
    batch(&mut world, 11, leave);
    assert_eq!(world.own_value(1), None);
    // Another takes its place in memory, and it comes back to a third.
    batch(&mut world, 12, [enter(7, &vitals(4)), enter(1, &vitals(6))].concat());
    assert_eq!(world.own_value(1), Some(&[6][..]));
    world.on_message(scene(2, 20));
    assert_eq!(world.own_value(1), None);
}

#[test]
fn whatever_is_new_of_the_own_character_but_its_place_counts_as_news() {
    let mut world = world();
    let mut last = world.own_news();
    let mut is_news = |world: &ClientWorld| std::mem::replace(&mut last, world.own_news()) != world.own_news();
    let values = [&[0b11], &position(1.0)[1..], &vitals(7)[1..]].concat();
    batch(&mut world, 10, enter(1, &values));
    assert!(is_news(&world), "it came into view");
    batch(&mut world, 10, enter(5, &vitals(7)));
    world.on_frame(&frame(1, 11, &[(5, vitals(6))]));
    assert!(!is_news(&world), "of somebody else");
    world.on_frame(&frame(2, 12, &[(1, vitals(5))]));
    assert!(is_news(&world));
    world.on_frame(&compact_frame(3, 13, compact(1, 102)));
    assert!(!is_news(&world), "its place alone");
    let mut records = Vec::new();
    crate::records::put_leave(&mut records, id(1));
    batch(&mut world, 14, records);
    assert!(is_news(&world), "it is gone");
    world.on_message(scene(2, 20));
    assert!(is_news(&world));
}

#[test]
fn clients_who_were_told_the_same_table_read_one_copy_of_it() {
    let (mut first, mut second, mut other) = (world(), world(), ClientWorld::default());
    let mut known = Arc::default();
    first.share_wire(&mut known);
    second.share_wire(&mut known);
    assert!(std::ptr::eq(first.wire(), second.wire()));
    other.share_wire(&mut known);
    assert_eq!((other.wire(), first.wire()), (&WireTable::default(), &wire()), "nobody gets another's");
}

fn compact(index: u32, x_cm: i32) -> (u32, Vec<u8>) {
    let (word, length) = CompactPlace::new([x_cm, 0, 0], false, None).to_word();
    (index, word.to_le_bytes()[..length].to_vec())
}

fn compact_frame(number: u32, tick: u32, (index, place): (u32, Vec<u8>)) -> StateFrame {
    let mut records = Vec::new();
    put_varint(&mut records, index);
    records.extend(place);
    StateFrame { records, ..frame(number, tick, &[]) }
}

#[test]
fn a_compact_place_is_completed_from_the_place_before() {
    let mut world = world();
    batch(&mut world, 10, enter(5, &position(20.0)));
    world.on_frame(&compact_frame(1, 22, compact(5, 2_480)));
    assert_eq!((x_of(&world, 5), world.frame_acks().0), (Some(24.8), 1));
}

#[test]
fn a_compact_place_too_far_from_what_is_known_is_not_taken_over_and_not_acknowledged() {
    let mut world = world();
    batch(&mut world, 10, enter(5, &position(20.0)));
    world.on_frame(&compact_frame(1, 23, compact(5, 2_480)));
    assert_eq!((x_of(&world, 5), world.frame_acks().0), (Some(20.0), 0));
    assert_eq!(world.counts().unplaced_records, 1);
    world.on_frame(&frame(2, 24, &[(5, position(25.0))]));
    world.on_frame(&compact_frame(3, 23, compact(5, 2_480)));
    assert_eq!(x_of(&world, 5), Some(25.0), "a late one changes nothing");
}

proptest! {
    #[test]
    fn damaged_records_never_panic(records in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut world = world();
        batch(&mut world, 10, records.clone());
        world.on_frame(&StateFrame { frame: 1, tick: 11, scene_epoch: 1, is_whole: true, own: OwnState::default(), records });
    }

    #[test]
    fn the_order_of_frames_does_not_matter(order in Just((1u32..20).collect::<Vec<_>>()).prop_shuffle()) {
        let mut world = world();
        batch(&mut world, 10, [enter(5, &position(0.0)), enter(6, &position(0.0))].concat());
        for number in order {
            let moved = position(f32::from(u8::try_from(number).unwrap_or(0)));
            world.on_frame(&frame(number, 10 + number, &[(5 + number % 2, moved)]));
        }
        prop_assert_eq!((x_of(&world, 6), x_of(&world, 5)), (Some(19.0), Some(18.0)));
        prop_assert_eq!(world.counts().frames_lost, 0);
    }
}
