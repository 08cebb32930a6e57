//! Checks of single words that several kinds share: what the schema says by pattern, said here with a reason.

use anabranch_federation::{MountPath, NameserviceId};

/// The longest mount path, in characters.
pub(crate) const MAX_PATH: usize = 4096;
/// The longest nameservice id, in characters.
pub(crate) const MAX_NAMESERVICE: usize = 128;
/// Pattern of a mount path: `/`, or components without a slash at the end, none of them empty, `.` or `..`.
pub(crate) const PATH_PATTERN: &str = r"^(/|(/([^/.][^/]*|\.[^/.][^/]*|\.\.[^/]+))+)$";
/// Pattern of a nameservice id.
pub(crate) const NAMESERVICE_PATTERN: &str = r"^[A-Za-z0-9._-]+$";
/// Pattern of permission bits in octal, with or without the leading digit for sticky.
pub(crate) const MODE_PATTERN: &str = "^[01]?[0-7]{3}$";
/// Pattern of `host:port`; an IPv6 host is in brackets.
pub(crate) const ADDRESS_PATTERN: &str = r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$";

/// A mount path that is written in its normal form; the schema takes no other, so that equal paths are equal keys.
pub(crate) fn path(word: &str) -> Result<MountPath, String> {
    if !word.starts_with('/') {
        return Err(format!("{word:?} is not absolute; expected a path such as /data/logs"));
    }
    within(word, MAX_PATH)?;
    let path = MountPath::parse(word).map_err(|error| error.to_string())?;
    match path.as_str() == word {
        true => Ok(path),
        false => Err(format!("{word:?} is not in normal form; write {:?}", path.as_str())),
    }
}

/// A nameservice id.
pub(crate) fn nameservice(word: &str) -> Result<NameserviceId, String> {
    within(word, MAX_NAMESERVICE)?;
    NameserviceId::parse(word).map_err(|_| {
        format!("{word:?} is not a nameservice id; expected letters, digits, `.`, `_` and `-`, such as ns0")
    })
}

/// A word of so many characters at most.
pub(crate) fn within(word: &str, most: usize) -> Result<(), String> {
    match word.chars().count() {
        count if count > most => Err(format!("has {count} characters; expected at most {most}")),
        _ => Ok(()),
    }
}

/// Permission bits such as `0755`.
pub(crate) fn mode(word: &str) -> Result<u16, String> {
    let octal = word.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let shape = word.len() == 3 || (word.len() == 4 && word.starts_with(['0', '1']));
    match u16::from_str_radix(word, 8) {
        Ok(mode) if octal && shape => Ok(mode),
        _ => Err(format!(
            "{word:?} is not a mode; expected three octal digits such as \"755\", or \"1777\" with the sticky bit"
        )),
    }
}

/// `host:port` with a port from 1, or from 0 where a free one may be taken.
pub(crate) fn address(word: &str, lowest_port: u16) -> Result<(), String> {
    let parts = word.rsplit_once(':').filter(|(host, _)| is_host(host));
    match parts.and_then(|(_, port)| port.parse::<u16>().ok()) {
        Some(port) if port >= lowest_port => Ok(()),
        _ => Err(format!("{word:?} is not an address; expected host:port such as nn1.example.com:8020")),
    }
}

fn is_host(host: &str) -> bool {
    let name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_absolute_and_in_normal_form() {
        for good in ["/", "/a", "/a/b", "/.a/..b/c.", "/user/älg"] {
            assert_eq!(path(good).unwrap(), *good);
        }
        assert_eq!(path("data").unwrap_err(), r#""data" is not absolute; expected a path such as /data/logs"#);
        assert_eq!(path("/data/").unwrap_err(), r#""/data/" is not in normal form; write "/data""#);
        assert_eq!(path("//data").unwrap_err(), r#""//data" is not in normal form; write "/data""#);
        assert!(path("/a/../b").unwrap_err().contains(r#"the component "..""#));
        assert!(path("").unwrap_err().contains("not absolute"));
    }

    #[test]
    fn modes_are_octal() {
        assert_eq!([mode("755"), mode("0755"), mode("1777")], [Ok(0o755), Ok(0o755), Ok(0o1777)]);
        for bad in ["", "75", "888", "07555", "2755", "rwx", "+75"] {
            assert!(mode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for good in ["nn1:8020", "127.0.0.1:1", "[::1]:8020"] {
            assert_eq!(address(good, 1), Ok(()), "{good}");
        }
        for bad in ["nn1", ":8020", "nn1:", "nn1:0", "nn1:65536", "::1:80", "hdfs://nn1:8020", "n n:1", "[nn]:1"] {
            assert!(address(bad, 1).is_err(), "{bad}");
        }
        assert_eq!(address("0.0.0.0:0", 0), Ok(()));
    }
}
