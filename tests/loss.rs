//! Loss heals. Clients play through a path that loses, delays and reorders a fifth of all packets; once the
//! world rests, every client's picture must equal what its character sees, to the last place and value.

use glam::{Vec2, Vec3};
use net::client::Client;
use net::lossy_link::{Impairment, LossyLink};
use sim::features::combat::Vitals;
use sim::ids::SimId;
use sim::locomotion::StepInput;
use sim::random::{Random, Stream};
use sim::wire::Reader;

use crate::live_scene::LiveScene;

const CLIENTS: usize = 6;

#[tokio::test]
async fn after_20_percent_loss_and_reordering_every_view_equals_the_world() {
    views_converge(Impairment {
        loss_pct: 20,
        reorder_pct: 20,
        delay_ms: 10,
        jitter_ms: 10,
        seed: 1,
        duplicate_pct: 5,
    })
    .await;
}

#[tokio::test]
async fn after_a_short_outage_every_view_equals_the_world() {
    let mut live = LiveScene::flat();
    let link = LossyLink::start(live.addr(), Impairment::default()).await.expect("the proxy starts");
    let mut watcher = live.join_through("watcher", link.addr()).await;
    let mut walker = live.join("walker").await;
    link.cut();
    let mut steps = 0;
    live.until(&mut [&mut walker, &mut watcher], "the walker walks while the watcher hears nothing", |_, clients| {
        steps += 1;
        send(clients[0], Vec2::Y);
        send(clients[1], Vec2::ZERO);
        steps > 60
    })
    .await;
    link.mend();
    settle(&mut live, &mut [walker, watcher], &["walker", "watcher"]).await;
}

async fn views_converge(impairment: Impairment) {
    let mut live = LiveScene::flat();
    let link = LossyLink::start(live.addr(), impairment).await.expect("the proxy starts");
    for rat in 0..10_u8 {
        live.inner.monster_at("monster/rat", f32::from(rat) * 8.0 - 40.0, 12.0);
    }
    let names: Vec<String> = (0..CLIENTS).map(|number| format!("player{number}")).collect();
    let mut clients = Vec::new();
    for name in &names {
        clients.push(live.join_through(name, link.addr()).await);
    }
    let random = Random::new(impairment.seed);
    let mut round = 0_u32;
    let mut borrowed: Vec<&mut Client> = clients.iter_mut().collect();
    live.until(&mut borrowed, "everyone walks about for 300 ticks", |_, clients| {
        round += 1;
        for (number, client) in (1_u32..).zip(clients.iter_mut()) {
            let mut draw = random.draw(round / 20, SimId::new(number, 0), Stream("walk"), 0);
            send(client, Vec2::from_angle(draw.unit() * std::f32::consts::TAU));
        }
        round > 300
    })
    .await;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    settle(&mut live, &mut clients, &names).await;
    assert!(link.stats().lost > 100, "the path did lose packets: {:?}", link.stats());
}

/// Everyone stands still until all pictures are right; names the first difference when they never are.
async fn settle(live: &mut LiveScene, clients: &mut [Client], names: &[&str]) {
    let ids: Vec<SimId> = names.iter().map(|name| live.character(name)).collect();
    let mut difference = String::new();
    let mut borrowed: Vec<&mut Client> = clients.iter_mut().collect();
    live.until(&mut borrowed, "all views equal the world", |live, clients| {
        difference.clear();
        for (client, &id) in clients.iter_mut().zip(&ids) {
            send(client, Vec2::ZERO);
            difference = differs(live, client, id).unwrap_or_else(|| std::mem::take(&mut difference));
        }
        difference.is_empty()
    })
    .await;
    for client in clients {
        assert_eq!(client.stats().decode_errors, 0);
    }
}

fn differs(live: &LiveScene, client: &Client, id: SimId) -> Option<String> {
    let truth = live.seen_by(id);
    let vitals = client.world().component("vitals")?;
    let mut shown: Vec<SimId> = client.world().entities().map(net::client::world::RemoteEntity::id).collect();
    shown.sort_unstable();
    if shown != truth.iter().map(|&(seen, _)| seen).collect::<Vec<_>>() {
        return Some(format!("{id} sees {truth:?} and is shown {shown:?}"));
    }
    truth.into_iter().find_map(|(seen, place)| {
        let at = if seen == id { Some(client.own_position()) } else { client.world().position(seen) };
        let near = at.is_some_and(|at: Vec3| (at - place).abs().max_element() < 0.02);
        let hp = client
            .world()
            .entity(seen)
            .and_then(|entity| entity.value(vitals))
            .and_then(|value| Vitals::from_wire(&mut Reader::new(value)));
        let true_hp = live.inner.scene.world().get::<Vitals>(live.inner.entity(seen)).map(|vitals| vitals.hp);
        (!near || hp.map(|vitals| vitals.hp) != true_hp)
            .then(|| format!("{id} sees {seen} at {place} and is shown {at:?}"))
    })
}

fn send(client: &mut Client, wish: Vec2) {
    // A client whose link is down in this moment says nothing; it must not have been dropped.
    let sent = client.send_input(StepInput { wish, walk: false });
    assert!(sent.is_ok(), "{sent:?}, {:?}", client.closed());
}
