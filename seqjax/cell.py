"""What a cell adds to a layer: a step in three parts, and the scan over them."""

import abc
from typing import TYPE_CHECKING, Any, ClassVar

import jax

from seqjax import scan
from seqjax.layer import Array, Carry, Layer, Params
from seqjax.linear import LinearStep
from seqjax.scan import ScanOptions


class Cell(Layer):
    """A recurrent cell: up to three pure functions, split by what they depend on.

    `project` needs the input alone, so it runs over the whole sequence as one
    product before the scan; `recur` needs the carry alone and is affine in it;
    `update` is the elementwise rest (a cell that cannot be split may multiply
    there too). All three take any leading batch axes.

    Every leaf of the carry is floating point, [*batch, ...].

    Attributes:
      heavy_update: whether `update` has so many products in it that none is to be made
        twice. The gradient "lean" runs `update` again, on the way back and for its
        parameters, unless `pull_back` is written by hand; of a cell that says True it
        keeps what autodiff would.
    """

    heavy_update: ClassVar[bool] = False

    if TYPE_CHECKING:  # CELLS[name] may be built with `features` and any other fields

        def __init__(self, features: int, **fields: Any): ...

    @property
    def linear(self) -> bool:
        """Whether a state is a ∗ the one before + b, with a and b of the input alone.

        Such a cell has no recurrent weights. A subclass that is says so.
        """
        return False

    def project(self, params: Params, x: Array) -> Any:
        """Returns u⟨t⟩ from x⟨t⟩ [..., in]; the input itself unless overridden."""
        del params
        return x

    def recur(self, params: Params, carry: Carry) -> Any:
        """Returns v⟨t⟩ from carry⟨t−1⟩, affine in it; nothing unless overridden."""
        del params, carry
        return ()

    @abc.abstractmethod
    def update(
        self, params: Params, carry: Carry, u: Any, v: Any
    ) -> tuple[Carry, Array]:
        """Returns carry⟨t⟩ and y⟨t⟩ [..., features] from carry⟨t−1⟩, u⟨t⟩ and v⟨t⟩."""

    def noisy_params(
        self, params: Params, key: Array, batch_shape: tuple[int, ...]
    ) -> Params:
        """Returns the parameters with noise that is the same at every step.

        It is drawn once for a sequence that is unrolled with a key, as is that of
        `noisy_project` at each step: the scan itself draws nothing. A cell that
        overrides either says so by `noisy`.

        Args:
          params: from `init`.
          key: of the noise.
          batch_shape: the batch axes, with which leaves that are added may begin.
        """
        del key, batch_shape
        return params

    def noisy_project(self, params: Params, x: Array, key: Array) -> Any:
        """Returns u⟨t⟩ of x⟨t⟩ [*batch, in], like `project`, with noise of its step."""
        del key
        return self.project(params, x)

    def blend(self, before: Carry, after: Carry, keep: Carry) -> Carry:
        """Returns the carry that keeps the share `keep` of each number: `Zoneout`.

        It is keep ∗ before + (1 − keep) ∗ after, unless a cell's numbers only have a
        meaning together, as those of a state and of its scale.

        Args:
          before: carry⟨t−1⟩.
          after: carry⟨t⟩ from `update`.
          keep: in 0 … 1, arrays or numbers in a tree like the carry.
        """
        return jax.tree.map(lambda b, a, k: k * b + (1 - k) * a, before, after, keep)

    def residuals(
        self, params: Params, carry: Carry, u: Any, v: Any, after: Carry
    ) -> Any:
        """Returns what `pull_back` needs of a step beside the carry before it.

        That is u⟨t⟩ and v⟨t⟩. A cell that overrides both methods keeps its gates
        instead, so that no exponential is taken again on the way back.

        Args:
          params: from `init`.
          carry: carry⟨t−1⟩.
          u: from `project`.
          v: from `recur`.
          after: carry⟨t⟩.
        """
        del params, carry, after
        return u, v

    def pull_back(
        self, params: Params, carry: Carry, residuals: Any, d_after: Carry, d_y: Array
    ) -> tuple[Params | None, Carry, Any, Any]:
        """Returns the derivative of `update`: JAX's own, unless overridden for speed.

        Args:
          params: from `init`.
          carry: carry⟨t−1⟩.
          residuals: from `residuals`.
          d_after: the cotangent of carry⟨t⟩.
          d_y: the cotangent of the output.

        Returns:
          The cotangents of the arguments of `update`: params (summed over every
          leading axis, or None where `update` reads none), carry, u and v.
        """
        outputs, pull = jax.vjp(self.update, params, carry, *residuals)
        cotangents = (d_after, d_y)
        return pull(jax.tree.map(lambda d, o: d.astype(o.dtype), cotangents, outputs))

    def gates(self, params: Params, carry: Carry, u: Any, v: Any) -> dict[str, Array]:
        """Returns what `update` computes on the way, by name: what a trace shows.

        There is nothing unless it is overridden; see `seqjax.inspect.trace`.

        Args:
          params: from `init`.
          carry: carry⟨t−1⟩.
          u: from `project`.
          v: from `recur`.

        Returns:
          Arrays [..., units] by the letters of the equations, such as "f".
        """
        del params, carry, u, v
        return {}

    def run_step(self, params: Params, carry: Carry, x: Array) -> tuple[Carry, Array]:
        """Takes one step, by `seqjax.scan.step`."""
        return scan.step(self, params, carry, x)

    def run(
        self,
        params: Params,
        carry: Carry,
        initial: Carry,
        xs: Array,
        options: ScanOptions,
    ) -> tuple[Carry, Array]:
        """Runs over a sequence, by `seqjax.scan.unroll`."""
        return scan.unroll(self, params, carry, initial, xs, options)


class LinearCell(Cell):
    """A cell whose carry is h⟨t⟩ = a⟨t⟩ ∗ h⟨t−1⟩ + b⟨t⟩, with a and b of x⟨t⟩ alone.

    Its products with x stand in `project`, of all steps at once; then `seqjax.linear`
    takes the steps, one after the other or all in log₂ T rounds. `update`, which takes
    one step, follows from the two functions here.
    """

    @property
    def linear(self):
        """True."""
        return True

    def linear_step(self, params: Params, u: Any) -> LinearStep:
        """Returns a⟨t⟩ and b⟨t⟩ from u⟨t⟩: u itself unless overridden.

        Args:
          params: from `init`.
          u: from `project`.
        """
        del params
        return u

    def read(self, params: Params, carry: Carry, u: Any) -> Array:
        """Returns y⟨t⟩ [..., features]: the only leaf of the carry unless overridden.

        Args:
          params: from `init`.
          carry: carry⟨t⟩, after the step.
          u: from `project`.
        """
        del params, u
        (h,) = jax.tree.leaves(carry)
        return h

    def update(self, params, carry, u, v):
        """Returns h⟨t⟩, and what `read` makes of it."""
        after = self.linear_step(params, u)(carry)
        return after, self.read(params, after, u)
