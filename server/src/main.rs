//! The `nereid` program: wires options, engines, models and protocols.
#![forbid(unsafe_code)]

mod commands;
mod gpus;
mod library;
mod ports;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, bail};
use nereid::budget::Budget;
use nereid::edge::Edge;
use nereid::lifecycle::{self, Control, Engines, Overrides, Poll, Polling};
use nereid::logging;
use nereid::metrics::settings::Settings;
use nereid::options::{ControlMode, Options, RepositoryOptions};
use nereid::places::Places;
use nereid::regions::Regions;
use nereid::registry::{Catalog, Registry};
use nereid::server::{Life, Server};
use nereid::statistics::Statistics;
use nereid_backend::backend::Backend;
use nereid_backend_all::BackendSettings;
use nereid_heap::Heap;
use nereid_model_repository::read::Reader;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::gpus::Gpus;

/// Big blocks, which tensors are received in and answers put together, are kept for the next ones as
/// long as all have no more together: enough for four clients that send 50 MB at a time.
const KEPT_BYTES_MAX: usize = 512 << 20;

/// How often blocks are given back that were not used since the time before.
const GIVE_BACK_INTERVAL: Duration = Duration::from_secs(5);

#[global_allocator]
static HEAP: Heap = Heap::new(KEPT_BYTES_MAX);

fn main() -> ExitCode {
    let options = match Options::read(std::env::args_os()) {
        Ok(options) => options,
        Err(error) => {
            // Triton exits with 1 where clap would with 2; help and version are no failure.
            let _closed = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    logging::start(&options.logging);
    for warning in &options.triton.warnings {
        tracing::warn!("{warning}");
    }
    if let Some(command) = &options.command {
        return commands::run(command);
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    options.repository.check()?;
    // Before any thread: it changes the process's environment.
    let library = library::find(options.backends.onnxruntime_library.as_deref());
    let library = library.as_deref().map_err(Clone::clone);
    let settings = BackendSettings::parse(&options.backends.backend_config)?;
    let onnxruntime = nereid_backend_all::onnxruntime(library, &settings);
    let gpus = gpus::find(&options.devices, &options.metrics);
    let ends = gpus::ends(&gpus.devices);
    let backends = nereid_backend_all::all(onnxruntime, settings, &gpus.devices);
    // Instances compute on threads of their own; the protocols need few beside them.
    let workers = available_parallelism().map_or(1, |cores| cores.get() - 1).max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    let served = runtime.block_on(serve(options, backends, gpus));
    // Whatever still blocks, such as a load that was told to stop, ends with the process.
    runtime.shutdown_background();
    gpus::wait(&ends);
    served
}

async fn serve(
    options: &Options,
    backends: Vec<Arc<dyn Backend>>,
    gpus: Gpus,
) -> anyhow::Result<()> {
    let (registry, models) = Registry::new();
    let (live, life) = watch::channel(Life::Starting);
    let repository = &options.repository;
    let has_summaries = Settings::new(&options.metrics.metrics_config).has_summaries;
    let edge = Edge::new(gpus.devices.clone())?;
    let engines = Engines {
        reader: Reader { backends, completion: repository.completion.completion() },
        edge: edge.clone(),
        statistics: if has_summaries { Statistics::with_summaries } else { Statistics::default },
        retries: repository.model_load_retry_count,
    };
    let loads_max = repository.model_load_thread_count;
    let control =
        lifecycle::start(engines, repository.model_repository.clone(), loads_max, registry)?;
    let is_explicit = repository.model_control_mode == ControlMode::Explicit;
    let server = Arc::new(Server {
        name: options.server.id.clone(),
        models,
        control: is_explicit.then(|| control.clone()),
        budget: Budget::new(options.server.inflight_byte_size),
        places: Places::new(options.server.inflight_request_count),
        input_bytes_max: options.http.http_max_input_size,
        life,
        is_strict: repository.strict_readiness,
        devices: gpus.devices,
        regions: Regions::new(edge, options.devices.allow_client_shm),
    });
    // Who bounds what is in flight means memory.
    HEAP.limit(KEPT_BYTES_MAX.min(options.server.inflight_byte_size));
    tokio::spawn(give_back());
    let mut stop = Stop::new()?;
    let mut ports = ports::start(options, &server, gpus.nvml).await?;
    let polling = tokio::select! {
        loaded = load(repository, &control, &server) => loaded?,
        signal = stop.requested() => {
            tracing::info!("{signal} while models are being loaded: stopped");
            return Ok(());
        }
    };
    live.send_replace(Life::Serving);
    tracing::info!("ready");

    let signal = stop.requested().await;
    drop(polling);
    drain(options.server.shutdown_delay(), signal, &live, &mut stop).await;
    let timeout = options.server.exit_timeout();
    tracing::info!("finishing what is in flight, for at most {} s", timeout.as_secs());
    live.send_replace(Life::Stopping);
    let finished = async {
        while ports.serving.join_next().await.is_some() {}
        control.stop().await;
    };
    if tokio::time::timeout(timeout, finished).await.is_err() {
        bail!("requests were still in flight after {} s and are lost", timeout.as_secs());
    }
    tracing::info!("stopped");
    Ok(())
}

/// Gives memory back for as long as the process lives. To unmap takes so little that it is done here.
async fn give_back() {
    let mut interval = tokio::time::interval(GIVE_BACK_INTERVAL);
    loop {
        interval.tick().await;
        HEAP.give_back();
    }
}

/// Says that it is not ready while it serves on, until load balancers had their time to notice.
async fn drain(delay: Duration, signal: &str, live: &watch::Sender<Life>, stop: &mut Stop) {
    if delay.is_zero() {
        return tracing::info!("{signal}: stopping");
    }
    tracing::info!("{signal}: not ready from now on, serving for another {} s", delay.as_secs());
    live.send_replace(Life::Draining);
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        signal = stop.requested() => tracing::info!("{signal}: no longer waiting"),
    }
}

/// The signals that ask the process to stop.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    /// Waits for the next one, and names it.
    async fn requested(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Loads the models that are served from the start, all at the same time, and watches their
/// folders from then on if that is asked.
async fn load(
    options: &RepositoryOptions,
    control: &Control,
    server: &Server,
) -> anyhow::Result<Option<Polling>> {
    let mut poll = None;
    let names = match options.model_control_mode {
        ControlMode::None => control.list().await?,
        ControlMode::Poll => {
            let folders = options.model_repository.clone();
            let first = tokio::task::spawn_blocking(|| Poll::new(folders)).await??;
            poll.insert(first).names().to_vec()
        }
        ControlMode::Explicit if options.load_model == ["*"] => control.list().await?,
        ControlMode::Explicit => options.load_model.clone(),
    };
    let (count, is_explicit) = (names.len(), options.model_control_mode == ControlMode::Explicit);
    if count == 0 && !is_explicit {
        tracing::warn!("no model found: a repository has a folder for each, <model>/<version>/");
    }
    let mut loads = JoinSet::new();
    for name in names {
        let control = control.clone();
        loads.spawn(async move { control.load(&name, Overrides::default()).await });
    }
    let mut failed = 0;
    while let Some(loaded) = loads.join_next().await {
        failed += usize::from(loaded?.is_err());
    }
    log_models(&server.models.snapshot());
    if failed > 0 && options.exit_on_error {
        bail!(
            "{failed} of {count} models failed to load; with --exit-on-error=false others are served"
        );
    }
    let interval = Duration::from_secs(options.repository_poll_secs);
    let polling = poll.map(|poll| poll.start(interval, control.clone())).transpose();
    polling.context("cannot start a thread that looks for changes")
}

fn log_models(catalog: &Catalog) {
    let rows: Vec<_> = catalog
        .entries()
        .map(|(model, version, status)| {
            let version = if version == 0 { "-".to_owned() } else { version.to_string() };
            (model, version, status.describe())
        })
        .collect();
    let model = rows.iter().map(|row| row.0.len()).max().unwrap_or(0).max("Model".len());
    tracing::info!("{:model$} | Version | Status", "Model");
    for (name, version, status) in rows {
        tracing::info!("{name:model$} | {version:7} | {}", status.replace('\n', "; "));
    }
}
