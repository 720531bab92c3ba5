"""What every Python peer is put through, whichever SDK it stands on.

A peer hides the differences between the SDKs: `modern`, `version`, `lacks` (checks that this SDK has no call
for), and coroutines that give back results as they were on the wire.
"""

import asyncio
import json

from report import check, code_of, equal, holds, report

UNKNOWN_TOOL = "no_such_tool"
ANSWER = "a model that is none"


async def run(peer, hidden):
    report("connect", True, peer.version)
    names = [tool["name"] for tool in (await peer.tools())["tools"]]

    async def tools():
        holds(names, "no tools at all")
        return names

    await check("tools", tools)
    checks = modern_upstream(peer) if "add" in names else everything(peer)
    if hidden:
        checks |= hiding(peer, names, hidden)
    for name, body in checks.items():
        if name not in peer.lacks:
            await check(name, body)


def hiding(peer, names, hidden):
    async def absent():
        holds(hidden not in names, f"{hidden} is listed")

    async def refused():
        of_hidden = await refusal(peer, hidden, {})
        equal(of_hidden, await refusal(peer, UNKNOWN_TOOL, {}), "hidden and unknown differ")
        equal(of_hidden.get("code"), -32601, "code")
        return of_hidden

    return {"hidden": absent, "refused": refused}


def everything(peer):
    slow = "trigger-long-running-operation"

    async def call():
        result = await peer.call("get-sum", {"a": 2, "b": 40})
        equal(result["content"][0]["text"], "The sum of 2 and 40 is 42.", "text")

    async def structured():
        result = await peer.call("get-structured-content", {"location": "Chicago"})
        equal(result["structuredContent"]["temperature"], 36, "temperature")

    async def progress():
        equal(await progress_of(peer, slow, {"duration": 0.4, "steps": 4}), [1, 2, 3, 4], "progress")

    async def cancel():
        await cancel_after_first_progress(peer, slow, {"duration": 60, "steps": 120})

    async def error():
        refused = await refusal(peer, "get-sum", {"a": "two"})
        holds(refused.get("isError") or refused.get("code") == -32602, str(refused))
        return refused

    async def ping():
        await peer.ping()

    checks = {"call": call, "structured": structured, "progress": progress, "cancel": cancel, "error": error}
    checks |= everything_resources(peer) | everything_prompts(peer) | everything_asks(peer)
    return checks if peer.modern else checks | {"ping": ping}


def everything_resources(peer):
    uri = "demo://resource/dynamic/text/7"

    async def resources():
        listed = (await peer.resources())["resources"]
        holds(listed, "no resources")
        read = await peer.read(listed[0]["uri"])
        equal(read["contents"][0]["uri"], listed[0]["uri"], "uri")

    async def templates():
        listed = [each["uriTemplate"] for each in (await peer.templates())["resourceTemplates"]]
        holds("demo://resource/dynamic/text/{resourceId}" in listed, str(listed))

    async def read():
        text = (await peer.read(uri))["contents"][0]["text"]
        holds(text.startswith("Resource 7:"), text)

    async def missing_resource():
        return await missing(peer, "demo://nothing/here")

    async def updated():
        async with peer.watch(resources=[uri]) as seen:
            await peer.call("toggle-subscriber-updates", {})
            await seen("notifications/resources/updated", lambda params: params["uri"] == uri)
            await peer.call("toggle-subscriber-updates", {})

    return {
        "resources": resources,
        "templates": templates,
        "read": read,
        "missing_resource": missing_resource,
        "updated": updated,
    }


def everything_prompts(peer):
    async def prompts():
        names = [prompt["name"] for prompt in (await peer.prompts())["prompts"]]
        holds("args-prompt" in names, str(names))

    async def prompt():
        result = await peer.prompt("args-prompt", {"city": "Oslo"})
        equal(result["messages"][0]["content"]["text"], "What's weather in Oslo?", "text")

    async def completion():
        result = await peer.complete(
            prompt="completable-prompt", argument=("name", "A"), context={"department": "Engineering"}
        )
        equal(result["completion"]["values"], ["Alice"], "values")

    return {"prompts": prompts, "prompt": prompt, "completion": completion}


def everything_asks(peer):
    async def elicitation():
        content = (await peer.call("trigger-elicitation-request", {}))["content"]
        holds("- Name: Ada" in json.dumps(content), str(content))

    async def sampling():
        content = (await peer.call("trigger-sampling-request", {"prompt": "hello", "maxTokens": 9}))["content"]
        holds(ANSWER in content[0]["text"], str(content))

    async def roots():
        content = (await peer.call("get-roots-list", {}))["content"]
        holds("file:///srv/peer" in json.dumps(content), str(content))

    async def logging():
        await peer.level("debug")
        async with peer.watch() as seen:
            await peer.call("toggle-simulated-logging", {})
            await seen("notifications/message", lambda params: "-level message" in str(params["data"]))
            await peer.call("toggle-simulated-logging", {})

    asks = {"elicitation": elicitation, "sampling": sampling}
    return asks if peer.modern else asks | {"roots": roots, "logging": logging}


def modern_upstream(peer):
    async def call():
        message = 'Grüße, 世界 \u0000 "quoted"'
        result = await peer.call("echo", {"message": message})
        equal(result["content"][0]["text"], message, "text")

    async def structured():
        result = await peer.call("add", {"a": 2, "b": 40})
        equal(result["structuredContent"], {"sum": 42}, "structured content")

    async def progress():
        equal(await progress_of(peer, "slow", {"steps": 4, "pause_ms": 100}), [1, 2, 3, 4], "progress")

    async def cancel():
        before = await counter(peer, "cancelled")
        await cancel_after_first_progress(peer, "slow", {"steps": 200, "pause_ms": 100})
        for _ in range(50):
            if await counter(peer, "cancelled") > before:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the upstream never saw the cancellation")

    async def headers():
        return json.loads((await peer.call("seen_headers", {}))["content"][0]["text"])

    async def list_changed():
        async with peer.watch(tools=True, resources=["memo://counter"]) as seen:
            await peer.call("touch", {})
            await seen("notifications/tools/list_changed", lambda _: True)
            await seen("notifications/resources/updated", lambda params: params["uri"] == "memo://counter")

    async def ping():
        await peer.ping()

    checks = {"call": call, "structured": structured, "progress": progress, "cancel": cancel, "headers": headers}
    checks |= modern_reads(peer) | modern_asks(peer) | {"list_changed": list_changed}
    return checks if peer.modern else checks | {"ping": ping}


def modern_reads(peer):
    async def resources():
        listed = [each["uri"] for each in (await peer.resources())["resources"]]
        equal(listed, ["memo://counter"], "resources")

    async def templates():
        listed = [each["uriTemplate"] for each in (await peer.templates())["resourceTemplates"]]
        equal(listed, ["note://{name}"], "templates")

    async def read():
        equal((await peer.read("note://alpha"))["contents"][0]["text"], "note alpha", "text")

    async def missing_resource():
        return await missing(peer, "memo://nothing")

    async def prompts():
        equal([each["name"] for each in (await peer.prompts())["prompts"]], ["weather"], "prompts")

    async def prompt():
        result = await peer.prompt("weather", {"city": "Oslo"})
        equal(result["messages"][0]["content"]["text"], "How is the weather in Oslo?", "text")

    async def completion():
        result = await peer.complete(prompt="weather", argument=("city", "P"))
        equal(result["completion"]["values"], ["Paris", "Prague", "Porto"], "values")
        result = await peer.complete(template="note://{name}", argument=("name", "b"))
        equal(result["completion"]["values"], ["beta"], "values")

    return {
        "resources": resources,
        "templates": templates,
        "read": read,
        "missing_resource": missing_resource,
        "prompts": prompts,
        "prompt": prompt,
        "completion": completion,
    }


def modern_asks(peer):
    async def elicitation():
        result = await peer.call("ask_name", {"greeting": "Hello"})
        equal(result["content"][0]["text"], "Hello Ada (first round)", "text")

    async def sampling():
        result = await peer.call("ask_model", {"question": "hello"})
        holds(ANSWER in result["content"][0]["text"], str(result))

    async def logging():
        if not peer.modern:
            await peer.level("debug")
        async with peer.watch() as seen:
            await peer.call("log", {"message": "noted"}, log_level="info")
            params = await seen("notifications/message", lambda params: params["data"] == "noted")
            equal(params["level"], "warning", "level")

    return {"elicitation": elicitation, "sampling": sampling, "logging": logging}


async def progress_of(peer, name, arguments):
    seen = []
    await peer.call(name, arguments, on_progress=seen.append)
    return seen


async def cancel_after_first_progress(peer, name, arguments):
    """The stream is live: progress of a call that has not ended arrives, and the call can be given up."""
    started = asyncio.Event()
    task = asyncio.ensure_future(peer.call(name, arguments, on_progress=lambda _: started.set()))
    waiting = asyncio.ensure_future(started.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        raise AssertionError(f"ended before it was given up: {task.result()}")
    await peer.give_up(task)


async def counter(peer, which):
    return json.loads((await peer.call("counters", {}))["content"][0]["text"])[which]


async def refusal(peer, name, arguments):
    """Calls a tool that must be refused, and gives back code and text without the tool's name."""
    try:
        result = await peer.call(name, arguments)
    except Exception as error:  # noqa: BLE001 (each SDK has its own class)
        code = code_of(error)
        if code is None:
            raise
        return {"code": code, "text": str(error).replace(name, "NAME")}
    holds(result.get("isError"), f"{name} was answered: {result}")
    return {"isError": True, "text": json.dumps(result["content"]).replace(name, "NAME")}


async def missing(peer, uri):
    try:
        result = await peer.read(uri)
    except Exception as error:  # noqa: BLE001
        holds(code_of(error) in (-32602, -32002), f"code {code_of(error)}: {error}")
        return code_of(error)
    raise AssertionError(f"was answered: {result}")
