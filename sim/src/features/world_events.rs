//! World events: a boss comes at its time, and everyone in every scene hears of it. Receive: moments of events, told from
//! outside as logged inputs, become announcements and the boss. Resolve: its death and its leaving are told outside,
//! from where all scenes hear of them.
//!
//! The body of `announced` is: varint event, moment byte (0 soon, 1 begun, 2 defeated, 3 over), then for soon the varint
//! minutes, for defeated the name of who struck the last blow in UTF-8. Each player is told once, whatever is in view.

use bevy_app::App;
use bevy_ecs::prelude::*;
use glam::Vec3;

use crate::actor::{Name, Position};
use crate::assets::{Id, WorldEventDef};
use crate::counters::Counters;
use crate::digest::{Digest, DigestApp, Digester};
use crate::features::combat::{Died, Fight};
use crate::features::loot::LootSystems;
use crate::features::monsters::spawn_monster;
use crate::features::pvp::PvpSystems;
use crate::ids::SimId;
use crate::input::{EventMoment, Outputs, Players, ReceiveSystems, SceneOutput, WorldEventHeard};
use crate::replicated::{Audience, ClientEvent};
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry, SceneId};
use crate::tick::{SimTick, Tick};
use crate::wire::{Reader, put_varint};

/// Moments of world events, by what became of them.
pub const WORLD_EVENTS: &str = "world_events_total";
/// Bytes of a name in an announcement.
const NAME_BYTES_MAX: usize = 256;

/// The boss of a world event. Written when it comes.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorldBoss {
    /// Which event.
    pub event: Id<WorldEventDef>,
    /// The first tick in which it may leave; it does not leave a fight.
    pub until_tick: u32,
}

impl Digest for WorldBoss {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.event.raw());
        digester.u32(self.until_tick);
    }
}

/// A player hears of a world event. Written in Receive.
#[derive(Message, Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// The player's character.
    pub to: SimId,
    /// Which event.
    pub event: Id<WorldEventDef>,
    /// What about it.
    pub moment: EventMoment,
}

impl Announced {
    /// Reads the body of an announcement to `to`.
    pub fn from_wire(to: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        let event = Id::new(reader.varint()?);
        let moment = match reader.u8()? {
            0 => EventMoment::Soon { minutes: u16::try_from(reader.varint()?).ok()? },
            1 => EventMoment::Begun,
            2 => {
                let name = reader.rest();
                let name = std::str::from_utf8(name).ok().filter(|name| name.len() <= NAME_BYTES_MAX)?;
                EventMoment::Defeated { by: name.to_owned() }
            }
            3 => EventMoment::Over,
            _ => return None,
        };
        Some(Self { to, event, moment })
    }
}

impl ClientEvent for Announced {
    const NAME: &'static str = "announced";
    const AUDIENCE: Audience = Audience::Owner;
    fn subject(&self) -> SimId {
        self.to
    }
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.event.raw());
        match &self.moment {
            EventMoment::Soon { minutes } => {
                out.push(0);
                put_varint(out, u32::from(*minutes));
            }
            EventMoment::Begun | EventMoment::Due => out.push(1),
            EventMoment::Defeated { by } => {
                out.push(2);
                out.extend_from_slice(&by.as_bytes()[..by.floor_char_boundary(NAME_BYTES_MAX)]);
            }
            EventMoment::Over => out.push(3),
        }
    }
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.add_systems(
        Tick,
        (
            hear_of_events.after(ReceiveSystems::Apply).before(ReceiveSystems::Admit),
            (tell_of_deaths, leave_when_over).chain().after(PvpSystems::Settle).before(LootSystems::Drop),
        ),
    );
    app.digest_component::<WorldBoss>("world_events");
}

/// Everyone is told; and where the event takes place, its boss comes, unless the last one is still there.
fn hear_of_events(world: &mut World, mut cursor: Local<bevy_ecs::message::MessageCursor<WorldEventHeard>>) {
    let heard: Vec<WorldEventHeard> = cursor.read(world.resource()).cloned().collect();
    for WorldEventHeard { event, moment } in heard {
        let assets = world.resource::<SceneAssets>().0.clone();
        let Some(id) = assets.events.by_name(&event) else {
            // Data that changed since the moment was told.
            world.resource_mut::<Counters>().add(WORLD_EVENTS, "unknown");
            continue;
        };
        match moment {
            EventMoment::Due => begin(world, id, &assets.events[id]),
            moment => {
                let present: Vec<SimId> = world.resource::<Players>().0.values().map(|&(id, _)| id).collect();
                world.write_message_batch(present.into_iter().map(|to| Announced {
                    to,
                    event: id,
                    moment: moment.clone(),
                }));
            }
        }
    }
}

fn begin(world: &mut World, event: Id<WorldEventDef>, def: &WorldEventDef) {
    if world.resource::<SceneId>().0 != def.scene.id() {
        return;
    }
    let mut bosses = world.query::<&WorldBoss>();
    if bosses.iter(world).any(|boss| boss.event == event) {
        world.resource_mut::<Counters>().add(WORLD_EVENTS, "still_there");
        return;
    }
    let ground = world.resource::<SceneGeometry>().0.top(def.at.0, def.at.1);
    let feet = Vec3::new(def.at.0, ground.map_or(0.0, |ground| ground.height_m), def.at.1);
    let id = spawn_monster(world, def.monster.id(), feet);
    let until_tick = world.resource::<SimTick>().0 + def.lifetime_ticks();
    if let Some(entity) = world.resource::<Roster>().entity(id) {
        world.entity_mut(entity).insert(WorldBoss { event, until_tick });
    }
    world.resource_mut::<Counters>().add(WORLD_EVENTS, "begun");
    tell_outside(world, def.id.clone(), EventMoment::Begun);
}

fn tell_outside(world: &mut World, event: String, moment: EventMoment) {
    world.resource_mut::<Outputs>().0.push(SceneOutput::WorldEvent { event, moment });
}

fn tell_of_deaths(
    (assets, roster): (Res<SceneAssets>, Res<Roster>),
    mut deaths: MessageReader<Died>,
    bosses: Query<&WorldBoss>,
    names: Query<&Name>,
    (mut outputs, mut counters): (ResMut<Outputs>, ResMut<Counters>),
) {
    for death in deaths.read() {
        let boss = roster.entity(death.who).and_then(|entity| bosses.get(entity).ok());
        let Some(def) = boss.and_then(|boss| assets.0.events.get(boss.event)) else { continue };
        let killer = death.killer.and_then(|killer| roster.entity(killer));
        let by = killer.and_then(|entity| names.get(entity).ok()).map(|name| name.0.clone()).unwrap_or_default();
        counters.add(WORLD_EVENTS, "defeated");
        outputs.0.push(SceneOutput::WorldEvent { event: def.id.clone(), moment: EventMoment::Defeated { by } });
    }
}

type Boss<'a> = (Entity, &'a SimId, &'a WorldBoss, &'a Fight, &'a crate::features::combat::Vitals, &'a Position);

/// A boss whose time is over and that nobody fights goes.
fn leave_when_over(
    mut commands: Commands,
    (tick, assets): (Res<SimTick>, Res<SceneAssets>),
    bosses: Query<Boss>,
    (mut outputs, mut counters): (ResMut<Outputs>, ResMut<Counters>),
) {
    let over = bosses.iter().filter(|(_, _, boss, fight, vitals, _)| {
        tick.0 >= boss.until_tick && !fight.is_on(tick.0) && vitals.is_alive()
    });
    let mut over: Vec<(SimId, Entity, Id<WorldEventDef>)> =
        over.map(|(entity, &id, boss, ..)| (id, entity, boss.event)).collect();
    over.sort_unstable_by_key(|&(id, ..)| id);
    for (_, entity, event) in over {
        commands.entity(entity).despawn();
        counters.add(WORLD_EVENTS, "over");
        let Some(def) = assets.0.events.get(event) else { continue };
        outputs.0.push(SceneOutput::WorldEvent { event: def.id.clone(), moment: EventMoment::Over });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_comes_back_as_it_was_and_a_cut_one_is_refused() {
        let to = SimId::new(4, 0);
        for moment in [
            EventMoment::Soon { minutes: 300 },
            EventMoment::Begun,
            EventMoment::Defeated { by: "Ünal".into() },
            EventMoment::Over,
        ] {
            let told = Announced { to, event: Id::new(2), moment };
            let mut bytes = Vec::new();
            told.encode(&mut bytes);
            assert_eq!(Announced::from_wire(to, &mut Reader::new(&bytes)), Some(told));
        }
        for bad in [&[][..], &[2], &[2, 9], &[2, 0], &[2, 2, 0xff]] {
            assert_eq!(Announced::from_wire(to, &mut Reader::new(bad)), None, "{bad:?}");
        }
    }
}
