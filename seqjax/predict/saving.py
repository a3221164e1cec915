"""A trained model in a file: its description and its arrays, sealed by a digest."""

import dataclasses
import json
import pathlib
import types
from collections.abc import Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from seqjax import sealed
from seqjax.data.files import DataError
from seqjax.data.writing import make_folder
from seqjax.models.spec import SpecError, from_json, to_json
from seqjax.predict.predictor import Predictor, init, precision_of

NAME = "model.safetensors"


P = TypeVar("P", bound=Predictor)


def save(
    folder: str | pathlib.Path,
    predictor: Predictor,
    about: Mapping[str, str] = types.MappingProxyType({}),
) -> None:
    """Writes a predictor into a folder, as model.safetensors, whole or not at all.

    Its arrays are named by their paths, and its metadata describe the model and the
    codec as JSON. A digest of all of it is among them, so that damage is noticed.

    Args:
      folder: created if it is missing.
      predictor: of `seqjax.predict`.
      about: what else the file says, by name, such as the flags of a run.

    Raises:
      SpecError: the model has a field that JSON cannot hold.
    """
    folder = pathlib.Path(folder)
    described: Any = dataclasses.replace(predictor, variables=None)  # pyright: ignore[reportArgumentType]
    spec = to_json(described)
    del spec["variables"]
    text = {**about, "predictor": json.dumps(spec, ensure_ascii=False)}
    make_folder(folder)
    sealed.write(folder / NAME, predictor.variables, text)


def load(folder: str | pathlib.Path, kind: type[P] | None = None) -> P:
    """Reads the predictor that `save` wrote.

    Args:
      folder: a run's folder.
      kind: the class that the predictor must have; any if None.

    Returns:
      The predictor, ready to be asked.

    Raises:
      DataError: the file is missing or damaged, or holds another kind of predictor, or
        arrays that its model has no use for.

    Example:
      >>> import seqjax
      >>> seqjax.load("runs/bible").rank("In the beginning ", 3)  # doctest: +SKIP
      [('G', 0.41), ('t', 0.17), ('w', 0.06)]
    """
    path = pathlib.Path(folder) / NAME
    file = sealed.read(path)
    try:
        predictor = from_json(json.loads(file.text["predictor"]))
    except SpecError as error:
        raise DataError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError, RecursionError):
        raise DataError(f"{path}: no model that seqjax can read") from None
    if not isinstance(predictor, Predictor):
        raise DataError(
            f"{path}: a {type(predictor).__name__} cannot be asked anything"
        )
    if kind is not None and not isinstance(predictor, kind):
        names = type(predictor).__name__, kind.__name__
        raise DataError(f"{folder} holds a {names[0]}, not a {names[1]}")
    with precision_of(predictor):
        variables = sealed.restore(file, _shapes(predictor, path), any_width=True)
    for keys, leaf in jax.tree_util.tree_leaves_with_path(variables):
        if not jnp.isfinite(leaf).all():
            name = jax.tree_util.keystr(keys, simple=True, separator="/")
            raise DataError(f"{path}: {name} is not finite")
    replaced: Any = dataclasses.replace(predictor, variables=variables)  # pyright: ignore[reportArgumentType]
    return replaced


def _shapes(predictor: Predictor, path: pathlib.Path) -> Any:
    """The variables that the model needs, as shapes and dtypes alone."""
    try:
        return jax.eval_shape(lambda: init(predictor, jax.random.key(0)))
    except Exception as error:  # whatever a stranger's file leads to
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(f"{path}: the model cannot be built: {reason}") from None
