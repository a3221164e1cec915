"""The laws, found by being there.

A function of this folder under ``@law(layers it is about)`` is a law: `check_cell`,
`check_layer` and the tests of seqjax itself need no second file.
"""

import importlib
import pkgutil

from seqjax.testing.registry import Law

__all__ = ["LAWS"]


def _discover() -> dict[str, Law]:
    names = [info.name for info in pkgutil.iter_modules(__path__)]
    found = {}
    # A layer that breaks the contract can break every other law in a riddle.
    for name in sorted(names, key=lambda name: (name != "contract", name)):
        module = importlib.import_module(f"{__name__}.{name}")
        for law in vars(module).values():
            if isinstance(law, Law):
                if law.name in found:
                    raise ImportError(f"two laws are called {law.name}")
                found[law.name] = law
    return found


LAWS = _discover()
