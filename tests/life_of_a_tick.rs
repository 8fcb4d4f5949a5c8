//! Start here. One input goes the whole way: from a client's datagram over QUIC into the mailbox, through the
//! nine stages of a tick, and onto another client's screen; then the same for a skill, and for the end of a
//! session. Everything is real but the game data and the pace.

use glam::Vec2;
use sim::actor::Kind;
use sim::features::combat::{HealthChanged, Vitals};
use sim::features::skills::CastCommand;
use sim::ids::SimId;
use sim::input::{InputProgress, Players};
use sim::intent::CastTarget;
use sim::locomotion::StepInput;
use sim::wire::Reader;

use crate::live_scene::{LiveScene, player_of};

#[tokio::test]
async fn a_step_reaches_the_world_the_other_screen_and_its_own_prediction() {
    let mut live = LiveScene::flat();
    let mut walker = live.join("walker").await;
    let mut watcher = live.join("watcher").await;
    let id = live.character("walker");
    let profile = live.inner.config.assets.movements.iter().next().expect("there is one").1.clone();
    walker.predict_with(profile, live.inner.config.geometry.clone());
    let start = live.inner.position(id);

    // The client sends directions only; what it predicts is its own business.
    let mut steps = 0;
    live.until(&mut [&mut walker, &mut watcher], "the walker walks 3 m", |live, clients| {
        steps += 1;
        clients[0].send_input(StepInput { wish: Vec2::X, walk: false }).expect("the link is up");
        live.inner.position(id).x - start.x > 3.0
    })
    .await;

    // The server applied the steps in sequence and says so; the other client's screen follows the world.
    assert!(live.inner.get::<InputProgress>(id).applied_sequence > 0);
    live.until(&mut [&mut walker, &mut watcher], "the walker rests", |live, clients| {
        clients[0].send_input(StepInput::default()).expect("the link is up");
        live.inner.get::<sim::actor::Motion>(id).velocity.length() == 0.0
    })
    .await;
    live.until(&mut [&mut walker, &mut watcher], "the screens agree with the world", |live, clients| {
        clients[0].send_input(StepInput::default()).expect("the link is up");
        clients[1].send_input(StepInput::default()).expect("the link is up");
        let truth = live.inner.position(id);
        let on_screen = clients[1].world().position(id);
        let own = clients[0].own_position();
        on_screen.is_some_and(|place| place.distance(truth) < 0.02) && own.distance(truth) < 0.01
    })
    .await;
    assert_eq!(walker.stats().corrections, 0, "client and server share one step: the prediction was exact");
    assert_eq!(walker.stats().decode_errors + watcher.stats().decode_errors, 0);
}

#[tokio::test]
async fn a_cast_hurts_its_target_on_every_screen() {
    let mut live = LiveScene::flat();
    let (mut caster, mut watcher) = (live.join("caster").await, live.join("watcher").await);
    let id = live.character("caster");
    let place = live.inner.position(id);
    let dummy = live.inner.monster_at("monster/dummy", place.x + 2.0, place.z);
    let kind = caster.world().component("kind").expect("the table names it");
    live.until(&mut [&mut caster, &mut watcher], "both see the dummy", |_, clients| {
        clients.iter().all(|client| client.world().entity(dummy).is_some())
    })
    .await;
    let shown = caster.world().entity(dummy).and_then(|entity| entity.value(kind)).expect("it has a kind");
    assert!(matches!(Kind::from_wire(&mut Reader::new(shown)), Some(Kind::Monster(_))));

    let skill = live.inner.config.assets.skills.by_name("skill/strike").expect("the test data have it");
    // It faces its target first: a blow does not land behind one's back.
    caster.send_input(StepInput { wish: Vec2::X, walk: true }).expect("the link is up");
    caster.send_command(&CastCommand { skill, target: CastTarget::Unit(dummy) }).expect("the link is up");
    let mut told = [false, false];
    live.until(&mut [&mut caster, &mut watcher], "both are told of the blow", |_, clients| {
        for (client, told) in clients.iter_mut().zip(&mut told) {
            while let Some(event) = client.take_event() {
                let name = client.world().event_name(event.kind).map(str::to_owned);
                let blow = HealthChanged::from_wire(event.subject, &mut Reader::new(&event.body));
                *told |= name.as_deref() == Some("health_changed")
                    && blow.is_some_and(|blow| blow.target == dummy && blow.source == id && blow.amount < 0);
            }
        }
        told == [true, true]
    })
    .await;
    let hp = live.inner.get::<Vitals>(dummy).hp;
    let component = watcher.world().component("vitals").expect("the table names it");
    live.until(&mut [&mut watcher], "the health bar follows", |_, clients| {
        shown_hp(clients[0], component, dummy) == Some(hp)
    })
    .await;
}

fn shown_hp(client: &net::client::Client, component: u8, id: SimId) -> Option<u32> {
    let value = client.world().entity(id)?.value(component)?;
    Vitals::from_wire(&mut Reader::new(value)).map(|vitals| vitals.hp)
}

#[tokio::test]
async fn a_second_login_kicks_the_first_and_takes_the_same_character_over() {
    let mut live = LiveScene::flat();
    let mut first = live.join("twin").await;
    let id = live.character("twin");
    let second = live.join("twin").await;
    assert_eq!(live.character("twin"), id, "one character, not two");
    assert_eq!(second.world().scene().expect("it is in").own, id);
    live.until(&mut [&mut first], "the first is told", |_, clients| {
        clients[0].goodbye() == Some(net::protocol::Goodbye::Kicked)
    })
    .await;
}

#[tokio::test]
async fn a_lost_link_leaves_the_character_and_a_logout_does_not() {
    let mut live = LiveScene::flat();
    let (lost, leaver) = (live.join("lost").await, live.join("leaver").await);
    drop(lost);
    let leaving = tokio::spawn(leaver.leave());
    live.until(&mut [], "the leaver is gone", |live, _| {
        !live.scene().world().resource::<Players>().0.contains_key(&player_of("leaver"))
    })
    .await;
    assert_eq!(leaving.await.expect("it runs"), Some(net::protocol::Goodbye::LoggedOut));
    let id = live.character("lost");
    let entity = live.inner.entity(id);
    live.until(&mut [], "the lost one is link-dead", |live, _| {
        live.scene().world().get::<sim::features::players::LinkDead>(entity).is_some()
    })
    .await;
    live.inner.ticks(sim::features::players::LINK_DEAD_TICKS + 1);
    assert!(live.scene().world().resource::<Players>().0.is_empty(), "after 60 s it leaves the world");
}
