"""One HTML file from a template, a script and numbers."""

import html
import importlib.resources
import json
import pathlib
import string
from typing import Any

import numpy as np

from seqjax.data.writing import whole_file

DIGITS = 4  # of a number in a page


def write_page(
    path: str | pathlib.Path, kind: str, data: Any, *, title: str, about: str
) -> None:
    """Writes a page that needs no other file and no network, whole or not at all.

    Args:
      path: of the HTML file.
      kind: names the page's own HTML and script among the package's files.
      data: what the script reads, as JSON; arrays become nested lists.
      title: of the page.
      about: what the page shows, in words.

    Raises:
      ValueError: a number is not finite.
    """
    content = json.dumps(_plain(data), allow_nan=False, separators=(",", ":"))
    page = string.Template(_file("page.html")).substitute(
        title=html.escape(title),
        about=html.escape(about),
        style=_file("page.css"),
        body=_file(f"{kind}.html"),
        data=escape_json(content),
        script=_file("common.js") + _file(f"{kind}.js"),
    )
    with whole_file(path) as partial:
        partial.write_text(page, encoding="utf-8")


def escape_json(content: str) -> str:
    """Returns JSON that no HTML parser can take for markup, whatever it says."""
    escapes = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}
    return content.translate(escapes)


def _plain(tree: Any) -> Any:
    """Returns arrays as lists, and numbers with few digits."""
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    if isinstance(tree, np.ndarray):
        return _plain(tree.tolist())
    if isinstance(tree, list | tuple):
        return [_plain(value) for value in tree]
    if isinstance(tree, float):
        rounded = float(f"{tree:.{DIGITS}g}")
        return int(rounded) if rounded == 0 else rounded
    return tree


def _file(name: str) -> str:
    return (importlib.resources.files("seqjax.pages") / "files" / name).read_text(
        "utf-8"
    )
