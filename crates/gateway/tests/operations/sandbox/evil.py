"""A server of 2025-11-25 that tries what its tools are called: a child that means harm, as far as it can.

Each attempt answers "done: ..." or "refused: ..." with the name of the system's error. Nothing is tried by itself.
"""

import ctypes
import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"


def call(number, *arguments):
    """A system call by number."""
    result = LIBC.syscall(number, *[ctypes.c_long(argument) for argument in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), "call")
    return result


def read(path):
    with open(path, "rb") as file:
        return f"{len(file.read(64))} bytes"


def write(path):
    with open(path, "a") as file:
        file.write("x")
    return path


def truncate(path):
    os.truncate(path, 0)
    return path


def remove(path):
    os.unlink(path)
    return path


def link(path, to):
    os.link(path, to)
    return to


def names(path):
    return " ".join(sorted(os.listdir(path)))


def execute(path):
    return str(subprocess.run([path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode)


def tcp(port):
    with socket.create_connection(("127.0.0.1", port), 5):
        return "connected"


def udp(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return str(sender.sendto(b"x", ("127.0.0.1", port)))


def unix(path):
    address = b"\0" + path[1:].encode() if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.connect(address)
        return "connected"


def pair_datagram(path):
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        return str(one.sendto(b"x", path))


def netlink():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0):
        return "opened"


def packet():
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0):
        return "opened"


def listen():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        return "listening"


def ring():
    parameters = ctypes.create_string_buffer(120)
    return str(set_up_ring(parameters))


def set_up_ring(parameters):
    result = LIBC.syscall(425, 4, parameters)
    if result < 0:
        raise OSError(ctypes.get_errno(), "io_uring_setup")
    os.close(result)
    return result


def trace():
    PTRACE_SEIZE = 0x4206
    call(101 if X86 else 117, PTRACE_SEIZE, os.getppid(), 0, 0)
    return "attached"


def memory():
    with open(f"/proc/{os.getppid()}/mem", "rb"):
        return "opened"


def environment():
    with open(f"/proc/{os.getppid()}/environ", "rb") as file:
        return f"{len(file.read())} bytes"


def parent_limits():
    resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (64, 64))
    return "limited"


def kill_parent():
    os.kill(os.getppid(), signal.SIGCONT)
    return "signalled"


def namespace():
    CLONE_NEWUSER = 0x10000000
    if LIBC.unshare(CLONE_NEWUSER) < 0:
        raise OSError(ctypes.get_errno(), "unshare")
    return "left"


def session():
    if os.fork() == 0:
        try:
            os.setsid()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
    code = os.waitstatus_to_exitcode(os.wait()[1])
    if code:
        raise OSError(code, "setsid")
    return "left"


def files():
    opened = []
    for number in range(3, 1024):
        try:
            os.fstat(number)
            opened.append(str(number))
        except OSError:
            pass
    return " ".join(opened)


def targets():
    """What is open besides the three, by what it leads to."""
    return "|".join(os.readlink(f"/proc/self/fd/{number}") for number in files().split())


def forks(count):
    """Bounded: so many children, half of them orphans that hear no signal but the last."""
    pids = []
    for number in range(min(count, 64)):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            if number % 2 and os.fork():
                os._exit(0)
            try:
                os.setsid()
            except OSError:
                pass
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            os.write(writer, str(os.getpid()).encode())
            for number in (0, 1, 2, reader, writer):
                os.close(number)
            while True:
                time.sleep(1000)
        pids.append(os.read(reader, 20).decode())
        os.close(reader)
        os.close(writer)
    return " ".join(pids)


def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    global IS_DEAF
    IS_DEAF = True
    return str(os.getpid())


def room():
    path = os.path.join(os.environ["TMPDIR"], "mine")
    with open(path, "w") as file:
        file.write("x")
    return os.environ["TMPDIR"]


def status():
    with open("/proc/self/status") as file:
        wanted = ("NoNewPrivs", "CapEff", "CapPrm", "Seccomp")
        found = [line.split() for line in file]
        return " ".join(f"{line[0]}{line[1]}" for line in found if line[0].rstrip(":") in wanted)


def limits():
    kinds = (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE, resource.RLIMIT_DATA, resource.RLIMIT_FSIZE)
    return " ".join(str(resource.getrlimit(kind)[1]) for kind in kinds)


def variables():
    return " ".join(sorted(os.environ))


def parent():
    return str(os.getppid())


IS_DEAF = False
ATTEMPTS = {
    name: attempt
    for name, attempt in list(globals().items())
    if callable(attempt) and name.islower() and name not in ("call", "set_up_ring")
}


def answer(message):
    method, params = message["method"], message.get("params", {})
    if method == "initialize":
        return {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "evil", "version": "1"},
        }
    if method == "tools/list":
        return {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in ATTEMPTS]}
    if method == "tools/call":
        try:
            text = f"done: {ATTEMPTS[params['name']](**params.get('arguments', {}))}"
        except OSError as error:
            text = f"refused: {errno.errorcode.get(error.errno, error)}"
        return {"content": [{"type": "text", "text": text}]}
    return {}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        if message["method"] == "server/discover":
            reply = {"error": {"code": -32601, "message": "a server of 2025-11-25"}}
        else:
            reply = {"result": answer(message)}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **reply}), flush=True)
while IS_DEAF:
    time.sleep(1000)
