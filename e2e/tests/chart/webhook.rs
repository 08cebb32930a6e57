//! The webhook of the release: it works from the installation on, through upgrades, whoever issues its certificate.

use anabranch_testkit::certificates::Authority;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cluster::{get, kubectl, kubectl_with, wait_until};
use crate::site::{CHART, NAMESPACE, RELEASE, Site};

const SECRET: &str = "anabranch-webhook";
/// A webhook that fails fails whoever makes a pod.
const STRICT: &str = "webhook.failurePolicy=Fail";

/// A pod that asks for a router, as the API server would make it.
fn made() -> anyhow::Result<Value> {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "asks", "namespace": NAMESPACE, "labels": { "anabranch.io/inject": "main" } },
        "spec": {
            "securityContext": { "runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [{
                "name": "client", "image": "client",
                "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
            }],
        },
    });
    let said = kubectl_with(&["create", "--dry-run=server", "-o", "json", "-f", "-"], &pod.to_string())?;
    Ok(serde_json::from_str(&said)?)
}

fn is_injected() -> bool {
    made().is_ok_and(|pod| pod["spec"]["initContainers"][0]["name"] == "anabranch-router")
}

/// Whom API servers trust, in base64.
fn bundle() -> String {
    let webhooks = get(&["mutatingwebhookconfiguration", RELEASE]).unwrap();
    webhooks["webhooks"][0]["clientConfig"]["caBundle"].as_str().unwrap_or_default().to_owned()
}

fn secret() -> Value {
    get(&["-n", NAMESPACE, "secret", SECRET]).unwrap_or_default()
}

/// From the moment on that `helm install --wait` returns, pods get routers; a Secret that someone breaks or deletes is made
/// again.
pub fn works(site: &Site) {
    site.quickstart();
    site.webhook.get_or_init(|| {
        // A fleet that can be read is all that it takes: the webhook itself is ready since the installation.
        assert!(is_injected(), "{:?}", made());
        let (trusted, key) = (bundle(), secret()["data"].clone());
        assert!(!trusted.is_empty() && key.is_object(), "{key}");
        let broken = r#"{"data":{"keyring.json":"e30="}}"#;
        kubectl(&["-n", NAMESPACE, "patch", "secret", SECRET, "--type=merge", "-p", broken]).unwrap();
        wait_until("another authority is trusted", NAMESPACE, || bundle() != trusted && is_injected());
        kubectl(&["-n", NAMESPACE, "delete", "secret", SECRET]).unwrap();
        wait_until("the Secret is made again", NAMESPACE, || secret()["data"].is_object() && is_injected());
    });
}

/// An upgrade leaves alone whom API servers trust and what the operators share, in both of Helm's ways.
pub fn upgrades_leave_it_alone(site: &Site) {
    works(site);
    for (values, flags) in [
        ("commonLabels.team=a", &["--server-side=true"][..]),
        ("commonLabels.team=b", &["--server-side=false"]),
        ("commonLabels.team=c", &["--server-side=true", "--force-conflicts"]),
    ] {
        let (trusted, shared) = (bundle(), secret()["data"].clone());
        site.upgrade(CHART, &format!("{STRICT},{values}"), flags).unwrap();
        assert!(is_injected(), "{values}: {:?}", made());
        assert_eq!(secret()["metadata"]["labels"]["team"], values[values.len() - 1..]);
        assert!(bundle() == trusted && secret()["data"] == shared, "{values}: other certificates");
    }
}

/// With an issuer, the certificate is what someone else writes into a Secret; without one again, the operators' own.
pub fn certificates_may_come_from_elsewhere(site: &Site) {
    works(site);
    // What cert-manager would do.
    let authority = Authority::new("elsewhere").unwrap();
    let issued = authority.issue(&format!("{RELEASE}-webhook.{NAMESPACE}.svc")).unwrap();
    let tls = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": { "name": "anabranch-webhook-tls", "namespace": NAMESPACE },
        "stringData": { "tls.crt": issued.certificate, "tls.key": issued.key },
    });
    kubectl_with(&["apply", "-f", "-"], &tls.to_string()).unwrap();
    let issuer = "webhook.certManager.issuerRef.name=ca,webhook.certManager.issuerRef.kind=ClusterIssuer";
    site.upgrade(CHART, &format!("{STRICT},{issuer}"), &[]).unwrap();
    let asked = get(&["-n", NAMESPACE, "certificate.cert-manager.io", "anabranch-webhook"]).unwrap();
    assert_eq!(asked["spec"]["secretName"], "anabranch-webhook-tls");
    assert_eq!(secret(), Value::Null);
    let trusted = STANDARD.encode(authority.pem());
    let trust = json!([{ "op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": trusted }]);
    let trust = trust.to_string();
    kubectl(&["patch", "mutatingwebhookconfiguration", RELEASE, "--type=json", "-p", &trust]).unwrap();
    wait_until("the certificate from elsewhere is trusted", NAMESPACE, is_injected);

    site.upgrade(CHART, STRICT, &[]).unwrap();
    assert_ne!(bundle(), trusted);
    assert!(is_injected(), "{:?}", made());
    kubectl(&["-n", NAMESPACE, "delete", "secret", "anabranch-webhook-tls"]).unwrap();
}
