//! The order of one tick, written once. Nine stages run one after another in every scene, 20 times a second;
//! a system names its stage and, where two systems of a stage touch the same data, their order. The schedule
//! refuses to be built while any order is ambiguous.

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};

/// Length of a tick in milliseconds.
pub const TICK_MS: u32 = 50;
/// Length of a tick in seconds.
pub const TICK_SECONDS: f32 = 0.05;
/// Ticks in a second.
pub const TICKS_PER_SECOND: u32 = 20;

/// The one schedule of a scene.
#[derive(ScheduleLabel, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tick;

/// The stages of a tick, in order.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TickSystems {
    /// Bytes become commands, which nobody believes yet; joins and leaves take effect.
    Receive,
    /// Commands become intents, or counted rejections.
    Validate,
    /// Monsters decide, and write the same intents as players.
    Think,
    /// Skills start, advance and finish; what they do is queued as effects.
    Act,
    /// Intents become positions.
    Move,
    /// Effects become health, buffs, deaths and drops.
    Resolve,
    /// Positions become who sees what.
    Perceive,
    /// What changed and is seen becomes bytes per client.
    Replicate,
    /// Bytes go to the clients' mailboxes.
    Transmit,
}

impl TickSystems {
    /// All stages, in order.
    pub const ALL: [Self; 9] = [
        Self::Receive,
        Self::Validate,
        Self::Think,
        Self::Act,
        Self::Move,
        Self::Resolve,
        Self::Perceive,
        Self::Replicate,
        Self::Transmit,
    ];

    /// Lower-case name for metrics and hashes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Validate => "validate",
            Self::Think => "think",
            Self::Act => "act",
            Self::Move => "move",
            Self::Resolve => "resolve",
            Self::Perceive => "perceive",
            Self::Replicate => "replicate",
            Self::Transmit => "transmit",
        }
    }
}

/// The number of the tick that runs now; the first is 1. Written by [`crate::scene::Scene::tick`].
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SimTick(pub u32);

/// Called as each stage begins, and with `None` when the last has ended. The simulation has no clock of its
/// own: whoever measures brings one along.
#[derive(Resource, Default)]
pub struct StageProbe(pub Option<Box<dyn FnMut(Option<TickSystems>) + Send + Sync>>);

impl StageProbe {
    fn report(&mut self, stage: Option<TickSystems>) {
        if let Some(probe) = &mut self.0 {
            probe(stage);
        }
    }
}

/// Builds the empty schedule: the stages chained, one thread, and an error for any ambiguous order.
pub fn plugin(app: &mut App) {
    app.init_schedule(Tick);
    app.init_resource::<SimTick>().init_resource::<StageProbe>();
    app.edit_schedule(Tick, |schedule| {
        schedule.set_executor(SingleThreadedExecutor::new());
        schedule.set_build_settings(ScheduleBuildSettings {
            ambiguity_detection: LogLevel::Error,
            hierarchy_detection: LogLevel::Error,
            ..ScheduleBuildSettings::new()
        });
        let [receive, validate, think, act, movement, resolve, perceive, replicate, transmit] = TickSystems::ALL;
        schedule
            .configure_sets((receive, validate, think, act, movement, resolve, perceive, replicate, transmit).chain());
    });
    let mut previous: Option<TickSystems> = None;
    for stage in TickSystems::ALL {
        let report = (move |mut probe: ResMut<StageProbe>| probe.report(Some(stage))).before(stage);
        match previous {
            Some(earlier) => app.add_systems(Tick, report.after(earlier)),
            None => app.add_systems(Tick, report),
        };
        previous = Some(stage);
    }
    app.add_systems(Tick, (|mut probe: ResMut<StageProbe>| probe.report(None)).after(TickSystems::Transmit));
}
