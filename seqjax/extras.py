"""Libraries that seqjax can do without until something asks for one."""

import importlib
import importlib.util
import sys
from typing import Any


class MissingLibrary(ImportError):
    """A library is not installed; the message says how to get it."""


def library(name: str, extra: str = "text") -> Any:
    """Imports a module of an optional dependency.

    Args:
      name: the module, such as "sklearn.metrics".
      extra: the extra of seqjax that brings it.

    Returns:
      The module.

    Raises:
      MissingLibrary: the library is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        package = name.split(".")[0]
        raise MissingLibrary(
            f"{package} is not installed; it comes with pip install 'seqjax[{extra}]'"
        ) from None


def later(name: str) -> Any:
    """Returns a module that is imported when something in it is first looked up.

    It is for what a run needs when it is over, such as pictures, for which matplotlib
    takes as long to import as all of JAX.

    Args:
      name: the module, such as "experiments.memory.pictures".

    Raises:
      ModuleNotFoundError: there is none.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
