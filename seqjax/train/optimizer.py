"""An Optax chain by names: clipping, then an optimizer on a schedule. E19."""

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
    """The lengths of a schedule's parts, in steps."""

    steps: int = 1  # the whole run
    warmup: int = 0  # the rate rises to the full one
    hold: int = 0  # the rate stays at the full one, before it halves
    halve_every: int = 1  # between two halvings


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

_DEFAULT_TIMES = Times()


def make_optimizer(
    name: str,
    learning_rate: float,
    *,
    schedule: str = "constant",
    times: Times = _DEFAULT_TIMES,
    clip_norm: float = 0.0,
    clip_value: float = 0.0,
    weight_decay: float = 0.0,
    trainable: Any = None,
) -> optax.GradientTransformation:
    """Chains clipping, an optimizer and its schedule.

    Args:
      name: a key of `OPTIMIZERS`.
      learning_rate: the highest learning rate of the schedule.
      schedule: a key of `SCHEDULES`. "constant" stays; "cosine" falls to zero at the
        end; "warmup" rises linearly, then stays; "warmup_cosine" does both; "halving"
        stays for a while, then halves again and again.
      times: the lengths of the schedule's parts.
      clip_norm: a gradient whose global norm is larger is scaled down to this norm; 0
        does not clip.
      clip_value: then every entry is cut to ±clip_value; 0 does not clip.
      weight_decay: the decoupled weight decay of adamw. Other optimizers ignore it.
      trainable: a tree of booleans like the parameters. Where it is False, the
        clipping norm does not count the gradient and no step moves the parameter. None
        means that all are trained.

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
