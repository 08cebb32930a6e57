//! The RPC server's calls, handed to the functions of the table.

use std::net::SocketAddr;

use anabranch_hrpc::{Call, Exception, Handler, Identity, Protocol, Reply, class};

use super::table::{CLIENT, DATANODE, HA, NAMENODE, SERVED};
use super::{Context, Service};

const PROTOCOLS: &[Protocol] = &[
    Protocol { name: CLIENT.protocol, version: 1 },
    Protocol { name: DATANODE.protocol, version: 1 },
    Protocol { name: HA.protocol, version: 1 },
    Protocol { name: NAMENODE.protocol, version: 1 },
];

impl Handler for Service {
    fn protocols(&self) -> &'static [Protocol] {
        PROTOCOLS
    }

    async fn authorize(&self, _: SocketAddr, identity: &Identity, _: &str) -> Result<(), Exception> {
        match &identity.real_user {
            None => Ok(()),
            Some(real) => {
                let name = Identity::simple(real.clone());
                let may = self.config.proxy_users.iter().any(|user| user == name.short_name());
                if may { Ok(()) } else { Err(Exception::impersonation_refused(real, &identity.user)) }
            }
        }
    }

    async fn call(&self, call: Call) -> Reply {
        let Some(served) = SERVED.iter().find(|served| served.protocol == call.protocol) else {
            return Err(Exception::no_such_method(call.method.as_str(), call.protocol));
        };
        let Some(row) = served.row(call.method.as_str()) else {
            let method = call.method.as_str();
            if !served.has(method) {
                return Err(Exception::no_such_method(method, call.protocol));
            }
            self.metrics.calls.with_label_values(&["unsupported", "UnsupportedOperationException"]).inc();
            let words = format!("{method} is not supported by this namespace");
            return Err(Exception::new(class::UNSUPPORTED_OPERATION, words));
        };
        let context = Context::new(self, call);
        let reply = (row.answer)(self, &context).await;
        let outcome = match &reply {
            Ok(_) => "ok",
            Err(exception) => exception.class.rsplit(['.', '$']).next().unwrap_or("exception"),
        };
        self.metrics.calls.with_label_values(&[row.method, outcome]).inc();
        reply
    }
}
