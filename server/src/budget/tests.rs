use std::future::{Future, poll_fn};
use std::sync::Mutex;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use nereid_backend::data_type::DataType;
use nereid_backend::request::{Request as Inference, Response as Inferred};
use nereid_backend::spec::{Dim, ModelSpec, TensorSpec};
use nereid_backend::tensor::Tensor;
use nereid_model_repository::definition::Definition;
use nereid_proto::inference::model_infer_request::InferInputTensor;
use nereid_proto::inference::{InferTensorContents, ModelInferRequest};
use prost::Message as _;

use super::*;
use crate::registry::{Catalog, Registry, Route, Served, Snapshot, Status};
use crate::scheduler::Refused;
use crate::security::guard::Guard;
use crate::server::Server;
use crate::{fakes, grpc, http};

#[test]
fn what_does_not_fit_is_refused_until_others_are_gone() {
    let budget = Budget::new(10);
    let first = budget.lease();
    assert!(first.try_grow(6).is_ok());
    assert!(budget.lease().try_grow(5).is_err());
    assert!(budget.lease().try_grow(usize::MAX).is_err());
    assert!(first.check(4).is_ok() && budget.lease().check(4).is_ok());
    assert!(first.check(5).is_err() && first.check(usize::MAX).is_err());
    assert_eq!(budget.used_bytes(), 6, "a check takes nothing");
    assert!(first.try_grow(4).is_ok());
    assert!(first.try_grow(1).is_err());
    assert_eq!(budget.used_bytes(), 10);
    let response = budget.lease();
    response.grow(7);
    drop(first);
    assert!(budget.lease().try_grow(4).is_err());
    drop(response);
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn a_lease_that_is_split_has_nothing_left() {
    let budget = Budget::new(10);
    let stream = budget.lease();
    assert!(stream.try_grow(6).is_ok());
    let message = stream.split();
    assert!(stream.try_grow(4).is_ok());
    assert_eq!(budget.used_bytes(), 10);
    drop(message);
    assert_eq!(budget.used_bytes(), 4);
}

/// Numbers in each request, and their bytes.
const COUNT: usize = 1000;
const TENSOR_BYTES: usize = COUNT * size_of::<f64>();

/// Keeps its requests and answers none of them.
#[derive(Default)]
struct Keeper(Mutex<Vec<Inference>>);

impl Keeper {
    fn take(&self) -> Inference {
        self.0.lock().unwrap().pop().unwrap()
    }
}

impl Route for Keeper {
    fn push(&self, request: Inference, _: &Snapshot) -> Result<(), Refused> {
        self.0.lock().unwrap().push(request);
        Ok(())
    }

    fn is_able(&self, _: &Catalog) -> bool {
        true
    }

    fn waiting(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn close(&self) {}
}

/// A server of the model `m`, from `x` to `y`, whose requests are kept.
fn server(limit_bytes: usize) -> (Arc<Server>, Arc<Keeper>) {
    let keeper = Arc::new(Keeper::default());
    let (mut registry, models) = Registry::new();
    let tensor = |name| vec![TensorSpec::new(name, DataType::Fp64, vec![Dim::Any])];
    let spec = fakes::spec("m", tensor("x"), tensor("y"));
    let spec = Arc::new(ModelSpec { is_batched: false, rows_max: 1, ..spec });
    let definition = Definition { spec, ..fakes::definition("m") };
    let served =
        Served { definition, route: keeper.clone(), statistics: Arc::default(), model: None };
    registry.set("m", 1, Status::Ready(Arc::new(served)));
    let server = Server { budget: Budget::new(limit_bytes), ..fakes::server(models) };
    (Arc::new(server), keeper)
}

fn over_http(body: Vec<u8>, header_length: Option<usize>) -> Request<Body> {
    let mut request = Request::post("/v2/models/m/infer");
    if let Some(length) = header_length {
        request = request.header("Inference-Header-Content-Length", length);
    }
    request.body(body.into()).unwrap()
}

fn over_grpc(message: &ModelInferRequest) -> Request<Body> {
    let request = Request::post("/inference.GRPCInferenceService/ModelInfer");
    let size = u32::try_from(message.encoded_len()).unwrap();
    let body = [&[0], &size.to_be_bytes()[..], &message.encode_to_vec()].concat();
    request.header("Content-Type", "application/grpc").body(body.into()).unwrap()
}

/// `x` in JSON, with its data or their size.
fn json(data: &str) -> Vec<u8> {
    let input = format!(r#"{{"name":"x","datatype":"FP64","shape":[{COUNT}],{data}}}"#);
    format!(r#"{{"inputs":[{input}]}}"#).into_bytes()
}

fn message(contents: Option<InferTensorContents>) -> ModelInferRequest {
    let (name, datatype) = ("x".to_owned(), "FP64".to_owned());
    let shape = vec![i64::try_from(COUNT).unwrap()];
    let input = InferInputTensor { name, datatype, shape, contents, ..Default::default() };
    let model_name = "m".to_owned();
    ModelInferRequest { model_name, inputs: vec![input], ..Default::default() }
}

type MakeRouter = fn(Arc<Server>, &Arc<Guard>) -> Router;

/// Each protocol, a request that it brings, and what counts for it: what was sent, and what was
/// written of it.
fn requests() -> [(MakeRouter, Request<Body>, usize); 4] {
    let text = json(&format!(r#""data":[{}0]"#, "0,".repeat(COUNT - 1)));
    let header = json(&format!(r#""parameters":{{"binary_data_size":{TENSOR_BYTES}}}"#));
    let binary = [&*header, &[0; TENSOR_BYTES]].concat();
    let raw = ModelInferRequest {
        raw_input_contents: vec![vec![0; TENSOR_BYTES].into()],
        ..message(None)
    };
    let contents = InferTensorContents { fp64_contents: vec![0.5; COUNT], ..Default::default() };
    let typed = message(Some(contents));
    let frame = 5;
    let sizes = [text.len(), binary.len(), frame + raw.encoded_len(), frame + typed.encoded_len()];
    [
        (http::router, over_http(text, None), sizes[0] + TENSOR_BYTES),
        (http::router, over_http(binary, Some(header.len())), sizes[1]),
        (grpc::router, over_grpc(&raw), sizes[2]),
        (grpc::router, over_grpc(&typed), sizes[3] + TENSOR_BYTES),
    ]
}

/// A router for everybody.
fn open(router: MakeRouter, server: &Arc<Server>) -> Router {
    router(server.clone(), &Arc::new(Guard::open()))
}

/// Calls until a request is kept, and gives what waits for its answer.
async fn call(
    router: Router,
    request: Request<Body>,
) -> impl Future<Output = Response<Body>> + Unpin {
    let mut answered = Box::pin(TowerToHyperService::new(router).call(request));
    let is_pending =
        poll_fn(|context| Poll::Ready(answered.as_mut().poll(context).is_pending())).await;
    assert!(is_pending);
    Box::pin(async { answered.await.unwrap() })
}

#[tokio::test]
async fn a_request_counts_until_it_is_gone() {
    for (router, request, expected) in requests() {
        let (server, keeper) = server(1 << 20);
        let answered = call(open(router, &server), request).await;
        assert_eq!(server.budget.used_bytes(), expected);
        drop(answered); // The client goes away, but what it sent is still there.
        assert_eq!(server.budget.used_bytes(), expected);
        drop(keeper.take());
        assert_eq!(server.budget.used_bytes(), 0);
    }
}

#[tokio::test]
async fn a_response_counts_until_it_was_sent() {
    for (router, request, _) in requests() {
        let (server, keeper) = server(1 << 20);
        let answered = call(open(router, &server), request).await;
        let y = Tensor::from_values(vec![COUNT], vec![0.5_f64; COUNT]).unwrap();
        keeper.take().respond(Ok(Inferred { outputs: vec![("y".into(), y)] }));
        let body = answered.await.into_body();
        assert!(server.budget.used_bytes() > COUNT, "{}", server.budget.used_bytes());
        let sent = body.collect().await.unwrap().to_bytes();
        assert!(sent.len() > COUNT);
        assert_eq!(server.budget.used_bytes(), 0);
    }
}

/// What was received fits, and what is written of it does not.
#[tokio::test]
async fn what_is_written_must_fit() {
    for (router, request, expected) in requests() {
        let (server, _) = server(expected - 1);
        let answered = TowerToHyperService::new(open(router, &server)).call(request).await;
        let response = answered.unwrap();
        let is_refused = response.status() == 503
            || response.headers().get("grpc-status").is_some_and(|status| status == "14");
        assert!(is_refused, "{response:?}");
        drop(response);
        assert_eq!(server.budget.used_bytes(), 0);
    }
}
