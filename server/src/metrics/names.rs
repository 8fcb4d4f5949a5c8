//! The names of all metrics, what they mean, and the reasons that are known before they occur. The first five
//! names are the seed's; scripts and alerts rely on every one of them.

use metrics::{KeyName, Recorder, SharedString};

pub(super) const ONLINE_PLAYERS: &str = "online_players";
pub(super) const SCENE_PLAYER_COUNT: &str = "scene_player_count";
pub(super) const MESSAGE_LATENCY: &str = "message_latency";
pub(super) const COMBAT_COUNT: &str = "combat_count";
pub(super) const GATEWAY_CONNECTION_COUNT: &str = "gateway_connection_count";
pub(super) const SCENE_TICK_SECONDS: &str = "scene_tick_seconds";
pub(super) const SCENE_SESSION_COUNT: &str = "scene_session_count";
pub(super) const SCENE_AWAKE_COUNT: &str = "scene_session_awake_count";
pub(super) const TICK_OVERRUNS: &str = "tick_overruns_total";
pub(super) const TICK_DEBT_DROPPED: &str = "tick_debt_dropped_total";
pub(super) const MOVE_REJECTED: &str = "move_rejected_total";
pub(super) const COMMAND_REJECTED: &str = "command_rejected_total";
pub(super) const DOOR_WORKED: &str = "door_worked_total";
pub(super) const INBOUND_REJECTED: &str = "inbound_rejected_total";
pub(super) const SESSION_CLOSED: &str = "session_closed_total";
pub(super) const CONNECTION_REFUSED: &str = "connection_refused_total";
pub(super) const LOGINS: &str = "login_total";
pub(super) const TRANSPORT_DROPPED: &str = "transport_dropped_total";
pub(super) const TRANSPORT_BYTES: &str = "transport_bytes_total";
pub(super) const TRANSPORT_LOST: &str = "transport_lost_packets_total";
pub(super) const DATAGRAMS: &str = "scene_datagrams_total";
pub(super) const UPDATES_SENT: &str = "scene_updates_sent_total";
pub(super) const UPDATES_BROADCAST: &str = "scene_updates_broadcast_total";
pub(super) const DATAGRAMS_DISPLACED: &str = "scene_datagrams_displaced_total";
pub(super) const DATAGRAM_BYTES: &str = "scene_datagram_bytes_total";
pub(super) const FRAME_BYTES: &str = "scene_frame_bytes_total";
pub(super) const RECORDING_STOPPED: &str = "recording_stopped_total";
pub(super) const ASSETS_RELOAD: &str = "assets_reload_total";
pub(super) const ASSETS_EPOCH: &str = "assets_epoch_info";
pub(super) const ASSET_EDITS: &str = "asset_edits_total";
pub(super) const GEOMETRY_EDITS: &str = "geometry_edits_total";
pub(super) const STATE_HASHES: &str = "follower_state_hashes_total";
pub(super) const NAVIGATION: &str = "navigation_total";

/// Help of [`MESSAGE_LATENCY`], which is not written by the recorder.
pub(super) const MESSAGE_LATENCY_HELP: &str = "Seconds from the arrival of a message to the tick that took it in.";

/// Every metric with its help text, but [`MESSAGE_LATENCY`].
pub(super) const DESCRIPTIONS: [(&str, &str); 32] = [
    (ONLINE_PLAYERS, "Connected players in all scenes."),
    (SCENE_PLAYER_COUNT, "Characters in a scene, those without a connection included."),
    (COMBAT_COUNT, "Hits, heals and other changes of health."),
    (GATEWAY_CONNECTION_COUNT, "QUIC connections, those in their handshake included."),
    (SCENE_TICK_SECONDS, "Seconds of one tick and of each of its stages."),
    (SCENE_SESSION_COUNT, "Sessions in a scene; bytes by time and session are what a client receives."),
    (SCENE_AWAKE_COUNT, "Sessions that the last tick looked at; the others' clients are silent and owed nothing."),
    (TICK_OVERRUNS, "Ticks that took longer than a tick lasts."),
    (TICK_DEBT_DROPPED, "Ticks that were due during an overload and never ran."),
    (MOVE_REJECTED, "Movement that was refused, by reason."),
    (COMMAND_REJECTED, "Commands that were refused, by reason."),
    (DOOR_WORKED, "Doors that were asked to open or close, by what came of it."),
    (INBOUND_REJECTED, "Messages that were no messages, by reason."),
    (SESSION_CLOSED, "Sessions that ended, by reason."),
    (CONNECTION_REFUSED, "Connections that came to no login, by reason."),
    (LOGINS, "Logins by result."),
    (TRANSPORT_DROPPED, "Messages that did not get through, by reason."),
    (TRANSPORT_BYTES, "UDP payload by direction."),
    (TRANSPORT_LOST, "Packets of ours that the paths lost."),
    (DATAGRAMS, "Datagrams of state that a scene handed to its sessions."),
    (DATAGRAMS_DISPLACED, "Those of them that gave way to the next tick's, because the network threads were behind."),
    (DATAGRAM_BYTES, "Bytes of those datagrams."),
    (UPDATES_SENT, "Changes of entities in those datagrams."),
    (UPDATES_BROADCAST, "What sending every change in a scene to everyone in it would have been."),
    (FRAME_BYTES, "Bytes of reliable frames that a scene handed to its sessions."),
    (RECORDING_STOPPED, "Replay logs that ended before their scene, by reason."),
    (ASSETS_RELOAD, "Looks at the watched game data, by what came of them."),
    (ASSETS_EPOCH, "1 for the hash of the newest game data, 0 for earlier ones."),
    (ASSET_EDITS, "Edits of the game data that reached running scenes, by what became of them."),
    (GEOMETRY_EDITS, "Geometry replaced in running scenes, and bodies it moved."),
    (STATE_HASHES, "State hashes of clients that simulate a scene, by whether they are the server's."),
    (NAVIGATION, "Answers of the path service and what became of walks, by reason."),
];

/// Reasons by metric, registered at 0.
pub(super) const KNOWN_REASONS: &[(&str, &[&str])] = &[
    (NAVIGATION, &["path", "partial", "unreachable", "off_mesh", "stuck", "tick_with_waiting_walkers"]),
    (MOVE_REJECTED, &["speed", "teleport", "wall", "surface", "stale_epoch"]),
    (
        COMMAND_REJECTED,
        &[
            "dead",
            "stunned",
            "silenced",
            "unknown_skill",
            "gcd",
            "cooldown",
            "mana",
            "no_target",
            "wrong_target",
            "range",
            "facing",
            "line_of_sight",
            "casting",
            "moving",
            "no_door",
            "not_casting",
            "not_yours",
            "bag_full",
            "no_portal",
            "unknown_kind",
            "unknown_id",
            "malformed",
            "out_of_range",
        ],
    ),
    (DOOR_WORKED, &["opened", "closed", "blocked"]),
    (
        INBOUND_REJECTED,
        &[
            "empty",
            "oversized",
            "unknown_type",
            "malformed",
            "trailing_bytes",
            "bad_sequence",
            "too_many_steps",
            "bad_flags",
            "bad_direction",
            "bad_name",
            "bad_class",
            "sequence_jump",
            "replayed",
            "second_login",
            "bad_ack",
            "dropped",
            "stale_scene",
            "unknown_kind",
            "unknown_id",
            "out_of_range",
            "not_followed",
            "keyframe_rate",
        ],
    ),
    (
        SESSION_CLOSED,
        &[
            "lost",
            "peer",
            "flood",
            "abuse",
            "kicked",
            "shutdown",
            "slow_reader",
            "silent",
            "full",
            "logged_out",
            "internal",
            "resume_refused",
        ],
    ),
    (
        CONNECTION_REFUSED,
        &[
            "full",
            "per_address",
            "retry",
            "handshake",
            "gone",
            "login_timeout",
            "bad_login",
            "resume_refused",
            "shutdown",
            "internal",
            "empty",
            "oversized",
            "malformed",
            "trailing_bytes",
            "bad_sequence",
            "bad_name",
            "bad_class",
        ],
    ),
    (TRANSPORT_DROPPED, &["rate", "inbox", "early", "oversized", "outgoing_oversized", "diverted"]),
    (STATE_HASHES, &["equal", "different"]),
    (RECORDING_STOPPED, &["slow_disk", "size", "io_error"]),
    (ASSET_EDITS, &["applied", "unchanged", "out_of_turn", "too_large", "faults", "other_hash", "scene_gone", "frame"]),
    (GEOMETRY_EDITS, &["applied", "refused", "moved_body"]),
];

/// Gives a metric its help text, whatever its type.
pub(super) fn describe(recorder: &impl Recorder, name: &'static str, help: &'static str) {
    // The exporter keeps one text per name, so the kind named here does not matter.
    recorder.describe_counter(KeyName::from_const_str(name), None, SharedString::const_str(help));
}
