//! Decode: bytes become envelopes, or offences.

use crate::codec::{DecodeError, decode_client_message, decode_input};
use crate::mailbox::Inbound;
use crate::protocol::{ClientMessage, InputDatagram};

/// One envelope of a client, and when it came, in microseconds.
#[derive(Debug)]
pub(super) enum Decoded {
    /// Steps and acknowledgements.
    Input(InputDatagram, u64),
    /// Anything from the stream.
    Message(ClientMessage, u64),
}

/// Reads what came.
pub(super) fn decode(item: Inbound) -> Result<Decoded, DecodeError> {
    match item {
        Inbound::Datagram { bytes, received_us } => Ok(Decoded::Input(decode_input(&bytes)?, received_us)),
        Inbound::Frame { bytes, received_us } => Ok(Decoded::Message(decode_client_message(&bytes)?, received_us)),
    }
}
