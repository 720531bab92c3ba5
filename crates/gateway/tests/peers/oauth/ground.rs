//! A virtual server that is opened by tokens of Doorward's own, and a person who may use it.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use doorward_testkit::conformance::{ConformanceUpstream, Eras};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    harness::{Gateway, Published, within},
    programs::{Running, Said, finish, newer_node, node, tools},
};

/// The virtual server that clients are led to.
const SERVER: &str = "team";
/// The tool that they call there.
pub(super) const TOOL: &str = "test_simple_text";
/// What that says.
pub(super) const ANSWER: &str = "This is a simple text response for testing.";
/// The person who lets them in.
pub(super) const PERSON: &str = "ada";
const PASSWORD: &str = "correct horse battery";

/// The program, what is behind it, and the person, who is its administrator.
pub(super) struct Ground {
    pub(super) gateway: Gateway,
    /// Files of the test; `home` is that of the client.
    pub(super) root: TempDir,
    _upstream: ConformanceUpstream,
}

impl Ground {
    /// Starts them, and makes the person by the link that the program prints.
    pub(super) fn start() -> Self {
        Self::with("")
    }

    /// The same with more sections in the file.
    pub(super) fn with(sections: &str) -> Self {
        let ground = Self::without_anybody(sections);
        let link = ground.first_link();
        let page = ground.browse(&link);
        assert_eq!(page["heading"], "My access", "{page}");
        ground
    }

    /// The same with nobody who could sign in.
    pub(super) fn without_anybody(sections: &str) -> Self {
        let root = TempDir::new().expect("a directory for the test");
        for directory in ["home", "project", "bin"] {
            fs::create_dir(root.path().join(directory)).expect("a directory");
        }
        let upstream = within(ConformanceUpstream::start(Eras::Both));
        let keys = format!("url = {:?}", upstream.url());
        let published = Published { name: SERVER, upstream: keys, access: "oauth", tools: Some(&[TOOL]) };
        let text = format!("{sections}\n[records]\nstdout = true\n{}", published.sections());
        let gateway = Gateway::launch(&text, &[], Vec::new());
        let ground = Self { gateway, root, _upstream: upstream };
        ground.install_browser();
        ground
    }

    /// What programs start to open a browser. It carries all that it needs: some pass their environment on, some do not.
    fn install_browser(&self) {
        let variables = self.variables().map(|(name, value)| format!("{name}='{value}' ")).concat();
        let [node, browser] = programs();
        let (node, browser) = (node.display(), browser.display());
        let script =
            format!("#!/bin/sh\nexec >/dev/null 2>&1 </dev/null\n{variables}{node} {browser} \"$1\" &\n");
        self.write("bin/xdg-open", script);
        fs::set_permissions(self.browser(), fs::Permissions::from_mode(0o755)).expect("a program");
    }

    fn browser(&self) -> PathBuf {
        self.root.path().join("bin/xdg-open")
    }

    /// Writes a file of the client, in its `home` or `project`.
    pub(super) fn write(&self, file: &str, text: impl AsRef<str>) {
        let path = self.root.path().join(file);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text.as_ref()).expect("a file of the client");
    }

    /// A program that finds nothing of ours but the person's browser.
    pub(super) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let [bin, home, project] = ["bin", "home", "project"].map(|name| self.root.path().join(name));
        let own = [bin, tools().join("clients/node_modules/.bin"), newer_node().with_file_name("")];
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(own.into_iter().chain(env::split_paths(&path))).expect("a path");
        command.env_clear().current_dir(project).env("PATH", path).env("HOME", home);
        command.env("BROWSER", self.browser());
        // The discard port: whatever is not on this machine is refused at once.
        command.envs([("HTTPS_PROXY", "http://127.0.0.1:9"), ("HTTP_PROXY", "http://127.0.0.1:9")]);
        command.env("NO_PROXY", "127.0.0.1,localhost");
        command
    }

    /// The link that makes the first administrator.
    pub(super) fn first_link(&self) -> String {
        let log = self.gateway.log();
        let link = log.split_whitespace().find(|word| word.contains("/first-administrator?"));
        link.unwrap_or_else(|| panic!("no link: {log}")).to_owned()
    }

    /// The address of the virtual server.
    pub(super) fn url(&self) -> String {
        self.gateway.server(SERVER)
    }

    /// Sends the person to an address, and says where they end.
    #[track_caller]
    pub(super) fn browse(&self, address: &str) -> Value {
        self.browse_as(&[], address)
    }

    /// The same for somebody else: variables of the browser.
    #[track_caller]
    pub(super) fn browse_as(&self, who: &[(&str, &str)], address: &str) -> Value {
        let mut browser = node();
        browser.arg("peers/browser.mjs").arg(address).envs(self.variables()).envs(who.iter().copied());
        let said = self.run(&mut browser);
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// What the browser reads: who is in front of it, and where to write what it saw.
    fn variables(&self) -> [(&'static str, String); 2] {
        let journal = self.journal().display().to_string();
        [("DOORWARD_PERSON", format!("{PERSON}:{PASSWORD}")), ("DOORWARD_JOURNAL", journal)]
    }

    /// Where the browser writes what it saw.
    fn journal(&self) -> PathBuf {
        self.root.path().join("journal")
    }

    /// What the browser saw.
    fn seen(&self) -> Vec<Value> {
        let journal = fs::read_to_string(self.journal()).unwrap_or_default();
        journal.lines().map(|line| serde_json::from_str(line).expect("a line of the journal")).collect()
    }

    /// Runs a program that has to end well.
    #[track_caller]
    pub(super) fn run(&self, command: &mut Command) -> String {
        let said = finish(command);
        self.assert(said.success, &said);
        said.output
    }

    /// Runs a script that reports its checks, all of which have to hold; gives back what they found, in their order.
    #[track_caller]
    pub(super) fn checks(&self, command: &mut Command) -> Vec<(String, Value)> {
        self.checks_as(&[], command)
    }

    /// The same with somebody else in front of the browser.
    #[track_caller]
    pub(super) fn checks_as(&self, who: &[(&str, &str)], command: &mut Command) -> Vec<(String, Value)> {
        let [node, browser] = programs();
        command.envs(self.variables()).env("DOORWARD_NODE", node).env("DOORWARD_BROWSER", browser);
        let said = finish(command.envs(who.iter().copied()));
        let reports = said.output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_default());
        let reports: Vec<_> = reports.collect();
        self.assert(said.success && reports.iter().all(|report| report["ok"] == true), &said);
        let check = |report: &Value| report["check"].as_str().expect("a name").to_owned();
        reports.iter().map(|report| (check(report), report["detail"].clone())).collect()
    }

    /// Panics with all that is known when something does not hold.
    #[track_caller]
    fn assert(&self, holds: bool, said: &Said) {
        assert!(holds, "{said:#?}\n{:#?}\n{}", self.seen(), self.gateway.log());
    }

    /// Stops the program, and gives back its records.
    #[track_caller]
    pub(super) fn records(self) -> Vec<Value> {
        let log = self.gateway.stop();
        for secret in [PASSWORD, "dwac_", "dwat_", "dwrt_", "dwcs_"] {
            assert!(!log.contains(secret), "the log holds a {secret}");
        }
        log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect()
    }

    /// Stops the program. Gives back the records of calls that were let in, all of the person.
    #[track_caller]
    pub(super) fn end(self) -> Vec<Value> {
        let mut calls = self.records();
        calls.retain(|record| record["method"] == "tools/call" && record["decision"] == "allowed");
        for call in &calls {
            assert_eq!((&call["subject"], &call["capability"]), (&PERSON.into(), &TOOL.into()), "{call}");
        }
        calls
    }
}

/// The browser: what runs it, and itself.
fn programs() -> [PathBuf; 2] {
    [newer_node(), tools().join("node/peers/browser.mjs")]
}

/// A client that is described by a document, over TLS with a certificate of an authority of the tests' own.
pub(super) struct Document {
    /// The address of the document: the client's id.
    pub(super) id: String,
    _process: Running,
}

/// An authority, and a certificate of it for this machine.
pub(super) struct Certificates {
    directory: TempDir,
}

impl Certificates {
    /// Makes them.
    pub(super) fn make() -> Self {
        let directory = TempDir::new().expect("a directory for certificates");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![]).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = params.self_signed(&key).expect("a certificate").pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &issuer).expect("a certificate").pem();
        for (name, pem) in [("ca", authority), ("certificate", certificate), ("key", key.serialize_pem())] {
            fs::write(directory.path().join(name), pem).expect("a PEM file");
        }
        Self { directory }
    }

    /// The section of the file that makes the program trust the authority.
    pub(super) fn section(&self) -> String {
        format!("\n[network]\nca = \"{}\"\n", self.path("ca").display())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Document {
    /// Publishes one for these redirect URIs.
    pub(super) fn publish(certificates: &Certificates, redirect_uris: &[&str]) -> Self {
        let mut command = node();
        command.arg("peers/document.mjs").args(["certificate", "key"].map(|name| certificates.path(name)));
        command.args(redirect_uris);
        let (process, id) = Running::until_it_says(&mut command, |line| Some(line.to_owned()));
        Self { id, _process: process }
    }
}
