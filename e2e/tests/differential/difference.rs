//! How a difference is recognised.

use anabranch_e2e::json::Answer;

use crate::answers::is_false;
use crate::calls::Call;
use crate::recognised::of_nobody;
use crate::site::Outcome;

/// A difference and how it is recognised.
pub struct Difference {
    /// The beginning of its row in the document; in parentheses: not one.
    pub row: &'static str,
    /// Its methods; empty for all.
    pub methods: &'static [&'static str],
    /// Whether the answers (Java's, ours) differ so.
    pub shows: fn(&Call, &Answer, &Answer) -> bool,
}

impl Difference {
    /// Whether two outcomes of a call (Java's, ours) differ in this way, and in no other.
    pub fn is(&self, call: &Call, java: &Outcome, ours: &Outcome) -> bool {
        let concerned = self.methods.is_empty() || self.methods.contains(&call.method);
        // Java's router makes directories beside a file of their name, and for files that it can't make.
        let refused = matches!(ours.answer, Answer::Exception(..)) || is_false(&ours.answer);
        let fewer =
            ["mkdirs", "create", "rename", "rename2"].contains(&call.method) && refused && ours.trees.is_empty();
        let more = java.answer == ours.answer
            && match self.row {
                ONTO => replaces(call, &java.trees, &ours.trees),
                INTO => gathers(call, &java.trees, &ours.trees),
                PARENTS => of_nobody(&java.trees) == of_nobody(&ours.trees),
                _ => false,
            };
        let alike = java.trees == ours.trees || fewer || more;
        concerned && alike && (self.shows)(call, &java.answer, &ours.answer)
    }
}

/// Of directories that a NameNode makes, or the router.
pub const PARENTS: &str = "parents of a new file, where one destination of several is in service";

/// Of a file that is overwritten in one destination by a file of another one.
pub const ONTO: &str = "a rename onto a name that another destination has";

/// Of a directory whose parts would go different ways.
pub const INTO: &str = "rename of a directory into one that not all destinations have";

/// Whether a rename that overwrites has deleted another destination's file of that name here, and else did the same.
fn replaces(call: &Call, java: &[String], ours: &[String]) -> bool {
    let name = call.parameters["dst"].as_str().and_then(|dst| dst.rsplit('/').next()).unwrap_or_default();
    let is_that = |line: &String| line.contains(" - /d/") && line.contains(&format!("/{name} \"IS_FILE\""));
    let mut rest = ours.to_vec();
    rest.retain(|line| java.contains(line) || !is_that(line));
    call.parameters["overwriteDest"] == true && rest.len() < ours.len() && rest == java
}

/// Whether both parts of a directory are in the one that they were renamed into, of which one was not so with Java's router.
fn gathers(call: &Call, java: &[String], ours: &[String]) -> bool {
    let name =
        |field: &str| call.parameters[field].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let moved = format!("/{}/{} \"IS_DIR\"", name("dst"), name("src"));
    let parts = |lines: &[String]| lines.iter().filter(|line| line.contains(" + ") && line.contains(&moved)).count();
    (parts(java), parts(ours)) == (1, 2)
}
