"""All functions of a student's file, and what is to be said of them."""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.step_by_step.yours.course import FUNCTIONS, GATES
from experiments.step_by_step.yours.equations import as_course
from experiments.step_by_step.yours.judge import Verdict, judge
from experiments.step_by_step.yours.mistakes import MISTAKES
from experiments.step_by_step.yours.student import Failed, Student, Unwritten, load
from seqjax.data import DataError

N_X, N_A, N_Y, M, T_X = 3, 5, 2, 4, 6  # no two alike, so that no transposed array fits
RIGHT = {name: as_course(function) for name, function in FUNCTIONS.items()}
TEMPLATE = "experiments/step_by_step/template.py"


def check(path: str, seed: int) -> tuple[list[str], str]:
    """Checks what a file has of the assignment's functions.

    Args:
      path: of the file, which is executed in this process.
      seed: of the random arrays.

    Returns:
      The report, and a sentence about what is wrong, empty if nothing is.

    Raises:
      DataError: the file cannot be executed, or has none of the functions.
    """
    found = verdicts(load(path), seed)
    if not found:
        raise DataError(
            f"{path} has none of the functions {', '.join(FUNCTIONS)}; {TEMPLATE} has "
            f"all of them, to be written"
        )
    sizes = f"n_x = {N_X}, n_a = {N_A}, n_y = {N_Y}, m = {M}, T_x = {T_X}"
    report = [f"{path}, called with random arrays of float64: {sizes}", ""]
    for name in FUNCTIONS:
        state, term, lines = found.get(name, Verdict("not in the file"))
        report.append(f"  {name:<20}{state}{f': {term}' if term else ''}")
        report += [wrapped for line in lines for wrapped in wrap(line)]
    bad = {n: v for n, v in found.items() if v.state in ("wrong", "failed")}
    listed = (f"{n} ({v.term})" if v.term else v.lines[0] for n, v in bad.items())
    written = sum(v.state != "not written yet" for v in found.values())
    sentence = f"{path}: {len(bad)} of {written} functions wrong: {'; '.join(listed)}"
    return [*report, ""], sentence if bad else ""


def wrap(line: str) -> list[str]:
    """A sentence below the name of its function."""
    return textwrap.wrap(
        line,
        88,
        initial_indent=" " * 6,
        subsequent_indent=" " * 8,
        break_on_hyphens=False,
    )


def verdicts(student: Student, seed: int) -> dict[str, Verdict]:
    """Of each function that a file has, in the order of the assignment."""
    arguments, found = examples(seed), {}
    for name in FUNCTIONS:
        if callable(student.names.get(name)):
            found[name] = verdict(student, name, arguments, found)
    return found


def verdict(
    student: Student,
    name: str,
    arguments: Mapping[str, dict[str, Any]],
    before: Mapping[str, Verdict],
) -> Verdict:
    """Judges a function by itself: whatever it calls of the others is right.

    A function that goes back gets the course's cache. If the student's way forward is
    right, its own cache is tried as well, since that may hold other things.
    """
    others = {other: call for other, call in RIGHT.items() if other != name}
    right = arguments[name]
    case = FUNCTIONS[name], right, MISTAKES[name]
    with student.given(others):
        alone = judge(student, right, *case)
    own = own_cache(student, name, arguments, before)
    if own is None or alone.state == "not written yet":
        return alone
    together = judge(student, {**right, **own}, *case)
    if alone.state == "right" and together.state != "right":
        forward = name.replace("backward", "forward")
        reason = f"It is right with the course's cache, but not with that of {forward}."
        return Verdict("wrong", next(iter(own)), (reason, *together.lines))
    better = together.state == "right" or alone.state == "failed"
    return together if better else alone


def own_cache(
    student: Student,
    name: str,
    arguments: Mapping[str, dict[str, Any]],
    before: Mapping[str, Verdict],
) -> dict[str, Any] | None:
    """What the student's function forward keeps, if all that it takes is right."""
    forward = name.replace("backward", "forward")
    kind = name.split("_")[0]
    needed = {forward, f"{kind}_cell_forward", f"{kind}_cell_backward"} - {name}
    states = {before[n].state for n in needed if n in before}
    if not FUNCTIONS[name].goes_back or forward not in before or states != {"right"}:
        return None
    try:
        returned = student.call(forward, arguments[forward]).returned
    except (Failed, Unwritten):
        return None
    key = FUNCTIONS[name].arguments[-1]
    return {key: returned[-1]}


def examples(seed: int) -> dict[str, dict[str, Any]]:
    """Random arguments of each function, with the course's caches."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape)

    output = {"by": draw(N_Y, 1)}
    rnn = {"Waa": draw(N_A, N_A) / 2, "Wax": draw(N_A, N_X), "ba": draw(N_A, 1)}
    lstm = {f"W{gate}": draw(N_A, N_A + N_X) / 2 for gate in GATES}
    lstm |= {f"b{gate}": draw(N_A, 1) for gate in GATES}
    parameters = {
        "rnn": rnn | output | {"Wya": draw(N_Y, N_A)},
        "lstm": lstm | output | {"Wy": draw(N_Y, N_A)},
    }
    drawn = {
        "xt": draw(N_X, M),
        "a_prev": np.tanh(draw(N_A, M)),
        "c_prev": draw(N_A, M),
        "x": draw(N_X, M, T_X),
        "a0": np.tanh(draw(N_A, M)),
        "da": draw(N_A, M, T_X),
        "da_next": draw(N_A, M),
        "dc_next": draw(N_A, M),
    }
    made = {}
    for name, function in FUNCTIONS.items():
        known = drawn | {"parameters": parameters[name.split("_")[0]]}
        if function.goes_back:
            forward = name.replace("backward", "forward")
            known[function.arguments[-1]] = RIGHT[forward](**made[forward])[-1]
        made[name] = {key: known[key] for key in function.arguments}
    return made
