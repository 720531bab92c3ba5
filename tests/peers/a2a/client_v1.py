"""The client of the Python SDK of A2A 1.0 at an agent, over one binding; at an agent of 0.3, what the SDK makes of that."""

import asyncio
import json
import sys
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))

import grpc
import httpx
import jwt
from a2a.client import ClientConfig, create_client
from a2a.client.client import ClientCallContext
from a2a.types import (
    AuthenticationInfo,
    CancelTaskRequest,
    DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    ListTaskPushNotificationConfigsRequest,
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageConfiguration,
    SendMessageRequest,
    SubscribeToTaskRequest,
    TaskNotFoundError,
    TaskPushNotificationConfig,
    TaskState,
)
from a2a.utils.signing import create_signature_verifier
from google.protobuf.json_format import MessageToDict

import visits


def state(number):
    return TaskState.Name(number).removeprefix("TASK_STATE_").lower().replace("_", "-")


def part(value):
    return MessageToDict(value)["data"] if value.HasField("data") else value.text


def artifact(value):
    parts = [part(each) for each in value.parts]
    return parts[0] if len(parts) == 1 else "".join(parts)


def task(value):
    return {
        "id": value.id,
        "context": value.context_id,
        "state": state(value.status.state),
        "artifacts": {each.artifact_id: artifact(each) for each in value.artifacts},
        "history": [each.message_id for each in value.history],
    }


def event(value):
    kind = value.WhichOneof("payload")
    if kind == "task":
        return "task", task(value.task)
    if kind == "status_update":
        return "status", state(value.status_update.status.state)
    if kind == "artifact_update":
        update = value.artifact_update
        return "artifact", (update.artifact.artifact_id, artifact(update.artifact), update.append)
    return "message", value.message.parts[0].text


def webhook(value):
    return {"id": value.id, "url": value.url, "token": value.token}


class Peer:
    lists_webhooks = True

    def __init__(self, asked):
        self.asked = asked
        self.lacks = []
        self.verified = False
        self.context = self.context_of(asked.token)

    @staticmethod
    def context_of(token):
        return ClientCallContext(service_parameters={"Authorization": f"Bearer {token}"} if token else None)

    def config(self, streaming):
        return ClientConfig(
            streaming=streaming,
            httpx_client=httpx.AsyncClient(timeout=30),
            grpc_channel_factory=grpc.aio.insecure_channel,
            supported_protocol_bindings=[self.asked.binding],
        )

    def key(self, kid, jku):
        """The key of a signature, from where the card came and from nowhere else."""
        origin = urllib.parse.urlsplit(self.asked.base)._replace(path="").geturl()
        if jku:
            visits.equal(jku, f"{origin}/.well-known/jwks.json", "jku")
        keys = httpx.get(f"{origin}/.well-known/jwks.json").json()["keys"]
        return jwt.PyJWK(next(each for each in keys if each["kid"] == kid))

    def verifier(self):
        verify = create_signature_verifier(self.key, ["ES256", "EdDSA"])

        def note(card):
            self.verified = False
            verify(card)
            self.verified = True

        return note if self.asked.signed else None

    async def start(self):
        verifier = self.verifier()
        self.once = await create_client(self.asked.base, self.config(False), signature_verifier=verifier)
        self.streaming = await create_client(self.asked.base, self.config(True))

    def shown(self, card):
        return {
            "name": card.name,
            "bindings": [each.protocol_binding for each in card.supported_interfaces],
            "urls": [each.url for each in card.supported_interfaces],
            "skills": [each.id for each in card.skills],
            "verified": self.verified,
        }

    async def card(self):
        await self.start()
        return self.shown(self.once._card)

    async def extended_card(self):
        request = GetExtendedAgentCardRequest()
        verifier = self.verifier()
        card = await self.once.get_extended_agent_card(request, context=self.context, signature_verifier=verifier)
        return self.shown(card)

    def request(self, message_id, text, follows=None, returns=False):
        message = Message(message_id=message_id, role=Role.ROLE_USER, parts=[Part(text=text)])
        if follows:
            message.task_id, message.context_id = follows["id"], follows["context"]
        configuration = SendMessageConfiguration(return_immediately=returns)
        return SendMessageRequest(message=message, configuration=configuration)

    async def send(self, message_id, text, follows=None, returns=False):
        request = self.request(message_id, text, follows, returns)
        events = [event(each) async for each in self.once.send_message(request, context=self.context)]
        visits.equal(len(events), 1, "answers")
        return events[0][1]

    async def stream(self, message_id, text):
        request = self.request(message_id, text)
        async for each in self.streaming.send_message(request, context=self.context):
            yield event(each)

    async def get(self, task_id):
        return task(await self.once.get_task(GetTaskRequest(id=task_id), context=self.context))

    async def list(self, context_id):
        request = ListTasksRequest(context_id=context_id or "")
        return [task(each) for each in (await self.once.list_tasks(request, context=self.context)).tasks]

    async def cancel(self, task_id):
        return task(await self.once.cancel_task(CancelTaskRequest(id=task_id), context=self.context))

    async def subscribe(self, task_id):
        request = SubscribeToTaskRequest(id=task_id)
        async for each in self.streaming.subscribe(request, context=self.context):
            yield event(each)

    async def push_create(self, task_id, config_id, url, token, credentials):
        authentication = AuthenticationInfo(scheme="Bearer", credentials=credentials)
        request = TaskPushNotificationConfig(
            task_id=task_id, id=config_id, url=url, token=token, authentication=authentication
        )
        return webhook(await self.once.create_task_push_notification_config(request, context=self.context))

    async def push_get(self, task_id, config_id):
        request = GetTaskPushNotificationConfigRequest(task_id=task_id, id=config_id)
        return webhook(await self.once.get_task_push_notification_config(request, context=self.context))

    async def push_list(self, task_id):
        request = ListTaskPushNotificationConfigsRequest(task_id=task_id)
        listed = await self.once.list_task_push_notification_configs(request, context=self.context)
        return [webhook(each) for each in listed.configs]

    async def push_delete(self, task_id, config_id):
        request = DeleteTaskPushNotificationConfigRequest(task_id=task_id, id=config_id)
        await self.once.delete_task_push_notification_config(request, context=self.context)

    def expect_missing(self, error):
        visits.holds(isinstance(error, TaskNotFoundError), f"{type(error).__name__}: {error}")

    async def refused_without_token(self):
        try:
            await self.once.get_task(GetTaskRequest(id="any"), context=ClientCallContext())
        except Exception as error:  # noqa: BLE001 (every binding has a class of its own)
            said = f"{error!r} {error}"
            return "401" in said or "Unauthorized" in said or "UNAUTHENTICATED" in said
        return False


if __name__ == "__main__":
    asked = visits.arguments(__doc__)
    asyncio.run(visits.run(Peer(asked), asked))
