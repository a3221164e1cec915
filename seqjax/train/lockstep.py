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
import functools
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.sharding import AxisType, Mesh, PartitionSpec

from seqjax import devices
from seqjax.train import processes
from seqjax.train.signals import Interrupted, Signals
from seqjax.train.step import State, run_steps, steps

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
            _runner.set(meeting.run_steps)
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
    return _runner.get()


_runner: contextvars.ContextVar[Callable[..., tuple[State, Array]]]
_runner = contextvars.ContextVar("runner", default=run_steps)


class _Failure(NamedTuple):
    error: BaseException


class _Request:
    """Steps that a run has asked for, as `run_steps` takes them; later their result."""

    def __init__(self, *arguments: Any):
        self.loss, self.optimizer, self.mesh = arguments[:3]
        self.arrays, self.count = arguments[3:6], arguments[6]
        self.result: Any = None
        self.done = False

    def finish(self, result: Any) -> None:
        self.result, self.done = result, True


class _Meeting:
    """Where the runs wait for each other; as a context, the right to be running."""

    def __init__(self, count: int):
        self._turn = threading.Condition()
        self._running, self._waiting = count, []
        self._programs: list[_Program] = []

    def run_steps(self, *arguments: Any) -> tuple[State, Array]:
        request = _Request(*arguments)
        self._waiting.append(request)
        self._meet()
        self._turn.wait_for(lambda: request.done)
        if isinstance(request.result, _Failure):
            raise request.result.error
        return request.result

    def __enter__(self) -> None:
        self._turn.acquire()

    def __exit__(self, *_) -> None:
        self._running -= 1
        self._meet()
        self._turn.release()

    def _meet(self) -> None:
        """Does what all have asked for, if none is still on its way."""
        if not self._waiting or len(self._waiting) < self._running:
            return
        requests, self._waiting = self._waiting, []
        try:
            self._run(requests)
        except BaseException as error:
            for request in requests:
                request.finish(_Failure(error))
        self._turn.notify_all()

    def _run(self, requests: list[_Request]) -> None:
        for request in requests:
            request.loss, request.optimizer = self._program(request)
        alike = {
            (r.loss, r.optimizer, int(r.count), _shapes(r.arrays)) for r in requests
        }
        if len(alike) == 1 and len(requests) > 1:
            _run_together(requests)
            return
        for r in requests:
            r.finish(run_steps(r.loss, r.optimizer, r.mesh, *r.arrays, r.count))

    def _program(self, request: _Request) -> tuple[Any, Any]:
        """The first loss and optimizer that compute the same as those of a request."""
        shapes = _shapes(request.arrays)
        for known in self._programs:
            if (request.loss, request.optimizer, shapes) in known.names:
                return known.loss, known.optimizer
        new = _Program.of(request)
        for known in self._programs:
            if known.same(new):
                known.names.add((request.loss, request.optimizer, shapes))
                return known.loss, known.optimizer
        new.names.add((request.loss, request.optimizer, shapes))
        self._programs.append(new)
        return new.loss, new.optimizer


class _Program(NamedTuple):
    """A loss and an optimizer, and what they compute on arrays of some shapes.

    Two are the same if their traces and the arrays these close over are equal. What a
    derivative written by hand closes over is no part of a trace, and is not compared.
    """

    loss: Any
    optimizer: optax.GradientTransformation
    text: str
    constants: list[Any]
    names: set[Any]

    @classmethod
    def of(cls, request: _Request) -> "_Program":
        key, state, batches = request.arrays
        batch = jax.tree.map(
            lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), batches
        )
        traced = (
            jax.make_jaxpr(request.loss)(
                state.params, batch, key, state.recurrent_state
            ),
            jax.make_jaxpr(request.optimizer.update)(
                state.params, state.opt_state, state.params
            ),
        )
        # Functions are printed with their addresses, which say nothing.
        text = re.sub(r"\b0x[0-9a-f]+", "", "".join(map(str, traced)))
        constants = [np.asarray(c) for closed in traced for c in closed.consts]
        return cls(request.loss, request.optimizer, text, constants, set())

    def same(self, other: "_Program") -> bool:
        return self.text == other.text and all(
            map(np.array_equal, self.constants, other.constants)
        )


def _run_together(requests: Sequence[_Request]) -> None:
    """Runs the same steps of all as one program."""
    first, mesh = requests[0], _mesh(len(requests))
    arrays = tuple(devices.gather(r.arrays) for r in requests)
    arrays = devices.replicate(mesh, arrays)
    program = first.loss, first.optimizer, mesh, arrays, first.count
    results = devices.one_at_a_time(lambda: _together(*program))
    for request, result in zip(requests, devices.gather(results), strict=True):
        request.finish(devices.replicate(request.mesh, result))


def _mesh(runs: int) -> Mesh | None:
    """As many devices as there are, but not more than runs."""
    chosen = jax.local_devices()[:runs]
    if len(chosen) == 1:
        return None
    return Mesh(np.array(chosen), ("runs",), axis_types=(AxisType.Auto,))


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _together(
    loss: Callable,
    optimizer: optax.GradientTransformation,
    mesh: Mesh | None,
    arrays: tuple[Any, ...],
    count: Array | int,
) -> tuple[Any, ...]:
    """Runs `steps` for each tuple of arrays."""

    def each(stacked, count):
        def one(arrays):
            key, state, batches = arrays
            return steps(loss, optimizer, None, key, state, batches, count)

        on_cpu = jax.local_devices()[0].platform == "cpu"
        return lax.map(one, stacked) if on_cpu else jax.vmap(one)(stacked)

    runs = len(arrays)
    if mesh is not None:
        arrays += (arrays[-1],) * (-runs % mesh.size)  # as many for each device
        over = PartitionSpec("runs")
        each = jax.shard_map(
            each,
            mesh=mesh,
            in_specs=(over, PartitionSpec()),
            out_specs=over,
            check_vma=False,
        )
    stacked = each(jax.tree.map(lambda *a: jnp.stack(a), *arrays), count)
    return tuple(jax.tree.map(lambda a: a[i], stacked) for i in range(runs))  # noqa: B023


def _shapes(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple((a.shape, a.dtype) for a in leaves)
