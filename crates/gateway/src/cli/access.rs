//! The command line of who gets in: users, clients, tokens, keys.

use clap::{ArgGroup, Args, Subcommand};

use super::ConfigArgs;

/// Local users
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Create a local user; asks for the password
    #[command(
        after_help = "NAME is 1 to 63 characters of a-z, 0-9, `.`, `_`, `-`. It is the user's subject: what \
        `allow = { users = [...] }` names.\nA password has at least 8 characters."
    )]
    Add(UserAdd),
    /// List local users
    List(ConfigArgs),
    /// Set a new password; ends the user's browser sessions
    Password(UserPassword),
    /// Make a user an administrator or not, or give them other groups
    #[command(after_help = "What is not named stays. Groups hold at once, for tokens that exist too.")]
    Change(UserChange),
    /// Remove a user; ends their sessions and revokes the tokens that act for them
    Remove(UserRemove),
}

#[derive(Debug, Args)]
pub(crate) struct UserAdd {
    /// Who
    pub(crate) name: String,
    /// Let them see and change what belongs to others
    #[arg(long)]
    pub(crate) admin: bool,
    /// A group that they are in; repeat it for several
    #[arg(long = "group", value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UserPassword {
    /// Whose
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// Where a password comes from.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from standard input instead of asking at the terminal
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true)
    .args(["admin", "no_admin", "groups", "no_groups"]))]
pub(crate) struct UserChange {
    /// Who
    pub(crate) name: String,
    /// Let them see and change what belongs to others
    #[arg(long)]
    pub(crate) admin: bool,
    /// Do not any more
    #[arg(long, conflicts_with = "admin")]
    pub(crate) no_admin: bool,
    /// A group that they are in from now on, instead of those before; repeat it for several
    #[arg(long = "group", id = "groups", value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
    /// They are in no group from now on
    #[arg(long, conflicts_with = "groups")]
    pub(crate) no_groups: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UserRemove {
    /// Who
    pub(crate) name: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// OAuth clients
#[derive(Debug, Subcommand)]
pub(crate) enum Client {
    /// Pre-register a client; prints its id, and its secret once, as JSON
    #[command(
        after_help = "Most clients need none of this: they register themselves, or have a document of their \
        own.\n\nA client that people use:\n  doorward client add desk --redirect-uri http://127.0.0.1/callback\n\
        A program without a person:\n  doorward client add ci --credentials --resource https://gw.example.com/mcp/demo\n\
        A client that an identity provider vouches at:\n  doorward client add agent --id-jag\n\nThe secret is printed \
        now and never again; the store keeps a hash."
    )]
    Add(ClientAdd),
    /// List clients: yours, and those that registered themselves
    List(ConfigArgs),
    /// Remove a client and revoke its tokens
    Remove(ClientRemove),
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("use").required(true).multiple(true)
    .args(["redirect_uris", "credentials", "id_jag"]))]
pub(crate) struct ClientAdd {
    /// What it is called: its `client_id`
    pub(crate) name: String,
    /// Where people are sent back to; repeat it for several. On loopback addresses and `localhost` any port counts
    #[arg(long = "redirect-uri", id = "redirect_uris", value_name = "URI")]
    pub(crate) redirect_uris: Vec<String>,
    /// It acts for itself, without a person (client credentials)
    #[arg(long, conflicts_with = "redirect_uris")]
    pub(crate) credentials: bool,
    /// It brings identity assertions of an `[[issuer]]` that has `id_jag`
    #[arg(long)]
    pub(crate) id_jag: bool,
    /// Give a client with a redirect URI a secret, too: for programs that can keep one
    #[arg(long)]
    pub(crate) secret: bool,
    /// It signs with its own key instead (`private_key_jwt`): its JWK set, as a file or an https URL
    #[arg(long, value_name = "FILE|URL", conflicts_with = "secret")]
    pub(crate) jwks: Option<String>,
    /// The one virtual server or agent that it may ask for, and gets when it names none
    #[arg(long, value_name = "URL")]
    pub(crate) resource: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ClientRemove {
    /// Its `client_id`
    pub(crate) id: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// Access tokens
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Print an access token for a script or a test
    #[command(after_help = "The token acts for the user, at that one virtual server or agent:\n  \
        curl -H \"Authorization: Bearer $(doorward token issue --user alice --resource URL)\" …")]
    Issue(TokenIssue),
    /// List what clients were granted, tokens issued here among it
    List(TokenList),
    /// Revoke a grant and all of its tokens
    Revoke(TokenRevoke),
}

#[derive(Debug, Args)]
pub(crate) struct TokenIssue {
    /// The local user that it acts for
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
    /// The address of the virtual server or agent that it opens, or of the admin API (URL/api/v1) for an administrator
    #[arg(long, value_name = "URL")]
    pub(crate) resource: String,
    /// What it may do, such as "mcp:read"; all that there is to allow there when left out
    #[arg(long)]
    pub(crate) scope: Option<String>,
    /// How long it is good for: 10s to 90d; `tokens.access_ttl` when left out
    #[arg(long, value_name = "DURATION")]
    pub(crate) ttl: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TokenList {
    /// Only those that act for this subject
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TokenRevoke {
    /// The id that `token list` shows
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// The master key, and the keys that Doorward signs with
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Put a new master key in the place of the present one, while `serve` goes on
    #[command(
        after_help = "With a key file, the file has the new key afterwards. Other hosts need a copy before \
        their next start.\nIf keys.master has several keys already, one a line, the first becomes the master \
        key.\nBackups of the store from before need the key from before: keep it as long as them."
    )]
    Rotate(KeyRotate),
    /// Sign with the next key from now on, while `serve` goes on
    #[command(
        after_help = "The next key is in /.well-known/jwks.json already, so that nobody is taken by surprise; the \
        one that\nsigned before stays there for a week."
    )]
    RotateSigning(KeyRotateSigning),
}

#[derive(Debug, Args)]
pub(crate) struct KeyRotateSigning {
    /// Somebody else may have the keys: take all of them out of the key set at once, and sign with a new one
    #[arg(long)]
    pub(crate) compromised: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeyRotate {
    /// Where keys.master is a variable: the variable that holds the new key
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) new_env: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}
