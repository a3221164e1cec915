"""A trained model in a folder: model.json describes it, model.msgpack holds arrays."""

import dataclasses
import hashlib
import json
import pathlib
from typing import Any, TypeVar

import flax.serialization
import jax
import jax.numpy as jnp

from seqjax.data.files import DataError, read_bytes, whole_file
from seqjax.models.spec import SpecError, from_json, to_json
from seqjax.predict.predictor import Predictor, init, precision_of

SPEC, ARRAYS = "model.json", "model.msgpack"


P = TypeVar("P", bound=Predictor)


def save(folder: str | pathlib.Path, predictor: Predictor) -> None:
    """Writes a predictor into a folder, as model.json and model.msgpack.

    Each file is written whole or not at all, and model.json holds the digest of the
    other, so that two files which do not belong together are noticed.

    Args:
      folder: created if it is missing.
      predictor: of `seqjax.predict`.

    Raises:
      SpecError: the model has a field that JSON cannot hold.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    described: Any = dataclasses.replace(predictor, variables=None)  # pyright: ignore[reportArgumentType]
    spec = to_json(described)
    del spec["variables"]
    arrays = flax.serialization.to_bytes(predictor.variables)
    digest = hashlib.sha256(arrays).hexdigest()
    text = json.dumps({"predictor": spec, "sha256": digest}, ensure_ascii=False)
    _write(folder / ARRAYS, arrays)
    _write(folder / SPEC, text.encode() + b"\n")


def load(folder: str | pathlib.Path, kind: type[P] | None = None) -> P:
    """Reads the predictor that `save` wrote.

    Args:
      folder: a run's folder.
      kind: the class that the predictor must have; any if None.

    Returns:
      The predictor, ready to be asked.

    Raises:
      DataError: a file is missing or damaged, or holds another kind of predictor.

    Example:
      >>> import seqjax
      >>> seqjax.load("runs/bible").rank("In the beginning ", 3)  # doctest: +SKIP
      [('G', 0.41), ('t', 0.17), ('w', 0.06)]
    """
    path = pathlib.Path(folder) / SPEC
    raw = read_bytes(path)
    try:
        data = json.loads(raw)
        predictor, digest = from_json(data["predictor"]), data["sha256"]
    except SpecError as error:
        raise DataError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError, RecursionError):
        raise DataError(f"{path}: this file is damaged, or no seqjax model") from None
    if not isinstance(predictor, Predictor):
        raise DataError(
            f"{path}: a {type(predictor).__name__} cannot be asked anything"
        )
    if kind is not None and not isinstance(predictor, kind):
        names = type(predictor).__name__, kind.__name__
        raise DataError(f"{folder} holds a {names[0]}, not a {names[1]}")
    with precision_of(predictor):
        shapes = _shapes(predictor, path)
        variables = _read_arrays(path.with_name(ARRAYS), digest, shapes)
    replaced: Any = dataclasses.replace(predictor, variables=variables)  # pyright: ignore[reportArgumentType]
    return replaced


def _write(path: pathlib.Path, content: bytes) -> None:
    with whole_file(path) as partial:
        partial.write_bytes(content)


def _shapes(predictor: Predictor, path: pathlib.Path) -> Any:
    """The variables that the model needs, as shapes and dtypes alone."""
    try:
        return jax.eval_shape(lambda: init(predictor, jax.random.key(0)))
    except Exception as error:  # whatever a damaged file leads to
        raise DataError(
            f"{path}: the model cannot be built: {_reason(error)}"
        ) from None


def _read_arrays(path: pathlib.Path, digest: str, like: Any) -> Any:
    raw = read_bytes(path)
    if hashlib.sha256(raw).hexdigest() != digest:
        raise DataError(
            f"{path}: this file is damaged, or of another model than {SPEC} beside it"
        )
    try:
        arrays = flax.serialization.from_bytes(like, raw)
    except Exception as error:  # of msgpack, or of another structure
        raise DataError(
            f"{path}: these are no variables of the model in {SPEC}: {_reason(error)}"
        ) from None
    if jax.tree.map(jnp.shape, arrays) != jax.tree.map(lambda a: a.shape, like):
        raise DataError(
            f"{path}: these variables have other shapes than the model in {SPEC} needs"
        )
    return jax.tree.map(jnp.asarray, arrays)


def _reason(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
