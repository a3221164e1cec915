"""One function of a student's: which of its terms is the first wrong one, and why."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.step_by_step.yours.equations import (
    CACHES,
    Array,
    Function,
    Mistake,
    Term,
    Values,
    solve,
    unpack,
    with_mistake,
)
from experiments.step_by_step.yours.student import Called, Failed, Student, Unwritten

CLOSE = 1e-6  # of the largest entry; wrong values are off by far more


class Verdict(NamedTuple):
    """What is to be said of a function.

    Attributes:
      state: right, wrong, failed, or not written yet.
      term: the first wrong one.
      lines: sentences about it.
    """

    state: str
    term: str = ""
    lines: tuple[str, ...] = ()


def judge(
    student: Student,
    arguments: Mapping[str, Any],
    function: Function,
    right: Mapping[str, Any],
    mistakes: Sequence[Mistake],
) -> Verdict:
    """Calls a function and compares what it computes, term by term.

    Args:
      student: whose function it is.
      arguments: what it is called with.
      function: what it should be.
      right: the arguments that the right function takes, with the course's cache.
      mistakes: to recognise.
    """
    try:
        called = student.call(function.name, arguments)
        found = results(function, called.returned)
    except Unwritten:
        return Verdict("not written yet")
    except Failed as failure:
        return Verdict("failed", lines=(str(failure),))
    known = unpack(right)
    wanted = solve(function.terms, known)
    if all(equal(array, getattr(wanted, name)) for name, array in found.items()):
        return Verdict("right")
    seen = {**visible(function, called), **found}
    wrong = [t for t in function.terms if t.name in seen and not fits(t, seen, wanted)]
    first = wrong[0]
    mistake, rest = recognise(function, known, seen, first, mistakes)
    of = {term.name: term for term in function.terms}
    term = of[mistake.term] if mistake and of[mistake.term].formula else first
    lines = [
        f"{term.name} = {term.formula}",
        difference(first.name, seen[first.name], getattr(wanted, first.name)),
    ]
    if mistake:
        lines.append(f"This is what comes out if {mistake.sentence}.")
    if mistake and rest:
        lines.append(f"That does not explain {', '.join(rest)}: look there next.")
    return Verdict("wrong", term.name, tuple(lines))


def results(function: Function, returned: Any) -> dict[str, Array]:
    """The arrays that a function returned, by name.

    Raises:
      Unwritten: all of them are None.
      Failed: there are more or fewer, or one is no array of numbers.
    """
    names, name = function.returns, function.name
    if returned is None:
        raise Unwritten
    if function.goes_back:
        if not isinstance(returned, Mapping):
            raise Failed(
                f"{name} returns {kind(returned)}, and not a dictionary with the keys "
                f"{', '.join(names)}"
            )
        if missing := [key for key in names if key not in returned]:
            there = ", ".join(map(str, returned)) or "nothing"
            raise Failed(f"{name} returns no {', '.join(missing)}; it returns {there}")
        values = [returned[key] for key in names]
    else:
        last = "caches" if "x" in function.arguments else "cache"
        size = len(returned) if isinstance(returned, tuple | list) else 1
        if size != len(names) + 1:
            raise Failed(
                f"{name} returns {size} value{'s' * (size != 1)}, and not "
                f"{len(names) + 1}: {', '.join([*names, last])}"
            )
        values = returned[:-1]
    if all(value is None for value in values):
        raise Unwritten
    return {
        key: numbers(name, key, value) for key, value in zip(names, values, strict=True)
    }


def numbers(function: str, name: str, value: Any) -> Array:
    """What a function returned as an array of floats.

    Raises:
      Failed: it is no array of real numbers.
    """
    try:
        if value is None or np.iscomplexobj(value):
            raise TypeError
        return np.asarray(value, float)
    except (TypeError, ValueError):
        wrong = f"{function} returns {kind(value)} as {name}"
        raise Failed(f"{wrong}, and not an array of real numbers") from None


def kind(value: Any) -> str:
    """What a value is, for a sentence."""
    if np.iscomplexobj(value):
        return "complex numbers"
    return "None" if value is None else f"a {type(value).__name__}"


def equal(found: Any, wanted: Any) -> bool:
    """The same shape, and the same numbers to rounding."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    if found.shape != wanted.shape:
        return False
    return bool(np.max(np.abs(found - wanted)) <= CLOSE * np.max(np.abs(wanted)))


def visible(function: Function, called: Called) -> dict[str, Array]:
    """The terms that can be seen in a function's local variables, or in its cache."""
    within = dict(called.variables)
    if not function.goes_back and isinstance(called.returned[-1], tuple):
        cache = called.returned[-1]
        within = dict(zip(CACHES.get(len(cache), ()), cache, strict=False)) | within
    names = (term.name for term in function.terms if term.formula)
    arrays = {name: within[name] for name in names if name in within}
    return {
        name: array
        for name, array in arrays.items()
        if isinstance(array, np.ndarray) and array.dtype.kind in "fiu"
    }


def fits(term: Term, seen: Mapping[str, Array], v: Values) -> bool:
    """Whether what is seen is what the term has here, or may have."""
    allowed = (getattr(v, term.name), *(other(v) for other in term.also))
    return any(equal(seen[term.name], value) for value in allowed)


def recognise(
    function: Function,
    known: Mapping[str, Any],
    seen: Mapping[str, Array],
    first: Term,
    mistakes: Sequence[Mistake],
) -> tuple[Mistake | None, list[str]]:
    """The mistake that gives these numbers, and the results that it does not explain.

    It must leave right what comes before the first wrong term, and give that or the
    first wrong result; of several, the one that explains the most results is it.
    """
    terms = [term for term in function.terms if term.name in seen]
    before = terms[: terms.index(first)]
    results = [term for term in terms if term.name in function.returns]
    right = solve(function.terms, known)
    wrong = next(term for term in results if not fits(term, seen, right))
    best: tuple[Mistake | None, list[str]] = None, [""] * (len(results) + 1)
    for mistake in mistakes:
        v = solve(with_mistake(function.terms, mistake), known)
        rest = [term.name for term in results if not fits(term, seen, v)]
        possible = all(fits(term, seen, v) for term in before)
        if possible and (fits(first, seen, v) or fits(wrong, seen, v)):
            best = min(best, (mistake, rest), key=lambda pair: len(pair[1]))
        if not best[1]:
            break
    return best


def difference(name: str, found: Array, wanted: Array) -> str:
    """How an array is wrong, in a sentence."""
    if found.shape != wanted.shape:
        return f"{name} is of shape {found.shape}, and should be of {wanted.shape}."
    if bad := int(np.sum(~np.isfinite(found))):
        return f"{name} has NaN or infinity in {bad} of its {found.size} entries."
    at = np.unravel_index(np.argmax(np.abs(found - wanted)), wanted.shape)
    place = ", ".join(map(str, at))
    sentence = (
        f"{name} is of the right shape {wanted.shape}, but {name}[{place}] is "
        f"{found[at]:.6g}, and should be {wanted[at]:.6g}"
    )
    if wanted.ndim == 3:
        steps = range(wanted.shape[2])
        right = [t for t in steps if equal(found[..., t], wanted[..., t])]
        listed = ", ".join(map(str, right)) or "none"
        sentence += f"; the time steps that are right: {listed}"
    return f"{sentence}."
