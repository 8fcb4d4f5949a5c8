//! Skills: what an actor does on purpose. Validate: commands become intents or refusals. Act: casts start,
//! advance and finish, and what they do is queued as effects.
//!
//! Mana is paid, and cooldown and global cooldown begin, when a cast starts. A cast that its caster breaks off
//! (by moving or by a stop) gives mana and cooldown back; one that is interrupted or fails does not. The global
//! cooldown runs on in any case. Monsters cast by the same intents and under the same rules as players.

use bevy_app::App;
use bevy_ecs::prelude::*;

use crate::actor::Actor;
use crate::digest::DigestApp;
use crate::features::players::CarryApp;
use crate::tick::{Tick, TickSystems};

mod act;
mod casting;
mod commands;
mod cooldowns;
mod mana;
mod rules;
mod targeting;
mod validate;

pub use casting::{Cast, CastEnded, CastOutcome, CastSeen, CastStarted, Casting, StopIntent};
pub use commands::{CastCommand, StopCastCommand};
pub use cooldowns::Cooldowns;
pub use mana::Mana;
pub(crate) use mana::ManaChange;
pub use rules::{Aim, CasterView, Refusal, TargetView, check_aim, check_caster, in_reach};
pub use targeting::{Units, Visible, aim_of};

/// Order of the features in the Validate stage; portals come after all of them.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValidateSystems {
    /// Movement: whether a caster moves is known when its casts are looked at.
    Moves,
    /// Requests to take loot.
    Takes,
    /// Requests to cast and to stop casting.
    Casts,
}

/// Order within the Act stage.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CastSystems {
    /// Casts are stopped, started, advanced and finished.
    Run,
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.add_message::<crate::intent::CastIntent>().add_message::<StopIntent>().add_message::<CastStarted>();
    app.register_required_components::<Actor, Mana>()
        .register_required_components::<Actor, Cooldowns>()
        .register_required_components::<Actor, Casting>();
    app.configure_sets(
        Tick,
        (
            (ValidateSystems::Moves, ValidateSystems::Takes, ValidateSystems::Casts)
                .chain()
                .in_set(TickSystems::Validate),
            CastSystems::Run.in_set(TickSystems::Act),
        ),
    );
    app.add_systems(
        Tick,
        (
            (validate::validate_stops, validate::validate_casts).chain().in_set(ValidateSystems::Casts),
            (act::stop_casts, act::start_casts, act::advance_casts).chain().in_set(CastSystems::Run),
        ),
    );
    app.carry::<Mana>().carry::<Cooldowns>();
    app.digest_component::<Mana>("skills")
        .digest_component::<Cooldowns>("skills")
        .digest_component::<Casting>("skills");
}
