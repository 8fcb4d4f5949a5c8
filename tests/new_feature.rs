//! A feature added from outside: mounts, in one file, with a component clients see, a command clients send, an
//! event clients are told and state that is hashed and carried. No file of `net/` or `server/` knows of it; it
//! travels by the lists alone.

use bevy_app::App;
use bevy_ecs::prelude::*;
use glam::Vec3;
use net::codec::decode_server_message;
use net::mailbox::{SessionId, TaskEnd, mailbox};
use net::protocol::{ServerMessage, WireTable};
use net::records::{BatchRecord, read_batch};
use net::sessions::{self, Join};
use sim::actor::{Actor, Position};
use sim::assets::{Assets, Disturbance};
use sim::command::{ClientCommand, CommandApp, CommandError, Issued, Rejections};
use sim::digest::{Digest, DigestApp, Digester};
use sim::features::movement::MoveSystems;
use sim::features::players::{Carry, CarryApp};
use sim::features::skills::{Casting, Disturbed};
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, Players};
use sim::interest::Interest;
use sim::replicated::{ClientEvent, Replicate, ReplicateApp, ValueSize};
use sim::roster::Roster;
use sim::testing::TestScene;
use sim::tick::{Tick, TickSystems};

/// How far a rider may stand from a mount to climb on, in metres.
const REACH_M: f32 = 3.0;

/// What an actor rides: the other's id, or 0 for nothing.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Riding(u32);

impl Replicate for Riding {
    const NAME: &'static str = "riding";
    const SIZE: ValueSize = ValueSize::Bytes(4);
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }
}

impl Digest for Riding {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.0);
    }
}

impl Carry for Riding {
    const NAME: &'static str = "riding";
    fn save(&self, _: u32, _: &Assets) -> Vec<u8> {
        // A mount does not follow through a portal.
        Vec::new()
    }
    fn load(_: &[u8], _: u32, _: &Assets) -> Option<Self> {
        Some(Self::default())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MountCommand {
    mount: SimId,
}

impl ClientCommand for MountCommand {
    const NAME: &'static str = "mount";
    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        let bits = <[u8; 4]>::try_from(body).map_err(|_| CommandError::Malformed)?;
        Ok(Self { mount: SimId::from_bits(u32::from_le_bytes(bits)) })
    }
    fn encode(&self) -> Vec<u8> {
        self.mount.bits().to_le_bytes().to_vec()
    }
}

#[derive(Message, Debug, Clone, Copy)]
struct Mounted {
    rider: SimId,
}

impl ClientEvent for Mounted {
    const NAME: &'static str = "mounted";
    fn subject(&self) -> SimId {
        self.rider
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.rider.bits().to_le_bytes());
    }
}

fn plugin(app: &mut App) {
    app.register_required_components::<Actor, Riding>();
    app.add_client_command::<MountCommand>().replicate::<Riding>().add_client_event::<Mounted>();
    app.digest_component::<Riding>("mounts").carry::<Riding>();
    app.add_systems(
        Tick,
        (
            validate_mount_commands.in_set(TickSystems::Validate).ambiguous_with_all(),
            carry_riders.in_set(TickSystems::Move).after(MoveSystems::Compare).ambiguous_with_all(),
        ),
    );
}

fn validate_mount_commands(
    mut asked: MessageReader<Issued<MountCommand>>,
    roster: Res<Roster>,
    mut actors: Query<(&Position, &mut Riding, Option<&Interest>)>,
    mut rejections: Rejections,
    (mut mounted, mut disturbed): (MessageWriter<Mounted>, MessageWriter<Disturbed>),
) {
    for Issued { by, command } in asked.read() {
        let mount = roster.entity(command.mount).and_then(|entity| actors.get(entity).ok());
        let Some(place) = mount.map(|(position, ..)| position.0) else {
            rejections.reject(by, "no_target");
            continue;
        };
        let Ok((position, mut riding, interest)) = actors.get_mut(by.entity) else { continue };
        if !interest.is_some_and(|interest| interest.sees(command.mount)) {
            rejections.reject(by, "no_target");
        } else if position.0.distance(place) > REACH_M {
            rejections.reject(by, "range");
        } else {
            riding.0 = command.mount.bits();
            mounted.write(Mounted { rider: by.id });
            disturbed.write(Disturbed::new(by.id, Disturbance::Mounts));
        }
    }
}

fn carry_riders(roster: Res<Roster>, mut actors: Query<(&mut Position, &Riding)>) {
    let riders: Vec<(Entity, Vec3)> = roster
        .iter()
        .filter_map(|(_, entity)| {
            let mount = roster.entity(SimId::from_bits(actors.get(entity).ok()?.1.0))?;
            Some((entity, actors.get(mount).ok()?.0.0))
        })
        .collect();
    for (rider, place) in riders {
        if let Ok((mut position, _)) = actors.get_mut(rider) {
            position.set_if_neq(Position(place));
        }
    }
}

/// What a client was told, read by the wire table alone.
#[derive(Default)]
struct Screen {
    table: WireTable,
    riding: Vec<u32>,
    mounted: usize,
    rejected: Vec<String>,
}

impl Screen {
    fn look(&mut self, end: &TaskEnd) {
        for frame in end.take().frames {
            match decode_server_message(&frame).expect("the server writes what it reads") {
                ServerMessage::Welcome { wire, .. } => self.table = wire,
                ServerMessage::Rejected { reason, .. } => self.rejected.push(reason),
                ServerMessage::Batch { records, .. } => self.read(&records),
                _ => {}
            }
        }
    }

    fn read(&mut self, records: &[u8]) {
        let bit = self.table.components.iter().position(|component| component.name == "riding");
        for record in read_batch(records, &self.table) {
            match record.expect("the records are good") {
                BatchRecord::Enter { values, .. } => {
                    let value = values.iter().find(|(component, _)| Some(usize::from(*component)) == bit);
                    let value = value.expect("every actor shows what it rides").1;
                    self.riding.push(u32::from_le_bytes(value.try_into().expect("four bytes")));
                }
                BatchRecord::Event { kind, .. } if self.table.events[usize::from(kind)] == "mounted" => {
                    self.mounted += 1
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_feature_from_outside_travels_without_the_network_knowing_it() {
    let mut scene = TestScene::with_plugins(|app| {
        app.add_plugins((net::plugin, plugin));
    });
    let (client, end) = mailbox(SessionId::next());
    let character = Character { name: "rider".into(), class: "class/fighter".into(), parts: Vec::new() };
    sessions::attach(&mut scene.scene, Join { player: PlayerId(1), character, spawn_point: None }, end);
    scene.tick();
    let (rider, _) = scene.scene.world().resource::<Players>().0[&PlayerId(1)];
    let place = scene.position(rider);
    let horse = scene.monster_at("monster/dummy", place.x + 2.0, place.z);
    scene.ticks(2);

    let mut screen = Screen::default();
    screen.look(&client);
    assert_eq!(screen.riding, [0, 0], "rider and horse came into view, riding nothing");

    scene.command(rider, &MountCommand { mount: SimId::from_bits(12_345) });
    scene.tick();
    screen.look(&client);
    assert_eq!(screen.rejected, ["no_target"]);

    crate::combat::cast(&mut scene, rider, "skill/bolt", sim::intent::CastTarget::Unit(horse));
    assert!(scene.get::<Casting>(rider).0.is_some());
    scene.command(rider, &MountCommand { mount: horse });
    scene.tick();
    assert!(scene.get::<Casting>(rider).0.is_none(), "nobody casts while climbing");
    screen.look(&client);
    assert_eq!(screen.mounted, 1, "the client was told");
    assert_eq!(scene.get::<Riding>(rider).0, horse.bits());
    scene.place(horse, place.x + 20.0, place.z);
    scene.tick();
    assert_eq!(scene.position(rider), scene.position(horse), "the rider goes where the mount goes");
    assert!(scene.hash().iter().any(|(name, _)| *name == "mounts"), "replays compare it");
}

#[test]
fn no_file_of_the_network_or_the_server_mentions_it() {
    let mut found = Vec::new();
    let mut folders = vec!["net/src".into(), std::path::PathBuf::from("server/src")];
    while let Some(folder) = folders.pop() {
        for entry in
            std::fs::read_dir(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder)).expect("it is there")
        {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path)
                .is_ok_and(|text| text.contains("riding") || text.contains("Mounted"))
            {
                found.push(path);
            }
        }
    }
    assert_eq!(found, Vec::<std::path::PathBuf>::new());
}
