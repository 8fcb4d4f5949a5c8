//! What does the wire cost beside copying the same bytes? Reading an input with every check, writing a state
//! frame of 100 moving entities, and reading it back on the client.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use net::client::world::ClientWorld;
use net::codec::{decode_input, decode_state_frame, encode_input, encode_state_frame};
use net::protocol::{
    InputDatagram, NO_RESUME_TOKEN, OwnState, ServerMessage, StateFrame, WireComponent, WireStep, WireTable,
};
use net::records::{CompactPlace, read_state};
use sim::ids::SimId;
use sim::wire::put_varint;

fn input() -> Vec<u8> {
    let step = WireStep { x: 90, z: -90, flags: 0 };
    let input = InputDatagram {
        sequence: 1_000,
        view_tick: 1_000,
        forced_epoch: 0,
        claim_x_cm: 12_345,
        claim_z_cm: -54_321,
        frame_ack: 999,
        frame_ack_bits: u32::MAX,
        batch_ack: 3,
        steps: vec![step; 6].into(),
    };
    let mut bytes = Vec::new();
    encode_input(&input, &mut bytes).expect("it fits");
    bytes
}

/// A frame of entities that went a step on flat ground: index and three bytes of place each.
fn frame(entities: u8) -> StateFrame {
    let mut records = Vec::new();
    for number in 0..entities {
        put_varint(&mut records, 3);
        let (word, length) = CompactPlace::new([i32::from(number), 1, 2], false, None).to_word();
        records.extend_from_slice(&word.to_le_bytes()[..length]);
    }
    StateFrame { frame: 7, tick: 1_000, scene_epoch: 1, is_whole: true, own: OwnState::default(), records }
}

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    let input = input();
    group.bench_function("input_read_with_every_check", |bencher| bencher.iter(|| decode_input(black_box(&input))));
    group.bench_function("input_copied", |bencher| bencher.iter(|| black_box(&input).clone()));

    let state = frame(100);
    let mut bytes = Vec::new();
    group.bench_function("frame_of_100_written", |bencher| {
        bencher.iter(|| encode_state_frame(black_box(&state), &mut bytes));
    });
    encode_state_frame(&state, &mut bytes).expect("it fits");
    println!("a frame of 100 moving entities: {} bytes", bytes.len());
    group.bench_function("frame_of_100_copied", |bencher| bencher.iter(|| black_box(&bytes).clone()));
    let component = |name: &str, value_bytes| WireComponent { name: name.into(), value_bytes };
    let table = WireTable { components: vec![component("position", 6)], ..WireTable::default() };
    group.bench_function("frame_of_100_read", |bencher| {
        bencher.iter(|| {
            let frame = decode_state_frame(black_box(&bytes)).expect("it is good");
            read_state(&frame.records, &table).filter(Result::is_ok).count()
        });
    });
    let (mut world, mut number) = (watching(100), 0);
    group.bench_function("frame_of_100_read_and_applied", |bencher| {
        bencher.iter(|| {
            number += 1;
            let mut frame = decode_state_frame(black_box(&bytes)).expect("it is good");
            (frame.frame, frame.tick) = (number, number);
            world.on_frame(&frame)
        });
    });
    assert_eq!(world.counts().unplaced_records, 0);
    group.finish();
}

/// A client that sees as many entities as [`frame`] speaks of.
fn watching(entities: u8) -> ClientWorld {
    let mut world = ClientWorld::default();
    let component = |name: &str, value_bytes| WireComponent { name: name.into(), value_bytes };
    let components = vec![component("position", 6), component("heading", 1)];
    let wire = WireTable { components, ..WireTable::default() };
    world.on_message(ServerMessage::Welcome { player_id: 1, assets_hash: 1, wire, resume: NO_RESUME_TOKEN });
    let (scene, state) = ("scene/field".to_owned(), OwnState::default());
    world.on_message(ServerMessage::Scene { scene, scene_epoch: 1, own: 1, tick: 0, state });
    let mut records = Vec::new();
    for number in 1..=u32::from(entities) {
        // Enter, id, the mask of both components, their values.
        records.push(1);
        records.extend_from_slice(&SimId::new(number * 3, 0).bits().to_le_bytes());
        records.extend_from_slice(&[0b11, 0, 0, 0, 0, 0, 0, 0]);
    }
    world.on_message(ServerMessage::Batch { batch: 1, tick: 0, records });
    world
}

criterion_group!(benches, codec);
criterion_main!(benches);
