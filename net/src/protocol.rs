//! The envelopes of the wire, and every limit with its unit.
//!
//! | channel | direction | bytes |
//! | --- | --- | --- |
//! | datagram | client to server | `[DATAGRAM_INPUT]` + rkyv [`InputDatagram`]; nothing at all, to be acknowledged |
//! | datagram | server to client | `[DATAGRAM_STATE]` + rkyv [`StateFrame`] |
//! | one bidirectional stream, opened by the client | client to server | frames of `u32` length (LE) + rkyv [`ClientMessage`] |
//! | the same stream | server to client | frames of `u32` length (LE) + rkyv [`ServerMessage`] |
//!
//! Archives use little-endian, unaligned, 32-bit pointers. The version is the ALPN: a peer of another
//! version is refused in the TLS handshake, before a byte of ours is read.

#![allow(missing_docs, reason = "rkyv's derive writes resolvers without documentation; ours is complete")]

use rkyv::{Archive, Deserialize, Serialize};
use smallvec::SmallVec;

/// The ALPN of this protocol; the number grows with every incompatible change.
pub const ALPN: &[u8] = b"mainspring/2";
/// Leading byte of an [`InputDatagram`].
pub const DATAGRAM_INPUT: u8 = 0x01;
/// Leading byte of a [`StateFrame`].
pub const DATAGRAM_STATE: u8 = 0x81;

/// Largest frame a client may put on its stream, in bytes; a longer length prefix closes the session.
pub const CLIENT_FRAME_BYTES_MAX: usize = 4 * 1024;
/// Largest frame the server puts on a stream, in bytes (a crowd's spawns are split over several).
pub const SERVER_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Largest piece of a scene's log in one [`ServerMessage::Log`], in bytes.
pub const LOG_PIECE_BYTES_MAX: usize = 32 * 1024;
/// Pieces of a scene's log that one client is sent per tick while it catches up.
pub const LOG_PIECES_PER_TICK_MAX: usize = 2;
/// Largest log of a scene that clients may follow, in bytes: hours of a duel. Beyond it everybody is told the state, until
/// the scene begins anew.
pub const LOG_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Ticks without room for the next piece of the log after which a follower is closed as [`Goodbye::SlowReader`] (10 s).
pub const LOG_STALLED_TICKS_MAX: u32 = 200;
/// Comparisons of a follower's state that the server remembers its own hash for.
pub const LOG_COMPARISONS_KEPT: usize = 64;
/// Differences of a follower's state after which it is closed as [`Goodbye::Abuse`]: it does not play by these rules.
pub const DESYNCS_MAX: u32 = 3;
/// Most records in one [`ServerMessage::Data`]: with the longest names half a frame.
pub const NUMBERED_MAX: usize = 256;
/// Largest datagram either side sends, in bytes: what a browser's 1,211-byte path leaves after headers.
pub const DATAGRAM_BYTES_MAX: usize = 1_150;
/// Datagrams one client may be sent per tick; what does not fit waits, and what has waited longest goes first.
pub const DATAGRAMS_PER_TICK_MAX: usize = 4;
/// Bytes of state datagrams one client may be sent per tick, at most.
pub const CLIENT_BYTES_PER_TICK_MAX: usize = DATAGRAMS_PER_TICK_MAX * DATAGRAM_BYTES_MAX;
/// The least that a server may be told to send: the own state and a few entities.
pub const CLIENT_BYTES_PER_TICK_MIN: usize = 200;
/// Largest body of one command, in bytes.
pub const COMMAND_BYTES_MAX: usize = 1_024;
/// Steps one input datagram may repeat (the newest and those a lost datagram carried).
pub const INPUT_STEPS_MAX: usize = 16;
/// Steps an honest client repeats in every datagram: at 20 % loss, all six are lost once in 15,625 times.
pub const INPUT_STEPS_SENT: usize = 6;
/// Longest character name, in bytes of UTF-8 (and in characters: only ASCII letters, digits, `_`, `-`).
pub const NAME_BYTES_MAX: usize = 24;
/// Shortest character name, in bytes.
pub const NAME_BYTES_MIN: usize = 2;
/// Longest class name in a login, in bytes.
pub const CLASS_BYTES_MAX: usize = 64;
/// Inbound frames and datagrams that may wait for the next tick of one session.
pub const INBOX_ITEMS_MAX: usize = 64;
/// Reliable bytes that may wait for one slow reader; beyond it the session is closed as [`Goodbye::SlowReader`].
pub const OUTBOX_BYTES_MAX: usize = 256 * 1024;
/// Offences within [`STRIKE_WINDOW_TICKS`] that close a session.
pub const STRIKES_MAX: usize = 3;
/// Window in which strikes add up, in ticks (10 s).
pub const STRIKE_WINDOW_TICKS: u32 = 200;
/// Ticks between two times that a client is told its scene from the beginning, as state or as log, because it asked.
pub const KEYFRAME_TICKS_MIN: u32 = 20;
/// Inbound messages of all kinds per second a session may send, on average.
pub const MESSAGES_PER_SECOND: u32 = 60;
/// Inbound messages that may come at once after silence.
pub const MESSAGES_BURST: u32 = 120;
/// Commands per second a session may send, on average; their burst equals it twice.
pub const COMMANDS_PER_SECOND: u32 = 10;
/// Messages over the limit that are only dropped (and counted) before the session is closed as a flood.
pub const FLOOD_DROPS_MAX: u32 = 240;
/// Ticks without any message after which the server asks whether the client is there (30 s).
pub const PROBE_AFTER_TICKS: u32 = 600;
/// Ticks without any message after which the session is closed (60 s, the seed's heartbeat limit).
pub const SILENT_SESSION_TICKS_MAX: u32 = 1_200;
/// Unit of [`OwnState::input_shift`], in microseconds.
pub const INPUT_SHIFT_UNIT_US: i64 = 250;
/// Largest [`OwnState::input_shift`], 31 ms: more than half a tick is never asked for.
pub const INPUT_SHIFT_MAX: i8 = 124;
/// Bytes of a [`ResumeToken`].
pub const RESUME_TOKEN_BYTES: usize = 32;
/// Frames a client acknowledges beyond the newest, in bits.
pub const FRAME_ACK_BITS: u32 = 32;

/// What a client shows to come back to its character: random, told with every welcome, good for one use.
pub type ResumeToken = [u8; RESUME_TOKEN_BYTES];
/// Stands where a server gives no token.
pub const NO_RESUME_TOKEN: ResumeToken = [0; RESUME_TOKEN_BYTES];

/// One step of movement as the client sent it: a direction, not a place.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireStep {
    /// Wished direction east, in 1/127 of full speed.
    pub x: i8,
    /// Wished direction north (`+z`), in 1/127 of full speed.
    pub z: i8,
    /// Bit 0: walk instead of run. The other bits are zero.
    pub flags: u8,
}

/// The steps of one input; they need no memory of their own.
pub type InputSteps = SmallVec<[WireStep; INPUT_STEPS_MAX]>;

/// What a client sends every 50 ms: its last steps, what it believes, and what it has received.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct InputDatagram {
    /// Sequence number of `steps[0]`, the newest; `steps[i]` has `sequence - i`. Starts at 1.
    pub sequence: u32,
    /// Server tick the client was showing when it made the newest step: a hint for measuring, clamped by the server.
    pub view_tick: u32,
    /// The number of the last forced position the client has taken over; steps made before it are void.
    pub forced_epoch: u8,
    /// Where the client believes the newest step ended, in centimetres east.
    pub claim_x_cm: i32,
    /// Where the client believes the newest step ended, in centimetres north.
    pub claim_z_cm: i32,
    /// Newest [`StateFrame::frame`] received, 0 before the first.
    pub frame_ack: u32,
    /// Bit `i`: frame `frame_ack - 1 - i` was received too.
    pub frame_ack_bits: u32,
    /// Newest [`ServerMessage::Batch`] applied, 0 before the first.
    pub batch_ack: u32,
    /// The newest step first; at most [`INPUT_STEPS_MAX`].
    pub steps: InputSteps,
}

/// What a client may put on its stream. The first frame is a login or a resume, within 3 s of the handshake.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq)]
pub enum ClientMessage {
    /// Asks for the character of a name.
    Login {
        /// The character's name: [`NAME_BYTES_MIN`] to [`NAME_BYTES_MAX`] of `A-Z a-z 0-9 _ -`.
        name: String,
        /// Class of a character made by this login, such as `class/mage`; empty for the default.
        class: String,
    },
    /// Asks for the character of an earlier session whose link was lost.
    Resume {
        /// From that session's [`ServerMessage::Welcome`].
        token: ResumeToken,
    },
    /// Something the character shall do, from the registered list of commands.
    Command {
        /// Counts up from 1; a repeated or older number is refused as a replay.
        sequence: u32,
        /// The scene it is meant for, as in [`ServerMessage::Scene`]; one meant for another is dropped, for its ids
        /// name others here.
        scene_epoch: u32,
        /// Index in the scene's list of commands (`sim::command`).
        kind: u16,
        /// The command's own archive; at most [`COMMAND_BYTES_MAX`].
        body: Vec<u8>,
    },
    /// The answer to [`ServerMessage::Probe`].
    Alive,
    /// Asks for the log of the scene from its beginning instead of its state, or for the state again; given like a keyframe.
    /// Only some scenes give it; elsewhere the answer is [`ServerMessage::FollowEnded`].
    Follow {
        /// The scene it is meant for, as in [`ServerMessage::Scene`].
        scene_epoch: u32,
        /// True for the log.
        log: bool,
    },
    /// Asks to be told the whole view anew, beginning with [`ServerMessage::Scene`]: for who can do nothing with what it
    /// has. Given once a second: whoever asks sooner is given it then.
    Keyframe {
        /// The scene it is meant for, as in [`ServerMessage::Scene`].
        scene_epoch: u32,
    },
    /// What the client has come to that simulates the scene itself.
    StateHash {
        /// The scene it is meant for, as in [`ServerMessage::Scene`].
        scene_epoch: u32,
        /// After which tick.
        tick: u32,
        /// The hash of all its state (`sim::digest::combined`).
        hash: u64,
    },
    /// The player leaves on purpose; the character leaves the world at once.
    Logout,
}

/// The receiver's own character, unquantised so that prediction can be exact.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Default)]
pub struct OwnState {
    /// Sequence number of the last step the server applied.
    pub applied_sequence: u32,
    /// Counts forced positions; a change tells the client to take `position` over as it is.
    pub forced_epoch: u8,
    /// How much later (positive) or earlier (negative) the newest step should have been sent, in units of
    /// [`INPUT_SHIFT_UNIT_US`], at most [`INPUT_SHIFT_MAX`] of them; see `net::slots`.
    pub input_shift: i8,
    /// Feet position in metres (x east, y up, z north).
    pub position: [f32; 3],
    /// Velocity in metres per second (x east, y up while falling, z north).
    pub velocity: [f32; 3],
    /// Movement speed in basis points of the movement profile's; 0 while the character may not move.
    pub speed_bp: u16,
}

/// The newest-wins state of one tick for one client.
///
/// `records` tells of entities in the order of their indexes: how far each index is from the one before, and then either a
/// compact place or a head that says which values follow; see `net::records`.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct StateFrame {
    /// Counts datagrams to this client from 1, for acknowledgement.
    pub frame: u32,
    /// The server tick this state belongs to.
    pub tick: u32,
    /// The scene this state belongs to, as in [`ServerMessage::Scene`].
    pub scene_epoch: u32,
    /// With this frame everything has been told that changed up to this tick; false for all but a tick's last, and when
    /// the budget did not hold everything.
    pub is_whole: bool,
    /// The receiver's own character.
    pub own: OwnState,
    /// Packed records.
    pub records: Vec<u8>,
}

/// Why the server ends a session; sent before the connection closes, and as its QUIC error code.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goodbye {
    /// The same name logged in elsewhere.
    Kicked,
    /// The server is shutting down.
    Shutdown,
    /// Repeated malformed or illegal messages.
    Abuse,
    /// Far too many messages.
    Flood,
    /// The reliable queue was not read for too long.
    SlowReader,
    /// Nothing was heard for 60 s.
    Silent,
    /// The login was not acceptable: malformed name or unknown class.
    BadLogin,
    /// No scene has a free place.
    Full,
    /// The player asked to leave.
    LoggedOut,
    /// The first frame did not come within 3 s of the handshake.
    LoginTimeout,
    /// The server could not keep the promise it made for this session; its log says why.
    Internal,
    /// There is nothing to resume: the token was never given out, was used, or its character has left the world.
    ResumeRefused,
}

/// What the numbers on the wire stand for in this session, so that a client needs no list of its own.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct WireTable {
    /// Replicated components; the position in the list is the bit in a record's mask.
    pub components: Vec<WireComponent>,
    /// Names of events; the position in the list is the event's kind.
    pub events: Vec<String>,
    /// Names of commands; the position in the list is the command's kind.
    pub commands: Vec<String>,
}

/// One replicated component as it appears in records.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct WireComponent {
    /// Stable name, such as `vitals`.
    pub name: String,
    /// Bytes of every value, or 0 when each value carries its own varint length.
    pub value_bytes: u8,
}

/// What the server puts on a client's stream.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq)]
pub enum ServerMessage {
    /// The login was accepted.
    Welcome {
        /// Stable number of the player behind the name.
        player_id: u64,
        /// Hash of the game data in use; a predicting client compares it with its own.
        assets_hash: u64,
        /// Brings the player back to the character until 60 s after the link is lost, once; [`NO_RESUME_TOKEN`] where the
        /// server resumes nobody.
        resume: ResumeToken,
        /// What the numbers in records and commands stand for.
        wire: WireTable,
    },
    /// The character is in a scene now; everything known of another scene is void.
    Scene {
        /// Id such as `scene/field`.
        scene: String,
        /// Counts this session's scenes from 1.
        scene_epoch: u32,
        /// The receiver's own entity.
        own: u32,
        /// Server tick at entry.
        tick: u32,
        /// Where the character stands and how it may move.
        state: OwnState,
    },
    /// Spawns, despawns, reliable values and events of one tick, in order; see `net::records`.
    Batch {
        /// Counts batches to this client from 1, through all its scenes.
        batch: u32,
        /// The server tick this belongs to.
        tick: u32,
        /// Packed records.
        records: Vec<u8>,
    },
    /// A command was not carried out: by the rules of the scene, or because it could not be handed to it.
    Rejected {
        /// Sequence number of the command.
        sequence: u32,
        /// Reason code, a stable lower-case word such as `cooldown`.
        reason: String,
    },
    /// The next piece of the scene's log (`sim::log`), from its beginning: everything that has entered the scene, tick by
    /// tick. For clients that follow it.
    Log {
        /// The client's own simulation has come to something else than the server's, or is new: begin anew with this
        /// piece, which is the first.
        anew: bool,
        /// The last tick in it is the server's newest.
        live: bool,
        /// Ticks between two [`ClientMessage::StateHash`], at ticks that are multiples of it.
        compare_ticks: u32,
        /// Any part of the log; at most [`LOG_PIECE_BYTES_MAX`].
        bytes: Vec<u8>,
    },
    /// Nothing was heard for [`PROBE_AFTER_TICKS`]; answer with [`ClientMessage::Alive`].
    Probe,
    /// The session ends.
    Goodbye {
        /// The reason.
        reason: Goodbye,
    },
    /// Another epoch of the game data is in use, or more of what there is to say about the one in use. Numbers of records
    /// that were known keep their meaning; nothing else changes.
    Data {
        /// Hash of the data in use.
        assets_hash: u64,
        /// Records whose number is not their place in the order of names: at most [`NUMBERED_MAX`], further ones follow.
        numbered: Vec<NumberedRecord>,
    },
    /// The log that was asked for is not to be had, or not any more: it has grown too long, or the scene gives none. The state
    /// goes on, from the beginning for whoever had the log.
    FollowEnded {
        /// The scene it was asked for, as in [`ServerMessage::Scene`].
        scene_epoch: u32,
    },
}

/// The number by which records, events and commands name a record of the game data.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct NumberedRecord {
    /// Such as `effect/burning`.
    pub id: String,
    /// Its number.
    pub number: u32,
}
