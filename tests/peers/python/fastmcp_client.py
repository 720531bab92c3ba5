"""FastMCP's own client."""

from contextlib import asynccontextmanager

import mcp_types as types
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from peer import ELICITED, ROOT, reference, start
from report import wire
from suite import ANSWER

LOG_LEVEL = "io.modelcontextprotocol/logLevel"


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
        name, value = argument
        return wire(await self.client.complete_mcp(reference(types, prompt, template), {"name": name, "value": value}, context))

    async def level(self, level):
        await self.client.set_logging_level(level)

    async def ping(self):
        if not await self.client.ping():
            raise AssertionError("no answer")

    @asynccontextmanager
    async def watch(self, tools=False, resources=()):
        yield self.notices.since_now()


async def elicited(message, response_type, params, context):
    return ELICITED


async def sampled(messages, params, context):
    return ANSWER


@asynccontextmanager
async def connect(url, token, mode, notices):
    async with Client(
        StreamableHttpTransport(url, auth=token),
        mode=mode,
        elicitation_handler=elicited,
        sampling_handler=sampled,
        roots=[ROOT],
        message_handler=notices.hear,
    ) as client:
        yield Peer(client, notices)


start(connect)
