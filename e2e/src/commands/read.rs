use super::Site;

pub(super) fn ls(site: &Site) {
    let dir = site.fresh("ls");
    site.ok(&["-mkdir", "-p", &format!("{dir}/a/b"), &format!("{dir}/c")]);
    site.write(&format!("{dir}/a/b/deep"), "12345");
    site.write(&format!("{dir}/top"), "");
    let listing = site.ok(&["-ls", "-R", &dir]);
    let lines: Vec<Vec<&str>> = listing.lines().map(|line| line.split_whitespace().collect()).collect();
    let paths: Vec<&str> = lines.iter().map(|words| words[7]).collect();
    let expected = ["a", "a/b", "a/b/deep", "c", "top"].map(|name| format!("{dir}/{name}"));
    assert_eq!(paths, expected, "{listing}");
    assert_eq!(lines[0][0], "drwxr-xr-x", "{listing}");
    assert_eq!((lines[2][0], lines[2][4]), ("-rw-r--r--", "5"), "{listing}");
    // A listing of the root shows the mount points.
    let root = site.ok(&["-ls", "-C", "/"]);
    for mount in [&site.first, &site.second] {
        assert!(root.lines().any(|line| line == mount), "no {mount} in\n{root}");
    }
}

pub(super) fn missing(site: &Site) {
    let path = format!("{}/missing", site.fresh("absent"));
    for command in ["-ls", "-cat", "-get", "-stat", "-du", "-count", "-checksum", "-tail", "-rm"] {
        let error = site.dfs(&[command, &path]).refused();
        assert!(error.contains(&format!("{path}': No such file or directory")), "{command}: {error}");
    }
}

pub(super) fn test(site: &Site) {
    let dir = site.fresh("test");
    site.write(&format!("{dir}/full"), "x");
    site.write(&format!("{dir}/empty"), "");
    let exit = |flag: &str, name: &str| site.dfs(&["-test", flag, &format!("{dir}/{name}")]).exit;
    for (flag, on_full, on_empty, on_dir, on_missing) in
        [("-e", 0, 0, 0, 1), ("-f", 0, 0, 1, 1), ("-d", 1, 1, 0, 1), ("-z", 1, 0, 0, 1), ("-s", 0, 1, 1, 1)]
    {
        let found = (exit(flag, "full"), exit(flag, "empty"), exit(flag, ""), exit(flag, "missing"));
        assert_eq!(found, (on_full, on_empty, on_dir, on_missing), "-test {flag}");
    }
}

pub(super) fn tail_head(site: &Site) {
    let path = format!("{}/file", site.fresh("tail"));
    let text: String = (0..1000).map(|n| format!("{n:07}\n")).collect();
    site.write(&path, &text);
    assert_eq!(site.ok(&["-tail", &path]), text[text.len() - 1024..]);
    assert_eq!(site.ok(&["-head", &path]), text[..1024]);
}

pub(super) fn stat(site: &Site) {
    let dir = site.fresh("stat");
    site.write(&format!("{dir}/file"), "1234567");
    let user = anabranch_testkit::process::user();
    assert_eq!(
        site.ok(&["-stat", "%F|%b|%n|%u|%a|%A|%r", &format!("{dir}/file")]),
        format!("regular file|7|file|{user}|644|rw-r--r--|1\n")
    );
    assert_eq!(site.ok(&["-stat", "%F|%b|%n|%a|%r", &dir]), "directory|0|stat|755|0\n");
    let time = site.ok(&["-stat", "%Y", &dir]);
    assert!(time.trim().parse::<u64>().is_ok_and(|ms| ms > 1_600_000_000_000), "{time}");
}

pub(super) fn du_df_count(site: &Site) {
    let dir = site.fresh("du");
    site.ok(&["-mkdir", &format!("{dir}/a"), &format!("{dir}/b")]);
    site.write(&format!("{dir}/a/ten"), "0123456789");
    site.write(&format!("{dir}/a/five"), "01234");
    site.write(&format!("{dir}/b/one"), "0");
    let words = |args: &[&str]| -> Vec<String> { site.ok(args).split_whitespace().map(str::to_owned).collect() };
    assert_eq!(words(&["-du", "-s", &dir])[0], "16");
    let each = site.ok(&["-du", &dir]);
    let sizes: Vec<&str> = each.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(sizes, ["15", "1"], "{each}");
    // Directories, files, bytes.
    assert_eq!(words(&["-count", &dir]), ["3", "3", "16", dir.as_str()]);
    let quota = words(&["-count", "-q", &dir]);
    assert_eq!(quota[..7], ["none", "inf", "none", "inf", "3", "3", "16"]);
    let df = site.ok(&["-df", &site.first]);
    let numbers: Vec<u64> =
        df.lines().nth(1).into_iter().flat_map(|l| l.split_whitespace().filter_map(|w| w.parse().ok())).collect();
    assert!(numbers.len() == 3 && numbers[0] > 0 && numbers[2] > 0 && numbers[1] <= numbers[0], "{df}");
}

pub(super) fn checksum(site: &Site) {
    let dir = site.fresh("checksum");
    site.write(&format!("{dir}/a"), "the same");
    site.write(&format!("{dir}/b"), "the same");
    site.write(&format!("{dir}/c"), "another!");
    let sum = |name: &str| -> (String, String) {
        let line = site.ok(&["-checksum", &format!("{dir}/{name}")]);
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[1].to_owned(), words[2].to_owned())
    };
    assert_eq!(sum("a").0, "MD5-of-0MD5-of-512CRC32C");
    assert_eq!(sum("a"), sum("b"));
    assert_ne!(sum("a").1, sum("c").1);
    // As a NameNode's DataNodes compute it for these eight bytes.
    assert_eq!(sum("a").1, SUM_OF_THE_SAME);
}

/// Type code, bytes per CRC, CRCs per block, MD5 of the MD5 of the CRC32C of "the same".
const SUM_OF_THE_SAME: &str = "000002000000000000000000cd1c4db145cbd34483ed802d1766a025";

pub(super) fn safe_mode(site: &Site) {
    let answer = site.session().dfsadmin(&["-safemode", "get"]).ok();
    assert!(answer.contains("Safe mode is OFF"), "{answer}");
}
