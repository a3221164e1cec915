"""SIGINT, SIGTERM and SIGHUP: noted while a step is finished, obeyed at once elsewhere.

A handler in Python runs when the interpreter comes back from compiled code, which may
take minutes. So a thread hears of a signal from Python's wake-up file at once, says so,
and ends the process when there is a second one.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import ClassVar

HEEDED = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)
]


class Interrupted(RuntimeError):
    """A signal ended the run after a checkpoint; the message names signal and step.

    Attributes:
      code: the exit code that says which signal it was, 128 and its number.
    """

    def __init__(self, message: str, name: str):
        super().__init__(message)
        self.name, self.code = name, exit_code(name)


class Stopped(KeyboardInterrupt):
    """A signal came where there was nothing to finish; its argument is the name."""


def exit_code(name: str) -> int:
    """Returns the exit code of a process that a signal has ended."""
    return 128 + signal.Signals[name]


class Signals:
    """A context that notes signals, so that a step is finished and saved.

    Python calls handlers in the main thread alone and lets no other thread set them.
    In another thread the context is that of the main thread; where that has none, it
    does nothing. A signal that the process was told to ignore stays ignored.

    Attributes:
      caught: the name of the first signal; empty before there is one.
    """

    caught = ""
    _of_main: "ClassVar[list[Signals]]" = []

    def __enter__(self) -> "Signals":
        self._old = {}
        if threading.current_thread() is not threading.main_thread():
            return self._of_main[-1] if self._of_main else self
        for number in _not_ignored():
            self._old[number] = signal.signal(number, lambda n, _: self._note(n))
        self._ears, mouth = os.pipe()
        os.set_blocking(mouth, False)
        self._old_mouth = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
        self._mouth = mouth
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._of_main.append(self)
        return self

    def __exit__(self, *_) -> None:
        if not self._of_main or self._of_main[-1] is not self:
            return
        self._of_main.remove(self)
        signal.set_wakeup_fd(self._old_mouth)
        os.close(self._mouth)  # which ends the thread, when it has said all
        self._listener.join()
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _note(self, number: int) -> None:
        self.caught = self.caught or signal.Signals(number).name

    def _listen(self) -> None:
        """Hears numbers of signals until the context ends."""
        heard = 0
        while number := os.read(self._ears, 1):
            if number[0] not in self._old:
                continue
            heard += 1
            self._note(number[0])
            if heard > 1:
                os._exit(exit_code(signal.Signals(number[0]).name))
            with contextlib.suppress(OSError):
                os.write(
                    sys.__stderr__.fileno() if sys.__stderr__ else 2,
                    f"\n{self.caught}: the step is finished and saved; a second signal "
                    f"ends the run at once\n".encode(),
                )
        os.close(self._ears)


@contextlib.contextmanager
def obeyed() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP raise `Stopped`, as SIGINT raises KeyboardInterrupt."""

    def stop(number, frame):
        del frame
        raise Stopped(signal.Signals(number).name)

    numbers = [n for n in _not_ignored() if n != signal.SIGINT]
    old = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _not_ignored() -> list[signal.Signals]:
    return [n for n in HEEDED if signal.getsignal(n) is not signal.SIG_IGN]
