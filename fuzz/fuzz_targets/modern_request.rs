//! libFuzzer's door to `doorward_testkit::fuzzing::modern_request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_testkit::fuzzing::modern_request(data));
