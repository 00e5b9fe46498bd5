//! How others ask for changes of what is served.

use crossbeam_channel::Sender;
use nereid_backend::error::{Kind, LoadError};
use tokio::sync::oneshot;

use crate::lifecycle::{COMMANDS_MAX, Event, Failure, Overrides, Wish};

/// Gives commands to the lifecycle's thread. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    events: Sender<Event>,
}

/// Why a command was not carried out. The texts are Triton's.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The repository has no such model.
    #[error("failed to load '{0}', failed to poll from model repository")]
    NoSuchModel(String),
    /// Versions did not come up.
    #[error("load failed for model '{model}': {}", list(.failures))]
    Failed {
        /// Which model.
        model: String,
        /// Its versions, and why.
        failures: Vec<Failure>,
    },
    /// [`COMMANDS_MAX`] commands to this model wait.
    #[error(
        "failed to load '{0}': {COMMANDS_MAX} commands to this model wait for the end of a load \
         already; try again later"
    )]
    Busy(String),
    /// The server stops.
    #[error("the server stops and loads no more models")]
    Stopping,
}

impl ControlError {
    /// The class of this error, which has a status in both protocols.
    pub fn kind(&self) -> Kind {
        match self {
            Self::NoSuchModel(_) => Kind::Internal,
            Self::Failed { .. } => Kind::InvalidArg,
            Self::Busy(_) | Self::Stopping => Kind::Unavailable,
        }
    }
}

impl Control {
    pub(super) fn new(events: Sender<Event>) -> Self {
        Self { events }
    }

    /// Nobody hears it when the thread has ended; whoever would be answered notices.
    pub(super) fn send(&self, event: Event) {
        let _ended = self.events.send(event);
    }

    /// The names of all models of the repositories.
    ///
    /// # Errors
    /// When a repository cannot be read.
    pub async fn list(&self) -> Result<Vec<String>, LoadError> {
        let (reply, answer) = oneshot::channel();
        self.send(Event::List(reply));
        answer.await.unwrap_or_else(|_| Err(LoadError::new(ControlError::Stopping.to_string())))
    }

    /// Brings `model` up, or its newest state beside what serves, and waits for the outcome.
    /// `overrides` take the place of what the repository has.
    ///
    /// # Errors
    /// See [`ControlError`]; what served before goes on.
    pub async fn load(&self, model: &str, overrides: Overrides) -> Result<(), ControlError> {
        let (reply, answer) = oneshot::channel();
        let wish = Wish { model: model.to_owned(), overrides, reply };
        self.send(Event::Load(wish));
        answer.await.unwrap_or(Err(ControlError::Stopping))
    }

    /// As [`Control::load`] from the repository, but does not wait; the log has the outcome.
    pub fn reload(&self, model: &str) {
        let (reply, _nobody_waits) = oneshot::channel();
        let wish = Wish { model: model.to_owned(), overrides: Overrides::default(), reply };
        self.send(Event::Load(wish));
    }

    /// Takes `model` down, and the models of its steps with it if that is asked. As in Triton it
    /// does not wait, and a model that is not there is no error.
    pub fn unload(&self, model: &str, with_steps: bool) {
        let event = Event::Unload { model: model.to_owned(), with_steps };
        self.send(event);
    }

    /// Lets every model finish what it has, and waits for the last instance to end.
    pub async fn stop(&self) {
        let (reply, answer) = oneshot::channel();
        self.send(Event::Stop(reply));
        let _ended = answer.await;
    }
}

fn list(failures: &[Failure]) -> String {
    let one = |failure: &Failure| match failure.version {
        0 => format!("{};\n", failure.error),
        version => {
            format!("version {version} is at UNAVAILABLE state: {};\n", failure.error)
        }
    };
    failures.iter().map(one).collect()
}
