"""Whether a training fits into memory, before anything of it is written."""

from typing import Any

import jax
import jax.numpy as jnp

from seqjax import memory, train


def check(variables: Any, options: Any) -> None:
    """Refuses a model whose training takes more memory than there is.

    It counts the parameters, their gradients, the best ones so far, their average if
    one is kept, and what the optimiser keeps of each. Activations come on top of that.

    Args:
      variables: of the model, or their shapes; None if there is no model.
      options: the values of the flags.

    Raises:
      DoesNotFit: the message says how much it would take, and where.
    """
    if variables is None or not hasattr(options, "optimizer"):
        return
    copies, name = 3 + bool(options.average), options.optimizer
    state = jax.eval_shape(train.OPTIMIZERS[name](1.0).init, variables)
    memory.check(
        ([variables] * copies, state),
        f"--features, --layers: {copies} copies of the parameters, and what "
        f"--optimizer={name} keeps of them,",
    )


def check_batch(options: Any) -> None:
    """Refuses batches that take more memory than there is, before any is made.

    What it counts is the least that a training step can hold: a number for each step
    of each row, for all batches of a dispatch, and for the gradient a state of each
    step and row, in half precision; or one of each row, where --gradient=remat has the
    others computed again. A row has one step, or --bptt in streams.

    Args:
      options: the values of the flags.

    Raises:
      DoesNotFit: the message says how much it would take.
    """
    if not hasattr(options, "optimizer") or not hasattr(options, "batch_size"):
        return
    streams = hasattr(options, "bptt") and getattr(options, "sentences", 0) is not True
    flags = "--batch_size, --bptt" if streams else "--batch_size"
    rows, steps = options.batch_size, options.bptt if streams else 1
    chosen = getattr(options, "parameters", 0) or not isinstance(options.features, int)
    width = 1 if chosen else options.features
    on_cpu = jax.local_devices()[0].platform == "cpu"  # whose devices share a memory
    parts = jax.process_count() if on_cpu else jax.device_count()
    memory.check(
        least(-(-rows // parts), steps, width, options.gradient),
        f"{flags}: the batches of a dispatch, and a state of {width} numbers for each "
        f"of {rows:,} rows and {steps:,} steps,",
    )


def least(rows: int, steps: int, width: int, gradient: str) -> tuple[Any, Any]:
    """The arrays that `check_batch` counts."""
    waiting = train.TrainConfig(1).per_dispatch
    kept = 1 if gradient == "remat" else steps
    return (
        jax.ShapeDtypeStruct((waiting, rows, steps), jnp.int32),
        jax.ShapeDtypeStruct((kept, rows, width), jnp.bfloat16),
    )
