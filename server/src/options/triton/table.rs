//! The flags, in the order of Triton's help.

use Meaning::{Ignored, Refused};
use Value::{Boolean, Float, Integer, Text};

/// One flag.
pub(super) struct Flag {
    /// Without its dashes.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) value: Value,
    /// The value that asks for what this server does anyway, so that nothing is to be told.
    here: &'static str,
    /// What becomes of any other.
    pub(super) meaning: Meaning,
}

impl Flag {
    /// Whether `value` asks for nothing else than what is done.
    pub(super) fn is_so_here(&self, value: &str) -> bool {
        !self.here.is_empty() && self.here.eq_ignore_ascii_case(value)
    }
}

/// What a flag takes.
#[derive(Clone, Copy)]
pub(super) enum Value {
    Boolean,
    Integer,
    Float,
    Text,
}

/// What becomes of a flag, and why.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    Ignored(&'static str),
    Refused(&'static str),
}

const fn flag(name: &'static str, value: Value, here: &'static str, meaning: Meaning) -> Flag {
    Flag { name, value, here, meaning }
}

const NO_GPU: Meaning =
    Ignored("memory of GPUs is allocated as it is needed, on any that the driver serves");
const THREADS: Meaning = Ignored("all protocols share threads, as many as there are cores");
const POOLS: Meaning = Ignored("buffers are not pooled by protocol");
const NO_TRACES: Meaning = Ignored("this version of Nereid records no traces");
const NO_CACHE: Meaning = Ignored("this version of Nereid has no response cache");
const NO_PINGS: Meaning = Ignored("this version of Nereid sends no keepalive pings over gRPC");
const NO_LIMIT_OF_PINGS: Meaning = Ignored("pings of gRPC clients are answered, however many");
const STAYS_OPEN: Meaning = Ignored("connections stay open as long as the client wants");
const BUILT_IN: Meaning = Ignored("engines are part of this program");
const NO_FORWARDING: Meaning =
    Ignored("headers are not forwarded to models, and no engine reads them");
const NO_RATE_LIMIT: Meaning =
    Ignored("there is no rate limiter: an instance runs as soon as it is free");
const NO_SAGEMAKER: Meaning =
    Refused("this version of Nereid does not speak SageMaker's protocol; set it to false");
const SAGEMAKER: Meaning = Ignored("this version of Nereid does not speak SageMaker's protocol");
const NO_VERTEX: Meaning =
    Refused("this version of Nereid does not speak Vertex AI's protocol; set it to false");
const VERTEX: Meaning = Ignored("this version of Nereid does not speak Vertex AI's protocol");

/// Every flag that is no option of ours.
pub(super) const FLAGS: &[Flag] = &[
    flag("log-format", Text, "default", Ignored("log lines have Triton's default format")),
    flag("log-file", Text, "", Ignored("the log goes to standard error: redirect it there")),
    flag(
        "model-config-name",
        Text,
        "",
        Refused(
            "this version of Nereid reads config.pbtxt only and would serve another \
             configuration; make the one that is meant the model's config.pbtxt",
        ),
    ),
    flag(
        "model-namespacing",
        Boolean,
        "false",
        Refused(
            "this version of Nereid has no namespaces; give models of different repositories \
             different names",
        ),
    ),
    flag("enable-peer-access", Boolean, "", NO_GPU),
    flag("reuse-http-port", Boolean, "false", Ignored("a port belongs to one server")),
    flag("http-header-forward-pattern", Text, "", NO_FORWARDING),
    flag("http-thread-count", Integer, "", THREADS),
    flag("reuse-grpc-port", Boolean, "false", Ignored("a port belongs to one server")),
    flag("grpc-header-forward-pattern", Text, "", NO_FORWARDING),
    flag("grpc-infer-thread-count", Integer, "", THREADS),
    flag("grpc-infer-allocation-pool-size", Integer, "", POOLS),
    flag("grpc-max-response-pool-size", Integer, "", POOLS),
    flag(
        "grpc-infer-response-compression-level",
        Text,
        "none",
        Ignored("who compresses requests gets compressed responses"),
    ),
    flag("grpc-keepalive-time", Integer, "", NO_PINGS),
    flag("grpc-keepalive-timeout", Integer, "", NO_PINGS),
    flag("grpc-keepalive-permit-without-calls", Boolean, "false", NO_PINGS),
    flag("grpc-http2-max-pings-without-data", Integer, "", NO_PINGS),
    flag("grpc-http2-min-recv-ping-interval-without-data", Integer, "", NO_LIMIT_OF_PINGS),
    flag("grpc-http2-max-ping-strikes", Integer, "", NO_LIMIT_OF_PINGS),
    flag("grpc-max-connection-age", Integer, "", STAYS_OPEN),
    flag("grpc-max-connection-age-grace", Integer, "", STAYS_OPEN),
    flag("allow-sagemaker", Boolean, "false", NO_SAGEMAKER),
    flag("sagemaker-port", Integer, "", SAGEMAKER),
    flag("sagemaker-safe-port-range", Text, "", SAGEMAKER),
    flag("sagemaker-thread-count", Integer, "", SAGEMAKER),
    flag("allow-vertex-ai", Boolean, "false", NO_VERTEX),
    flag("vertex-ai-port", Integer, "", VERTEX),
    flag("vertex-ai-thread-count", Integer, "", VERTEX),
    flag("vertex-ai-default-model", Text, "", VERTEX),
    flag("trace-config", Text, "", NO_TRACES),
    flag("backend-directory", Text, "", BUILT_IN),
    flag("repoagent-directory", Text, "", Ignored("this version of Nereid runs no agents")),
    flag("cache-config", Text, "", NO_CACHE),
    flag("cache-directory", Text, "", NO_CACHE),
    flag("rate-limit", Text, "off", NO_RATE_LIMIT),
    flag("rate-limit-resource", Text, "", NO_RATE_LIMIT),
    flag("cuda-virtual-address-size", Text, "", NO_GPU),
    flag("min-supported-compute-capability", Float, "", NO_GPU),
    flag("buffer-manager-thread-count", Integer, "0", Ignored("instances gather their batches")),
    flag("host-policy", Text, "", Ignored("threads run on any core: use numactl or cpusets")),
    flag("model-load-gpu-limit", Text, "", NO_GPU),
    flag("response-cache-byte-size", Integer, "0", NO_CACHE),
    flag("trace-file", Text, "", NO_TRACES),
    flag("trace-level", Text, "off", NO_TRACES),
    flag("trace-rate", Integer, "", NO_TRACES),
    flag("trace-count", Integer, "", NO_TRACES),
    flag("trace-log-frequency", Integer, "", NO_TRACES),
];
