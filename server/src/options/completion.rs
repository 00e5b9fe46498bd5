//! Whether configurations are completed from models' files: the same for serving and for checking.

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use nereid_model_repository::completion::Completion;

/// The flag and its older name.
#[derive(Clone, Debug, Args)]
pub struct CompletionOptions {
    /// Take nothing from a model's file: its configuration must state all of it
    #[arg(long)]
    disable_auto_complete_config: bool,

    /// Older name for the same
    #[arg(long, hide = true, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = false)]
    strict_model_config: bool,
}

impl CompletionOptions {
    /// What both ask for.
    pub fn completion(&self) -> Completion {
        if self.disable_auto_complete_config || self.strict_model_config {
            Completion::Disabled
        } else {
            Completion::FromFiles
        }
    }
}
