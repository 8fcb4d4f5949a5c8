//! The sessions of one scene: who is connected, through which mailbox, and what each client has been told.
//! Whoever runs the scene attaches and releases sessions between ticks; `inbound` and `outbound` do the rest
//! within them. A session never outlives its scene: through a portal it is released and attached again.

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::*;
use bytes::Bytes;
use sim::assets::Assets;
use sim::command::CommandLists;
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, Inputs, Players, SceneInput};
use sim::replicated::{ValueSize, WireLists};
use sim::scene::{Scene, SceneAssets};
use sim::tick::SimTick;

use crate::codec::encode_server_message_into;
use crate::lockstep::Follower;
use crate::mailbox::{Ready, SceneEnd, SessionId};
use crate::outbound::view::{ClientView, ViewCounters};
use crate::protocol::{
    Goodbye, NO_RESUME_TOKEN, NUMBERED_MAX, NumberedRecord, PROBE_AFTER_TICKS, ResumeToken, STRIKE_WINDOW_TICKS,
    STRIKES_MAX, ServerMessage, StateFrame, WireComponent, WireTable,
};
use crate::resumption::TokenDigest;

mod anew;
mod table;

pub(crate) use table::{SessionTable, Visit};

/// A player who enters a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Who.
    pub player: PlayerId,
    /// The character, used when it is not in the scene already.
    pub character: Character,
    /// Where to appear; `None`: where it was saved, or the first spawn point.
    pub spawn_point: Option<String>,
}

/// A session between two scenes.
#[derive(Debug)]
pub struct Handover {
    end: SceneEnd,
    /// What its welcome tells; nobody keeps it after that.
    token: ResumeToken,
    resume: Option<TokenDigest>,
    scene_epoch: u32,
    newest_sequence: u32,
    newest_command: u32,
    counters: ViewCounters,
    /// Ticks since each offence that still counts: ticks themselves differ from scene to scene.
    strike_ages: Vec<u32>,
}

impl From<SceneEnd> for Handover {
    /// A session that was in no scene yet and that cannot be resumed.
    fn from(end: SceneEnd) -> Self {
        Self::new(end, NO_RESUME_TOKEN)
    }
}

impl Handover {
    /// A session that was in no scene yet, and the token that its welcome tells.
    #[must_use]
    pub fn new(end: SceneEnd, token: ResumeToken) -> Self {
        Self {
            end,
            token,
            resume: (token != NO_RESUME_TOKEN).then(|| TokenDigest::of(&token)),
            scene_epoch: 0,
            newest_sequence: 0,
            newest_command: 0,
            counters: ViewCounters::default(),
            strike_ages: Vec::new(),
        }
    }

    /// The digest of the token that the client can resume it with.
    #[must_use]
    pub fn resume(&self) -> Option<TokenDigest> {
        self.resume
    }

    /// The session on its way.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.end.id()
    }

    /// Ends the session instead of bringing it anywhere.
    pub fn goodbye(self, reason: Goodbye) {
        self.end.goodbye(reason);
    }
}

/// One client.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) player: PlayerId,
    pub(crate) end: SceneEnd,
    resume: Option<TokenDigest>,
    /// The character, once the scene has admitted it.
    pub(crate) character: Option<SimId>,
    pub(crate) scene_epoch: u32,
    pub(crate) newest_sequence: u32,
    pub(crate) newest_command: u32,
    pub(crate) input_wait_us: u64,
    /// The last tick in which something had come.
    pub(crate) heard_tick: u32,
    /// The tick in which its silence is looked at next; its entry in [`Sessions::silence`].
    pub(crate) silence_due: u32,
    /// The round trip that the scene was told of last, in ms.
    pub(crate) told_rtt_ms: Option<u32>,
    pub(crate) ending: Option<Goodbye>,
    /// The connection has gone, and what had come before is heard in this tick: the session ends with the next.
    pub(crate) is_closing: bool,
    pub(crate) view: ClientView,
    /// Set while the client is sent the scene's log instead of its state.
    pub(crate) follower: Option<Follower>,
    /// Ticks since there was room for the next piece of the log.
    pub(crate) log_stalled_ticks: u32,
    /// How often it came to another state than the scene.
    pub(crate) desyncs: u32,
    beginnings: anew::Beginnings,
    /// Messages were queued that the connection was not told of.
    pub(crate) has_frames: bool,
    strikes: Vec<u32>,
}

impl Session {
    /// Counts an offence at `tick`; the third within 10 s ends the session.
    pub(crate) fn strike(&mut self, tick: u32) {
        self.strikes.retain(|&earlier| counts(earlier, tick));
        self.strikes.push(tick);
        if self.strikes.len() >= STRIKES_MAX {
            self.end_as(Goodbye::Abuse);
        }
    }

    /// Has the session ended at the beginning of the next tick; the first reason stays.
    pub(crate) fn end_as(&mut self, reason: Goodbye) {
        self.ending.get_or_insert(reason);
        self.end.list();
    }

    /// Sends a message at once; a reader too slow for it loses the session.
    pub(crate) fn send(&mut self, message: &ServerMessage) {
        self.send_along(message, &mut Vec::new());
        self.flush();
    }

    /// Sends a message in one packet with this tick's datagrams, or without them from Transmit. It is written through a
    /// buffer that is used again, so that the frame asks for no more memory than it has bytes.
    pub(crate) fn send_along(&mut self, message: &ServerMessage, buffer: &mut Vec<u8>) {
        match encode_server_message_into(message, buffer) {
            Ok(()) => self.send_frame(Bytes::copy_from_slice(buffer)),
            Err(error) => {
                tracing::error!(%error, player = %self.player, "a message to a client could not be written");
                self.end_as(Goodbye::Internal);
            }
        }
    }

    /// Has messages sent that nothing has taken along.
    pub(crate) fn flush(&mut self) {
        if std::mem::take(&mut self.has_frames) {
            self.end.flush();
        }
    }

    /// The character of a session that sleeps from this tick on: its client is silent and owed nothing.
    pub(crate) fn sleeper(&self, tick: u32) -> Option<SimId> {
        self.character.filter(|_| self.view.sleeps(tick))
    }

    fn send_frame(&mut self, frame: Bytes) {
        self.has_frames = true;
        if self.end.send_frame_along(frame).is_err() {
            self.end_as(Goodbye::SlowReader);
        }
    }
}

/// Whether a strike of an earlier tick still counts.
fn counts(strike: u32, tick: u32) -> bool {
    tick.wrapping_sub(strike) < STRIKE_WINDOW_TICKS
}

/// All sessions of a scene, by player. Written by attach and release, and by `inbound` and `outbound`.
#[derive(Resource, Debug, Default)]
pub struct Sessions {
    pub(crate) by_player: SessionTable,
    /// Where mailboxes say that there is something in them.
    pub(crate) ready: Ready,
    /// The sessions that are looked at in this tick by `outbound`.
    pub(crate) visits: Vec<Visit>,
    /// When to look whether a session is silent for too long, by tick. Entries are checked against
    /// [`Session::silence_due`].
    pub(crate) silence: BTreeSet<(u32, PlayerId)>,
    pub(crate) stats: SessionStats,
    pub(crate) tick_started_us: u64,
}

/// Upper bounds of the buckets of a [`Latency`], in microseconds: parts of a tick, a tick, and beyond.
pub const LATENCY_BOUNDS_US: [u64; 10] =
    [5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 150_000, 250_000, 500_000, 1_000_000];

/// How long messages took, as counts: nothing is kept of the single message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latency {
    /// Messages that took at most a bound of [`LATENCY_BOUNDS_US`] and longer than the one before; the last took longer.
    pub counts: [u64; LATENCY_BOUNDS_US.len() + 1],
    /// All they took, in microseconds.
    pub sum_us: u64,
}

impl Latency {
    pub(crate) fn record(&mut self, latency_us: u64) {
        let bucket = LATENCY_BOUNDS_US.partition_point(|&bound_us| bound_us < latency_us);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum_us = self.sum_us.saturating_add(latency_us);
    }
}

/// What the sessions of a scene did since the last [`take_stats`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionStats {
    /// From arrival to the beginning of the tick that applies it, for inputs.
    pub input_latency: Latency,
    /// The same for commands.
    pub command_latency: Latency,
    /// How old the picture was that a player acted on, by the client's word.
    pub view_latency: Latency,
    /// Inbound messages that were refused, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Sessions that ended, by cause.
    pub closed: BTreeMap<&'static str, u64>,
    /// State datagrams handed to mailboxes.
    pub datagrams: u64,
    /// Those of them that gave way to the next tick's, because the network threads were behind.
    pub datagrams_displaced: u64,
    /// Bytes of all of them.
    pub datagram_bytes: u64,
    /// Records of entities in those datagrams.
    pub updates_sent: u64,
    /// What sending every change of the scene to every session would have been, in records.
    pub updates_broadcast: u64,
    /// Bytes of the frames handed to mailboxes.
    pub frame_bytes: u64,
    /// State hashes of followers that equal the scene's.
    pub state_hashes_equal: u64,
    /// Followers that came to another state than the scene, and after which tick.
    pub desyncs: Vec<(PlayerId, u32)>,
}

impl SessionStats {
    pub(crate) fn reject(&mut self, reason: &'static str) {
        *self.rejected.entry(reason).or_default() += 1;
    }
}

/// Brings a session into a scene. A session the player has there already is told [`Goodbye::Kicked`]; the
/// character stays where it is and the new session takes it over.
pub fn attach(scene: &mut Scene, join: Join, session: impl Into<Handover>) {
    let Join { player, character, spawn_point } = join;
    let session = begin(scene.world(), player, session.into());
    let world = scene.world_mut();
    enroll(world, session);
    let PlayerId(player) = player;
    world.resource_mut::<Inputs>().push(SceneInput::Join { player, character, spawn_point });
}

/// Lets a session see what a player's client would be told from now on, instead of that client and without the scene
/// taking notice: nothing joins, and steps and commands are not heard. False when the player has no character there.
pub(crate) fn attach_silently(scene: &mut Scene, player: PlayerId, end: SceneEnd) -> bool {
    let Some(&(character, _)) = scene.world().resource::<Players>().0.get(&player) else { return false };
    let mut session = begin(scene.world(), player, end.into());
    session.character = Some(character);
    (session.newest_sequence, session.newest_command) = (u32::MAX, u32::MAX);
    enroll(scene.world_mut(), session);
    true
}

fn begin(world: &World, player: PlayerId, handover: Handover) -> Session {
    let Handover { end, token, resume, scene_epoch, newest_sequence, newest_command, counters, strike_ages } = handover;
    let tick = world.resource::<SimTick>().0;
    let mut session = Session {
        player,
        end,
        resume,
        character: None,
        scene_epoch: scene_epoch.wrapping_add(1),
        newest_sequence,
        newest_command,
        input_wait_us: 0,
        heard_tick: tick,
        silence_due: tick.saturating_add(PROBE_AFTER_TICKS),
        told_rtt_ms: None,
        ending: None,
        is_closing: false,
        view: ClientView::new(counters),
        follower: None,
        log_stalled_ticks: 0,
        desyncs: 0,
        beginnings: anew::Beginnings::default(),
        has_frames: false,
        strikes: strike_ages.into_iter().map(|age| tick.wrapping_sub(age)).collect(),
    };
    if scene_epoch == 0 {
        session.send(&welcome(world, player, token));
    }
    // Where the session comes from the data may have been of another epoch.
    let data = data_messages(&world.resource::<SceneAssets>().0, scene_epoch != 0);
    data.iter().for_each(|message| session.send(message));
    session
}

fn enroll(world: &mut World, session: Session) {
    let mut sessions = world.resource_mut::<Sessions>();
    let player = session.player;
    let place = sessions.by_player.place_for(player);
    session.end.listen(&sessions.ready, place as u64);
    sessions.silence.insert((session.silence_due, player));
    if let Some(before) = sessions.by_player.insert(player, session) {
        before.end.goodbye(Goodbye::Kicked);
        *sessions.stats.closed.entry("kicked").or_default() += 1;
    }
}

/// Takes a session out of a scene, to bring it to another; the character is not touched. A session that was
/// about to end ends here, and nothing is left to bring anywhere.
pub fn release(scene: &mut Scene, player: PlayerId) -> Option<Handover> {
    let tick = scene.tick_number();
    let session = scene.world_mut().resource_mut::<Sessions>().by_player.remove(&player)?;
    session.end.stop_listening();
    if let Some(reason) = session.ending {
        session.end.goodbye(reason);
        return None;
    }
    Some(Handover {
        strike_ages: session
            .strikes
            .iter()
            .filter(|&&strike| counts(strike, tick))
            .map(|strike| tick.wrapping_sub(*strike))
            .collect(),
        counters: session.view.counters(),
        end: session.end,
        token: NO_RESUME_TOKEN,
        resume: session.resume,
        scene_epoch: session.scene_epoch,
        newest_sequence: session.newest_sequence,
        newest_command: session.newest_command,
    })
}

/// Ends all sessions of a scene.
pub fn say_goodbye(scene: &mut Scene, reason: Goodbye) {
    let mut sessions = scene.world_mut().resource_mut::<Sessions>();
    for session in std::mem::take(&mut sessions.by_player).into_values() {
        session.end.goodbye(reason);
    }
}

/// Says when the next tick begins, on [`crate::mailbox::now_us`]'s clock. Call before every tick.
pub fn begin_tick(scene: &mut Scene, now_us: u64) {
    scene.world_mut().resource_mut::<Sessions>().tick_started_us = now_us;
}

/// Hands out what was counted since the last call.
pub fn take_stats(scene: &mut Scene) -> SessionStats {
    std::mem::take(&mut scene.world_mut().resource_mut::<Sessions>().stats)
}

/// Connected sessions of a scene.
#[must_use]
pub fn count(scene: &Scene) -> usize {
    scene.world().get_resource::<Sessions>().map_or(0, |sessions| sessions.by_player.len())
}

/// Sessions of a scene that the last tick looked at for what to send; the clients of the others are silent and owed nothing.
#[must_use]
pub fn awake_count(scene: &Scene) -> usize {
    scene.world().get_resource::<Sessions>().map_or(0, |sessions| sessions.visits.len())
}

/// The wire's numbers of a scene.
#[must_use]
pub fn wire_table(world: &World) -> WireTable {
    let lists = world.resource::<WireLists>();
    let component = |entry: &sim::replicated::ReplicatedEntry| WireComponent {
        name: entry.name.to_owned(),
        value_bytes: match entry.size {
            ValueSize::Bytes(bytes) => bytes,
            ValueSize::Prefixed => 0,
        },
    };
    WireTable {
        components: lists.components.iter().map(component).collect(),
        events: lists.events.iter().map(|&name| name.to_owned()).collect(),
        commands: world.resource::<CommandLists>().names().map(str::to_owned).collect(),
    }
}

fn welcome(world: &World, player: PlayerId, resume: ResumeToken) -> ServerMessage {
    let assets_hash = world.resource::<SceneAssets>().0.hash;
    ServerMessage::Welcome { player_id: player.0, assets_hash, resume, wire: wire_table(world) }
}

/// What a client must know of the game data in use besides its texts: with `always` at least which it is.
pub(crate) fn data_messages(assets: &Assets, always: bool) -> Vec<ServerMessage> {
    let numbered = |records: &[(&str, u32)]| {
        let numbered = records.iter().map(|&(id, number)| NumberedRecord { id: id.to_owned(), number }).collect();
        ServerMessage::Data { assets_hash: assets.hash, numbered }
    };
    let renumbered = assets.renumbered();
    let mut messages: Vec<ServerMessage> = renumbered.chunks(NUMBERED_MAX).map(numbered).collect();
    if messages.is_empty() && always {
        messages.push(numbered(&[]));
    }
    messages
}

/// Bytes of a state frame around its records, at most: what the budget must leave free.
pub(crate) const FRAME_OVERHEAD_BYTES: usize = size_of::<rkyv::Archived<StateFrame>>() + 1;
