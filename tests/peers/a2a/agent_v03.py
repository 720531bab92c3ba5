"""An agent on the last Python SDK of A2A 0.3: three bindings, streams, push, extended card.

What it does with a message is in `deeds.py`. With `--kit` it is as the test kit of 0.3 wants it: a message that `deeds.py`
does not know goes through the states in its time and ends with a question, the address of gRPC has a scheme, and there is
no extended card, because nobody is asked for a credential. The first line of output is {listening, grpc, base, card}.
"""

import asyncio
import base64

import httpx
from a2a.grpc import a2a_pb2_grpc
from a2a.server.agent_execution import AgentExecutor
from a2a.server.apps import A2ARESTFastAPIApplication, A2AStarletteApplication
from a2a.server.apps.jsonrpc import DefaultCallContextBuilder
from a2a.server.request_handlers import DefaultRequestHandler, GrpcHandler
from a2a.server.tasks import (
    BasePushNotificationSender,
    InMemoryPushNotificationConfigStore,
    InMemoryTaskStore,
    TaskUpdater,
)
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    DataPart,
    FilePart,
    FileWithBytes,
    FileWithUri,
    Part,
    TaskNotCancelableError,
    TaskState,
    TextPart,
)
from a2a.utils import new_task
from a2a.utils.errors import ServerError

import deeds
import door

# The test kit of 0.3 takes the address of the card for that of JSON-RPC.
RPC, REST = "/", "/rest"
PACE_SECONDS = 0.5
ENDED = (TaskState.completed, TaskState.failed, TaskState.canceled, TaskState.rejected)


def part(text=None, data=None, raw=None, url=None, media_type=None, filename=None):
    if text is not None:
        return Part(root=TextPart(text=text))
    if data is not None:
        return Part(root=DataPart(data=data))
    described = {"mime_type": media_type, "name": filename}
    if url is not None:
        return Part(root=FilePart(file=FileWithUri(uri=url, **described)))
    return Part(root=FilePart(file=FileWithBytes(bytes=base64.b64encode(raw).decode(), **described)))


class Turn:
    """The verbs of `deeds.py` for one task of the SDK."""

    def __init__(self, queue, context):
        self.queue, self.context = queue, context
        self.updater = TaskUpdater(queue, context.task_id, context.context_id)
        self.begun = context.current_task is not None

    async def begin(self):
        """The task comes first; a direct message comes without one."""
        if not self.begun:
            self.begun = True
            await self.queue.enqueue_event(new_task(self.context.message))

    def words(self, text):
        return self.updater.new_agent_message([part(text=text)]) if text else None

    async def work(self):
        await self.begin()
        await self.updater.start_work()

    async def artifact(self, parts, name=None, append=None, last=None):
        await self.begin()
        made = [part(**each) for each in parts]
        await self.updater.add_artifact(made, artifact_id=name, append=append, last_chunk=last)

    async def complete(self, text=None):
        await self.begin()
        await self.updater.complete(self.words(text))

    async def fail(self, text):
        await self.begin()
        await self.updater.failed(self.words(text))

    async def reject(self, text):
        await self.begin()
        await self.updater.reject(self.words(text))

    async def ask(self, text):
        await self.begin()
        await self.updater.requires_input(self.words(text), final=True)

    async def ask_for_authorization(self, text):
        await self.begin()
        await self.updater.requires_auth(self.words(text), final=True)

    async def message(self, text):
        await self.queue.enqueue_event(self.updater.new_agent_message([part(text=text)]))


class Executor(AgentExecutor):
    def __init__(self, for_kit):
        self.for_kit = for_kit

    async def execute(self, context, event_queue):
        turn = Turn(event_queue, context)
        task = context.current_task
        waiting = task is not None and task.status.state in (TaskState.input_required, TaskState.auth_required)
        message_id = context.message.message_id
        if self.for_kit and not message_id.startswith(tuple(deeds.DEEDS)):
            return await self.walk(turn)
        headers = seen(context.call_context)
        await deeds.act(turn, message_id, context.get_user_input(), headers, waiting)

    async def walk(self, turn):
        """One state after the other."""
        await turn.begin()
        await turn.updater.submit()
        await asyncio.sleep(PACE_SECONDS)
        await turn.work()
        await asyncio.sleep(PACE_SECONDS)
        await turn.artifact([{"text": "Hello World"}])
        await turn.ask("What else?")

    async def cancel(self, context, event_queue):
        if context.current_task.status.state in ENDED:
            raise ServerError(TaskNotCancelableError())
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


def seen(call):
    """The header fields of a request over HTTP, or the metadata of one over gRPC."""
    if call is None:
        return {}
    over_grpc = call.state.get("grpc_context")
    if over_grpc is None:
        return call.state.get("headers", {})
    metadata = over_grpc.invocation_metadata() or ()
    return {name: value if isinstance(value, str) else value.hex() for name, value in metadata}


def card_of(asked, origin, grpc_port, extended=False):
    grpc_url = f"{'http://' if asked.kit else ''}127.0.0.1:{grpc_port}"
    urls = {"JSONRPC": f"{origin}{RPC}", "HTTP+JSON": f"{origin}{REST}", "GRPC": grpc_url}
    bindings = asked.bindings.split(",")
    skills = [AgentSkill(id="deeds", name="Deeds", description="Does what the messageId says", tags=["test"])]
    if extended:
        skills.append(AgentSkill(id="secret", name="Secret", description="For known callers", tags=["test"]))
    return AgentCard(
        name="Python v0.3 agent",
        description="An agent on the Python SDK of A2A 0.3 that does what it is told",
        version="0.3.26",
        protocol_version="0.3.0",
        url=urls[bindings[0]],
        preferred_transport=bindings[0],
        additional_interfaces=[AgentInterface(transport=each, url=urls[each]) for each in bindings],
        capabilities=AgentCapabilities(streaming=True, push_notifications=True, state_transition_history=True),
        default_input_modes=["text/plain", "text"],
        default_output_modes=["text/plain"],
        skills=skills,
        supports_authenticated_extended_card=not asked.kit,
    )


def http_app(handler, card, extended):
    jsonrpc = A2AStarletteApplication(card, handler, extended_agent_card=extended)
    rest = A2ARESTFastAPIApplication(
        card, handler, extended_agent_card=extended, context_builder=DefaultCallContextBuilder()
    )
    app = jsonrpc.build(rpc_url=RPC)
    app.mount(REST, rest.build())
    return app


async def main(asked):
    listener, port = door.listen(asked.port)
    origin = f"http://127.0.0.1:{port}"
    grpc_side, grpc_port = door.grpc_server(asked.token, asked.grpc_port) if "GRPC" in asked.bindings else (None, 0)
    card, extended = (card_of(asked, origin, grpc_port, each) for each in (False, True))
    configs = InMemoryPushNotificationConfigStore()
    handler = DefaultRequestHandler(
        agent_executor=Executor(asked.kit),
        task_store=InMemoryTaskStore(),
        push_config_store=configs,
        push_sender=BasePushNotificationSender(httpx.AsyncClient(timeout=10), configs),
    )
    if grpc_side:
        a2a_pb2_grpc.add_A2AServiceServicer_to_server(GrpcHandler(extended, handler), grpc_side)
    app = http_app(handler, card, extended)
    said = {"listening": port, "grpc": grpc_port, "base": origin, "card": f"{origin}{door.CARD}"}
    await door.serve(door.Bearer(app, asked.token) if asked.token else app, listener, grpc_side, said)


if __name__ == "__main__":
    parser = door.options(__doc__)
    parser.add_argument("--kit", action="store_true", help="be as the test kit of 0.3 wants it")
    asyncio.run(main(parser.parse_args()))
