//! `command`, `env`, `directory` and `sandbox` of an upstream that is a child process. Nothing is started here.
//!
//! They can come only from the file: sections that stand several times have no variables, and nothing else than
//! this module makes a [`Command`].

use std::path::PathBuf;

use doorward_model::{Command, Secret};

use super::sandbox;
use crate::{
    context::shown,
    mistake::Complaint,
    rules::{holds_a_secret, names_a_secret},
    section::{Found, Section, Shape, Spec},
    tree::At,
};

/// The keys of `env` are names that the operator chooses.
const ENV: Spec = Spec { name: "upstream.env", shape: Shape::Inner, about: "", keys: &[] };

const SECRET_HINT: &str = r#"write { env = "NAME" } or { file = "path" }"#;

pub(super) fn read(section: &Section<'_>) -> Option<Command> {
    let argv = argv(section);
    let env = if section.has("env") { env(section) } else { Some(Vec::new()) };
    let directory = section.text("directory").and_then(|text| path(section, &text));
    let program = argv.as_ref().zip(env.as_ref()).and_then(|(argv, env)| program(section, argv, env));
    if let Some(program) = &program {
        section.context.note_program(&section.at("command"), program);
    }
    let sandbox = if section.has("sandbox") { sandbox::read(section, program.as_deref()) } else { None };
    if argv.is_some() && env.is_some() && sandbox.is_some() && program.is_none() {
        let complaint = Complaint::new("there is no such program");
        section.mistake("command", complaint.hint("with a `sandbox` it has to be there when this is read"));
    }
    if section.has("directory") && directory.is_none() || section.has("sandbox") && sandbox.is_none() {
        return None;
    }
    let directory = directory.map(|directory| section.context.env.base_dir.join(directory));
    Some(Command { argv: argv?, env: env?, directory, sandbox })
}

/// The program and its arguments.
fn argv(section: &Section<'_>) -> Option<Vec<String>> {
    let texts = section.texts("command")?;
    if texts.is_empty() {
        let complaint = Complaint::new("a command needs a program");
        section.mistake("command", complaint.hint(r#"such as command = ["npx", "-y", "some-server"]"#));
        return None;
    }
    let read = |text: &Found<&str>| path(section, text).map(str::to_owned);
    let mut argv: Vec<String> = texts.iter().filter_map(read).collect();
    if let Some(program) = argv.first_mut().filter(|program| program.contains('/')) {
        let found = section.context.env.base_dir.join(&*program);
        // A base directory that is no text is left to whoever starts the program.
        if let Some(found) = found.to_str() {
            found.clone_into(program);
        }
    }
    (argv.len() == texts.len()).then_some(argv)
}

/// Where the program is, as whoever starts it will find it.
fn program(section: &Section<'_>, argv: &[String], env: &[(String, Secret)]) -> Option<PathBuf> {
    let named = argv.first()?;
    let is_there = |path: &PathBuf| (section.context.env.real)(path).is_ok();
    if named.contains('/') {
        return Some(PathBuf::from(named)).filter(is_there);
    }
    let given = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.expose().to_owned());
    let path = given.or_else(|| (section.context.env.var)("PATH"))?;
    std::env::split_paths(&path).map(|directory| directory.join(named)).find(is_there)
}

/// A text that the operating system takes as an argument or a path.
pub(super) fn path<'a>(section: &Section<'_>, text: &Found<&'a str>) -> Option<&'a str> {
    if !text.value.is_empty() && !text.value.contains('\0') {
        return Some(text.value);
    }
    section.context.mistake(&text.at, "expected a text that is not empty, without NUL");
    None
}

/// The variables of the child. Absent after a mistake in one of them.
fn env(section: &Section<'_>) -> Option<Vec<(String, Secret)>> {
    let table = section.table("env", &ENV)?;
    let read = |name| Some((str::to_owned(name), variable(&table, name)?));
    let all: Vec<_> = table.written_keys().map(read).collect();
    all.into_iter().collect()
}

fn variable(table: &Section<'_>, name: &str) -> Option<Secret> {
    // The name may be anything that TOML can quote.
    let at = At { place: table.at(name).place, key: format!("{}.{}", table.at.key, shown(name)) };
    table.context.accept(&at, variable_name(name))?;
    let value = if table.is_table(name) {
        table.secret(name)?
    } else {
        let text = table.text(name)?;
        let complaint = if names_a_secret(name) {
            "its name says that it is a secret, and a secret is never written in the file"
        } else if holds_a_secret(text.value) {
            "it looks like a secret, and a secret is never written in the file"
        } else {
            ""
        };
        if !complaint.is_empty() {
            table.context.mistake(&text.at, Complaint::new(complaint).hint(SECRET_HINT));
            return None;
        }
        Found { value: Secret::new(text.value.to_owned()), at: text.at }
    };
    if value.value.expose().contains('\0') {
        table.context.mistake(&value.at, "a variable cannot hold NUL");
        return None;
    }
    Some(value.value)
}

/// The name of a variable that a child may be given: portable (POSIX.1-2017, XBD 8.1), and none that makes a
/// loader, a shell or an interpreter run code of somebody else's choice.
pub(crate) fn variable_name(name: &str) -> Result<(), Complaint> {
    let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if !starts_well || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let complaint = Complaint::new("not the name of a variable");
        return Err(complaint.hint("letters, digits and `_`, not a digit first"));
    }
    if injects(name) {
        let complaint = Complaint::new("this variable decides which code a program loads or runs");
        return Err(complaint.hint("if that is meant, set it in a script and make that the `command`"));
    }
    Ok(())
}

/// Families that [`injects`] knows: the dynamic loaders', functions that bash imports, settings of git, .NET's profiler.
const INJECTING_PREFIXES: [&str; 5] = ["LD_", "DYLD_", "BASH_FUNC_", "GIT_CONFIG_", "COR_PROFILER"];

/// Single names that [`injects`] knows, in upper case.
const INJECTING: [&str; 49] = [
    // loaders and the C library
    "GCONV_PATH",
    "GETCONF_DIR",
    "GLIBC_TUNABLES",
    "HOSTALIASES",
    "LOCPATH",
    "MALLOC_TRACE",
    "NLSPATH",
    "RES_OPTIONS",
    // shells
    "BASH_ENV",
    "BASHOPTS",
    "CDPATH",
    "ENV",
    "IFS",
    "PROMPT_COMMAND",
    "PS4",
    "SHELLOPTS",
    "ZDOTDIR",
    // interpreters and virtual machines
    "CLASSPATH",
    "CORECLR_PROFILER_PATH",
    "CORECLR_PROFILER",
    "DENO_CONFIG",
    "DOTNET_ADDITIONAL_DEPS",
    "DOTNET_STARTUP_HOOKS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "LUA_INIT",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_REPL_EXTERNAL_MODULE",
    "NPM_CONFIG_GLOBALCONFIG",
    "NPM_CONFIG_NODE_OPTIONS",
    "NPM_CONFIG_SCRIPT_SHELL",
    "NPM_CONFIG_USERCONFIG",
    "PERL5DB",
    "PERL5LIB",
    "PERL5OPT",
    "PERLLIB",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "RUBYLIB",
    "RUBYOPT",
    // what others start on a program's behalf
    "GIT_EXTERNAL_DIFF",
    "GIT_SSH_COMMAND",
];

/// Compared without case: some programs fold it, and nobody needs the other spellings.
fn injects(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    INJECTING.contains(&name.as_str()) || INJECTING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
