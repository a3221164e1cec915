"""Many to many, into the future: quantiles of the next H steps after each step."""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.scipy.stats import norm

from seqjax import losses
from seqjax.layer import Array, Gradient, Layer
from seqjax.metrics import Mean
from seqjax.models.recurrent import Recurrent, mask_of, outputs, trainable

SMALL = nn.initializers.variance_scaling(0.01, "fan_in", "normal")  # of the readout


class _Member(nn.Module):
    """A layer with an affine readout of all quantiles."""

    layer: Layer
    numbers: int
    dropout: float
    gradient: Gradient

    embed = None

    def setup(self):
        self.recurrent = Recurrent(self.layer, gradient=self.gradient)
        self.readout = nn.Dense(self.numbers, kernel_init=SMALL)
        self.drop = nn.Dropout(self.dropout)

    def __call__(self, inputs: Array, lengths: Array, train: bool) -> Array:
        ys, _ = outputs(self, inputs, lengths, train)
        return self.readout(self.drop(ys, deterministic=not train))


class Forecaster(nn.Module):
    """Several layers that read the same, each with quantiles of its own; their mean.

    Outputs are in units in which what is forecast has deviation one: an untrained model
    says the quantiles of a normal distribution. The median is an output of its own plus
    a linear autoregression, which is fitted before (Lai et al., 2018, "Modeling long-
    and short-term temporal patterns", section 3.6); each other quantile is the one
    beside it plus a softplus, so that none cross. The members differ in their first
    weights alone; the mean of their quantiles errs less than one of them does.

    Attributes:
      layer: any causal layer.
      horizon: H, the steps ahead.
      channels: V, how many variables are forecast.
      levels: Q of them, increasing, with ½ in the middle.
      members: how many layers.
      lags: K, how many of the last values of the first V inputs the autoregression
        reads; its weights "linear" [K V + 1, H V] are zero, and stay as they are set.
      dropout: the share of the inputs and outputs of the layers dropped in training.
      gradient: see `Layer.unroll`.

    Example:
      >>> from seqjax.cells import GRU
      >>> model = Forecaster(GRU(8), horizon=3, channels=1, levels=(0.1, 0.5, 0.9))
      >>> inputs, lengths = jnp.ones((2, 7, 4)), jnp.array([7, 5])
      >>> variables = jax.jit(model.init)(jax.random.key(0), inputs, lengths)
      >>> model.apply(variables, inputs, lengths).shape
      (2, 7, 3, 1, 3)
    """

    layer: Layer
    horizon: int
    channels: int
    levels: tuple[float, ...]
    members: int = 1
    lags: int = 0
    dropout: float = 0.0
    gradient: Gradient = "lean"

    def setup(self):
        """Builds the members."""
        count = len(self.levels)
        if list(self.levels) != sorted(set(self.levels)) or count % 2 == 0:
            raise ValueError(f"levels must be odd in number and grow: {self.levels}")
        if self.levels[count // 2] != 0.5 or not self.layer.causal:
            raise ValueError("a forecast needs a causal layer, and ½ amid its levels")
        many = nn.vmap(
            _Member,
            variable_axes={"params": 0},
            split_rngs={"params": True, "dropout": True},
            in_axes=None,  # pyright: ignore[reportArgumentType]
            axis_size=self.members,
        )
        numbers = self.horizon * self.channels * count
        self.each = many(self.layer, numbers, self.dropout, self.gradient)
        if self.lags:
            shape = self.lags * self.channels + 1, self.horizon * self.channels
            self.linear = self.param("linear", nn.initializers.zeros, shape)

    def __call__(self, inputs: Array, lengths: Array, train: bool = False) -> Array:
        """Computes the quantiles of the H steps after each step.

        Args:
          inputs: [B, T, in].
          lengths: how many steps of each row are real, integers [B].
          train: True drops, and needs an rng named "dropout".

        Returns:
          [B, T, H, V, Q], increasing along Q: the mean over the members.
        """
        return jnp.mean(self.of_members(inputs, lengths, train), axis=0)

    def of_members(self, inputs: Array, lengths: Array, train: bool = False) -> Array:
        """Computes the quantiles of each member, [members, B, T, H, V, Q]."""
        outputs = self.each(inputs, lengths, train)
        shape = self.horizon, self.channels, len(self.levels)
        found = ordered(outputs.reshape(*outputs.shape[:-1], *shape), self.levels)
        if not self.lags:
            return found
        line = lagged(inputs[..., : self.channels], self.lags) @ self.linear
        return found + line.reshape(*line.shape[:-1], *shape[:-1], 1)

    def loss(
        self, inputs: Array, targets: Array, known: Array, lengths: Array, train: bool
    ) -> Mean:
        """Computes the quantile loss of each member, which learns by itself.

        Args:
          inputs: as in `__call__`.
          targets: [B, T, H, V].
          known: bool [B, T, H, V], False where there is no target.
          lengths: as in `__call__`.
          train: as in `__call__`.

        Returns:
          The mean over members and known targets.
        """
        quantiles = self.of_members(inputs, lengths, train)
        valid = known & mask_of(lengths, inputs.shape[1])[..., None, None]
        targets, valid = (
            jnp.broadcast_to(a, quantiles.shape[:-1]) for a in (targets, valid)
        )
        return losses.quantile_loss(quantiles, targets, self.levels, valid, "mean")

    def trainable(self, variables: Any) -> Any:
        """Returns a tree like `variables`, False where no optimizer may step."""
        marks = trainable({"params": variables["params"]["each"]}, recurrent=self.layer)
        fixed = {"linear": False} if self.lags else {}
        return {"params": {"each": marks["params"], **fixed}}


def lagged(values: Array, lags: int) -> Array:
    """The last values at each step [B, T, V], 0 before the first: [B, T, K V + 1].

    The newest come first, and a 1 last.
    """
    time = values.shape[1]
    padded = jnp.pad(values, [(0, 0), (lags - 1, 0), (0, 0)])
    back = [padded[:, lags - 1 - k : lags - 1 - k + time] for k in range(lags)]
    return jnp.concatenate([*back, jnp.ones_like(values[..., :1])], axis=-1)


def ordered(numbers: Array, levels: tuple[float, ...]) -> Array:
    """Turns any numbers [..., Q] into increasing ones; zeros into normal quantiles."""
    middle = len(levels) // 2
    steps = jnp.diff(norm.ppf(jnp.asarray(levels, numbers.dtype)))
    zeros = jnp.log(jnp.expm1(steps))  # where softplus is the step
    median = numbers[..., middle : middle + 1]
    grow = functools.partial(jnp.cumsum, axis=-1)
    above = grow(jax.nn.softplus(numbers[..., middle + 1 :] + zeros[middle:]))
    gaps = jax.nn.softplus(numbers[..., :middle] + zeros[:middle])
    below = grow(gaps[..., ::-1])[..., ::-1]
    return jnp.concatenate([median - below, median, median + above], axis=-1)
