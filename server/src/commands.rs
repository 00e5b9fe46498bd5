//! Runs what is asked instead of serving: results go to standard output, and why there is none to
//! standard error.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use nereid::options::{CheckOptions, Command, InitOptions};
use nereid::{check, init, probe};
use nereid_backend_all::{BackendSettings, inspectors};
use nereid_model_repository::read::Reader;

/// Runs `command` to its exit status.
pub(crate) fn run(command: &Command) -> ExitCode {
    let result = match command {
        Command::Check(options) => check(options),
        Command::Init(options) => init(options),
        Command::Probe(options) => probe::ask(options).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn check(options: &CheckOptions) -> anyhow::Result<ExitCode> {
    let settings = BackendSettings::parse(&options.backend_config)?;
    let backends = inspectors(settings);
    let reader = Reader { backends, completion: options.completion.completion() };
    let report = check::check(&options.repositories, &reader)?;
    writeln!(io::stdout(), "{report}")?;
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn init(options: &InitOptions) -> anyhow::Result<ExitCode> {
    let backends = inspectors(BackendSettings::parse(&[])?);
    let text = init::config_text(&options.file, &backends)?;
    match &options.output {
        Some(path) => {
            write_new(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        None => io::stdout().write_all(text.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What somebody wrote before is not overwritten.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    File::create_new(path)?.write_all(text.as_bytes())
}
