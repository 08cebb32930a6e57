//! Properties from several files, with Hadoop's rules for what wins and what `${…}` stands for.

use std::collections::BTreeMap;

use super::{Error, xml};
use crate::config::Property;

/// What a configuration may refer to outside of its files.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Environment variables, for `${env.NAME}`.
    pub variables: BTreeMap<String, String>,
    /// Who runs the program; Java's `user.name`.
    pub user: String,
    /// The name of this machine.
    pub host: String,
    /// What memory the container, or the machine, has, in bytes.
    pub memory: u64,
}

impl Environment {
    fn system_property(&self, name: &str) -> Option<String> {
        match name {
            "user.name" => Some(self.user.clone()),
            "user.home" => self.variables.get("HOME").cloned(),
            "java.io.tmpdir" => Some(self.variables.get("TMPDIR").cloned().unwrap_or_else(|| "/tmp".to_owned())),
            _ => None,
        }
    }
}

/// Properties by name.
#[derive(Debug)]
pub struct Properties {
    values: BTreeMap<String, Entry>,
    environment: Environment,
}

#[derive(Debug)]
struct Entry {
    value: String,
    origin: String,
    is_final: bool,
}

const COMMAND_LINE: &str = "-D";

/// `path/name:line` as `name`.
fn file_name(origin: &str) -> &str {
    let path = origin.rsplit_once(':').map_or(origin, |(path, _)| path);
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// How deep `${…}` may lead; Hadoop stops there too.
const DEPTH: usize = 20;

impl Properties {
    /// No properties.
    pub fn new(environment: Environment) -> Self {
        Self { values: BTreeMap::new(), environment }
    }

    /// What is outside of the files.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Adds a file: its values replace earlier ones that are not final.
    ///
    /// # Errors
    /// When the text is not a Hadoop configuration.
    pub fn add_file(&mut self, name: &str, text: &str) -> Result<(), Error> {
        for property in xml::parse(name, text)? {
            let Some(value) = property.value else { continue };
            let origin = format!("{name}:{}", property.line);
            let fixed = self.values.get(&property.name).is_some_and(|entry| entry.is_final);
            if !fixed {
                self.values.insert(property.name, Entry { value, origin, is_final: property.is_final });
            }
        }
        Ok(())
    }

    /// Sets a property over what any file says, final or not.
    pub fn set(&mut self, name: &str, value: &str) {
        let entry = Entry { value: value.trim().to_owned(), origin: COMMAND_LINE.to_owned(), is_final: true };
        self.values.insert(name.trim().to_owned(), entry);
    }

    /// A value with its references resolved; what refers to nothing stays as it is written.
    ///
    /// # Errors
    /// When references lead in a circle.
    pub fn get(&self, name: &str) -> Result<Option<String>, Error> {
        let Some(entry) = self.values.get(name) else { return Ok(None) };
        let mut value = entry.value.clone();
        for _ in 0..DEPTH {
            match self.resolve_one(&value) {
                Some(resolved) => value = resolved,
                None => return Ok(Some(value)),
            }
        }
        Err(self.refused(name, &entry.value, format!("references that end after {DEPTH} steps")))
    }

    /// As [`Self::get`], split at commas, without what is empty.
    ///
    /// # Errors
    /// When references lead in a circle.
    pub fn list(&self, name: &str) -> Result<Vec<String>, Error> {
        let value = self.get(name)?.unwrap_or_default();
        Ok(value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
    }

    /// The names of all properties, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// All of them as Hadoop shows them, by name. One whose references lead in a circle is shown as it is written.
    pub fn shown(&self) -> Vec<Property> {
        let shown = |(name, entry): (&String, &Entry)| {
            let value = self.get(name).ok().flatten().unwrap_or_else(|| entry.value.clone());
            let (source, is_final) = match entry.origin.as_str() {
                COMMAND_LINE => ("from command line", false),
                origin => (file_name(origin), entry.is_final),
            };
            Property { name: name.clone(), value, is_final, source: source.to_owned() }
        };
        self.values.iter().map(shown).collect()
    }

    /// The error for a value that is not accepted.
    pub fn refused(&self, key: &str, value: &str, accepted: impl Into<String>) -> Error {
        let origin = self.values.get(key).map_or("not set", |entry| &entry.origin);
        Error::Value { key: key.into(), value: value.into(), origin: origin.into(), accepted: accepted.into() }
    }

    /// Replaces the first reference that stands for something.
    fn resolve_one(&self, value: &str) -> Option<String> {
        let mut from = 0;
        while let Some(start) = value[from..].find("${").map(|at| at + from) {
            let end = start + value[start..].find('}')?;
            let name = &value[start + 2..end];
            // Hadoop takes the innermost of nested references first.
            match name.rfind("${") {
                Some(inner) => from = start + 2 + inner,
                None => match self.lookup(name) {
                    Some(text) => return Some(format!("{}{text}{}", &value[..start], &value[end + 1..])),
                    None => from = end,
                },
            }
        }
        None
    }

    fn lookup(&self, name: &str) -> Option<String> {
        let Some(variable) = name.strip_prefix("env.") else {
            let property = || self.values.get(name).map(|entry| entry.value.clone());
            return self.environment.system_property(name).or_else(property);
        };
        // `:-` also stands in for an empty variable, `-` only for a missing one.
        let (variable, default, or_empty) = match (variable.split_once(":-"), variable.split_once('-')) {
            (Some((variable, default)), _) => (variable, Some(default), true),
            (None, Some((variable, default))) => (variable, Some(default), false),
            (None, None) => (variable, None, false),
        };
        let found = self.environment.variables.get(variable).filter(|value| !or_empty || !value.is_empty());
        found.cloned().or_else(|| default.map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(pairs: &[(&str, &str, bool)]) -> String {
        let one = |(name, value, is_final): &(&str, &str, bool)| {
            format!("<property><name>{name}</name><value>{value}</value><final>{is_final}</final></property>")
        };
        format!("<configuration>{}</configuration>", pairs.iter().map(one).collect::<String>())
    }

    fn properties(files: &[&[(&str, &str, bool)]]) -> Properties {
        let variables = [("HOME", "/home/x"), ("EMPTY", "")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let environment =
            Environment { variables: variables.into(), user: "alice".into(), host: "h".into(), memory: u64::MAX };
        let mut properties = Properties::new(environment);
        for (index, pairs) in files.iter().enumerate() {
            properties.add_file(&format!("{index}.xml"), &file(pairs)).unwrap();
        }
        properties
    }

    #[test]
    fn later_files_win_but_over_final_values() {
        let mut properties =
            properties(&[&[("a", "1", false), ("b", "1", true)], &[("a", "2", false), ("b", "2", false)]]);
        assert_eq!(properties.get("a").unwrap().unwrap(), "2");
        assert_eq!(properties.get("b").unwrap().unwrap(), "1");
        properties.set("b", "3");
        assert_eq!(properties.get("b").unwrap().unwrap(), "3");
    }

    #[test]
    fn references_are_resolved() {
        let cases = [
            ("${b}-${user.name}", "x-alice"),
            ("${env.HOME}/y", "/home/x/y"),
            ("${env.NONE-d}", "d"),
            ("${env.EMPTY-d}", ""),
            ("${env.EMPTY:-d}", "d"),
            ("${none} ${b}", "${none} x"),
            ("${${c}}", "x"),
            ("${", "${"),
            ("$b", "$b"),
        ];
        for (value, expected) in cases {
            let properties = properties(&[&[("a", value, false), ("b", "x", false), ("c", "b", false)]]);
            assert_eq!(properties.get("a").unwrap().unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn properties_are_shown_with_where_they_come_from() {
        let mut properties = properties(&[&[("a", "${b}", false), ("b", "1", true)], &[("c", "${c}", false)]]);
        properties.set("d", "4");
        let shown: Vec<_> = properties.shown().into_iter().map(|p| (p.name, p.value, p.is_final, p.source)).collect();
        let expected = [
            ("a", "1", false, "0.xml"),
            ("b", "1", true, "0.xml"),
            ("c", "${c}", false, "1.xml"),
            ("d", "4", false, "from command line"),
        ];
        assert_eq!(shown, expected.map(|(name, value, last, at)| (name.into(), value.into(), last, at.into())));
        assert_eq!(file_name("/etc/hadoop/core-site.xml:12"), "core-site.xml");
    }

    #[test]
    fn circles_are_refused() {
        let properties = properties(&[&[("a", "${b}", false), ("b", "${a}", false)]]);
        let error = properties.get("a").unwrap_err().to_string();
        assert_eq!(error, r#"a = "${b}" (0.xml:1): expected references that end after 20 steps"#);
    }
}
