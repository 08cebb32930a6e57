//! Certificates that are replaced under way.

use anyhow::ensure;

use crate::rig::{Rig, bundle};
use anabranch_e2e::kube::until;

/// Waits until nobody whom API servers trusted at first is trusted any more: every certificate, and who signs them, was
/// replaced by then. All the time, pods were admitted.
pub fn rotate(rig: &Rig) {
    until("other authorities", || {
        let now = bundle()?;
        // Others come behind it, which changes the end of its base64 only.
        let (first, _) = rig.first_bundle.split_at(rig.first_bundle.len() - 8);
        ensure!(!now.starts_with(first), "the first authority is still trusted");
        Ok(())
    })
    .unwrap();
    let (made, failed) = rig.end_admissions();
    assert_eq!(failed, Vec::<String>::new(), "of {made} admissions");
    assert!(made > 50, "{made} admissions only");
}
