use std::ptr;

use crate::buffer::{Output, input};
use crate::context::Shared;
use crate::library::{CONTINUE_NEEDED, INTEGRITY, MUTUAL, Oid, SEQUENCE, functions};
use crate::name::Name;
use crate::{Context, Credentials, Error, Service};

/// The side that begins. Both sides prove who they are.
pub struct Initiator {
    credentials: Credentials,
    service: Name,
    shared: Shared,
}

/// What comes after a token.
pub enum Step {
    /// This token goes to the service; its answer is the next one.
    Send(Initiator, Vec<u8>),
    /// The service is who it should be. A token that goes to it comes first, unless it is empty.
    Established(Context, Vec<u8>),
}

/// What is asked of a context.
const DEMANDS: u32 = MUTUAL | SEQUENCE | INTEGRITY;

impl Initiator {
    /// Begins an exchange with `service`.
    ///
    /// # Errors
    /// When the service's name is none.
    pub fn new(credentials: Credentials, service: &Service) -> Result<Self, Error> {
        let functions = functions()?;
        let shared = Shared { functions, handle: ptr::null_mut() };
        Ok(Self { credentials, service: Name::of_service(functions, service)?, shared })
    }

    /// Takes the service's token, the first time none: an empty one. The first time it asks the KDC for a ticket, and
    /// blocks until that answers, or none does.
    ///
    /// # Errors
    /// When the KDC knows no such service, or the token is not what the service should say.
    pub fn step(mut self, token: &[u8]) -> Result<Step, Error> {
        let functions = self.shared.functions;
        let (mechanism, received) = (Oid::kerberos(), input(token));
        let (mut minor, mut granted) = (0, 0);
        let mut reply = Output::new(functions);
        // SAFETY: the credentials and the name live as long as `self`; the context is null the first time, and the
        // library's own after; the other pointers are to locals, and to the token, which live through the call.
        let major = unsafe {
            (functions.gss_init_sec_context)(
                &mut minor,
                self.credentials.handle(),
                &mut self.shared.handle,
                self.service.handle,
                &mechanism,
                DEMANDS,
                0,
                ptr::null_mut(),
                &received,
                ptr::null_mut(),
                reply.as_mut(),
                &mut granted,
                ptr::null_mut(),
            )
        };
        let status = functions.check(major, minor)?;
        let token = reply.bytes().to_vec();
        drop(reply);
        if status & CONTINUE_NEEDED != 0 {
            return Ok(Step::Send(self, token));
        }
        if granted & DEMANDS != DEMANDS {
            return Err(Error::Refused("the service grants no protection of messages".to_owned()));
        }
        Ok(Step::Established(Context::new(self.shared), token))
    }
}
