//! Whose pods get a router of a fleet: asked of a real API server, which asks the operator.

use std::net::SocketAddr;

use anabranch_testkit::certificates::Authority;
use anabranch_testkit::net::free_address;
use anabranch_testkit::scratch::Scratch;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};

use crate::objects::fleet;
use crate::operator::Operator;
use crate::rig::Rig;
use crate::site::{Site, until};

/// Those of the fleet's namespace, and of those namespaces that it allows.
pub fn allowed(rig: &Rig) {
    rig.runtime.block_on(async {
        let site = Site::new(rig, "sidecars").await;
        let [friend, stranger] = ["friend", "stranger"].map(|name| rig.fresh(name));
        site.namespace(&friend, json!({ "team": "blue" })).await;
        site.namespace(&stranger, json!({})).await;
        fleet(&site, json!({})).await;
        let (address, files, authority) =
            (free_address().unwrap(), Scratch::new("webhook").unwrap(), Authority::new("webhook").unwrap());
        authority.issue(&address.ip().to_string()).unwrap().write(files.path(), "tls").unwrap();
        let _operator = Operator::with(rig, &site, |options| {
            options.watch_namespace = None;
            options.webhook.address = Some(address);
            options.webhook.cert_dir = Some(files.path().to_owned());
        });
        let webhooks: Api<MutatingWebhookConfiguration> = Api::all(rig.client.clone());
        let configuration = configuration(address, &authority, &[&site.namespace, &friend, &stranger]);
        webhooks.create(&PostParams::default(), &configuration).await.unwrap();
        let asked = async |namespace: &str| ask(&site, namespace).await;
        until("the fleet's own namespace", async || asked(&site.namespace).await).await;

        let refused = |namespace: &str, found: &str| {
            format!(
                "RouterFleet {}/main gives no routers to pods in the namespace {namespace}: \
                 spec.allowedSidecars.namespaces: found {found}; expected",
                site.namespace
            )
        };
        let said = asked(&friend).await.unwrap_err();
        assert!(said.contains(&refused(&friend, "from: Same")), "{said}");

        let some = json!({ "from": "Selector", "matchLabels": { "team": "blue" } });
        site.apply("RouterFleet", "main", json!({ "allowedSidecars": { "namespaces": some } })).await;
        assert_eq!((asked(&friend).await, asked(&site.namespace).await), (Ok(()), Ok(())));
        let said = asked(&stranger).await.unwrap_err();
        assert!(said.contains(&refused(&stranger, "matchLabels team=blue")), "{said}");

        site.apply("RouterFleet", "main", json!({ "allowedSidecars": { "namespaces": { "from": "All" } } })).await;
        assert_eq!(asked(&stranger).await, Ok(()));
        webhooks.delete("sidecars", &DeleteParams::default()).await.unwrap();
    });
}

/// Whether a pod in a namespace would get a router, or why not.
async fn ask(site: &Site, namespace: &str) -> Result<(), String> {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {
            "name": "asks", "annotations": { "anabranch.io/inject": format!("{}/main", site.namespace) },
        },
        "spec": { "containers": [{ "name": "client", "image": "client" }] },
    }))
    .unwrap();
    let pods: Api<Pod> = Api::namespaced(site.client.clone(), namespace);
    let made = pods.create(&PostParams { dry_run: true, ..PostParams::default() }, &pod).await;
    let made = made.map_err(|error| error.to_string())?;
    let first = made.spec.and_then(|spec| spec.init_containers?.into_iter().next());
    if first.is_some_and(|container| container.name == "anabranch-router") { Ok(()) } else { Err("none".to_owned()) }
}

fn configuration(address: SocketAddr, authority: &Authority, namespaces: &[&str]) -> MutatingWebhookConfiguration {
    let named = json!({ "key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces });
    let webhook: Value = json!({
        "name": "inject.anabranch.io",
        "clientConfig": { "url": format!("https://{address}/inject"), "caBundle": STANDARD.encode(authority.pem()) },
        "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"] }],
        "namespaceSelector": { "matchExpressions": [named] },
        "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
    });
    serde_json::from_value(json!({ "metadata": { "name": "sidecars" }, "webhooks": [webhook] })).unwrap()
}
