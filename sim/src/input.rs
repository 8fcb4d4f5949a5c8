//! Everything that enters a scene and everything that leaves it. What enters is logged, so a scene can be
//! replayed; nothing else may reach it from outside.
//!
//! Receive stage: `apply_inputs` takes this tick's inputs by the rule of arrival: what came in one tick is applied by kind
//! (game data, geometry and world events, joins and links, steps, commands), within a kind by [`PlayerId`], and each
//! player's own by their numbers. When something came within the tick never counts; only what has the same kind, player and
//! number keeps the order of arrival (a link lost and a join of one player, which no shuffled path can exchange).
//! Who comes first in a race, for a pile or for the last blow, is decided by this order and, in Resolve, by the sources' ids.

#![allow(missing_docs, reason = "rkyv's derive writes resolvers without documentation; ours is complete")]

use std::collections::BTreeMap;

use bevy_app::App;
use bevy_ecs::prelude::*;
use rkyv::{Archive, Deserialize, Serialize};
use smallvec::SmallVec;

use crate::command::{self, Issuer};
use crate::counters::{COMMAND_REJECTED, Counters};
use crate::epoch::{self, AssetsEdit, LoadedAhead};
use crate::ids::{Mint, PlayerId, SimId};
use crate::scene::SceneAssets;
use crate::tick::{Tick, TickSystems};

pub mod geometry_edit;

use geometry_edit::{GeometryEdit, GeometryReplaced, GeometryRevision, PreparedAhead};

/// The place of steps in the rule of arrival.
const STEPS: u8 = 3;
/// Players passed over one by one on the way to the next who has sent something; beyond it is looked up.
const PASSED_MAX: u32 = 16;

/// A character on its way into or out of a scene: what the scene's features saved of it, by their names.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct Character {
    /// What players read above it.
    pub name: String,
    /// Id such as `class/mage`.
    pub class: String,
    /// Saved state by name; what no feature knows is dropped.
    pub parts: Vec<(String, Vec<u8>)>,
}

/// Steps of one message: direction in 1/127 (x, z) and flags (bit 0: walk). Few, so that they need no memory of their own.
pub type Steps = SmallVec<[(i8, i8, u8); 8]>;

/// One thing that enters a scene.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq)]
pub enum SceneInput {
    /// The game data is exchanged, before anything else of the tick.
    Assets {
        /// What changes in its texts.
        edit: AssetsEdit,
        /// The same, loaded by another thread; not logged.
        #[rkyv(with = rkyv::with::Skip)]
        ahead: LoadedAhead,
    },
    /// The scene's static geometry is replaced, before anyone enters or acts.
    Geometry {
        /// By what.
        edit: GeometryEdit,
        /// The same, prepared by another thread; not logged.
        #[rkyv(with = rkyv::with::Skip)]
        ahead: PreparedAhead,
    },
    /// A moment of a world event, after the geometry and before anybody joins.
    WorldEvent {
        /// Id such as `event/colossus`.
        event: String,
        /// What about it.
        moment: EventMoment,
    },
    /// A player's character enters, or its new session takes it over if it is here already.
    Join {
        /// [`PlayerId`] bits.
        player: u64,
        /// Used only when the character is not here yet.
        character: Character,
        /// Where to appear: the name of a spawn point. `None`: where the character was saved, or the first spawn point.
        spawn_point: Option<String>,
    },
    /// The player's connection is gone; the character stays for a while.
    LinkLost {
        /// [`PlayerId`] bits.
        player: u64,
    },
    /// The player leaves on purpose.
    Leave {
        /// [`PlayerId`] bits.
        player: u64,
    },
    /// Steps a player wants to take, none of which the scene has seen before.
    Steps {
        /// [`PlayerId`] bits.
        player: u64,
        /// The last forced position the client knew of when it made them.
        forced_epoch: u8,
        /// Sequence number of the first of `steps`; they count up from there.
        first_sequence: u32,
        /// Direction in 1/127 (x, z) and flags (bit 0: walk), oldest first.
        steps: Steps,
        /// Where the client believes the last of them ended, in centimetres (x, z).
        claim_cm: (i32, i32),
    },
    /// The round trip to a player, as the network measured it.
    Latency {
        /// [`PlayerId`] bits.
        player: u64,
        /// Milliseconds.
        rtt_ms: u32,
    },
    /// A command of the registered list; its body has been checked.
    Command {
        /// [`PlayerId`] bits.
        player: u64,
        /// The client's number for it.
        sequence: u32,
        /// Place in the list of commands.
        kind: u16,
        /// The command's archive.
        body: Vec<u8>,
    },
    /// What sets this run of this scene apart from all others, given before anything is made in it.
    Origin {
        /// A number that no scene of this or another run has: the upper half of what its [`Mint`] gives out.
        origin: u64,
    },
}

impl SceneInput {
    /// The player it is about, if it is about one.
    #[must_use]
    pub const fn player(&self) -> Option<PlayerId> {
        match self {
            Self::Assets { .. } | Self::Geometry { .. } | Self::WorldEvent { .. } | Self::Origin { .. } => None,
            Self::Join { player, .. }
            | Self::LinkLost { player }
            | Self::Leave { player }
            | Self::Steps { player, .. }
            | Self::Latency { player, .. }
            | Self::Command { player, .. } => Some(PlayerId(*player)),
        }
    }

    /// The rule of arrival: order of application within a tick; equal keys keep the order of arrival.
    const fn order(&self) -> (u8, PlayerId, u32) {
        match self {
            Self::Origin { .. } | Self::Assets { .. } => (0, PlayerId(0), 0),
            Self::Geometry { .. } => (1, PlayerId(0), 0),
            Self::WorldEvent { .. } => (1, PlayerId(0), 1),
            Self::Join { player, .. } | Self::LinkLost { player } | Self::Leave { player } => (2, PlayerId(*player), 0),
            Self::Latency { player, .. } => (2, PlayerId(*player), 0),
            Self::Steps { player, first_sequence, .. } => (STEPS, PlayerId(*player), *first_sequence),
            Self::Command { player, sequence, .. } => (4, PlayerId(*player), *sequence),
        }
    }
}

/// What can be told of a world event.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum EventMoment {
    /// It will begin; announced in every scene.
    Soon {
        /// In so many minutes.
        minutes: u16,
    },
    /// It is to begin now; told to the scene it takes place in, which answers with [`EventMoment::Begun`].
    Due,
    /// Its boss is there; announced in every scene.
    Begun,
    /// Its boss is dead; announced in every scene.
    Defeated {
        /// Name of who struck the last blow; empty for nobody.
        by: String,
    },
    /// Its boss has left; announced in every scene.
    Over,
}

/// Why a character left a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// The player logged out.
    LoggedOut,
    /// The player did not come back within the link-dead time.
    LinkDead,
    /// Through a portal.
    Portal {
        /// Id of the scene it leads to.
        scene: String,
        /// Spawn point there.
        spawn_point: String,
    },
}

/// One thing that leaves a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SceneOutput {
    /// A character left; whoever runs the scene keeps it or brings it to another.
    Departed {
        /// Whose character.
        player: PlayerId,
        /// What to hand to the next [`SceneInput::Join`].
        character: Character,
        /// Why.
        to: Departure,
    },
    /// Something about a world event that every scene is to hear.
    WorldEvent {
        /// Id such as `event/colossus`.
        event: String,
        /// What about it.
        moment: EventMoment,
    },
}

/// What waits to enter, and what entered last.
#[derive(Resource, Debug, Default)]
pub struct Inputs {
    pending: Vec<SceneInput>,
    applied: Vec<SceneInput>,
}

impl Inputs {
    /// Adds something for the next tick.
    pub fn push(&mut self, input: SceneInput) {
        self.pending.push(input);
    }

    /// True when nothing waits for the next tick.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// What the last tick took in, in order of application.
    #[must_use]
    pub fn applied(&self) -> &[SceneInput] {
        &self.applied
    }
}

/// What leaves; emptied by whoever runs the scene.
#[derive(Resource, Debug, Default)]
pub struct Outputs(pub Vec<SceneOutput>);

/// The characters present, by player. Written by the players feature.
#[derive(Resource, Debug, Default)]
pub struct Players(pub BTreeMap<PlayerId, (SimId, Entity)>);

/// How far a player's inputs have come; read by the network for acknowledgement. Written by movement.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InputProgress {
    /// Sequence number of the last step applied.
    pub applied_sequence: u32,
    /// Counts forced positions (wraps).
    pub forced_epoch: u8,
}

/// A join, a loss or a leave, handed to the players feature.
#[derive(Message, Debug, Clone, PartialEq)]
pub struct Presence(pub SceneInput);

/// A character took its place in the scene, or a new session took over one that was here. Written by the
/// players feature in Receive.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// Whose.
    pub player: PlayerId,
    /// The character.
    pub id: SimId,
    /// Its entity.
    pub entity: Entity,
}

/// A moment of a world event, on its way to the feature.
#[derive(Message, Debug, Clone, PartialEq, Eq)]
pub struct WorldEventHeard {
    /// Id such as `event/colossus`.
    pub event: String,
    /// What about it.
    pub moment: EventMoment,
}

/// Steps on their way to movement.
#[derive(Message, Debug, Clone, PartialEq)]
pub struct StepsReceived {
    /// The player's character.
    pub entity: Entity,
    /// The last forced position the client knew of.
    pub forced_epoch: u8,
    /// Sequence number of the first step.
    pub first_sequence: u32,
    /// Direction in 1/127 (x, z) and flags, oldest first.
    pub steps: Steps,
    /// Where the client believes the last of them ended, in centimetres (x, z).
    pub claim_cm: (i32, i32),
}

/// The round trip to a player on its way to whoever makes up for it.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatencyMeasured {
    /// The player's character.
    pub entity: Entity,
    /// Milliseconds.
    pub rtt_ms: u32,
}

/// Order within the Receive stage.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiveSystems {
    /// The network's mailboxes are emptied into [`Inputs`].
    Gather,
    /// Inputs become messages.
    Apply,
    /// Characters appear and disappear.
    Admit,
    /// Bodies caught by replaced geometry are set free.
    Settle,
}

/// Prepares the queues and the Receive stage.
pub fn plugin(app: &mut App) {
    app.init_resource::<Inputs>().init_resource::<Outputs>().init_resource::<Players>();
    app.init_resource::<GeometryRevision>().add_message::<GeometryReplaced>();
    app.add_message::<WorldEventHeard>()
        .add_message::<Presence>()
        .add_message::<StepsReceived>()
        .add_message::<Admitted>()
        .add_message::<LatencyMeasured>();
    let [gather, apply, admit, settle] =
        [ReceiveSystems::Gather, ReceiveSystems::Apply, ReceiveSystems::Admit, ReceiveSystems::Settle];
    app.configure_sets(Tick, (gather, apply, admit, settle).chain().in_set(TickSystems::Receive));
    app.add_systems(Tick, apply_inputs.in_set(ReceiveSystems::Apply));
}

fn apply_inputs(world: &mut World) {
    let mut applied = {
        let mut inputs = world.resource_mut::<Inputs>();
        let spare = std::mem::take(&mut inputs.applied);
        std::mem::replace(&mut inputs.pending, spare)
    };
    world.resource_mut::<Inputs>().pending.clear();
    // Mostly in order already, and sorting asks for memory.
    if !applied.is_sorted_by_key(SceneInput::order) {
        applied.sort_by_key(SceneInput::order);
    }
    let kind_ends = |kind: u8| applied.partition_point(|input| input.order().0 <= kind);
    let (steps_begin, steps_end) = (kind_ends(STEPS - 1), kind_ends(STEPS));
    applied[..steps_begin].iter().for_each(|input| apply(world, input));
    apply_steps(world, &applied[steps_begin..steps_end]);
    applied[steps_end..].iter().for_each(|input| apply(world, input));
    world.resource_mut::<Inputs>().applied = applied;
}

/// Steps are most of what enters, and sorted by player, as the players are: one walk along both finds them all.
fn apply_steps(world: &mut World, steps: &[SceneInput]) {
    world.resource_scope(|world, mut received: Mut<Messages<StepsReceived>>| {
        let players = &world.resource::<Players>().0;
        let mut present = players.range(..).peekable();
        for input in steps {
            let SceneInput::Steps { player, forced_epoch, first_sequence, steps, claim_cm } = input else { continue };
            let player = PlayerId(*player);
            let mut passed = 0;
            while present.next_if(|&(&other, _)| other < player).is_some() {
                passed += 1;
                if passed == PASSED_MAX {
                    present = players.range(player..).peekable();
                }
            }
            // A character that left in this very tick waits for nothing.
            let Some(&(_, &(_, entity))) = present.peek().filter(|&&(&other, _)| other == player) else { continue };
            let (forced_epoch, first_sequence, claim_cm) = (*forced_epoch, *first_sequence, *claim_cm);
            let steps = steps.clone();
            received.write(StepsReceived { entity, forced_epoch, first_sequence, steps, claim_cm });
        }
    });
}

fn apply(world: &mut World, input: &SceneInput) {
    let character = input.player().and_then(|player| world.resource::<Players>().0.get(&player).copied());
    match (input, character) {
        (SceneInput::Origin { origin }, _) => world.insert_resource(Mint::of(*origin)),
        (SceneInput::Assets { edit, ahead }, _) => epoch::apply(world, edit, ahead),
        (SceneInput::Geometry { edit, ahead }, _) => geometry_edit::apply(world, edit, ahead),
        (SceneInput::WorldEvent { event, moment }, _) => {
            world.write_message(WorldEventHeard { event: event.clone(), moment: moment.clone() });
        }
        (SceneInput::Join { .. } | SceneInput::LinkLost { .. } | SceneInput::Leave { .. }, _) => {
            world.write_message(Presence(input.clone()));
        }
        (SceneInput::Command { player, sequence, kind, body }, Some((id, entity))) => {
            let by = Issuer { player: PlayerId(*player), id, entity, sequence: *sequence };
            let assets = world.resource::<SceneAssets>().0.clone();
            if let Err(error) = command::deliver(world, by, *kind, body, &assets) {
                world.resource_mut::<Counters>().add(COMMAND_REJECTED, error.reason());
            }
        }
        (SceneInput::Latency { rtt_ms, .. }, Some((_, entity))) => {
            world.write_message(LatencyMeasured { entity, rtt_ms: *rtt_ms });
        }
        // Steps have their own way; and where the character left in this very tick, nobody waits for an answer.
        (SceneInput::Steps { .. }, _) | (SceneInput::Latency { .. } | SceneInput::Command { .. }, None) => {}
    }
}
