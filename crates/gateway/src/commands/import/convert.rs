//! One server of the file as an upstream and a virtual server, and what has to be said about it.

use std::collections::BTreeSet;

use doorward_config::rules;
use url::Url;

use super::{
    block::{Block, Written},
    file::{File, Reached, Server, Spoken},
    listed,
    names::{Names, Source, Variables},
    references::{self, Reference},
    secrets, shown,
};

const SECRET_ARGUMENT: &str = "holds a secret, and a command is written in clear: give it by a variable that the program reads, in `env`";
const SECRET_ADDRESS: &str = "its address holds a secret, and addresses are written in clear: use `credential` if the \
                              server takes the secret in a header";

/// Keeps what is shared by all servers of a file.
pub(super) struct Converter<'a> {
    file: &'a File,
    names: Names,
    variables: Variables,
    notes: Vec<String>,
}

impl<'a> Converter<'a> {
    pub(super) fn new(file: &'a File, taken: BTreeSet<String>) -> Self {
        let variables = Variables::new(&file.variables);
        Self { file, names: Names::new(taken), variables, notes: Vec::new() }
    }

    /// The variables to set, with what to set each to, and the notes.
    pub(super) fn finish(self) -> (Vec<(String, String)>, Vec<String>) {
        (self.variables.told(), self.notes)
    }

    pub(super) fn convert(&mut self, server: &Server) -> Block {
        let title = shown(&server.name);
        let name = self.names.take(&server.name);
        if name != server.name {
            self.notes.push(format!("{title} is called `{name}` here"));
        }
        self.say_ignored(&title, &server.ignored);
        let mut draft = Draft { title, block: Block { name, keys: Vec::new(), reasons: Vec::new() } };
        match &server.reached {
            Err(reason) => draft.hold(&format!("it is not imported: {reason}")),
            Ok(Reached::Command { program, args, env, directory }) => {
                draft.command(program, args);
                self.environment(&mut draft, env);
                draft.directory(directory.as_deref());
                if args.iter().any(|arg| arg.starts_with("mcp-remote")) {
                    let title = &draft.title;
                    self.notes.push(format!(
                        "{title} is a bridge to a remote server; Doorward can call that by `url`"
                    ));
                }
            }
            Ok(Reached::Url { url, spoken, headers }) => {
                let user = draft.url(url);
                self.transport(&mut draft, url, *spoken);
                self.credential(&mut draft, headers, user);
            }
        }
        if server.disabled {
            draft.hold("it is disabled in the file");
        }
        if !draft.block.is_comment() {
            for mistake in draft.block.mistakes() {
                draft.hold(&mistake);
            }
        }
        let reasons = draft.block.reasons.iter();
        self.notes.extend(reasons.map(|reason| format!("a comment in the output: {reason}")));
        draft.block
    }

    fn say_ignored(&mut self, title: &str, ignored: &[String]) {
        if ignored.is_empty() {
            return;
        }
        let has = |names: &[&str]| ignored.iter().any(|name| names.contains(&name.as_str()));
        let mut note = format!("{title}: not read: {}", listed(ignored));
        if has(&["envFile"]) {
            note.push_str("; name the variables of the envFile in `env`");
        }
        if has(&["tools", "includeTools", "excludeTools", "disabledTools", "enabledTools"]) {
            note.push_str("; which tools are shown is said by `tools` of the virtual server");
        }
        self.notes.push(note);
    }

    fn environment(&mut self, draft: &mut Draft, env: &[(String, String)]) {
        let mut pairs = Vec::new();
        for (name, value) in env {
            let place = format!("env.{} of {}", shown(name).trim_matches('"'), draft.title);
            if let Err(why) = rules::child_variable(name) {
                self.notes.push(format!("{place} is left out: {why}"));
                continue;
            }
            let is_plain = references::whole(value).is_none()
                && references::inside(value).is_empty()
                && !rules::names_a_secret(name)
                && !secrets::is_secret(value);
            let written = if is_plain {
                Written::Text(value.clone())
            } else {
                Written::Reference(self.refer(name, value, "the value in the file", &place))
            };
            pairs.push((name.clone(), written));
        }
        if !pairs.is_empty() {
            draft.block.keys.push(("env", Written::Table(pairs)));
        }
    }

    /// The variable for a value that is or refers to a secret.
    fn refer(&mut self, base: &str, value: &str, what: &str, place: &str) -> String {
        let own = || Source::Value(value.to_owned());
        match references::whole(value) {
            Some(Reference::Variable { name, has_default }) => {
                let dropped = if has_default { " (its default in the file is dropped)" } else { "" };
                let what = format!("the file refers to it by this name{dropped}");
                self.variables.name(name, Source::Outside, &what, place)
            }
            Some(Reference::Input(id)) => {
                let input = self.file.inputs.iter().find(|input| input.id == id);
                let description = input.and_then(|input| input.description.as_deref());
                let called = description.map_or_else(String::new, |text| format!(" as {}", shown(text)));
                let what = format!("what the client asks for{called}, input {}", shown(id));
                self.variables.name(id, Source::Input(id.to_owned()), &what, place)
            }
            Some(reference) => {
                let what = format!("what {} stands for in the client", reference.words());
                self.variables.name(base, own(), &what, place)
            }
            None => {
                let inside = references::inside(value);
                let words: Vec<_> = inside.iter().map(Reference::words).collect();
                let what = if words.is_empty() {
                    what.to_owned()
                } else {
                    format!("{what}, with {} filled in", words.join(", "))
                };
                self.variables.name(base, own(), &what, place)
            }
        }
    }

    fn transport(&mut self, draft: &mut Draft, url: &str, spoken: Spoken) {
        let looks_old = Url::parse(url).is_ok_and(|url| url.path().trim_end_matches('/').ends_with("/sse"));
        let word = match spoken {
            Spoken::Http => "http",
            Spoken::Sse => "sse",
            Spoken::Unsaid if looks_old => {
                let title = &draft.title;
                self.notes.push(format!("{title}: its address ends in /sse, so it is taken for HTTP+SSE"));
                "sse"
            }
            Spoken::Unsaid => return,
        };
        draft.block.keys.push(("transport", Written::Text(word.to_owned())));
    }

    /// The one header that Doorward presents, or what stood in the address.
    fn credential(&mut self, draft: &mut Draft, headers: &[(String, String)], user: Option<String>) {
        let title = draft.title.clone();
        let mut usable = Vec::new();
        for (name, value) in headers {
            match rules::credential_header(name) {
                Ok(()) => usable.push((name, value)),
                Err(why) => {
                    self.notes.push(format!("{title}: the header {} is left out: {why}", shown(name)));
                }
            }
        }
        let is_secret = |(name, value): &(&String, &String)| {
            rules::names_a_secret(name) || secrets::is_secret(value) || !references::inside(value).is_empty()
        };
        let chosen = usable.iter().position(is_secret).unwrap_or(0);
        for (index, (name, _)) in usable.iter().enumerate() {
            if index != chosen {
                self.notes
                    .push(format!("{title}: the header {} is left out: an upstream gets one", shown(name)));
            }
        }
        let pairs = match (usable.get(chosen), user) {
            (Some((name, value)), user) => {
                if user.is_some() {
                    self.notes
                        .push(format!("{title}: the user name in its address is left out: it has a header"));
                }
                self.header(draft, name, value)
            }
            (None, Some(user)) => {
                let what = "`Basic ` and the base64 of the `user:password` that stands in the address";
                let base = format!("{}-authorization", draft.block.name);
                let place = format!("the address of {title}");
                let variable = self.variables.name(&base, Source::Value(user), what, &place);
                kind("header", Some("authorization"), variable)
            }
            (None, None) => return,
        };
        draft.block.keys.push(("credential", Written::Table(pairs)));
    }

    fn header(&mut self, draft: &Draft, name: &str, value: &str) -> Vec<(String, Written)> {
        let place = format!("the header {} of {}", shown(name), draft.title);
        let upstream = &draft.block.name;
        let token = value
            .split_once(' ')
            .filter(|(scheme, _)| {
                name.eq_ignore_ascii_case("authorization") && scheme.eq_ignore_ascii_case("bearer")
            })
            .map(|(_, token)| token.trim())
            .filter(|token| !token.is_empty() && !token.contains([' ', '\t']));
        if let Some(token) = token {
            let what = "the token in the file, without `Bearer`";
            let variable = self.refer(&format!("{upstream}-token"), token, what, &place);
            return kind("bearer", None, variable);
        }
        let variable = self.refer(&format!("{upstream}-{name}"), value, "the value in the file", &place);
        kind("header", Some(name), variable)
    }
}

/// A credential.
fn kind(kind: &str, name: Option<&str>, variable: String) -> Vec<(String, Written)> {
    let text = |key: &str, text: &str| (key.to_owned(), Written::Text(text.to_owned()));
    let mut pairs = vec![text("kind", kind)];
    pairs.extend(name.map(|name| text("name", name)));
    pairs.push(("value".to_owned(), Written::Reference(variable)));
    pairs
}

/// A server on its way into the output.
struct Draft {
    /// Its name in the file, as a line may show it.
    title: String,
    block: Block,
}

impl Draft {
    /// Makes it a comment.
    fn hold(&mut self, reason: &str) {
        self.block.reasons.push(format!("{}: {reason}", self.title));
    }

    fn command(&mut self, program: &str, args: &[String]) {
        let mut written = vec![self.argument("its command", None, program)];
        let mut before = None;
        for (index, arg) in args.iter().enumerate() {
            written.push(self.argument(&format!("its argument {}", index + 1), before, arg));
            before = Some(arg);
        }
        self.block.keys.push(("command", Written::Texts(written)));
    }

    /// The argument as it may be shown; with a secret or a reference in it, the server is held.
    fn argument(&mut self, what: &str, before: Option<&str>, text: &str) -> String {
        if let Some(safe) = secrets::without_secret(before, text) {
            self.hold(&format!("{what} {SECRET_ARGUMENT}"));
            return safe;
        }
        self.literal(what, text)
    }

    /// A text that Doorward takes as it stands.
    fn literal(&mut self, what: &str, text: &str) -> String {
        let inside = references::inside(text);
        if inside.is_empty() {
            return text.to_owned();
        }
        let words: Vec<_> = inside.iter().map(Reference::words).collect();
        self.hold(&format!(
            "{what} refers to {}, and is taken as it stands: put the text there",
            words.join(", ")
        ));
        // A default may be anything.
        let has_default =
            inside.iter().any(|reference| matches!(reference, Reference::Variable { has_default: true, .. }));
        if has_default { words.join(" ") } else { text.to_owned() }
    }

    fn directory(&mut self, directory: Option<&str>) {
        if let Some(directory) = directory {
            let mut directory = self.literal("its directory", directory);
            if rules::holds_a_secret(&directory) {
                self.hold("its directory looks like a secret");
                secrets::MARK.clone_into(&mut directory);
            }
            self.block.keys.push(("directory", Written::Text(directory)));
        }
    }

    /// Takes the address in, without what it says about the user; hands that back.
    fn url(&mut self, text: &str) -> Option<String> {
        let mut user = None;
        let written = if !references::inside(text).is_empty() {
            let safe = secrets::without_secret(None, text);
            let literal = self.literal("its address", text);
            safe.unwrap_or(literal)
        } else if let Some(mut url) = Url::parse(text).ok().filter(Url::has_host) {
            if !url.username().is_empty() || url.password().is_some() {
                user = Some(format!("{}:{}", url.username(), url.password().unwrap_or_default()));
                let _ = url.set_username("").and_then(|()| url.set_password(None));
            }
            url.set_fragment(None);
            let url = String::from(url);
            let safe = secrets::url_without_secret(&url);
            if safe.is_some() {
                self.hold(SECRET_ADDRESS);
            }
            safe.unwrap_or(url)
        } else {
            self.hold("its address is not a URL");
            "…".to_owned()
        };
        self.block.keys.push(("url", Written::Text(written)));
        user
    }
}
