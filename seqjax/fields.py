"""Whether the fields of a dataclass hold what their annotations say.

A truth, a number or a choice that came as text, as from a command line, would else do
what nobody meant: ``coupled='False'`` is true.
"""

import collections.abc
import dataclasses
import functools
import math
import types
import typing
from numbers import Integral, Real
from typing import Any

LARGEST = 2**63 - 1  # of whole numbers


def check(value: Any) -> None:
    """Raises ValueError unless each field of a dataclass is of its annotated kind.

    What is looked at are bool, int, float (of finite numbers), str, None, Literal,
    functions, tuples and unions of these; a field of another kind may hold anything.
    """
    for name, hint in _hints(type(value)).items():
        if not fits(found := getattr(value, name), hint):
            raise ValueError(
                f"{type(value).__name__}.{name} must be {_spelled(hint)}, not "
                f"{repr(found)[:60]}"
            )


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated kind; of a kind not looked at, it is.

    Example:
      >>> fits(True, bool), fits("False", bool), fits(math.nan, float), fits(1, float)
      (True, False, False, True)
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, each) for each in arguments)
    if origin is typing.Literal:
        return any(type(value) is type(each) and value == each for each in arguments)
    if origin is tuple and isinstance(value, tuple):
        if arguments[1:] == (...,):
            return all(fits(each, arguments[0]) for each in value)
        return len(value) == len(arguments) and all(map(fits, value, arguments))
    kind = _KINDS.get(origin or hint)
    return kind is None or kind[0](value)


def _is_whole(value: Any) -> bool:
    is_one = isinstance(value, Integral) and not isinstance(value, bool)
    return is_one and abs(int(value)) <= LARGEST


def _is_finite(value: Any) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    return isinstance(value, Integral) or math.isfinite(value)


_KINDS: dict[Any, tuple[Any, str]] = {
    bool: (lambda value: isinstance(value, bool), "True or False"),
    int: (_is_whole, "a whole number"),
    float: (_is_finite, "a finite number"),
    str: (lambda value: isinstance(value, str), "a text"),
    tuple: (lambda value: isinstance(value, tuple), "a tuple"),
    types.NoneType: (lambda value: value is None, "None"),
    collections.abc.Callable: (callable, "a function"),
}


def _spelled(hint: Any) -> str:
    """An annotation in words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_spelled, arguments))
    if origin is typing.Literal:
        return f"one of {', '.join(map(repr, arguments))}"
    if origin is tuple:
        each = (_spelled(a) for a in arguments if a is not ...)
        return f"({', '.join(each)}{', …' * (arguments[1:] == (...,))})"
    return _KINDS.get(origin or hint, (None, getattr(hint, "__name__", str(hint))))[1]


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    """The annotations of a dataclass's fields; none where a name cannot be resolved."""
    try:
        hints = typing.get_type_hints(kind)
    except NameError:  # of a class inside a function, whose annotations are texts
        return {}
    names = (field.name for field in dataclasses.fields(kind) if field.init)
    return {name: hints[name] for name in names if name in hints}
