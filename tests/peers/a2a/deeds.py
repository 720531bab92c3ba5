"""What the agents of the Python SDKs do with a message: the beginning of its messageId says it.

`tck-...` and `test-resubscribe-...` are what the protocol's own test kit asks for; `own-...` are ours. Both
`agent_v1.py` and `agent_v03.py` hand in an object with the few verbs of a task that their SDK has, each by its own name.
"""

import asyncio

CHUNKS = 100
# How long `own-slow` works, and the kit's task that is subscribed to again: the kit wants twice its own limit.
SLOW_SECONDS = 1
TAKE_SECONDS = 0.3
RESUBSCRIBE_SECONDS = 4
FILE = {"raw": b"tck", "media_type": "text/plain", "filename": "output.txt"}
FILE_URL = {"url": "https://example.com/output.txt", "media_type": "text/plain", "filename": "output.txt"}
DATA = {"data": {"key": "value", "count": 42}}


async def act(task, message_id, text, headers, waiting):
    """One turn of the agent. `waiting` is whether the task waits for an answer, and this message is that."""
    if waiting:
        await task.artifact([{"text": f"answered: {text}"}])
        return await task.complete("Thank you")
    for prefix, deed in DEEDS.items():
        if message_id.startswith(prefix):
            return await deed(task, text, headers)
    return await task.complete(f"Heard: {text}")


def artifacts(*parts, working=False):
    async def deed(task, _text, _headers):
        if working:
            await task.work()
        await task.artifact(list(parts))
        await task.complete()

    return deed


def says(text):
    async def deed(task, _text, _headers):
        await task.complete(text)

    return deed


async def message_only(task, _text, _headers):
    await task.message("Direct message response")


async def ask(task, _text, _headers):
    await task.ask("Which one?")


async def ask_for_authorization(task, _text, _headers):
    await task.ask_for_authorization("Sign in first")


async def reject(task, _text, _headers):
    await task.reject("rejected")


async def fail(task, _text, _headers):
    await task.work()
    await task.fail("It broke")


async def chunked(task, _text, _headers):
    await task.work()
    await task.artifact([{"text": "chunk-1 "}], "chunked", append=False, last=False)
    await task.artifact([{"text": "chunk-2"}], "chunked", append=True, last=True)
    await task.complete()


async def many_chunks(task, _text, _headers):
    await task.work()
    for number in range(CHUNKS):
        last = number + 1 == CHUNKS
        await task.artifact([{"text": f"{number} "}], "chunks", append=number > 0, last=last)
    await task.complete()


async def resubscribe(task, _text, _headers):
    for _second in range(RESUBSCRIBE_SECONDS):
        await task.work()
        await asyncio.sleep(1)
    await task.complete()


async def slow(task, _text, _headers):
    await task.work()
    await asyncio.sleep(SLOW_SECONDS)
    await task.artifact([{"text": "at last"}])
    # At the end the SDK of 0.3 drops what subscribers did not take yet.
    await asyncio.sleep(TAKE_SECONDS)
    await task.complete()


async def endless(task, _text, _headers):
    """Works until it is cancelled."""
    await task.work()
    await asyncio.Event().wait()


async def echo(task, text, _headers):
    await task.artifact([{"text": text}])
    await task.complete()


async def headers_seen(task, _text, headers):
    """The header fields, or the metadata, of the request as they came."""
    await task.artifact([{"data": dict(headers)}])
    await task.complete()


# The longer prefix first, where one begins with another.
DEEDS = {
    "tck-stream-artifact-chunked": chunked,
    "tck-stream-artifact-text": artifacts({"text": "Streamed text content"}, working=True),
    "tck-stream-artifact-file": artifacts(FILE, working=True),
    "tck-stream-ordering-001": artifacts({"text": "Ordered output"}, working=True),
    "tck-stream-001": artifacts({"text": "Stream hello from TCK"}, working=True),
    "tck-stream-002": says(None),
    "tck-stream-003": artifacts({"text": "Stream task lifecycle"}, working=True),
    "tck-artifact-file-url": artifacts(FILE_URL),
    "tck-artifact-file": artifacts(FILE),
    "tck-artifact-text": artifacts({"text": "Generated text content"}),
    "tck-artifact-data": artifacts(DATA),
    "tck-message-response": message_only,
    "tck-input-required": ask,
    "tck-reject-task": reject,
    "tck-complete-task": says("Hello from TCK"),
    "test-resubscribe-message-id": resubscribe,
    "own-input": ask,
    "own-auth": ask_for_authorization,
    "own-fail": fail,
    "own-slow": slow,
    "own-endless": endless,
    "own-chunks": many_chunks,
    "own-headers": headers_seen,
    "own-message": message_only,
    "own-echo": echo,
}
