//! What is in the memory of the program stays there.

use std::fs;

use doorward_testkit::recorder::Recorder;

use crate::program::{Place, configuration};

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_no_core_dump() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let program = place.start(&configuration(&upstream, "", ""));
    let limits = fs::read_to_string(format!("/proc/{}/limits", program.id())).expect("its limits");
    let core =
        limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit of core dumps");
    let words: Vec<_> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(words, ["0", "0"], "{core}");
    program.stop().await;
}
