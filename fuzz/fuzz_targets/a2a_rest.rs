//! libFuzzer's door to `doorward_testkit::fuzzing::a2a_rest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_testkit::fuzzing::a2a_rest(data));
