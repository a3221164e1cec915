"""SIGINT and SIGTERM, noted instead of obeyed at once."""

import signal
import threading


class Interrupted(RuntimeError):
    """A signal ended the run after a checkpoint; the message names signal and step."""


class Signals:
    """A context that notes SIGINT and SIGTERM, so that a step is finished and saved.

    Python calls handlers in the main thread alone and lets no other thread set them;
    elsewhere the context does nothing.

    Attributes:
      caught: the name of the last signal; empty before there is one.
    """

    caught = ""

    def __enter__(self) -> "Signals":
        def note(number, frame):
            del frame
            self.caught = signal.Signals(number).name

        in_main = threading.current_thread() is threading.main_thread()
        numbers = (signal.SIGINT, signal.SIGTERM) if in_main else ()
        self._old = {number: signal.signal(number, note) for number in numbers}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
