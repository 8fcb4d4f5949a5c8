//! What a client may ask: the [`list`] below is the only place where the foundation names features' commands.
//! A command arrives as a number and bytes, is read totally and checked against the game data, and reaches its
//! feature as a message [`Issued`]. Until a `validate_*` system has agreed, nobody believes it.

use bevy_app::App;
use bevy_ecs::prelude::*;
use rkyv::api::high::{HighDeserializer, HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Error;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Deserialize, Serialize};

use crate::assets::Assets;
use crate::counters::{COMMAND_REJECTED, Counters};
use crate::features::{combat, equipment, loot, party, players, pvp, skills};
use crate::ids::{PlayerId, SimId};

/// Everything a client may ask, besides moving.
pub fn list(app: &mut App) {
    app.add_client_command::<skills::CastCommand>()
        .add_client_command::<skills::StopCastCommand>()
        .add_client_command::<loot::TakeCommand>()
        .add_client_command::<players::EnterPortalCommand>()
        .add_client_command::<party::PartyCommand>()
        .add_client_command::<loot::BagCommand>()
        .add_client_command::<loot::RollCommand>()
        .add_client_command::<equipment::EquipCommand>()
        .add_client_command::<equipment::UnequipCommand>()
        .add_client_command::<equipment::UseItemCommand>()
        .add_client_command::<pvp::FlagCommand>()
        .add_client_command::<pvp::DuelCommand>()
        .add_client_command::<combat::ReturnCommand>()
        .add_client_command::<skills::ReleaseCastCommand>()
        .add_client_command::<combat::ReleaseCommand>();
}

/// Something a client may ask for. The type holds only what is well-formed: no unknown id, no number that is not finite.
pub trait ClientCommand: Sized + Send + Sync + 'static {
    /// Stable name on the wire.
    const NAME: &'static str;
    /// Reads a body totally.
    ///
    /// # Errors
    /// [`CommandError`] says what is wrong with it.
    fn decode(body: &[u8], assets: &Assets) -> Result<Self, CommandError>;
    /// The body that `decode` reads.
    fn encode(&self) -> Vec<u8>;
}

/// Why bytes are no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No command has this number.
    #[error("no command has this number")]
    UnknownKind,
    /// The body is not the command's archive.
    #[error("the body is not an archive of this command")]
    Malformed,
    /// The body names something the game data does not have.
    #[error("the body names something that does not exist")]
    UnknownId,
    /// A number is not finite or out of its range.
    #[error("a number is not finite or out of range")]
    OutOfRange,
}

impl CommandError {
    /// Stable word for metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnknownKind => "unknown_kind",
            Self::Malformed => "malformed",
            Self::UnknownId => "unknown_id",
            Self::OutOfRange => "out_of_range",
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issuer {
    /// The player.
    pub player: PlayerId,
    /// The player's character.
    pub id: SimId,
    /// The character's entity.
    pub entity: Entity,
    /// The client's number for this command.
    pub sequence: u32,
}

/// A well-formed command on its way to its feature.
#[derive(Message, Debug, Clone)]
pub struct Issued<C: Send + Sync + 'static> {
    /// Who asks.
    pub by: Issuer,
    /// For what.
    pub command: C,
}

/// A command that will not be carried out; the client is told the reason.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandRejected {
    /// Who asked.
    pub player: PlayerId,
    /// The client's number for the command.
    pub sequence: u32,
    /// Stable lower-case word.
    pub reason: &'static str,
}

/// Where `validate_*` systems put their refusals: counted and told in one step.
#[derive(bevy_ecs::system::SystemParam)]
pub struct Rejections<'w> {
    counters: ResMut<'w, Counters>,
    told: MessageWriter<'w, CommandRejected>,
}

impl Rejections<'_> {
    /// Refuses a command for a reason (a stable lower-case word).
    pub fn reject(&mut self, by: &Issuer, reason: &'static str) {
        self.counters.add(COMMAND_REJECTED, reason);
        self.told.write(CommandRejected { player: by.player, sequence: by.sequence, reason });
    }
}

/// One entry of the list of commands.
#[derive(Clone, Copy)]
struct CommandEntry {
    name: &'static str,
    check: fn(&[u8], &Assets) -> Result<(), CommandError>,
    deliver: fn(&mut World, Issuer, &[u8], &Assets) -> Result<(), CommandError>,
}

/// The list of commands, in wire order.
#[derive(Resource, Default, Clone)]
pub struct CommandLists {
    entries: Vec<CommandEntry>,
}

impl CommandLists {
    /// The names, in wire order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.entries.iter().map(|entry| entry.name)
    }

    /// The number of a command.
    #[must_use]
    pub fn kind_of(&self, name: &str) -> Option<u16> {
        self.entries.iter().position(|entry| entry.name == name).and_then(|at| u16::try_from(at).ok())
    }

    /// Says whether bytes are a well-formed command, without doing anything.
    ///
    /// # Errors
    /// [`CommandError`] says what is wrong.
    pub fn check(&self, kind: u16, body: &[u8], assets: &Assets) -> Result<(), CommandError> {
        let entry = self.entries.get(usize::from(kind)).ok_or(CommandError::UnknownKind)?;
        (entry.check)(body, assets)
    }
}

/// Reads a command and hands it to its feature.
///
/// # Errors
/// [`CommandError`] says what is wrong with the bytes; then nothing has happened.
pub(crate) fn deliver(
    world: &mut World,
    by: Issuer,
    kind: u16,
    body: &[u8],
    assets: &Assets,
) -> Result<(), CommandError> {
    let entry = world.resource::<CommandLists>().entries.get(usize::from(kind)).copied();
    let entry = entry.ok_or(CommandError::UnknownKind)?;
    (entry.deliver)(world, by, body, assets)
}

/// Registration of commands.
pub trait CommandApp {
    /// Adds a command to the end of the wire's list.
    fn add_client_command<C: ClientCommand>(&mut self) -> &mut Self;
}

impl CommandApp for App {
    fn add_client_command<C: ClientCommand>(&mut self) -> &mut Self {
        self.add_message::<Issued<C>>();
        let entry = CommandEntry {
            name: C::NAME,
            check: |body, assets| C::decode(body, assets).map(drop),
            deliver: |world, by, body, assets| {
                let command = C::decode(body, assets)?;
                world.write_message(Issued { by, command });
                Ok(())
            },
        };
        self.world_mut().resource_mut::<CommandLists>().entries.push(entry);
        self
    }
}

/// Prepares the list; the features' entries follow from [`list`].
pub fn plugin(app: &mut App) {
    app.init_resource::<CommandLists>().init_resource::<Counters>().add_message::<CommandRejected>();
    list(app);
}

/// Reads an archive with every check on.
///
/// # Errors
/// [`CommandError::Malformed`] for anything that is not exactly such an archive.
pub fn read_archive<T>(body: &[u8]) -> Result<T, CommandError>
where
    T: Archive,
    T::Archived: for<'a> CheckBytes<HighValidator<'a, Error>> + Deserialize<T, HighDeserializer<Error>>,
{
    rkyv::from_bytes::<T, Error>(body).map_err(|_| CommandError::Malformed)
}

/// Writes an archive that [`read_archive`] reads.
#[must_use]
pub fn write_archive<T>(value: &T) -> Vec<u8>
where
    T: for<'a> Serialize<HighSerializer<AlignedVec, ArenaHandle<'a>, Error>>,
{
    rkyv::to_bytes::<Error>(value).map(|bytes| bytes.to_vec()).unwrap_or_default()
}
