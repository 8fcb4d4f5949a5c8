//! The two threads that listen: the game endpoint on its own runtime, and the HTTP pages on another. Each is
//! bound before it is started, so that an address in use is an error of the start and not of a log line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use net::endpoint::{Certificate, Endpoint, EndpointLimits};
use net::protocol::Goodbye;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::gateway::LocalGateway;
use crate::http::{Pages, router};
use crate::metrics::GatewayMetrics;

/// How often the count of connections is taken, and samples are moved out of their buffers.
const UPKEEP_PERIOD: Duration = Duration::from_secs(1);

fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start an event loop")
}

/// The game endpoint on its thread.
pub(super) struct Network {
    local_addr: SocketAddr,
    close: Option<oneshot::Sender<Goodbye>>,
    thread: Option<JoinHandle<()>>,
}

impl Network {
    pub(super) fn start(
        listen: SocketAddr,
        certificate: Certificate,
        gateway: LocalGateway,
        metrics: GatewayMetrics,
        limits: EndpointLimits,
    ) -> anyhow::Result<Self> {
        let runtime = runtime()?;
        let endpoint = {
            let _inside = runtime.enter();
            Endpoint::bind(listen, &certificate, Arc::new(gateway), limits)?
        };
        let local_addr = endpoint.local_addr();
        let (close, closing) = oneshot::channel();
        let run = move || runtime.block_on(serve_until_closed(endpoint, metrics, closing));
        let thread = std::thread::Builder::new().name("network".to_owned()).spawn(run)?;
        Ok(Self { local_addr, close: Some(close), thread: Some(thread) })
    }

    pub(super) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Tells every client why, waits until they are told (at most a few seconds), and ends the thread.
    pub(super) fn close(&mut self, reason: Goodbye) {
        if let Some(close) = self.close.take() {
            let _thread_may_be_gone = close.send(reason);
        }
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the network thread ended with a panic");
        }
    }
}

async fn serve_until_closed(endpoint: Endpoint, metrics: GatewayMetrics, mut closing: oneshot::Receiver<Goodbye>) {
    let mut upkeep = tokio::time::interval(UPKEEP_PERIOD);
    let reason = loop {
        tokio::select! {
            _ = upkeep.tick() => metrics.set_connections(endpoint.connections()),
            // The sender is dropped by a server that nobody stops properly: that is a shutdown as well.
            reason = &mut closing => break reason.unwrap_or(Goodbye::Shutdown),
        }
    };
    endpoint.close(reason).await;
    metrics.set_connections(0);
}

/// The HTTP pages on their thread.
pub(super) struct Http {
    local_addr: SocketAddr,
    close: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Http {
    pub(super) fn bind(listen: SocketAddr, pages: Pages) -> anyhow::Result<Self> {
        let runtime = runtime()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind(listen));
        let listener =
            listener.with_context(|| format!("cannot serve metrics on {listen} (choose another with --http)"))?;
        let local_addr = listener.local_addr()?;
        let (close, closing) = oneshot::channel::<()>();
        let run = move || runtime.block_on(serve_pages(listener, pages, closing));
        let thread = std::thread::Builder::new().name("http".to_owned()).spawn(run)?;
        Ok(Self { local_addr, close: Some(close), thread: Some(thread) })
    }

    pub(super) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    pub(super) fn close(&mut self) {
        self.close.take();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the http thread ended with a panic");
        }
    }
}

async fn serve_pages(listener: tokio::net::TcpListener, pages: Pages, closing: oneshot::Receiver<()>) {
    let metrics = Arc::clone(&pages.metrics);
    let upkeep = async move {
        let mut upkeep = tokio::time::interval(UPKEEP_PERIOD);
        loop {
            upkeep.tick().await;
            metrics.upkeep();
        }
    };
    // Connections that a scraper keeps open must not hold up the end, so the server is dropped and not drained.
    tokio::select! {
        served = std::future::IntoFuture::into_future(axum::serve(listener, router(pages))) => {
            if let Err(cause) = served {
                tracing::error!(%cause, "metrics and health are not served any more");
            }
        }
        () = upkeep => {}
        _ = closing => {}
    }
}
