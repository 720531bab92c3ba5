//! References inside texts of the file: `${NAME}`, `${NAME:-default}`, `${env:NAME}`, `${input:id}`, and what
//! editors fill in themselves, such as `${workspaceFolder}`.
//!
//! A bare `$NAME` counts only as a whole text in capitals: anything else may be a secret with a `$` in it.

/// What a reference is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reference<'a> {
    /// An environment variable.
    Variable { name: &'a str, has_default: bool },
    /// Something that the client asks for.
    Input(&'a str),
    /// Something that only the client knows, such as its folder.
    Client(&'a str),
}

/// Words that look like variables and are the clients' own.
const OF_CLIENTS: [&str; 8] = [
    "CLAUDE_PLUGIN_ROOT",
    "cwd",
    "execPath",
    "file",
    "pathSeparator",
    "userHome",
    "workspaceFolder",
    "workspaceFolderBasename",
];

/// All `${…}` in the text.
pub(super) fn inside(text: &str) -> Vec<Reference<'_>> {
    let parts = text.split("${").skip(1);
    parts.filter_map(|part| part.split_once('}')).map(|(content, _)| read(content)).collect()
}

/// The reference that the text consists of.
pub(super) fn whole(text: &str) -> Option<Reference<'_>> {
    if let Some(name) = text.strip_prefix('$')
        && is_name(name)
        && !name.bytes().any(|byte| byte.is_ascii_lowercase())
    {
        return Some(Reference::Variable { name, has_default: false });
    }
    let content = text.strip_prefix("${")?.strip_suffix('}')?;
    (!content.contains(['{', '}'])).then(|| read(content))
}

fn read(content: &str) -> Reference<'_> {
    if let Some(id) = content.strip_prefix("input:") {
        return Reference::Input(id);
    }
    let bare = content.strip_prefix("env:").unwrap_or(content);
    let (name, has_default) = bare.split_once(":-").map_or((bare, false), |(name, _)| (name, true));
    if is_name(name) && !(bare == content && OF_CLIENTS.contains(&name)) {
        return Reference::Variable { name, has_default };
    }
    Reference::Client(content)
}

fn is_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Reference<'_> {
    /// For a line: the reference without a default, and without what is no plain word.
    pub(super) fn words(&self) -> String {
        let is_plain = |text: &str| {
            text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:/".contains(&b))
        };
        match self {
            Self::Variable { name, .. } => format!("${{{name}}}"),
            Self::Input(id) if is_plain(id) => format!("${{input:{id}}}"),
            Self::Client(content) if is_plain(content) => format!("${{{content}}}"),
            _ => "${…}".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_references() {
        let variable = |name, has_default| Reference::Variable { name, has_default };
        assert_eq!(whole("${API_KEY}"), Some(variable("API_KEY", false)));
        assert_eq!(whole("${API_KEY:-hunter2}"), Some(variable("API_KEY", true)));
        assert_eq!(whole("${env:api_key}"), Some(variable("api_key", false)));
        assert_eq!(whole("$API_KEY"), Some(variable("API_KEY", false)));
        assert_eq!(whole("${input:a-b}"), Some(Reference::Input("a-b")));
        assert_eq!(whole("${workspaceFolder}"), Some(Reference::Client("workspaceFolder")));
        assert_eq!(whole("${config:x.y}"), Some(Reference::Client("config:x.y")));
        for text in ["", "$", "${", "${}x", "x${A}", "${A}${B}", "$ecret", "$A-B", "pa$$W0RD", "plain"] {
            assert_eq!(whole(text), None, "{text}");
        }
        assert_eq!(inside("Bearer ${A}, ${input:b} ${"), [variable("A", false), Reference::Input("b")]);
        assert_eq!(inside("$A {b}"), []);
        assert_eq!(variable("A", true).words(), "${A}");
        assert_eq!(Reference::Client("\u{1b}[31m").words(), "${…}");
    }
}
