"""The way in to the agents of the Python SDKs: ports of their own choice, and a bearer token where one is wanted."""

import argparse
import asyncio
import json
import socket
import sys

import grpc
import uvicorn

BINDINGS = ("JSONRPC", "HTTP+JSON", "GRPC")
CARD = "/.well-known/agent-card.json"
OPEN = (CARD, "/.well-known/jwks.json")


def options(description, bindings=BINDINGS):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="of HTTP on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--grpc-port", type=int, default=0, help="of gRPC on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--bindings", default=",".join(bindings), help="which to offer, the preferred first")
    parser.add_argument("--token", help="refuse every request without this bearer token, except for the card")
    return parser


def listen(port):
    """A socket on 127.0.0.1, and the port that it got."""
    listener = socket.create_server(("127.0.0.1", port))
    return listener, listener.getsockname()[1]


class Bearer:
    """Refuses HTTP requests without the token."""

    def __init__(self, app, token):
        self.app = app
        self.wanted = f"Bearer {token}".encode()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["path"] in OPEN:
            return await self.app(scope, receive, send)
        if dict(scope["headers"]).get(b"authorization") == self.wanted:
            return await self.app(scope, receive, send)
        headers = [(b"www-authenticate", b'Bearer realm="agent"'), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"error":"no token"}'})


class BearerInterceptor(grpc.aio.ServerInterceptor):
    """Refuses gRPC calls without the token."""

    def __init__(self, token):
        self.wanted = f"Bearer {token}"

    async def intercept_service(self, continuation, details):
        handler = await continuation(details)
        if handler is None or dict(details.invocation_metadata).get("authorization") == self.wanted:
            return handler

        async def refuse(_request, context):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")

        async def refuse_stream(_request, context):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")
            yield

        readers = handler.request_deserializer, handler.response_serializer
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(refuse_stream, *readers)
        return grpc.unary_unary_rpc_method_handler(refuse, *readers)


def grpc_server(token, port):
    """A server that is not started yet, and the port that it got."""
    server = grpc.aio.server(interceptors=[BearerInterceptor(token)] if token else [])
    return server, server.add_insecure_port(f"127.0.0.1:{port}")


async def serve(app, listener, grpc_side, said):
    """Serves until the process ends; `said` goes to the first line of output once everything listens."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    if grpc_side:
        await grpc_side.start()
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    print(json.dumps(said), flush=True)
    await running
    if grpc_side:
        await grpc_side.stop(0)
    sys.exit(0)
