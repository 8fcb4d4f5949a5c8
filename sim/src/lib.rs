//! The rules of the world. A [`scene::Scene`] is a `bevy_ecs` world and one schedule in nine stages
//! ([`tick`]), a pure function of its assets, its seed and its inputs ([`input`]).
//!
//! Nothing here touches sockets, files, clocks or threads. Features stand under [`features`] and are named by
//! the foundation in three lists only: [`features`] itself, [`command`] and [`replicated`].

pub mod actor;
pub mod assets;
pub mod behaviour;
pub mod command;
pub mod counters;
pub mod digest;
pub mod epoch;
pub mod features;
pub mod formula;
pub mod ids;
pub mod input;
pub mod intent;
pub mod interest;
pub mod laboratory;
pub mod locomotion;
pub mod log;
pub mod random;
pub mod replicated;
pub mod roster;
pub mod scene;
pub mod space;
pub mod testing;
pub mod tick;
pub mod wire;
