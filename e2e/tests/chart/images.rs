//! What is in the images that run in the cluster, which are made by the shipped Dockerfile's final stages.

use anabranch_e2e::kube::on_node;

use crate::site::Site;

/// Of everything beside the program itself, in bytes.
const REST: u64 = 64 << 20;

struct File<'a> {
    mode: u32,
    size: u64,
    path: &'a str,
}

/// The files of an image, one a line as `mode size path`.
fn files(image: &str) -> String {
    let dir = on_node(&["mktemp", "--directory"]).unwrap();
    let dir = dir.trim();
    on_node(&["ctr", "-n", "k8s.io", "images", "mount", image, dir]).unwrap();
    let found = on_node(&["find", dir, "-type", "f", "-printf", "%m %s %P\\n"]);
    on_node(&["ctr", "-n", "k8s.io", "images", "unmount", "--rm", dir]).unwrap();
    found.unwrap()
}

/// One program, the libraries that it needs, and nothing that an intruder could run.
pub fn hold_one_program(_: &Site) {
    for (image, program) in [
        ("anabranch-router", "anabranch-router"),
        ("anabranch-operator", "anabranch-operator"),
        ("anabranch-store", "anabranch-store"),
        ("anabranch-namespace", "anabranch-namespace"),
        ("anabranch", "anabranch"),
    ] {
        let listed = files(&format!("localhost/{image}:e2e"));
        let file = |line| {
            let mut words = str::splitn(line, 3, ' ');
            let mode = u32::from_str_radix(words.next().unwrap(), 8).unwrap();
            File { mode, size: words.next().unwrap().parse().unwrap(), path: words.next().unwrap() }
        };
        let all: Vec<File<'_>> = listed.lines().map(file).collect();
        let programs: Vec<&str> = all
            .iter()
            .filter(|file| file.mode & 0o111 != 0 && !file.path.contains(".so"))
            .map(|file| file.path)
            .collect();
        assert_eq!(programs, [format!("usr/local/bin/{program}")], "{image}");
        let gaining: Vec<&str> = all.iter().filter(|file| file.mode & 0o6000 != 0).map(|file| file.path).collect();
        assert!(gaining.is_empty(), "{image}: {gaining:?} change who runs them");
        let rest: u64 = all.iter().filter(|file| !programs.contains(&file.path)).map(|file| file.size).sum();
        assert!(rest < REST, "{image}: {rest} bytes beside the program");
    }
}
