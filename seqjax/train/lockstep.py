"""Many runs in lockstep: steps that are the same program become one.

Runs that differ in their seed alone do the same at every step. Here each is a function
in a thread of its own, of which one at a time is running. Where one of them asks for
training steps it waits, until all that have not ended wait as well. If they then ask
for the same program on arrays of the same shapes, their steps are one call, with an
axis of runs in front; if not, they are done in turn, but what is the same program is
compiled once.

On a CPU the runs are spread over the cores and each core takes its own one after the
other, so that no core waits for another; elsewhere they are one batched program.
"""

import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import jax

from seqjax import devices
from seqjax.train import processes
from seqjax.train.programs import Program, run_together, shapes
from seqjax.train.signals import Interrupted, Signals
from seqjax.train.step import State, run_steps

Array = jax.Array
T = TypeVar("T")


def in_lockstep(functions: Sequence[Callable[[], T]]) -> list[T]:
    """Calls functions that train by `fit`, and runs their steps together.

    What each returns is what it would return alone, to rounding. A signal is heeded by
    all of them. Several processes call one function after the other, each together.

    Args:
      functions: they take nothing, and each writes to a folder of its own.

    Returns:
      What each returned.

    Raises:
      Exception: what the first of those that failed raised, after all have ended.
    """
    if len(functions) == 1 or processes.several():
        return [function() for function in functions]
    meeting = _Meeting(len(functions))
    outcomes: list[Any] = [None] * len(functions)

    def member(i: int) -> None:
        with meeting:
            _meeting.set(meeting)
            try:
                outcomes[i] = functions[i]()
            except BaseException as error:  # raised below, in the caller's thread
                outcomes[i] = _Failure(error)

    threads = [threading.Thread(target=member, args=(i,)) for i in range(len(outcomes))]
    with Signals() as signals:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.1)  # for a while, so that handlers of signals can run
    for outcome in outcomes:
        if isinstance(outcome, _Failure):
            raise outcome.error
    if signals.caught:
        raise Interrupted(
            f"{signals.caught} after the training; a resumption does the rest",
            signals.caught,
        )
    return outcomes


def runner() -> Callable[..., tuple[State, Array]]:
    """Returns what runs steps here: `run_steps`, or the same in lockstep."""
    meeting = _meeting.get()
    return meeting.run_steps if meeting else run_steps


def count() -> int:
    """Returns how many runs were begun together with this one, itself included."""
    meeting = _meeting.get()
    return meeting.size if meeting else 1


def from_all(value: T) -> list[T]:
    """Returns what this and all other runs that have not ended say when they meet."""
    meeting = _meeting.get()
    return meeting.from_all(value) if meeting else [value]


def heard(caught: str) -> str:
    """Returns the signal that stops a run here, the same for all after equal steps.

    Args:
      caught: its name, or nothing; the first run that asks after a step speaks for all.
    """
    meeting = _meeting.get()
    return meeting.heard(caught) if meeting else caught


class _Failure(NamedTuple):
    error: BaseException


class _Request:
    """What a run has asked for, and later its result."""

    def __init__(self, asked: Any):
        self.asked = asked
        self.result: Any = None
        self.done = False

    def finish(self, result: Any) -> None:
        self.result, self.done = result, True


class _Steps(_Request):
    """Steps, asked for as `run_steps` takes them."""

    def __init__(self, *arguments: Any):
        super().__init__(arguments)
        self.loss, self.optimizer, self.mesh = arguments[:3]
        self.arrays, self.count = arguments[3:6], arguments[6]
        self.first = int(self.arrays[1].step)


class _Meeting:
    """Where the runs wait for each other; as a context, the right to be running.

    Who is behind goes first. So who is in company at a step does not depend on where
    each was begun or resumed, and a checkpoint of one is no farther than the next of
    the others.
    """

    def __init__(self, size: int):
        self.size = size
        self._turn = threading.Condition()
        self._running, self._waiting = size, []
        self._heard: str | None = None
        self._programs: list[Program] = []

    def run_steps(self, *arguments: Any) -> tuple[State, Array]:
        return self._wait(_Steps(*arguments))

    def from_all(self, value: Any) -> list[Any]:
        return self._wait(_Request(value))

    def heard(self, caught: str) -> str:
        if self._heard is None:
            self._heard = caught
        return self._heard

    def __enter__(self) -> None:
        self._turn.acquire()

    def __exit__(self, *_) -> None:
        self._running -= 1
        self._meet()
        self._turn.release()

    def _wait(self, request: _Request) -> Any:
        self._waiting.append(request)
        self._meet()
        self._turn.wait_for(lambda: request.done)
        if isinstance(request.result, _Failure):
            raise request.result.error
        return request.result

    def _meet(self) -> None:
        """Does what those ask for who are behind, if none is still on its way."""
        if not self._waiting or len(self._waiting) < self._running:
            return
        training = [r for r in self._waiting if isinstance(r, _Steps)]
        first = min((r.first for r in training), default=0)
        served = [r for r in training if r.first == first] or self._waiting
        self._waiting = [r for r in self._waiting if r not in served]
        try:
            if training:
                self._heard = None
                self._run(served)
            else:
                for request in served:
                    request.finish([r.asked for r in served])
        except BaseException as error:
            for request in served:
                request.finish(_Failure(error))
        self._turn.notify_all()

    def _run(self, requests: list[_Steps]) -> None:
        for request in requests:
            request.loss, request.optimizer = self._program(request)
        alike = {
            (r.loss, r.optimizer, int(r.count), shapes(r.arrays)) for r in requests
        }
        if len(alike) == 1 and len(requests) > 1:
            one, arrays = requests[0], [r.arrays for r in requests]
            found = run_together(one.loss, one.optimizer, arrays, one.count)
            for r, result in zip(requests, found, strict=True):
                r.finish(devices.replicate(r.mesh, result))
            return
        for r in requests:
            r.finish(run_steps(r.loss, r.optimizer, r.mesh, *r.arrays, r.count))

    def _program(self, request: _Steps) -> tuple[Any, Any]:
        """The first loss and optimizer that compute the same as those of a request."""
        name = request.loss, request.optimizer, shapes(request.arrays)
        for known in self._programs:
            if name in known.names:
                return known.loss, known.optimizer
        new = Program.of(request.loss, request.optimizer, request.arrays)
        for known in self._programs:
            if known.same(new):
                known.names.add(name)
                return known.loss, known.optimizer
        new.names.add(name)
        self._programs.append(new)
        return new.loss, new.optimizer


_meeting: contextvars.ContextVar[_Meeting | None]
_meeting = contextvars.ContextVar("meeting", default=None)
