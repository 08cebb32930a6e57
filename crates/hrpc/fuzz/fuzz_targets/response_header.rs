#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anabranch_hrpc::fuzz::response_header(data));
