//! Children that mean harm, behind the real program: what a sandbox holds, what it does not, and that nothing is
//! started where it cannot hold.
//!
//! Each attempt is made by `sandbox/evil.py` when it is told to, and made without a sandbox too where it works there:
//! a fence is only tested by something that gets through without it.

mod launcher;

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram, UnixListener},
    },
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::{Value, json};

use crate::{
    client::Connection,
    program::{Place, Program},
    soon,
};

/// The interpreter itself, and where its own files are.
struct Python {
    program: PathBuf,
    home: PathBuf,
}

static PYTHON: LazyLock<Python> = LazyLock::new(|| {
    let asks =
        "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.realpath(sys.base_prefix))";
    let said = Command::new("python3").args(["-c", asks]).output().expect("python3 runs").stdout;
    let said = String::from_utf8(said).expect("text");
    let mut lines = said.lines().map(PathBuf::from);
    Python { program: lines.next().expect("a program"), home: lines.next().expect("a directory") }
});

/// Where the tests' own child is.
fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operations/sandbox")
}

/// Whether this kernel can hold a child at all. Where it cannot, tests of holding fail, unless
/// `DOORWARD_TEST_WITHOUT_SANDBOX=1` says that nothing is to be proven here.
fn can_hold() -> bool {
    static CAN: LazyLock<bool> = LazyLock::new(|| {
        let said = launcher::by_hand(&[], "/bin/sh", &["-c", "exit 0"]);
        let can = !said.contains("this kernel cannot enforce file rules");
        assert!(!can || said == "doorward: ready\n" || said.contains("ready, but"), "{said}");
        if !can {
            let is_known =
                std::env::var_os("DOORWARD_TEST_WITHOUT_SANDBOX").is_some_and(|value| value == "1");
            assert!(is_known, "DOORWARD_TEST_WITHOUT_SANDBOX=1 leaves these tests out: {said}");
            eprintln!("skipped: {said}");
        }
        can
    });
    *CAN
}

/// A program with one upstream, the child that means harm, and a session with it.
struct World {
    place: Place,
    program: Program,
    connection: Connection,
    session: String,
}

impl World {
    /// `sandbox` is a table without braces; there is none when it is empty.
    async fn with(sandbox: &str) -> Self {
        let place = Place::new();
        fs::create_dir(place.path("room")).expect("made");
        fs::create_dir(place.path("shelf")).expect("made");
        fs::write(place.path("shelf/book"), "a book").expect("written");
        let program = place.start(&configuration(sandbox));
        let mut connection = Connection::to(program.address).await;
        let session = connection.session().await;
        Self { place, program, connection, session }
    }

    /// Fenced in, but for a directory to write and one to read.
    async fn fenced() -> Self {
        Self::with(&fence("network = false")).await
    }

    /// Has something tried, and returns what came of it.
    async fn attempt(&mut self, what: &str, arguments: Value) -> String {
        let params = json!({ "name": what, "arguments": arguments });
        let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params });
        let answer = soon(what, self.connection.legacy(Some(&self.session), &call)).await;
        let body = answer.body.lines().find_map(|line| line.strip_prefix("data:")).unwrap_or(&answer.body);
        let body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer:?}"));
        let text = body["result"]["content"][0]["text"].as_str();
        text.unwrap_or_else(|| panic!("{what}: {body}")).to_owned()
    }

    async fn on(&mut self, what: &str, path: &Path) -> String {
        self.attempt(what, json!({ "path": path })).await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path(name)
    }
}

/// What the child needs to run, and then some.
fn fence(more: &str) -> String {
    let (home, here) = (PYTHON.home.display(), here());
    format!("read = [\"{home}\", \"{}\", \"shelf\"], write = [\"room\"], {more}", here.display())
}

fn configuration(sandbox: &str) -> String {
    let sandbox = if sandbox.is_empty() { String::new() } else { format!("sandbox = {{ {sandbox} }}\n") };
    format!(
        "[listen]\naddress = \"127.0.0.1:0\"\n[[upstream]]\nname = \"u\"\ncommand = [\"{}\", \"{}\"]\n{sandbox}\
         [[server]]\nname = \"demo\"\nupstreams = [\"u\"]\naccess = \"open\"\n",
        PYTHON.program.display(),
        here().join("evil.py").display(),
    )
}

#[track_caller]
fn assert_done(outcome: &str) {
    assert!(outcome.starts_with("done: "), "{outcome}");
}

#[track_caller]
fn assert_refused(outcome: &str) {
    assert!(outcome.starts_with("refused: "), "{outcome}");
}

fn initialize() -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } },
    })
}

/// A process id that an attempt answered.
fn ids(outcome: &str) -> Vec<u32> {
    outcome.trim_start_matches("done: ").split(' ').map(|id| id.parse().expect("an id")).collect()
}

fn is_alive(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

async fn all_gone(ids: &[u32]) {
    soon("the end of the processes", async {
        while ids.iter().any(|id| is_alive(*id)) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_fenced_child_reads_what_it_may_and_nothing_of_doorwards() {
    if !can_hold() {
        return;
    }
    let mut world = World::fenced().await;
    let (shelf, key, store) = (
        world.path("shelf/book"),
        world.path("doorward-data/master.key"),
        world.path("doorward-data/doorward.db"),
    );
    assert!(key.exists() && store.exists(), "what is not there cannot be kept from anybody");
    assert_done(&world.on("read", &shelf).await);
    assert_done(&world.on("read", Path::new("/etc/passwd")).await);
    for path in [&key, &store, &world.path("doorward.toml"), Path::new("/etc/shadow")] {
        assert_eq!(world.on("read", path).await, "refused: EACCES", "{}", path.display());
    }
    for path in [
        &world.path("doorward-data"),
        &world.path(""),
        Path::new("/root"),
        Path::new("/home"),
        Path::new("/tmp"),
    ] {
        assert_refused(&world.on("names", path).await);
    }
    // Through a link that it makes itself, it sees no more.
    let to = world.path("room/link");
    assert_refused(&world.attempt("link", json!({ "path": key, "to": to })).await);
    world.program.stop().await;

    let mut free = World::with("").await;
    for name in ["doorward-data/master.key", "doorward-data/doorward.db", "doorward.toml"] {
        let path = free.path(name);
        assert_done(&free.on("read", &path).await);
    }
}

#[tokio::test]
async fn a_fenced_child_writes_where_it_may_and_nowhere_else() {
    if !can_hold() {
        return;
    }
    let mut world = World::fenced().await;
    let inside = world.path("room/new");
    assert_done(&world.on("write", &inside).await);
    assert_done(&world.on("truncate", &inside).await);
    assert_done(&world.on("remove", &inside).await);
    let (book, outside) = (world.path("shelf/book"), world.path("new"));
    for what in ["write", "truncate", "remove"] {
        assert_refused(&world.on(what, &book).await);
    }
    assert_refused(&world.on("write", &outside).await);
    for path in ["/tmp/doorward-evil", "/dev/shm/doorward-evil", "/usr/doorward-evil"] {
        assert_refused(&world.on("write", Path::new(path)).await);
    }
    assert_done(&world.on("write", Path::new("/dev/null")).await);
    assert_eq!(fs::read_to_string(&book).expect("there"), "a book");
    // What it makes outside of its directories it cannot run either.
    assert_refused(&world.on("execute", &book).await);
    assert_eq!(world.on("execute", Path::new("/bin/true")).await, "done: 0");
    world.program.stop().await;

    let mut free = World::with("").await;
    for what in ["write", "truncate", "remove"] {
        let book = free.path("shelf/book");
        assert_done(&free.on(what, &book).await);
    }
}

#[tokio::test]
async fn a_link_that_is_put_in_the_place_of_a_path_starts_nothing() {
    if !can_hold() {
        return;
    }
    let mut world = World::fenced().await;
    let (shelf, aside, data) = (world.path("shelf"), world.path("aside"), world.path("doorward-data"));
    assert_done(&world.on("read", &shelf.join("book")).await);
    // As whoever may write there could, while Doorward runs. The next session would start a child that reads the key.
    fs::rename(&shelf, &aside).expect("moved");
    std::os::unix::fs::symlink(&data, &shelf).expect("a link");
    let answer = world.connection.legacy(None, &initialize()).await;
    assert!(answer.header("mcp-session-id").is_none(), "{answer:?}");
    assert!(answer.body.contains("upstream_unreachable"), "{answer:?}");
    // What is there again may be read again.
    fs::remove_file(&shelf).expect("removed");
    fs::rename(&aside, &shelf).expect("moved");
    soon("a child again", async {
        while world.connection.legacy(None, &initialize()).await.header("mcp-session-id").is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
    world.program.stop().await;
    let details: Vec<_> = world.place.records().await.iter().map(ToString::to_string).collect();
    let said = "it leads elsewhere than when the configuration was read";
    assert!(details.iter().any(|detail| detail.contains(said)), "{details:?}");
}

#[test]
fn what_a_child_could_put_a_link_in_the_place_of_is_refused_before_it_can() {
    let place = Place::new();
    fs::create_dir_all(place.path("room/inner")).expect("made");
    fs::create_dir(place.path("shelf")).expect("made");
    let is_refused = |place: &Place| {
        let ran = place.run(&["check"], "");
        assert!(
            !ran.success && ran.stdout.contains("sandbox.read[0]: the command of `u` could replace"),
            "{ran:?}"
        );
    };
    place.write("doorward.toml", &configuration("read = [\"room/inner\"], write = [\"room\"]"));
    is_refused(&place);
    fs::remove_dir(place.path("room/inner")).expect("removed");
    std::os::unix::fs::symlink(place.path("shelf"), place.path("room/inner")).expect("a link");
    is_refused(&place);
}

#[tokio::test]
async fn a_fenced_child_has_a_directory_of_its_own_that_goes_with_it() {
    if !can_hold() {
        return;
    }
    let mut world = World::fenced().await;
    let room = world.attempt("room", json!({})).await;
    let room = PathBuf::from(room.trim_start_matches("done: "));
    assert!(room.join("mine").exists());
    let mut other = Connection::to(world.program.address).await;
    let theirs = other.session().await;
    let params = json!({ "name": "names", "arguments": { "path": room } });
    let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params });
    let answer = other.legacy(Some(&theirs), &call).await;
    assert!(answer.body.contains("refused: EACCES"), "another session's child looks into it: {answer:?}");
    world.program.stop().await;
    assert!(!room.exists());
}

/// Everything that a child could reach others by, and someone there.
struct Others {
    tcp: TcpListener,
    udp: UdpSocket,
    _abstract: UnixListener,
    name: String,
    path: PathBuf,
    _listener: UnixListener,
    datagrams: PathBuf,
    _datagram: UnixDatagram,
    _directory: tempfile::TempDir,
}

impl Others {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let name = format!("doorward-test-{}", directory.path().display());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let (path, datagrams) = (directory.path().join("stream"), directory.path().join("datagram"));
        Self {
            tcp: TcpListener::bind("127.0.0.1:0").expect("a port"),
            udp: UdpSocket::bind("127.0.0.1:0").expect("a port"),
            _abstract: UnixListener::bind_addr(&address).expect("a socket"),
            name: format!("@{name}"),
            _listener: UnixListener::bind(&path).expect("a socket"),
            path,
            _datagram: UnixDatagram::bind(&datagrams).expect("a socket"),
            datagrams,
            _directory: directory,
        }
    }

    async fn reached_by(&self, world: &mut World) -> Vec<(&'static str, String)> {
        let port = |address: std::io::Result<std::net::SocketAddr>| json!({ "port": address.expect("bound").port() });
        let mut outcomes = Vec::new();
        for (kind, what, arguments) in [
            ("tcp", "tcp", port(self.tcp.local_addr())),
            ("udp", "udp", port(self.udp.local_addr())),
            ("abstract", "unix", json!({ "path": self.name })),
            ("pathname", "unix", json!({ "path": self.path })),
            ("datagram", "pair_datagram", json!({ "path": self.datagrams })),
            ("netlink", "netlink", json!({})),
            ("listen", "listen", json!({})),
            ("packet", "packet", json!({})),
        ] {
            outcomes.push((kind, world.attempt(what, arguments).await));
        }
        outcomes
    }
}

#[tokio::test]
async fn without_the_network_a_child_reaches_nobody() {
    if !can_hold() {
        return;
    }
    let others = Others::new();
    let mut world = World::fenced().await;
    for (kind, outcome) in others.reached_by(&mut world).await {
        assert_eq!(outcome, "refused: EPERM", "{kind}");
    }
    world.program.stop().await;

    let mut free = World::with("").await;
    for (kind, outcome) in others.reached_by(&mut free).await {
        assert!(outcome.starts_with("done: ") || kind == "packet", "{kind}: {outcome}");
    }
}

#[tokio::test]
async fn with_the_network_a_child_reaches_what_is_there_and_sees_no_other_files() {
    if !can_hold() {
        return;
    }
    let others = Others::new();
    let mut world = World::with(&fence("network = true")).await;
    for (kind, outcome) in others.reached_by(&mut world).await {
        match kind {
            "packet" => assert_eq!(outcome, "refused: EPERM"),
            // Sockets of other processes by their abstract names stay outside, as far as the kernel can tell.
            "abstract" => {
                assert!(["refused: EPERM", "done: connected"].contains(&outcome.as_str()), "{outcome}");
            }
            _ => assert_done(&outcome),
        }
    }
    assert_refused(&world.on("read", Path::new("/etc/shadow")).await);
    world.program.stop().await;
}

#[tokio::test]
async fn a_fenced_child_cannot_touch_its_parent_or_leave() {
    if !can_hold() {
        return;
    }
    let mut world = World::fenced().await;
    for (what, errors) in [
        ("trace", &["EPERM"][..]),
        ("memory", &["EACCES"]),
        ("environment", &["EACCES"]),
        ("parent_limits", &["EPERM"]),
        ("kill_parent", &["EPERM"]),
        ("namespace", &["EPERM"]),
        ("session", &["EPERM"]),
        ("ring", &["ENOSYS"]),
    ] {
        let outcome = world.attempt(what, json!({})).await;
        let older = what == "kill_parent" && world.program.everything().contains("holds less than it could");
        let refused = errors.iter().any(|error| outcome == format!("refused: {error}"));
        assert!(refused || older, "{what}: {outcome}");
    }
    world.program.stop().await;

    let mut free = World::with("").await;
    for what in ["parent_limits", "kill_parent", "session"] {
        assert_done(&free.attempt(what, json!({})).await);
    }
}

#[tokio::test]
async fn a_fenced_child_is_given_little() {
    if !can_hold() {
        return;
    }
    let mut world = World::fenced().await;
    assert_eq!(world.attempt("files", json!({})).await, "done: ", "the listener, the store and their like");
    assert_eq!(
        world.attempt("status", json!({})).await,
        "done: CapPrm:0000000000000000 CapEff:0000000000000000 NoNewPrivs:1 Seccomp:2"
    );
    let limits = world.attempt("limits", json!({})).await;
    let limits: Vec<i64> =
        limits.trim_start_matches("done: ").split(' ').map(|l| l.parse().expect("a number")).collect();
    assert_eq!(limits[0], 0, "no core dumps");
    for (limit, most) in limits.iter().zip([0, 4096, 8 << 30, 4 << 30]) {
        assert!((0..=most).contains(limit), "{limits:?}");
    }
    let variables = world.attempt("variables", json!({})).await;
    for name in variables.trim_start_matches("done: ").split(' ') {
        assert!(["PATH", "HOME", "LANG", "TMPDIR", "LC_CTYPE"].contains(&name), "{variables}");
    }
    world.program.stop().await;
}

#[tokio::test]
async fn a_child_without_a_fence_inherits_no_files_of_doorwards_and_leaves_no_core() {
    let mut free = World::with("").await;
    let opened = free.attempt("targets", json!({})).await;
    // What whoever runs the tests has left open passes through Doorward, and is not Doorward's.
    let foreign: Vec<_> = fs::read_dir("/proc/self/fd").expect("a /proc").flatten().collect();
    let foreign: Vec<_> = foreign.iter().filter_map(|entry| fs::read_link(entry.path()).ok()).collect();
    for target in opened.trim_start_matches("done: ").split('|').filter(|target| !target.is_empty()) {
        assert!(foreign.iter().any(|path| path == Path::new(target)), "{target} of {opened}");
    }
    assert!(free.attempt("limits", json!({})).await.starts_with("done: 0 "), "no core dumps");
}

#[tokio::test]
async fn whatever_a_fenced_child_forks_ends_with_its_session() {
    if !can_hold() {
        return;
    }
    let mut world = World::fenced().await;
    let mut all = ids(&world.attempt("forks", json!({ "count": 40 })).await);
    assert_eq!(all.len(), 40);
    all.extend(ids(&world.attempt("deaf", json!({})).await));
    assert!(all.iter().all(|id| is_alive(*id)));
    let session = [("Mcp-Session-Id", world.session.as_str()), ("MCP-Protocol-Version", "2025-11-25")];
    let ended = world.connection.ask("DELETE", "/mcp/demo", &session, "").await.answer();
    assert!((200..300).contains(&ended.status), "{ended:?}");
    all_gone(&all).await;
    world.program.stop().await;
}

#[tokio::test]
async fn a_fenced_child_ends_when_doorward_is_killed() {
    if !can_hold() {
        return;
    }
    let mut world = World::fenced().await;
    let all = ids(&world.attempt("deaf", json!({})).await);
    world.program.signal("KILL");
    world.program.ended().await;
    all_gone(&all).await;
}

#[tokio::test]
async fn a_child_that_keeps_ending_is_seen() {
    let place = Place::new();
    let upstream = "[[upstream]]\nname = \"u\"\ncommand = [\"/bin/sh\", \"-c\", \"exit 3\"]\n";
    let server = "[[server]]\nname = \"demo\"\nupstreams = [\"u\"]\naccess = \"open\"\n";
    let program = place.start(&format!("[listen]\naddress = \"127.0.0.1:0\"\n{upstream}{server}"));
    let mut connection = Connection::to(program.address).await;
    let initialize = initialize();
    soon("word of it", async {
        while !program.everything().contains("an upstream keeps ending") {
            connection.legacy(None, &initialize).await;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
    let said = program.wait_for_log("an upstream keeps ending");
    assert!(said.contains("it keeps ending: exit code 3, 3 times in "), "{said}");
    let metrics = connection.get("/metrics").await.body;
    assert!(metrics.contains("doorward_upstream_ends_total{upstream=\"u\"} 3"), "{metrics}");
    connection.legacy(None, &initialize).await;
    program.stop().await;
    let details: Vec<_> = place.records().await.iter().map(ToString::to_string).collect();
    assert!(
        details.iter().any(|detail| detail.contains("it keeps ending: exit code 3, 3 times in ")),
        "{details:?}"
    );
}
