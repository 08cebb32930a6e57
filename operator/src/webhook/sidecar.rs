//! The router beside a client, as a container of the client's pod.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::wish::Wish;
use crate::context::Images;
use crate::fleet::Validated;
use crate::fleet::build::{configuration, hardened, nameservices};
use crate::names::{ROUTER, port};

/// The name of the container.
pub const CONTAINER: &str = ROUTER.name;

/// How many seconds a router may take until it serves. Then it is started again.
const START_SECONDS: i32 = 300;

/// The container. It starts before the others and ends after them, as every init container that is started again.
///
/// Whether it is ready counts for nothing: a client knows best what it can do without a file system.
pub fn container(fleet: &Validated, images: &Images, wish: &Wish) -> Value {
    let http = fleet.settings.http_address.port();
    let mut args = vec!["--log".to_owned(), "json".to_owned()];
    for (key, value) in keys(fleet) {
        // The kubelet expands $(NAME), and takes $$ for $.
        args.extend(["-D".to_owned(), format!("{key}={value}").replace('$', "$$")]);
    }
    let (requested, most) = match wish.memory.as_deref() {
        Some(memory) => (memory, memory),
        None => ("64Mi", "512Mi"),
    };
    let mut security = hardened();
    // The pod's own context is the client's.
    security["runAsUser"] = 65532.into();
    security["runAsGroup"] = 65532.into();
    security["seccompProfile"] = json!({ "type": "RuntimeDefault" });
    json!({
        "name": CONTAINER,
        "image": fleet.spec.image.as_ref().unwrap_or(&images.router),
        "imagePullPolicy": images.pull_policy,
        "restartPolicy": "Always",
        "args": args,
        "env": [{ "name": "HADOOP_USER_NAME", "value": fleet.settings.user }],
        "startupProbe": {
            "httpGet": { "path": "/isActive", "port": http, "scheme": "HTTP" },
            "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": START_SECONDS,
        },
        "livenessProbe": { "tcpSocket": { "port": http }, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6 },
        "resources": {
            "requests": { "cpu": wish.cpu.as_deref().unwrap_or("50m"), "memory": requested },
            "limits": { "memory": most },
        },
        "securityContext": security,
    })
}

/// What it is told: what all routers of the fleet are, but that only this pod calls it, and that it keeps silent, so that it
/// needs no right to write records. It hears of NameNodes what the fleet's routers report.
fn keys(fleet: &Validated) -> BTreeMap<String, String> {
    let own = [
        ("dfs.federation.router.rpc-address", format!("localhost:{}", port::HADOOP)),
        ("dfs.federation.router.rpc-bind-host", "127.0.0.1".to_owned()),
        ("dfs.federation.router.http-address", fleet.settings.http_address.to_string()),
        ("dfs.federation.router.admin.enable", "false".to_owned()),
        ("dfs.federation.router.heartbeat.enable", "false".to_owned()),
        ("dfs.federation.router.namenode.heartbeat.enable", "false".to_owned()),
    ];
    let mut keys = fleet.spec.configuration.clone();
    keys.extend(nameservices(&fleet.namespace, fleet.subclusters.iter()));
    keys.extend(configuration(fleet, &fleet.readable()));
    keys.extend(own.map(|(key, value)| (key.to_owned(), value)));
    keys
}
