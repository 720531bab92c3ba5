"""What the SDKs in Python do about OAuth by themselves.

    python oauth.py v1|v2 URL TOOL [CLIENT-DOCUMENT]
"""

import asyncio
import os
import subprocess
import sys
from base64 import b64encode
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from urllib.request import Request, urlopen

from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.shared.auth import OAuthClientMetadata, OAuthToken
from report import describe, finish, report

SDK, URL, TOOL, *DOCUMENT = sys.argv[1:]
REDIRECT = "http://localhost:33419/callback"


class Kept(TokenStorage):
    """Everything in memory, as an application would have it in its own store."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


class Person:
    """Goes where the SDK sends them, and brings back what they were told."""

    def __init__(self):
        self.sent = []

    async def go(self, url):
        self.sent.append(dict(parse_qsl(urlsplit(url).query)))
        browser = [os.environ["DOORWARD_NODE"], os.environ["DOORWARD_BROWSER"], url, REDIRECT]
        said = await asyncio.to_thread(subprocess.run, browser, stdout=subprocess.PIPE, check=True, text=True)
        self.answer = dict(parse_qsl(said.stdout.strip()))

    async def come_back(self):
        if SDK == "v1":
            return self.answer["code"], self.answer["state"]
        from mcp.client.auth import AuthorizationCodeResult

        return AuthorizationCodeResult(**{name: self.answer.get(name) for name in ("code", "state", "iss")})


async def call(auth):
    """Connects anew and calls the tool."""
    if SDK == "v1":
        from mcp import ClientSession
        from mcp.client.streamable_http import streamablehttp_client

        async with streamablehttp_client(URL, auth=auth) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return (await session.call_tool(TOOL, {})).content[0].text
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async with httpx2.AsyncClient(auth=auth) as http, Client(streamable_http_client(URL, http_client=http)) as client:
        return (await client.call_tool(TOOL, {})).content[0].text


async def main():
    kept, person = Kept(), Person()

    def provider():
        # Without token_endpoint_auth_method: whoever leaves it out means HTTP Basic.
        metadata = OAuthClientMetadata(
            client_name=f"py-{SDK}",
            redirect_uris=[REDIRECT],
            grant_types=["authorization_code", "refresh_token"],
        )
        document = {"client_metadata_url": DOCUMENT[0]} if DOCUMENT else {}
        return OAuthClientProvider(URL, metadata, kept, person.go, person.come_back, **document)

    async def first():
        said = await call(provider())
        assert len(person.sent) == 1, person.sent
        asked = person.sent[0]
        assert asked["resource"] == URL and asked["code_challenge_method"] == "S256", asked
        assert (asked["client_id"] in DOCUMENT) == bool(DOCUMENT), asked
        return said

    async def refresh():
        before = kept.tokens.refresh_token
        auth = provider()
        await auth._initialize()
        # It refreshes by its own clock only, and discovers only after a refusal: both as if time had passed.
        auth.context.token_expiry_time = 1
        said = await call(auth)
        assert kept.tokens.refresh_token != before, "the refresh token did not rotate"
        return said

    async def step_up():
        form = {"grant_type": "refresh_token", "refresh_token": kept.tokens.refresh_token, "scope": "mcp:read"}
        form["client_id"] = kept.client.client_id
        request = Request(urljoin(URL, "/token"), urlencode(form).encode())
        if kept.client.client_secret:
            both = f"{kept.client.client_id}:{kept.client.client_secret}"
            request.add_header("Authorization", "Basic " + b64encode(both.encode()).decode())
        with urlopen(request) as answer:
            kept.tokens = OAuthToken.model_validate_json(answer.read())
        assert "mcp:call" not in kept.tokens.scope, kept.tokens.scope
        said = await call(provider())
        # The SDK asked the person for more, as the challenge says.
        assert len(person.sent) == 2 and "mcp:call" in person.sent[1]["scope"], person.sent
        return said

    for name, check in (("call", first), ("refresh", refresh), ("step-up", step_up)):
        try:
            report(name, True, await check())
        except BaseException as error:  # noqa: BLE001
            report(name, False, describe(error))
    finish()


asyncio.run(main())
