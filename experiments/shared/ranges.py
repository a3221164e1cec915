"""What no flag may be, whatever its own bounds: no number, too large a one, no text."""

import math
from collections.abc import Iterable
from typing import Any

from absl import flags

from experiments.shared.errors import UsageError
from seqjax.data import DataError
from seqjax.data.parsing import LARGEST, is_number, number, whole_number
from seqjax.data.quoting import shown

WHOLE = 2**31 - 1  # the largest whole number, of 32 bits


def check(given: Iterable[flags.Flag]) -> None:
    """Refuses values of flags that nothing can be computed with.

    Args:
      given: flags with their values.

    Raises:
      UsageError: a number is NaN, infinite or beyond 32 bits, or a text is not UTF-8 or
        holds a null character. The message names the flag.
    """
    given = list(given)
    values = {flag.name: flag.value for flag in given}
    for flag in given:
        several = isinstance(flag.value, list | tuple)
        of_numbers = (
            several and bool(flag.default) and all(map(is_number, flag.default))
        )
        for value in flag.value if several else [flag.value]:
            if reason := _refused(value):
                raise UsageError(f"--{flag.name}: {reason}")
            if of_numbers:
                _each(number, [value], flag.name)
    last = (values.get("seed") or 0) + (values.get("seeds") or 1) - 1
    if last > WHOLE:
        raise UsageError(f"--seeds: the last seed, {last}, is {_BEYOND}")


def numbers(options: Any, name: str) -> list[float]:
    """The numbers in the list of a flag.

    Args:
      options: the values of the flags.
      name: of the flag.

    Raises:
      UsageError: one is no finite number.
    """
    return _each(number, getattr(options, name), name)


def whole_numbers(options: Any, name: str) -> list[int]:
    """The whole numbers from 0 on in the list of a flag; as `numbers`."""
    found = _each(whole_number, getattr(options, name), name)
    for value in found:
        if value > WHOLE:
            raise UsageError(f"--{name}: {value} is {_BEYOND}")
    return found


_BEYOND = "beyond the whole numbers of 32 bits"


def _each(parse: Any, texts: Iterable[str], name: str) -> list[Any]:
    try:
        return [parse(text, f"--{name}") for text in texts]
    except DataError as error:
        raise UsageError(str(error)) from None


def _refused(value: Any) -> str:
    """Why a value is refused; nothing if it is not."""
    if isinstance(value, str):
        if "\0" in value:
            return f"a null character in {shown(value)}"
        return "" if _is_utf8(value) else f"{shown(value)} is not UTF-8"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is no finite number"
    if isinstance(value, float) and abs(value) > LARGEST:
        return f"{value} is beyond the numbers of 32 bits"
    if isinstance(value, int) and abs(value) > WHOLE:
        return f"{value if abs(value) < 10**40 else 'this'} is {_BEYOND}"
    return ""


def _is_utf8(text: str) -> bool:
    """Whether a text came as UTF-8: what did not has surrogates in it."""
    return text == text.encode(errors="ignore").decode()
