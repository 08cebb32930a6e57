//! Whose records are whose in a state store.

/// The fleet at this end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FleetId {
    /// `metadata.uid`.
    pub uid: String,
    /// Its Kubernetes namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its cluster: the uid of a Kubernetes namespace, see [`crate::cluster`].
    pub cluster: String,
    /// Whether others may write to its store, such as the fleet of this name in another cluster: an ensemble is open to all,
    /// a store of the fleet's own is not.
    pub shared: bool,
}

impl FleetId {
    /// What records are marked with that an object declares: `<cluster>/<fleet>/<object>`, both with their namespaces.
    ///
    /// These are names, not uids, since a fleet that was deleted and made anew over records that were kept is the same one to
    /// those who declare mounts. Names are the same in clusters that are made from the same manifests, so where those share
    /// an ensemble the first part tells them apart.
    pub fn mark(&self, namespace: &str, name: &str) -> String {
        format!("{}/{}/{}/{namespace}/{name}", self.cluster, self.namespace, self.name)
    }

    /// The Kubernetes namespace and the name of the object behind a mark of this fleet.
    pub fn unmark<'a>(&self, mark: &'a str) -> Option<(&'a str, &'a str)> {
        let parts: Vec<&str> = mark.split('/').collect();
        let (is_ours, object) = match *parts.as_slice() {
            [cluster, namespace, fleet, home, name] => {
                (cluster == self.cluster && namespace == self.namespace && fleet == self.name, (home, name))
            }
            // As records were marked at first.
            [uid, home, name] => (uid == self.uid, (home, name)),
            _ => return None,
        };
        // In a store of our own, whatever an operator marked is ours: perhaps in an earlier life, or before a restore.
        (is_ours || !self.shared).then_some(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(cluster: &str, uid: &str, name: &str, shared: bool) -> FleetId {
        let [cluster, uid, name] = [cluster, uid, name].map(str::to_owned);
        FleetId { uid, namespace: "data".to_owned(), name, cluster, shared }
    }

    #[test]
    fn a_mark_tells_whose_a_record_is() {
        let written = fleet("east", "1", "main", true).mark("team", "table");
        let table = Some(("team", "table"));
        let cases = [
            ("itself", fleet("east", "1", "main", true), table),
            ("the fleet made anew", fleet("east", "2", "main", true), table),
            ("another fleet", fleet("east", "3", "other", true), None),
            ("the same fleet of another cluster", fleet("west", "4", "main", true), None),
            ("a fleet whose store is its own", fleet("west", "4", "main", false), table),
        ];
        for (who, fleet, expected) in cases {
            assert_eq!(fleet.unmark(&written), expected, "{who}");
        }
    }

    #[test]
    fn marks_of_earlier_versions_are_known() {
        let old = "1/team/table";
        let table = Some(("team", "table"));
        assert_eq!(fleet("east", "1", "main", true).unmark(old), table);
        assert_eq!(fleet("east", "2", "main", true).unmark(old), None);
        assert_eq!(fleet("east", "2", "main", false).unmark(old), table);
        for other in ["", "a", "a/b", "a/b/c/d", "a/b/c/d/e/f"] {
            assert_eq!(fleet("east", "2", "main", false).unmark(other), None, "{other:?}");
        }
    }
}
