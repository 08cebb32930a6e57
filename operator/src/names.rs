//! What things are called: the one place that derives each name which two objects must agree on.

use std::collections::BTreeMap;

use anabranch_federation::fnv1a;

/// The field manager of everything that the operator applies, and the value of `app.kubernetes.io/managed-by`.
pub const MANAGER: &str = "anabranch-operator";
/// The value of `app.kubernetes.io/part-of`.
pub const PART_OF: &str = "anabranch";
/// On a MountTable while the state store may hold entries of it.
pub const FINALIZER: &str = "anabranch.io/store-cleanup";
/// Annotation of an object that the operator should leave alone while it is `"true"`.
pub const PAUSED: &str = "anabranch.io/paused";
/// Annotation of a MountTable that may go without its entries leaving the state store, if it is `"true"`: the way out when a
/// store is gone for good.
pub const SKIP_CLEANUP: &str = "anabranch.io/skip-store-cleanup";
/// Annotation of what the operator applied: a digest of what it said.
pub const APPLIED: &str = "anabranch.io/applied";
/// Annotation of pods that must be replaced when their configuration changes: a digest of it.
pub const CONFIGURATION: &str = "anabranch.io/configuration";
/// Label or annotation of a pod that wants a router of its own: `<fleet>`, or with the namespace of the fleet
/// `<namespace>.<fleet>` (in an annotation `<namespace>/<fleet>`, too).
pub const INJECT: &str = "anabranch.io/inject";
/// Annotation of such a pod: the directory in which its containers want `core-site.xml` and `hdfs-site.xml`.
pub const CLIENT_CONFIG: &str = "anabranch.io/client-config";
/// Annotation of such a pod: the processor time that the router requests, such as `250m`.
pub const SIDECAR_CPU: &str = "anabranch.io/sidecar-cpu";
/// Annotation of such a pod: the memory that the router requests and may use, such as `256Mi`.
pub const SIDECAR_MEMORY: &str = "anabranch.io/sidecar-memory";
/// Label of a pod with a router of its own: the fleet that this one is like.
pub const FLEET: &str = "anabranch.io/fleet";
/// Label of such a pod: the Kubernetes namespace of the fleet.
pub const FLEET_NAMESPACE: &str = "anabranch.io/fleet-namespace";
/// The longest name of a RouterFleet or a Subcluster: what is made for it has names with a suffix, in labels of 63
/// characters.
pub const MAX_NAME: usize = 45;

/// What programs listen on when nothing else is said.
pub mod port {
    /// Hadoop's well-known port, at which Services offer the port of the routers.
    pub const HADOOP: i32 = 8020;
    /// `anabranch-store`.
    pub const STORE: i32 = 8890;
    /// `anabranch-store`, for those who may read only.
    pub const STORE_READERS: i32 = 8891;
    /// HTTP of `anabranch-store`.
    pub const STORE_HTTP: i32 = 50073;
    /// The block gateway of an embedded subcluster.
    pub const TRANSFER: i32 = 9866;
    /// HTTP of an embedded subcluster.
    pub const NAMESPACE_HTTP: i32 = 9870;
}

/// A program that runs in pods, with the label `app.kubernetes.io/name` of its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Component {
    /// `app.kubernetes.io/name`, and the name of the image.
    pub name: &'static str,
    /// `app.kubernetes.io/component`, and the name of the container.
    pub component: &'static str,
}

/// The routers of a fleet.
pub const ROUTER: Component = Component { name: "anabranch-router", component: "router" };
/// The state store of a fleet.
pub const STORE: Component = Component { name: "anabranch-store", component: "store" };
/// An embedded subcluster.
pub const NAMESPACE: Component = Component { name: "anabranch-namespace", component: "namespace" };

impl Component {
    /// The labels that select its pods.
    pub fn selector(self, instance: &str) -> BTreeMap<String, String> {
        [("app.kubernetes.io/name", self.name), ("app.kubernetes.io/instance", instance)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    /// The same as one word, as queries take it.
    pub fn query(self, instance: &str) -> String {
        let labels: Vec<String> = self.selector(instance).iter().map(|(key, value)| format!("{key}={value}")).collect();
        labels.join(",")
    }

    /// The labels of everything that is made for it.
    pub fn labels(self, instance: &str) -> BTreeMap<String, String> {
        let mut labels = self.selector(instance);
        for (key, value) in [
            ("app.kubernetes.io/component", self.component),
            ("app.kubernetes.io/part-of", PART_OF),
            ("app.kubernetes.io/managed-by", MANAGER),
            ("app.kubernetes.io/version", env!("CARGO_PKG_VERSION")),
        ] {
            labels.insert(key.to_owned(), value.to_owned());
        }
        labels
    }
}

/// `<fleet>-router`: Deployment, ConfigMap, autoscaler, disruption budget and policy of the routers.
pub fn router(fleet: &str) -> String {
    format!("{fleet}-router")
}

/// `<fleet>-routers`: the headless Service, whose name stands for each router.
pub fn routers(fleet: &str) -> String {
    format!("{fleet}-routers")
}

/// `<fleet>-store`: the state store.
pub fn store(fleet: &str) -> String {
    format!("{fleet}-store")
}

/// `<fleet>-discovery`: the configuration of clients.
pub fn discovery(fleet: &str) -> String {
    format!("{fleet}-discovery")
}

/// `<fleet>-adopted`: the MountTable of what nobody declared.
pub fn adopted(fleet: &str) -> String {
    format!("{fleet}-adopted")
}

/// The name of a Service in the cluster's DNS, short of the cluster's domain, which resolvers append.
pub fn host(service: &str, namespace: &str) -> String {
    format!("{service}.{namespace}.svc")
}

/// [`fnv1a`] in hexadecimal: tells whether something is what it was, in every release.
pub fn digest(bytes: &[u8]) -> String {
    format!("{:016x}", fnv1a(bytes.iter().copied()))
}
