//! The pages for people, in Chromium. Pictures of all of them are left in `target/pages`.

use std::fs;

use super::{
    ground::Ground,
    providers::{Providers, script},
};
use crate::programs::repository;

#[test]
fn people_can_use_every_page() {
    let providers = Providers::start(&["corp"]);
    let closed = "\n[[server]]\nname = \"closed\"\nupstreams = [\"team\"]\ntools = []\nallow = { users = [\"nobody\"] }\n";
    let sign_in = providers.section("corp", r#"{ groups = ["engineering"] }"#);
    let ground = Ground::without_anybody(&format!("{sign_in}{closed}"));
    providers.register(&ground, "corp");
    let pictures = repository().join("target/pages");
    fs::create_dir_all(&pictures).expect("a directory for pictures");
    let mut pages = script("pages.mjs");
    pages.args([ground.first_link(), ground.url(), ground.gateway.server("closed")]).arg(pictures);
    let found = ground.checks(&mut pages);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let both = ["sign in", "decide", "my access", "told no", "by provider", "no complaints"];
    let wanted = ["wide", "narrow"].iter().flat_map(|way| both.map(|check| format!("{way}: {check}")));
    assert_eq!(names[0], "first administrator");
    assert_eq!(names[1..], wanted.collect::<Vec<_>>());
    ground.records();
}
