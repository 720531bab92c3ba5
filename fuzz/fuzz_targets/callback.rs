//! libFuzzer's door to `doorward_testkit::fuzzing::callback`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_testkit::fuzzing::callback(data));
