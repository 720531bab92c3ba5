//! The shapes of the clients' files, read into one.
//!
//! Claude Desktop, Claude Code and Cursor have `mcpServers`; VS Code has `servers` and `inputs`, and both under `mcp`
//! in its settings. Members that are not known are named, never guessed at: nobody is led from an address to a
//! command by a member that only one side reads.

use std::borrow::Cow;

use anyhow::bail;
use bytes::Bytes;
use doorward_protocol::json::{Array, Document, JsonError, Kind as JsonKind, Object, Value};

use super::references::{self, Reference};

/// Deep enough for the settings of editors.
const MAX_DEPTH: usize = 64;

/// What a file holds.
pub(super) struct File {
    pub(super) servers: Vec<Server>,
    pub(super) inputs: Vec<Input>,
    /// Members beside the servers.
    pub(super) ignored: Vec<String>,
    /// Variables that the file refers to, wherever.
    pub(super) variables: Vec<String>,
}

/// Something that a client asks the person for: `${input:id}`.
pub(super) struct Input {
    pub(super) id: String,
    pub(super) description: Option<String>,
}

/// A server as the file has it.
pub(super) struct Server {
    pub(super) name: String,
    pub(super) disabled: bool,
    /// Or why it cannot be read.
    pub(super) reached: Result<Reached, String>,
    /// Members that mean nothing here.
    pub(super) ignored: Vec<String>,
}

/// How a server is reached.
pub(super) enum Reached {
    Command { program: String, args: Vec<String>, env: Vec<(String, String)>, directory: Option<String> },
    Url { url: String, spoken: Spoken, headers: Vec<(String, String)> },
}

/// What a file says that an address speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Unsaid,
    Http,
    Sse,
}

impl File {
    /// Reads plain JSON.
    pub(super) fn read(text: &Bytes) -> anyhow::Result<Self> {
        let document = match Document::parse(text.clone(), MAX_DEPTH) {
            Ok(document) => document,
            Err(error) => bail!("line {}: {error}", line(text, error)),
        };
        let Some(root) = document.root().as_object() else { bail!("expected an object, `{{ … }}`") };
        let mut file =
            Self { servers: Vec::new(), inputs: Vec::new(), ignored: Vec::new(), variables: Vec::new() };
        if !file.read_level(root, true)? {
            bail!("it has neither `mcpServers` nor `servers`, so it names no MCP servers");
        }
        collect_variables(document.root(), &mut file.variables);
        Ok(file)
    }

    /// Whether servers can stand here, even if there are none.
    fn read_level(&mut self, level: Object<'_>, outermost: bool) -> anyhow::Result<bool> {
        let mut found = false;
        for member in level.members() {
            match (&*member.name, member.value.as_object()) {
                ("mcpServers" | "servers", Some(servers)) => {
                    found = true;
                    self.servers.extend(servers.members().map(|member| server(&member.name, member.value)));
                }
                ("mcpServers" | "servers", None) => bail!("`{}` is not an object", member.name),
                ("mcp", Some(inner)) if outermost => found |= self.read_level(inner, false)?,
                ("inputs", None) => self.read_inputs(member.value),
                ("$schema", _) => {}
                (name, _) => self.ignored.push(name.to_owned()),
            }
        }
        Ok(found)
    }

    fn read_inputs(&mut self, inputs: Value<'_>) {
        let objects = inputs.as_array().into_iter().flat_map(Array::iter).filter_map(Value::as_object);
        self.inputs.extend(objects.filter_map(|input| {
            let text = |name| Some(input.get(name)?.as_str()?.into_owned());
            Some(Input { id: text("id")?, description: text("description") })
        }));
    }
}

fn server(name: &str, value: Value<'_>) -> Server {
    let mut server =
        Server { name: name.to_owned(), disabled: false, reached: Err(String::new()), ignored: Vec::new() };
    let Some(object) = value.as_object() else {
        server.reached = Err("it is not an object".to_owned());
        return server;
    };
    let flag = |name| object.get(name).and_then(Value::as_bool);
    server.disabled = flag("disabled") == Some(true) || flag("enabled") == Some(false);
    let known = |name: &str| {
        const KNOWN: [&str; 13] = [
            "type",
            "transport",
            "command",
            "args",
            "env",
            "cwd",
            "url",
            "serverUrl",
            "httpUrl",
            "headers",
            "disabled",
            "enabled",
            "$schema",
        ];
        KNOWN.contains(&name)
    };
    let members = object.members().map(|member| member.name.into_owned());
    server.ignored = members.filter(|name| !known(name)).collect();
    server.reached = reached(object);
    server
}

/// By `type` when there is one; exactly one of a command and an address in any case.
fn reached(server: Object<'_>) -> Result<Reached, String> {
    let kind = match (text(server, "type")?, text(server, "transport")?) {
        (Some(_), Some(_)) => return Err("it has both `type` and `transport`".to_owned()),
        (kind, other) => kind.or(other),
    };
    let mut addresses = Vec::new();
    for name in ["url", "serverUrl", "httpUrl"] {
        addresses.extend(text(server, name)?.map(|url| (name, url)));
    }
    let program = text(server, "command")?;
    if addresses.len() > 1 || (!addresses.is_empty() && program.is_some()) {
        return Err("it has several of `command`, `url`, `serverUrl` and `httpUrl`".to_owned());
    }
    let spoken = match kind.as_deref() {
        None => None,
        Some("stdio" | "local") => Some(None),
        Some("http" | "streamable-http" | "streamableHttp" | "streamable_http" | "remote") => {
            Some(Some(Spoken::Http))
        }
        Some("sse") => Some(Some(Spoken::Sse)),
        Some(_) => return Err("its `type` is none of stdio, http, streamable-http and sse".to_owned()),
    };
    match (program, addresses.pop(), spoken) {
        (Some(program), None, None | Some(None)) => Ok(Reached::Command {
            program,
            args: texts(server, "args")?,
            env: pairs(server, "env")?,
            directory: text(server, "cwd")?,
        }),
        (None, Some((name, url)), None | Some(Some(_))) => {
            let unsaid = if name == "httpUrl" { Spoken::Http } else { Spoken::Unsaid };
            let spoken = spoken.flatten().unwrap_or(unsaid);
            Ok(Reached::Url { url, spoken, headers: pairs(server, "headers")? })
        }
        (None, None, _) => Err("it has neither `command` nor `url`".to_owned()),
        _ => Err("its `type` does not fit the rest".to_owned()),
    }
}

fn text(server: Object<'_>, name: &str) -> Result<Option<String>, String> {
    match server.get(name) {
        None => Ok(None),
        Some(value) if value.is_null() => Ok(None),
        Some(value) => match value.as_str() {
            Some(text) => Ok(Some(text.into_owned())),
            None => Err(format!("its `{name}` is not text")),
        },
    }
}

fn texts(server: Object<'_>, name: &str) -> Result<Vec<String>, String> {
    let Some(value) = server.get(name).filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let items = value.as_array().ok_or_else(|| format!("its `{name}` is not a list"))?;
    let text = |item: Value<'_>| item.as_str().map(Cow::into_owned);
    items
        .iter()
        .map(text)
        .collect::<Option<_>>()
        .ok_or_else(|| format!("its `{name}` holds something that is not text"))
}

/// Names and texts; numbers and truth values are taken as they are written, `null` as absent.
fn pairs(server: Object<'_>, name: &str) -> Result<Vec<(String, String)>, String> {
    let Some(value) = server.get(name).filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let object = value.as_object().ok_or_else(|| format!("its `{name}` is not an object"))?;
    let members = object.members().filter(|member| !member.value.is_null());
    let pair = |member: doorward_protocol::json::Member<'_>| {
        let text = match member.value.kind() {
            JsonKind::String => member.value.as_str()?.into_owned(),
            JsonKind::Number | JsonKind::Bool => String::from_utf8_lossy(member.value.raw()).into_owned(),
            _ => return None,
        };
        Some((member.name.into_owned(), text))
    };
    members
        .map(pair)
        .collect::<Option<_>>()
        .ok_or_else(|| format!("its `{name}` holds something that is not text"))
}

fn collect_variables(value: Value<'_>, found: &mut Vec<String>) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        if let Some(text) = value.as_str() {
            let all = references::inside(&text).into_iter().chain(references::whole(&text));
            found.extend(all.filter_map(|reference| match reference {
                Reference::Variable { name, .. } => Some(name.to_owned()),
                _ => None,
            }));
        }
        open.extend(value.as_object().into_iter().flat_map(Object::members).map(|member| member.value));
        open.extend(value.as_array().into_iter().flat_map(Array::iter));
    }
}

/// The line of a complaint, from 1.
fn line(text: &[u8], error: JsonError) -> usize {
    let offset = match error {
        JsonError::Syntax { offset }
        | JsonError::Utf8 { offset }
        | JsonError::TooDeep { offset, .. }
        | JsonError::DuplicateKey { offset }
        | JsonError::TrailingData { offset } => offset,
        JsonError::Empty => 0,
    };
    1 + text.iter().take(offset).filter(|byte| **byte == b'\n').count()
}
