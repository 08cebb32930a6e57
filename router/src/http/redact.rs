//! Which properties are secret.

use regex::RegexSet;

use crate::config::Property;

/// Hadoop's own list, which the property of that name replaces.
const KEYS: &str = "hadoop.security.sensitive-config-keys";
const DEFAULT: &str = "secret$,password$,ssl.keystore.pass$,fs.s3a.server-side-encryption.key,\
    fs.s3a.*.server-side-encryption.key,fs.s3a.encryption.algorithm,fs.s3a.encryption.key,fs.s3a.secret.key,\
    fs.s3a.*.secret.key,fs.s3a.session.key,fs.s3a.*.session.key,fs.s3a.session.token,fs.s3a.*.session.token,\
    fs.azure.account.key.*,fs.azure.oauth2.*,fs.adl.oauth2.*,fs.gs.encryption.*,fs.gs.proxy.*,fs.gs.auth.*,\
    credential$,oauth.*secret,oauth.*password,oauth.*token,hadoop.security.sensitive-config-keys";

/// Holds a password, too, but is not on that list.
const ALWAYS: &str = r"zk[.-]?.*\.auth$";

/// Says which names are secret.
pub(super) struct Redactor(Option<RegexSet>);

impl Redactor {
    /// With the patterns that the properties name, or Hadoop's.
    pub(super) fn new(properties: &[Property]) -> Self {
        let own = properties.iter().find(|property| property.name == KEYS).map(|property| property.value.as_str());
        let list = own.unwrap_or(DEFAULT).split([',', '\n']).map(str::trim).filter(|pattern| !pattern.is_empty());
        match RegexSet::new(list.chain([ALWAYS])) {
            Ok(set) => Self(Some(set)),
            Err(error) => {
                tracing::warn!(%error, key = KEYS, "not understood; /conf shows no values at all");
                Self(None)
            }
        }
    }

    pub(super) fn is_secret(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|set| set.is_match(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(value: &str) -> Property {
        Property { name: KEYS.to_owned(), value: value.to_owned(), is_final: false, source: String::new() }
    }

    #[test]
    fn secrets_are_those_of_hadoops_patterns() {
        let rows = [
            ("state-store-mysql.connection.password", true),
            ("hadoop.http.authentication.signature.secret", true),
            ("hadoop.security.credential", true),
            ("ssl.server.keystore.password", true),
            ("fs.s3a.bucket.b1.secret.key", true),
            ("fs.s3a.session.token", true),
            ("dfs.adls.oauth2.refresh.token", true),
            ("fs.azure.account.key.x.example.com", true),
            ("hadoop.security.sensitive-config-keys", true),
            ("hadoop.zk.auth", true),
            ("zk-dt-secret-manager.zkAuthType", false),
            ("dfs.federation.router.secret.manager.class", false),
            ("dfs.nameservices", false),
            ("hadoop.security.token.service.use_ip", false),
        ];
        let redactor = Redactor::new(&[]);
        for (name, expected) in rows {
            assert_eq!(redactor.is_secret(name), expected, "{name}");
        }
    }

    #[test]
    fn other_patterns_replace_them_and_broken_ones_hide_everything() {
        let own = Redactor::new(&[property("\n  ^mine\\.,\n  theirs$ ")]);
        assert!(own.is_secret("mine.x") && own.is_secret("a.theirs") && own.is_secret("hadoop.zk.auth"));
        assert!(!own.is_secret("x.password"));
        assert!(Redactor::new(&[property("(")]).is_secret("dfs.nameservices"));
    }
}
