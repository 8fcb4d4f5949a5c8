//! Decode: bytes become envelopes, or strikes.

use bevy_ecs::prelude::*;
use sim::tick::SimTick;

use crate::codec::{DecodeError, decode_client_message, decode_input};
use crate::mailbox::Inbound;
use crate::protocol::{ClientMessage, InputDatagram};
use crate::sessions::Sessions;

/// One envelope of a client.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// A datagram with steps, and when it arrived (us).
    Input(InputDatagram, u64),
    /// A frame of the stream, and when it arrived (us).
    Message(ClientMessage, u64),
}

/// Reads everything that was drained.
pub(super) fn decode_messages(tick: Res<SimTick>, mut sessions: ResMut<Sessions>) {
    let Sessions { by_player, stats, active, .. } = &mut *sessions;
    for &place in active.iter() {
        let Some(session) = by_player.at_mut(place) else { continue };
        let mut inbox = std::mem::take(&mut session.inbox);
        for item in inbox.drain(..) {
            if session.ending.is_some() {
                break;
            }
            match read(item) {
                Ok(decoded) => session.decoded.push(decoded),
                Err(error) => {
                    stats.reject(error.reason());
                    session.strike(tick.0);
                }
            }
        }
        session.inbox = inbox;
    }
}

fn read(item: Inbound) -> Result<Decoded, DecodeError> {
    match item {
        Inbound::Datagram { bytes, received_us } => Ok(Decoded::Input(decode_input(&bytes)?, received_us)),
        Inbound::Frame { bytes, received_us } => Ok(Decoded::Message(decode_client_message(&bytes)?, received_us)),
    }
}
