"""The cells, one file each; a file in this folder is enough to add one.

A file that defines a `Cell` makes it known under the file's name:
``CELLS["lstm"](features=128)``, ``--cell=lstm``, and the laws of the tests.
"""

import ast
import dataclasses
import importlib
import pkgutil
from typing import Any

from seqjax import checks, fields, initializers
from seqjax.cell import Cell
from seqjax.cells._stacked import from_stacked, to_stacked
from seqjax.cells.conv_lstm import ConvLSTM
from seqjax.cells.echo_state import EchoState
from seqjax.cells.elman import Elman
from seqjax.cells.gru import GRU
from seqjax.cells.gru_reset_after import GRUResetAfter
from seqjax.cells.ind_rnn import IndRNN
from seqjax.cells.layer_norm_gru import LayerNormGRU
from seqjax.cells.layer_norm_lstm import LayerNormLSTM
from seqjax.cells.leaky_rate import LeakyRate
from seqjax.cells.lru import LRU
from seqjax.cells.lstm import LSTM
from seqjax.cells.lstm_1997 import LSTM1997
from seqjax.cells.min_gru import MinGRU
from seqjax.cells.min_lstm import MinLSTM
from seqjax.cells.minimal_gated_unit import MinimalGatedUnit
from seqjax.cells.peephole_lstm import PeepholeLSTM
from seqjax.cells.projected_lstm import ProjectedLSTM
from seqjax.cells.simplified_gru import SimplifiedGRU
from seqjax.cells.slstm import SLSTM
from seqjax.cells.sparse_echo_state import SparseEchoState

__all__ = [
    "CELLS",
    "Cell",
    "ConvLSTM",
    "EchoState",
    "Elman",
    "GRU",
    "GRUResetAfter",
    "IndRNN",
    "LRU",
    "LSTM",
    "LSTM1997",
    "LayerNormGRU",
    "LayerNormLSTM",
    "LeakyRate",
    "MinGRU",
    "MinLSTM",
    "MinimalGatedUnit",
    "PeepholeLSTM",
    "ProjectedLSTM",
    "SLSTM",
    "SimplifiedGRU",
    "SparseEchoState",
    "from_stacked",
    "make",
    "to_stacked",
]


def _cells_of(module: Any) -> list[type[Cell]]:
    """Returns the cells that a module defines, without those that it imports."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Cell)
        and value.__module__ == module.__name__
    ]


def _discover() -> dict[str, type[Cell]]:
    """Returns the cell of each file in this folder, by the file's name."""
    discovered = {}
    for info in pkgutil.iter_modules(__path__):
        cells = _cells_of(importlib.import_module(f"{__name__}.{info.name}"))
        if len(cells) > 1:
            raise ImportError(f"{info.name}.py must define one Cell, not {len(cells)}")
        if cells:
            discovered[info.name] = cells[0]
    return discovered


CELLS: dict[str, type[Cell]] = _discover()
# The imports above are for type checkers; this is for a cell that is added later.
globals().update({cell.__name__: cell for cell in CELLS.values()})


def make(text: str, **fields: Any) -> Cell:
    """Builds a cell from its name, with fields of its own in brackets if any.

    Args:
      text: a name in `CELLS`, or the class of a cell of your own as
        "package.module:Class"; either may be called with keywords, whose values are
        literals or initializers of `seqjax.initializers`.
      **fields: further fields, `features` among them.

    Returns:
      The cell.

    Raises:
      ValueError: no such cell, no such field, or a value that does not fit.

    Example:
      >>> make("elman(activation='relu')", features=4)
      Elman(features=4, activation='relu', kernel_init=Glorot(), \
recurrent_init=Orthogonal(scale=1.0))
      >>> make("lstm(recurrent_init=He())", features=4).recurrent_init
      He()
      >>> make("seqjax.cells.gru:GRU", features=4) == make("gru", features=4)
      True
    """
    module, name, written = _parse(text)
    cell = _imported(module, name) if module else _named(name)
    try:
        checks.is_frozen_dataclass(cell)
        _check_fields(cell, [*written, *fields])
        return cell(**written, **fields)
    except TypeError as error:
        raise ValueError(f"cell {text!r}: {error}") from None


def _check_fields(cell: Any, names: list[str]) -> None:
    known = [field.name for field in dataclasses.fields(cell)]
    for name in names:
        if name not in known:
            raise TypeError(
                f"unexpected field {name!r}; {cell.__name__} has {', '.join(known)}"
            )


def _parse(text: str) -> tuple[str, str, dict[str, Any]]:
    """Splits "module:Name(field=value)" into module (or ""), name and fields."""
    head, bracket, tail = text.strip().partition("(")
    module, colon, name = head.rpartition(":")
    try:
        node = ast.parse(name + bracket + tail, mode="eval").body
        call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
        parts = module.split(".") if colon else []
        if not isinstance(call.func, ast.Name) or call.args:
            raise ValueError("not a name with keywords")
        if not all(part.isidentifier() for part in parts):
            raise ValueError("not a module")
        written = {str(k.arg): _value(k.value) for k in call.keywords}
    except (SyntaxError, TypeError, ValueError, MemoryError, RecursionError):
        raise ValueError(
            f"a cell is a name, or a name with fields like lstm(coupled=True), or "
            f"package.module:Class for one of your own, not {text[:100]!r}"
        ) from None
    return module, call.func.id, written


def _value(node: ast.expr) -> Any:
    """Returns a literal, or an initializer such as ``He()``."""
    if not isinstance(node, ast.Call):
        return ast.literal_eval(node)
    if not isinstance(node.func, ast.Name) or node.args:
        raise ValueError("not a name with keywords")
    made: Any = getattr(initializers, node.func.id, None)
    if not (isinstance(made, type) and dataclasses.is_dataclass(made)):
        raise ValueError("no initializer")
    built = made(**{str(k.arg): ast.literal_eval(k.value) for k in node.keywords})
    fields.check(built)
    return built


def _named(name: str) -> type[Cell]:
    if name not in CELLS:
        raise ValueError(f"no cell {name[:60]!r}; there are {', '.join(sorted(CELLS))}")
    return CELLS[name]


def _imported(module: str, name: str) -> type[Cell]:
    """Imports the class of a cell that somebody else wrote."""
    try:
        imported = importlib.import_module(module)
    except Exception as error:
        raise ValueError(
            f"cell {module}:{name}: the module cannot be imported "
            f"({type(error).__name__}: {error}); is its folder in PYTHONPATH?"
        ) from error
    if not hasattr(imported, name):
        cells = ", ".join(cell.__name__ for cell in _cells_of(imported)) or "none"
        raise ValueError(f"module {module} has no {name!r}; its cells are: {cells}")
    cell = getattr(imported, name)
    if not (isinstance(cell, type) and issubclass(cell, Cell)):
        raise ValueError(f"{module}:{name} is not a subclass of seqjax.Cell")
    return cell
