"""Notifications, waited for in the order in which they are wanted, not in which they come."""

import asyncio

from report import wire


class Notices:
    """Keeps what arrived; `wait` looks at that first."""

    def __init__(self):
        self.arrived = []
        self.changed = asyncio.Condition()

    async def hear(self, message):
        """Takes what an SDK hands on; only notifications and results have a form on the wire."""
        if hasattr(message, "model_dump"):
            note = wire(message)
            await self.add(note["method"], note.get("params", {}))

    async def add(self, method, params):
        async with self.changed:
            self.arrived.append((method, params))
            self.changed.notify_all()

    def since_now(self):
        """A function that waits for a notification that arrives from now on."""
        first = len(self.arrived)

        async def wait(method, wanted):
            async with self.changed:
                while True:
                    for each, params in self.arrived[first:]:
                        if each == method and wanted(params):
                            return params
                    await self.changed.wait()

        return wait
