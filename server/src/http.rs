//! What operators and their tools ask over HTTP: `/metrics`, `/healthz` (do the scenes make progress?),
//! `/readyz` (may players come?) and a page that names them.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use net::mailbox::now_us;

use crate::health::{Health, Phase};
use crate::metrics::Metrics;

/// What the pages show.
#[derive(Clone)]
pub struct Pages {
    /// The state of the process.
    pub health: Arc<Health>,
    /// The figures.
    pub metrics: Arc<Metrics>,
}

/// All routes.
pub fn router(pages: Pages) -> Router {
    Router::new()
        .route("/", get(async || "Mainspring: /metrics /healthz /readyz\n"))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(pages)
}

async fn metrics(State(pages): State<Pages>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, pages.metrics.render(&pages.health))
}

async fn healthz(State(pages): State<Pages>) -> (StatusCode, String) {
    match pages.health.stuck_scene(now_us()) {
        // Scenes of a stopping server rest on purpose.
        Some(scene) if pages.health.phase() != Phase::Stopping => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{scene} makes no progress\n"))
        }
        _ => (StatusCode::OK, "alive\n".to_owned()),
    }
}

async fn readyz(State(pages): State<Pages>) -> (StatusCode, String) {
    let refuse = |why: String| (StatusCode::SERVICE_UNAVAILABLE, why);
    match pages.health.phase() {
        Phase::Starting => refuse("starting\n".to_owned()),
        Phase::Stopping => refuse("stopping\n".to_owned()),
        Phase::Ready => match pages.health.not_yet_ticking() {
            Some(scene) => refuse(format!("{scene} does not tick yet\n")),
            None => (StatusCode::OK, "ready\n".to_owned()),
        },
    }
}
