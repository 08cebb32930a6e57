//! Turns remote paths in the message of an exception back into those that the client knows.

/// The message with the paths of a NameNode replaced, or `None` if there is nothing to replace.
///
/// `remote` is the path that was sent in place of `mount`. What they have in common at their ends is the same file in two
/// name spaces; what differs in front of it is the mount. So all paths below the mount's destination can be told apart
/// from others, and are replaced as a whole: a path that only looks alike stays.
pub fn restore(message: &str, remote: &str, mount: &str) -> Option<String> {
    if remote == mount {
        return None;
    }
    let names = Names::new(remote, mount);
    let mut out: Option<String> = None;
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = message[at..].find('/').map(|offset| at + offset) {
        match names.replacement(&message[found..]).filter(|_| starts_path(&message[..found])) {
            Some((length, new)) => {
                let out = out.get_or_insert_with(|| String::with_capacity(message.len() + 32));
                out.push_str(&message[copied..found]);
                out.push_str(&new);
                copied = found + length;
                at = copied;
            }
            None => at = found + 1,
        }
        // The rest of the same path is not another path.
        at += message[at..].find(|letter| !is_path_letter(letter)).unwrap_or(message.len() - at);
    }
    let mut out = out?;
    out.push_str(&message[copied..]);
    Some(out)
}

/// Whether a path can begin behind this: at the first slash of a word, behind `inode=`, and where NameNodes in safe mode
/// write `file/data`.
fn starts_path(before: &str) -> bool {
    before.ends_with('=') || !before.strip_suffix("file").unwrap_or(before).ends_with(is_path_letter)
}

/// The two names of one tree.
struct Names<'a> {
    /// The destination of the mount; empty for `/`.
    remote_root: &'a str,
    /// Where clients see it; empty for `/`.
    mount_root: &'a str,
    /// The whole path that was sent.
    remote: &'a str,
}

impl<'a> Names<'a> {
    fn new(remote: &'a str, mount: &'a str) -> Self {
        let (mut remote_root, mut mount_root) = (remote.trim_end_matches('/'), mount.trim_end_matches('/'));
        while let (Some((remote_parent, remote_name)), Some((mount_parent, mount_name))) =
            (remote_root.rsplit_once('/'), mount_root.rsplit_once('/'))
        {
            if remote_name != mount_name {
                break;
            }
            (remote_root, mount_root) = (remote_parent, mount_parent);
        }
        Self { remote_root, mount_root, remote }
    }

    /// If a path of the tree stands at the front of `text`: how long the part is that is replaced, and by what.
    fn replacement(&self, text: &str) -> Option<(usize, String)> {
        if !self.remote_root.is_empty() {
            let rest = text.strip_prefix(self.remote_root)?;
            ends_component(rest).then_some(())?;
            let new = if self.mount_root.is_empty() && !rest.starts_with('/') { "/" } else { self.mount_root };
            return Some((self.remote_root.len(), new.to_owned()));
        }
        // The mount shows a whole name space: any path could be meant, so only the path of the call and those above it are.
        let mut above = self.remote;
        while let Some((parent, _)) = above.rsplit_once('/') {
            let found = text
                .strip_prefix(above)
                .is_some_and(|rest| if above == self.remote { ends_component(rest) } else { ends_path(rest) });
            if found && !above.is_empty() {
                return Some((above.len(), format!("{}{above}", self.mount_root)));
            }
            above = parent;
        }
        None
    }
}

fn ends_component(rest: &str) -> bool {
    rest.starts_with('/') || ends_path(rest)
}

fn ends_path(rest: &str) -> bool {
    // A full stop that ends a sentence ends the path too.
    let mut letters = rest.chars();
    match letters.next() {
        Some('.') => !letters.next().is_some_and(is_path_letter),
        Some(letter) => !is_path_letter(letter),
        None => true,
    }
}

fn is_path_letter(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '/' | '_' | '-' | '.' | '+' | '%' | '=' | '@' | '~' | '$' | '#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_paths_become_mount_paths() {
        let rows: &[(&str, &str, &str, Option<&str>)] = &[
            ("File does not exist: /h/f", "/h/f", "/data/f", Some("File does not exist: /data/f")),
            ("/h/f (inode 16392) File is not open", "/h/f", "/data/f", Some("/data/f (inode 16392) File is not open")),
            (
                "Permission denied: user=alice, access=WRITE, inode=\"/h\":root:root:drwxr-xr-x",
                "/h/f",
                "/data/f",
                Some("Permission denied: user=alice, access=WRITE, inode=\"/data\":root:root:drwxr-xr-x"),
            ),
            ("not the owner of inode=/h/f", "/h/f", "/data/f", Some("not the owner of inode=/data/f")),
            ("/x/dt=/h/f stays", "/h/f", "/data/f", None),
            ("Cannot append to file/h/f.", "/h/f", "/data/f", Some("Cannot append to file/data/f.")),
            ("/x/file/h/f stays, and profile/h/f", "/h/f", "/data/f", None),
            // Above the mount's destination there is nothing that the client knows.
            ("denied: inode=\"/\":root", "/h/f", "/data/f", None),
            (
                "`/h/d is non empty': Directory is not empty",
                "/h/d",
                "/m/d",
                Some("`/m/d is non empty': Directory is not empty"),
            ),
            ("/hh/f and /h-1/f stay", "/h/f", "/data/f", None),
            ("hdfs://nn:8020/h/f stays", "/h/f", "/data/f", None),
            ("/x/h/f stays", "/h/f", "/data/f", None),
            ("a sibling: /h/other.", "/h/f", "/data/f", Some("a sibling: /data/other.")),
            ("It ends with /h.", "/h", "/data", Some("It ends with /data.")),
            // A name space as a whole, and below the root.
            ("No such file /a/f", "/a/f", "/ns1/a/f", Some("No such file /ns1/a/f")),
            ("parent /a and / and /b", "/a/f", "/ns1/a/f", Some("parent /ns1/a and / and /b")),
            ("exists: /h/f", "/h/f", "/f", Some("exists: /f")),
            ("exists: /h", "/h/f", "/f", Some("exists: /")),
            ("same /h/f", "/h/f", "/h/f", None),
            ("regex letters: /h/a+(1) here", "/h/a+(1)", "/m/a+(1)", Some("regex letters: /m/a+(1) here")),
            ("two: /h/f, /h/f", "/h/f", "/m/f", Some("two: /m/f, /m/f")),
        ];
        for (message, remote, mount, expected) in rows {
            assert_eq!(restore(message, remote, mount).as_deref(), *expected, "{message}");
        }
    }

    #[test]
    fn letters_beyond_ascii_do_not_split() {
        assert_eq!(restore("ä /h/ö ü", "/h/ö", "/m/ö").as_deref(), Some("ä /m/ö ü"));
    }
}
