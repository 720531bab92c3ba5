//! The files of the repository that this crate answers for, and the real environment.

use std::{fmt::Write as _, fs, path::Path};

use doorward_config::{Environment, Overrides, reference_markdown};
use doorward_model::Limits;
use insta::assert_snapshot;

use crate::support::{good, warnings};

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn the_example_starts() {
    let text = fs::read_to_string(repository().join("gateway.example.toml")).expect("the example exists");
    let demo = good(&text).snapshot.servers["demo"].clone();
    assert!(demo.access.open && demo.curation.tools.is_some());
    assert_eq!(demo.upstream.place(), "http://127.0.0.1:3001/mcp");
    assert_snapshot!(warnings(&text), @r#"
    gateway.toml:12: server[0].prompts: shows all prompts and all resources and all resource templates of its upstream, new ones too (list what is shown in `prompts`, `resources`, `resource_templates`)
    gateway.toml:17: server[0].access: nobody is asked who they are
    "#);
}

#[test]
fn the_reference_is_what_the_tables_say() {
    let path = repository().join("docs/reference/configuration.md");
    let generated = reference_markdown();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs::write(&path, &generated).expect("written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, generated, "write it anew: UPDATE_REFERENCE=1 cargo test -p doorward-config");
}

#[test]
fn the_defaults_of_the_reference_are_the_defaults() {
    let page = reference_markdown();
    let limits = page.split_once("## `[limits]`").expect("the section of limits").1;
    let rows: Vec<_> = limits.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), 15);
    let mut text = "[limits]\n".to_owned();
    for row in rows {
        let cells: Vec<_> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        writeln!(text, "{} = {}", cells[1], cells[3]).expect("text takes all");
    }
    assert_eq!(good(&text).snapshot.limits, Limits::default());
}

#[test]
fn the_process_reads_real_files() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("key.txt"), "from-a-file\n").expect("written");
    fs::write(directory.path().join("large.txt"), vec![b'x'; (64 << 10) + 1]).expect("written");
    let file = |name: &str| {
        format!(
            "[[upstream]]\nname = \"u\"\nurl = \"http://127.0.0.1:1/\"\n\
             credential = {{ kind = \"bearer\", value = {{ file = \"{name}\" }} }}\n"
        )
    };
    let env = Environment::of_process(directory.path(), Overrides::default());
    let parse = |text: &str| doorward_config::parse(text, "x.toml", &env);
    assert!(parse(&file("key.txt")).is_ok());
    let found = parse(&file("large.txt")).expect_err("too large").to_string();
    assert!(found.contains("cannot be read"), "{found}");
    let found = parse(&file("none.txt")).expect_err("no file").to_string();
    assert!(found.contains("there is none"), "{found}");
}
