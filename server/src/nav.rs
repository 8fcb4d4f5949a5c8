//! Navmeshes of the process: where those of the scenes come from ([`scenes`]), what people and programs may ask one
//! ([`queries`], [`answers`], [`info`]), and how an edited scene gets a new one while it runs ([`watch`]).
//! What walkable means is decided by the baker, what a query means by the simulation.

pub mod answers;
pub mod info;
pub mod queries;
