/// What a path in the caller's own trash was before it was deleted: `/user/ann/.Trash/Current/data/x` was `/data/x`.
///
/// A client moves a deleted file to the same path below its trash directory, and that must be a rename within one
/// nameservice: so a path in the trash is looked up as what it was. The trash directory itself, `Current` and the
/// checkpoints in it were nothing else before; treating `Current` as `/` (as Hadoop's router does) shows every mount in
/// everybody's trash and makes it impossible to empty. Another user's trash is an ordinary path.
pub(crate) fn original<'a>(path: &'a str, short_user: &str) -> Option<&'a str> {
    let in_trash = path.strip_prefix("/user/")?.strip_prefix(short_user)?.strip_prefix("/.Trash/")?;
    let (checkpoint, _) = in_trash.split_once('/').filter(|(_, rest)| !rest.is_empty())?;
    is_checkpoint(checkpoint).then(|| &in_trash[checkpoint.len()..])
}

/// Whether the path is the caller's own trash directory, `Current` or a checkpoint in it. Each nameservice has one, for what
/// was deleted there.
pub(crate) fn is_directory(path: &str, short_user: &str) -> bool {
    let own = path.strip_prefix("/user/").and_then(|rest| rest.strip_prefix(short_user));
    let below = own.and_then(|rest| rest.strip_prefix("/.Trash"));
    below.is_some_and(|below| below.is_empty() || below.strip_prefix('/').is_some_and(is_checkpoint))
}

/// `Current`, a time in digits, or one with `-1`, `-2`, … when two were made in one second.
fn is_checkpoint(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match name.split_once('-') {
        Some((time, count)) => digits(time) && digits(count),
        None => name == "Current" || digits(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_deleted_has_an_original() {
        let cases = [
            ("/user/ann/.Trash/Current/data/x", Some("/data/x")),
            ("/user/ann/.Trash/2411230312/data", Some("/data")),
            ("/user/ann/.Trash/2411230312-1/data", Some("/data")),
            ("/user/ann/.Trash/Current", None),
            ("/user/ann/.Trash/Current/", None),
            ("/user/ann/.Trash", None),
            ("/user/ann/.Trash/Currently/x", None),
            ("/user/ann/.Trash/1x/y", None),
            ("/user/bob/.Trash/Current/data", None),
            ("/user/anna/.Trash/Current/data", None),
            ("/data", None),
        ];
        for (path, expected) in cases {
            assert_eq!(original(path, "ann"), expected, "{path}");
        }
    }

    #[test]
    fn a_trash_has_its_directories() {
        let directories = ["/user/ann/.Trash", "/user/ann/.Trash/Current", "/user/ann/.Trash/2411230312-1"];
        let others =
            ["/user/ann", "/user/ann/.Trash/x", "/user/ann/.Trash/Current/x", "/user/ann/.Trashes", "/user/bob/.Trash"];
        assert!(directories.iter().all(|path| is_directory(path, "ann")));
        assert!(!others.iter().any(|path| is_directory(path, "ann")));
    }
}
