//! A client that does everything wrong gains nothing, is counted by reason, and is thrown out; the honest
//! player beside it notices nothing.

use bytes::Bytes;
use glam::Vec2;
use net::client::Client;
use net::codec::{encode_client_message, encode_input};
use net::protocol::{ClientMessage, Goodbye, InputDatagram, WireStep};
use net::sessions::take_stats;
use sim::counters::{COMMAND_REJECTED, Counters};
use sim::features::skills::CastCommand;
use sim::intent::CastTarget;
use sim::locomotion::StepInput;

use crate::live_scene::LiveScene;

/// A hostile client and an honest one in the same scene.
struct Arena {
    live: LiveScene,
    cheat: Client,
    honest: Client,
}

impl Arena {
    async fn open() -> Self {
        let mut live = LiveScene::flat();
        let (honest, cheat) = (live.join("honest").await, live.join("cheat").await);
        Self { live, cheat, honest }
    }

    /// Runs until the cheat is thrown out for a reason; `attack` is called before every tick.
    async fn until_thrown_out(mut self, expected: Goodbye, mut attack: impl FnMut(&mut Client, u32)) -> LiveScene {
        let mut round = 0;
        let mut clients = [&mut self.cheat, &mut self.honest];
        self.live
            .until(&mut clients, "the cheat is thrown out", |_, clients| {
                round += 1;
                attack(clients[0], round);
                clients[1].send_input(StepInput { wish: Vec2::X, walk: false }).expect("the honest one is connected");
                clients[0].goodbye().is_some()
            })
            .await;
        assert_eq!(self.cheat.goodbye(), Some(expected));
        assert_eq!(self.honest.closed(), None);
        assert_eq!(self.honest.stats().decode_errors, 0);
        let honest = self.live.character("honest");
        self.live
            .until(&mut [&mut self.honest], "the honest one plays on", |live, clients| {
                clients[0].send_input(StepInput { wish: Vec2::X, walk: false }).expect("it is connected");
                live.inner.position(honest).x > 8.0
            })
            .await;
        self.live
    }
}

fn refused(live: &mut LiveScene, reason: &str) -> u64 {
    take_stats(&mut live.inner.scene).rejected.get(reason).copied().unwrap_or(0)
}

#[tokio::test]
async fn garbage_datagrams_are_three_strikes() {
    let arena = Arena::open().await;
    let mut live = arena
        .until_thrown_out(Goodbye::Abuse, |cheat, round| {
            let byte = u8::try_from(round % 251).unwrap_or(0);
            let _closed = cheat.send_raw_datagram(Bytes::from(vec![byte; 40]));
        })
        .await;
    assert!(refused(&mut live, "unknown_type") + refused(&mut live, "malformed") > 0);
}

#[tokio::test]
async fn garbage_on_the_stream_is_three_strikes() {
    let arena = Arena::open().await;
    let mut live = arena
        .until_thrown_out(Goodbye::Abuse, |cheat, _| {
            let _closed = cheat.send_raw_frame(&[0xee; 64]);
        })
        .await;
    assert!(refused(&mut live, "malformed") > 0);
}

#[tokio::test]
async fn a_lying_length_closes_the_session() {
    let arena = Arena::open().await;
    arena
        .until_thrown_out(Goodbye::Abuse, |cheat, _| {
            let _closed = cheat.send_raw_stream_bytes(Bytes::from_static(&[0xff; 4]));
        })
        .await;
}

#[tokio::test]
async fn replayed_commands_are_three_strikes() {
    let arena = Arena::open().await;
    let frame =
        encode_client_message(&ClientMessage::Command { sequence: 1, scene_epoch: 1, kind: 1, body: Vec::new() })
            .expect("it fits");
    let mut live = arena
        .until_thrown_out(Goodbye::Abuse, |cheat, _| {
            let _closed = cheat.send_raw_frame(&frame);
        })
        .await;
    assert!(refused(&mut live, "replayed") > 0);
}

#[tokio::test]
async fn unknown_ids_and_numbers_that_are_none_are_strikes() {
    let arena = Arena::open().await;
    let skill = arena.live.inner.config.assets.skills.by_name("skill/bolt").expect("it is there");
    let nan = CastCommand { skill, target: CastTarget::Ground(glam::Vec3::NAN) };
    let body = sim::command::ClientCommand::encode(&nan);
    let mut live = arena
        .until_thrown_out(Goodbye::Abuse, |cheat, round| {
            let kind = if round % 2 == 0 { 0 } else { 999 };
            let _closed = cheat.send_raw_command(kind, body.clone());
        })
        .await;
    let stats = take_stats(&mut live.inner.scene);
    assert!(stats.rejected.contains_key("out_of_range") && stats.rejected.contains_key("unknown_kind"), "{stats:?}");
}

#[tokio::test]
async fn acknowledging_what_was_never_sent_is_a_strike() {
    let arena = Arena::open().await;
    let step = WireStep { x: 127, z: 0, flags: 0 };
    arena
        .until_thrown_out(Goodbye::Abuse, |cheat, round| {
            let lie = InputDatagram {
                sequence: round,
                view_tick: u32::MAX,
                forced_epoch: 0,
                claim_x_cm: i32::MAX,
                claim_z_cm: i32::MIN,
                frame_ack: u32::MAX,
                frame_ack_bits: u32::MAX,
                batch_ack: u32::MAX,
                steps: vec![step].into(),
            };
            let mut bytes = Vec::new();
            encode_input(&lie, &mut bytes).expect("it fits");
            let _closed = cheat.send_raw_datagram(bytes.into());
        })
        .await;
}

#[tokio::test]
async fn a_flood_is_dropped_before_it_is_read_and_then_thrown_out() {
    let arena = Arena::open().await;
    // Well-formed, so that it is their number alone that is wrong.
    arena
        .until_thrown_out(Goodbye::Flood, |cheat, _| {
            for _ in 0..100 {
                let _closed = cheat.send_input(StepInput::default());
            }
        })
        .await;
}

#[tokio::test]
async fn casts_against_the_rules_are_refused_with_a_reason_and_change_nothing() {
    let mut live = LiveScene::flat();
    let mut cheat = live.join("cheat").await;
    let place = live.inner.position(live.character("cheat"));
    let far = live.inner.monster_at("monster/dummy", place.x + 40.0, place.z);
    let unseen = live.inner.monster_at("monster/dummy", place.x + 300.0, place.z);
    let skills = &live.inner.config.assets.skills;
    let bolt = skills.by_name("skill/bolt").expect("it is there");
    let full = live.inner.get::<sim::features::combat::Vitals>(far).hp;
    live.until(&mut [&mut cheat], "it sees the far one", |_, clients| clients[0].world().entity(far).is_some()).await;
    cheat.send_command(&CastCommand { skill: bolt, target: CastTarget::Unit(far) }).expect("the link is up");
    cheat.send_command(&CastCommand { skill: bolt, target: CastTarget::Unit(unseen) }).expect("the link is up");
    let nobody = CastTarget::Unit(sim::ids::SimId::from_bits(0xdead_b000));
    cheat.send_command(&CastCommand { skill: bolt, target: nobody }).expect("the link is up");
    let mut reasons = Vec::new();
    live.until(&mut [&mut cheat], "all three are refused", |_, clients| {
        while let Some(rejection) = clients[0].take_rejection() {
            reasons.push(rejection.reason);
        }
        reasons.len() == 3
    })
    .await;
    assert_eq!(reasons, ["range", "no_target", "no_target"], "the unseen one answers like one that does not exist");
    assert_eq!(live.inner.get::<sim::features::combat::Vitals>(far).hp, full);
    assert_eq!(live.scene().world().resource::<Counters>().count(COMMAND_REJECTED, "no_target"), 2);
}
