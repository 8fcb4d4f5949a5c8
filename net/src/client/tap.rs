//! Listening to a session: the bytes that pass it in both directions, for whoever records a client's life to feed it to the
//! library again.

/// Bytes that pass a session, for whoever records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage<'a> {
    /// A datagram that came.
    DatagramIn(&'a [u8]),
    /// A frame of the stream that came, without its prefix.
    FrameIn(&'a [u8]),
    /// An input's datagram.
    DatagramOut(&'a [u8]),
    /// A command's frame, without its prefix.
    FrameOut(&'a [u8]),
}

/// Listens to what passes a session.
pub type Tap = Box<dyn FnMut(Passage<'_>) + Send>;
