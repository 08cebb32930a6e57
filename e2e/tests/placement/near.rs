//! The orders LOCAL and SPACE before real NameNodes, a real DataNode and their reports.

use anabranch_testkit::net;
use anabranch_testkit::process::Launch;

use super::{Member, PATIENCE, Site};

/// Where a router would make a path that is nowhere.
fn destination(site: &Site, member: &Member, path: &str) -> String {
    let said = site.admin(member).dfsrouteradmin(&["-getDestination", path]).ok();
    said.trim().strip_prefix("Destination: ").unwrap_or_else(|| panic!("{path}: {said}")).to_owned()
}

fn wait_destination(site: &Site, path: &str, wanted: &str) {
    for (who, member) in site.members() {
        let what = format!("{who} makes {path} in {wanted}");
        net::wait_until(&what, PATIENCE, || destination(site, member, path) == wanted).unwrap();
    }
}

/// Whether a NameNode has a path.
fn has(site: &Site, nameservice: &str, path: &str) -> bool {
    site.at(site.cluster.rpc(nameservice)).dfs(&["-test", "-e", path]).exit == 0
}

fn explained(site: &Site, args: &[&str]) -> String {
    let router = site.router.http.to_string();
    let launch = Launch::new("anabranch").args(["explain", "--user", "root", "--router", &router]);
    let (code, out, err) = launch.args(args.iter().copied()).finish(PATIENCE).unwrap();
    assert_eq!((code, err.as_str()), (Some(0), ""));
    out
}

/// The DataNode is on the clients' host, and of ns1. NameNodes of both are on another.
pub fn local(site: &Site) {
    site.mount("/near ns0,ns1 /n -order LOCAL");
    wait_destination(site, "/near/x", "ns1");
    let ours = site.at(&site.ours.rpc);
    ours.dfs(&["-touchz", "/near/made"]).ok();
    assert!(has(site, "ns1", "/n/made") && !has(site, "ns0", "/n/made"));
    let near = explained(site, &["--client", "127.0.0.1", "/near/x"]);
    assert!(near.contains("LOCAL: the client is next to ns1"), "{near}");
    // The NameNodes' host serves both: the mount lists ns0 first.
    let there = explained(site, &["--client", "127.0.0.2", "/near/x"]);
    assert!(there.contains("LOCAL: the client is next to ns0"), "{there}");
    let elsewhere = explained(site, &["--client", "10.1.2.3", "/near/x"]);
    assert!(elsewhere.contains("LOCAL: as listed"), "{elsewhere}");
}

/// Without a DataNode, ns0 has no space.
pub fn space(site: &Site) {
    site.mount("/roomy ns0,ns1 /r -order SPACE");
    wait_destination(site, "/roomy/x", "ns1");
    let told = explained(site, &["/roomy/x"]);
    assert!(told.contains("SPACE: each call draws one of ns1 with") && told.contains("ns0 with 0 B free"), "{told}");
    let files: Vec<String> = (0..20).map(|at| format!("/roomy/f{at}")).collect();
    let args: Vec<&str> = ["-touchz"].into_iter().chain(files.iter().map(String::as_str)).collect();
    site.at(&site.ours.rpc).dfs(&args).ok();
    let listed = site.at(site.cluster.rpc("ns1")).dfs(&["-ls", "/r"]).ok();
    assert!(listed.contains("Found 20 items"), "{listed}");
}
