//! A place for tickets in this process's memory, under a name of its own.

use std::ffi::CString;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;
use crate::library::Functions;

/// Destroyed with its tickets when dropped: by itself the library keeps it to the end of the process.
pub(crate) struct Cache {
    functions: &'static Functions,
    pub(crate) name: CString,
}

impl Cache {
    pub(crate) fn new(functions: &'static Functions) -> Result<Self, Error> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("MEMORY:anabranch-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Ok(Self { functions, name: CString::new(name.clone()).map_err(Error::zero(&name))? })
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let (mut context, mut cache) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: each handle is used only after the call that made it has succeeded, and freed once; the name ends with a
        // zero byte.
        unsafe {
            if (self.functions.krb5_init_context)(&mut context) != 0 {
                return;
            }
            if (self.functions.krb5_cc_resolve)(context, self.name.as_ptr(), &mut cache) == 0 {
                (self.functions.krb5_cc_destroy)(context, cache);
            }
            (self.functions.krb5_free_context)(context);
        }
    }
}
