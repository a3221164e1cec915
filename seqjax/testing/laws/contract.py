"""What every layer is: a frozen, hashable description, whose arrays live outside it."""

import copy
import dataclasses
import functools
import pickle
import sys
from typing import Any

import jax.numpy as jnp
import numpy as np

from seqjax.testing.comparison import assert_equal, raises, require
from seqjax.testing.data import random_arguments, random_params
from seqjax.testing.registry import (
    every_layer,
    law,
    layers_of_the_whole_sequence,
    simple_cells,
)

STEPS, ROWS = 3, 5


@law(every_layer)
def a_layer_is_a_frozen_dataclass(layer, in_features):
    """A layer is a frozen dataclass, hashable and equal to another of equal fields."""
    kind = type(layer).__name__
    parameters = getattr(layer, "__dataclass_params__", None)
    decorate = "decorate the class with @dataclasses.dataclass(frozen=True)"
    require(parameters is not None, f"{kind} is no dataclass; {decorate}")
    require(getattr(parameters, "frozen", False), f"{kind} is not frozen; {decorate}")
    fault = raises(TypeError, lambda: hash(layer))
    require(fault is None, f"{kind} cannot be hashed ({fault})")
    again = dataclasses.replace(layer)
    require(again == layer, f"{kind} is not equal to another of equal fields")
    require(hash(again) == hash(layer), f"equal layers of {kind} have two hashes")


@law(simple_cells)
def a_cell_is_built_from_features_alone(layer, in_features):
    """A cell is built from `features` alone, a positive integer."""
    cell = type(layer)
    fault = raises(Exception, lambda: cell(features=5))
    require(
        fault is None,
        f"{cell.__name__}(features=5) fails ({fault}): give other fields a default",
    )
    width = cell(features=5).features
    require(width == 5, f"{cell.__name__}(features=5).features is {width}")
    for bad in (0, -3, 2.5, "4", None):
        fault = raises(ValueError, functools.partial(cell, features=bad))
        require(
            fault is not None and "features must be a positive integer" in fault,
            f"{cell.__name__}(features={bad!r}) must be a ValueError about features; "
            f"if the class has a __post_init__, call super().__post_init__() first",
        )


@law(every_layer)
def arrays_and_lists_are_refused_in_every_field(layer, in_features):
    """An array or a list in a field is refused when the layer is built."""
    for field in dataclasses.fields(layer):
        for bad in (np.array([4, 5]), jnp.array([4, 5]), [4]):
            build = functools.partial(dataclasses.replace, layer, **{field.name: bad})
            fault = raises(TypeError, build)
            require(
                fault is not None and f".{field.name} must be a hashable" in fault,
                f"the field {field.name} must refuse {bad!r} with a TypeError; if the "
                f"class has a __post_init__, call super().__post_init__() first",
            )


def names_in(value: Any) -> dict[str, type]:
    """Returns the classes that a repr needs, by their names."""
    names = {type(value).__name__: type(value)}
    if dataclasses.is_dataclass(value):
        value = tuple(getattr(value, f.name) for f in dataclasses.fields(value))
    for inner in value if isinstance(value, tuple) else ():
        names |= names_in(inner)
    return names


@law(every_layer)
def a_repr_evaluates_back(layer, in_features):
    """The repr of a layer evaluates back to it, unless a field holds a function."""
    if "<" not in repr(layer):
        again = eval(repr(layer), dict(names_in(layer)))
        require(again == layer, f"it evaluates to {again!r}")
        require(hash(again) == hash(layer), "what it evaluates to has another hash")


def is_importable(kind: type) -> bool:
    """Tells whether a class is found under its name in its module."""
    return getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind


@law(every_layer)
def layers_pickle_and_copy(layer, in_features):
    """A layer and its parameters survive copying and, if importable, pickling."""
    params = random_params(layer, in_features)
    ways: list[Any] = [copy.deepcopy]
    if all(map(is_importable, names_in((layer, params)).values())):
        ways.append(lambda value: pickle.loads(pickle.dumps(value)))
    for again in ways:
        require(again(layer) == layer, "the copy is not equal to the layer")
        require(hash(again(layer)) == hash(layer), "the copy has another hash")
        assert_equal(again(params), params)


@law(layers_of_the_whole_sequence)
def what_needs_the_whole_sequence_cannot_be_stepped(layer, in_features):
    """A layer that reads what comes later refuses `step`, and says what to use."""
    params, inputs, carry = random_arguments(layer, in_features, STEPS, ROWS)
    fault = raises(NotImplementedError, lambda: layer.step(params, carry, inputs[0]))
    require(fault is not None and "use unroll" in fault, "it must refuse `step`")
