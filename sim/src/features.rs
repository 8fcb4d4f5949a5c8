//! What exists: the list of features. A feature is a bevy plugin in a file of its own; it may use another's
//! public components, messages and sets, never its systems.

use bevy_app::App;

pub mod buffs;
pub mod combat;
pub mod company;
pub mod doors;
pub mod equipment;
pub mod loot;
pub mod monsters;
pub mod movement;
pub mod navigation;
pub mod party;
pub mod players;
pub mod progress;
pub mod pvp;
pub mod reshape;
pub mod skills;
pub mod taps;
pub mod world_events;

/// Adds every feature.
pub fn plugin(app: &mut App) {
    app.add_plugins((players::plugin, movement::plugin, combat::plugin));
    app.add_plugins((navigation::plugin, reshape::plugin));
    app.add_plugins((skills::plugin, buffs::plugin, monsters::plugin, loot::plugin));
    app.add_plugins((doors::plugin, world_events::plugin, party::plugin, equipment::plugin));
    app.add_plugins((progress::plugin, pvp::plugin, taps::plugin, company::plugin));
}
