//! The launcher by itself: that it starts nothing that it cannot hold, whatever is missing.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    process::Command,
    time::Duration,
};

use doorward_egress::stdio::{self, StdioLimits};
use doorward_model::{Command as Child, Sandbox};

use super::{PYTHON, can_hold, is_alive};

const PROGRAM: &str = env!("CARGO_BIN_EXE_doorward");

/// Runs the launcher as the program would, and returns what it said on standard error.
pub(super) fn by_hand(words: &[&str], program: &str, arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM)
        .args(["__child", "--parent", &std::process::id().to_string()])
        .args(words)
        .args(["--", program])
        .args(arguments)
        .output()
        .expect("the program starts");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

/// A child that leaves a trace if it ever runs.
fn tracer(trace: &std::path::Path) -> Child {
    let argv = ["/bin/sh", "-c", "echo ran > \"$0\"; cat", &trace.display().to_string()];
    let write = vec![trace.parent().expect("a directory").to_owned()];
    Child {
        argv: argv.map(str::to_owned).into(),
        env: Vec::new(),
        directory: None,
        sandbox: Some(Sandbox { write, ..Sandbox::default() }),
    }
}

#[tokio::test]
async fn a_kernel_without_file_rules_starts_nothing_and_says_what_is_missing() {
    let directory = tempfile::tempdir().expect("a directory");
    // As if the kernel had no such call: what follows in this process and its children gets ENOSYS for it.
    let script = format!(
        "#!{}\nimport ctypes, os, struct, sys
NUMBER, ALLOW, ENOSYS = 444, 0x7fff0000, 0x00050000 | 38
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, NUMBER), (0x06, 0, 0, ENOSYS), (0x06, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *step) for step in steps))
program = struct.pack('HxxxxxxQ', len(steps), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.create_string_buffer(program), 0, 0) == 0
os.execv({PROGRAM:?}, [{PROGRAM:?}] + sys.argv[1:])
",
        PYTHON.program.display()
    );
    let launcher = directory.path().join("launcher");
    fs::write(&launcher, script).expect("written");
    fs::set_permissions(&launcher, Permissions::from_mode(0o755)).expect("executable");
    let trace = directory.path().join("trace");
    let limits = StdioLimits { launcher, ..StdioLimits::default() };
    let error =
        stdio::start(&tracer(&trace), &limits, "test").await.expect_err("nothing is started").to_string();
    assert!(
        error.contains("this kernel cannot enforce file rules (Landlock ABI 3, Linux 6.2, is needed)"),
        "{error}"
    );
    assert!(!trace.exists());
}

#[tokio::test]
async fn the_program_holds_a_child_that_is_started_through_it() {
    if !can_hold() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let trace = directory.path().join("trace");
    let limits = StdioLimits { launcher: PROGRAM.into(), ..StdioLimits::default() };
    let (channel, mut messages) = stdio::start(&tracer(&trace), &limits, "test").await.expect("it starts");
    channel.send("{}".into()).await.expect("sent");
    let answer = tokio::time::timeout(Duration::from_secs(30), messages.next()).await.expect("in time");
    assert_eq!(answer.expect("an answer").expect("no fault"), "{}");
    assert!(trace.exists());
}

#[test]
fn what_cannot_be_allowed_is_said_and_nothing_is_started() {
    for (words, program, expected) in [
        (&["--read", "/nonexistent/path"][..], "/bin/true", "no file rule for /nonexistent/path"),
        (&["--writable", "/tmp"], "/bin/true", "the launcher was told something unknown"),
        (&[], "/nonexistent/program", "there is no such program"),
        (&[], "/etc/passwd", "there is no such program"),
    ] {
        let said = by_hand(words, program, &[]);
        let kernel = said.contains("this kernel cannot enforce");
        assert!(said.starts_with("doorward: not started: ") && (kernel || said.contains(expected)), "{said}");
    }
}

#[test]
fn what_leads_elsewhere_than_it_did_is_not_allowed() {
    if !can_hold() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().canonicalize().expect("a directory");
    let [inner, link, beneath, gone] =
        ["inner", "link", "link/file", "inner/gone"].map(|name| place.join(name).display().to_string());
    fs::create_dir(&inner).expect("made");
    fs::write(place.join("inner/file"), "x").expect("written");
    std::os::unix::fs::symlink("inner", &link).expect("a link");
    let shell = fs::canonicalize("/bin/sh").expect("a shell").display().to_string();
    let elsewhere = "it leads elsewhere than when the configuration was read";
    let refused = format!("doorward: not started: no file rule for {link}");
    for words in [["--read", &link], ["--write", &link], ["--read", &beneath], ["--write", &beneath]] {
        let said = by_hand(&words, "/bin/sh", &["-c", "exit 0"]);
        assert!(said.starts_with(&refused) && said.contains(elsewhere), "{words:?}: {said}");
    }
    assert!(by_hand(&["--read", &gone], "/bin/sh", &[]).starts_with("doorward: not started: "));
    let said = by_hand(&["--program", &inner], "/bin/sh", &["-c", "exit 0"]);
    assert!(said.starts_with("doorward: not started: ") && said.contains(elsewhere), "{said}");
    let words = ["--read", &inner, "--write", &inner, "--program", &shell];
    assert!(by_hand(&words, "/bin/sh", &["-c", "exit 0"]).starts_with("doorward: ready"));
}

#[test]
fn a_launcher_whose_parent_is_gone_starts_nothing() {
    let output = Command::new(PROGRAM)
        .args(["__child", "--parent", "1", "--", "/bin/echo", "ran"])
        .output()
        .expect("the program starts");
    assert!(output.stdout.is_empty() && !output.status.success(), "{output:?}");
}

#[test]
fn files_that_somebody_left_open_are_closed() {
    if !can_hold() {
        return;
    }
    let program = PYTHON.program.display();
    // Two files that pass on, opened by whoever starts the launcher.
    let script = format!(
        "import os, sys
for path in ('/etc/hostname', '/etc/passwd'):
    os.set_inheritable(os.open(path, os.O_RDONLY), True)
listing = 'import os\\nfor n in range(3, 99):\\n try: os.fstat(n); print(n)\\n except OSError: pass'
os.execv({PROGRAM:?}, ['doorward', '__child', '--parent', str(os.getppid()), '--read', {:?}, '--', '{program}', '-c', listing])
",
        PYTHON.home
    );
    let output = Command::new(&PYTHON.program).args(["-c", &script]).output().expect("python runs");
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
}

#[tokio::test]
async fn a_launcher_that_nobody_waits_for_is_ended() {
    let directory = tempfile::tempdir().expect("a directory");
    let launcher = directory.path().join("launcher");
    let id = directory.path().join("id");
    fs::write(
        &launcher,
        format!("#!/bin/sh\necho $$ > {0}.new; mv {0}.new {0}; exec sleep 1000\n", id.display()),
    )
    .expect("written");
    fs::set_permissions(&launcher, Permissions::from_mode(0o755)).expect("executable");
    let limits = StdioLimits { launcher, ..StdioLimits::default() };
    let child = tracer(&directory.path().join("trace"));
    let running = async {
        while !id.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        _ = stdio::start(&child, &limits, "test") => panic!("a launcher that says nothing is none"),
        () = running => {}
    }
    let id = fs::read_to_string(&id).expect("an id").trim().parse().expect("a number");
    tokio::time::timeout(Duration::from_secs(30), async {
        while is_alive(id) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it is ended");
}
