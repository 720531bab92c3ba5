"""One JSON line per check on standard output: {check, ok, detail}.

Nothing is asserted about how long a check takes; the limit only keeps a hung peer from hanging the run.
"""

import asyncio
import json
import os
import sys

LIMIT_SECONDS = 30
failures = 0


def report(check, ok, detail=None):
    global failures
    failures += 0 if ok else 1
    print(json.dumps({"check": check, "ok": ok, "detail": detail}, default=str), flush=True)


async def check(name, body):
    """Runs one check; what it returns becomes the detail, what it raises makes it fail."""
    try:
        report(name, True, await asyncio.wait_for(body(), LIMIT_SECONDS))
    except Exception as error:  # noqa: BLE001 (whatever the peer raises is the finding)
        report(name, False, describe(error))


def describe(error):
    inner = getattr(error, "exceptions", None)
    if inner:
        return "; ".join(describe(each) for each in inner)
    told = getattr(error, "error", None)
    code = f" {told.code} data {told.data}" if told is not None else ""
    return f"{type(error).__name__}{code}: {error}"


def code_of(error):
    """The JSON-RPC code of an error that a peer raised, or None."""
    told = getattr(error, "error", None)
    return getattr(told, "code", getattr(error, "code", None))


def equal(actual, wanted, what):
    if actual != wanted:
        raise AssertionError(f"{what}: {actual!r} instead of {wanted!r}")


def holds(condition, message):
    if not condition:
        raise AssertionError(message)


def wire(value):
    """A result or notification as it was on the wire."""
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


def finish():
    # Stray sockets and tasks of a peer must not keep the process alive.
    sys.stdout.flush()
    os._exit(0 if failures == 0 else 1)
