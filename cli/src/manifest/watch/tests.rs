use std::fs;
use std::path::Path;

use super::*;

const SUBCLUSTER: &str = "\
apiVersion: anabranch.io/v1alpha1
kind: Subcluster
metadata: {name: a}
spec: {nameserviceId: ns0, type: Embedded}
";

fn mounts(paths: &[&str]) -> String {
    let entry = |path: &&str| format!("  - {{path: {path}, destinations: [{{nameservice: ns0, path: {path}}}]}}\n");
    let entries: String = paths.iter().map(entry).collect();
    format!("apiVersion: anabranch.io/v1alpha1\nkind: MountTable\nmetadata: {{name: m}}\nspec:\n  entries:\n{entries}")
}

fn start(dir: &Path) -> Watch {
    fs::write(dir.join("subclusters.yaml"), SUBCLUSTER).unwrap();
    fs::write(dir.join("mounts.yaml"), mounts(&["/a"])).unwrap();
    let source = Source::new(dir);
    let files = source.read().unwrap();
    let current = Federation::parse(&files, &Scope::Federation).unwrap();
    Watch::start(source, Scope::Federation, files, current)
}

async fn applied(watch: &mut Watch) -> Vec<String> {
    match timeout(Duration::from_secs(20), watch.next()).await.unwrap() {
        Change::Applied(federation) => federation.mounts.iter().map(|mount| mount.source.to_string()).collect(),
        other => panic!("{other:?}"),
    }
}

async fn refused(watch: &mut Watch) -> String {
    match timeout(Duration::from_secs(20), watch.next()).await.unwrap() {
        Change::Refused(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn edits_in_place_and_by_rename_are_applied() {
    let dir = tempfile::tempdir().unwrap();
    let mut watch = start(dir.path());
    fs::write(dir.path().join("mounts.yaml"), mounts(&["/a", "/b"])).unwrap();
    assert_eq!(applied(&mut watch).await, ["/a", "/b"]);
    fs::write(dir.path().join(".mounts.yaml.swp"), mounts(&["/c"])).unwrap();
    fs::rename(dir.path().join(".mounts.yaml.swp"), dir.path().join("mounts.yaml")).unwrap();
    assert_eq!(applied(&mut watch).await, ["/c"]);
    fs::write(dir.path().join("more.yaml"), mounts(&["/d"]).replace("name: m", "name: second")).unwrap();
    assert_eq!(applied(&mut watch).await, ["/c", "/d"]);
    fs::remove_file(dir.path().join("more.yaml")).unwrap();
    assert_eq!(applied(&mut watch).await, ["/c"]);
}

#[tokio::test]
async fn a_bad_edit_is_refused_once_and_healed_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut watch = start(dir.path());
    let file = dir.path().join("mounts.yaml");
    fs::write(&file, mounts(&["/a", "b"])).unwrap();
    let reason = refused(&mut watch).await;
    assert!(reason.contains("mounts.yaml:7:6: spec.entries[1].path: \"b\" is not absolute"), "{reason}");
    fs::write(&file, mounts(&["/a"])).unwrap();
    assert_eq!(timeout(Duration::from_secs(20), watch.next()).await.unwrap(), Change::Restored);
    fs::write(&file, mounts(&["/z"])).unwrap();
    assert_eq!(applied(&mut watch).await, ["/z"]);
}

#[test]
fn what_takes_a_restart_is_refused_and_comments_are_nothing() {
    let file = |text: String| vec![SourceFile { name: "a.yaml".into(), text }];
    let current = Federation::parse(&file(SUBCLUSTER.to_owned()), &Scope::Federation).unwrap();
    let decide = |text: String| decide(&current, false, &Ok(file(text)), &Scope::Federation);
    assert_eq!(decide(format!("# comment\n{SUBCLUSTER}")), None);
    let Some(Change::Refused(reason)) = decide(SUBCLUSTER.replace("ns0", "ns1")) else { panic!() };
    assert!(reason.contains("takes a restart"), "{reason}");
}
