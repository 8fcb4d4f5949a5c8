//! A scene is a function of its assets, its seed and its inputs: the same play has the same hashes twice in
//! one process, in two processes, and replayed from its log; a log that was tampered with is refused.

use std::process::Command;

use sim::log::{LogError, LogHeader, LogReader, LogWriter};
use sim::testing::TestScene;

use crate::random_play::RandomPlay;

const TICKS: usize = 600;
const SEED: u64 = 42;
/// Set for the second process, which prints its hashes instead of comparing them.
const CHILD: &str = "MAINSPRING_TEST_DETERMINISM_CHILD";

/// One number per tick: all subsystems' hashes, folded in their order.
fn play() -> Vec<u64> {
    let mut play = RandomPlay::in_the_field(SEED);
    (0..TICKS)
        .map(|_| {
            play.tick();
            fold(&play.scene.hash())
        })
        .collect()
}

fn fold(hashes: &[(&'static str, u64)]) -> u64 {
    hashes.iter().fold(0, |sum: u64, &(_, hash)| sum.rotate_left(7) ^ hash)
}

#[test]
fn the_same_play_twice_in_one_process_has_the_same_hashes() {
    let (first, second) = (play(), play());
    let differs = first.iter().zip(&second).position(|(a, b)| a != b);
    assert_eq!(differs, None, "the first tick that differs, less one");
}

#[test]
fn the_same_play_in_two_processes_has_the_same_hashes() {
    let ours: String = play().iter().map(|hash| format!("{hash:016x}\n")).collect();
    if std::env::var_os(CHILD).is_some() {
        println!("HASHES\n{ours}HASHES");
        return;
    }
    let test = "determinism::the_same_play_in_two_processes_has_the_same_hashes";
    let child = Command::new(std::env::current_exe().expect("this test has a binary"))
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("the second process runs");
    let printed = String::from_utf8_lossy(&child.stdout);
    let theirs = printed.split("HASHES\n").nth(1).unwrap_or_default();
    assert!(!theirs.is_empty(), "the second process printed nothing: {}", String::from_utf8_lossy(&child.stderr));
    assert_eq!(theirs.trim_end_matches("HASHES"), ours);
}

#[test]
fn another_seed_is_another_play() {
    let mut play = RandomPlay::in_the_field(SEED + 1);
    let other: Vec<u64> = (0..50)
        .map(|_| {
            play.tick();
            fold(&play.scene.hash())
        })
        .collect();
    assert_ne!(self::play()[..50], other[..]);
}

fn recorded() -> (Vec<u8>, RandomPlay) {
    let mut play = RandomPlay::in_the_field(SEED);
    let header = LogHeader {
        scene: play.scene.scene.name().to_owned(),
        seed: SEED,
        assets_hash: play.scene.config.assets.hash,
        subsystems: play.scene.hash().iter().map(|&(name, _)| name.to_owned()).collect(),
    };
    let (mut writer, mut bytes) = LogWriter::new(&header);
    for _ in 0..TICKS {
        play.tick();
        let hashes = play.scene.hash();
        let scene = &play.scene.scene;
        bytes.extend(writer.tick(scene.tick_number(), scene.applied_inputs(), &hashes));
    }
    bytes.extend(writer.end());
    (bytes, play)
}

#[test]
fn a_log_replays_to_the_same_hashes_in_every_subsystem() {
    let (bytes, play) = recorded();
    let log = LogReader::open(&bytes).expect("the log is complete");
    let mut again = TestScene::from_config(play.scene.config.clone(), |_| {});
    for record in log.ticks() {
        record.inputs.iter().for_each(|input| again.scene.push(input.clone()));
        again.tick();
        for ((name, hash), recorded) in again.hash().into_iter().zip(&record.hashes) {
            assert_eq!(hash, *recorded, "tick {}, {name}", record.tick);
        }
    }
    assert_eq!(log.ticks().len(), TICKS);
}

#[test]
fn a_tampered_log_says_what_is_wrong_with_it() {
    let (bytes, _) = recorded();
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    assert!(LogReader::open(&flipped).is_err());
    let cut = LogReader::open(&bytes[..bytes.len() - 20]).unwrap_err();
    assert!(matches!(cut, LogError::Truncated { .. }), "{cut}");
    assert_eq!(LogReader::open(b"PNG and so on").unwrap_err(), LogError::NotALog);
}
