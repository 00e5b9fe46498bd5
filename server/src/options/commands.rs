//! What the program does instead of serving.

use std::path::PathBuf;

use clap::{Args, Subcommand};
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
