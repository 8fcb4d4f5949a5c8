//! Buffs: effects that rest on an actor for a while: modifiers, tags, periods, procs, shields, break bars.
//! Receive: newcomers claim theirs. Resolve: what is due acts and ends ([`BuffSystems::Period`]); the combat loop applies,
//! breaks and dispels; then the dead lose theirs and totals are worked out ([`BuffSystems::Change`]). What a buff is, is
//! data; nothing here knows one by name.
//!
//! Order of one tick: bearers by their ids, each one's buffs in the order in which they came. For a buff, first the end of its
//! channel, then the values that follow its source, then every period that is over (one that ends with the buff still
//! counts), then its end or the loss of a stack. All that is only queued. The combat loop resolves what is queued by the
//! ids of the *sources*, for one source in the order of queueing, and what a deed sets off right after it; tags change at
//! once, attributes at the end of the stage. Budget: at most [`BUFFS_MAX`] buffs on one actor, and of the deeds of a tick at
//! most [`EFFECTS_MAX`] in the scene, [`SOURCE_EFFECTS_MAX`] of one source and [`DEPTH_MAX`] that set one another off. What
//! is beyond is dropped and counted, and comes back with the next period.
//!
//! [`EFFECTS_MAX`]: crate::features::combat::EFFECTS_MAX
//! [`SOURCE_EFFECTS_MAX`]: crate::features::combat::SOURCE_EFFECTS_MAX
//! [`DEPTH_MAX`]: crate::features::combat::DEPTH_MAX

use bevy_app::App;
use bevy_ecs::prelude::*;

use crate::actor::Actor;
use crate::assets::{TagId, TagSet};
use crate::digest::{Digest, DigestApp, Digester};
use crate::epoch::EpochApp;
use crate::features::players::CarryApp;
use crate::features::skills::CastSystems;
use crate::input::ReceiveSystems;
use crate::tick::{Tick, TickSystems};

mod absorb;
mod active;
mod application;
mod break_bar;
mod carry;
mod clock;
mod deeds;
mod diminish;
mod doing;
mod ending;
mod gates;
mod period;
mod ppm;
mod procs;
mod rebase;
mod removal;
mod stacking;
mod totals;

pub(crate) use absorb::Incoming;
pub use active::{ActiveBuffs, BUFFS_MAX, BUFFS_SHOWN_MAX, Buff, BuffSeen, FOREVER, ProcState};
pub(crate) use application::apply_effect;
pub use break_bar::{BreakBar, BreakBarSeen};
pub use carry::Away;
pub use diminish::{Diminished, ended, remember, shortened};
pub(crate) use ending::{clear_all, clear_of_source};
pub use gates::Refused;
pub use period::{Beat, hasted_period_ms};
pub use ppm::chance_millionths;
pub(crate) use procs::react;
pub(crate) use removal::{Dispelling, break_by_damage, dispel, remove, shield, stagger};
pub use stacking::{Application, apply};

/// Effects that could not be applied, by reason.
pub const BUFF_REFUSED: &str = "buff_refused_total";

/// The buffs' places in the Resolve stage; damage lies between the two.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuffSystems {
    /// What is due acts and ends.
    Period,
    /// The dead lose what does not outlast them; attributes follow the lists.
    Change,
}

/// What an actor has been granted by all its buffs and by what it does. Written in the Resolve stage, when the list
/// changes, and in Act and Resolve, when a cast begins or ends.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tags {
    /// The tags with their ancestors.
    pub granted: TagSet,
    /// What it does, whose tags are among them.
    doing: Doing,
}

/// What an actor does that is a state: `state.casting`, and `state.channelling` besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Doing {
    #[default]
    Nothing,
    Casting,
    Channelling,
}

impl Tags {
    /// True while any buff, or what it does, grants the tag or one below it.
    #[must_use]
    pub const fn has(&self, tag: TagId) -> bool {
        self.granted.has(tag)
    }
}

impl Digest for Tags {
    fn digest(&self, digester: &mut Digester) {
        self.granted.iter().for_each(|tag| digester.u32(tag.index() as u32));
    }
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.register_required_components::<Actor, ActiveBuffs>()
        .register_required_components::<Actor, Tags>()
        .register_required_components::<Actor, BreakBar>()
        .register_required_components::<Actor, clock::BuffClock>();
    app.add_systems(
        Tick,
        (
            doing::follow_casts.in_set(TickSystems::Act).after(CastSystems::Run),
            carry::receive_newcomers.in_set(TickSystems::Receive).after(ReceiveSystems::Admit),
            clock::run_clocks.in_set(BuffSystems::Period),
            (doing::follow_casts, removal::reveal_attackers, removal::clear_the_dead, totals::work_out_changes)
                .chain()
                .in_set(BuffSystems::Change),
        ),
    );
    app.on_epoch(rebase::follow_epoch);
    app.carry::<ActiveBuffs>().carry::<Away>();
    app.digest_component::<ActiveBuffs>("buffs")
        .digest_component::<Tags>("buffs")
        .digest_component::<BreakBar>("buffs");
}
