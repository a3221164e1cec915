"""A bridge, if its library is there; parameters of the usual dtype."""

import importlib

import jax
import numpy as np
import pytest
from random_data import random_params
from soak import bridges


def bridge_to(name):
    """The bridge, if the library is there."""
    if not bridges.installed(name):
        pytest.skip(f"{bridges.LIBRARIES[name]} is not installed")
    bridges.module_of(name)  # which tells Keras its backend
    return importlib.import_module(f"seqjax.bridges.{name}")


def float32(layer):
    return jax.tree.map(lambda a: np.asarray(a, np.float32), random_params(layer))
