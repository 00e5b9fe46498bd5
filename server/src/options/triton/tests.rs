//! Every flag of Triton, in both of its spellings.

use clap::{CommandFactory, Parser};

use super::super::Options;
use super::*;

fn parse(line: &str) -> Result<Options, String> {
    let words = ["nereid", "--model-repository", "a"].into_iter().chain(line.split_whitespace());
    Options::try_parse_from(words).map_err(|error| error.to_string())
}

#[track_caller]
fn warned(line: &str, expected: &[&str]) {
    let found = parse(line).unwrap().triton.warnings;
    let flags: Vec<_> = found.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(flags, expected, "{line}");
}

#[track_caller]
fn refused(line: &str, expected: &str) {
    let error = parse(line).unwrap_err();
    assert!(error.contains(expected), "{line}: {error}");
}

#[test]
fn each_flag_is_ignored_or_refused_by_name() {
    for flag in FLAGS {
        let value = match flag.value {
            Value::Boolean => "true",
            Value::Integer => "-1",
            Value::Float => "0.5",
            Value::Text => "a,b=c",
        };
        for line in [format!("--{}={value}", flag.name), format!("--{} {value}", flag.name)] {
            let name = format!("--{} ", flag.name);
            let text = match parse(&line) {
                Ok(options) => options.triton.warnings.join("\n"),
                Err(text) => text,
            };
            assert_eq!(text.matches(&name).count(), 1, "{text}");
            let is_refused = matches!(flag.meaning, Meaning::Refused(_));
            assert_eq!(parse(&line).is_err(), is_refused, "{line}");
        }
    }
}

#[test]
fn a_flag_is_told_once_and_not_if_it_asks_for_what_is_done() {
    warned("", &[]);
    warned("--rate-limit-resource a:1 --rate-limit-resource=b:2", &["--rate-limit-resource"]);
    warned("--allow-sagemaker=False --model-namespacing=false", &[]);
    warned("--rate-limit off --rate-limit=execution_count", &["--rate-limit"]);
    warned("--trace-level OFF --trace-count -1", &["--trace-count"]);
    warned("--log-format=default", &[]);
    warned("--log-format=ISO8601", &["--log-format"]);
}

#[test]
fn what_must_not_be_ignored() {
    refused("--model-config-name=fast", "make the one that is meant the model's config.pbtxt");
    refused("--model-namespacing=true", "has no namespaces");
    refused("--allow-sagemaker=true", "set it to false");
    refused("--allow-vertex-ai=true", "set it to false");
}

#[test]
fn values_are_checked_as_tritons_are() {
    refused("--http-thread-count many", "expected a whole number");
    refused("--reuse-grpc-port maybe", "expected true or false");
    refused("--min-supported-compute-capability x", "expected a number");
    refused("--no-such-flag 1", "--no-such-flag");
}

#[test]
fn the_help_ends_with_the_refused_ones_and_hides_all() {
    let help = Options::command().render_long_help().to_string();
    let last = help.trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.contains("Triton's other flags are accepted"), "{last}");
    assert!(last.contains("--allow-sagemaker,"), "{last}");
    assert!(!help.contains("--rate-limit"), "{help}");
}
