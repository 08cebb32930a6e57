//! Why a program ends early, and with which exit code.

use std::fmt;
use std::process::ExitCode;

use crate::console;

/// An error that ends a program.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// Something that the user can put right: arguments, files, ports, directories. Exit code 2.
    pub(crate) fn usage(problem: impl fmt::Display) -> Self {
        Self { code: 2, text: problem.to_string() }
    }

    /// Anything else. Exit code 1.
    pub(crate) fn internal(problem: impl fmt::Display) -> Self {
        Self { code: 1, text: problem.to_string() }
    }

    /// Tells it on standard error.
    pub(crate) fn report(&self) -> ExitCode {
        console::note(&format!("error: {}", self.text));
        ExitCode::from(self.code)
    }
}
