//! Real children: what they are given, what they can do to us, and that they end.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use doorward_model::Secret;

use super::*;
use crate::{
    Phase,
    channel::{Cause, Ending, Exit},
};

fn command(argv: &[&str]) -> Command {
    Command {
        argv: argv.iter().map(|text| (*text).to_owned()).collect(),
        env: Vec::new(),
        directory: None,
        sandbox: None,
    }
}

fn python(program: &str) -> Command {
    command(&["python3", "-c", program])
}

fn limits() -> StdioLimits {
    StdioLimits { grace: Duration::from_millis(500), ..StdioLimits::default() }
}

async fn begin(command: &Command) -> (Channel, Messages) {
    start(command, &limits(), "test").await.expect("it starts")
}

/// Fails a test that would wait for ever.
async fn soon<T>(waits: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), waits).await.expect("no end in sight")
}

async fn next(messages: &mut Messages) -> String {
    let message = soon(messages.next()).await.expect("a message").expect("no fault");
    String::from_utf8(message.to_vec()).expect("text")
}

async fn next_pid(messages: &mut Messages) -> u32 {
    next(messages).await.parse().expect("a process id")
}

/// Waits until a process is gone, or only waits for its parent to notice.
async fn dies(pid: u32) {
    soon(async {
        while is_alive(pid) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which is in parentheses and can hold anything.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

#[tokio::test]
async fn messages_go_both_ways_in_order() {
    let (channel, mut messages) = begin(&command(&["/bin/cat"])).await;
    for number in 0..200 {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{number}}}"#);
        soon(channel.send(Bytes::from(text.clone()))).await.expect("sent");
        assert_eq!(next(&mut messages).await, text);
    }
    assert!(channel.is_open());
    channel.close();
    assert!(!channel.is_open());
    assert_eq!(soon(channel.closed()).await, Ending { cause: Cause::Closed, exit: Some(Exit::Code(0)) });
    let error = channel.send(Bytes::from_static(b"{}")).await.expect_err("closed");
    assert!(matches!(error, ChannelError::Closed(Cause::Closed)));
    assert_eq!(error.phase(), Phase::BeforeSending);
    assert!(soon(messages.next()).await.is_none());
}

#[tokio::test]
async fn messages_larger_than_a_pipe_go_both_ways() {
    let (channel, mut messages) = begin(&command(&["cat"])).await;
    let text = "x".repeat(3 << 20);
    let (sent, received) = tokio::join!(soon(channel.send(Bytes::from(text.clone()))), next(&mut messages));
    sent.expect("sent");
    assert_eq!(received.len(), text.len());
}

#[tokio::test]
async fn arguments_are_as_they_are_and_no_shell_sees_them() {
    let mut command = python("import sys\nfor a in sys.argv[1:]: print(repr(a))");
    command.argv.extend(["$HOME; echo pwned".to_owned(), String::new(), "a b\"'".to_owned()]);
    let (_channel, mut messages) = begin(&command).await;
    assert_eq!(next(&mut messages).await, "'$HOME; echo pwned'");
    assert_eq!(next(&mut messages).await, "''");
    assert_eq!(next(&mut messages).await, "'a b\"\\''");
}

#[tokio::test]
async fn of_our_environment_only_four_variables_reach_a_child() {
    let theirs = "CARGO_MANIFEST_DIR";
    assert!(std::env::var_os(theirs).is_some(), "the tests themselves have more");
    let mut command = command(&["env"]);
    command.env =
        vec![("API_KEY".into(), Secret::new("k-123".into())), ("LANG".into(), Secret::new("C".into()))];
    let (_channel, mut messages) = begin(&command).await;
    let mut seen = Vec::new();
    while let Some(line) = soon(messages.next()).await {
        seen.push(String::from_utf8(line.expect("no fault").to_vec()).expect("text"));
    }
    seen.sort();
    let mut expected: Vec<String> = ["PATH", "HOME", "TMPDIR"]
        .iter()
        .filter_map(|name| Some(format!("{name}={}", std::env::var(name).ok()?)))
        .chain(["API_KEY=k-123".to_owned(), "LANG=C".to_owned()])
        .collect();
    expected.sort();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_directory_is_the_one_of_the_command() {
    let mut command = command(&["pwd", "-P"]);
    command.directory = Some(Path::new("/usr").to_owned());
    let (_channel, mut messages) = begin(&command).await;
    assert_eq!(next(&mut messages).await, "/usr");
}

#[tokio::test]
async fn what_cannot_be_started_is_an_error_without_its_arguments() {
    let missing = command(&["/nonexistent/program", "--key=hunter2"]);
    let unnamed = command(&[]);
    let mut bad_variable = command(&["cat", "hunter2"]);
    bad_variable.env = vec![("A=B".into(), Secret::new("hunter2".into()))];
    let nul = command(&["cat", "hunter2\0"]);
    let mut nowhere = command(&["cat"]);
    nowhere.directory = Some(Path::new("/nonexistent").to_owned());
    for command in [missing, unnamed, bad_variable, nul, nowhere] {
        let error = start(&command, &limits(), "test").await.expect_err("not startable");
        assert!(matches!(error, ChannelError::Start(_)), "{error}");
        assert_eq!(error.phase(), Phase::BeforeSending);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

/// A command with a sandbox, and what stands in the launcher's place.
async fn begin_through(launcher: &str) -> Result<(Channel, Messages), ChannelError> {
    let mut command = command(&["cat", "hunter2"]);
    command.sandbox = Some(doorward_model::Sandbox::default());
    let limits = StdioLimits { launcher: launcher.into(), ..limits() };
    soon(start(&command, &limits, "test")).await
}

#[tokio::test]
async fn a_command_with_a_sandbox_is_started_by_a_launcher_or_not_at_all() {
    // One says nothing, one complains, one is not there, and one is a program that knows nothing of children.
    let this = std::env::current_exe().expect("a path");
    for other in ["true", "cat", "/nonexistent/launcher", this.to_str().expect("text")] {
        let error = begin_through(other).await.expect_err("it would not be confined");
        assert!(matches!(error, ChannelError::Start(_)), "{other}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_child_that_exits_at_once_ends_the_channel_with_its_exit_code() {
    let (channel, mut messages) = begin(&python("import sys; sys.exit(3)")).await;
    assert!(soon(messages.next()).await.is_none());
    let ending = soon(channel.closed()).await;
    assert_eq!(ending, Ending { cause: Cause::PeerGone, exit: Some(Exit::Code(3)) });
    assert_eq!(ending.to_string(), "the upstream ended it (exit code 3)");
    assert!(!channel.is_open());
    assert!(channel.send(Bytes::from_static(b"{}")).await.is_err());
}

#[tokio::test]
async fn the_last_words_of_a_child_arrive() {
    let (channel, mut messages) =
        begin(&python("import sys\nfor n in range(5000): print(n)\nsys.stdout.write('no end')")).await;
    soon(channel.closed()).await;
    for number in 0..5000 {
        assert_eq!(next(&mut messages).await, number.to_string());
    }
    assert_eq!(next(&mut messages).await, "no end");
    assert!(soon(messages.next()).await.is_none());
}

#[tokio::test]
async fn whatever_a_child_writes_is_handed_up_line_by_line() {
    let (_channel, mut messages) =
        begin(&python(r"import sys; sys.stdout.buffer.write(b'\n\n npm says hi \r\n\xff\xfe\n')")).await;
    assert_eq!(soon(messages.next()).await.expect("one").expect("no fault"), " npm says hi ");
    assert_eq!(soon(messages.next()).await.expect("one").expect("no fault")[..], b"\xff\xfe"[..]);
}

#[tokio::test]
async fn a_raw_line_break_is_refused_and_nothing_is_sent() {
    let (channel, mut messages) = begin(&command(&["cat"])).await;
    for broken in ["{\n}", "{}\n", "{\r}"] {
        let error = soon(channel.send(Bytes::from(broken))).await.expect_err("two lines");
        assert!(matches!(error, ChannelError::RawNewline));
        assert_eq!(error.phase(), Phase::BeforeSending);
    }
    soon(channel.send(on_one_line(Bytes::from_static(b"{\n}")))).await.expect("one line");
    assert_eq!(next(&mut messages).await, "{ }");
}

#[tokio::test]
async fn a_child_that_never_reads_stalls_one_message_and_ends_the_channel() {
    let limits = StdioLimits { write_stall: Duration::from_millis(100), ..limits() };
    let (channel, mut messages) =
        start(&python("import os,time; print(os.getpid(), flush=True); time.sleep(1000)"), &limits, "test")
            .await
            .expect("it starts");
    let pid = next_pid(&mut messages).await;
    let waiting = channel.clone();
    let behind = tokio::spawn(async move { waiting.send(Bytes::from(vec![b' '; 1 << 20])).await });
    let error = soon(channel.send(Bytes::from(vec![b' '; 1 << 20]))).await.expect_err("it never reads");
    let behind = soon(behind).await.expect("no panic").expect_err("it never reads");
    let interrupted = |error: &ChannelError| matches!(error, ChannelError::Interrupted(Cause::Stalled(_)));
    let closed = |error: &ChannelError| matches!(error, ChannelError::Closed(Cause::Stalled(_)));
    let in_turn = interrupted(&error) && closed(&behind) || closed(&error) && interrupted(&behind);
    assert!(in_turn, "{error}, {behind}");
    dies(pid).await;
    assert_eq!(soon(channel.closed()).await.cause, Cause::Stalled(limits.write_stall));
}

#[tokio::test]
async fn closing_frees_whoever_is_stuck_in_a_send() {
    let (channel, _messages) = begin(&python("import time; time.sleep(1000)")).await;
    let (sent, ()) = tokio::join!(soon(channel.send(Bytes::from(vec![b' '; 1 << 20]))), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        channel.close();
    });
    let error = sent.expect_err("closed");
    assert!(matches!(error, ChannelError::Interrupted(Cause::Closed)));
    assert_eq!(error.phase(), Phase::AfterSending);
}

#[tokio::test]
async fn a_send_that_nobody_waits_for_is_not_cut_short() {
    let (channel, mut messages) =
        begin(&python("import sys,time; time.sleep(0.3)\nfor l in sys.stdin: print(len(l), flush=True)"))
            .await;
    let large = channel.send(Bytes::from(vec![b' '; 1 << 20]));
    assert!(tokio::time::timeout(Duration::from_millis(50), large).await.is_err(), "larger than a pipe");
    soon(channel.send(Bytes::from_static(b"{}"))).await.expect("sent");
    assert_eq!(next(&mut messages).await, ((1 << 20) + 1).to_string());
    assert_eq!(next(&mut messages).await, "3");
}

#[tokio::test]
async fn a_line_without_end_ends_the_channel() {
    let program = "import os,sys\nprint(os.getpid(), flush=True)\nfor _ in range(100): sys.stdout.write('x' * (1 << 20))";
    let limits = StdioLimits { max_message: 1 << 20, ..limits() };
    let (channel, mut messages) = start(&python(program), &limits, "test").await.expect("it starts");
    let pid = next_pid(&mut messages).await;
    let fault = soon(messages.next()).await.expect("a fault");
    assert!(matches!(fault, Err(ChannelError::TooLarge(limit)) if limit == 1 << 20));
    assert!(soon(messages.next()).await.is_none());
    assert_eq!(soon(channel.closed()).await.cause, Cause::TooLarge(1 << 20));
    dies(pid).await;
}

#[tokio::test]
async fn what_nobody_takes_waits_at_the_child() {
    let count = std::env::temp_dir().join(format!("doorward-egress-{}-written", std::process::id()));
    let program = "import os,sys,time
os.set_blocking(1, False)
written, since = 0, time.monotonic()
while time.monotonic() - since < 0.5:
    try:
        written += os.write(1, b'x' * 1023 + b'\\n')
        since = time.monotonic()
    except BlockingIOError:
        time.sleep(0.01)
with open(sys.argv[1] + '.new', 'w') as f: f.write(str(written))
os.rename(sys.argv[1] + '.new', sys.argv[1])
time.sleep(1000)";
    let mut command = python(program);
    command.argv.push(count.display().to_string());
    let limits = StdioLimits { max_message: 16 << 10, ..limits() };
    let (_channel, _messages) = start(&command, &limits, "test").await.expect("it starts");
    let written: usize = soon(async {
        loop {
            if let Ok(text) = std::fs::read_to_string(&count) {
                break text.parse().expect("a number");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    std::fs::remove_file(&count).expect("removed");
    // The pipe itself has 64 KiB.
    assert!(written < 256 << 10, "{written} bytes were taken");
}

#[tokio::test]
async fn a_flood_on_standard_error_does_not_hold_up_messages() {
    let program = "import sys
for l in sys.stdin:
    sys.stderr.write('x' * (8 << 20)); sys.stderr.write('noise\\n' * 100000); sys.stderr.flush()
    print(l, end='', flush=True)";
    let (channel, mut messages) = begin(&python(program)).await;
    for _ in 0..3 {
        soon(channel.send(Bytes::from_static(b"{}"))).await.expect("sent");
        assert_eq!(next(&mut messages).await, "{}");
    }
}

/// Starts grandchildren, says who they are, and does something afterwards.
fn family(grandchild: &str, afterwards: &str) -> Command {
    python(&format!(
        "import os,signal,subprocess,sys,time
children = [subprocess.Popen([sys.executable, '-c', {grandchild:?}], stdin=subprocess.DEVNULL) for _ in range(2)]
print(os.getpid()); [print(c.pid) for c in children]; sys.stdout.flush()
{afterwards}"
    ))
}

async fn three_pids(messages: &mut Messages) -> [u32; 3] {
    [next_pid(messages).await, next_pid(messages).await, next_pid(messages).await]
}

#[tokio::test]
async fn grandchildren_end_with_the_child() {
    let (channel, mut messages) = begin(&family("import time; time.sleep(1000)", "sys.stdin.read()")).await;
    let pids = three_pids(&mut messages).await;
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    channel.close();
    assert_eq!(soon(channel.closed()).await.exit, Some(Exit::Code(0)), "it ended by itself");
    for pid in pids {
        dies(pid).await;
    }
}

#[tokio::test]
async fn grandchildren_of_a_child_that_died_end_too_and_hold_nobody_up() {
    let deaf = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)";
    let (channel, mut messages) = begin(&family(deaf, "time.sleep(0.3); os._exit(7)")).await;
    let pids = three_pids(&mut messages).await;
    assert!(soon(messages.next()).await.is_none(), "although they hold its standard output open");
    assert_eq!(soon(channel.closed()).await, Ending { cause: Cause::PeerGone, exit: Some(Exit::Code(7)) });
    for pid in pids {
        dies(pid).await;
    }
}

#[tokio::test]
async fn an_orphan_that_left_the_group_holds_nobody_up() {
    let program = "import os,subprocess,sys
p = subprocess.Popen(['sleep', '1000'], stdin=subprocess.DEVNULL, start_new_session=True)
print(p.pid, flush=True); os._exit(0)";
    let (channel, mut messages) = begin(&python(program)).await;
    let orphan = next_pid(&mut messages).await;
    assert_eq!(soon(channel.closed()).await.exit, Some(Exit::Code(0)));
    assert!(soon(messages.next()).await.is_none());
    // It is out of reach for the channel, but not for its test.
    let orphan = rustix::process::Pid::from_raw(i32::try_from(orphan).expect("small")).expect("not zero");
    rustix::process::kill_process(orphan, rustix::process::Signal::KILL).expect("killed");
}

#[tokio::test]
async fn a_child_that_ignores_the_closed_input_is_asked_to_end() {
    let program = "import signal,sys,time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print('ready', flush=True); time.sleep(1000)";
    let (channel, mut messages) = begin(&python(program)).await;
    assert_eq!(next(&mut messages).await, "ready");
    channel.close();
    assert_eq!(soon(channel.closed()).await, Ending { cause: Cause::Closed, exit: Some(Exit::Code(5)) });
}

#[tokio::test]
async fn a_child_that_ignores_that_too_is_killed() {
    let program = "import os,signal,time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
while True: time.sleep(1000)";
    let (channel, mut messages) = begin(&python(program)).await;
    let pid = next_pid(&mut messages).await;
    channel.close();
    assert_eq!(soon(channel.closed()).await, Ending { cause: Cause::Closed, exit: Some(Exit::Signal(9)) });
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "it is reaped");
}

#[tokio::test]
async fn a_child_that_closes_its_output_is_of_no_use() {
    let program = "import os,time
print(os.getpid(), flush=True); os.close(1); time.sleep(1000)";
    let (channel, mut messages) = begin(&python(program)).await;
    let pid = next_pid(&mut messages).await;
    assert!(soon(messages.next()).await.is_none());
    assert_eq!(soon(channel.closed()).await.cause, Cause::PeerGone);
    dies(pid).await;
}

/// Says its id and waits for a signal, whatever becomes of its pipes.
const STUBBORN: &str = "import os,time; print(os.getpid(), flush=True); time.sleep(1000)";

#[tokio::test]
async fn a_child_ends_when_either_half_of_its_channel_is_dropped() {
    let (channel, mut messages) = begin(&python(STUBBORN)).await;
    let pid = next_pid(&mut messages).await;
    let clone = channel.clone();
    drop(channel);
    assert!(clone.is_open(), "a clone is the same channel");
    drop(clone);
    assert!(soon(messages.next()).await.is_none());
    dies(pid).await;

    let (channel, mut messages) = begin(&python(STUBBORN)).await;
    let pid = next_pid(&mut messages).await;
    drop(messages);
    assert_eq!(soon(channel.closed()).await.cause, Cause::Closed);
    dies(pid).await;
}

#[test]
fn the_whole_family_dies_with_the_runtime() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let first = runtime().expect("a runtime");
    let (halves, pids) = first.block_on(async {
        let (channel, mut messages) =
            begin(&family("import time; time.sleep(1000)", "time.sleep(1000)")).await;
        let pids = three_pids(&mut messages).await;
        ((channel, messages), pids)
    });
    drop(first);
    assert!(!halves.0.is_open(), "nobody waits for a channel without its tasks");
    runtime().expect("a runtime").block_on(async {
        for pid in pids {
            dies(pid).await;
        }
    });
}
