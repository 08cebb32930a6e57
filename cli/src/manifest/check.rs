//! Objects of all files together: what each says, and what only all of them can get wrong.

use std::collections::HashMap;

use anabranch_api::{FieldError, FieldPath, FleetSettings, SubclusterSettings};
use anabranch_federation::{MountEntry, NameserviceId};
use serde_json::Value;

use super::object::{Object, Spec};
use super::problem::{Problem, Problems};
use super::source::SourceFile;
use super::yaml;

/// A federation as files describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Federation {
    /// The routers; none if no file describes them.
    pub fleet: Option<FleetSettings>,
    /// The subclusters, in the order of files.
    pub subclusters: Vec<SubclusterSettings>,
    /// The mounts, sorted by path.
    pub mounts: Vec<MountEntry>,
}

/// What may be in the files.
#[derive(Clone, Debug)]
pub enum Scope {
    /// A whole federation: mounts lead to Subclusters in the files.
    Federation,
    /// Mounts only: they lead to nameservices that are known otherwise.
    Mounts(Vec<NameserviceId>),
}

/// Where an object was found.
#[derive(Clone, Copy)]
struct Origin<'a> {
    file: &'a SourceFile,
    document: usize,
}

impl Origin<'_> {
    /// For messages about another object: `mounts.yaml:7`.
    fn place(&self, path: &FieldPath) -> String {
        format!("{}:{}", self.file.name, yaml::locate(&self.file.text, self.document, path).line)
    }
}

/// A destination that some mount, or the default, leads to.
struct Reference<'a> {
    origin: Origin<'a>,
    path: FieldPath,
    nameservice: String,
}

impl Federation {
    /// Reads the files.
    ///
    /// # Errors
    /// Everything that is wrong in any of them, by file, line and field.
    pub fn parse(files: &[SourceFile], scope: &Scope) -> Result<Self, Problems> {
        let mut gather = Gather::new(scope);
        for file in files {
            gather.file(file);
        }
        gather.check_references();
        if !gather.problems.is_empty() {
            return Err(Problems::new(gather.problems));
        }
        let mut federation = gather.federation;
        federation.mounts.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(federation)
    }

    /// Whether both differ in more than their mounts, which is all that can change while a router runs.
    pub fn needs_restart(&self, other: &Self) -> bool {
        self.fleet != other.fleet || self.subclusters != other.subclusters
    }
}

struct Gather<'a> {
    scope: &'a Scope,
    federation: Federation,
    problems: Vec<Problem>,
    objects: HashMap<(&'static str, String, String), Origin<'a>>,
    mounts: HashMap<String, (Origin<'a>, FieldPath)>,
    nameservices: HashMap<String, Origin<'a>>,
    fleet: Option<(Origin<'a>, String)>,
    references: Vec<Reference<'a>>,
    fleet_references: Vec<(Origin<'a>, String)>,
}

impl<'a> Gather<'a> {
    fn new(scope: &'a Scope) -> Self {
        Self {
            scope,
            federation: Federation::default(),
            problems: Vec::new(),
            objects: HashMap::new(),
            mounts: HashMap::new(),
            nameservices: HashMap::new(),
            fleet: None,
            references: Vec::new(),
            fleet_references: Vec::new(),
        }
    }

    fn file(&mut self, file: &'a SourceFile) {
        let documents = match yaml::documents(&file.text) {
            Ok(documents) => documents,
            Err(error) => {
                let problem = Problem { file: file.name.clone(), position: error.position, text: error.problem };
                return self.problems.push(problem);
            }
        };
        for document in documents {
            let origin = Origin { file, document: document.number };
            let misread = misread_scalars(origin, &document.value, &FieldPath::root());
            if let Some(error) = misread.first() {
                self.refuse(origin, error);
                continue;
            }
            match Object::read(&document.value) {
                Ok(object) => self.object(origin, &object),
                Err(error) => self.refuse(origin, &error),
            }
        }
    }

    fn refuse(&mut self, origin: Origin<'a>, error: &FieldError) {
        self.problems.push(Problem::at(origin.file, origin.document, error));
    }

    fn object(&mut self, origin: Origin<'a>, object: &Object) {
        let name = FieldPath::root().key("metadata").key("name");
        let key = (object.kind(), object.namespace.clone(), object.name.clone());
        if let Some(earlier) = self.objects.get(&key) {
            let problem =
                format!("{} {:?} is described already, at {}", object.kind(), object.name, earlier.place(&name));
            return self.refuse(origin, &FieldError::new(name, problem));
        }
        self.objects.insert(key, origin);
        if matches!(self.scope, Scope::Mounts(_)) && object.kind() != "MountTable" {
            let problem = format!("{} has no place here; expected MountTable only", object.kind());
            return self.refuse(origin, &FieldError::new(FieldPath::root().key("kind"), problem));
        }
        let checked = match &object.spec {
            Spec::MountTable(spec) => {
                let fleet = spec.fleet_ref.iter().map(|fleet| (origin, fleet.name.clone()));
                self.fleet_references.extend(fleet);
                spec.to_entries().map(|entries| self.mounts(origin, entries))
            }
            Spec::RouterFleet(spec) => spec.to_settings().map(|fleet| self.fleet(origin, object, fleet)),
            Spec::Subcluster(spec) => spec.to_settings().map(|subcluster| self.subcluster(origin, subcluster)),
        };
        for error in checked.err().into_iter().flatten() {
            self.refuse(origin, &error);
        }
    }

    fn mounts(&mut self, origin: Origin<'a>, entries: Vec<MountEntry>) {
        for (index, entry) in entries.into_iter().enumerate() {
            let at = FieldPath::spec().key("entries").index(index);
            for (number, destination) in entry.destinations.iter().enumerate() {
                let path = at.key("destinations").index(number).key("nameservice");
                self.references.push(Reference { origin, path, nameservice: destination.nameservice.to_string() });
            }
            let path = at.key("path");
            if let Some((earlier, field)) = self.mounts.get(entry.source.as_str()) {
                let problem = format!("{:?} is mounted already, at {}", entry.source.as_str(), earlier.place(field));
                self.refuse(origin, &FieldError::new(path, problem));
                continue;
            }
            self.mounts.insert(entry.source.to_string(), (origin, path));
            self.federation.mounts.push(entry);
        }
    }

    fn fleet(&mut self, origin: Origin<'a>, object: &Object, fleet: FleetSettings) {
        let name = FieldPath::root().key("metadata").key("name");
        if let Some((earlier, _)) = &self.fleet {
            let problem = format!("a second RouterFleet; only one can run here, and {} has one", earlier.place(&name));
            return self.refuse(origin, &FieldError::new(name, problem));
        }
        if let Some(nameservice) = &fleet.default_nameservice {
            let path = FieldPath::spec().key("defaultNameservice");
            self.references.push(Reference { origin, path, nameservice: nameservice.to_string() });
        }
        self.fleet = Some((origin, object.name.clone()));
        self.federation.fleet = Some(fleet);
    }

    fn subcluster(&mut self, origin: Origin<'a>, subcluster: SubclusterSettings) {
        let path = FieldPath::spec().key("nameserviceId");
        let id = subcluster.nameservice.to_string();
        if let Some(earlier) = self.nameservices.get(&id) {
            let problem = format!("{id:?} is the id of another Subcluster already, at {}", earlier.place(&path));
            return self.refuse(origin, &FieldError::new(path, problem));
        }
        self.nameservices.insert(id, origin);
        self.federation.subclusters.push(subcluster);
    }

    /// What can be checked only when everything was read.
    fn check_references(&mut self) {
        // A file that could not be read may hold what others refer to: complaining about that too would mislead.
        if !self.problems.is_empty() {
            return;
        }
        let mut known: Vec<String> = match self.scope {
            Scope::Federation => self.nameservices.keys().cloned().collect(),
            Scope::Mounts(nameservices) => nameservices.iter().map(ToString::to_string).collect(),
        };
        known.sort();
        for Reference { origin, path, nameservice } in std::mem::take(&mut self.references) {
            if !known.contains(&nameservice) {
                let problem = format!("{nameservice:?} is not a known nameservice; known are: {}", listed(&known));
                self.refuse(origin, &FieldError::new(path, problem));
            }
        }
        if let Scope::Mounts(_) = self.scope {
            return;
        }
        let fleet = self.fleet.as_ref().map(|(_, name)| name.clone());
        for (origin, name) in std::mem::take(&mut self.fleet_references) {
            if fleet.as_ref() != Some(&name) {
                let known = fleet.as_deref().unwrap_or("none");
                let path = FieldPath::spec().key("fleetRef").key("name");
                let problem = format!("{name:?} is not a known RouterFleet; known are: {known}");
                self.refuse(origin, &FieldError::new(path, problem));
            }
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Scalars that kubectl, which speaks YAML 1.1, would not send as the strings that YAML 1.2 makes of them.
fn misread_scalars(origin: Origin<'_>, value: &Value, at: &FieldPath) -> Vec<FieldError> {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(i, item)| misread_scalars(origin, item, &at.index(i))).collect()
        }
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, field)| misread_scalars(origin, field, &at.key(name))).collect()
        }
        Value::String(text) => {
            let other = other_type_in_yaml_1_1(text);
            let plain = other.filter(|_| yaml::is_plain(&origin.file.text, origin.document, at));
            let problem = |other| format!("{text} without quotes is {other} to kubectl; write \"{text}\"");
            plain.map(|other| FieldError::new(at.clone(), problem(other))).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn other_type_in_yaml_1_1(text: &str) -> Option<&'static str> {
    let octal = text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let word = ["y", "n", "yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word));
    octal.then_some("a number").or(word.then_some("a boolean"))
}

#[cfg(test)]
mod tests;
