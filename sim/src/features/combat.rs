//! Combat: what effects do to hit points, and what follows: fights, deaths, respawn, regeneration.
//! Resolve: applies what is queued ([`EffectQueued`]), then fits vitals to attributes and lets time heal.
//!
//! Every change of hit points except regeneration and birth writes exactly one [`HealthChanged`]: the messages
//! are the combat log. The order of the features in the Resolve stage stands here, once.

use std::sync::Arc;

use bevy_app::App;
use bevy_ecs::prelude::*;

use crate::actor::Actor;
use crate::assets::CombatDef;
use crate::digest::DigestApp;
use crate::epoch::EpochApp;
use crate::features::buffs::BuffSystems;
use crate::features::doors::DoorSystems;
use crate::features::loot::LootSystems;
use crate::features::monsters::MonsterSystems;
use crate::features::players::{CarryApp, Player};
use crate::features::pvp::PvpSystems;
use crate::features::skills::{SkillSystems, ValidateSystems};
use crate::input::ReceiveSystems;
use crate::scene::{SceneAssets, SceneId};
use crate::tick::{Tick, TickSystems};

mod attack_table;
mod attributes;
mod blow;
mod context;
mod deed;
mod events;
mod haste;
mod health_log;
mod luck;
mod meters;
mod recovery;
mod resolve;
mod resurrection;
mod sides;
mod vitals;

pub use crate::assets::EventKind;
pub use attack_table::{AttackTable, Outcome, ROWS};
pub use attributes::{
    Attributes, Change, ChangeSource, Condition, Context, Contributor, Ledger, LedgerStep, Modifiers, Qualified,
    Subject,
};
pub use blow::{Blow, Roll, resistance};
pub use context::deed_tags;
pub use events::{Died, EffectAction, EffectQueued, Happening, Origin, Push, Trigger, Worth};
pub use haste::hasted_ms;
pub use health_log::{HealthChanged, HealthKind};
pub use luck::{Luck, streak_constant};
pub use meters::{METER_REFUSED, METERS_MAX, Meter, Meters, SOURCES_MAX, Tally};
pub use recovery::Regeneration;
pub use resolve::{
    DEPTH_MAX, EFFECT_DROPPED, EFFECTS_MAX, Patient, PatientItem, Resolver, SOURCE_EFFECTS_MAX, Worklist,
};
pub use resurrection::{ReleaseCommand, Respawn, ReturnCommand, ReturnOffer, ReturnOffered};
pub use sides::{Allegiance, Side, SideData, SideDataItem, Sides};
pub use vitals::{Fight, Level, Untouchable, Vitals};

/// Combat's places in the Resolve stage; between the two, buffs change.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DamageSystems {
    /// Everything queued happens: hit points and buffs change, actors die.
    Apply,
    /// Vitals follow attributes, the dead return, time heals, speeds follow states.
    Settle,
}

/// What becomes of a blow in this scene. Written when the scene is made and when its game data is replaced.
#[derive(Resource, Debug, Clone)]
pub struct CombatRules(pub Arc<CombatDef>);

/// Reads the rules of the scene from its game data.
fn read_rules(world: &mut World) {
    let (scene, assets) = (world.resource::<SceneId>().0, world.resource::<SceneAssets>().0.clone());
    world.insert_resource(Sides::of(&assets, scene));
    if let Some(def) = assets.combat.arc(assets.scenes[scene].combat.id()) {
        world.insert_resource(CombatRules(Arc::clone(def)));
    }
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.add_message::<EffectQueued>().init_resource::<Meters>();
    read_rules(app.world_mut());
    app.on_epoch(|world, _| read_rules(world)).on_epoch(attributes::rebase);
    app.init_resource::<attributes::Rebased>();
    app.register_required_components::<Actor, Vitals>()
        .register_required_components::<Actor, Attributes>()
        .register_required_components::<Actor, Modifiers>()
        .register_required_components::<Actor, Fight>()
        .register_required_components::<Actor, Allegiance>()
        .register_required_components::<Actor, Level>()
        .register_required_components::<Actor, Luck>()
        .register_required_components::<Actor, Untouchable>()
        .register_required_components::<Actor, Regeneration>()
        .register_required_components::<Player, Respawn>();
    app.configure_sets(
        Tick,
        (
            DoorSystems::Work,
            SkillSystems::Fly,
            BuffSystems::Period,
            DamageSystems::Apply,
            SkillSystems::Follow,
            BuffSystems::Change,
            DamageSystems::Settle,
            LootSystems::Drop,
            MonsterSystems::Remember,
        )
            .chain()
            .in_set(TickSystems::Resolve),
    );
    app.add_systems(
        Tick,
        (
            recovery::prepare_newcomers.in_set(TickSystems::Receive).after(ReceiveSystems::Admit),
            (resurrection::answer_offers, resurrection::release_the_dead)
                .chain()
                .after(PvpSystems::Validate)
                .before(ValidateSystems::Takes),
            resolve::resolve.in_set(DamageSystems::Apply),
            (
                attributes::work_out_attributes,
                recovery::fit_vitals,
                resurrection::respawn_players,
                recovery::regenerate,
                vitals::open_the_eyes_of_the_dead,
                recovery::set_speeds,
                meters::keep_meters,
            )
                .chain()
                .in_set(DamageSystems::Settle),
        ),
    );
    app.carry::<Vitals>();
    app.digest_component::<Vitals>("combat")
        .digest_component::<Attributes>("combat")
        .digest_component::<Fight>("combat")
        .digest_component::<Allegiance>("combat")
        .digest_component::<Level>("combat")
        .digest_component::<Luck>("combat")
        .digest_component::<Untouchable>("combat")
        .digest_component::<Regeneration>("combat")
        .digest_component::<Respawn>("combat");
}
