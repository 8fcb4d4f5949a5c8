//! Buffs: effects that rest on an actor for a while: modifiers, states, and something once per period.
//! Resolve: queues what is due ([`BuffSystems::Period`]), applies and breaks as the combat loop says, and after it ends what
//! is over and works out what the rest amounts to ([`BuffSystems::Change`]). What a buff is, is data; nothing here knows one by name.

use bevy_app::App;
use bevy_ecs::prelude::*;

use crate::actor::Actor;
use crate::assets::{TagId, TagSet};
use crate::digest::{Digest, DigestApp, Digester};
use crate::features::players::CarryApp;
use crate::tick::Tick;

mod active;
mod application;
mod lifecycle;
mod stacking;

pub use active::{ActiveBuffs, BUFFS_MAX, Buff, BuffSeen};
pub(crate) use active::{clear_all, clear_of_source};
pub(crate) use application::{apply_effect, break_by_damage};
pub use stacking::{Application, apply};

/// Effects that could not be applied, by reason.
pub const BUFF_REFUSED: &str = "buff_refused_total";

/// The buffs' places in the Resolve stage; damage lies between the two.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuffSystems {
    /// Periodic actions are queued.
    Period,
    /// Lists change, and attributes and states with them.
    Change,
}

/// What an actor has been granted by all its buffs. Written in the Resolve stage, when the list changes.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tags {
    /// The tags with their ancestors.
    pub granted: TagSet,
}

impl Tags {
    /// True while any buff grants the tag or one below it.
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
    app.register_required_components::<Actor, ActiveBuffs>().register_required_components::<Actor, Tags>();
    app.add_systems(
        Tick,
        (
            lifecycle::queue_periodic_actions.in_set(BuffSystems::Period),
            (
                lifecycle::reveal_attackers,
                lifecycle::clear_the_dead,
                lifecycle::expire_buffs,
                lifecycle::work_out_changes,
            )
                .chain()
                .in_set(BuffSystems::Change),
        ),
    );
    app.carry::<ActiveBuffs>();
    app.digest_component::<ActiveBuffs>("buffs").digest_component::<Tags>("buffs");
}
