use std::net::SocketAddr;

use anabranch_e2e::wire::{self, Answer, CLIENT_PROTOCOL, CONTEXT, PREAMBLE, Raw};
use anabranch_testkit::process::user;
use bytes::Bytes;
use prost::Message;

use super::Rig;

/// What is sent after connecting, and the name under which a difference is reported.
struct Stimulus {
    name: &'static str,
    bytes: Vec<u8>,
    /// The text comes from a protobuf library, or shows how Java prints an enum: only the class is compared.
    words_vary: bool,
}

/// The parts of an answer that clients act upon; none if the connection was closed without one.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    call_id: u32,
    status: i32,
    detail: Option<i32>,
    class: Option<String>,
    message: Option<String>,
    client_id: Option<Bytes>,
    closed_after: bool,
}

pub(super) fn answers(rig: &Rig) {
    let mut differences = Vec::new();
    for stimulus in stimuli() {
        let expected = verdict(rig.namenode, &stimulus);
        let found = verdict(rig.router.rpc, &stimulus);
        if expected != found {
            differences.push(format!("{}\n  Hadoop: {expected:?}\n  ours:   {found:?}", stimulus.name));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn verdict(address: SocketAddr, stimulus: &Stimulus) -> Option<Verdict> {
    let mut raw = Raw::connect(address).expect("connect");
    // A server that dislikes the first bytes may close before it has read the last ones.
    let _ = raw.send(&stimulus.bytes);
    let Answer { header, .. } = raw.answer().expect(stimulus.name)?;
    let fatal = header.status == 2;
    let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
    Some(Verdict {
        call_id: header.call_id,
        status: header.status,
        detail: header.error_detail,
        class: header.exception_class_name,
        message: header.error_msg.filter(|_| !stimulus.words_vary).map(first_line),
        client_id: header.client_id,
        closed_after: fatal && raw.answer().expect(stimulus.name).is_none(),
    })
}

fn stimuli() -> Vec<Stimulus> {
    let me = user();
    let ready = [&PREAMBLE[..], &wire::context(&me, None, CLIENT_PROTOCOL)].concat();
    let exact = |name, bytes: Vec<u8>| Stimulus { name, bytes, words_vary: false };
    let class_only = |name, bytes: Vec<u8>| Stimulus { name, bytes, words_vary: true };
    let after = |frame: Vec<u8>| [&ready[..], &frame].concat();
    let before = |frame: Vec<u8>| [&PREAMBLE[..], &frame].concat();
    let stat = wire::stat_call("/", 5);
    let with = |edit: fn(&mut anabranch_hdfs_proto::common::RpcRequestHeaderProto)| {
        let mut header = wire::header(6);
        edit(&mut header);
        wire::call_with(&header, "getFileInfo", CLIENT_PROTOCOL, 1, b"\x03\x0a\x01/")
    };
    let negotiate = anabranch_hdfs_proto::common::RpcSaslProto { state: 1, ..Default::default() };
    let negotiate = wire::frame(&[
        &wire::header(-33).encode_length_delimited_to_vec(),
        &negotiate.encode_length_delimited_to_vec(),
    ]);
    vec![
        exact("unknown method", after(wire::call(5, "noSuchMethod", CLIENT_PROTOCOL, 1, b"\x00"))),
        exact("unknown protocol", after(wire::call(5, "getFileInfo", "org.example.NoSuchProtocol", 1, b"\x00"))),
        exact("version of the protocol", after(wire::call(5, "getFileInfo", CLIENT_PROTOCOL, 2, b"\x00"))),
        class_only(
            "undecodable parameter",
            after(wire::call(5, "getFileInfo", CLIENT_PROTOCOL, 1, b"\x04\xff\xff\xff\xff")),
        ),
        class_only("parameter without its field", after(wire::call(5, "getFileInfo", CLIENT_PROTOCOL, 1, b"\x00"))),
        exact("call before the context", before(stat.clone())),
        exact("second context", after(wire::context(&me, None, CLIENT_PROTOCOL))),
        exact("no operation", after(with(|header| header.rpc_op = None))),
        exact("another operation", after(with(|header| header.rpc_op = Some(1)))),
        exact("no kind", after(with(|header| header.rpc_kind = None))),
        exact("another kind", after(with(|header| header.rpc_kind = Some(1)))),
        exact("unknown call out of band", after(with(|header| header.call_id = -9))),
        exact("impersonation", before(wire::context("root", Some("mallory"), CLIENT_PROTOCOL))),
        exact(
            "context of an unknown protocol, then a call",
            before([wire::context(&me, None, "org.example.NoSuchProtocol"), stat].concat()),
        ),
        exact("no way of authentication 7", b"hrpc\x09\x00\x07".to_vec()),
        exact("version 10 of the RPC", b"hrpc\x0a\x00\x00".to_vec()),
        exact("SASL on an insecure server", [&b"hrpc\x09\x00\xdf"[..], &negotiate].concat()),
        class_only("undecodable header", after(wire::frame(&[b"\x05\xff\xff\xff\xff\xff"]))),
        class_only("empty frame", after(wire::frame(&[]))),
        class_only("header longer than the frame", after(wire::frame(&[b"\x7f\x08\x02"]))),
        class_only(
            "undecodable context",
            before(wire::frame(&[&wire::header(CONTEXT).encode_length_delimited_to_vec(), b"\x04\xff\xff\xff\xff"])),
        ),
        exact("no preamble", b"what is this?".to_vec()),
    ]
}

pub(super) fn oversized(rig: &Rig) {
    for address in [rig.namenode, rig.router.rpc] {
        for length in [u32::MAX, 1 << 31, (128 << 20) + 1] {
            let mut raw = Raw::ready(address, &user()).expect("handshake");
            raw.send(&length.to_be_bytes()).expect("send");
            assert!(raw.answer().expect("an end").is_none(), "{address} answered a frame of {length} bytes");
        }
    }
}

pub(super) fn browser(rig: &Rig) {
    let ask = |address: SocketAddr| {
        let mut raw = Raw::connect(address).expect("connect");
        raw.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("send");
        String::from_utf8_lossy(&raw.read_to_end().expect("an answer")).into_owned()
    };
    for address in [rig.namenode, rig.router.rpc] {
        let said = ask(address);
        assert!(said.starts_with("HTTP/1.1 404 Not Found\r\nContent-type: text/plain\r\n"), "{said}");
        assert!(said.contains("Hadoop IPC port"), "{said}");
    }
}
