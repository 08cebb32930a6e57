use std::borrow::Cow;

/// The name under which a file is hashed: that of the finished file while a client still writes it under a temporary one,
/// so that the rename at the end stays in one nameservice. These are the patterns of Hadoop's router, tried in its order
/// at each start position, the first match wins:
///
/// ```text
/// (.+)\.COPYING$    (.+)\._COPYING_.*$    (.+)\.tmp$    _temp/(.+)$    _temporary/(.+)\.<UUID>$
/// (.*)_temporary/\d/_temporary/attempt_\d+_\d{4}_._\d{6}_\d{2}/(.+)$
/// ```
///
/// What the groups matched is the name. So the fourth and fifth lose the directory: odd, but data lies where this puts it.
/// A hashed path starts with a slash, which decides which patterns can match at the first position, where those with
/// a leading wildcard match if they match at all.
pub(crate) fn finished_name(path: &str) -> Cow<'_, str> {
    let from_start = path
        .strip_suffix(".COPYING")
        .filter(|name| !name.is_empty())
        .or_else(|| path.rfind("._COPYING_").filter(|&at| at > 0).map(|at| &path[..at]))
        .or_else(|| path.strip_suffix(".tmp").filter(|name| !name.is_empty()));
    if let Some(name) = from_start {
        return Cow::Borrowed(name);
    }
    if let Some((directory, file)) = committed(path) {
        return Cow::Owned(format!("{directory}{file}"));
    }
    Cow::Borrowed(below_temporary(path).unwrap_or(path))
}

/// The last pattern: the output directory and the file that a task attempt writes.
fn committed(path: &str) -> Option<(&str, &str)> {
    const DIRECTORY: &str = "_temporary/";
    path.rmatch_indices(DIRECTORY).find_map(|(at, _)| {
        let rest = take_digits(&path[at + DIRECTORY.len()..], 1)?;
        let rest = rest.strip_prefix("/_temporary/attempt_")?;
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('_').filter(|after| {
            // At least one digit stood before the underscore.
            rest.len() - after.len() > 1
        })?;
        let rest = take_digits(rest, 4)?.strip_prefix('_')?;
        let mut letters = rest.chars();
        letters.next()?;
        let rest = take_digits(letters.as_str().strip_prefix('_')?, 6)?.strip_prefix('_')?;
        let file = take_digits(rest, 2)?.strip_prefix('/')?;
        (!file.is_empty()).then_some((&path[..at], file))
    })
}

/// The fourth and fifth patterns, whichever starts first.
fn below_temporary(path: &str) -> Option<&str> {
    let staged = path.find("_temp/").map(|at| (at, &path[at + "_temp/".len()..])).filter(|(_, name)| !name.is_empty());
    let unique = without_uuid(path)
        .and_then(|stem| stem.find("_temporary/").map(|at| (at, &stem[at + "_temporary/".len()..])))
        .filter(|(_, name)| !name.is_empty());
    staged.into_iter().chain(unique).min_by_key(|&(at, _)| at).map(|(_, name)| name)
}

/// What stands before a final `.<UUID>`.
fn without_uuid(path: &str) -> Option<&str> {
    let (stem, tail) = path.rsplit_once('.')?;
    let groups = tail.split('-').map(str::len);
    let hex = tail.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    (hex && groups.eq([8, 4, 4, 4, 12])).then_some(stem)
}

fn take_digits(text: &str, count: usize) -> Option<&str> {
    let (digits, rest) = text.split_at_checked(count)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_as_hadoop_cleans_them() {
        const UUID: &str = "01234567-89ab-cdef-ABCD-0123456789ab";
        let attempt = "_temporary/0/_temporary/attempt_1530000000000_0001_m_000003_00";
        let owned = |text: String| -> &'static str { text.leak() };
        let cases = [
            ("/a/b.txt", "/a/b.txt"),
            ("/", "/"),
            ("/a/b.txt.COPYING", "/a/b.txt"),
            ("/a/b.txt._COPYING_", "/a/b.txt"),
            ("/a/b.txt._COPYING_.123", "/a/b.txt"),
            ("/a/b._COPYING_.x._COPYING_", "/a/b._COPYING_.x"),
            ("/a/b.tmp", "/a/b"),
            ("/a/b.tmp/c", "/a/b.tmp/c"),
            ("/a/_temp/b", "b"),
            ("/a/_temp/", "/a/_temp/"),
            ("/a/_temp/x/_temp/b", "x/_temp/b"),
            (owned(format!("/out/_temporary/part-1.{UUID}")), "part-1"),
            (owned(format!("/out/_temporary/x/part-1.{UUID}")), "x/part-1"),
            (owned(format!("/out/_temporary/.{UUID}")), owned(format!("/out/_temporary/.{UUID}"))),
            (owned(format!("/out/part-1.{UUID}")), owned(format!("/out/part-1.{UUID}"))),
            ("/out/_temporary/part-1.01234567", "/out/_temporary/part-1.01234567"),
            (owned(format!("/out/{attempt}/part-0")), "/out/part-0"),
            (owned(format!("/out/{attempt}/d/part-0")), "/out/d/part-0"),
            (owned(format!("/_temp/{attempt}/part-0")), "/_temp/part-0"),
            (owned(format!("/out/{attempt}/")), owned(format!("/out/{attempt}/"))),
            (
                "/out/_temporary/10/_temporary/attempt_1_0001_m_000003_00/p",
                "/out/_temporary/10/_temporary/attempt_1_0001_m_000003_00/p",
            ),
            (
                "/out/_temporary/0/_temporary/attempt__0001_m_000003_00/p",
                "/out/_temporary/0/_temporary/attempt__0001_m_000003_00/p",
            ),
            ("/out/_temporary/0/_temporary/attempt_1_0001_é_000003_00/p", "/out/p"),
        ];
        for (path, expected) in cases {
            assert_eq!(finished_name(path), expected, "{path}");
        }
    }
}
