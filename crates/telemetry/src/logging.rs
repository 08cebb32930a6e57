//! Log output: to stderr, as lines for people or as one JSON object a line for machines.

mod levels;

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::reload::Handle;

use self::levels::Apply;
pub use self::levels::{Levels, levels};

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Time, level, target, message and fields on one line; coloured on a terminal.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug)]
pub enum Error {
    /// The filter in an environment variable is not understood.
    Filter {
        /// The variable that holds the filter.
        variable: &'static str,
        /// What it holds.
        value: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Another subscriber is installed already.
    Installed,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Filter { variable, value, source } => write!(
                f,
                "{variable}={value:?} is not a log filter: {source}; accepted: a level (error, warn, info, debug, \
                 trace) or directives such as `info,anabranch_router=debug`"
            ),
            Self::Installed => f.write_str("logging was set up twice in one process"),
        }
    }
}

impl std::error::Error for Error {}

/// Variables that may hold the filter; the first that is set counts.
const VARIABLES: [&str; 2] = ["ANABRANCH_LOG", "RUST_LOG"];

/// Starts logging. The filter comes from `ANABRANCH_LOG`, else `RUST_LOG`, else `default`; [`levels`] changes it later.
///
/// # Errors
/// When the filter is malformed, or logging runs already.
pub fn init(format: Format, default: &str) -> Result<(), Error> {
    let set = VARIABLES.into_iter().find_map(|name| std::env::var(name).ok().map(|value| (name, value)));
    let filter = filter(set, default)?;
    let directives = filter.to_string();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let (installed, apply) = match format {
        Format::Text => {
            let builder = builder.with_ansi(stderr().is_terminal()).with_filter_reloading();
            let apply = apply(builder.reload_handle());
            (builder.try_init(), apply)
        }
        Format::Json => {
            let builder = builder.json().flatten_event(true).with_ansi(false).with_filter_reloading();
            let apply = apply(builder.reload_handle());
            (builder.try_init(), apply)
        }
    };
    installed.map_err(|_| Error::Installed)?;
    levels::install(Levels::new(directives, apply));
    Ok(())
}

fn apply<S: 'static>(handle: Handle<EnvFilter, S>) -> Apply {
    Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string()))
}

fn filter(set: Option<(&'static str, String)>, default: &str) -> Result<EnvFilter, Error> {
    let (variable, value) = set.unwrap_or((VARIABLES[0], default.to_owned()));
    EnvFilter::builder().parse(&value).map_err(|source| Error::Filter { variable, value, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_comes_from_the_environment_or_the_default() {
        assert_eq!(filter(None, "warn").unwrap().to_string(), "warn");
        assert_eq!(filter(Some(("RUST_LOG", "info,a=debug".into())), "warn").unwrap().to_string(), "a=debug,info");
    }

    #[test]
    fn a_bad_filter_is_named_with_its_variable() {
        let error = filter(Some(("ANABRANCH_LOG", "info,=x=y".into())), "warn").unwrap_err().to_string();
        assert!(error.starts_with("ANABRANCH_LOG=\"info,=x=y\" is not a log filter: "), "{error}");
        assert!(error.contains("accepted: a level"), "{error}");
    }
}
