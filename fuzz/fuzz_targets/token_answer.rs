//! libFuzzer's door to `doorward_testkit::fuzzing::token_answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_testkit::fuzzing::token_answer(data));
