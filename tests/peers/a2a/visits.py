"""What a client of the Python SDKs tries at an agent: one JSON line per check, as in `../python/report.py`.

The SDKs differ in names; `client_v1.py` and `client_v03.py` hand in an object whose verbs give plain values:

task    {id, context, state, artifacts: {id: text or data}, history}; states as 0.3 writes them
event   (kind, value): ("task", task), ("status", state), ("artifact", (id, text, append)), ("message", text)
"""

import argparse
import asyncio
import json
import uuid

from report import check, equal, finish, holds

CHUNKS = 100


def arguments(description, bindings=("JSONRPC", "HTTP+JSON", "GRPC")):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("base", help="where the card is, without the path of the standard")
    parser.add_argument("binding", choices=bindings)
    parser.add_argument("--token", default="", help="the bearer token to show")
    parser.add_argument("--signed", action="store_true", help="the cards have to have a signature that verifies")
    parser.add_argument("--skip", default="", help="checks that are left out, with commas between; of push, `token`, `credentials`, `listing`")
    return parser.parse_args()


def fresh(prefix):
    return f"{prefix}-{uuid.uuid4()}"


class Webhook:
    """Takes notifications on a port of its own."""

    def __init__(self):
        self.deliveries = []
        self.came = asyncio.Event()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.take, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/hook"
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def take(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.split(": ", 1) for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, value in lines}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.deliveries.append((headers, json.loads(body)))
        self.came.set()
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def until(self, found):
        while not any(found(body) for _, body in self.deliveries):
            self.came.clear()
            await self.came.wait()


def texts(events, artifact):
    return "".join(value[1] for kind, value in events if kind == "artifact" and value[0] == artifact)


class Visit:
    def __init__(self, peer, asked):
        self.peer, self.asked = peer, asked
        self.skipped = asked.skip.split(",")

    async def card(self):
        card = await self.peer.card()
        holds(self.asked.binding in card["bindings"], f"the card names {card['bindings']}")
        holds("secret" not in card["skills"], "the public card shows what only known callers may see")
        if self.asked.signed:
            holds(card["verified"], "the card has no signature that verifies")
        return card

    async def extended(self):
        card = await self.peer.extended_card()
        holds("secret" in card["skills"], f"the extended card has {card['skills']}")
        if self.asked.signed:
            holds(card["verified"], "the extended card has no signature that verifies")
        return card

    async def send(self):
        task = await self.peer.send(fresh("own-echo"), "Grüße 🚪")
        equal(task["state"], "completed", "state")
        equal(list(task["artifacts"].values()), ["Grüße 🚪"], "artifacts")
        return task

    async def message(self):
        equal(await self.peer.send(fresh("own-message"), "hello"), "Direct message response", "message")

    async def stream(self):
        events = [event async for event in self.peer.stream(fresh("own-chunks"), "go")]
        equal(events[0][0], "task", "the first event")
        equal(texts(events, "chunks"), "".join(f"{number} " for number in range(CHUNKS)), "chunks")
        equal(events[-1], ("status", "completed"), "the last event")
        return len(events)

    async def get(self):
        sent = await self.peer.send(fresh("own-echo"), "kept")
        task = await self.peer.get(sent["id"])
        equal((task["id"], task["context"], task["state"]), (sent["id"], sent["context"], "completed"), "task")
        equal(task["artifacts"], sent["artifacts"], "artifacts")

    async def list(self):
        sent = await self.peer.send(fresh("own-echo"), "listed")
        other = await self.peer.send(fresh("own-echo"), "elsewhere")
        found = await self.peer.list(sent["context"])
        equal([task["id"] for task in found], [sent["id"]], "tasks of the context")
        everything = [task["id"] for task in await self.peer.list(None)]
        holds({sent["id"], other["id"]} <= set(everything), "a task is missing")

    async def question(self):
        asked = await self.peer.send(fresh("own-input"), "which?")
        equal(asked["state"], "input-required", "state")
        task = await self.peer.send(fresh("answer"), "that one", asked)
        equal((task["id"], task["state"]), (asked["id"], "completed"), "task")
        equal(list(task["artifacts"].values()), ["answered: that one"], "artifacts")

    async def failure(self):
        task = await self.peer.send(fresh("own-fail"), "try")
        equal(task["state"], "failed", "state")

    async def cancel(self):
        task = await self.peer.send(fresh("own-endless"), "go", returns=True)
        holds(task["state"] in ("submitted", "working"), task["state"])
        equal((await self.peer.cancel(task["id"]))["state"], "canceled", "state")

    async def subscribe(self):
        task = await self.peer.send(fresh("own-slow"), "go", returns=True)
        events = [event async for event in self.peer.subscribe(task["id"])]
        equal(events[-1], ("status", "completed"), "the last event")
        holds(any(kind == "artifact" for kind, _ in events), "no artifact came")
        return [kind for kind, _ in events]

    async def push(self):
        async with Webhook() as webhook:
            task = await self.peer.send(fresh("own-slow"), "go", returns=True)
            name = fresh("hook")
            made = await self.peer.push_create(task["id"], name, webhook.url, "the-token", "the-secret")
            # A gateway keeps secrets to itself.
            made["token"] = made["token"] or "the-token"
            equal(made, {"id": name, "url": webhook.url, "token": "the-token"}, "webhook")
            got = await self.peer.push_get(task["id"], made["id"])
            equal((got["id"], got["url"]), (made["id"], webhook.url), "webhook")
            if self.peer.lists_webhooks and "listing" not in self.skipped:
                listed = await self.peer.push_list(task["id"])
                equal([each["id"] for each in listed], [made["id"]], "webhooks")
            await webhook.until(lambda body: "completed" in json.dumps(body).lower())
            for headers, _ in webhook.deliveries:
                if "token" not in self.skipped:
                    equal(headers.get("x-a2a-notification-token"), "the-token", "token")
                if "credentials" not in self.skipped:
                    equal(headers.get("authorization"), "Bearer the-secret", "authorization")
            if self.peer.lists_webhooks and "listing" not in self.skipped:
                await self.peer.push_delete(task["id"], made["id"])
                equal(await self.peer.push_list(task["id"]), [], "webhooks after the deletion")
            return [body for _, body in webhook.deliveries][-1]

    async def missing(self):
        try:
            await self.peer.get("no-such-task")
        except Exception as error:  # noqa: BLE001 (which class it is, the peer knows)
            return self.peer.expect_missing(error)
        raise AssertionError("a task that nobody made was found")

    async def headers(self):
        """What reached the agent; the test looks at it."""
        task = await self.peer.send(fresh("own-headers"), "show")
        return next(iter(task["artifacts"].values()))

    async def refused(self):
        holds(await self.peer.refused_without_token(), "it goes without a token too")


CHECKS = (
    "card extended send message stream get list question failure cancel subscribe push missing headers refused"
).split()


async def run(peer, asked):
    visit = Visit(peer, asked)
    skipped = {*visit.skipped, *peer.lacks}
    if not asked.token:
        skipped.add("refused")
    for name in CHECKS:
        if name not in skipped:
            await check(name, getattr(visit, name))
    finish()
