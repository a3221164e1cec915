"""Optax put together from names: clip, then optimise, on a schedule. E19."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import optax

OPTIMIZERS: dict[str, Callable[..., optax.GradientTransformation]] = {
    "adam": optax.adam,
    "adamw": optax.adamw,
    "rmsprop": optax.rmsprop,
    "sgd": optax.sgd,
}


class Times(NamedTuple):
    """When a schedule does what, in steps."""

    steps: int = 1  # the length of the run
    warmup: int = 0  # of warm-up
    hold: int = 0  # at the full rate, before it halves
    halve_every: int = 1


def _constant(rate: float, times: Times) -> optax.Schedule:
    del times
    return optax.constant_schedule(rate)


def _cosine(rate: float, times: Times) -> optax.Schedule:
    return optax.cosine_decay_schedule(rate, times.steps)


def _warmup(rate: float, times: Times) -> optax.Schedule:
    return optax.linear_schedule(rate / max(times.warmup, 1), rate, times.warmup)


def _warmup_cosine(rate: float, times: Times) -> optax.Schedule:
    first = rate / max(times.warmup, 1)
    steps = max(times.steps, 1)
    return optax.warmup_cosine_decay_schedule(first, rate, times.warmup, steps)


def _halving(rate: float, times: Times) -> optax.Schedule:
    begin = times.hold - times.halve_every  # at `hold` it has halved once
    return optax.exponential_decay(
        rate, times.halve_every, 0.5, transition_begin=begin, staircase=True
    )


SCHEDULES: dict[str, Callable[[float, Times], optax.Schedule]] = {
    "constant": _constant,
    "cosine": _cosine,
    "halving": _halving,
    "warmup": _warmup,
    "warmup_cosine": _warmup_cosine,
}


ONCE = Times()


def make_optimizer(
    name: str,
    learning_rate: float,
    *,
    schedule: str = "constant",
    times: Times = ONCE,
    clip_norm: float = 0.0,
    clip_value: float = 0.0,
    weight_decay: float = 0.0,
    trainable: Any = None,
) -> optax.GradientTransformation:
    """Chains clipping, an optimiser and its schedule.

    Args:
      name: of `OPTIMIZERS`.
      learning_rate: the highest one of the schedule.
      schedule: of `SCHEDULES`: constant; cosine, to zero at the end; warmup, linear;
        warmup_cosine, both; halving, again and again after a while.
      times: when it does so.
      clip_norm: scales a gradient whose global norm is larger down to it; 0 does not.
      clip_value: then cuts every entry to ±clip_value; 0 does not.
      weight_decay: of adamw.
      trainable: a tree of booleans like the parameters; where False, no clipping
        norm counts it and no step moves it. All true if None.

    Returns:
      The transformation.
    """
    rate = SCHEDULES[schedule](learning_rate, times)
    options = {"weight_decay": weight_decay} if name == "adamw" else {}
    chain = optax.chain(
        optax.clip_by_global_norm(clip_norm) if clip_norm else optax.identity(),
        optax.clip(clip_value) if clip_value else optax.identity(),
        OPTIMIZERS[name](rate, **options),
    )
    if trainable is None:
        return chain
    labels = jax.tree.map(lambda mark: "trained" if mark else "fixed", trainable)
    return optax.partition({"trained": chain, "fixed": optax.set_to_zero()}, labels)
