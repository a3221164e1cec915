"""Traces: what is seen of a run is what the run does."""

import functools

import jax
import numpy as np

from seqjax.inspect import trace
from seqjax.testing.comparison import Case, assert_close, require
from seqjax.testing.data import MASK, RESETS, ROWS, STEPS, poison, random_arguments
from seqjax.testing.programs import Outcome, jit, run, select
from seqjax.testing.registry import causal_layers, every_layer, law, simple_cells

CASE = Case(MASK, RESETS, reverse=True, remark="traced")


@functools.partial(jit, static_argnames="reverse")
def _trace(layer, arguments, mask, resets, reverse):
    params, xs, carry = arguments
    flags = {"mask": mask, "resets": resets}
    return trace(layer, params, xs, carry, reverse=reverse, **flags)


@functools.cache
def traced(layer, in_features):
    """Returns a trace over every mask with every pattern of resets, run back."""
    arguments = random_arguments(layer, in_features, STEPS, ROWS)
    arguments = arguments._replace(inputs=poison(MASK, arguments.inputs))
    return jax.device_get(_trace(layer, arguments, MASK, RESETS, CASE.reverse))


@law(every_layer)
def a_trace_is_the_run(layer, in_features):
    """A trace has the run's carry and outputs, and is zero where masked."""
    seen = traced(layer, in_features)
    arguments = random_arguments(layer, in_features, STEPS, ROWS)
    plain = run(layer, arguments, CASE._replace(remark=""))
    assert_close(Outcome(seen.carry, seen.outputs), plain, CASE)
    for leaf in jax.tree.leaves(seen.cells):
        require(not np.any(leaf[~MASK]), "a masked state or gate is not zero", CASE)


@law(causal_layers)
def a_trace_ends_in_the_carry(layer, in_features):
    """The states of a trace after any number of steps are those that a run ends in."""
    seen = traced(layer, in_features)
    first = MASK.argmax(axis=0)  # the last step that is taken, going back
    states = [cell.carry for cell in seen.cells.values()]
    leaves = [leaf[first, np.arange(ROWS)] for leaf in jax.tree.leaves(states)]
    expected = jax.tree.leaves(seen.carry)
    some = MASK.any(axis=0) & ~resets_after(first)
    require(len(leaves) == len(expected), "a trace lacks a part of the carry")
    pairs = [(a[some], b[some]) for a, b in zip(leaves, expected, strict=True)]
    found, carry = zip(*pairs, strict=True) if pairs else ((), ())
    assert_close(list(found), list(carry), CASE)


def resets_after(first):
    """Says whether a row is reset behind its last valid step, going back: [rows]."""
    return np.any(RESETS & (np.arange(STEPS)[:, None] < first), axis=0)


@jit
def _gates(cell, arguments, befores):
    params, xs, _ = arguments
    u, v = cell.project(params, xs), cell.recur(params, befores)
    return cell.gates(params, befores, u, v)


@law(simple_cells)
def gates_are_those_of_each_step(layer, in_features):
    """Each gate of a trace is that of its step, from the carry before it."""
    seen = traced(layer, in_features)
    arguments = random_arguments(layer, in_features, STEPS, ROWS)
    start = jax.device_get(layer.initial_carry_from(arguments.params, (ROWS,), float))
    (cell,) = seen.cells.values()
    carry, befores = arguments.carry, []
    for t in reversed(range(STEPS)):
        carry = select(RESETS[t], start, carry)
        befores.insert(0, carry)
        after = jax.tree.map(lambda a, t=t: a[t], cell.carry)
        carry = select(MASK[t], after, carry)
    stacked = jax.tree.map(lambda *a: np.stack(a), *befores)
    for name, gate in jax.device_get(_gates(layer, arguments, stacked)).items():
        expected = np.where(MASK[..., None], gate, 0)
        assert_close(cell.gates[name], expected, CASE._replace(remark=f"gate {name}"))
