"""The client of the last Python SDK of A2A 0.3 at an agent, over one binding. That version has no list of tasks."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))

import grpc
import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.types import (
    DataPart,
    GetTaskPushNotificationConfigParams,
    Message,
    MessageSendConfiguration,
    Part,
    PushNotificationAuthenticationInfo,
    PushNotificationConfig,
    Role,
    TaskArtifactUpdateEvent,
    TaskIdParams,
    TaskPushNotificationConfig,
    TaskQueryParams,
    TaskStatusUpdateEvent,
    TextPart,
)

import visits


def part(value):
    return value.root.data if isinstance(value.root, DataPart) else value.root.text


def artifact(value):
    parts = [part(each) for each in value.parts]
    return parts[0] if len(parts) == 1 else "".join(parts)


def task(value):
    return {
        "id": value.id,
        "context": value.context_id,
        "state": value.status.state.value,
        "artifacts": {each.artifact_id: artifact(each) for each in value.artifacts or []},
        "history": [each.message_id for each in value.history or []],
    }


def event(value):
    if isinstance(value, Message):
        return "message", part(value.parts[0])
    whole, update = value
    if isinstance(update, TaskStatusUpdateEvent):
        return "status", update.status.state.value
    if isinstance(update, TaskArtifactUpdateEvent):
        return "artifact", (update.artifact.artifact_id, artifact(update.artifact), update.append)
    return "task", task(whole)


def webhook(value):
    config = value.push_notification_config
    return {"id": config.id, "url": config.url, "token": config.token}


class Metadata(grpc.aio.UnaryUnaryClientInterceptor, grpc.aio.UnaryStreamClientInterceptor):
    """Shows the token over gRPC, where this SDK has no way of its own."""

    def __init__(self, token):
        self.entry = ("authorization", f"Bearer {token}")

    async def intercept_unary_unary(self, continuation, details, request):
        return await continuation(self.with_token(details), request)

    async def intercept_unary_stream(self, continuation, details, request):
        return await continuation(self.with_token(details), request)

    def with_token(self, details):
        metadata = [*(details.metadata or ()), self.entry]
        return grpc.aio.ClientCallDetails(
            details.method, details.timeout, grpc.aio.Metadata(*metadata), details.credentials, details.wait_for_ready
        )


class Both(list):
    """An interceptor has to be of one kind only."""

    def __init__(self, token):
        one, many = (type("Of", (kind,), dict(Metadata.__dict__)) for kind in Metadata.__bases__)
        super().__init__([one(token), many(token)] if token else [])


class Peer:
    lists_webhooks = False

    def __init__(self, asked):
        self.asked = asked
        self.lacks = ["list"]

    def config(self, streaming, token):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return ClientConfig(
            streaming=streaming,
            httpx_client=httpx.AsyncClient(timeout=30, headers=headers),
            grpc_channel_factory=lambda url: grpc.aio.insecure_channel(url, interceptors=Both(token)),
            supported_transports=[self.asked.binding],
        )

    def client(self, streaming, token=None):
        return ClientFactory(self.config(streaming, token)).create(self.found)

    def shown(self, card):
        more = [each.transport for each in card.additional_interfaces or []]
        return {
            "name": card.name,
            "bindings": [card.preferred_transport, *more],
            "urls": [card.url, *(each.url for each in card.additional_interfaces or [])],
            "skills": [each.id for each in card.skills],
            "verified": False,
        }

    async def card(self):
        async with httpx.AsyncClient() as client:
            self.found = await A2ACardResolver(client, self.asked.base).get_agent_card()
        self.once, self.streaming = (self.client(each, self.asked.token) for each in (False, True))
        return self.shown(self.found)

    async def extended_card(self):
        return self.shown(await self.client(False, self.asked.token).get_card())

    def message(self, message_id, text, follows):
        follows = follows or {"id": None, "context": None}
        parts = [Part(root=TextPart(text=text))]
        ids = {"task_id": follows["id"], "context_id": follows["context"]}
        return Message(message_id=message_id, role=Role.user, parts=parts, **ids)

    async def send(self, message_id, text, follows=None, returns=False):
        message = self.message(message_id, text, follows)
        configuration = MessageSendConfiguration(blocking=not returns)
        events = [event(each) async for each in self.once.send_message(message, configuration=configuration)]
        visits.equal(len(events), 1, "answers")
        return events[0][1]

    async def stream(self, message_id, text):
        async for each in self.streaming.send_message(self.message(message_id, text, None)):
            yield event(each)

    async def get(self, task_id):
        return task(await self.once.get_task(TaskQueryParams(id=task_id)))

    async def cancel(self, task_id):
        return task(await self.once.cancel_task(TaskIdParams(id=task_id)))

    async def subscribe(self, task_id):
        async for each in self.streaming.resubscribe(TaskIdParams(id=task_id)):
            yield event(each)

    async def push_create(self, task_id, config_id, url, token, credentials):
        authentication = PushNotificationAuthenticationInfo(schemes=["Bearer"], credentials=credentials)
        config = PushNotificationConfig(id=config_id, url=url, token=token, authentication=authentication)
        request = TaskPushNotificationConfig(task_id=task_id, push_notification_config=config)
        return webhook(await self.once.set_task_callback(request))

    async def push_get(self, task_id, config_id):
        request = GetTaskPushNotificationConfigParams(id=task_id, push_notification_config_id=config_id)
        return webhook(await self.once.get_task_callback(request))

    def expect_missing(self, error):
        said = f"{error!r} {error}"
        holds = any(word in said for word in ("-32001", "404", "NOT_FOUND", "TaskNotFound"))
        visits.holds(holds, said)

    async def refused_without_token(self):
        try:
            await self.client(False).get_task(TaskQueryParams(id="any"))
        except Exception as error:  # noqa: BLE001 (every binding has a class of its own)
            said = f"{error!r} {error}"
            return "401" in said or "UNAUTHENTICATED" in said
        return False


if __name__ == "__main__":
    asked = visits.arguments(__doc__)
    asyncio.run(visits.run(Peer(asked), asked))
