//! The program between its people and a third party.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{
    harness::Gateway,
    oauth::script,
    programs::{Running, finish, node},
};

/// People here, by name and password; a third party takes both as they are.
pub(super) const ADA: &str = "ada:correct horse battery";
pub(super) const BOB: &str = "bob:correct horse battery";

/// Where the program is published when a proxy is before it; nothing but a name.
const PUBLIC: &str = "https://doorward.example";

/// The program, a third party behind it, and two people.
pub(super) struct Ground {
    pub(super) gateway: Gateway,
    /// Where the program is published.
    origin: String,
    /// Where `third_party.mjs` says what it saw.
    pub(super) control: Option<String>,
    _third_party: Running,
}

impl Ground {
    /// Starts them with `third_party.mjs`.
    pub(super) fn of_third_party() -> Self {
        Self::with_third_party(&[])
    }

    /// The same with a proxy before the program, so that it is published with TLS; the third party knows where it is.
    pub(super) fn published() -> Self {
        let mut ground = Self::with_third_party(&[("DOORWARD_PUBLIC_URL", PUBLIC)]);
        PUBLIC.clone_into(&mut ground.origin);
        ground.ask(&format!("/found?published={PUBLIC}&address={}", ground.gateway.address));
        ground
    }

    fn with_third_party(variables: &[(&str, &str)]) -> Self {
        let mut command = script("third_party.mjs");
        let mut told = Value::Null;
        let resource = |line: &str| {
            told = serde_json::from_str(line).ok()?;
            told["resource"].as_str().map(str::to_owned)
        };
        let ground = Self::start(&mut command, resource, variables);
        Self { control: told["control"].as_str().map(str::to_owned), ..ground }
    }

    /// Starts them with another third party, which says where its MCP server is.
    pub(super) fn of(third_party: &mut Command, resource: impl FnMut(&str) -> Option<String>) -> Self {
        Self::start(third_party, resource, &[])
    }

    fn start(
        third_party: &mut Command,
        resource: impl FnMut(&str) -> Option<String>,
        variables: &[(&str, &str)],
    ) -> Self {
        let (process, resource) = Running::until_it_says(third_party.stderr(Stdio::null()), resource);
        let gateway = Gateway::launch(&sections(&resource), variables, Vec::new());
        for person in [ADA, BOB] {
            let (name, password) = person.split_once(':').expect("a password");
            gateway.command_with(&["user", "add", name, "--password-stdin"], password);
        }
        Self { origin: gateway.address.clone(), gateway, control: None, _third_party: process }
    }

    /// The address of the virtual server.
    pub(super) fn url(&self) -> String {
        format!("{}/mcp/theirs", self.origin)
    }

    /// A token of somebody's.
    pub(super) fn token(&self, person: &str) -> String {
        let name = person.split(':').next().expect("a name");
        let issued = self.gateway.command(&["token", "issue", "--user", name, "--resource", &self.url()]);
        issued.trim().to_owned()
    }

    /// Runs `connections.mjs`, whose checks all have to hold.
    #[track_caller]
    pub(super) fn checks(&self, sdk: &str, tool: &str, control: Option<&str>) -> Vec<(String, Value)> {
        let mut script = node();
        script.args(["peers/connections.mjs", sdk, &self.url(), tool]).args(control);
        self.run(&mut script)
    }

    /// Runs a script that reports its checks, all of which have to hold.
    #[track_caller]
    pub(super) fn run(&self, script: &mut Command) -> Vec<(String, Value)> {
        script.env("DOORWARD_PERSON", ADA).env("DOORWARD_OTHER", BOB);
        let said =
            finish(script.env("DOORWARD_PUBLIC", PUBLIC).env("DOORWARD_ADDRESS", &self.gateway.address));
        let reports: Vec<Value> =
            said.output.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
        let holds = said.success && reports.iter().all(|report| report["ok"] == true);
        assert!(holds, "{said:#?}\n{}", self.gateway.log());
        let check = |report: &Value| report["check"].as_str().expect("a name").to_owned();
        reports.iter().map(|report| (check(report), report["detail"].clone())).collect()
    }

    /// What the third party says that it saw: its counts, the secrets that it gave out, and every request of its server.
    pub(super) fn seen(&self) -> Value {
        self.ask("/")
    }

    fn ask(&self, what: &str) -> Value {
        const GET: &str = "console.log(await (await fetch(process.argv[1])).text())";
        let control = self.control.as_deref().expect("a control");
        let mut fetch = node();
        fetch.args(["--input-type=module", "--eval", GET, &format!("{control}{what}")]);
        serde_json::from_str(&finish(&mut fetch).output).expect("JSON")
    }

    /// The third party's server saw its own tokens and nothing of Doorward's; the log has neither.
    pub(super) fn nothing_of_ours_went_there(&self) {
        let seen = self.seen();
        let requests = seen["seen"].to_string();
        for ours in ["dwat_", "dwrt_", "dwac_", "doorward_session", "correct horse"] {
            assert!(!requests.contains(ours), "the third party saw {ours}");
        }
        let (log, secrets) = (self.gateway.log(), seen["secrets"].as_array().expect("secrets"));
        assert!(!secrets.is_empty());
        for secret in secrets {
            assert!(
                !log.contains(secret.as_str().expect("a text")),
                "the log holds a secret of the third party"
            );
        }
    }

    /// Stops the program; every call in its records was one of these people.
    pub(super) fn end(self) {
        let log = self.gateway.stop();
        let records = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let calls: Vec<_> = records.filter(|record| record["method"] == "tools/call").collect();
        assert!(!calls.is_empty());
        for call in calls {
            assert!(call["subject"] == "ada" || call["subject"] == "bob", "{call}");
        }
    }
}

fn sections(resource: &str) -> String {
    format!(
        "\n[network]\nallow_private = [\"127.0.0.0/8\", \"::1/128\"]\n\n[records]\nstdout = true\n\n\
         [[upstream]]\nname = \"theirs\"\nurl = \"{resource}\"\ncredential = {{ kind = \"oauth\" }}\n\n\
         [[server]]\nname = \"theirs\"\nupstreams = [\"theirs\"]\n"
    )
}
