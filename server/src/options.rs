//! The command line: Triton's names and defaults for what exists here, and our own for the rest.

mod commands;
mod completion;
mod devices;
mod triton;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, Parser, ValueEnum, value_parser};
use nereid_backend::error::LoadError;
use nereid_backend_all::BackendSetting;

use crate::metrics::settings::Setting;
pub use commands::{CheckOptions, Command, Health, InitOptions, ProbeOptions};
pub use completion::CompletionOptions;
pub use devices::{DeviceOptions, MemoryOfGpu};
pub use triton::TritonOptions;

/// Serves the models of a repository over KServe v2, unless a command says otherwise.
#[derive(Clone, Debug, Parser)]
#[command(name = "nereid", version, max_term_width = 100)]
// As in Triton, of a flag that is given twice the last one holds.
#[command(args_override_self = true, after_help = triton::help())]
#[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
pub struct Options {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Server.
    #[command(flatten)]
    pub server: ServerOptions,
    /// Logging.
    #[command(flatten)]
    pub logging: LoggingOptions,
    /// Model repository.
    #[command(flatten)]
    pub repository: RepositoryOptions,
    /// HTTP.
    #[command(flatten)]
    pub http: HttpOptions,
    /// gRPC.
    #[command(flatten)]
    pub grpc: GrpcOptions,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsOptions,
    /// Backends.
    #[command(flatten)]
    pub backends: BackendOptions,
    /// CUDA devices.
    #[command(flatten)]
    pub devices: DeviceOptions,
    /// What only Triton has.
    #[command(flatten)]
    pub triton: TritonOptions,
}

impl Options {
    /// Reads what the program was started with, its name first. Where Triton's image is replaced by
    /// ours, the name of Triton's program follows as a first argument: it is passed over.
    ///
    /// # Errors
    /// When it cannot be understood, or when only help or the version is wanted.
    pub fn read(words: impl Iterator<Item = OsString>) -> Result<Self, clap::Error> {
        let is_of_triton = |word: &OsString| Path::new(word).file_name() == Some(TRITON.as_ref());
        let mut words = words.peekable();
        let name = words.next();
        let _passed_over = words.next_if(is_of_triton);
        Self::try_parse_from(name.into_iter().chain(words))
    }
}

/// The name of Triton's program.
const TRITON: &str = "tritonserver";

/// The process as a whole.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerOptions {
    /// Name that the server tells its clients
    #[arg(long, default_value = "nereid")]
    pub id: String,

    /// Seconds at shutdown in which requests are still served while ready says no, so that load
    /// balancers go elsewhere before the ports close; a second signal ends them
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub shutdown_delay_secs: u64,

    /// Seconds that requests in flight have at shutdown, once the ports are closed
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub exit_timeout_secs: u64,

    /// Bytes of all requests and responses in flight; requests beyond are refused with 503
    #[arg(long, value_name = "BYTES", default_value_t = 2 << 30)]
    pub inflight_byte_size: usize,

    /// Inference requests in flight; those beyond are refused with 503
    #[arg(long, value_name = "COUNT", default_value_t = 65_536)]
    pub inflight_request_count: usize,
}

impl ServerOptions {
    /// How long requests are still served at shutdown while ready says no.
    pub fn shutdown_delay(&self) -> Duration {
        Duration::from_secs(self.shutdown_delay_secs)
    }

    /// How long requests in flight have at shutdown, once the ports are closed.
    pub fn exit_timeout(&self) -> Duration {
        Duration::from_secs(self.exit_timeout_secs)
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logging")]
pub struct LoggingOptions {
    /// 0: no verbose messages; 1: each request; 2: more
    #[arg(long, default_value_t = 0)]
    pub log_verbose: u8,

    /// Log what goes well
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub log_info: bool,

    /// Log what may be wrong
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub log_warning: bool,

    /// Log what is wrong
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub log_error: bool,
}

/// Which models are served.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Model repository")]
pub struct RepositoryOptions {
    /// Folder of models; may be given several times
    #[arg(long, visible_alias = "model-store", value_name = "PATH", required = true)]
    pub model_repository: Vec<PathBuf>,

    /// none: serve all models from the start; poll: and look for new, changed and removed ones;
    /// explicit: serve those of --load-model, and load and unload models as clients ask
    #[arg(long, value_enum, default_value_t = ControlMode::None)]
    pub model_control_mode: ControlMode,

    /// Seconds between two looks for changes in the poll mode; a change counts when two looks agree
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..), default_value_t = 15)]
    pub repository_poll_secs: u64,

    /// Model to load at start in the explicit mode; may be given several times; * loads all
    #[arg(long, value_name = "NAME")]
    pub load_model: Vec<String>,

    /// Exit if a model cannot be loaded at start
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub exit_on_error: bool,

    /// Ready only if every model is
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub strict_readiness: bool,

    /// Completion of configurations.
    #[command(flatten)]
    pub completion: CompletionOptions,

    /// Models that are loaded at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    pub model_load_thread_count: usize,

    /// How often a model that its backend does not load is tried again
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub model_load_retry_count: u32,
}

impl RepositoryOptions {
    /// Checks what the options say together.
    ///
    /// # Errors
    /// When models are named that would not be loaded as the name says; Triton refuses it, too.
    pub fn check(&self) -> Result<(), LoadError> {
        if self.load_model.is_empty() {
            return Ok(());
        }
        let wrong = if self.model_control_mode != ControlMode::Explicit {
            "--load-model needs --model-control-mode=explicit: the other modes load all models"
        } else if self.load_model.len() > 1 && self.load_model.iter().any(|name| name == "*") {
            "--load-model=* loads all models: leave out the other --load-model"
        } else {
            return Ok(());
        };
        Err(LoadError::new(wrong))
    }
}

/// Who decides which models are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ControlMode {
    /// The repository, at start.
    None,
    /// The repository, at any time.
    Poll,
    /// Clients.
    Explicit,
}

/// KServe v2 over HTTP.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "HTTP")]
pub struct HttpOptions {
    /// Serve HTTP
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub allow_http: bool,

    /// Address to listen at
    #[arg(long, default_value = "0.0.0.0")]
    pub http_address: IpAddr,

    /// Port to listen at; 0 takes a free one, which the log names
    #[arg(long, default_value_t = 8000)]
    pub http_port: u16,

    /// Largest request, over HTTP and gRPC
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    pub http_max_input_size: usize,
}

/// KServe v2 over gRPC.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "gRPC")]
pub struct GrpcOptions {
    /// Serve gRPC
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub allow_grpc: bool,

    /// Address to listen at
    #[arg(long, default_value = "0.0.0.0")]
    pub grpc_address: IpAddr,

    /// Port to listen at; 0 takes a free one, which the log names
    #[arg(long, default_value_t = 8001)]
    pub grpc_port: u16,
}

/// What Prometheus scrapes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Metrics")]
pub struct MetricsOptions {
    /// Serve metrics
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub allow_metrics: bool,

    /// Address to listen at [default: that of HTTP]
    #[arg(long)]
    pub metrics_address: Option<IpAddr>,

    /// Port to listen at; 0 takes a free one, which the log names
    #[arg(long, default_value_t = 8002)]
    pub metrics_port: u16,

    /// Tell the metrics of GPUs
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub allow_gpu_metrics: bool,

    /// Tell the host's processors and memory
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub allow_cpu_metrics: bool,

    /// How often the host is read, at most
    #[arg(long = "metrics-interval-ms", value_name = "MS", value_parser = milliseconds, default_value = "2000")]
    pub metrics_interval: Duration,

    /// `counter_latencies`, `histogram_latencies` or `summary_latencies`, each true or false, or
    /// `summary_quantiles` as in 0.5:0.05,0.99:0.001; may be given several times
    #[arg(long, value_name = "SETTING=VALUE")]
    pub metrics_config: Vec<Setting>,
}

/// The engines.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Backends")]
pub struct BackendOptions {
    /// ONNX Runtime's shared library, 1.24 or newer [default: libonnxruntime.so* beside this
    /// program]
    #[arg(long, value_name = "PATH", env = "NEREID_ONNXRUNTIME_LIBRARY")]
    pub onnxruntime_library: Option<PathBuf>,

    /// Option of a backend, or of all; may be given several times. For onnxruntime:
    /// `default-max-batch-size` (4), `enable-global-threadpool` (1), `intra_op_thread_count` and
    /// `inter_op_thread_count` (0: by the cores)
    #[arg(long, value_name = "BACKEND,KEY=VALUE")]
    pub backend_config: Vec<BackendSetting>,
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let milliseconds = text.parse::<f64>().ok().filter(|number| *number > 0.0);
    let duration = milliseconds.and_then(|number| Duration::try_from_secs_f64(number / 1e3).ok());
    duration.ok_or_else(|| "expected milliseconds above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use nereid_model_repository::completion::Completion;

    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let words = std::iter::once("nereid").chain(line.split(' '));
        Options::try_parse_from(words).map_err(|error| error.to_string())
    }

    #[test]
    fn what_launchers_pass_is_understood() {
        let kserve = "--model-store=/mnt/models --grpc-port=9000 --http-port=8080 \
                      --allow-grpc=true --allow-http=true";
        let options = parse(kserve).unwrap();
        assert_eq!(options.repository.model_repository, [PathBuf::from("/mnt/models")]);
        assert_eq!((options.http.http_port, options.grpc.grpc_port), (8080, 9000));

        let options = parse("--model-repository a --model-repository b --allow-grpc 0").unwrap();
        assert_eq!(options.repository.model_repository.len(), 2);
        assert!(!options.grpc.allow_grpc);

        let mesh = "--model-repository=/models --model-control-mode=explicit \
                    --strict-model-config=false --strict-readiness=false --allow-http=true \
                    --allow-sagemaker=false --http-port=8000 --http-port 8080";
        let options = parse(mesh).unwrap();
        assert_eq!(options.http.http_port, 8080); // The last one holds.
        assert_eq!(options.repository.completion.completion(), Completion::FromFiles);
        assert_eq!(options.triton, TritonOptions::default());
    }

    #[test]
    fn the_command_of_tritons_image_is_passed_over() {
        let read = |line: &str| Options::read(line.split(' ').map(OsString::from));
        for name in ["tritonserver", "/opt/tritonserver/bin/tritonserver"] {
            let options = read(&format!("nereid {name} --model-store=a --http-port 1")).unwrap();
            assert_eq!(options.http.http_port, 1, "{name}");
        }
        assert!(read("tritonserver --model-store=a").is_ok());
        assert!(read("nereid --model-store=a tritonserver").is_err());
        assert!(read("nereid tritonserver tritonserver --model-store=a").is_err());
    }

    #[test]
    fn completion_is_disabled_by_either_name() {
        for flag in ["--disable-auto-complete-config", "--strict-model-config=true"] {
            let options = parse(&format!("--model-repository a {flag}")).unwrap();
            assert_eq!(options.repository.completion.completion(), Completion::Disabled, "{flag}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        assert!(parse("--http-port 1").unwrap_err().contains("--model-repository"));
        assert!(parse("--model-repository a --http-prot 1").unwrap_err().contains("--http-port"));
    }

    #[test]
    fn metrics_have_tritons_options() {
        let line = "--model-repository a --allow-gpu-metrics=false --allow-cpu-metrics false \
                    --metrics-interval-ms 0.5 --metrics-config summary_latencies=true \
                    --metrics-config=summary_quantiles=0.5:0.05";
        let metrics = parse(line).unwrap().metrics;
        assert!(!metrics.allow_gpu_metrics && !metrics.allow_cpu_metrics);
        assert_eq!(metrics.metrics_interval, Duration::from_micros(500));
        let quantiles = Setting::SummaryQuantiles(vec![0.5]);
        assert_eq!(metrics.metrics_config, [Setting::SummaryLatencies(true), quantiles]);

        let metrics = parse("--model-repository a").unwrap().metrics;
        assert!(metrics.allow_gpu_metrics && metrics.allow_cpu_metrics);
        assert_eq!(metrics.metrics_interval, Duration::from_secs(2));
        for wrong in ["interval-ms 0", "interval-ms x", "interval-ms 1e40", "config summaries=1"] {
            let error = parse(&format!("--model-repository a --metrics-{wrong}")).unwrap_err();
            assert!(error.contains(": expected milli") || error.contains("no setting"), "{error}");
        }
    }

    #[test]
    fn models_are_named_only_where_clients_decide() {
        let check = |flags: &str| {
            let options = parse(&format!("--model-repository a {flags}")).unwrap();
            options.repository.check().map_err(|error| error.to_string())
        };
        let explicit = "--model-control-mode=explicit";
        for sound in ["--load-model a --load-model b", "--load-model=*"] {
            assert_eq!(check(&format!("{explicit} {sound}")), Ok(()), "{sound}");
        }
        for mode in ["none", "poll"] {
            let wrong = check(&format!("--model-control-mode={mode} --load-model a")).unwrap_err();
            assert!(wrong.contains("needs --model-control-mode=explicit"), "{wrong}");
        }
        let wrong = check(&format!("{explicit} --load-model * --load-model a")).unwrap_err();
        assert!(wrong.contains("leave out the other"), "{wrong}");
    }

    #[test]
    fn polling_has_tritons_options() {
        let options = parse("--model-repository a --model-control-mode poll").unwrap().repository;
        assert_eq!(options.model_control_mode, ControlMode::Poll);
        assert_eq!((options.repository_poll_secs, options.model_load_retry_count), (15, 0));
        let line = "--model-repository a --repository-poll-secs=3 --model-load-retry-count=2";
        let options = parse(line).unwrap().repository;
        assert_eq!((options.repository_poll_secs, options.model_load_retry_count), (3, 2));
        for wrong in ["0", "-1", "0.5"] {
            let error = parse(&format!("--model-repository a --repository-poll-secs={wrong}"));
            assert!(error.unwrap_err().contains("--repository-poll-secs"), "{wrong}");
        }
    }

    #[test]
    fn settings_of_backends() {
        let line = "--model-repository a --backend-config onnxruntime,intra_op_thread_count=2 \
                    --backend-config=default-max-batch-size=8";
        let options = parse(line).unwrap();
        let expected = ["onnxruntime,intra_op_thread_count=2", "default-max-batch-size=8"];
        assert_eq!(options.backends.backend_config, expected.map(|text| text.parse().unwrap()));
        let error = parse("--model-repository a --backend-config onnxruntime,x").unwrap_err();
        assert!(error.contains("expected <backend>,<key>=<value>"), "{error}");
    }

    #[test]
    fn the_definition_is_consistent() {
        <Options as clap::CommandFactory>::command().debug_assert();
    }
}
