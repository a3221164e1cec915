"""The implementations in the race, one file each, found by being there.

A file does up to three tasks by functions of these names: `sequence` (outputs, or the
gradient of a loss), `streaming` (a step a call) and `language_model` (a whole training
step). Each takes a `Case` and gives a `Runner`, or raises `Unable`. `PACKAGES` are the
distributions whose versions the report names; `begin`, if there is one, is called once,
before anything else in its process.
"""

import importlib
import os
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from experiments.speed.cases import Case

NAMES = sorted(i.name for i in pkgutil.iter_modules(__path__) if i.name[0] != "_")
US, PLAIN = "seqjax", "seqjax_jit"  # split over the cores, and in an ordinary jit

os.environ["KERAS_BACKEND"] = "jax"  # Keras reads it when it is imported


class Runner(NamedTuple):
    """A case, ready to run in one implementation."""

    run: Callable[[], Any]  # the timed work; done when it returns
    numbers: Callable[[Any], dict[str, np.ndarray]]  # a run's result, in our layout
    note: str = ""  # how the work differs from seqjax's, if it does


class Unable(Exception):
    """This implementation cannot do the case; the message says why."""


def load(name: str) -> ModuleType:
    """The module of an implementation; ImportError if it is not installed."""
    return importlib.import_module(f"{__name__}.{name}")


def build(name: str, case: Case) -> Runner:
    """Makes a case ready, compiled at its first run.

    Raises:
      Unable: the implementation cannot do it.
    """
    task = getattr(load(name), case.network.task, None)
    if task is None:
        raise Unable("not entered")
    return task(case)
