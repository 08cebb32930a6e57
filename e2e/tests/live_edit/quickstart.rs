use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anabranch_e2e::dfs::dfs;
use anabranch_e2e::files::{assert_same_file, write_random};
use anabranch_testkit::http;
use anabranch_testkit::process::Launch;
use anabranch_testkit::scratch::Scratch;

const START: Duration = Duration::from_secs(60);

/// The manifests that the README starts with, on ports of the system's choice.
#[test]
fn the_quick_start_serves_every_mount() {
    let scratch = Scratch::new("quickstart").expect("a temporary directory");
    let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart");
    let args: [OsString; 13] = [
        "local".into(),
        "-f".into(),
        manifests.into(),
        "--data".into(),
        scratch.path().join("data").into(),
        "--rpc-address".into(),
        "127.0.0.1:0".into(),
        "--admin-address".into(),
        "127.0.0.1:0".into(),
        "--http-address".into(),
        "127.0.0.1:0".into(),
        "--output".into(),
        "json".into(),
    ];
    let mut program = Launch::new("anabranch").args(args).start().expect("a start");
    let said = program.wait_for_json(START).expect("its addresses");
    assert_eq!(said["ready"], true, "{said}");
    let text = |key: &str| said[key].as_str().unwrap_or_else(|| panic!("no {key} in {said}")).to_owned();
    assert_eq!(http::get(&text("http"), "/isActive").expect("an answer").status, 200);
    assert!(http::get(&text("http"), "/metrics").expect("an answer").body.contains("# TYPE "));

    let (local, back) = (scratch.path().join("file"), scratch.path().join("file.back"));
    write_random(&local, 300_000, 1);
    let mounts = said["mounts"].as_array().expect("mounts");
    assert!(mounts.len() >= 2, "{said}");
    for mount in mounts.iter().filter_map(|mount| mount["path"].as_str()) {
        let remote = format!("{mount}/first-file");
        dfs(&text("fs"), &["put", &local.display().to_string(), &remote]).ok();
        dfs(&text("fs"), &["get", "--force", &remote, &back.display().to_string()]).ok();
        assert_same_file(&local, &back);
    }
    program.interrupt().expect("a signal");
    assert_eq!(program.wait(START).expect("an end").code(), Some(0), "{}", program.tail());
}
