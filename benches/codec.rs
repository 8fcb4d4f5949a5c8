//! What does the wire cost beside copying the same bytes? Reading an input with every check, writing a state
//! frame of 100 moving entities, and reading it back on the client.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use net::codec::{decode_input, decode_state_frame, encode_input, encode_state_frame};
use net::protocol::{InputDatagram, OwnState, StateFrame, WireComponent, WireStep, WireTable};
use net::records::{CompactPlace, read_state};
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
        steps: vec![step; 6],
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
        let (word, length) = CompactPlace::new([u16::from(number), 1, 2], false, None).to_word();
        records.extend_from_slice(&word.to_le_bytes()[..length]);
    }
    StateFrame { frame: 7, tick: 1_000, scene_epoch: 1, own: OwnState::default(), records }
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
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
