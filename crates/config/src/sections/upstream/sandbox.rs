//! `sandbox` of a `command`: what the child may touch. How that is enforced is the business of whoever starts it.
//!
//! A sandbox that leaves Doorward's own secrets within reach is a mistake here, before anything is started.

use std::{
    iter,
    path::{Path, PathBuf},
    sync::Arc,
};

use doorward_model::{Name, Sandbox, Transport, Upstream};

use super::{Declared, Upstreams};
use crate::{
    MasterKeySource, StoreUrl, Tls,
    context::{Context, shown},
    mistake::Complaint,
    section::{Found, Key, Kind, Section, Shape, Spec},
    tree::At,
};

pub(crate) const SPEC: Spec = Spec {
    name: "upstream.sandbox",
    shape: Shape::Inner,
    about: "What the child of a `command` may touch: what is written here, what programs need of the system, and a \
            directory of its own (`TMPDIR`). Where the kernel cannot enforce this, the child is not started. \
            Paths are relative to this file, have to exist, and mean what links lead to when the file is read; none \
            may lie inside what a `write` names.",
    keys: &[
        Key::new(
            "read",
            Kind::Texts,
            "[]",
            "files and directories that it may read and execute; none that holds the master key, the store or a file \
             that a secret is read from",
        ),
        Key::new(
            "write",
            Kind::Texts,
            "[]",
            "files and directories that it may read, execute and write; none that holds those, this file, Doorward \
             itself, a program of any `command`, or certificates that Doorward shows or trusts",
        ),
        Key::new(
            "network",
            Kind::Boolean,
            "false",
            "whether it may use sockets: all addresses that Doorward reaches, and sockets of this machine",
        ),
    ],
};

/// The sandbox of a command; absent without one, and after a mistake in it.
pub(super) fn read(section: &Section<'_>, program: Option<&Path>) -> Option<Sandbox> {
    let table = section.table("sandbox", &SPEC)?;
    table.refuse_unknown(&[]);
    let network = table.boolean("network").unwrap_or(false);
    if network {
        let complaint = Complaint::new("gives the command the whole network, local services included");
        table.warn("network", complaint.hint("leave it out if the command does not need it"));
    }
    let program = program.map(|program| real(program, section.context));
    Some(Sandbox { read: paths(&table, "read"), write: paths(&table, "write"), program, network })
}

fn paths(table: &Section<'_>, name: &str) -> Vec<PathBuf> {
    let texts = if table.has(name) { table.texts(name).unwrap_or_default() } else { Vec::new() };
    texts.iter().filter_map(|text| path(table, text)).collect()
}

fn path(table: &Section<'_>, text: &Found<&str>) -> Option<PathBuf> {
    let written = super::command::path(table, text)?;
    let path = table.context.env.base_dir.join(written);
    table.context.note_allowed(&text.at, &path);
    let real = (table.context.env.real)(&path).map_err(|error| {
        let shown = shown(&path.display().to_string());
        Complaint::new(format!("`{shown}` cannot be allowed: {}", error.kind()))
    });
    table.context.accept(&text.at, real)
}

/// Reports what the child of one command could put a link in the place of: paths of sandboxes and programs that lie
/// in what it may write. To be called when all upstreams have been read.
pub(crate) fn refuse_replaceable(upstreams: &Upstreams, context: &Context<'_>) {
    let sandboxes: Vec<_> = upstreams.iter().filter_map(sandbox_of).collect();
    let written =
        || sandboxes.iter().flat_map(|(name, sandbox)| sandbox.write.iter().map(move |w| (*name, w)));
    let refuse = |at: &At, path: &Path, replaceable: &dyn Fn(&Path, &Path) -> bool| {
        let trail = trail(path, context);
        let Some((name, write)) =
            written().find(|(_, write)| trail.iter().any(|step| replaceable(step, write)))
        else {
            return;
        };
        let [path, write] = [path, write].map(|path| shown(&path.display().to_string()));
        let complaint =
            format!("the command of `{name}` could replace `{path}`, which lies in its `{write}`");
        context.mistake(at, Complaint::new(complaint).hint("keep it outside of what a sandbox may `write`"));
    };
    for (at, path) in context.allowed() {
        // Several may share a directory: its name stands outside of it.
        refuse(&at, &path, &|step, write| step != write && step.starts_with(write));
    }
    for (at, path) in context.programs() {
        refuse(&at, &path, &|step, write| step.starts_with(write));
    }
}

fn sandbox_of(declared: &Declared<Arc<Upstream>>) -> Option<(&Name, &Sandbox)> {
    let upstream = declared.value.as_ref()?;
    let Transport::Stdio(command) = &upstream.transport else { return None };
    Some((&upstream.name, command.sandbox.as_ref()?))
}

/// The program that runs.
const ITSELF: &str = "/proc/self/exe";

/// What SQLite keeps beside a database, with the same content: <https://www.sqlite.org/tempfiles.html>.
const SQLITE_KEEPS_BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What no child may reach.
pub(crate) struct OffLimits {
    /// Not even to read: what holds Doorward's secrets.
    pub(crate) secret: Vec<PathBuf>,
    /// Not to write: what decides which commands are run, and whom Doorward trusts. The programs of commands belong
    /// to it as well: [`refuse_replaceable`].
    pub(crate) decisive: Vec<PathBuf>,
}

impl OffLimits {
    /// What the rest of the file says about it. To be called when every secret has been read.
    pub(crate) fn of(
        context: &Context<'_>,
        master_key: Option<&MasterKeySource>,
        store: Option<&StoreUrl>,
        tls: Option<&Tls>,
        ca: Option<&Path>,
    ) -> Self {
        let mut secret = context.secret_files();
        if let Some(MasterKeySource::File(path)) = master_key {
            secret.push(path.clone());
        }
        if let Some(StoreUrl::Sqlite(path)) = store {
            secret.push(path.clone());
            secret.extend(SQLITE_KEEPS_BESIDE.map(|ending| beside(path, ending)));
        }
        secret.extend(tls.map(|tls| tls.key.clone()));
        let mut decisive = vec![context.file()];
        // Where its file is no more, there is nothing to write.
        decisive.extend((context.env.real)(Path::new(ITSELF)));
        decisive.extend(ca.map(Path::to_owned));
        decisive.extend(
            tls.into_iter().flat_map(|tls| iter::once(&tls.certificate).chain(&tls.client_ca)).cloned(),
        );
        Self { secret, decisive }
    }

    /// Reports sandboxes that would leave these within reach.
    pub(crate) fn refuse_in(&self, upstreams: &Upstreams, context: &Context<'_>) {
        for declared in upstreams {
            let Some((_, sandbox)) = sandbox_of(declared) else { continue };
            let at = At { place: declared.at.place.clone(), key: format!("{}.sandbox", declared.at.key) };
            let system = Sandbox::SYSTEM.iter().map(PathBuf::from).collect::<Vec<_>>();
            for (word, paths) in [("read", &sandbox.read), ("write", &sandbox.write), ("read", &system)] {
                for secret in self.secret.iter().filter(|secret| holds(paths, secret, context)) {
                    let secret = shown(&secret.display().to_string());
                    let complaint =
                        format!("the command could {word} `{secret}`, which holds a secret of Doorward's");
                    context.mistake(&at, Complaint::new(complaint).hint("allow less, or move that file"));
                }
            }
            for decisive in self.decisive.iter().filter(|decisive| holds(&sandbox.write, decisive, context)) {
                let shown = shown(&decisive.display().to_string());
                let which = if *decisive == context.file() { "this file" } else { &format!("`{shown}`") };
                let complaint =
                    format!("the command could write {which}, which decides what is run or trusted");
                context.mistake(&at, Complaint::new(complaint).hint("allow less, or move that file"));
            }
        }
    }
}

/// Whether one of the paths is that file, or above it or above a link on the way to it.
fn holds(paths: &[PathBuf], file: &Path, context: &Context<'_>) -> bool {
    let trail = trail(file, context);
    paths.iter().map(|path| real(path, context)).any(|path| trail.iter().any(|step| step.starts_with(&path)))
}

/// The path of a file with that ending added.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// What stands on the way to a path, itself and what it leads to included: to replace one of these is to replace it.
fn trail(path: &Path, context: &Context<'_>) -> Vec<PathBuf> {
    let place = |step: &Path| Some(real(step.parent()?, context).join(step.file_name()?));
    path.ancestors().filter_map(place).chain([real(path, context)]).collect()
}

/// Where a path leads to. What does not exist yet, such as a key that is made at the first start, stands where its
/// directory leads to.
fn real(path: &Path, context: &Context<'_>) -> PathBuf {
    let real = |path: &Path| (context.env.real)(path).ok();
    let beneath = || Some(real(path.parent()?)?.join(path.file_name()?));
    real(path).or_else(beneath).unwrap_or_else(|| path.to_owned())
}
