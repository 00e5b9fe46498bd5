//! Log lines as Triton's users know them: `I1122 11:42:39.658971 13155 loader.rs:77] text`, to
//! standard error. The letter is the severity, the first number is the process.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::options::LoggingOptions;

/// Starts logging for the process.
pub fn start(options: &LoggingOptions) {
    let severities = Severities::of(options);
    let filter = tracing_subscriber::filter::filter_fn(move |metadata| {
        // Libraries are heard when they complain; their details are for their own authors.
        let is_ours = metadata.target().starts_with("nereid");
        severities.admit(*metadata.level()) && (is_ours || *metadata.level() <= Level::WARN)
    });
    // Without it, each of the many messages that nobody will see asks whether it is wanted.
    let filter = filter.with_max_level_hint(severities.most_verbose());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).event_format(Lines);
    tracing_subscriber::registry().with(filter).with(lines).init();
}

#[derive(Clone, Copy)]
struct Severities {
    error: bool,
    warning: bool,
    info: bool,
    verbose: u8,
}

impl Severities {
    fn of(options: &LoggingOptions) -> Self {
        Self {
            error: options.log_error,
            warning: options.log_warning,
            info: options.log_info,
            verbose: options.log_verbose,
        }
    }

    fn admit(self, level: Level) -> bool {
        match level {
            Level::ERROR => self.error,
            Level::WARN => self.warning,
            Level::INFO => self.info,
            Level::DEBUG => self.verbose >= 1,
            Level::TRACE => self.verbose >= 2,
        }
    }

    fn most_verbose(self) -> LevelFilter {
        let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
        levels.into_iter().find(|level| self.admit(*level)).into()
    }
}

/// Writes one event as one line, whatever is in it: clients choose names and configurations, and
/// must not write lines of their own into the log.
struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let now = time::OffsetDateTime::now_utc();
        write!(
            line,
            "{}{:02}{:02} {:02}:{:02}:{:02}.{:06} {} {}:{}] ",
            letter(*metadata.level()),
            u8::from(now.month()),
            now.day(),
            now.hour(),
            now.minute(),
            now.second(),
            now.microsecond(),
            std::process::id(),
            file_name(metadata.file().unwrap_or("?")),
            metadata.line().unwrap_or(0)
        )?;
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>()
                && !fields.is_empty()
            {
                write!(line, "[{fields}] ")?;
            }
        }
        let mut text = String::new();
        context.field_format().format_fields(Writer::new(&mut text), event)?;
        writeln!(line, "{}", text.replace(char::is_control, " "))
    }
}

fn letter(level: Level) -> char {
    match level {
        Level::ERROR => 'E',
        Level::WARN => 'W',
        Level::INFO | Level::DEBUG | Level::TRACE => 'I',
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
