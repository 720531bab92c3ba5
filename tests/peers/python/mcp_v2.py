"""The Python SDK v2, which asks for 2026-07-28 first."""

from contextlib import asynccontextmanager

import httpx2
from mcp import Client, types
from mcp.client.streamable_http import streamable_http_client
from peer import ELICITED, ROOT, reference, start
from report import wire
from suite import ANSWER

LOG_LEVEL = "io.modelcontextprotocol/logLevel"


class Peer:
    """One connection."""

    lacks = ()

    def __init__(self, client, notices):
        self.client, self.notices = client, notices
        self.version = client.protocol_version
        self.modern = self.version == "2026-07-28"

    async def tools(self):
        return wire(await self.client.list_tools())

    async def resources(self):
        return wire(await self.client.list_resources())

    async def templates(self):
        return wire(await self.client.list_resource_templates())

    async def prompts(self):
        return wire(await self.client.list_prompts())

    async def call(self, name, arguments, on_progress=None, log_level=None):
        async def progress(value, total, message):
            on_progress(value)

        meta = {LOG_LEVEL: log_level} if log_level and self.modern else None
        return wire(
            await self.client.call_tool(name, arguments, progress_callback=on_progress and progress, meta=meta)
        )

    async def give_up(self, task):
        task.cancel()

    async def read(self, uri):
        return wire(await self.client.read_resource(uri))

    async def prompt(self, name, arguments):
        return wire(await self.client.get_prompt(name, arguments))

    async def complete(self, argument, prompt=None, template=None, context=None):
        name, value = argument
        return wire(await self.client.complete(reference(types, prompt, template), {"name": name, "value": value}, context))

    async def level(self, level):
        await self.client.set_logging_level(level)

    async def ping(self):
        await self.client.send_ping()

    @asynccontextmanager
    async def watch(self, tools=False, resources=()):
        seen = self.notices.since_now()
        if not self.modern:
            for uri in resources:
                await self.client.subscribe_resource(uri)
            yield seen
            for uri in resources:
                await self.client.unsubscribe_resource(uri)
        elif tools or resources:
            async with self.client.listen(tools_list_changed=tools, resource_subscriptions=resources) as stream:
                if (tools and not stream.honored.tools_list_changed) or (
                    resources and list(stream.honored.resource_subscriptions or ()) != list(resources)
                ):
                    raise AssertionError(f"not honoured: {stream.honored}")
                yield seen
        else:
            yield seen


async def elicited(context, params):
    return types.ElicitResult(action="accept", content=ELICITED)


async def sampled(context, params):
    content = types.TextContent(type="text", text=ANSWER)
    return types.CreateMessageResult(model="none", role="assistant", content=content, stop_reason="endTurn")


async def rooted(context):
    return types.ListRootsResult(roots=[types.Root(uri=ROOT, name="peer")])


@asynccontextmanager
async def connect(url, token, mode, notices):
    headers = {"Authorization": f"Bearer {token}"} if token else None
    timeout = httpx2.Timeout(30, read=300)
    async with (
        httpx2.AsyncClient(headers=headers, timeout=timeout) as http,
        Client(
            streamable_http_client(url, http_client=http),
            mode=mode,
            elicitation_callback=elicited,
            sampling_callback=sampled,
            list_roots_callback=rooted,
            message_handler=notices.hear,
        ) as client,
    ):
        yield Peer(client, notices)


start(connect)
