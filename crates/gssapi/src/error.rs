use std::ffi::{NulError, c_int};

use crate::buffer::Output;
use crate::library::{BufferDesc, Functions, Oid, Status};

/// Why there is no context, or a message cannot be protected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The C library is not there, or is another one.
    #[error("Kerberos needs MIT's library (Debian: libgssapi-krb5-2): {0}")]
    Library(String),
    /// A name or a path with a zero byte.
    #[error("{0:?} has a zero byte, which no name and no path has")]
    Zero(String),
    /// No KDC of the realm could be asked.
    #[error("{0}")]
    Unreachable(String),
    /// The library's, or the KDC's, own words.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    pub(crate) fn zero(text: &str) -> impl FnOnce(NulError) -> Self {
        let text = text.to_owned();
        move |_| Self::Zero(text)
    }
}

/// Those bits of a status that tell of errors; the others tell what is to be done next.
const ERRORS: Status = 0xffff_0000;
/// The codes of `display`: of GSS-API, or of the mechanism.
const GENERAL: c_int = 1;
const MECHANISM: c_int = 2;
/// libkrb5's number for a KDC that cannot be reached (`KRB5_KDC_UNREACH`).
const KDC_UNREACHABLE: Status = (-1_765_328_228_i32).cast_unsigned();
/// How many texts one status may have.
const TEXTS: usize = 8;

impl Functions {
    /// The status of a function that did not fail.
    pub(crate) fn check(&self, major: Status, minor: Status) -> Result<Status, Error> {
        if major & ERRORS == 0 {
            return Ok(major);
        }
        // The mechanism's reason says it all; the general one then is only that there is one.
        let text = if minor == 0 { self.display(major, GENERAL) } else { self.display(minor, MECHANISM) };
        Err(if minor == KDC_UNREACHABLE { Error::Unreachable(text) } else { Error::Refused(text) })
    }

    fn display(&self, status: Status, kind: c_int) -> String {
        let (mechanism, mut context, mut texts) = (Oid::kerberos(), 0, Vec::new());
        for _ in 0..TEXTS {
            let (mut minor, mut text) = (0, Output::new(self));
            // SAFETY: all pointers are to locals that live through the call.
            let major = unsafe {
                let out: *mut BufferDesc = text.as_mut();
                (self.gss_display_status)(&mut minor, status, kind, &mechanism, &mut context, out)
            };
            if major & ERRORS != 0 {
                break;
            }
            texts.push(String::from_utf8_lossy(text.bytes()).into_owned());
            if context == 0 {
                break;
            }
        }
        if texts.is_empty() { format!("error {status:#x}") } else { texts.join("; ") }
    }
}
