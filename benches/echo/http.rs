//! Over HTTP/1.1 a body comes back as it was.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, post};

use crate::hand_off::HandOff;

pub(crate) fn router(hand_off: HandOff) -> Router {
    Router::new()
        .route("/v2/models/{model}/infer", post(infer))
        .route("/v2/health/ready", get(|| async {}))
        .layer(DefaultBodyLimit::disable())
        .with_state(hand_off)
}

async fn infer(State(hand_off): State<HandOff>, body: Bytes) -> Body {
    let mut data = hand_off.there_and_back(vec![body]).await;
    data.pop().map_or_else(Body::empty, Body::from)
}
