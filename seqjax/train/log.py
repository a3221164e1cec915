"""metrics.jsonl: one JSON object a line, the file that figures are drawn from."""

import json
import pathlib
from typing import Any

from seqjax.data.files import whole_file


class Log:
    """Appends to a run's metrics, after it has dropped what a resumed run will redo.

    Args:
      path: the file.
      step: the number of steps done; the lines of later steps are removed.
    """

    def __init__(self, path: str | pathlib.Path, step: int = 0):
        self.path = pathlib.Path(path)
        kept = [line for line in read(self.path) if line["step"] <= step]
        with whole_file(self.path) as partial:
            lines = (json.dumps(line) + "\n" for line in kept)
            partial.write_text("".join(lines), "utf-8")
        self._file = self.path.open("a", encoding="utf-8")

    def write(self, step: int, **numbers: float) -> None:
        """Appends the numbers of a step."""
        self._file.write(json.dumps({"step": step, **numbers}) + "\n")
        self._file.flush()

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()


def read(path: str | pathlib.Path) -> list[dict[str, Any]]:
    """Returns the objects of all lines.

    A last line that was cut off is left out, and a missing file has no lines.
    """
    path = pathlib.Path(path)
    if not path.exists():
        return []
    lines = []
    for line in path.read_text("utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return lines
