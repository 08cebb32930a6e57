//! What a client sends first: an operation's code and its message.
#![no_main]

use anabranch_hdfs_proto::hdfs::{OpBlockChecksumProto, OpReadBlockProto, OpWriteBlockProto};
use anabranch_namespace::block::wire::{MAX_MESSAGE, Opening, Step, delimited, opening};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(Step::Done(Opening::Operation(code), used)) = opening(data) else { return };
    let rest = &data[used..];
    let need = match code {
        80 => delimited::<OpWriteBlockProto>("a write", rest).map(needed),
        81 => delimited::<OpReadBlockProto>("a read", rest).map(needed),
        85 => delimited::<OpBlockChecksumProto>("a checksum", rest).map(needed),
        _ => delimited::<()>("another", rest).map(needed),
    };
    if let Ok(Some(need)) = need {
        assert!(need > rest.len() && need <= MAX_MESSAGE + 5);
    }
});

fn needed<T>(step: Step<T>) -> Option<usize> {
    match step {
        Step::Need(more) => Some(more),
        Step::Done(..) => None,
    }
}
