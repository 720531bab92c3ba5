"""FastMCP's own client.  python fastmcp_client.py URL [TOKEN] [auto|modern|legacy]"""

import asyncio
import os
import sys
import warnings
from contextlib import asynccontextmanager

import mcp_types as types
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from notices import Notices
from report import describe, finish, report, wire
from suite import ANSWER, run

LOG_LEVEL = "io.modelcontextprotocol/logLevel"
MODES = {"auto": "auto", "modern": "2026-07-28", "legacy": "legacy"}


class Peer:
    """One connection."""

    # This client has neither resources/subscribe nor subscriptions/listen.
    lacks = ("updated", "list_changed")

    def __init__(self, client, notices):
        self.client, self.notices = client, notices
        self.version = client.protocol_version
        self.modern = self.version == "2026-07-28"

    async def tools(self):
        return wire(await self.client.list_tools_mcp())

    async def resources(self):
        return wire(await self.client.list_resources_mcp())

    async def templates(self):
        return wire(await self.client.list_resource_templates_mcp())

    async def prompts(self):
        return wire(await self.client.list_prompts_mcp())

    async def call(self, name, arguments, on_progress=None, log_level=None):
        async def progress(value, total, message):
            on_progress(value)

        meta = {LOG_LEVEL: log_level} if log_level and self.modern else None
        handler = on_progress and progress
        return wire(await self.client.call_tool_mcp(name, arguments, progress_handler=handler, meta=meta))

    async def give_up(self, task):
        task.cancel()

    async def read(self, uri):
        return wire(await self.client.read_resource_mcp(uri))

    async def prompt(self, name, arguments):
        return wire(await self.client.get_prompt_mcp(name, arguments))

    async def complete(self, argument, prompt=None, template=None, context=None):
        reference = (
            types.PromptReference(type="ref/prompt", name=prompt)
            if prompt
            else types.ResourceTemplateReference(type="ref/resource", uri=template)
        )
        name, value = argument
        return wire(await self.client.complete_mcp(reference, {"name": name, "value": value}, context))

    async def level(self, level):
        await self.client.set_logging_level(level)

    async def ping(self):
        if not await self.client.ping():
            raise AssertionError("no answer")

    @asynccontextmanager
    async def watch(self, tools=False, resources=()):
        yield self.notices.since_now()


async def elicited(message, response_type, params, context):
    return {"name": "Ada", "check": True}


async def sampled(messages, params, context):
    return ANSWER


async def main(url, token=None, era="auto"):
    notices = Notices()

    async def handle(message):
        if not isinstance(message, Exception):
            note = wire(message)
            await notices.add(note["method"], note.get("params", {}))

    async with Client(
        StreamableHttpTransport(url, auth=token or None),
        mode=MODES[era],
        elicitation_handler=elicited,
        sampling_handler=sampled,
        roots=["file:///srv/peer"],
        message_handler=handle,
    ) as client:
        await run(Peer(client, notices), os.environ.get("PEER_HIDDEN"))
        finish()


warnings.simplefilter("ignore")
try:
    asyncio.run(main(*sys.argv[1:]))
except BaseException as error:  # noqa: BLE001
    report("connect", False, describe(error))
    finish()
