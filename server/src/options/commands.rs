//! What the program does instead of serving.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, value_parser};
use nereid_backend_all::BackendSetting;

use super::completion::CompletionOptions;

/// One of these.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Tell everything that is wrong with model repositories, without serving them
    ///
    /// The exit status is 0 if every model can be served, as far as its configuration and its
    /// files tell; nothing is loaded, and ONNX Runtime's library is not needed.
    Check(CheckOptions),
    /// Write a config.pbtxt for an ONNX model
    ///
    /// It states what the server would complete by itself, with comments on what may be tuned.
    Init(InitOptions),
    /// Ask a server over HTTP whether it is ready, or live, as a container's health check does
    ///
    /// The exit status is 0 if it says yes. Containers of Nereid hold no shell and no curl.
    Probe(ProbeOptions),
}

/// What is checked.
#[derive(Clone, Debug, Args)]
pub struct CheckOptions {
    /// Folders of models
    #[arg(required = true, value_name = "REPOSITORY")]
    pub repositories: Vec<PathBuf>,

    /// Completion of configurations.
    #[command(flatten)]
    pub completion: CompletionOptions,

    /// As for serving; may be given several times
    #[arg(long, value_name = "BACKEND,KEY=VALUE")]
    pub backend_config: Vec<BackendSetting>,
}

/// Of which model, and where to.
#[derive(Clone, Debug, Args)]
pub struct InitOptions {
    /// The model's file; one in a version's folder has the name of the folder around that
    #[arg(value_name = "MODEL.onnx")]
    pub file: PathBuf,

    /// File to write, which must not exist; standard output if not stated
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Whom to ask, and what.
#[derive(Clone, Debug, Args)]
pub struct ProbeOptions {
    /// What is asked
    #[arg(value_enum, default_value_t = Health::Ready)]
    pub health: Health,

    /// Address of the server
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub http_address: IpAddr,

    /// Its HTTP port
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    pub http_port: u16,

    /// Seconds that the answer may take
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..=3600), default_value_t = 2)]
    pub timeout_secs: u64,
}

/// What can be asked of a server's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Health {
    /// Whether the process can answer.
    Live,
    /// Whether it should get requests.
    Ready,
}
