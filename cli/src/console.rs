//! What people read: results on standard output, progress and errors on standard error.

use std::io::{Write, stderr, stdout};

/// Writes text and a line end to standard output. A reader that has gone is no reason to stop serving.
pub(crate) fn say(text: &str) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes a line to standard error.
pub(crate) fn note(text: &str) {
    let _ = writeln!(stderr().lock(), "{text}");
}
