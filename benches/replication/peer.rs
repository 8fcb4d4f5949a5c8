//! The peer: `bevy_replicon`'s server with as many clients and entities, a place of three 16-bit numbers and a facing of
//! one byte each, and a visibility that is set once. Acknowledgements are what its own client would send.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bevy_app::{App, PluginGroup, PostUpdate, TaskPoolPlugin};
use bevy_ecs::prelude::*;
use bevy_replicon::bytes::Bytes;
use bevy_replicon::prelude::*;
use bevy_replicon::server::visibility::client_visibility::ClientVisibility;
use bevy_replicon::server::visibility::filters_mask::FilterBit;
use bevy_replicon::server::visibility::registry::FilterRegistry;
use bevy_replicon::shared::backend::channels::{ClientChannel, ServerChannel};
use bevy_replicon::shared::replication::registry::ReplicationRegistry;
use bevy_state::app::StatesPlugin;
use bevy_state::state::NextState;
use bevy_time::TimePlugin;

use crate::spread::{SIGHT_M, half_side_m, place};
use crate::{Case, Cost, TICKS, WARM_UP_TICKS, median};

/// Largest message a client takes, in bytes: as ours.
const MESSAGE_BYTES_MAX: usize = 1_150;
/// Ticks until a message is acknowledged.
const ACK_AFTER_TICKS: usize = 2;

#[derive(Component, serde::Serialize, serde::Deserialize, Clone, Copy)]
struct Place {
    x: u16,
    y: u16,
    z: u16,
}

#[derive(Component, serde::Serialize, serde::Deserialize, Clone, Copy)]
struct Facing(u8);

/// Runs a case and gives its medians.
pub(crate) fn measure(case: Case) -> Cost {
    let (mut app, in_view) = server(case);
    let mut on_the_way = VecDeque::new();
    for _ in 0..WARM_UP_TICKS {
        tick(&mut app, &mut on_the_way);
    }
    let (mut times, mut bytes) = (Vec::new(), 0);
    for _ in 0..TICKS {
        let (took, sent_bytes) = tick(&mut app, &mut on_the_way);
        times.push(took);
        bytes += sent_bytes;
    }
    Cost {
        replicate: median(times),
        with_interest: None,
        in_view,
        client_bytes: bytes as f64 / f64::from(TICKS * case.clients),
    }
}

fn server(case: Case) -> (App, f64) {
    let mut app = App::new();
    let shared = RepliconSharedPlugin { auth_method: AuthMethod::None };
    app.add_plugins((
        TaskPoolPlugin::default(),
        TimePlugin,
        StatesPlugin,
        RepliconPlugins.set(shared).set(ServerPlugin::new(PostUpdate)),
    ));
    app.replicate::<Place>().replicate::<Facing>();
    app.finish();
    app.cleanup();
    let hidden = hidden_bit(app.world_mut());
    app.world_mut().resource_mut::<NextState<ServerState>>().set(ServerState::Running);
    app.update();
    let half_m = half_side_m(f64::from(case.entities), f64::from(case.in_view));
    let places: Vec<_> = (0..case.entities).map(|number| place(number, half_m)).collect();
    let entities: Vec<Entity> = places
        .iter()
        .map(|_| app.world_mut().spawn((Replicated, Place { x: 0, y: 0, z: 0 }, Facing(0))).id())
        .collect();
    let mut seen = 0;
    for own in places.iter().take(case.clients as usize) {
        let client = app.world_mut().spawn(ConnectedClient { max_size: MESSAGE_BYTES_MAX }).id();
        let mut client = app.world_mut().entity_mut(client);
        let mut visibility = client.get_mut::<ClientVisibility>().expect("the client is authorized");
        for (other, &entity) in places.iter().zip(&entities) {
            let is_seen = own.distance(*other) <= SIGHT_M;
            visibility.set(entity, hidden, is_seen);
            seen += u32::from(is_seen);
        }
    }
    (app, f64::from(seen) / f64::from(case.clients))
}

fn hidden_bit(world: &mut World) -> FilterBit {
    world.resource_scope(|world, mut filters: Mut<FilterRegistry>| {
        world.resource_scope(|world, mut registry: Mut<ReplicationRegistry>| {
            filters.register_scope::<Entity>(world, &mut registry, ScopeLifetime::WhileVisible)
        })
    })
}

type Acks = Vec<(Entity, [u8; 2])>;

/// One tick after every entity has moved; only the tick itself is timed. Answers the bytes of mutations as well.
fn tick(app: &mut App, on_the_way: &mut VecDeque<Acks>) -> (Duration, usize) {
    let mut moving = app.world_mut().query::<(&mut Place, &mut Facing)>();
    for (mut place, mut facing) in moving.iter_mut(app.world_mut()) {
        place.x = place.x.wrapping_add(27);
        place.z = place.z.wrapping_add(14);
        facing.0 = facing.0.wrapping_add(u8::from(place.x.is_multiple_of(10)));
    }
    if on_the_way.len() >= ACK_AFTER_TICKS
        && let Some(acks) = on_the_way.pop_front()
    {
        let mut messages = app.world_mut().resource_mut::<ServerMessages>();
        for (client, index) in acks {
            messages.insert_received(client, ClientChannel::MutationAcks, Bytes::copy_from_slice(&index));
        }
    }
    let start = Instant::now();
    app.update();
    let took = start.elapsed();
    let (mut acks, mut bytes) = (Acks::new(), 0);
    for (client, channel, message) in app.world_mut().resource_mut::<ServerMessages>().drain_sent() {
        bytes += message.len();
        if channel == usize::from(ServerChannel::Mutations)
            // Behind a byte of flags stands the number of the message.
            && let Some(&[low, high]) = message.get(1..3)
        {
            acks.push((client, [low, high]));
        }
    }
    on_the_way.push_back(acks);
    (took, bytes)
}
