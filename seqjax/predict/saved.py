"""A trained model in a run's folder: what it is made by, and its variables."""

import json
import os
import pathlib
from typing import Any, Protocol, TypeVar

import flax
import jax
import jax.numpy as jnp

from experiments import common
from seqjax.data import DataError
from seqjax.data.files import read_bytes


class Settings(Protocol):
    """A NamedTuple of what JSON can hold: all that a model is made by."""

    def _asdict(self) -> dict[str, Any]: ...

    def model(self) -> Any:
        """The Flax module, without noise."""
        ...

    def example(self) -> tuple[Any, ...]:
        """Arguments that its `init` can be called with."""
        ...

    def check(self) -> Any:
        """Makes what else is made of the settings, which may raise anything."""
        ...


S = TypeVar("S", bound=Settings)


def save(workdir: pathlib.Path, settings: Settings, variables: Any) -> None:
    """Writes model.json and model.msgpack, each whole or not at all."""
    text = json.dumps(settings._asdict(), ensure_ascii=False)
    common.write_text(workdir / "model.json", text + "\n")
    partial = workdir / "model.msgpack.partial"
    partial.write_bytes(flax.serialization.to_bytes(variables))
    os.replace(partial, workdir / "model.msgpack")


def load(workdir: str | pathlib.Path | None, kind: type[S]) -> tuple[S, Any]:
    """Reads what `save` wrote.

    Args:
      workdir: the run's folder.
      kind: of its settings.

    Returns:
      The settings, and the variables of their model.

    Raises:
      UsageError: no folder is named.
      DataError: a file is missing or damaged, or of another kind of model.
    """
    if not workdir:
        raise common.UsageError("--workdir: name the folder of a trained model")
    path = pathlib.Path(workdir) / "model.json"
    raw = read_bytes(path)
    try:
        settings = kind(**json.loads(raw))
        settings.check()
        arguments = settings.example()
        key = jax.random.key(0)
        like = jax.eval_shape(lambda: settings.model().init(key, *arguments))
    except Exception as error:  # whatever a damaged file leads to
        raise DataError(f"{path}: not of such a model: {_reason(error)}") from None
    return settings, _variables(path.with_name("model.msgpack"), like)


def _variables(path: pathlib.Path, like: Any) -> Any:
    raw = read_bytes(path)
    try:
        found = flax.serialization.from_bytes(like, raw)
    except Exception as error:  # of msgpack, or of another structure
        reason = _reason(error)
        raise DataError(f"{path}: no variables of this model: {reason}") from None
    if jax.tree.map(jnp.shape, found) != jax.tree.map(lambda a: a.shape, like):
        raise DataError(f"{path}: no variables of this model: other shapes")
    return jax.tree.map(jnp.asarray, found)


def _reason(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
