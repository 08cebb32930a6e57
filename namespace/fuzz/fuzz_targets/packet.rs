//! The packets of a writer, one after the other.
#![no_main]

use anabranch_namespace::block::wire::{MAX_PACKET, Step, packet};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    while let Ok(step) = packet(rest) {
        match step {
            Step::Need(more) => {
                assert!(more > rest.len() && more <= MAX_PACKET + 2048);
                return;
            }
            Step::Done(span, used) => {
                assert_eq!(span.sums.end, span.data.start);
                assert_eq!(span.data.end, used);
                assert_eq!(span.data.len(), span.header.data_len as usize);
                rest = &rest[used..];
            }
        }
    }
});
