//! Bytes: what travels between a scene and its clients, and how.
//!
//! On the server, a connection ([`endpoint`], on a [`driver`]) and the tick meet only in a [`mailbox`]; within the tick,
//! [`inbound`] turns bytes into commands and [`outbound`] turns what changed and is seen into bytes, for the
//! [`sessions`] of the scene. On the other side stands the [`client`] library. [`protocol`] names every envelope
//! and every limit, [`codec`] and [`records`] read and write them totally.
//!
//! This crate knows no feature: what a component is called and how it is written comes from the lists in
//! `sim::replicated` and `sim::command`.

pub mod client;
pub mod codec;
pub mod driver;
pub mod endpoint;
pub mod inbound;
pub mod lockstep;
pub mod lossy_link;
pub mod mailbox;
pub mod motion;
pub mod observer;
pub mod outbound;
pub mod protocol;
pub mod rate;
pub mod records;
pub mod resumption;
pub mod sessions;
pub mod slots;

/// Connects a scene to its clients; pass it to `sim::scene::Scene::new`.
pub fn plugin(app: &mut bevy_app::App) {
    app.init_resource::<sessions::Sessions>();
    app.add_plugins((inbound::plugin, outbound::plugin, lockstep::plugin));
}
