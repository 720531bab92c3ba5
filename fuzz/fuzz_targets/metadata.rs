//! libFuzzer's door to `doorward_testkit::fuzzing::metadata`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_testkit::fuzzing::metadata(data));
