//! `docs/reference/configuration.md`, from the same tables that reading uses.

use std::fmt::Write as _;

use crate::{
    overrides,
    section::{Key, Shape, Spec},
    sections,
};

const HEAD: &str = "\
# Configuration

<!-- Generated from the key tables of `crates/config`; `UPDATE_REFERENCE=1 cargo test -p doorward-config` writes it anew. -->

TOML. Unknown keys are errors. `doorward check --config FILE` reports all mistakes of a file with line and key.

- **Secrets** are never written in the file: `{ env = \"NAME\" }` or `{ file = \"path\" }`; in a
  `credential` also `{ stored = \"name\" }`, which `doorward secret set name` puts into the store, encrypted.
- **Relative paths** are relative to the file.
- **Names** are 1 to 63 characters of `a-z`, `0-9`, `.`, `_`, `-`, start with a letter or digit, and are unique in their kind.
- **Sizes** are whole numbers of bytes, or text: `\"64KiB\"`, `\"4MiB\"`. **Durations** are text: `\"250ms\"`, `\"30s\"`, `\"5m\"`, `\"24h\"`, `\"30d\"`.
- **Variables** stand for the keys of sections that occur once, and are stronger than the file; `--listen` and `--public-url`
  are stronger still. Lists are separated by commas. For a secret the variable is the secret itself, and the same name with
  `_FILE` is the path of its file. An empty variable counts as not set.
";

/// The reference page of the configuration, as Markdown.
pub fn reference_markdown() -> String {
    let mut out = HEAD.to_owned();
    for spec in sections::ALL {
        section(&mut out, spec);
    }
    out
}

fn section(out: &mut String, spec: &Spec) {
    let title = match (spec.name, spec.shape) {
        ("", _) => "Top level".to_owned(),
        (name, Shape::Single) => format!("`[{name}]`"),
        (name, Shape::List) => format!("`[[{name}]]`"),
        (name, Shape::Nested | Shape::Inner) => format!("`{name}`"),
    };
    let _ = write!(out, "\n## {title}\n\n{}\n", spec.about);
    out.push_str("\n| key | type | default | meaning |\n|---|---|---|---|\n");
    for key in spec.keys {
        row(out, spec, key);
    }
}

fn row(out: &mut String, spec: &Spec, key: &Key) {
    let default = if is_toml(key.default) { format!("`{}`", key.default) } else { key.default.to_owned() };
    let _ = write!(out, "| `{}` | {} | {default} | {}", key.name, key.kind.words(), key.about);
    if overrides::has_variable(spec, key) {
        let _ = write!(out, ". `{}`", overrides::variable(spec, key));
    }
    out.push_str(" |\n");
}

fn is_toml(default: &str) -> bool {
    default.starts_with(['"', '[', '{'])
        || default.bytes().all(|byte| byte.is_ascii_digit())
        || matches!(default, "true" | "false")
}
