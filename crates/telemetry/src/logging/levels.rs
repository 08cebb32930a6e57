//! The log filter while a program runs.

use std::sync::OnceLock;

use parking_lot::Mutex;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Puts a new filter in use; the error says why that is not possible.
pub(crate) type Apply = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

/// Levels by target, which can be looked at and changed.
pub struct Levels {
    directives: Mutex<String>,
    apply: Apply,
}

/// There is one log in a process.
static INSTALLED: OnceLock<Levels> = OnceLock::new();

/// The levels of this process; none before [`super::init`].
pub fn levels() -> Option<&'static Levels> {
    INSTALLED.get()
}

pub(super) fn install(levels: Levels) {
    // A second one cannot come: the subscriber was installed just before, which works once.
    let _ = INSTALLED.set(levels);
}

impl Levels {
    pub(crate) fn new(directives: String, apply: Apply) -> Self {
        Self { directives: Mutex::new(directives), apply }
    }

    /// The level at which a target logs. `root` is what has no directive of its own.
    pub fn effective(&self, target: &str) -> LevelFilter {
        effective(&self.directives.lock(), &normal(target))
    }

    /// Changes the level of a target and what is below it.
    ///
    /// # Errors
    /// When the target cannot be one, or the log is gone.
    pub fn set(&self, target: &str, level: LevelFilter) -> Result<(), String> {
        let target = normal(target);
        if target.is_empty() || !target.chars().all(|c| c.is_ascii_alphanumeric() || "_:-".contains(c)) {
            return Err(format!("{target:?} is no target of log lines"));
        }
        let mut directives = self.directives.lock();
        let changed = with(&directives, &target, level);
        let filter = EnvFilter::builder().parse(&changed).map_err(|error| error.to_string())?;
        (self.apply)(filter)?;
        *directives = changed;
        Ok(())
    }
}

/// Rust's separators for Java's.
fn normal(target: &str) -> String {
    let target = target.trim().replace('.', "::");
    if target.eq_ignore_ascii_case("root") { ROOT.to_owned() } else { target }
}

const ROOT: &str = "root";

/// A plain directive as target and level; those about spans and fields are not.
fn plain(directive: &str) -> Option<(&str, LevelFilter)> {
    let directive = directive.trim();
    match directive.split_once('=') {
        Some((target, level)) => Some((target, level.parse().ok()?)),
        None => match directive.parse() {
            Ok(level) => Some((ROOT, level)),
            Err(_) => (!directive.is_empty() && !directive.contains('[')).then_some((directive, LevelFilter::TRACE)),
        },
    }
}

fn effective(directives: &str, target: &str) -> LevelFilter {
    let known = || directives.split(',').filter_map(plain);
    let above = known().filter(|(prefix, _)| target.starts_with(prefix));
    // Of the same length, the later one counts.
    let most_specific = above.max_by_key(|(prefix, _)| prefix.len());
    let root = || known().rfind(|(prefix, _)| *prefix == ROOT);
    // Without a directive for the rest, errors are logged.
    most_specific.or_else(root).map_or(LevelFilter::ERROR, |(_, level)| level)
}

fn with(directives: &str, target: &str, level: LevelFilter) -> String {
    let others = directives.split(',').filter(|directive| plain(directive).is_none_or(|(known, _)| known != target));
    let own = if target == ROOT { level.to_string() } else { format!("{target}={level}") };
    others
        .filter(|directive| !directive.trim().is_empty())
        .map(str::to_owned)
        .chain([own])
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_directive_counts() {
        let directives = "info,anabranch_router=debug,anabranch_router::upstream=trace,h2=off,[span]=warn";
        let rows = [
            ("root", LevelFilter::INFO),
            ("anabranch_hrpc", LevelFilter::INFO),
            ("anabranch_router", LevelFilter::DEBUG),
            ("anabranch_router::session", LevelFilter::DEBUG),
            ("anabranch_router::upstream::pool", LevelFilter::TRACE),
            ("h2", LevelFilter::OFF),
        ];
        for (target, expected) in rows {
            assert_eq!(effective(directives, target), expected, "{target}");
        }
        assert_eq!(effective("a=info", "b"), LevelFilter::ERROR);
        assert_eq!(effective("a", "a"), LevelFilter::TRACE);
    }

    #[test]
    fn a_change_replaces_what_was_said_of_the_target() {
        assert_eq!(with("info,a=debug", "a", LevelFilter::WARN), "info,a=warn");
        assert_eq!(with("info,a=debug", ROOT, LevelFilter::TRACE), "a=debug,trace");
        assert_eq!(with("[s{f}]=info", "a", LevelFilter::OFF), "[s{f}]=info,a=off");
    }

    #[test]
    fn a_change_reaches_the_log_or_changes_nothing() {
        let (send, seen) = std::sync::mpsc::sync_channel(1);
        let apply: Apply = Box::new(move |filter| send.try_send(filter.to_string()).map_err(|error| error.to_string()));
        let levels = Levels::new("info".to_owned(), apply);
        levels.set("a.b", LevelFilter::DEBUG).unwrap();
        assert_eq!(seen.recv().unwrap(), "a::b=debug,info");
        assert_eq!(levels.effective("a::b::c"), LevelFilter::DEBUG);
        for bad in ["", "a=b", "a,b", "<b>"] {
            assert!(levels.set(bad, LevelFilter::TRACE).is_err(), "{bad}");
        }
        drop(seen);
        assert!(levels.set("root", LevelFilter::TRACE).is_err());
        assert_eq!(levels.effective("root"), LevelFilter::INFO);
    }
}
