use std::fmt;

/// The name of a bean, or a pattern of names: `domain:key=value,key=value`. In a pattern `*` stands for any characters and
/// `?` for one, in the domain and in values; a property `*` allows for more properties than are listed.
#[derive(Debug, Clone)]
pub struct ObjectName {
    domain: String,
    /// As written.
    properties: Vec<(String, String)>,
    /// More properties may follow.
    open: bool,
}

/// A text that is no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedName(&'static str);

impl fmt::Display for MalformedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for MalformedName {}

impl ObjectName {
    /// Reads a name or a pattern.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn parse(text: &str) -> Result<Self, MalformedName> {
        let (domain, list) = text.split_once(':').ok_or(MalformedName("Domain part must be specified"))?;
        if domain.contains('\n') {
            return Err(MalformedName("Invalid character in domain part"));
        }
        let mut name = Self { domain: domain.to_owned(), properties: Vec::new(), open: false };
        if list.is_empty() {
            return Err(MalformedName("Key properties cannot be empty"));
        }
        for property in list.split(',') {
            if property == "*" && !name.open {
                name.open = true;
                continue;
            }
            let (key, value) = property.split_once('=').ok_or(MalformedName("Key properties must be key=value"))?;
            if key.is_empty() || key.contains(['*', '?', ':']) || value.is_empty() || value.contains(['=', ':', '"']) {
                return Err(MalformedName("Invalid character in a key property"));
            }
            if name.property(key).is_some() {
                return Err(MalformedName("key already defined"));
            }
            name.properties.push((key.to_owned(), value.to_owned()));
        }
        Ok(name)
    }

    /// A name of Hadoop's: `Hadoop:service=SERVICE,name=NAME`. Characters that a value cannot hold are replaced.
    pub fn hadoop(service: &str, name: &str) -> Self {
        let plain = |value: &str| value.replace([',', '=', ':', '"', '*', '?', '\n'], "_");
        let properties = vec![("service".to_owned(), plain(service)), ("name".to_owned(), plain(name))];
        Self { domain: "Hadoop".to_owned(), properties, open: false }
    }

    /// A name of the platform's: `java.lang:type=TYPE`.
    pub fn java_lang(kind: &'static str) -> Self {
        let properties = vec![("type".to_owned(), kind.to_owned())];
        Self { domain: "java.lang".to_owned(), properties, open: false }
    }

    fn property(&self, key: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Whether this, as a pattern, matches a name.
    pub fn matches(&self, name: &Self) -> bool {
        let covered = |(key, pattern): &(String, String)| name.property(key).is_some_and(|value| glob(pattern, value));
        let enough = self.open || self.properties.len() == name.properties.len();
        enough && glob(&self.domain, &name.domain) && self.properties.iter().all(covered)
    }
}

/// Two names are the same whatever the order of their properties.
impl PartialEq for ObjectName {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |name: &Self| {
            let mut properties = name.properties.clone();
            properties.sort();
            properties
        };
        self.domain == other.domain && self.open == other.open && sorted(self) == sorted(other)
    }
}

impl Eq for ObjectName {}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut listed: Vec<String> = self.properties.iter().map(|(key, value)| format!("{key}={value}")).collect();
        listed.extend(self.open.then(|| "*".to_owned()));
        write!(f, "{}:{}", self.domain, listed.join(","))
    }
}

/// Whether a pattern with `*` and `?` matches a text. Takes time in the product of their lengths at most.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last star does not match.
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_those_of_java_do() {
        let name = "Hadoop:service=Router,name=FederationState";
        let rows = [
            (name, true),
            ("Hadoop:name=FederationState,service=Router", true),
            ("Hadoop:service=Router,name=Federation*", true),
            ("Hadoop:service=Router,name=*State", true),
            ("Hadoop:service=Router,name=*e*a*i*S*", true),
            ("Hadoop:service=Router,name=Federation?tate", true),
            ("Hadoop:service=Router,name=Federation?state", false),
            ("Hadoop:service=Router,name=federation*", false),
            ("Hadoop:service=Router,*", true),
            ("Hadoop:*,service=Router", true),
            ("Hadoop:*", true),
            ("Hado?p:*", true),
            ("*:*", true),
            ("*:name=FederationState,*", true),
            ("Hadoop:service=Router", false),
            ("Hadoop:service=Router,name=FederationState,sub=Stats", false),
            ("Hadoop:service=Router,name=FederationState,sub=*", false),
            ("Hadoop:type=*,*", false),
            ("java.lang:*", false),
        ];
        let bean = ObjectName::parse(name).unwrap();
        for (pattern, expected) in rows {
            assert_eq!(ObjectName::parse(pattern).unwrap().matches(&bean), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in
            ["", "x", "x*:", ":", "a:b", "a:b=", "a:=c", "a:b=c,b=d", "a:b=c,", "a:*,*", "a:b=c=d", "a:b*=c", "a\n:*"]
        {
            assert!(ObjectName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_are_shown_as_they_are_written() {
        for text in ["Hadoop:service=Router,name=Router", "*:*", "a:c=d,b=e,*"] {
            assert_eq!(ObjectName::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(ObjectName::hadoop("Router", "a,b=c").to_string(), "Hadoop:service=Router,name=a_b_c");
    }

    #[test]
    fn a_pattern_of_stars_ends() {
        assert!(!glob(&"*a".repeat(500), &"a".repeat(499)));
        assert!(glob(&"*a".repeat(500), &"a".repeat(500)));
    }
}
