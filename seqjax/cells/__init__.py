"""The cells, one file each, found by being there.

A file of this folder that defines a `Cell` makes it known under the file's name:
``CELLS["lstm"](features=128)``, ``--cell=lstm``, the laws of the tests.
"""

import ast
import importlib
import pkgutil
from typing import Any

from seqjax.cells._stacked import from_stacked, to_stacked
from seqjax.layer import Cell

__all__ = ["CELLS", "Cell", "from_stacked", "make", "to_stacked"]


def _discover() -> dict[str, type[Cell]]:
    found = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        cells = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, Cell)
            and value.__module__ == module.__name__
        ]
        if len(cells) > 1:
            raise ImportError(f"{info.name}.py must define one Cell, not {len(cells)}")
        if cells:
            found[info.name] = cells[0]
    return found


CELLS = _discover()
globals().update({cell.__name__: cell for cell in CELLS.values()})


def make(text: str, **fields: Any) -> Cell:
    """Builds a cell from its name, with fields of its own in brackets if any.

    Args:
      text: a name in `CELLS`, or a call of one with literal keywords.
      **fields: further fields, `features` among them.

    Returns:
      The cell.

    Raises:
      ValueError: no such cell, no such field, or a value that does not fit.

    Example:
      >>> make("elman(activation='relu')", features=4)
      Elman(features=4, activation='relu', kernel_init=Glorot(), \
recurrent_init=Orthogonal(scale=1.0))
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
        call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
        if not isinstance(call.func, ast.Name) or call.args:
            raise ValueError("not a name with keywords")
        name = call.func.id
        written = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, TypeError, ValueError):
        raise ValueError(
            f"a cell is a name, or a name with fields like lstm(coupled=True), "
            f"not {text!r}"
        ) from None
    if name not in CELLS:
        raise ValueError(f"no cell {name!r}; there are {', '.join(sorted(CELLS))}")
    try:
        return CELLS[name](**written, **fields)
    except TypeError as error:
        raise ValueError(f"cell {text!r}: {error}") from None
