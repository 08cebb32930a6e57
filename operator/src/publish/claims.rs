//! Who declares which path. Where several MountTables do, the oldest has it, as with the routes of a Gateway.

use std::collections::{BTreeMap, BTreeSet};

/// A MountTable that declares a path. Claims are in order of their right to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// When the MountTable was created, in milliseconds since 1970.
    pub created_ms: i64,
    /// Its Kubernetes namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The claims to the paths of one fleet.
#[derive(Debug, Default)]
pub struct Claims {
    by_path: BTreeMap<String, BTreeSet<Claim>>,
    by_table: BTreeMap<(String, String), (Claim, BTreeSet<String>)>,
}

impl Claims {
    /// Replaces the claims of a MountTable. Returns the other MountTables whose right to some path changed by that.
    pub fn set(&mut self, claim: Claim, paths: BTreeSet<String>) -> BTreeSet<(String, String)> {
        let key = (claim.namespace.clone(), claim.name.clone());
        let (earlier, held) = match self.by_table.remove(&key) {
            Some((earlier, held)) => (Some(earlier), held),
            None => (None, BTreeSet::new()),
        };
        let same = earlier.as_ref() == Some(&claim);
        let given_up = held.iter().filter(|path| !same || !paths.contains(*path));
        let taken = paths.iter().filter(|path| !same || !held.contains(*path));
        let mut touched = BTreeSet::new();
        for path in given_up {
            let Some(claims) = self.by_path.get_mut(path) else { continue };
            if let Some(earlier) = &earlier {
                claims.remove(earlier);
            }
            touched.extend(claims.iter().map(|other| (other.namespace.clone(), other.name.clone())));
            if claims.is_empty() {
                self.by_path.remove(path);
            }
        }
        for path in taken {
            let claims = self.by_path.entry(path.clone()).or_default();
            touched.extend(claims.iter().map(|other| (other.namespace.clone(), other.name.clone())));
            claims.insert(claim.clone());
        }
        touched.remove(&key);
        if !paths.is_empty() {
            self.by_table.insert(key, (claim, paths));
        }
        touched
    }

    /// Ends the claims of a MountTable. Returns the others whose right to some path changed by that.
    pub fn release(&mut self, namespace: &str, name: &str) -> BTreeSet<(String, String)> {
        let claim = Claim { created_ms: 0, namespace: namespace.to_owned(), name: name.to_owned() };
        self.set(claim, BTreeSet::new())
    }

    /// Who has a path.
    pub fn owner(&self, path: &str) -> Option<&Claim> {
        self.by_path.get(path)?.first()
    }

    /// Whether anyone declares a path.
    pub fn is_claimed(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// Every MountTable that declares something.
    pub fn claimants(&self) -> impl Iterator<Item = (String, String)> {
        self.by_table.keys().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(created_ms: i64, name: &str) -> Claim {
        Claim { created_ms, namespace: "n".to_owned(), name: name.to_owned() }
    }

    fn paths(paths: &[&str]) -> BTreeSet<String> {
        paths.iter().map(ToString::to_string).collect()
    }

    fn names(touched: BTreeSet<(String, String)>) -> Vec<String> {
        touched.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn the_oldest_has_a_path_until_it_gives_it_up() {
        let mut claims = Claims::default();
        assert!(claims.set(claim(2, "young"), paths(&["/a", "/b"])).is_empty());
        assert_eq!(names(claims.set(claim(1, "old"), paths(&["/a"]))), ["young"]);
        assert_eq!(claims.owner("/a").unwrap().name, "old");
        assert_eq!(claims.owner("/b").unwrap().name, "young");
        // Nothing changes for others when nothing changes.
        assert!(claims.set(claim(1, "old"), paths(&["/a"])).is_empty());
        assert_eq!(names(claims.set(claim(1, "old"), paths(&["/c"]))), ["young"]);
        assert_eq!(claims.owner("/a").unwrap().name, "young");
        assert!(names(claims.release("n", "young")).is_empty());
        assert!(!claims.is_claimed("/a") && !claims.is_claimed("/b") && claims.is_claimed("/c"));
    }

    #[test]
    fn equal_ages_are_told_apart_by_name() {
        let mut claims = Claims::default();
        claims.set(claim(1, "b"), paths(&["/a"]));
        claims.set(claim(1, "a"), paths(&["/a"]));
        assert_eq!(claims.owner("/a").unwrap().name, "a");
        // Made anew: the younger one is another object.
        claims.set(claim(5, "a"), paths(&["/a"]));
        assert_eq!(claims.owner("/a").unwrap().name, "b");
    }
}
