//! A person in Chromium, from a call that needs their account to the third party and back. Pictures of the pages are left
//! in `target/pages`.

use std::fs;

use super::ground::{ADA, BOB, Ground};
use crate::{oauth::script, programs::repository};

#[test]
fn a_person_connects_in_the_middle_of_a_call() {
    let ground = Ground::of_third_party();
    let pictures = repository().join("target/pages");
    fs::create_dir_all(&pictures).expect("a directory for pictures");
    for sdk in ["v1", "v2"] {
        let mut connect = script("connect.mjs");
        connect.args([sdk, &ground.url(), ground.control.as_deref().expect("a control")]).arg(&pictures);
        connect.args([ADA, BOB].map(|person| ground.token(person)));
        let found = ground.run(&mut connect);
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        let wanted =
            ["sent to connect", "goes through", "somebody else", "disconnect", "refused", "no complaints"];
        assert_eq!(names, wanted, "{sdk}");
    }
    ground.nothing_of_ours_went_there();
    ground.end();
}
