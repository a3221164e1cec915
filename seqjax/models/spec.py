"""Models, layers and their settings as JSON, and back.

An object is written as its type and its fields, ``{"type": "seqjax.cells.lstm:LSTM",
"features": 128, …}``, a dictionary as ``{"dict": {…}}``, and a function as
``{"function": "jax.nn:relu"}``. Reading builds layers, Flax modules, and dataclasses
and NamedTuples of seqjax, but nothing else, so that a file cannot run what it likes.
"""

import dataclasses
import importlib
import sys
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import flax.linen as nn
import jax
import jax.numpy

from seqjax.layer import Layer

LONGEST = 200  # characters of a name, or of what is wrong with a value
OF_FLAX = {"parent", "name"}  # fields of every Flax module, which Flax itself fills
NUMERIC = {module.__name__: module for module in (jax.nn, jax.numpy, jax.lax)}


class SpecError(ValueError):
    """A value cannot be written as JSON, or JSON describes no value."""


def to_json(value: Any) -> Any:
    """Turns a model, a layer or a setting into what `json.dumps` can write.

    Args:
      value: None, a bool, a number, a string; a function of a module; a layer, a Flax
        module, a dataclass or NamedTuple of seqjax; or a list, tuple or dictionary
        (with strings as keys) of such values, nested at will.

    Returns:
      The same as lists, dictionaries, strings and numbers.

    Raises:
      SpecError: a value is of another kind; the message names the field that holds it.

    Example:
      >>> import json
      >>> from seqjax import LearnedInitialCarry, Residual
      >>> from seqjax.cells import make
      >>> layer = LearnedInitialCarry(Residual(make("lstm", features=8)))
      >>> from_json(json.loads(json.dumps(to_json(layer)))) == layer
      True
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, Mapping):
        return {"dict": _dict_to_json(value)}
    if dataclasses.is_dataclass(type(value)) or hasattr(value, "_fields"):
        return _object_to_json(value)
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if callable(value):
        return {"function": _path_of_function(value)}
    raise SpecError(f"a {type(value).__name__} cannot be written as JSON")


def from_json(data: Any) -> Any:
    """Builds what `to_json` described; lists come back as tuples.

    Args:
      data: what `json.loads` read.

    Raises:
      SpecError: a type is not one that may be built, is not installed, or does not
        take these fields.
    """
    try:
        return _from_json(data)
    except RecursionError:
        raise SpecError("this is nested too deeply to be a model") from None


def _from_json(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_from_json(item) for item in data)
    if not isinstance(data, dict):
        return data
    if "type" in data:
        return _build(_type_at(data["type"]), data)
    if data.keys() == {"dict"} and isinstance(data["dict"], dict):
        return {key: _from_json(item) for key, item in data["dict"].items()}
    if data.keys() == {"function"}:
        return _function_at(data["function"])
    raise SpecError(f'an object needs a "type"; this one has {_said(sorted(data))}')


def _said(reason: Any) -> str:
    """The beginning of what is wrong with a file, as it can be printed."""
    line = " ".join(str(reason).split())
    shown = "".join(c if c.isprintable() else "?" for c in line[:LONGEST])
    return shown + "…" * (len(line) > LONGEST)


def _dict_to_json(value: Mapping) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise SpecError(f"the keys of a dictionary must be strings, not {key!r}")
    return {key: to_json(item) for key, item in value.items()}


def _object_to_json(value: Any) -> dict[str, Any]:
    kind = type(value)
    if "<locals>" in kind.__qualname__:
        raise SpecError(
            f"{kind.__name__} is defined inside a function, where no file can find it: "
            f"define it in a module"
        )
    path = f"{kind.__module__}:{kind.__qualname__}"
    if _type_at(path) is not kind:
        raise SpecError(
            f"{path} is another type than the {kind.__name__} to be written"
        )
    data: dict[str, Any] = {"type": path}
    for name, default in _fields(kind).items():
        item = getattr(value, name)
        try:
            data[name] = to_json(item)
        except SpecError as error:
            # such as the functions that a Flax module draws its parameters with
            if item is not default:
                raise SpecError(f"{kind.__name__}.{name}: {error}") from None
    return data


def _fields(kind: Any) -> dict[str, Any]:
    """The names of the arguments that build an object, each with its default."""
    if hasattr(kind, "_fields"):
        defaults = kind._field_defaults
        return {name: defaults.get(name, dataclasses.MISSING) for name in kind._fields}
    skipped = OF_FLAX if issubclass(kind, nn.Module) else set()
    fields = (f for f in dataclasses.fields(kind) if f.init and f.name not in skipped)
    return {field.name: field.default for field in fields}


def _build(kind: Any, data: dict[str, Any]) -> Any:
    values = {name: _from_json(item) for name, item in data.items() if name != "type"}
    if unknown := values.keys() - _fields(kind).keys():
        raise SpecError(f"{data['type']} has no field {_said(repr(min(unknown)))}")
    try:
        return kind(**values)
    except Exception as error:  # whatever a type makes of values that do not fit
        raise SpecError(f"{data['type']}: {_said(error)}") from None


def _type_at(path: Any) -> Any:
    """The type at "module:QualName", if it is one that may be built."""
    kind = _find(path)
    if isinstance(kind, type) and (
        issubclass(kind, Layer | nn.Module) or _is_ours(kind)
    ):
        return kind
    raise SpecError(
        f"{path} is refused: it is no layer, no Flax module and no dataclass of seqjax"
    )


def _is_ours(kind: type) -> bool:
    has_fields = dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")
    return has_fields and kind.__module__.split(".")[0] == "seqjax"


def _path_of_function(function: Callable) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    for module in (*NUMERIC, getattr(function, "__module__", None) or ""):
        if getattr(sys.modules.get(module), name, None) is function:
            _function_at(
                f"{module}:{name}"
            )  # refuses it now rather than when it is read
            return f"{module}:{name}"
    raise SpecError(f"{name} cannot be written as JSON: it is no function of a module")


def _function_at(path: Any) -> Callable:
    """The function at "module:name", if it is one that a layer may call."""
    function = _find(path)
    if isinstance(function, type) or not callable(function):
        raise SpecError(f"{path} is refused: it is no function")
    module, name = path.split(":")
    own = getattr(function, "__module__", None) == module and _defines_layer(module)
    if "." not in name and (module in NUMERIC or own):
        return function
    raise SpecError(
        f"{path} is refused: a function must be of {', '.join(NUMERIC)}, or stand in a "
        f"module that defines a layer"
    )


def _defines_layer(module: str) -> bool:
    return any(
        isinstance(kind, type)
        and issubclass(kind, Layer | nn.Module)
        and kind.__module__ == module
        for kind in vars(sys.modules[module]).values()
    )


def _find(path: Any) -> Any:
    """What stands at "module:QualName", in a module that is not Python's own."""
    if not isinstance(path, str) or not path.isprintable() or len(path) > LONGEST:
        raise SpecError(f"{_said(repr(path))} is no name of a type or a function")
    module, _, qualname = path.partition(":")
    if not module or not qualname or module.split(".")[0] in sys.stdlib_module_names:
        raise SpecError(f"{path} is refused: it is no part of a package with layers")
    value = _import(module, path)
    for name in qualname.split("."):
        if not isinstance(value, type) and value is not sys.modules[module]:
            raise SpecError(f"{path} is refused: it is no part of that module's own")
        if name not in vars(value):
            hint = ", or of the script that trained it" if module == "__main__" else ""
            raise SpecError(f"there is no {qualname} in the module {module}{hint}")
        value = vars(value)[name]
    return value


def _import(module: str, path: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise SpecError(
            f"{path} is needed, but the package {error.name} is not installed"
        ) from None
    except Exception as error:  # whatever a stranger's module raises
        raise SpecError(f"{path} is needed, but cannot be imported: {error}") from None
