//! The note about a call that NameNodes read the client's address and identity from (HDFS-15079).

use std::fmt::Write;

use anabranch_hrpc::{Call, CallId, CallerContext};

/// Keys that only a router writes. A client that sends one would pass for somebody else.
const KEYS: [&str; 5] = ["clientIp", "clientPort", "clientId", "clientCallId", "realUser"];

/// The note for a call that came from a client: who it was, then what the client noted itself. `id` is what a NameNode's
/// retry cache has to know the call by, which believes this note more than the header.
pub fn of_client(call: &Call, id: &CallId, separator: &str) -> CallerContext {
    let own = call.caller_context.as_ref();
    let mut context = String::with_capacity(128 + own.map_or(0, |own| own.context.len()));
    // Writing into a string cannot fail.
    let _ = write!(context, "clientIp:{}", call.peer.address.ip().to_canonical());
    let _ = write!(context, "{separator}clientPort:{}{separator}clientId:", call.peer.address.port());
    for byte in &id.client_id {
        context.push(hex(byte >> 4));
        context.push(hex(byte & 15));
    }
    let _ = write!(context, "{separator}clientCallId:{}", id.call_id);
    if let Some(real) = &call.peer.identity.real_user {
        let _ = write!(context, "{separator}realUser:{real}");
    }
    let pieces = own.map(|own| own.context.as_str()).unwrap_or_default().split(separator);
    for piece in pieces.filter(|piece| !piece.is_empty() && !is_forged(piece)) {
        context.push_str(separator);
        context.push_str(piece);
    }
    CallerContext { context, signature: own.and_then(|own| own.signature.clone()) }
}

fn is_forged(piece: &str) -> bool {
    piece.split_once(':').is_some_and(|(key, _)| KEYS.contains(&key.trim()))
}

fn hex(digit: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(digit)])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use anabranch_hrpc::{Identity, Peer};
    use bytes::Bytes;

    use super::*;

    fn call(real_user: Option<&str>, context: Option<&str>) -> Call {
        let identity = Identity { user: "alice".into(), real_user: real_user.map(Into::into) };
        Call {
            id: CallId { client_id: Bytes::from_static(&[0x0a, 0xff]), call_id: 7, retry_count: 0 },
            method: "getFileInfo".into(),
            protocol: "p",
            caller_context: context
                .map(|context| CallerContext { context: context.into(), signature: Some(Bytes::from_static(b"s")) }),
            federated_state: None,
            payload: Bytes::from_static(&[0]),
            message_at: 1,
            peer: Arc::new(Peer {
                address: "10.1.2.3:4567".parse().unwrap(),
                identity,
                gone: Default::default(),
                note: Default::default(),
            }),
        }
    }

    #[test]
    fn the_client_is_named_first_and_cannot_name_itself() {
        let rows = [
            (None, None, "clientIp:10.1.2.3,clientPort:4567,clientId:0aff,clientCallId:7"),
            (Some("oozie"), None, "clientIp:10.1.2.3,clientPort:4567,clientId:0aff,clientCallId:7,realUser:oozie"),
            (
                None,
                Some("job_1,clientIp:1.1.1.1,tag:x,realUser:root,,clientPorter:1"),
                "clientIp:10.1.2.3,clientPort:4567,clientId:0aff,clientCallId:7,job_1,tag:x,clientPorter:1",
            ),
        ];
        for (real_user, context, expected) in rows {
            let call = call(real_user, context);
            let made = of_client(&call, &call.id, ",");
            assert_eq!(made.context, expected);
            assert_eq!(made.signature.is_some(), context.is_some());
        }
    }
}
