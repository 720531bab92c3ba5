//! libFuzzer's door to `doorward_testkit::fuzzing::challenge`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_testkit::fuzzing::challenge(data));
