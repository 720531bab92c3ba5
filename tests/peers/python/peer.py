"""How every Python peer begins and ends, and what it answers when a server asks it something.

    python SCRIPT URL [TOKEN] [auto|modern|legacy]
"""

import asyncio
import os
import sys
import warnings

from notices import Notices
from report import describe, finish, report
from suite import run

MODES = {"auto": "auto", "modern": "2026-07-28", "legacy": "legacy"}

# The texts are looked for in what the server says next.
ELICITED = {"name": "Ada", "check": True}
ROOT = "file:///srv/peer"


def start(connect):
    """Puts a peer through its suite.

    `connect(url, token, mode, notices)` is an async context manager that yields it; its SDK hands every message to
    `notices.hear`.
    """

    async def main(url, token=None, era="auto"):
        async with connect(url, token or None, MODES[era], Notices()) as peer:
            await run(peer, os.environ.get("PEER_HIDDEN"))
            finish()

    warnings.simplefilter("ignore")
    try:
        asyncio.run(main(*sys.argv[1:]))
    except BaseException as error:  # noqa: BLE001
        report("connect", False, describe(error))
        finish()


def reference(types, prompt, template):
    """What is completed, in the types of an SDK."""
    if prompt:
        return types.PromptReference(type="ref/prompt", name=prompt)
    return types.ResourceTemplateReference(type="ref/resource", uri=template)
