"""The functions of the course's assignment 1 as equations, in the order of computing.

Arrays lie as the course has them: a batch of m vectors is a matrix whose columns are
the vectors, [n_x, m] or [n_a, m], and a sequence is [n_x, m, T_x]. An LSTM's weights
act on a_prev above xt. The equations are data: a mistake replaces one of them, and
`solve` tells what then comes out.
"""

import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
Values = types.SimpleNamespace  # what is known so far, by the course's names


class Term(NamedTuple):
    """A quantity that a function computes.

    Attributes:
      name: what the course calls it.
      formula: its equation, for people; empty if nobody shall see the term.
      compute: its equation, from the terms before it.
      also: what a student may call by this name without being wrong.
    """

    name: str
    formula: str
    compute: Callable[[Values], Any]
    also: tuple[Callable[[Values], Any], ...] = ()


class Function(NamedTuple):
    """A function of the assignment.

    Attributes:
      name: what it is called.
      arguments: the names of its arguments.
      returns: what it returns: arrays and then a cache in a tuple, or if it goes back,
        gradients in a dictionary.
      terms: its equations.
    """

    name: str
    arguments: list[str]
    returns: list[str]
    terms: tuple[Term, ...]

    @property
    def goes_back(self) -> bool:
        """Whether it computes gradients."""
        return self.name.endswith("backward")


class Mistake(NamedTuple):
    """What is easily done wrong.

    Attributes:
      term: what is computed wrong.
      sentence: goes on after "this is what comes out if".
      compute: the wrong equation.
    """

    term: str
    sentence: str
    compute: Callable[[Values], Any]


# What a cache holds, by its length, in the order that the course gives it.
CACHES = {
    len(names): names
    for names in (
        ("a_next", "a_prev", "xt", "parameters"),
        (
            *("a_next", "c_next", "a_prev", "c_prev", "ft", "it", "cct", "ot"),
            *("xt", "parameters"),
        ),
    )
}


def softmax(z: Array) -> Array:
    """Of each column."""
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


def unpack(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by name, with all that lies in their caches and parameters."""
    v = dict(arguments)
    if "caches" in v:
        steps, v["x"] = v["caches"]
        v["forward"] = [Values(**unpack({"cache": cache})) for cache in steps]
        v["parameters"] = v["forward"][0].parameters
    if "cache" in v:
        v |= zip(CACHES[len(v["cache"])], v["cache"], strict=True)
    return v | v["parameters"]


def solve(terms: Iterable[Term], known: Mapping[str, Any]) -> Values:
    """Computes term after term from what is known."""
    v = Values(**known)
    for term in terms:
        setattr(v, term.name, term.compute(v))
    return v


def with_mistake(terms: Iterable[Term], mistake: Mistake) -> list[Term]:
    """The equations, the wrong one in the place of the right one."""
    return [
        term._replace(compute=mistake.compute) if term.name == mistake.term else term
        for term in terms
    ]


def as_course(function: Function) -> Callable[..., Any]:
    """The function itself, with the arguments and the results that the course has."""

    def call(*arguments: Any, **named: Any) -> Any:
        given = dict(zip(function.arguments, arguments, strict=False)) | named
        v = solve(function.terms, unpack(given))
        if function.goes_back:
            return {name: getattr(v, name) for name in function.returns}
        arrays = tuple(getattr(v, name) for name in function.returns)
        if "x" in given:
            return *arrays, ([cache_of(step) for step in v.steps], v.x)
        return *arrays, cache_of(v)

    return call


def cache_of(step: Values) -> tuple[Any, ...]:
    """What the course keeps of one step forward."""
    names = CACHES[10 if hasattr(step, "c_next") else 4]
    return tuple(getattr(step, name) for name in names)


def walk(
    cell: tuple[Term, ...],
    v: Values,
    *,
    order: int = 1,
    first: float = 1,
    c0: Array | float = 0,
    hand_on: tuple[str, ...] = ("a", "c"),
) -> list[Values]:
    """Steps of a cell through time, by the index of the step.

    Args:
      cell: its equations.
      v: x, a0 and parameters.
      order: −1 walks from the last step to the first.
      first: what a0 is multiplied by.
      c0: the c_prev of the first step.
      hand_on: of a and c, those that go on to the next step.
    """
    start = {"a_prev": first * v.a0, "c_prev": np.zeros_like(v.a0) + c0}
    steps, state = {}, start
    for t in range(v.x.shape[2])[::order]:
        steps[t] = step = solve(cell, {**vars(v), **state, "xt": v.x[:, :, t]})
        after = {f"{s}_prev": getattr(step, f"{s}_next", None) for s in hand_on}
        state = start | after
    return [steps[t] for t in sorted(steps)]


def walk_back(
    cell: tuple[Term, ...],
    v: Values,
    *,
    order: int = -1,
    output: float = 1,
    next_a: float = 1,
    next_c: float = 1,
) -> list[Values]:
    """Steps of a cell back through time, by the index of the step.

    Args:
      cell: its equations.
      v: da, and the steps forward.
      order: 1 walks from the first step to the last.
      output: what the arrow from the output into da⟨t⟩ is multiplied by.
      next_a: the same of the arrow from the step after.
      next_c: the same of the arrow from the step after into dc⟨t⟩.
    """
    steps, da_next, dc_next = {}, np.zeros_like(v.da[:, :, 0]), 0.0
    for t in range(len(v.forward))[::order]:
        da = output * v.da[:, :, t] + next_a * da_next
        known = {**vars(v.forward[t]), "da_next": da, "dc_next": next_c * dc_next}
        steps[t] = step = solve(cell, known)
        da_next, dc_next = step.da_prev, getattr(step, "dc_prev", 0.0)
    return [steps[t] for t in sorted(steps)]


def over_time(steps: list[Values], name: str) -> Array:
    """One term of all steps, stacked on the last axis."""
    return np.stack([getattr(step, name) for step in steps], axis=-1)
