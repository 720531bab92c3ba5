use std::path::Path;

use super::{crates, licence, source};

fn problems(name: &str, text: &str) -> Vec<String> {
    source::problems(Path::new(name), text)
}

#[test]
fn a_long_function_is_found_and_a_short_one_is_not() {
    let body = "    x();\n".repeat(60);
    let text = format!("//! About.\nfn short() {{}}\nfn long<T>(a: [u8; 2]) -> T {{\n{body}}}\n");
    let found = problems("a.rs", &text);
    assert_eq!(found, ["a.rs:3: fn long has 62 lines, more than 60"]);
}

#[test]
fn braces_in_literals_and_comments_do_not_count() {
    let text = "//! About.\nfn f<'a>() { let _ = (\"{{\", '{', '\\'', r#\"{\"}\"#, b\"{\"); // {\n /* { */ }\nfn g();\n";
    let code = source::blank(text);
    assert_eq!(code.matches('{').count(), code.matches('}').count());
    assert_eq!(code.lines().count(), text.lines().count());
    assert!(problems("a.rs", text).is_empty());
}

#[test]
fn tests_count_only_towards_the_longest_file() {
    let tests = |lines| format!("mod tests {{\n{}}}\n", "// x\n".repeat(lines));
    let code = |lines| format!("//! About.\n{}", "// x\n".repeat(lines));
    assert!(problems("a.rs", &(code(399) + &tests(150))).is_empty());
    assert_eq!(problems("a.rs", &code(400)), ["a.rs: 401 lines without tests, more than 400"]);
    assert_eq!(problems("a.rs", &(code(300) + &tests(310))), ["a.rs: 613 lines, more than 600"]);
    assert!(problems("a/tests.rs", &code(550)).is_empty());
}

#[test]
fn modules_say_what_they_are_for_and_are_not_called_mod() {
    assert_eq!(problems("a/mod.rs", "fn f() {}\n").len(), 2);
    assert!(problems("crates/x/tests/it/a.rs", "fn f() {}\n").is_empty());
}

#[test]
fn licences_are_read_as_expressions() {
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "ISC AND (MIT OR GPL-3.0)",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(licence::is_allowed(good), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT", "MIT)", "Apache-2.0 WITH other-exception", "AND"] {
        assert!(!licence::is_allowed(bad), "{bad}");
    }
}

#[test]
fn every_dependency_says_what_it_is_here_for() {
    let manifest =
        "[workspace.dependencies]\n# both\na = \"1\"\na-b = \"1\"\n\nc = { path = \"c\" }\n[other]\nd = 1\n";
    assert_eq!(crates::uncommented(manifest), ["Cargo.toml:6: say above c what it is here for"]);
}

#[test]
fn crates_are_used_in_one_direction_only() {
    let package = |name: &str| {
        serde_json::json!({"id": name, "name": name, "version": "1.0.0", "license": "MIT",
            "manifest_path": concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")})
    };
    let names = ["doorward-model", "doorward-gateway", "doorward-testkit"];
    let uses = |name: &str, of: &str, kind: Option<&str>| serde_json::json!({"id": name, "deps": [{"pkg": of, "dep_kinds": [{"kind": kind}]}]});
    let metadata = serde_json::json!({
        "packages": names.map(package),
        "workspace_members": names,
        "resolve": {"nodes": [
            uses("doorward-model", "doorward-testkit", None),
            uses("doorward-gateway", "doorward-testkit", Some("dev")),
        ]},
    });
    let found = crates::problems(&metadata).unwrap();
    assert_eq!(found, ["crates/model: may not depend on doorward-testkit"]);
}

#[test]
fn unwanted_crates_and_licences_are_found() {
    let trees = crates::Trees {
        program: "doorward-gateway v1.0.0|Apache-2.0\nrmcp v3.9.0|Apache-2.0\n".to_owned(),
        workspace: "ring v0.17.14|ISC\nring v0.17.14|ISC (*)\nodd v1.0.0 (/a)|GPL-3.0\nnone v1.0.0|\n"
            .to_owned(),
    };
    let found = crates::unwanted(&trees);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[0].starts_with("rmcp is in the program"));
    assert!(found[1].starts_with("ring is in the tree"));
    assert!(found[2].starts_with("none v1.0.0") && found[3].starts_with("odd v1.0.0 (/a)"));
}
