"""An agent on the Python SDK of A2A 1.0 with everything that the SDK has: three bindings, streams, push, extended card.

What it does with a message is in `deeds.py`. The first line of output is {listening, grpc, base, card}.
"""

import asyncio

import httpx
from a2a.compat.v0_3 import a2a_v0_3_pb2_grpc
from a2a.compat.v0_3.grpc_handler import CompatGrpcHandler
from a2a.helpers import new_data_part, new_task_from_user_message
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler, GrpcHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import (
    BasePushNotificationSender,
    InMemoryPushNotificationConfigStore,
    InMemoryTaskStore,
    TaskUpdater,
)
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentProvider, AgentSkill, Part, TaskState
from a2a.types import a2a_pb2_grpc
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

import deeds
import door

RPC, REST = "/rpc", "/rest"


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
            await self.queue.enqueue_event(new_task_from_user_message(self.context.message))

    def words(self, text):
        return self.updater.new_agent_message([Part(text=text)]) if text else None

    async def work(self):
        await self.begin()
        await self.updater.start_work()

    async def artifact(self, parts, name=None, append=None, last=None):
        await self.begin()
        made = [new_data_part(**part) if "data" in part else Part(**part) for part in parts]
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
        await self.updater.requires_input(self.words(text))

    async def ask_for_authorization(self, text):
        await self.begin()
        await self.updater.requires_auth(self.words(text))

    async def message(self, text):
        await self.queue.enqueue_event(self.updater.new_agent_message([Part(text=text)]))


class Executor(AgentExecutor):
    async def execute(self, context, event_queue):
        task = context.current_task
        waiting = task is not None and task.status.state in (
            TaskState.TASK_STATE_INPUT_REQUIRED,
            TaskState.TASK_STATE_AUTH_REQUIRED,
        )
        turn = Turn(event_queue, context)
        headers = seen(context.call_context)
        await deeds.act(turn, context.message.message_id, context.get_user_input(), headers, waiting)

    async def cancel(self, context, event_queue):
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


def interfaces(asked, origin, grpc_port):
    urls = {
        # The SDK takes tenants before the prefix, every client appends them: only without a prefix both agree.
        "JSONRPC": f"{origin}{RPC}",
        "HTTP+JSON": origin if asked.tenant else f"{origin}{REST}",
        "GRPC": f"127.0.0.1:{grpc_port}",
    }
    versions = ["1.0", "0.3"] if asked.also_v03 else ["1.0"]
    return [
        AgentInterface(
            url=urls[binding],
            protocol_binding=binding,
            protocol_version=version,
            tenant=asked.tenant if version == "1.0" else None,
        )
        for version in versions
        for binding in asked.bindings.split(",")
    ]


def card_of(asked, origin, grpc_port, extended=False):
    skills = [AgentSkill(id="deeds", name="Deeds", description="Does what the messageId says", tags=["test"])]
    if extended:
        skills.append(AgentSkill(id="secret", name="Secret", description="For known callers", tags=["test"]))
    return AgentCard(
        name=asked.name,
        description="An agent on the Python SDK of A2A 1.0 that does what it is told",
        version="1.3.0",
        provider=AgentProvider(organization="Doorward", url="https://example.org"),
        supported_interfaces=interfaces(asked, origin, grpc_port),
        capabilities=AgentCapabilities(
            streaming=not asked.no_streaming, push_notifications=True, extended_agent_card=True
        ),
        default_input_modes=["text/plain", "application/json", "text"],
        default_output_modes=["text/plain", "application/json"],
        skills=skills,
    )


def signing(origin):
    """What signs cards with a new key, and the set that the key is published in."""
    import json

    import jwt
    from a2a.utils.signing import create_agent_card_signer
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(private.public_key()))
    public.update(kid="agent-1", alg="ES256", use="sig")
    protected = {"kid": "agent-1", "alg": "ES256", "typ": "JOSE", "jku": f"{origin}/.well-known/jwks.json"}
    return create_agent_card_signer(private, protected), {"keys": [public]}


def http_routes(asked, handler, card, keys):
    bindings = asked.bindings.split(",")
    routes = create_agent_card_routes(card, cache_control="public, max-age=60")
    if keys:
        routes.append(Route("/.well-known/jwks.json", lambda _request: JSONResponse(keys)))
    if "JSONRPC" in bindings:
        # The protocol's test kit asks at the address with a slash after it.
        for path in (RPC, f"{RPC}/"):
            routes += create_jsonrpc_routes(handler, path, enable_v0_3_compat=asked.also_v03)
    if "HTTP+JSON" in bindings:
        prefix = "" if asked.tenant else REST
        routes += create_rest_routes(handler, enable_v0_3_compat=asked.also_v03, path_prefix=prefix)
    return routes


async def main(asked):
    listener, port = door.listen(asked.port)
    origin = f"http://127.0.0.1:{port}"
    grpc_side, grpc_port = door.grpc_server(asked.token, asked.grpc_port) if "GRPC" in asked.bindings else (None, 0)
    card, extended = (card_of(asked, origin, grpc_port, each) for each in (False, True))
    keys = None
    if asked.sign:
        sign, keys = signing(origin)
        card, extended = sign(card), sign(extended)
    configs = InMemoryPushNotificationConfigStore()
    handler = DefaultRequestHandler(
        agent_executor=Executor(),
        task_store=InMemoryTaskStore(),
        agent_card=card,
        push_config_store=configs,
        push_sender=BasePushNotificationSender(httpx.AsyncClient(timeout=10), configs),
        extended_agent_card=extended,
        validate_input_modes=asked.strict_modes,
    )
    if grpc_side:
        a2a_pb2_grpc.add_A2AServiceServicer_to_server(GrpcHandler(handler), grpc_side)
        if asked.also_v03:
            a2a_v0_3_pb2_grpc.add_A2AServiceServicer_to_server(CompatGrpcHandler(handler), grpc_side)
    app = Starlette(routes=http_routes(asked, handler, card, keys))
    said = {"listening": port, "grpc": grpc_port, "base": origin, "card": f"{origin}{door.CARD}"}
    await door.serve(door.Bearer(app, asked.token) if asked.token else app, listener, grpc_side, said)


if __name__ == "__main__":
    parser = door.options(__doc__)
    parser.add_argument("--name", default="Python v1 agent")
    parser.add_argument("--tenant", help="the tenant that the card's interfaces want echoed")
    parser.add_argument("--sign", action="store_true", help="sign the cards with a new key, and publish that")
    parser.add_argument("--also-v03", action="store_true", help="speak 0.3 too, as the SDK translates it")
    parser.add_argument("--strict-modes", action="store_true", help="refuse media types that the card does not name")
    parser.add_argument("--no-streaming", action="store_true", help="declare that there are no streams")
    asyncio.run(main(parser.parse_args()))
