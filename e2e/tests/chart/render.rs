//! What the chart renders: looked at here, and by a real API server.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::cluster::{file, helm, id, kubectl_with, objects};
use crate::site::{CHART, NAMESPACE, Site};

/// Sets of values beside those in `values/`, as `--set` takes them.
const MORE: [&str; 15] = [
    "replicas=0",
    "replicas=1,podDisruptionBudget.enabled=true",
    "replicas=5,podDisruptionBudget.maxUnavailable=50%",
    "fullnameOverride=a,commonLabels.a=b",
    "rbac.aggregate=false,serviceAccount.name=other",
    "watchNamespace=anabranch-chart,rbac.create=false",
    "service.port=9090,serviceMonitor.enabled=true,serviceMonitor.interval=1m",
    "prometheusRule.enabled=true,prometheusRule.disabled={AnabranchOperatorAbsent,AnabranchReconciliationsFail,AnabranchReconciliationsSlow}",
    "grafanaDashboard.enabled=true,grafanaDashboard.namespace=default",
    "networkPolicy.enabled=true",
    "crds.upgrade=true",
    "webhook.enabled=false",
    "webhook.failurePolicy=Fail,webhook.certManager.issuerRef.name=ca",
    "watchNamespace=anabranch-chart,webhook.certificateSeconds=3600",
    "test.fleet=main,test.port=8888,test.user=hdfs,log.filter=debug,log.format=text",
];

/// Values that the schema refuses, and what it says of them.
const REFUSED: [(&str, &str); 11] = [
    ("replica=3", "additional properties 'replica' not allowed"),
    ("image.repository=a", "at '/image': additional properties 'repository' not allowed"),
    ("image.pullPolicy=Sometimes", "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'"),
    ("serviceMonitor.enable=true", "at '/serviceMonitor': additional properties 'enable' not allowed"),
    ("replicas=many", "at '/replicas': got string, want integer"),
    ("log.format=xml", "at '/log/format': value must be one of 'json', 'text'"),
    ("service.port=70000", "at '/service/port': maximum: got 70,000, want 65,535"),
    ("webhook.failurePolicy=Retry", "at '/webhook/failurePolicy': value must be one of 'Ignore', 'Fail'"),
    ("webhook.certManager.issuerRef.kind=ClusterIssuer", "at '/webhook/certManager/issuerRef'"),
    ("watchNamespace=A_b", "at '/watchNamespace': 'A_b' does not match pattern"),
    ("service.enabled=false,serviceMonitor.enabled=true", "serviceMonitor.enabled needs service.enabled"),
];

fn template(args: &[&str]) -> anyhow::Result<String> {
    helm(&[&["template", "demo", CHART, "--namespace", NAMESPACE], args].concat())
}

fn value_files() -> BTreeMap<String, String> {
    let entries = fs::read_dir(file("e2e/tests/chart/values")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.map(|path| (path.file_stem().unwrap().display().to_string(), path.display().to_string())).collect()
}

/// `helm lint --strict` has nothing to say.
pub fn lint(_: &Site) {
    for values in value_files().values() {
        helm(&["lint", "--strict", "--quiet", CHART, "--values", values]).unwrap();
    }
}

/// What is rendered is what was looked at when it was committed; `BLESS=1` commits to what is rendered now.
pub fn golden(_: &Site) {
    for (name, values) in value_files() {
        let rendered = template(&["--values", &values]).unwrap();
        let path = file("e2e/tests/chart/golden").join(format!("{name}.yaml"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &rendered).unwrap();
        }
        let known = fs::read_to_string(&path).unwrap_or_default();
        let differs = known.lines().zip(rendered.lines()).position(|(known, now)| known != now);
        let at = differs.unwrap_or_else(|| known.lines().count().min(rendered.lines().count()));
        let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
        assert!(
            known == rendered,
            "{} line {}: expected {:?}, rendered {:?}; look at all of it with BLESS=1 and git diff",
            path.display(),
            at + 1,
            line(&known),
            line(&rendered)
        );
    }
}

/// Where nothing scrapes the operator, no alert takes it for absent.
pub fn absence_is_told_where_it_shows(_: &Site) {
    let told = |values: &str| template(&["--set", values]).unwrap().contains("AnabranchOperatorAbsent");
    assert!(!told("prometheusRule.enabled=true"));
    assert!(told("prometheusRule.enabled=true,serviceMonitor.enabled=true"));
}

/// A misspelt value is refused by its name.
pub fn values_have_a_schema(_: &Site) {
    for (values, expected) in REFUSED {
        let said = template(&["--set", values]).expect_err(values).to_string();
        assert!(said.contains(expected), "{values}: {said}");
    }
}

/// Each value has a comment above it.
pub fn values_are_explained(_: &Site) {
    let text = fs::read_to_string(file("charts/anabranch/values.yaml")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let is_comment = |at: usize| lines.get(at).is_some_and(|line| line.trim_start().starts_with('#'));
    let mut section = "";
    for (at, line) in lines.iter().enumerate().filter(|(at, line)| !line.is_empty() && !is_comment(*at)) {
        let indent = line.len() - line.trim_start().len();
        if indent == 0 {
            section = line;
        }
        // What is further in is Kubernetes' own.
        let foreign = ["podSecurityContext:", "securityContext:", "resources:"].contains(&section) && indent > 0;
        let explained = at.checked_sub(1).is_some_and(is_comment) || line.ends_with(':') && is_comment(at + 1);
        assert!(explained || foreign || indent > 2, "values.yaml:{}: no comment at {line:?}", at + 1);
    }
}

/// A real API server takes every object as it is, without a field that it does not know.
pub fn servers_accept_every_object(site: &Site) {
    site.install();
    let files = value_files();
    let sets = files.values().map(|values| ["--values", values.as_str()]).chain(MORE.map(|set| ["--set", set]));
    // What many sets have in common is asked once.
    let mut asked = BTreeSet::new();
    for arguments in sets {
        let rendered = objects(&template(&arguments).unwrap());
        assert!(rendered.iter().any(|object| object["kind"] == "Deployment"), "{arguments:?}");
        let new: Vec<Value> = rendered.into_iter().filter(|object| asked.insert(object.to_string())).collect();
        dry_run(&new, &[], &format!("{arguments:?}"));
    }
    assert!(asked.len() > 40, "{}", asked.len());
}

/// The examples, and those in Chart.yaml, are what an API server takes.
pub fn servers_accept_every_example(site: &Site) {
    site.install();
    let here = ["-n", NAMESPACE];
    for entry in fs::read_dir(file("examples/kubernetes")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let mut all = objects(&text);
        // A namespace of a dry run has nothing in it: what would be there is asked for in one that exists.
        for object in all.iter_mut().filter(|object| object["metadata"]["namespace"].is_string()) {
            object["metadata"]["namespace"] = NAMESPACE.into();
        }
        dry_run(&all, &here, &path.display().to_string());
        // What is commented out is an example, too.
        let start = "# apiVersion:";
        let commented =
            text.lines().skip_while(|line| !line.starts_with(start)).take_while(|line| line.starts_with("# "));
        let commented: String = commented.map(|line| format!("{}\n", &line[2..])).collect();
        dry_run(&objects(&commented), &here, &path.display().to_string());
    }
    let chart = &objects(&fs::read_to_string(file("charts/anabranch/Chart.yaml")).unwrap())[0];
    let annotation = |name: &str| -> Value {
        let text = chart["annotations"][format!("artifacthub.io/{name}")].as_str().expect(name);
        serde_yaml::from_str(text).expect(name)
    };
    let examples = annotation("crdsExamples").as_array().unwrap().clone();
    dry_run(&examples, &here, "crdsExamples");
    let kinds = |list: &[Value]| list.iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
    let crds = annotation("crds");
    assert_eq!(kinds(crds.as_array().unwrap()), kinds(&examples));
    let defined = crate::definitions::committed();
    let names = |list: &[Value], pointer: &str| {
        list.iter().map(|it| it.pointer(pointer).unwrap().clone().to_string()).collect::<BTreeSet<_>>()
    };
    assert_eq!(names(crds.as_array().unwrap(), "/name"), names(&defined, "/metadata/name"));
    // Images are those that the chart runs by itself.
    let version = chart["appVersion"].as_str().unwrap();
    let images: BTreeSet<String> =
        annotation("images").as_array().unwrap().iter().map(|it| it["image"].as_str().unwrap().to_owned()).collect();
    let rendered = template(&["--set", "test.fleet=main"]).unwrap();
    for image in &images {
        assert!(rendered.contains(image.as_str()) && image.ends_with(&format!(":{version}")), "{image}");
    }
    assert_eq!((images.len(), version), (5, env!("CARGO_PKG_VERSION")));
    assert_eq!(chart["version"], chart["appVersion"]);
}

fn dry_run(all: &[Value], flags: &[&str], what: &str) {
    if all.is_empty() {
        return;
    }
    let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": all });
    let args = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts"];
    let said = kubectl_with(&[&args[..], flags, &["-f", "-"]].concat(), &list.to_string());
    let said = said.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(said.lines().count(), all.len(), "{what}: {:?}\n{said}", all.iter().map(id).collect::<Vec<_>>());
}
