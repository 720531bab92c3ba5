"""An MCP server that is locked by the authorization server that its library brings along.

    python guarded.py

It prints where it is, as JSON. Access tokens live for four seconds; refresh tokens rotate. Who presents an expired access token loses the
refresh token too.
"""

import json
import socket

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth.auth import ClientRegistrationOptions, RevocationOptions
from fastmcp.server.auth.providers import in_memory
from fastmcp.server.dependencies import get_access_token

SCOPE = "tools"

listener = socket.create_server(("127.0.0.1", 0))
base = f"http://127.0.0.1:{listener.getsockname()[1]}"
in_memory.DEFAULT_ACCESS_TOKEN_EXPIRY_SECONDS = 4


class Provider(in_memory.InMemoryOAuthProvider):
    """Counts renewals."""

    renewals = 0

    async def exchange_refresh_token(self, client, refresh_token, scopes):
        Provider.renewals += 1
        return await super().exchange_refresh_token(client, refresh_token, scopes)


provider = Provider(
    base_url=base,
    client_registration_options=ClientRegistrationOptions(enabled=True, valid_scopes=[SCOPE], default_scopes=[SCOPE]),
    revocation_options=RevocationOptions(enabled=True),
    required_scopes=[SCOPE],
)
server = FastMCP("guarded", auth=provider)


@server.tool
def whoami() -> str:
    """Says which client it is called by, and how often tokens were renewed."""
    return f"client {get_access_token().client_id}, renewed {Provider.renewals}"


print(json.dumps({"resource": f"{base}/mcp"}), flush=True)
config = uvicorn.Config(server.http_app(path="/mcp"), log_level="warning")
uvicorn.Server(config).run(sockets=[listener])
