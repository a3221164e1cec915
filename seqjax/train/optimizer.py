"""Optax put together from names: clip, then optimise, on a schedule. E19."""

from collections.abc import Callable
from typing import Any

import jax
import optax

OPTIMIZERS: dict[str, Callable[..., optax.GradientTransformation]] = {
    "adam": optax.adam,
    "adamw": optax.adamw,
    "rmsprop": optax.rmsprop,
    "sgd": optax.sgd,
}


def _constant(rate: float, steps: int, warmup: int) -> optax.Schedule:
    del steps, warmup
    return optax.constant_schedule(rate)


def _cosine(rate: float, steps: int, warmup: int) -> optax.Schedule:
    del warmup
    return optax.cosine_decay_schedule(rate, steps)


def _warmup(rate: float, steps: int, warmup: int) -> optax.Schedule:
    del steps
    return optax.linear_schedule(rate / max(warmup, 1), rate, warmup)


def _warmup_cosine(rate: float, steps: int, warmup: int) -> optax.Schedule:
    first = rate / max(warmup, 1)
    return optax.warmup_cosine_decay_schedule(first, rate, warmup, max(steps, 1))


SCHEDULES: dict[str, Callable[[float, int, int], optax.Schedule]] = {
    "constant": _constant,
    "cosine": _cosine,
    "warmup": _warmup,
    "warmup_cosine": _warmup_cosine,
}


def make_optimizer(
    name: str,
    learning_rate: float,
    *,
    schedule: str = "constant",
    steps: int = 1,
    warmup: int = 0,
    clip_norm: float = 0.0,
    clip_value: float = 0.0,
    weight_decay: float = 0.0,
    trainable: Any = None,
) -> optax.GradientTransformation:
    """Chains clipping, an optimiser and its schedule.

    Args:
      name: of `OPTIMIZERS`.
      learning_rate: the highest one of the schedule.
      schedule: of `SCHEDULES`: constant; cosine, to zero at `steps`; warmup, linear
        over `warmup` steps; warmup_cosine, both.
      steps: the length of the run, in steps.
      warmup: steps of warm-up.
      clip_norm: scales a gradient whose global norm is larger down to it; 0 does not.
      clip_value: then cuts every entry to ±clip_value; 0 does not.
      weight_decay: of adamw.
      trainable: a tree of booleans like the parameters; where False, no clipping
        norm counts it and no step moves it. All true if None.

    Returns:
      The transformation.
    """
    rate = SCHEDULES[schedule](learning_rate, steps, warmup)
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
