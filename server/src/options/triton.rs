//! Triton's flags that have no effect here. Launchers pass them, so each is accepted, with a
//! warning; but where to ignore one would open a door or serve something else, it is refused.

mod table;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use table::{FLAGS, Flag, Meaning, Value};

/// Which of these flags were passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TritonOptions {
    /// What to tell of each that does nothing, once.
    pub warnings: Vec<String>,
}

/// The last line of the help.
pub(super) fn help() -> String {
    let refused = FLAGS.iter().filter(|flag| matches!(flag.meaning, Meaning::Refused(_)));
    let names: Vec<_> = refused.map(|flag| format!("--{}", flag.name)).collect();
    format!(
        "Triton's other flags are accepted and have no effect, except for those that must not be \
         ignored, which are refused: {}",
        names.join(", ")
    )
}

impl Args for TritonOptions {
    fn augment_args(command: Command) -> Command {
        command.args(FLAGS.iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for TritonOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut options = Self::default();
        options.update_from_arg_matches(matches)?;
        Ok(options)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for flag in FLAGS {
            let values = matches.get_many::<String>(flag.name).into_iter().flatten();
            let Some(value) = values.map(String::as_str).find(|value| !flag.is_so_here(value))
            else {
                continue;
            };
            match flag.meaning {
                Meaning::Ignored(reason) => {
                    self.warnings.push(format!("--{} has no effect: {reason}", flag.name));
                }
                Meaning::Refused(reason) => {
                    let text = format!("--{} {value}: {reason}\n", flag.name);
                    return Err(clap::Error::raw(ErrorKind::ValueValidation, text));
                }
            }
        }
        Ok(())
    }
}

/// Hidden from the help, and may be repeated as in Triton.
fn argument(flag: &Flag) -> Arg {
    let argument = Arg::new(flag.name).long(flag.name).hide(true).action(ArgAction::Append);
    let argument = argument.allow_hyphen_values(true).value_name("VALUE");
    match flag.value {
        Value::Boolean => argument.value_parser(boolean),
        Value::Integer => argument.value_parser(integer),
        Value::Float => argument.value_parser(float),
        Value::Text => argument.value_parser(clap::value_parser!(String)),
    }
}

/// `true` or `false`, in Triton's spellings.
fn boolean(text: &str) -> Result<String, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Ok("true".to_owned()),
        "false" | "0" | "off" | "no" => Ok("false".to_owned()),
        _ => Err("expected true or false".to_owned()),
    }
}

fn integer(text: &str) -> Result<String, String> {
    match text.parse::<i64>() {
        Ok(number) => Ok(number.to_string()),
        Err(_) => Err("expected a whole number".to_owned()),
    }
}

fn float(text: &str) -> Result<String, String> {
    match text.parse::<f64>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("expected a number".to_owned()),
    }
}

#[cfg(test)]
mod tests;
