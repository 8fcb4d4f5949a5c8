//! Every setting of QUIC and TLS that bounds what a stranger can make us hold or send. Defaults are in brackets.
//!
//! One connection can make the server hold about 400 KiB at most; quinn as it comes allows hundreds of megabytes.

use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{EndpointConfig, IdleTimeout, ServerConfig, TransportConfig, ValidationTokenConfig, VarInt};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{cipher_suite, default_provider};

use super::congestion::FlooredNewReno;
use super::routing::SocketIds;
use super::{BindError, Certificate, EndpointLimits};
use crate::protocol::ALPN;

/// A session has one stream; a second could only be there to cost something [100].
const BIDI_STREAMS_MAX: u32 = 1;
/// Bytes of one stream that may be in flight to us [1.25 MB].
const STREAM_RECEIVE_WINDOW_BYTES: u32 = 16 * 1024;
/// Bytes of all streams that may be in flight to us [unlimited].
const RECEIVE_WINDOW_BYTES: u32 = 32 * 1024;
/// Stream bytes of ours that may be unacknowledged [10 MB].
const SEND_WINDOW_BYTES: u64 = 256 * 1024;
/// Datagrams that may wait for a visit [1.25 MB].
const DATAGRAM_RECEIVE_BYTES: usize = 16 * 1024;
/// Datagrams that may wait for the congestion window; the oldest is dropped first, and state older than two ticks is
/// not worth sending [1 MiB].
const DATAGRAM_SEND_BYTES: usize = 8 * 1024;
/// Silence after which a path counts as dead, in milliseconds [30 s].
const IDLE_TIMEOUT_MS: u32 = 10_000;
/// How long an idle client is silent before it shows that it is there [never]. A lost sign is repeated as every packet is,
/// after twice the time again and again: the rest of the idle timeout is room for six of them on a path of 200 ms.
const CLIENT_KEEP_ALIVE: Duration = Duration::from_secs(6);
/// First guess of the round trip [333 ms]: a lost first packet is repeated after three times this.
const INITIAL_RTT: Duration = Duration::from_millis(100);
/// Packet size every path has to carry; larger ones are not looked for, since no datagram of ours is larger.
const INITIAL_MTU: u16 = 1_200;
/// Largest UDP payload we take.
const UDP_PAYLOAD_BYTES_MAX: u16 = 1_472;
/// Handshakes that wait to be accepted [65,536].
const INCOMING_MAX: usize = 1_024;
/// Bytes one of them may make us keep [10 MiB].
const INCOMING_BUFFER_BYTES: u64 = 64 * 1024;
/// Bytes all of them together may make us keep [100 MiB].
const INCOMING_BUFFER_BYTES_TOTAL: u64 = 8 * 1024 * 1024;
/// How long a Retry may take to come back [15 s].
const RETRY_LIFETIME: Duration = Duration::from_secs(10);
/// Least time between two stateless resets [20 ms].
const RESET_INTERVAL_MIN: Duration = Duration::from_millis(1);
/// QUIC version 1, and no other.
const QUIC_V1: u32 = 1;

/// Settings of the socket itself.
pub(crate) fn endpoint_config() -> Result<EndpointConfig, BindError> {
    let mut config = EndpointConfig::default();
    config.supported_versions(vec![QUIC_V1]).min_reset_interval(RESET_INTERVAL_MIN);
    config.max_udp_payload_size(UDP_PAYLOAD_BYTES_MAX).map_err(|error| BindError::Settings(error.to_string()))?;
    Ok(config)
}

/// The same for a socket of ours, whose connection ids name it.
pub(super) fn socket_config(socket: u8) -> Result<EndpointConfig, BindError> {
    let mut config = endpoint_config()?;
    config.cid_generator(move || Box::new(SocketIds::new(socket)));
    Ok(config)
}

/// Settings of a server: TLS 1.3 with our ALPN, no tickets and no early data.
pub(crate) fn server_config(certificate: &Certificate, limits: &EndpointLimits) -> Result<ServerConfig, BindError> {
    let refused = |error: rustls::Error| BindError::Certificate(error.to_string());
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(refused)?
        .with_no_client_auth()
        .with_single_cert(certificate.chain(), certificate.key())
        .map_err(refused)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    let crypto = QuicServerConfig::try_from(tls).map_err(|error| BindError::Certificate(error.to_string()))?;
    let mut no_tokens = ValidationTokenConfig::default();
    no_tokens.sent(0);
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(Arc::new(transport()))
        .max_incoming(INCOMING_MAX.min(limits.connections_max.max(1)))
        .incoming_buffer_size(INCOMING_BUFFER_BYTES)
        .incoming_buffer_size_total(INCOMING_BUFFER_BYTES_TOTAL)
        .retry_token_lifetime(RETRY_LIFETIME)
        .validation_token_config(no_tokens)
        .migration(true);
    Ok(config)
}

/// What both sides of a connection keep to.
fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(BIDI_STREAMS_MAX.into())
        .max_concurrent_uni_streams(0u32.into())
        .stream_receive_window(STREAM_RECEIVE_WINDOW_BYTES.into())
        .receive_window(RECEIVE_WINDOW_BYTES.into())
        .send_window(SEND_WINDOW_BYTES)
        .datagram_receive_buffer_size(Some(DATAGRAM_RECEIVE_BYTES))
        .datagram_send_buffer_size(DATAGRAM_SEND_BYTES)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_TIMEOUT_MS))))
        .initial_rtt(INITIAL_RTT)
        .initial_mtu(INITIAL_MTU)
        .mtu_discovery_config(None)
        .ack_frequency_config(None)
        .congestion_controller_factory(Arc::new(FlooredNewReno))
        .allow_spin(false);
    transport
}

/// The same for a client, which opens the stream, keeps the connection alive and reads larger frames.
pub(crate) fn client_transport() -> TransportConfig {
    let mut transport = transport();
    transport
        .max_concurrent_bidi_streams(0u32.into())
        .stream_receive_window((4 * STREAM_RECEIVE_WINDOW_BYTES).into())
        .receive_window((4 * STREAM_RECEIVE_WINDOW_BYTES).into())
        .datagram_receive_buffer_size(Some(4 * DATAGRAM_RECEIVE_BYTES))
        .keep_alive_interval(Some(CLIENT_KEEP_ALIVE));
    transport
}

/// The cryptography of a client: AES-128-GCM first, which costs a third of ChaCha20 where both run in hardware.
pub(crate) fn client_provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        ..default_provider()
    }
}
