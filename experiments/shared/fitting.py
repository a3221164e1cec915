"""Whether a training fits into memory, before anything of it is written."""

from typing import Any

import jax

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
