"""Modules that take long to import, imported while the supervisor waits for its processes anyway."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

# One after another: of two that are imported at once, and share a third, one may see it half made.
_ONE_AT_A_TIME = ThreadPoolExecutor(1, thread_name_prefix="imports")


async def imported(module: str) -> Any:  # noqa: ANN401 - a module
    """A module, imported beside the event loop. Raises ImportError."""
    return await asyncio.get_running_loop().run_in_executor(_ONE_AT_A_TIME, import_module, module)
