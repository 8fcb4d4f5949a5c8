//! The list of all tests that need more than one part of the project: one binary, one module per feature.
//! Start with `life_of_a_tick`: it follows one input from a client's datagram to another client's screen.

mod life_of_a_tick;
mod live_scene;

mod arrival;
mod attack_table;
mod attributes;
mod bosses;
mod buffs;
mod combat;
mod crowd;
mod diminishing;
mod doors;
mod duels;
mod effect_chains;
mod effects;
mod equipment;
mod examples;
mod hit_point_ledger;
mod interest;
mod lab;
mod loot;
mod monsters;
mod movement;
mod party;
mod procs;
mod progress;
mod pvp;
mod resurrection;
mod shields;
mod skill_engine;
mod skills;
mod threat;
mod world_events;

mod assets;
mod bad_assets;
mod bag;
mod determinism;
mod geometry_edit;
mod hostile_client;
mod liveness;
mod loss;
mod nav_cli;
mod navbake;
mod new_feature;
mod pathfinding;
mod portals;
mod random_play;
mod reload;
mod reload_storm;
mod secrecy;
mod tick_order;
mod tidy;
