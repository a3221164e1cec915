"""What a message shows of a file: its beginning, as it can be printed."""

import reprlib
from collections.abc import Iterable
from typing import Any

QUOTED = 60  # characters of a file that a message shows
_SAID = 200  # characters of another library's reason


def shown(value: Any) -> str:
    """Quotes something of a file for a message, of which the beginning is enough.

    Example:
      >>> shown("a" * 70)
      "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'…"
    """
    if isinstance(value, str):
        return repr(value[:QUOTED]) + "…" * (len(value) > QUOTED)
    text = reprlib.repr(value)
    return text[:QUOTED] + "…" * (len(text) > QUOTED)


def listed(names: Iterable[str]) -> str:
    """Lists names that stand in a file, as far as a message should."""
    return shown(", ".join(names) or "none").replace("'", "")


def reason(error: BaseException) -> str:
    """Returns why another library refuses a file: the beginning of its first line."""
    line = next(iter(str(error).splitlines()), "").strip().rstrip(".:")
    line = "".join(c if c.isprintable() else "?" for c in line[:_SAID])
    return line or type(error).__name__
