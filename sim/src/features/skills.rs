//! Skills: what an actor does on purpose. Validate: commands become intents, wait for their moment, or are refused. Act: casts
//! stop, go on, take effect and start, and what they do is queued. Resolve: what flies and what lies on the ground acts
//! before the combat loop; what the loop let pass (kicks, pushes, cooldowns) happens after it.
//!
//! Cooldowns begin when a cast starts; prices are paid when their definition says. What ends a cast before its time, and
//! whether what it took at the start comes back, is said by the table of interruptions ([`InterruptRules`]) and the skill;
//! one that fails at its end gives back nothing unless its definition says so. The global cooldown runs on in any case.
//! Monsters cast by the same intents and under the same rules as players.

use bevy_app::App;
use bevy_ecs::prelude::*;

use crate::actor::Actor;
use crate::digest::DigestApp;
use crate::epoch::EpochApp;
use crate::features::players::{CarryApp, Player};
use crate::tick::{Tick, TickSystems};

mod act;
mod areas;
mod caster;
mod casting;
mod combo;
mod commands;
mod cooldowns;
mod deliver;
mod displace;
mod follow;
mod interrupts;
mod mana;
mod projectiles;
mod queue;
mod rules;
mod shapes;
mod sweep;
mod targeting;
mod validate;

pub use crate::assets::CastKind;
pub use areas::{AREAS_MAX, Area, Lasting};
pub use casting::{Cast, CastEnded, CastOutcome, CastSeen, CastStarted, Casting, ReleaseIntent, StopIntent};
pub use combo::Combo;
pub use commands::{CastCommand, ReleaseCastCommand, StopCastCommand};
pub use cooldowns::{Cooldowns, CooldownsSeen, now_ms, tick_of};
pub use deliver::{Conjured, Conjuring, Toward};
pub use follow::PassedOn;
pub use interrupts::{Disturbed, InterruptRules};
pub use mana::Mana;
pub(crate) use mana::ManaChange;
pub use projectiles::{CONJURE_REFUSED, InFlight, PROJECTILES_MAX, Projectile};
pub use queue::{ALLOWANCE_MS_MAX, CastQueue, Punctuality, QueuedCast};
pub use rules::{Aim, CasterView, Refusal, TargetView, check_aim, check_caster, in_reach};
pub use shapes::Shape;
pub use targeting::{Spread, Units, Visible, aim_of};

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

/// The skills' places in the Resolve stage; the combat loop lies between the two.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SkillSystems {
    /// What flies and what lies on the ground queues what it does.
    Fly,
    /// What the loop let pass happens to casts, cooldowns and bodies; what was conjured comes into being.
    Follow,
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.add_message::<crate::intent::CastIntent>()
        .add_message::<StopIntent>()
        .add_message::<ReleaseIntent>()
        .add_message::<CastStarted>()
        .add_message::<Conjured>()
        .add_message::<PassedOn>()
        .add_message::<Disturbed>()
        .add_message::<deliver::LifePaid>();
    app.register_required_components::<Actor, Mana>()
        .register_required_components::<Actor, Cooldowns>()
        .register_required_components::<Actor, Casting>()
        .register_required_components::<Actor, Combo>()
        .register_required_components::<Player, Punctuality>()
        .register_required_components::<Player, CastQueue>();
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
            (queue::take_latency, validate::validate_stops, validate::validate_releases, validate::validate_casts)
                .chain()
                .in_set(ValidateSystems::Casts),
            (act::stop_casts, act::advance_casts, act::start_casts).chain().in_set(CastSystems::Run),
            (projectiles::fly, areas::look).chain().in_set(SkillSystems::Fly),
            (
                interrupts::feel_blows,
                interrupts::feel_deeds,
                follow::carry_on,
                interrupts::heed,
                follow::take_life,
                projectiles::launch,
                areas::lay,
            )
                .chain()
                .in_set(SkillSystems::Follow),
        ),
    );
    interrupts::read_table(app.world_mut());
    app.on_epoch(interrupts::follow_epoch).before_departure(interrupts::take_leave);
    app.carry::<Mana>().carry::<Cooldowns>();
    app.digest_component::<Mana>("skills")
        .digest_component::<Cooldowns>("skills")
        .digest_component::<Casting>("skills")
        .digest_component::<Combo>("skills")
        .digest_component::<CastQueue>("skills")
        .digest_component::<Punctuality>("skills")
        .digest_component::<Projectile>("skills")
        .digest_component::<Area>("skills")
        .digest_component::<Lasting>("skills");
}
