"""A student's file: its functions, called with care."""

import contextlib
import copy
import importlib.util
import pathlib
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from experiments.step_by_step.by_hand import σ
from experiments.step_by_step.yours.equations import softmax
from seqjax.data import DataError
from seqjax.data.files import read_bytes


class Unwritten(Exception):
    """A function that raises NotImplementedError, or returns None alone."""


class Failed(Exception):
    """A function that raised; its message is a sentence."""


class Called(NamedTuple):
    """What a function returned, and its local variables at the end."""

    returned: Any
    variables: Mapping[str, Any]


class Student(NamedTuple):
    """A file that was executed.

    Attributes:
      path: of the file.
      names: what it defines.
    """

    path: str
    names: dict[str, Any]

    def call(self, name: str, arguments: Mapping[str, Any]) -> Called:
        """Calls a function with copies of the arguments, and looks at its variables.

        Raises:
          Unwritten: it is not written yet.
          Failed: it raised.
        """
        function = self.names[name]
        own = copy.deepcopy(list(arguments.values()))
        try:
            with np.errstate(all="ignore"), watched(function) as variables:
                return Called(function(*own), variables)
        except NotImplementedError:
            raise Unwritten from None
        except (Exception, SystemExit) as error:
            listed = f"{name}({', '.join(arguments)})"
            raise Failed(f"{where(self.path, error)}{listed} {what(error)}") from None

    @contextlib.contextmanager
    def given(self, functions: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
        """Has functions of these names in the place of the file's own for a while."""
        before = dict(self.names)
        self.names.update(functions)
        try:
            yield
        finally:
            self.names.clear()
            self.names.update(before)


def load(path: str) -> Student:
    """Executes a file, in this process.

    np, sigmoid and softmax are there, as the assignment has them, by themselves and
    from a module rnn_utils.

    Raises:
      DataError: there is no such file, or it cannot be executed.
    """
    source = read_bytes(path)
    helpers = {"np": np, "sigmoid": σ, "softmax": softmax}
    names = {"__name__": pathlib.Path(path).stem, "__file__": path, **helpers}
    try:
        with surroundings(pathlib.Path(path).resolve().parent, helpers):
            exec(compile(source, path, "exec"), names)
    except (Exception, SystemExit) as error:
        raise DataError(f"{where(path, error)}the file {what(error)}") from None
    return Student(path, names)


@contextlib.contextmanager
def surroundings(folder: pathlib.Path, helpers: Mapping[str, Any]) -> Iterator[None]:
    """Lets a file import what lies beside it, and rnn_utils if it lies nowhere."""
    path, name = str(folder), "rnn_utils"
    sys.path.insert(0, path)
    missing = name not in sys.modules and importlib.util.find_spec(name) is None
    if missing:
        sys.modules[name] = module = types.ModuleType(name)
        module.__dict__.update(helpers)
    try:
        yield
    finally:
        sys.path.remove(path)
        if missing:
            del sys.modules[name]


def where(path: str, error: BaseException) -> str:
    """The file, and the line of it that an exception came from: "FILE, line 3: "."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return f"{path}, line {error.lineno}: "
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == path]
    return f"{path}, line {lines[-1]}: " if lines else f"{path}: "


def what(error: BaseException) -> str:
    """The kind of an exception and its message, on one line."""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"raises {type(error).__name__}: {' '.join(message.split())}".rstrip(": ")


@contextlib.contextmanager
def watched(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """Gives the local variables that a function has when it returns."""
    variables: dict[str, Any] = {}
    code = getattr(function, "__code__", None)

    def look(frame: types.FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            variables.clear()
            variables.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield variables
    finally:
        sys.setprofile(before)
