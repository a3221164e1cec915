"""What a call's time goes into: JAX's own trace, summed by kind of kernel.

The trace has an event for each kernel that XLA starts on a CPU, on the thread that
starts it, nested as they call each other. Each moment is counted once, for the
innermost event of its thread; those in which no kernel runs are what is left over.
"""

import collections
import pathlib
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax

Seconds = dict[str, float]

PRODUCT = "product: "  # put before the name of a kernel that multiplies matrices
KINDS = {  # the first that matches a kernel's name without its number
    "product": PRODUCT,
    "sums over devices": r"all-|collective-|reduce-scatter|Wait: ",
    "loop": r"(while|call|conditional|ThunkExecutor::Execute)$|end: ",
    "moving": r"((wrapped|fusion|copy|bitcast|dynamic|update|slice|concatenate|"
    r"transpose|pad|broadcast|reshape|gather|scatter|iota|tuple|get|element)[-_]?)+$",
    "arithmetic": r"[a-z][a-z_-]*$",
}
STEP, WHOLE, REST = "products of a step", "other products", "no kernel"
SHARES = (STEP, WHOLE, *list(KINDS)[1:], REST)


class Event(NamedTuple):
    """What a thread did from one time to another, in seconds."""

    begin: float
    end: float
    name: str


class Profile(NamedTuple):
    """Where the time of one call goes."""

    seconds: float  # of a call that is not watched
    watched: float  # of one that is
    devices: int  # that worked side by side
    shares: (
        Seconds  # of a watched call, a device's mean, by `SHARES`; they add up to it
    )
    kernels: dict[str, tuple[float, float]]  # a device's seconds and calls, by name


def profile(
    run: Callable[[], Any], steps: int, parts: int = 1, seconds: float = 0.5
) -> Profile:
    """Watches a call of compiled functions.

    Args:
      run: the call, compiled already; it returns arrays that are ready.
      steps: T; a product that a device takes as often belongs to a step.
      parts: the calls that `run` makes; the times are those of one.
      seconds: about how long to run it, first unwatched, then watched.
    """
    _, alone = _repeat(run, seconds)
    with tempfile.TemporaryDirectory() as folder:
        options = jax.profiler.ProfileOptions()
        options.python_tracer_level = 0
        with jax.profiler.trace(folder, profiler_options=options):
            calls, watched = _repeat(run, seconds)
        threads = list(_threads(pathlib.Path(folder)))
    leaves = [a for a in jax.tree.leaves(run()) if isinstance(a, jax.Array)]
    devices = max((len(a.sharding.device_set) for a in leaves), default=1)
    totals, counts = summed(threads)
    each = calls * devices * parts
    kernels = {name: (s / each, counts[name] / each) for name, s in totals.items()}
    alone, watched = alone / parts, watched / parts
    found = shares(kernels, steps // parts, watched)
    return Profile(alone, watched, devices, found, kernels)


def _repeat(run: Callable[[], Any], seconds: float) -> tuple[int, float]:
    """How many calls fit into so many seconds, and the seconds of each."""
    begin, calls = time.perf_counter(), 0
    while calls < 2 or time.perf_counter() < begin + seconds:
        run()
        calls += 1
    return calls, (time.perf_counter() - begin) / calls


def _threads(folder: pathlib.Path) -> Iterator[list[Event]]:
    """The events of each thread in a trace that was written to a folder."""
    (path,) = folder.rglob("*.xplane.pb")
    multiplying = {
        (module.name, kernel)
        for program in jax.devices()[0].client.live_executables()
        for module in program.hlo_modules()
        for kernel in products(module.to_string())
    }
    for plane in jax.profiler.ProfileData.from_file(str(path)).planes:
        for line in plane.lines:
            yield [_event(e, multiplying) for e in line.events]


def _event(event: Any, multiplying: set[tuple[str, str]]) -> Event:
    module = next((value for key, value in event.stats if key == "hlo_module"), "")
    name = PRODUCT * ((module, event.name) in multiplying) + event.name
    begin = event.start_ns / 1e9
    return Event(begin, begin + event.duration_ns / 1e9, name)


def products(program: str) -> set[str]:
    """The kernels that multiply matrices in the text of a compiled program.

    XLA gives some fusions of one name to products, and to sums alike.
    """
    multiplies = r" (?:dot|convolution)\("
    found = set(re.findall(rf"^ *(?:ROOT )?%(\S+) = .*{multiplies}", program, re.M))
    inside = {
        part.split(maxsplit=1)[0]
        for part in re.split(r"^%", program, flags=re.M)[1:]
        if re.search(multiplies, part)
    }
    fusions = re.findall(r"%(\S+) = .* fusion\(.*calls=%([^\s,]+)", program)
    return found | {name for name, called in fusions if called in inside}


def summed(
    threads: Iterable[list[Event]],
) -> tuple[Seconds, collections.Counter[str]]:
    """The seconds of each kernel without those of the kernels inside, and its calls."""
    seconds, calls = collections.defaultdict(float), collections.Counter()
    for events in threads:
        open_events: list[Event] = []
        for event in sorted(events, key=lambda e: (e.begin, -e.end)):
            if kind(event.name) is None:
                continue
            while open_events and open_events[-1].end <= event.begin:
                open_events.pop()
            if open_events:
                seconds[open_events[-1].name] -= event.end - event.begin
            seconds[event.name] += event.end - event.begin
            calls[event.name] += 1
            open_events.append(event)
    return dict(seconds), calls


def kind(name: str) -> str | None:
    """Which of `KINDS` a kernel is; None for an event that is none."""
    name = re.sub(r"(\.\d+)+$", "", name)
    return next((kind for kind, like in KINDS.items() if re.match(like, name)), None)


def shares(
    kernels: dict[str, tuple[float, float]], steps: int, watched: float
) -> Seconds:
    """The seconds of each of `SHARES`, of a device's seconds and calls by kernel."""
    result = dict.fromkeys(SHARES, 0.0)
    for name, (seconds, calls) in kernels.items():
        share = kind(name)
        if share == "product":
            share = STEP if calls >= steps else WHOLE
        result[share] += seconds
    result[REST] = max(watched - sum(result.values()), 0.0)
    return result
