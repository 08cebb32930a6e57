//! The custom resources of Anabranch, group `anabranch.io`, version `v1alpha1`, and what they mean in the domain's terms.
//!
//! The Rust types are the one definition: `crds/` is generated from them, `kubectl explain` shows their documentation, and
//! `anabranch local` reads the same objects from files. What the schema and its CEL rules check in a cluster, the
//! conversions here check again, so that an object means the same wherever it comes from.

mod byte_size;
mod condition;
mod field;
mod mount_table;
mod raw;
mod router_fleet;
mod subcluster;
mod words;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

pub use byte_size::ByteSize;
pub use condition::{Condition, ConditionStatus};
pub use field::{FieldError, FieldPath, Segment};
pub use mount_table::{
    DestinationSpec, FleetRef, MAX_ENTRIES, MountEntrySpec, MountOrder, MountTable, MountTableSpec, MountTableStatus,
    QuotaSpec, StorageTypeName, StorageTypeQuotaSpec,
};
pub use raw::RawObject;
pub use router_fleet::{
    AllowedMountsSpec, AllowedSidecarsSpec, AutoscalingSpec, Delegation, DriftPolicy, FleetSettings, ListenSpec,
    MonitoringSpec, NamespaceSource, NamespacesSpec, NetworkPolicySpec, RouterFleet, RouterFleetSpec,
    RouterFleetStatus, ServerSpec, ServiceSpec, ServiceType, StateStoreSpec, StateStoreType, VolumeSpec, ZooKeeperSpec,
};
pub use subcluster::{
    Backend, BackendSpec, BlocksSpec, EmbeddedSpec, ExternalSpec, LocalFleetRef, NamenodeSpec, Subcluster,
    SubclusterKind, SubclusterSettings, SubclusterSpec, SubclusterStatus, SubclusterType,
};

/// The API group.
pub const GROUP: &str = "anabranch.io";
/// The API version of every kind.
pub const VERSION: &str = "v1alpha1";
/// What objects carry as `apiVersion`.
pub const API_VERSION: &str = "anabranch.io/v1alpha1";

/// The definitions of all kinds, as a cluster installs them.
pub fn definitions() -> [CustomResourceDefinition; 3] {
    [MountTable::crd(), RouterFleet::crd(), Subcluster::crd()]
}
