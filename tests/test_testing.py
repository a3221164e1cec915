"""`check_cell` proves an outside cell, and says in words how a broken one fails."""

import dataclasses
import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqjax import CELLS, Readout, Stack
from seqjax.testing import LAWS, LawError, check_cell, check_layer
from seqjax.testing.comparison import Case, assert_close
from seqjax.testing.data import MASK, RESETS
from seqjax.testing.programs import Outcome

README = pathlib.Path(__file__).parent.parent / "README.md"
OUTSIDE = {"__name__": "mgu"}
exec(re.search(r"```python\n(.*?)```", README.read_text(), re.S)[1], OUTSIDE)
MGU, MGUCarry = OUTSIDE["MGU"], OUTSIDE["MGUCarry"]
KEPT = []

frozen = dataclasses.dataclass(frozen=True)


def test_a_good_cell_passes():
    check_cell(MGU(4))


@frozen
class NeedsTwoFields(MGU):
    width: int = dataclasses.field(kw_only=True)


@frozen
class ForgetsToCheckItsFields(MGU):
    slope: float = 1.0

    def __post_init__(self):
        pass


@frozen
class CountsInIntegers(MGU):
    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        return super().initial_carry(batch_shape, jnp.int32)


@frozen
class DropsAnOutput(MGU):
    def update(self, params, carry, u, v):
        carry, y = super().update(params, carry, u, v)
        return carry, y[..., 1:]


@frozen
class KeepsATracer(MGU):
    def project(self, params, x):
        KEPT.append(x)
        return super().project(params, x)


@frozen
class RecursInACurve(MGU):
    def recur(self, params, carry):
        return jnp.tanh(super().recur(params, carry))


@frozen
class LooksAtTime(MGU):
    def project(self, params, x):
        return super().project(params, x - x.mean(0))


@frozen
class PullsTheWrongWay(MGU):
    def pull_back(self, params, carry, residuals, d_after, d_y):
        pulled = super().pull_back(params, carry, residuals, d_after, d_y)
        d_params, d_carry, d_u, d_v = pulled
        return d_params, d_carry, d_u, -d_v


@frozen
class MultipliesInTheCarrysDtype(MGU):
    def recur(self, params, carry):
        return ()

    def update(self, params, carry, u, v):
        w_f = params.w_h[:, : self.features].astype(carry.h.dtype)
        v = (carry.h @ w_f).astype(u.dtype)
        return super().update(params, carry, u, v)


@frozen
class ForgetsTheMask(MGU):
    def run(self, params, carry, initial, xs, options):
        options = options._replace(mask=None)
        return super().run(params, carry, initial, xs, options)


@frozen
class ForgetsTheResets(MGU):
    def run(self, params, carry, initial, xs, options):
        options = options._replace(segment_starts=None)
        return super().run(params, carry, initial, xs, options)


@frozen
class MixesTheRows(MGU):
    def update(self, params, carry, u, v):
        carry, y = super().update(params, carry, u, v)
        return MGUCarry(carry.h - carry.h.mean(0)), y


@frozen
class IgnoresItsBias(MGU):
    def project(self, params, x):
        return x @ params.w_x


@frozen
class IgnoresItsKey(MGU):
    def init(self, key, in_features, dtype=jnp.float32):
        return super().init(jax.random.key(0), in_features, dtype)


@frozen
class DrawsFromNumPy(MGU):
    def init(self, key, in_features, dtype=jnp.float32):
        params = super().init(key, in_features, dtype)
        return params._replace(
            b=jnp.asarray(np.random.normal(size=len(params.b)), dtype)
        )


BROKEN = {
    NeedsTwoFields: ("a_cell_is_built_from_features_alone", "width"),
    ForgetsToCheckItsFields: (
        "a_cell_is_built_from_features_alone",
        r"features=0\) must be .* super\(\).__post_init__\(\)",
    ),
    CountsInIntegers: (
        "parameters_and_carries_are_floating_point",
        r"carry.h is int32, not floating point",
    ),
    DropsAnOutput: (
        "outputs_and_carries_keep_their_shapes",
        r"outputs have shape \(3, 3\), not \(3, 4\)",
    ),
    KeepsATracer: ("no_tracer_leaks", "Leaked"),
    RecursInACurve: ("recur_is_affine", r"the result\[.*\] is .* instead of"),
    LooksAtTime: ("project_does_not_look_at_time", r"the largest difference"),
    PullsTheWrongWay: (
        "pull_back_is_the_derivative_of_update",
        r"v\[.*\] is (-?)([\d.]+) instead of (?!\1)-?\2",
    ),
    MultipliesInTheCarrysDtype: (
        "every_product_is_taken_in_the_compute_dtype",
        r"lean: with dtype=bfloat16, products are taken in \['bfloat16', 'float64'\]",
    ),
    ForgetsTheMask: (
        "unroll_is_a_loop_of_step",
        r"With mask .*0.*, resets \d \d \d, forward, lean: .* is .* instead of",
    ),
    ForgetsTheResets: (
        "unroll_is_a_loop_of_step",
        r"With mask \d \d \d, resets .*1.*, forward, lean: .* is .* instead of",
    ),
    MixesTheRows: ("leading_axes_and_vmap_agree", "with two batch axes: "),
    IgnoresItsBias: ("every_parameter_matters", r"8 of 8 numbers of params.b"),
    IgnoresItsKey: (
        "init_is_a_function_of_its_key",
        r"two keys draw the same params.w_x",
    ),
    DrawsFromNumPy: ("init_is_a_function_of_its_key", "two calls with the same key"),
}


@pytest.mark.parametrize("cell", BROKEN, ids=lambda cell: cell.__name__)
def test_a_broken_cell_breaks_its_law(cell):
    name, fault = BROKEN[cell]
    broken = cell(4, width=4) if cell is NeedsTwoFields else cell(4)
    with pytest.raises(LawError, match=rf"breaks the law {name}: .*\n.*{fault}"):
        check_cell(broken)
    KEPT.clear()


def test_a_difference_is_put_into_words():
    wanted = np.array([[1, 0, 1], [0, 1, 0]], bool)
    flags = np.stack([MASK.T, RESETS.T], axis=1)  # [rows, 2, T]
    (row,) = np.flatnonzero((flags == wanted).all((1, 2)))
    expected = Outcome((), np.full((3, MASK.shape[1], 2), 0.5))
    found = expected.outputs.copy()
    found[2, row, 1] = 0.75
    case = Case(MASK, RESETS, reverse=True, gradient="remat", chunk=2)
    with pytest.raises(LawError) as raised:
        assert_close(Outcome((), found), expected, case)
    assert str(raised.value) == (
        "With mask 1 0 1, resets 0 1 0, reverse, remat, chunks of 2: "
        f"outputs[2, {row}, 1] is 0.75 instead of 0.5; this is the largest difference, "
        "0.25 (relative 0.5), and 1 of 384 numbers of this array differ."
    )


def test_not_a_number_equals_nothing():
    with pytest.raises(LawError, match="is nan instead of nan"):
        assert_close(np.array([1.0, np.nan]), np.array([1.0, np.nan]))


@pytest.mark.parametrize("wide", [False, True])
def test_the_configuration_may_be_any_and_is_left_alone(wide):
    settings = jax.enable_x64(wide), jax.debug_nans(True), jax.disable_jit()
    with settings[0], settings[1], settings[2]:
        check_layer(Readout(2))
        assert jnp.zeros(1).dtype == ("float64" if wide else "float32")
        assert jax.config.jax_debug_nans and jax.config.jax_disable_jit


def test_large_layers_are_refused():
    with pytest.raises(LawError, match="check a layer of fewer features"):
        LAWS["gradients_are_central_differences"](CELLS["lstm"](64))


def test_what_is_no_cell_is_refused():
    with pytest.raises(TypeError, match=r"takes an instance of seqjax.Cell, not Stack"):
        check_cell(Stack((MGU(4),)))
    with pytest.raises(TypeError, match=r"takes a layer, MGU\(4\), not its class"):
        check_cell(MGU)
    with pytest.raises(TypeError, match="takes an instance of seqjax.Layer, not 3"):
        check_layer(3)
