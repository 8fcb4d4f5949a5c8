//! The list of all tests that need more than one part of the project: one binary, one module per feature.
//! Start with `life_of_a_tick`: it follows one input from a client's datagram to another client's screen.

/// What the tests allocate is counted.
#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

mod life_of_a_tick;
mod live_scene;
mod virtual_net;

mod allocations;
mod areas;
mod arrival;
mod attack_table;
mod attributes;
mod bosses;
mod buffs;
mod casting_states;
mod combat;
mod company;
mod crowd;
mod diminishing;
mod doors;
mod duels;
mod effect_chains;
mod effect_reactions;
mod effect_records;
mod effects;
mod equipment;
mod examples;
mod groups;
mod hit_point_ledger;
mod interest;
mod interrupts;
mod lab;
mod latency;
mod loot;
mod monsters;
mod movement;
mod party;
mod procs;
mod progress;
mod published_numbers;
mod pvp;
mod resurrection;
mod shields;
mod skill_casts;
mod skill_engine;
mod skill_flights;
mod skill_shapes;
mod skills;
mod sleep;
mod spawners;
mod threat;
mod world_events;

mod assets;
mod bad_assets;
mod bad_ways;
mod bag;
mod determinism;
mod geometry_edit;
mod hostile_client;
mod liveness;
mod load_bots;
mod lockstep;
mod loss;
mod nav_cli;
mod navbake;
mod new_feature;
mod pathfinding;
mod portals;
mod random_play;
mod reconnect;
mod reload;
mod reload_storm;
mod replication;
mod secrecy;
mod sessions;
mod tick_order;
mod tidy;
mod tools_cli;
