"""SIGINT and SIGTERM, noted instead of obeyed at once."""

import signal
import threading
from typing import ClassVar


class Interrupted(RuntimeError):
    """A signal ended the run after a checkpoint; the message names signal and step."""


class Signals:
    """A context that notes SIGINT and SIGTERM, so that a step is finished and saved.

    Python calls handlers in the main thread alone and lets no other thread set them.
    In another thread the context is that of the main thread; where that has none, it
    does nothing.

    Attributes:
      caught: the name of the last signal; empty before there is one.
    """

    caught = ""
    _of_main: "ClassVar[list[Signals]]" = []

    def __enter__(self) -> "Signals":
        def note(number, frame):
            del frame
            self.caught = signal.Signals(number).name

        in_main = threading.current_thread() is threading.main_thread()
        self._old = {}
        if not in_main:
            return self._of_main[-1] if self._of_main else self
        for number in (signal.SIGINT, signal.SIGTERM):
            self._old[number] = signal.signal(number, note)
        self._of_main.append(self)
        return self

    def __exit__(self, *_) -> None:
        if self._old:
            self._of_main.remove(self)
        for number, handler in self._old.items():
            signal.signal(number, handler)
