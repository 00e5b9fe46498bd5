//! A server in this process, as `main` wires it, but for the ports.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use nereid::budget::Budget;
use nereid::edge::Edge;
use nereid::lifecycle::{self, Control, Engines, Overrides};
use nereid::options::Options;
use nereid::places::Places;
use nereid::regions::Regions;
use nereid::registry::Registry;
use nereid::security::guard::Guard;
use nereid::server::{Life, Server};
use nereid::statistics::Statistics;
use nereid::{http, metrics};
use nereid_backend::error::LoadError;
use nereid_backend_all::BackendSettings;
use nereid_kernels::device::probe_each;
use nereid_kernels::reaper::Ended;
use nereid_model_repository::completion::Completion;
use nereid_model_repository::read::Reader;
use nereid_softcuda_harness::{Library, comes_to};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::client::{Answer, Asked};
use crate::repository::{self, Model};

/// Far more than anything takes that is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server. Dropped, it has stopped and given its devices back.
pub(crate) struct World<'a> {
    pub(crate) cuda: &'a Library,
    /// What was copied before it serves.
    before: [u64; 3],
    /// What its loads have copied.
    pub(crate) loaded: [u64; 3],
    runtime: Runtime,
    control: Control,
    api: Router,
    metrics: Router,
    ends: Vec<Ended>,
    _folder: TempDir,
}

impl<'a> World<'a> {
    /// A server of a repository with these models, of which none is loaded.
    pub(crate) fn new(cuda: &'a Library, models: &[Model]) -> Self {
        let folder = repository::write(models);
        let library = beside_test("libsoftnvinfer.so");
        let provider = beside_test("libsoftprovider.so");
        let words = [
            "nereid".to_owned(),
            format!("--model-repository={}", folder.path().display()),
            format!("--backend-config=tensorrt,library={}", library.display()),
            format!(
                "--backend-config=onnxruntime,execution-provider-library={}",
                provider.display()
            ),
        ];
        let options = Options::read(words.map(Into::into).into_iter()).unwrap();
        let settings = BackendSettings::parse(&options.backends.backend_config).unwrap();
        // It starts once in a process, which those who make several worlds do not need it for.
        let library = if models.iter().any(Model::is_onnx) {
            let library = std::env::var_os("NEREID_ONNXRUNTIME_LIBRARY");
            Ok(library
                .unwrap_or_else(|| panic!("set NEREID_ONNXRUNTIME_LIBRARY as make test does")))
        } else {
            Err(LoadError::new("this repository has no ONNX model"))
        };
        let library = library.as_ref().map(Path::new).map_err(Clone::clone);
        let onnxruntime = nereid_backend_all::onnxruntime(library, &settings);
        let devices = probe_each(|ordinal| options.devices.limits(ordinal)).unwrap();
        let ends = devices.all().iter().map(|device| device.reaper().ended()).collect();
        let backends = nereid_backend_all::all(onnxruntime, settings, &devices);
        let edge = Edge::new(devices.clone()).unwrap();
        let engines = Engines {
            reader: Reader { backends, completion: Completion::FromFiles },
            edge: edge.clone(),
            statistics: Statistics::default,
            retries: 0,
        };
        let (registry, models) = Registry::new();
        let folders = options.repository.model_repository.clone();
        let control = lifecycle::start(engines, folders, 1, registry).unwrap();
        let server = Arc::new(Server {
            name: "nereid".to_owned(),
            models,
            control: Some(control.clone()),
            budget: Budget::new(options.server.inflight_byte_size),
            places: Places::new(options.server.inflight_request_count),
            input_bytes_max: options.http.http_max_input_size,
            life: watch::channel(Life::Serving).1,
            is_strict: options.repository.strict_readiness,
            devices,
            regions: Regions::new(edge, options.devices.allow_client_shm),
        });
        Self {
            cuda,
            before: all_copied(cuda),
            loaded: [0; 3],
            runtime: Runtime::new().unwrap(),
            control,
            api: http::router(server.clone(), &Arc::new(Guard::open())),
            metrics: metrics::router(server, &options.metrics, None),
            ends,
            _folder: folder,
        }
    }

    /// A server that serves them all.
    pub(crate) fn serving(cuda: &'a Library, models: &[Model]) -> Self {
        let mut world = Self::new(cuda, models);
        for model in models {
            world.load(&model.name).unwrap();
        }
        world.loaded = world.copied();
        world.before = all_copied(cuda);
        world
    }

    /// # Errors
    /// As a client is told.
    pub(crate) fn load(&self, model: &str) -> Result<(), String> {
        let loaded = self.runtime.block_on(self.control.load(model, Overrides::default()));
        loaded.map_err(|error| error.to_string())
    }

    /// Sends a request; the answer is waited for by [`World::answer`].
    pub(crate) fn send(&self, asked: &Asked) -> JoinHandle<Answer> {
        let (api, request) = (self.api.clone(), asked.request());
        self.runtime.spawn(async { Answer::read(call(api, request).await).await })
    }

    pub(crate) fn answer(&self, sent: JoinHandle<Answer>) -> Answer {
        let timeout = async { tokio::time::timeout(PATIENCE * 6, sent).await };
        self.runtime.block_on(timeout).unwrap().unwrap()
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn ask(&self, asked: &Asked) -> Answer {
        self.answer(self.send(asked))
    }

    /// The status of `GET` of a path.
    pub(crate) fn status(&self, path: &str) -> u16 {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.runtime.block_on(call(self.api.clone(), request)).status().as_u16()
    }

    /// Bytes that the device has copied up, down, and within or between devices.
    pub(crate) fn copied(&self) -> [u64; 3] {
        let now = all_copied(self.cuda);
        std::array::from_fn(|direction| now[direction] - self.before[direction])
    }

    /// What `/metrics` says of these.
    pub(crate) fn counted(&self) -> [u64; 3] {
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let body = self.runtime.block_on(async {
            let response = call(self.metrics.clone(), request).await;
            response.into_body().collect().await.unwrap().to_bytes()
        });
        let text = String::from_utf8(body.to_vec()).unwrap();
        ["host_to_device", "device_to_host", "device_to_device"].map(|direction| {
            let label = format!("direction=\"{direction}\"");
            let is_its =
                |line: &&str| line.starts_with("nereid_copy_bytes_total{") && line.contains(&label);
            let value = |line: &str| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
            text.lines().filter(is_its).map(value).sum()
        })
    }

    /// What models count is what the device does. Steps of a request that has failed may still run, so
    /// that is waited for.
    pub(crate) fn check_counts(&self) {
        let is_so = comes_to(|| self.counted() == self.copied());
        assert!(is_so, "{:?} counted, {:?} copied", self.counted(), self.copied());
    }
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        self.runtime.block_on(self.control.stop());
        // The lifecycle's thread and the routers have the devices, too.
        (self.api, self.metrics) = (Router::new(), Router::new());
        let have_ended = self.ends.iter().all(|end| end.wait(PATIENCE));
        assert!(have_ended || std::thread::panicking(), "the devices are still in use");
    }
}

/// What the device has copied in this process.
fn all_copied(cuda: &Library) -> [u64; 3] {
    let between = cuda.count("d2d_bytes") + cuda.count("peer_bytes");
    [cuda.count("h2d_bytes"), cuda.count("d2h_bytes"), between]
}

async fn call(router: Router, request: Request<Body>) -> Response<Body> {
    let Ok(response) = TowerToHyperService::new(router).call(request).await;
    response
}

fn beside_test(name: &str) -> PathBuf {
    std::env::current_exe().unwrap().with_file_name(name)
}
