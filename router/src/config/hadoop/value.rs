//! Values of single types, as Hadoop writes them.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use crate::config::AddressRange;

/// `host:port`, not looked up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostPort {
    pub(super) host: String,
    pub(super) port: u16,
}

impl HostPort {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let plain = !host.is_empty() && !host.contains(['/', ' ']) && (!host.contains(':') || host.starts_with('['));
        let port = port.parse().ok()?;
        plain.then(|| Self { host: host.to_owned(), port })
    }

    /// The address to listen on.
    pub(super) fn lookup(&self) -> Option<SocketAddr> {
        format!("{}:{}", self.host, self.port).to_socket_addrs().ok()?.next()
    }
}

/// The unit of a duration that is written without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Milliseconds,
    Seconds,
}

const UNITS: [(&str, u64); 7] =
    [("ns", 0), ("us", 0), ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// `500ms`, `2s`, `1m`, `2h`, `1d`, or a number of `unit`.
pub(super) fn duration(text: &str, unit: Unit) -> Option<Duration> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, suffix) = text.split_at(digits);
    let suffix = match (suffix.trim(), unit) {
        ("", Unit::Milliseconds) => "ms",
        ("", Unit::Seconds) => "s",
        (suffix, _) => suffix,
    };
    let factor = UNITS.into_iter().find(|(name, factor)| *name == suffix && *factor > 0)?.1;
    number.parse::<u64>().ok()?.checked_mul(factor).map(Duration::from_millis)
}

/// The same, or a negative number for never (the inner none).
pub(super) fn duration_or_never(text: &str, unit: Unit) -> Option<Option<Duration>> {
    let never =
        text.trim().strip_prefix('-').is_some_and(|number| duration(number, unit).is_some_and(|t| !t.is_zero()));
    if never { Some(None) } else { duration(text, unit).map(Some) }
}

/// Addresses and ranges of them; `*` is all.
pub(super) fn ranges(text: &str) -> Option<Vec<AddressRange>> {
    let text = if text.trim() == "*" { "0.0.0.0/0,::/0" } else { text };
    text.split(',').map(|range| AddressRange::parse(range.trim())).collect()
}

pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_suffixes() {
        let cases = [
            ("500", Some(500)),
            ("500ms", Some(500)),
            ("2s", Some(2_000)),
            ("1M", Some(60_000)),
            ("2 h", Some(7_200_000)),
            ("1d", Some(86_400_000)),
            ("", None),
            ("s", None),
            ("-1", None),
            ("1.5s", None),
            ("5ns", None),
            ("99999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration(text, Unit::Milliseconds), expected.map(Duration::from_millis), "{text}");
        }
        assert_eq!(duration("5", Unit::Seconds), Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_negative_duration_is_never() {
        let cases = [("-1", Some(None)), ("-5s", Some(None)), ("5s", Some(Some(5_000))), ("-", None), ("-x", None)];
        for (text, expected) in cases {
            let expected = expected.map(|time: Option<u64>| time.map(Duration::from_millis));
            assert_eq!(duration_or_never(text, Unit::Milliseconds), expected, "{text}");
        }
    }

    #[test]
    fn ranges_are_listed() {
        let contains = |text: &str, address: &str| {
            ranges(text).map(|ranges| ranges.iter().any(|range| range.contains(address.parse().unwrap())))
        };
        assert_eq!(contains("*", "::1"), Some(true));
        assert_eq!(contains("10.0.0.0/8, 127.0.0.1", "127.0.0.1"), Some(true));
        assert_eq!(contains("10.0.0.0/8", "11.0.0.0"), Some(false));
        for bad in ["", "a", "10.0.0.0/8,", "*,10.0.0.1"] {
            assert_eq!(ranges(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_are_split() {
        assert_eq!(HostPort::parse("a:1"), Some(HostPort { host: "a".into(), port: 1 }));
        assert_eq!(HostPort::parse("[::1]:1").unwrap().lookup().unwrap().to_string(), "[::1]:1");
        for bad in ["a", ":1", "a:", "a:65536", "hdfs://a:1", "::1:1"] {
            assert_eq!(HostPort::parse(bad), None, "{bad}");
        }
    }
}
