//! The TOML text of an upstream and the virtual server that shows it.

use std::{fmt::Write as _, io, path::Path};

use doorward_config::{Environment, Overrides};

/// What the top of the output says once.
pub(super) const HEAD: &str = "\
# Look through the commands: Doorward starts them as they stand here.
# `access` is left at its default, \"oauth\": people sign in. Add them with `doorward user add`, or declare a [[sign_in]].
# What is said about `tools` goes for `prompts`, `resources` and `resource_templates` too.
";

/// What every virtual server says.
const TOOLS: &str =
    "# `tools` is left out: all tools are shown, new ones too; `[]` shows none, a list exactly these.";

/// A value of TOML, as far as upstreams need it.
#[derive(Clone)]
pub(super) enum Written {
    Text(String),
    Texts(Vec<String>),
    /// `{ env = "NAME" }`
    Reference(String),
    Table(Vec<(String, Written)>),
}

/// An upstream with its virtual server.
pub(super) struct Block {
    pub(super) name: String,
    pub(super) keys: Vec<(&'static str, Written)>,
    /// Why it is written as a comment; empty when it is not.
    pub(super) reasons: Vec<String>,
}

impl Block {
    pub(super) fn is_comment(&self) -> bool {
        !self.reasons.is_empty()
    }

    /// The text, which ends with a line end.
    pub(super) fn text(&self) -> String {
        let live = self.live();
        if self.reasons.is_empty() {
            return live;
        }
        let mut out = String::new();
        for reason in &self.reasons {
            let _ = writeln!(out, "# {reason}");
        }
        // Without keys there is nothing to show.
        if !self.keys.is_empty() {
            for line in live.lines() {
                let _ = writeln!(out, "{}", format!("# {line}").trim_end());
            }
        }
        out
    }

    fn live(&self) -> String {
        let name = quote(&self.name);
        let mut out = format!("[[upstream]]\nname = {name}\n");
        for (key, value) in &self.keys {
            let _ = writeln!(out, "{key} = {}", value.text());
        }
        let _ = write!(out, "\n[[server]]\nname = {name}\nupstreams = [{name}]\n{TOOLS}\n");
        out
    }

    /// What Doorward would say about it when all variables are set.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let environment = Environment {
            base_dir: Path::new("/"),
            var: &|name| self.keys.iter().any(|(_, value)| value.refers_to(name)).then(|| "set".to_owned()),
            names: &Vec::new,
            read: &|_| Err(io::ErrorKind::NotFound.into()),
            stored: doorward_config::StoredSecrets::Unknown,
            real: &|path| Ok(path.to_owned()),
            overrides: Overrides::default(),
        };
        let Err(found) = doorward_config::parse(&self.live(), "", &environment) else { return Vec::new() };
        let words = |mistake: doorward_config::Mistake| {
            let key = mistake.key.trim_start_matches("upstream[0].").to_owned();
            let hint = mistake.hint.map_or_else(String::new, |hint| format!(" ({hint})"));
            format!("{key}: {}{hint}", mistake.message)
        };
        found.mistakes.into_iter().map(words).collect()
    }
}

impl Written {
    fn refers_to(&self, variable: &str) -> bool {
        match self {
            Self::Reference(name) => name == variable,
            Self::Table(pairs) => pairs.iter().any(|(_, value)| value.refers_to(variable)),
            Self::Text(_) | Self::Texts(_) => false,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => quote(text),
            Self::Texts(items) => {
                format!("[{}]", items.iter().map(|item| quote(item)).collect::<Vec<_>>().join(", "))
            }
            Self::Reference(name) => format!("{{ env = {} }}", quote(name)),
            Self::Table(pairs) => {
                let pairs: Vec<_> =
                    pairs.iter().map(|(key, value)| format!("{key} = {}", value.text())).collect();
                format!("{{ {} }}", pairs.join(", "))
            }
        }
    }
}

/// A basic string of TOML, always on one line.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Also what would turn the text of the line around in an editor.
            c if c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') =>
            {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
