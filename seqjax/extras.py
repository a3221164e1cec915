"""Libraries that seqjax can do without until something asks for one."""

import importlib
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
