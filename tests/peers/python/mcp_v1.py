"""The Python SDK v1: revision 2025-11-25, sessions. It knows no other era."""

from contextlib import asynccontextmanager

from mcp import ClientSession, types
from mcp.client.streamable_http import streamablehttp_client
from peer import ELICITED, ROOT, reference, start
from report import wire
from suite import ANSWER


class Peer:
    """One session."""

    modern = False
    lacks = ()

    def __init__(self, session, version, notices):
        self.session, self.version, self.notices = session, version, notices
        self.request = None

    async def tools(self):
        return wire(await self.session.list_tools())

    async def resources(self):
        return wire(await self.session.list_resources())

    async def templates(self):
        return wire(await self.session.list_resource_templates())

    async def prompts(self):
        return wire(await self.session.list_prompts())

    async def call(self, name, arguments, on_progress=None, log_level=None):
        async def progress(value, total, message):
            on_progress(value)

        # This SDK does not tell the server when a caller gives up; `give_up` does, and needs the id.
        self.request = self.session._request_id
        return wire(
            await self.session.call_tool(name, arguments, progress_callback=on_progress and progress)
        )

    async def give_up(self, task):
        params = types.CancelledNotificationParams(requestId=self.request, reason="given up")
        note = types.CancelledNotification(params=params)
        await self.session.send_notification(types.ClientNotification(note))
        task.cancel()

    async def read(self, uri):
        return wire(await self.session.read_resource(uri))

    async def prompt(self, name, arguments):
        return wire(await self.session.get_prompt(name, arguments))

    async def complete(self, argument, prompt=None, template=None, context=None):
        name, value = argument
        return wire(await self.session.complete(reference(types, prompt, template), {"name": name, "value": value}, context))

    async def level(self, level):
        await self.session.set_logging_level(level)

    async def ping(self):
        await self.session.send_ping()

    @asynccontextmanager
    async def watch(self, tools=False, resources=()):
        for uri in resources:
            await self.session.subscribe_resource(uri)
        yield self.notices.since_now()
        for uri in resources:
            await self.session.unsubscribe_resource(uri)


async def elicited(context, params):
    return types.ElicitResult(action="accept", content=ELICITED)


async def sampled(context, params):
    content = types.TextContent(type="text", text=ANSWER)
    return types.CreateMessageResult(model="none", role="assistant", content=content, stopReason="endTurn")


async def rooted(context):
    return types.ListRootsResult(roots=[types.Root(uri=ROOT, name="peer")])


@asynccontextmanager
async def connect(url, token, mode, notices):
    headers = {"Authorization": f"Bearer {token}"} if token else None
    async with (
        streamablehttp_client(url, headers=headers) as (reader, writer, _),
        ClientSession(
            reader,
            writer,
            elicitation_callback=elicited,
            sampling_callback=sampled,
            list_roots_callback=rooted,
            message_handler=notices.hear,
        ) as session,
    ):
        version = (await session.initialize()).protocolVersion
        yield Peer(session, version, notices)


start(connect)
