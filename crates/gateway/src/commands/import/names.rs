//! Names of upstreams in Doorward's grammar, and names of the variables that secrets move to.

use std::collections::{BTreeMap, BTreeSet};

use doorward_model::Name;

/// Names that are taken, and where to go on counting.
#[derive(Default)]
struct Taken {
    names: BTreeSet<String>,
    next: BTreeMap<String, usize>,
}

impl Taken {
    /// Takes the first name that is free, of those that `numbered` makes of `base`.
    fn take(&mut self, base: &str, numbered: impl Fn(usize) -> String) -> String {
        let next = self.next.entry(base.to_owned()).or_insert(1);
        loop {
            let name = numbered(*next);
            *next += 1;
            if self.names.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// Names for upstreams and virtual servers.
pub(super) struct Names(Taken);

impl Names {
    /// `taken` are not free any more.
    pub(super) fn new(taken: BTreeSet<String>) -> Self {
        Self(Taken { names: taken, ..Taken::default() })
    }

    /// A free name as near to `text` as the grammar of names allows.
    pub(super) fn take(&mut self, text: &str) -> String {
        let mut base = String::new();
        for c in text.to_lowercase().chars() {
            match c {
                'a'..='z' | '0'..='9' | '.' | '_' => base.push(c),
                _ if base.ends_with('-') => {}
                _ => base.push('-'),
            }
        }
        let base = base.trim_start_matches(['.', '_', '-']).trim_end_matches('-');
        let base = if base.is_empty() { "server" } else { base };
        self.0.take(base, |number| {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            // The base is ASCII: every byte is a boundary.
            format!("{}{suffix}", &base[..base.len().min(Name::MAX_LEN - suffix.len())])
        })
    }
}

/// What a variable stands for. Two uses of one source under one name share the variable.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The file refers to the variable by its name.
    Outside,
    /// What the client asks for under this id.
    Input(String),
    /// A value of the file. Never shown.
    Value(String),
}

/// The variables that the output refers to.
pub(super) struct Variables {
    taken: Taken,
    /// By base and source, the place in `told`.
    given: BTreeMap<(String, Source), usize>,
    /// In the order of the file.
    told: Vec<Variable>,
}

struct Variable {
    name: String,
    /// What to set it to.
    what: String,
    /// What needs it.
    places: Vec<String>,
}

impl Variables {
    /// `outside` are names that the file refers to: nothing else gets them.
    pub(super) fn new(outside: &[String]) -> Self {
        let taken = Taken { names: outside.iter().cloned().collect(), ..Taken::default() };
        Self { taken, given: BTreeMap::new(), told: Vec::new() }
    }

    /// The variable for `source`, named after `base`. `what` says what to set it to, `place` what needs it.
    pub(super) fn name(&mut self, base: &str, source: Source, what: &str, place: &str) -> String {
        let is_outside = source == Source::Outside;
        let base = if is_outside { base.to_owned() } else { variable(base) };
        let index = *self.given.entry((base.clone(), source)).or_insert(self.told.len());
        if index == self.told.len() {
            let numbered =
                |number: usize| if number == 1 { base.clone() } else { format!("{base}_{number}") };
            let name = if is_outside { base.clone() } else { self.taken.take(&base, numbered) };
            self.told.push(Variable { name, what: what.to_owned(), places: Vec::new() });
        }
        let variable = &mut self.told[index];
        variable.places.push(place.to_owned());
        variable.name.clone()
    }

    /// Each variable, and what to set it to.
    pub(super) fn told(self) -> Vec<(String, String)> {
        let line = |variable: Variable| {
            (variable.name, format!("{}; for {}", variable.what, variable.places.join(", ")))
        };
        self.told.into_iter().map(line).collect()
    }
}

/// `text` as the portable name of a variable that nothing else reads.
fn variable(text: &str) -> String {
    const READ_BY_OTHERS: [&str; 7] = ["HOME", "LANG", "PATH", "SHELL", "TMPDIR", "USER", "_"];
    let mut name = String::new();
    let mut after_lower = false;
    for c in text.chars() {
        let is_word = c.is_ascii_alphanumeric();
        if (!is_word || (after_lower && c.is_ascii_uppercase())) && !name.ends_with('_') {
            name.push('_');
        }
        if is_word {
            name.push(c.to_ascii_uppercase());
        }
        after_lower = c.is_ascii_lowercase();
    }
    let name = name.trim_matches('_');
    let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
    if !starts_well || name.starts_with("DOORWARD_") || READ_BY_OTHERS.contains(&name) {
        return format!("MCP_{name}").trim_end_matches('_').to_owned();
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_made_to_fit_and_numbered() {
        let mut names = Names::new(BTreeSet::from(["taken".to_owned()]));
        for (text, expected) in [
            ("GitHub", "github"),
            ("github", "github-2"),
            ("My Server (new)", "my-server-new"),
            ("@scope/pkg_1.0", "scope-pkg_1.0"),
            ("日本", "server"),
            ("", "server-2"),
            ("taken", "taken-2"),
        ] {
            assert_eq!(names.take(text), expected, "{text}");
        }
        let long = "x".repeat(70);
        assert_eq!(names.take(&long), "x".repeat(63));
        assert_eq!(names.take(&long), format!("{}-2", "x".repeat(61)));
    }

    #[test]
    fn variables_are_shared_by_source_and_numbered_otherwise() {
        let mut variables = Variables::new(&["API_KEY".to_owned()]);
        let value = |value: &str| Source::Value(value.to_owned());
        assert_eq!(variables.name("API_KEY", value("one"), "", "a"), "API_KEY_2");
        assert_eq!(variables.name("api-key", value("one"), "", "b"), "API_KEY_2");
        assert_eq!(variables.name("apiKey", value("two"), "", "c"), "API_KEY_3");
        assert_eq!(variables.name("API_KEY", Source::Outside, "", "d"), "API_KEY");
        assert_eq!(variables.name("1password", value("x"), "", "e"), "MCP_1PASSWORD");
        assert_eq!(
            variables.name("doorward-listen-address", value("x"), "", "f"),
            "MCP_DOORWARD_LISTEN_ADDRESS"
        );
        assert_eq!(variables.name("PATH", value("x"), "", "g"), "MCP_PATH");
        assert_eq!(variables.name("日本", value("x"), "", "h"), "MCP");
    }

    proptest! {
        #[test]
        fn any_text_makes_names_of_the_grammar_that_differ(texts in prop::collection::vec("\\PC{0,80}", 1..6)) {
            let mut names = Names::new(BTreeSet::new());
            let made: Vec<_> = texts.iter().map(|text| names.take(text)).collect();
            for name in &made {
                prop_assert!(Name::parse(name).is_ok(), "{name}");
            }
            prop_assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), made.len());
        }
    }
}
