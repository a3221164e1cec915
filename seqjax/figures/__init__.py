"""Pictures of a run, written as PNG.

Every function takes the path first and a title, writes the file whole or not at all,
and returns the matplotlib Figure that it wrote. None of them touches pyplot.

matplotlib takes as long to import as all of JAX, and a run draws when it is over: so
it is imported when the first of these names is looked up.
"""

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqjax.figures.everything import *  # noqa: F403


def __getattr__(name: str) -> Any:
    """Looks up a figure, or one of the package's modules that was imported."""
    found = None
    if not name.startswith("_"):
        everything = importlib.import_module(f"{__name__}.everything")
        found = getattr(everything, name, None) or sys.modules.get(f"{__name__}.{name}")
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return found


class _Package(types.ModuleType):
    """A package whose modules do not hide the functions of their names."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, types.ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
