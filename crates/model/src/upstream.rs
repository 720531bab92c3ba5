//! Where a call goes, and what Doorward presents there.

use std::{path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use crate::{AssertionSource, Connecting, Name, Secret};

/// An MCP server that Doorward calls: `[[upstream]]`.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// The operator's name for it; what errors and records call it.
    pub name: Name,
    /// How it is reached.
    pub transport: Transport,
    /// Until the first byte of an answer.
    pub timeout: Duration,
    /// What Doorward presents there.
    pub credential: Credential,
}

/// How an upstream is reached.
#[derive(Debug, Clone)]
pub enum Transport {
    /// Streamable HTTP: one endpoint.
    Http(Url),
    /// Streamable HTTP, or HTTP+SSE at the same address: which of the two, the first `initialize` finds out.
    Auto(Url),
    /// HTTP+SSE of 2024-11-05: the address of the event stream, which names the endpoint for messages.
    Sse(Url),
    /// A child process that speaks over its standard input and output.
    Stdio(Command),
}

/// What a child process is started with. Only the operator's file can name one.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program and its arguments, as they are: no shell ever sees them.
    pub argv: Vec<String>,
    /// The variables that it gets besides `PATH`, `HOME`, `LANG` and `TMPDIR`.
    pub env: Vec<(String, Secret)>,
    /// Its working directory; Doorward's own when absent.
    pub directory: Option<PathBuf>,
    /// What it may touch; all that Doorward itself may when absent.
    pub sandbox: Option<Sandbox>,
}

/// What a child process may touch. What is not named is out of its reach, and where the system cannot enforce this it is
/// not started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sandbox {
    /// Files and directories that it may read and execute, besides what programs need of the system. These and the
    /// others are where links led to when the configuration was read: what leads elsewhere later is not allowed.
    pub read: Vec<PathBuf>,
    /// Files and directories that it may also write.
    pub write: Vec<PathBuf>,
    /// Its program, links followed; whatever its command names at the start when absent.
    pub program: Option<PathBuf>,
    /// Whether it may use the network.
    pub network: bool,
}

impl Sandbox {
    /// What every child may read and execute, because programs need it of the system; what of it does not exist is
    /// left out. Nothing here holds secrets on a system that is set up as usual: not `/etc` as a whole, not
    /// `/etc/ssl/private`, no home.
    pub const SYSTEM: &[&str] = &[
        // programs and libraries
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib32",
        "/lib64",
        "/libx32",
        "/nix/store",
        "/run/current-system",
        "/etc/alternatives",
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
        "/etc/ld-musl-aarch64.path",
        "/etc/ld-musl-x86_64.path",
        // certificates that everybody trusts
        "/etc/ca-certificates",
        "/etc/pki/ca-trust",
        "/etc/pki/tls/cert.pem",
        "/etc/pki/tls/certs",
        "/etc/pki/tls/openssl.cnf",
        "/etc/ssl/cert.pem",
        "/etc/ssl/certs",
        "/etc/ssl/openssl.cnf",
        // names
        "/etc/gai.conf",
        "/etc/group",
        "/etc/host.conf",
        "/etc/hosts",
        "/etc/nsswitch.conf",
        "/etc/passwd",
        "/etc/protocols",
        "/etc/resolv.conf",
        "/etc/services",
        // places and languages
        "/etc/fonts",
        "/etc/localtime",
        "/etc/locale.alias",
        "/etc/mime.types",
        "/etc/os-release",
        "/etc/timezone",
        // what the machine has
        "/proc/cpuinfo",
        "/proc/filesystems",
        "/proc/loadavg",
        "/proc/meminfo",
        "/proc/stat",
        "/proc/sys/kernel",
        "/proc/sys/vm",
        "/proc/uptime",
        "/proc/version",
        "/sys/devices/system/cpu",
        "/sys/fs/cgroup",
    ];
}

impl Upstream {
    /// A text that changes when the upstream becomes another one: handles of the old one mean nothing there.
    pub fn place(&self) -> String {
        match &self.transport {
            Transport::Http(url) | Transport::Auto(url) => url.as_str().to_owned(),
            Transport::Sse(url) => format!("sse:{url}"),
            Transport::Stdio(command) => format!("stdio:{}", command.argv.join("\0")),
        }
    }
}

/// What Doorward presents upstream; never what the caller presented.
///
/// There is no variant that carries a caller's credential: passing one through cannot be configured or written. A caller
/// is no credential,
///
/// ```compile_fail
/// fn passed_through(caller: doorward_model::Caller) -> doorward_model::Credential {
///     caller.into()
/// }
/// ```
///
/// and what is known of one holds nothing that could be presented elsewhere; this is all of it:
///
/// ```
/// use doorward_model::{Caller, Identity};
///
/// fn all_of_it(caller: Caller) -> Option<(String, String, Option<String>, [Vec<String>; 3])> {
///     match caller {
///         Caller::Anonymous => None,
///         Caller::Issued(identity) => {
///             let Identity { issuer, subject, client, scopes, groups, audiences } = (*identity).clone();
///             Some((issuer, subject, client, [scopes, groups, audiences]))
///         }
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub enum Credential {
    /// Nothing.
    None,
    /// A fixed header, `{ kind = "header" }` or `{ kind = "bearer" }`.
    Header {
        /// The header's name, in lower case.
        name: String,
        /// The whole value, `Bearer ` included.
        value: Secret,
    },
    /// A token for Doorward itself, `{ kind = "client-credentials" }` (RFC 6749 section 4.4).
    ClientCredentials(Arc<TokenSource>),
    /// A token for the caller, in exchange for Doorward's own word about who that is, `{ kind = "token-exchange" }`
    /// (RFC 8693).
    TokenExchange(Arc<TokenSource>),
    /// A token that a person's connection gives, `{ kind = "oauth" }`: each person's own, or one for all.
    Connection(Arc<Connecting>),
    /// A token for the caller, in exchange for an identity assertion, `{ kind = "id-jag" }`
    /// (draft-ietf-oauth-identity-assertion-authz-grant).
    IdentityAssertion(Arc<AssertionSource>),
    /// Something that needs a secret of this name, which the store does not have. Nothing is sent without it.
    Missing(Name),
}

/// Where Doorward gets tokens for itself.
#[derive(Debug, Clone)]
pub struct TokenSource {
    /// The authorization server's token endpoint.
    pub token_endpoint: Url,
    /// Doorward's name there.
    pub client_id: String,
    /// Doorward's secret there, by HTTP Basic; without one Doorward signs an assertion (`private_key_jwt`).
    pub client_secret: Option<Secret>,
    /// The scopes to ask for, with spaces between them.
    pub scope: Option<String>,
    /// RFC 8707 `resource`.
    pub resource: Option<String>,
    /// RFC 8693 `audience`.
    pub audience: Option<String>,
}
