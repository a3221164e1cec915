"""SIGINT and SIGTERM, noted instead of obeyed at once."""

import signal
import threading


class Signals:
    """Notes SIGINT and SIGTERM, so that the step under way is finished and saved."""

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
