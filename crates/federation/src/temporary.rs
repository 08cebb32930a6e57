use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// What Java's `.` stands for.
const ANY: &str = r"[^\n\r\x{85}\x{2028}\x{2029}]";

/// What Java's `$` stands for: a last line terminator may follow.
const END: &str = r"(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?\z";

/// The patterns of Hadoop's router, in its order, with the groups that make up the name.
const PATTERNS: [&str; 6] = [
    r"(.+)\.COPYING$",
    r"(.+)\._COPYING_.*$",
    r"(.+)\.tmp$",
    r"_temp/(.+)$",
    r"_temporary/(.+)\.[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$",
    r"(.*)_temporary/[0-9]/_temporary/attempt_[0-9]+_[0-9]{4}_._[0-9]{6}_[0-9]{2}/(.+)$",
];

static TEMPORARY: LazyLock<Regex> = LazyLock::new(|| {
    let java = |pattern: &str| pattern.replace(r"\.", "\0").replace('.', ANY).replace('\0', r"\.").replace('$', END);
    Regex::new(&PATTERNS.map(java).join("|")).expect("valid patterns")
});

/// What every temporary name has, one or another.
const MARKS: [&str; 3] = ["COPYING", ".tmp", "_temp"];

/// The name under which a file is hashed: that of the finished file while a client still writes it under a temporary one,
/// so that the rename at the end stays in one nameservice. It is what the groups of the first pattern matched that
/// matches furthest to the left. So the fourth and fifth lose the directory: odd, but data lies where this puts it.
pub(crate) fn finished_name(path: &str) -> Cow<'_, str> {
    if !MARKS.iter().any(|mark| path.contains(mark)) {
        return Cow::Borrowed(path);
    }
    let Some(found) = TEMPORARY.captures(path) else { return Cow::Borrowed(path) };
    let mut groups = found.iter().skip(1).flatten().map(|group| group.as_str());
    match (groups.next(), groups.next()) {
        (Some(directory), Some(file)) => Cow::Owned([directory, file].concat()),
        (Some(name), None) => Cow::Borrowed(name),
        _ => Cow::Borrowed(path),
    }
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
            // Where Java's wildcard ends, and its end of input.
            ("/a\nb.tmp", "b"),
            ("/a\u{2028}b.COPYING", "b"),
            ("/a.tmp\n", "/a"),
            ("/a.tmp\r\n", "/a"),
            ("/a.tmp\n\n", "/a.tmp\n\n"),
        ];
        for (path, expected) in cases {
            assert_eq!(finished_name(path), expected, "{path}");
        }
    }
}
