"""Mistakes of a caller, and of the author of a cell: each ends with one sentence."""

import dataclasses
import functools
import re
import sys

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import LAYERS, STEPPERS, FastWeights, over, over_named
from random_data import random_arguments, random_carry, random_params, weighted_sum

import seqjax
from seqjax import CELLS, LSTM, Bidirectional, Cell, Elman, LinearCell, Readout, Stack
from seqjax.cells import make, to_stacked
from seqjax.layers import AdditiveAttention
from seqjax.layers.recurrent_dropout import CellAround
from seqjax.masks import from_lengths
from seqjax.noise import drop_weights

STEPS, ROWS = 4, 5


def data(layer):
    return random_arguments(layer, STEPS, ROWS)


def one_sentence(raised):
    assert "\n" not in str(raised.value)


@over(LAYERS)
def test_swapped_inputs_and_parameters_are_recognised(layer):
    params, xs, _ = data(layer)
    with pytest.raises(TypeError, match="are swapped: the call is unroll.params") as e:
        layer.unroll(xs, params)
    one_sentence(e)


@over(STEPPERS)
def test_swapped_arguments_of_a_step_are_recognised(layer):
    params, xs, carry = data(layer)
    with pytest.raises(TypeError, match="are swapped: the call is step.params, carry"):
        layer.step(xs[0], carry, params)


@over_named("elman", "lstm", "stack", "learned_start")
def test_a_carry_in_place_of_the_input_is_named(layer):
    params, xs, carry = data(layer)
    with pytest.raises(TypeError, match="x must be an array, got .*; the call is"):
        layer.step(params, xs[0], carry)
    with pytest.raises(TypeError, match="xs must be an array, got NoneType; the call"):
        layer.unroll(params, None)


def test_inputs_may_be_lists_of_numbers():
    layer = LSTM(2)
    params, xs, carry = data(layer)
    chex.assert_trees_all_equal(
        layer.step(params, carry, xs[0].tolist()), layer.step(params, carry, xs[0])
    )
    with pytest.raises(TypeError, match="x must be an array, got list"):
        layer.step(params, carry, [[1.0], [2.0, 3.0]])


@over(STEPPERS)
def test_a_step_names_parameters_of_another_width(layer):
    params, xs, carry = data(layer)
    message = "for inputs of width 2 the parameters of .* must look like .* got"
    if isinstance(layer, seqjax.Residual):
        message = "the widths must be equal"
    if getattr(layer, "grid", (1, 1)) != (1, 1):
        message = "must be a multiple of the .* places of a grid"
    with pytest.raises(ValueError, match=message):
        layer.step(params, carry, xs[0, :, :2])
    with pytest.raises(ValueError, match="must look like"):
        layer.step(jax.tree.leaves(params)[:1], carry, xs[0])


def test_parameters_of_another_size_are_refused_though_they_multiply():
    layer, wider = Readout(2), Readout(4)
    _, xs, _ = data(layer)
    for call in (layer.unroll, lambda p, xs: layer.step(p, (), xs[0])):
        with pytest.raises(
            ValueError, match="the parameters of Readout must look like"
        ):
            call(random_params(wider), xs)


@over(STEPPERS)
def test_a_step_names_a_carry_of_another_batch(layer):
    params, xs, _ = data(layer)
    message = r"the carry of .* must look like .* batch shape \(5,\), got"
    for batch_shape in ((ROWS + 1,), (ROWS, 1), (1,)):
        with pytest.raises(ValueError, match=message):
            layer.step(params, random_carry(layer, batch_shape), xs[0])


@over(STEPPERS)
def test_a_step_does_not_take_a_sequence(layer):
    params, xs, carry = data(layer)
    with pytest.raises(ValueError, match="has an axis more .*; use unroll") as raised:
        layer.step(params, carry, xs)
    one_sentence(raised)
    with pytest.raises(ValueError, match=r"x must be \[\*batch, in_features\]"):
        layer.step(params, carry, np.float64(1.0))


@over_named("lstm", "stack", "learned_start", "residual")
def test_a_step_names_a_carry_of_another_kind(layer):
    params, xs, carry = data(layer)
    for wrong in (jax.tree.leaves(carry), (carry, carry), None, 3.0):
        with pytest.raises(ValueError, match="the carry of .* must look like"):
            layer.step(params, wrong, xs[0])
    integers = jax.tree.map(lambda a: a.astype(int), carry)
    with pytest.raises(ValueError, match="carry of .* must be floating point"):
        layer.step(params, integers, xs[0])


def test_the_part_that_needs_the_whole_sequence_is_named():
    layer = Stack((Elman(3), Stack((Bidirectional(LSTM(2)),))))
    with pytest.raises(NotImplementedError, match="^Bidirectional needs the whole"):
        layer.step(None, None, None)

    @dataclasses.dataclass(frozen=True)
    class Whole(Readout):
        run_step = seqjax.Layer.run_step

    whole = Whole(2)
    params, xs, carry = data(whole)
    with pytest.raises(NotImplementedError, match="^Whole needs the whole sequence"):
        whole.step(params, carry, xs[0])


def test_a_stack_checks_once():
    """What a layer expects is worked out once, and combinators do not ask again."""
    traced = []

    @dataclasses.dataclass(frozen=True)
    class Counted(Readout):
        def init(self, key, in_features, dtype=jnp.float32):
            traced.append(in_features)
            return super().init(key, in_features, dtype)

    layer = Stack((Counted(4), Counted(2)))
    params, xs, carry = data(layer)
    traced.clear()
    for _ in range(3):
        layer.step(params, carry, xs[0])
        layer.unroll(params, xs)
    assert traced == [3, 4]


def test_a_memory_may_be_among_the_parameters():
    layer = AdditiveAttention(Elman(3), memory_features=2)
    params, xs, carry = data(layer)
    values = np.random.default_rng(4).normal(size=(ROWS, 6, 2))
    remembered = layer.remember(params, values)
    (_, ys), (_, y) = (
        layer.unroll(remembered, xs[:1], carry),
        layer.step(remembered, carry, xs[0]),
    )
    np.testing.assert_allclose(ys[0], y, rtol=1e-12)
    wrong = remembered._replace(w_q=remembered.w_k)
    with pytest.raises(ValueError, match="parameters of AdditiveAttention must look"):
        layer.step(wrong, carry, xs[0])


FORWARD = {
    "jvp": lambda f, x: jax.jvp(f, (x,), (x,)),
    "jacfwd": lambda f, x: jax.jacfwd(f)(x),
    "linearize": lambda f, x: jax.linearize(f, x)[1](x),
    "jit": lambda f, x: jax.jit(lambda x: jax.jvp(f, (x,), (x,))[1])(x),
}


@over_named("lstm", "bidirectional")
@pytest.mark.parametrize("mode", FORWARD.values(), ids=FORWARD)
@pytest.mark.parametrize("gradient", ["lean", "remat"])
def test_forward_mode_says_which_gradient_has_it(layer, mode, gradient):
    params, xs, _ = data(layer)

    def f(xs):
        return weighted_sum(layer.unroll(params, xs, gradient=gradient, chunk=3))

    with pytest.raises(TypeError, match="use unroll.*gradient='plain'") as raised:
        mode(f, xs)
    one_sentence(raised)


def test_the_hessian_of_lean_is_that_of_plain():
    """Forward over reverse: the way back is differentiated, not the scan."""
    layer = LSTM(2)
    params, xs, carry = data(layer)

    def hessian(gradient):
        def f(b):
            given = params._replace(b=b)
            return weighted_sum(layer.unroll(given, xs, carry, gradient=gradient))

        return jax.hessian(f)(params.b)

    np.testing.assert_allclose(hessian("lean"), hessian("plain"), rtol=1e-9, atol=1e-12)


@over_named("lstm", "bidirectional")
def test_reverse_mode_maps_and_leaves_no_trace(layer):
    """The gradient of a mapped unroll is the unmapped one, row by row."""
    params, xs, _ = data(layer)

    def f(xs):
        return jnp.sum(jnp.sin(layer.unroll(params, xs)[1]))

    def mapped(xs):
        return jnp.sum(jax.vmap(f, in_axes=1)(xs))

    np.testing.assert_allclose(jax.grad(mapped)(xs), jax.grad(f)(xs), rtol=1e-10)
    text = str(jax.make_jaxpr(jax.grad(f))(xs))
    assert "tangent_of_reverse_mode_only" not in text


@pytest.mark.parametrize(
    ("lengths", "bad"), [([2, 5], 5), (7, 7), ([[1, 0], [4, -1]], -1)], ids=str
)
def test_lengths_fit_in_the_sequence(lengths, bad):
    message = f"lengths must be between 0 and the padded length 4, got {bad}"
    for given in (np.asarray(lengths), jnp.asarray(lengths), lengths):
        with pytest.raises(ValueError, match=message):
            from_lengths(given, 4)
    traced = jax.jit(functools.partial(from_lengths, time=4))(jnp.asarray(lengths))
    assert traced.shape == (4, *np.shape(lengths))
    assert from_lengths(np.zeros(0, int), 4).shape == (4, 0)


def test_weight_dropout_needs_recurrent_kernels():
    layer = FastWeights(3)
    params = random_params(layer)
    with pytest.raises(ValueError, match="parameters named w_h; this layer has none"):
        drop_weights(params, layer.trainable(params), jax.random.key(0), 0.5)


def test_the_stacked_form_needs_its_kernels():
    with pytest.raises(
        ValueError, match="needs the kernels w_x .* ReadoutParams lacks"
    ):
        to_stacked(random_params(Readout(3)))


DECORATED = r"{} is a layer, so the class must be decorated with @dataclasses.dataclass"


class Undecorated(Cell):
    features: int

    def init(self, key, in_features, dtype=jnp.float32):
        return ()

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        return ()

    def update(self, params, carry, u, v):
        return carry, u


class Inherited(LSTM):
    pass


@pytest.mark.parametrize("cell", [Undecorated, Inherited])
def test_a_layer_that_is_no_dataclass_of_its_own_says_so(cell):
    with pytest.raises(TypeError, match=DECORATED.format(cell.__name__)) as raised:
        cell(features=3)
    one_sentence(raised)


def test_a_layer_must_be_frozen():
    fields = {"__annotations__": {"features": int}}
    thawed = dataclasses.dataclass(type("Thawed", (Undecorated,), dict(fields)))
    with pytest.raises(TypeError, match=DECORATED.format("Thawed")):
        thawed(features=3)
    kind = type("Frozen", (Undecorated,), dict(fields))
    assert dataclasses.dataclass(frozen=True)(kind)(features=3).features == 3


OWN = """
import dataclasses

import seqjax
from seqjax import LSTM, Elman

@dataclasses.dataclass(frozen=True)
class Leaky(Elman):
    rate: float = 0.5

class Undecorated(Elman):
    pass

number = 3
"""


@pytest.fixture
def own_cells(tmp_path, monkeypatch):
    """A package that somebody else wrote."""
    package = tmp_path / "own_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "own_cells.py").write_text(OWN)
    (package / "broken.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.startswith("own_package")]:
        del sys.modules[name]


def test_cells_come_from_anywhere(own_cells):
    cell = make("own_package.own_cells:Leaky(rate=0.25)", features=4)
    assert type(cell).__name__ == "Leaky"
    assert (cell.rate, cell.features) == (0.25, 4)
    again = make(" own_package.own_cells:Leaky ", features=4, rate=0.25)
    assert again == cell
    params, xs, carry = random_arguments(again, STEPS, ROWS)
    assert again.unroll(params, xs, carry)[1].shape == (STEPS, ROWS, 4)


BAD_IMPORTS = {
    "no_such:Cell": r"no_such:Cell: the module cannot be imported .*'no_such'",
    "own_package.none:Cell": r"cannot be imported .*'own_package.none'",
    "own_package.broken:Cell": "cannot be imported .*'no_such_library'",
    "own_package.own_cells:Leeky": "has no 'Leeky'; its cells are: Leaky, Undecorated",
    "own_package.own_cells:number": "number is not a subclass of seqjax.Cell",
    "own_package.own_cells:Undecorated": "must be decorated with",
    "seqjax.layers:Stack": "Stack is not a subclass of seqjax.Cell",
    "own_package.own_cells:Leaky(speed=2)": "unexpected field 'speed'; Leaky has "
    "features, activation, kernel_init, recurrent_init, rate",
    ":Leaky": "a cell is a name",
    "own package:Leaky": "a cell is a name",
    "own_package.own_cells:": "a cell is a name",
    "own_package:own_cells:Leaky": "a cell is a name",
    "own_package.own_cells:Leaky(rate=x)": "a cell is a name",
}


@pytest.mark.parametrize(("text", "fault"), BAD_IMPORTS.items(), ids=BAD_IMPORTS)
def test_bad_imports_are_one_clear_sentence(own_cells, text, fault):
    with pytest.raises(ValueError, match=fault) as raised:
        make(text, features=4)
    one_sentence(raised)


@pytest.mark.parametrize("name", CELLS)
def test_an_unknown_field_lists_the_fields_there_are(name):
    fields = ", ".join(field.name for field in dataclasses.fields(CELLS[name]))
    message = re.escape(f"unexpected field 'size'; {CELLS[name].__name__} has {fields}")
    for call in (lambda: make(f"{name}(size=4)"), lambda: make(name, size=4)):
        with pytest.raises(ValueError, match=message):
            call()


def test_cells_have_names_in_seqjax_too():
    public = [getattr(seqjax, name) for name in seqjax.__all__]
    cells = [v for v in public if isinstance(v, type) and issubclass(v, Cell)]
    assert seqjax.LSTM in cells
    cells = [cell for cell in cells if not issubclass(cell, CellAround)]
    assert set(cells) - {Cell, LinearCell} <= set(CELLS.values())
