"""The code blocks of the README."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent
CELL, *USES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


def names_of_the_cell():
    """What the block that defines a cell defines."""
    names = {"__name__": "mgu"}
    exec(compile(CELL, "README.md: cell", "exec"), names)
    return names
