use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use anabranch_e2e::servers;
use anabranch_testkit::net;
use anabranch_testkit::process::Launch;

use super::{Site, mount};

const REFUSAL: Duration = Duration::from_secs(30);

/// Runs a program that must refuse to start with exit code 2 and without a stack trace; gives what it said.
fn refused(launch: &Launch) -> String {
    let start = Instant::now();
    let (exit, stdout, stderr) = launch.clone().expect_log("").finish(REFUSAL).expect("an end");
    assert_eq!(exit, Some(2), "{stdout}{stderr}");
    assert!(start.elapsed() < REFUSAL);
    assert!(!stderr.contains("panicked") && !stderr.contains("stack backtrace"), "{stderr}");
    stderr
}

fn launch(site: &Site) -> Launch {
    let (rpc, http) = (net::free_address().expect("a port"), net::free_address().expect("a port"));
    servers::local_launch(site.dir(), &site.manifests, rpc, http)
}

#[test]
fn a_busy_port_is_named() {
    let site = Site::new("busy");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let free = net::free_address().expect("a port");
    for (rpc, http) in [(address, free), (free, address)] {
        let said = refused(&servers::local_launch(site.dir(), &site.manifests, rpc, http));
        assert!(said.contains(&address.to_string()), "{said}");
        assert!(said.contains("in use"), "{said}");
    }
}

#[test]
fn an_unwritable_directory_is_named() {
    let site = Site::new("unwritable");
    // A file where the directory should be stops even root.
    fs::write(site.dir().join("data"), "").expect("a file");
    let said = refused(&launch(&site));
    assert!(said.contains(&site.dir().join("data").display().to_string()), "{said}");
}

#[test]
fn a_missing_directory_of_manifests_is_named() {
    let site = Site::new("missing");
    fs::remove_dir_all(&site.manifests).expect("removal");
    let said = refused(&launch(&site));
    assert!(said.contains(&site.manifests.display().to_string()), "{said}");
}

#[test]
fn each_mistake_in_a_manifest_is_placed() {
    let site = Site::new("mistakes");
    let good = site.mounts_text();
    let line_of = |text: &str, needle: &str| 1 + text.lines().position(|line| line.contains(needle)).expect(needle);
    let cases: [(&str, String, &str, &str); 6] = [
        (
            "an unknown field",
            good.replacen("- path: /data0", "- colour: red\n      path: /data0", 1),
            "colour",
            "colour",
        ),
        ("a relative path", good.replacen("- path: /data1", "- path: data1", 1), "path: data1", "spec.entries[1].path"),
        ("a duplicate mount", good.clone() + &mount("/data0", "ns1") + "# end\n", "# end", "spec.entries[2].path"),
        ("an unknown nameservice", good.replacen("nameservice: ns1", "nameservice: ns7", 1), "ns7", "ns7"),
        (
            "no destination",
            good.clone() + "    - path: /data2\n      destinations: []\n",
            "destinations: []",
            "spec.entries[2].destinations",
        ),
        ("not YAML", good.replacen("spec:", "spec: [", 1), "spec: [", "mounts.yaml"),
    ];
    for (what, text, place, field) in cases {
        site.save_mounts(&text);
        let said = refused(&launch(&site));
        assert!(said.contains("mounts.yaml:"), "{what}: {said}");
        assert!(said.contains(field), "{what}: {said}");
        // The line of the mistake, or one beside it where the mistake spans several.
        let line = line_of(&text, place);
        let near = (line.saturating_sub(4)..=line + 2).any(|line| said.contains(&format!("mounts.yaml:{line}:")));
        assert!(near, "{what}, line {line}: {said}");
        assert!(
            said.lines().filter(|line| line.contains("mounts.yaml:")).count() == 1,
            "{what}: more than one error: {said}"
        );
    }
}
