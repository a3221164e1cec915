"""What every layer promises beside its numbers: types, traces, names, errors."""

import copy
import dataclasses
import functools
import itertools
import pickle

import chex
import discovered
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import (
    CELL_LAYERS,
    FEATURES,
    IN,
    LAYERS,
    STEPPERS,
    assert_close,
    jit,
    over,
    random_carry,
    random_inputs,
    random_params,
)

import seqjax
from seqjax import CELLS, Bidirectional, Residual, Stack, cells, initializers
from seqjax.cells import (
    LSTM,
    Elman,
    PeepholeLSTM,
    SimplifiedGRU,
    from_stacked,
    make,
    to_stacked,
)
from seqjax.initializers import Glorot, He, Orthogonal, ScaledIdentity, Sparse, Zeros

STEPS, ROWS = 3, 5
DTYPES = [jnp.bfloat16, jnp.float16, jnp.float32, jnp.float64]
MIXED = [  # each dtype of one with each of the others
    (DTYPES[i], DTYPES[j], DTYPES[(i + j) % 4])
    for i, j in itertools.product(range(4), repeat=2)
]
GRADIENTS = ["lean", "plain", "remat"]

FUSED = {
    name: layer
    for name, layer in CELL_LAYERS.items()
    if {"w_x", "w_h"} <= set(getattr(random_params(layer), "_fields", ()))
}


def data(layer, stored=jnp.float64, carried=jnp.float64, given=jnp.float64):
    def cast(tree, dtype):
        return jax.tree.map(lambda a: a.astype(dtype), tree)

    return (
        cast(random_params(layer), stored),
        cast(random_inputs(STEPS, ROWS), given),
        cast(random_carry(layer, (ROWS,)), carried),
    )


def flags():
    mask, resets = np.random.default_rng(6).random((2, STEPS, ROWS)) < 0.6
    return {"mask": mask, "resets": resets}


def dtypes(tree):
    return {leaf.dtype for leaf in jax.tree.leaves(tree)}


def total(layer, wrt, **options):
    params, xs, carry = wrt
    leaves = jax.tree.leaves(layer.unroll(params, xs, carry, **options))
    return sum(jnp.sum(leaf.astype(jnp.float32)) for leaf in leaves)


@over(LAYERS)
def test_dtypes_are_fixed_points(layer):
    for stored, computed, carried in MIXED:
        wrt = data(layer, stored, carried)
        unroll = functools.partial(layer.unroll, dtype=computed, **flags())
        last, ys = jax.eval_shape(unroll, *wrt)
        assert ys.dtype == computed
        assert dtypes(last) <= {jnp.dtype(carried)}
        chex.assert_trees_all_equal_shapes(last, wrt[-1])


@over(LAYERS)
def test_gradients_have_the_dtypes_of_what_they_are_of(layer):
    for stored, computed, carried in MIXED[1::5]:
        wrt = data(layer, stored, carried, given=stored)
        f = functools.partial(total, layer, dtype=computed, **flags())
        chex.assert_trees_all_equal_shapes_and_dtypes(
            jax.eval_shape(jax.grad(f), wrt), jax.eval_shape(lambda wrt: wrt, wrt)
        )


@over(LAYERS)
def test_without_a_dtype_parameters_and_inputs_promote(layer):
    for stored, given, _ in MIXED:
        params, xs, _ = data(layer, stored, given=given)
        last, ys = jax.eval_shape(layer.unroll, params, xs)
        assert ys.dtype == jnp.promote_types(stored, given)
        assert dtypes(last) <= {jnp.promote_types(ys.dtype, jnp.float32)}


@over(STEPPERS)
def test_steps_keep_the_dtypes_that_unroll_keeps(layer):
    for stored, given, carried in MIXED:
        params, xs, carry = data(layer, stored, carried, given)
        after, y = jax.eval_shape(layer.step, params, carry, xs[0])
        assert y.dtype == jnp.promote_types(stored, given)
        chex.assert_trees_all_equal_shapes_and_dtypes(
            after, jax.eval_shape(lambda carry: carry, carry)
        )


def products(jaxpr):
    """The dtypes that are multiplied as matrices, inner functions included."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            yield from (operand.aval.dtype for operand in equation.invars)
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")
        ):
            if hasattr(inner, "eqns"):
                yield from products(inner)


@over(LAYERS)
@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("computed", [jnp.bfloat16, jnp.float32])
def test_every_product_is_taken_in_the_compute_dtype(layer, gradient, computed):
    wrt = data(layer, stored=jnp.float64, carried=jnp.float64)
    f = functools.partial(total, layer, gradient=gradient, dtype=computed, **flags())
    found = set(products(jax.make_jaxpr(jax.grad(f))(wrt).jaxpr))
    assert found == {jnp.dtype(computed)}


@over({k: LAYERS[k] for k in ("lstm", "fast_weights", "stack_with_readout")})
def test_integer_inputs_are_numbers(layer):
    params, xs, _ = data(layer)
    whole = jnp.round(3 * xs)
    found = layer.unroll(params, whole.astype(jnp.int32))
    assert_close(found, layer.unroll(params, whole))


@over(CELL_LAYERS)
def test_recur_is_affine(layer):
    params = random_params(layer)
    one, other = (random_carry(layer, (2, ROWS), seed=seed) for seed in (1, 2))

    def between(a, b):
        return jax.tree.map(lambda a, b: 1.7 * a - 0.7 * b, a, b)

    assert_close(
        layer.recur(params, between(one, other)),
        between(layer.recur(params, one), layer.recur(params, other)),
    )


@over(CELL_LAYERS)
def test_project_does_not_look_at_time(layer):
    params, xs = random_params(layer), random_inputs(6, ROWS)
    order, whole = np.array([3, 0, 5, 1, 4, 2]), layer.project(params, xs)
    permuted = jax.tree.map(lambda u: u[order], whole)
    assert_close(layer.project(params, xs[order]), permuted)
    alone = [layer.project(params, x) for x in xs.reshape(-1, IN)]
    stacked = jax.tree.map(lambda *u: jnp.stack(u), *alone)
    assert_close(stacked, jax.tree.map(lambda u: u.reshape(6 * ROWS, -1), whole))


def test_equal_layers_share_a_trace_and_others_do_not():
    traced = []

    @jax.jit
    def unroll(layer, params, xs):
        traced.append(layer)
        return layer.unroll(params, xs)[1]

    for layer in (*LAYERS.values(), *copy.deepcopy(list(LAYERS.values()))):
        params, xs, _ = data(layer)
        unroll.eval_shape(layer, params, xs)
    assert len(traced) == len(LAYERS)
    assert len(set(LAYERS.values())) == len(LAYERS)


@over(LAYERS)
def test_no_tracer_leaks(layer):
    f = functools.partial(total, layer, chunk=2, **flags())
    with jax.checking_leaks():
        jax.eval_shape(jax.grad(f), data(layer))


@over(LAYERS)
def test_carries_and_parameters_have_the_dtype_that_is_asked_for(layer):
    for dtype in DTYPES:
        params = jax.eval_shape(lambda: layer.init(jax.random.key(0), IN, dtype))  # noqa: B023
        assert dtypes(params) == {jnp.dtype(dtype)}
        carry = layer.initial_carry((2, 3), dtype)
        assert dtypes(carry) <= {jnp.dtype(dtype)}
        for leaf in jax.tree.leaves(carry):
            assert leaf.shape[:2] == (2, 3)
            assert not np.any(leaf)


@over(LAYERS)
def test_init_is_a_function_of_its_key(layer):
    one, again, other = (
        layer.init(jax.random.key(seed), IN, jnp.float64) for seed in (5, 5, 6)
    )
    chex.assert_trees_all_equal(one, again)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        if a.ndim == 2:
            assert np.any(a != b)


@over({k: LAYERS[k] for k in ("echo_state", "learned_start")})
def test_many_keys_draw_at_once(layer):
    def init(key):
        return layer.init(key, IN, jnp.float64)

    drawn = jit(jax.vmap(init))(jax.random.split(jax.random.key(0)))
    other = init(jax.random.split(jax.random.key(0))[1])
    assert_close(jax.tree.map(lambda a: a[1], drawn), other)


def test_the_layers_of_a_combinator_draw_apart():
    key = jax.random.key(0)
    for layer in (Stack((Elman(IN), Elman(IN))), Bidirectional(Elman(IN))):
        one, other = layer.init(key, IN)
        assert np.all(one.w_x != other.w_x)
        assert np.all(one.w_h != other.w_h)


@over({k: v for k, v in FUSED.items() if hasattr(v, "recurrent_init")})
def test_each_gate_is_scaled_as_a_kernel_of_its_own(layer):
    layer = dataclasses.replace(
        layer,
        features=40,
        kernel_init=Glorot(),
        recurrent_init=Orthogonal(0.5),
    )
    params = layer.init(jax.random.key(0), 120, jnp.float64)
    by_gate = {
        name: np.split(getattr(params, name), getattr(params, name).shape[1] // 40, 1)
        for name in ("w_x", "w_h")
    }
    for gate in by_gate["w_h"]:
        assert_close(gate.T @ gate, 0.25 * np.eye(40))
    bound = np.sqrt(6 / (120 + 40))
    for gate in by_gate["w_x"]:
        assert 0.99 * bound < np.abs(gate).max() <= bound
        np.testing.assert_allclose(gate.var(), 2 / (120 + 40), rtol=0.05)
    for gates in by_gate.values():
        for one, other in itertools.combinations(gates, 2):
            assert np.all(one != other)


def bias_of(layer):
    """The biases gate by gate."""
    layer = dataclasses.replace(layer, kernel_init=Zeros(), recurrent_init=Zeros())
    b = layer.init(jax.random.key(0), IN, jnp.float64).b
    return np.split(b, len(b) // layer.features)


@pytest.mark.parametrize("cell", [LSTM, PeepholeLSTM])
def test_forget_bias_is_applied_at_init(cell):
    i, f, g, o = bias_of(cell(4, forget_bias=2.5))
    assert f.tolist() == [2.5] * 4
    assert not np.any([i, g, o])
    assert bias_of(cell(4))[1].tolist() == [1.0] * 4


def test_a_coupled_gate_is_biased_the_other_way():
    i, g, o = bias_of(LSTM(4, coupled=True, forget_bias=2.5))
    assert i.tolist() == [-2.5] * 4
    assert not np.any([g, o])


def test_chrono_draws_the_biases_of_the_memory():
    i, f, g, o = bias_of(LSTM(2000, chrono=21))
    np.testing.assert_array_equal(i, -f)
    assert not np.any([g, o])
    lags = np.exp(f)
    assert 1 <= lags.min() < 1.1
    assert 19.9 < lags.max() <= 20
    np.testing.assert_allclose(lags.mean(), 10.5, rtol=0.05)
    coupled, _, _ = bias_of(LSTM(2000, coupled=True, chrono=21))
    assert -np.log(20) <= coupled.min() < coupled.max() <= 0
    with pytest.raises(ValueError, match="longest lag above 2 steps, not 2"):
        bias_of(LSTM(4, chrono=2))


@over(LAYERS)
def test_repr_evaluates_back(layer):
    names = vars(initializers) | vars(cells) | vars(seqjax) | vars(discovered)
    again = eval(repr(layer), dict(names))
    assert again == layer
    assert hash(again) == hash(layer)


@over(LAYERS)
def test_layers_pickle_and_copy(layer):
    params = random_params(layer)
    for again in (copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))):
        assert again(layer) == layer
        assert hash(again(layer)) == hash(layer)
        chex.assert_trees_all_equal(again(params), params)


@over(LAYERS)
@pytest.mark.parametrize(
    "bad", [np.array([4, 5]), jnp.array([4, 5]), [4]], ids=["numpy", "jax", "list"]
)
def test_arrays_and_lists_are_refused_in_every_field(layer, bad):
    for field in dataclasses.fields(layer):
        with pytest.raises(TypeError, match=rf"\.{field.name} must be a hashable"):
            dataclasses.replace(layer, **{field.name: bad})


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("features", [0, -3, 2.5, "4", None])
def test_features_are_positive_integers(name, features):
    with pytest.raises(ValueError, match="features must be a positive integer, not"):
        CELLS[name](features)


BAD_CALLS = {
    "xs must be": {"xs": np.zeros(IN)},
    "mask must be bool .* got float64": {"mask": np.ones((STEPS, ROWS))},
    "mask must be .* got bool": {"mask": np.ones((ROWS, STEPS), bool)},
    "resets must be bool .* got int64": {"resets": np.ones((STEPS, ROWS), int)},
    "resets must be .* got bool": {"resets": np.ones(STEPS, bool)},
    "gradient must be one of .* not 'fast'": {"gradient": "fast"},
    "chunk must be at least 1, not 0": {"chunk": 0},
}


@over({k: LAYERS[k] for k in ("lstm", "stack", "bidirectional", "learned_start")})
@pytest.mark.parametrize(
    ("message", "argument"), BAD_CALLS.items(), ids=BAD_CALLS.keys()
)
def test_bad_arguments_are_named(layer, message, argument):
    params, xs, _ = data(layer)
    with pytest.raises(ValueError, match=message):
        layer.unroll(params, **{"xs": xs, **argument})


@over({k: LAYERS[k] for k in ("lstm", "stack", "bidirectional", "learned_start")})
def test_bad_carries_are_named(layer):
    params, xs, carry = data(layer)
    bad = [
        random_carry(layer, (ROWS + 1,)),
        random_carry(layer, ()),
        jax.tree.leaves(carry),
        (carry, carry),
    ]
    for wrong in bad:
        with pytest.raises(ValueError, match="the carry of .* must look like .* got"):
            layer.unroll(params, xs, wrong)
    whole = jax.tree.map(lambda a: a.astype(int), carry)
    with pytest.raises(ValueError, match="carry of .* must be floating point"):
        layer.unroll(params, xs, whole)


BAD_LAYERS = {
    "Stack needs at least one layer": lambda: Stack(()),
    "merge must be one of": lambda: Bidirectional(Elman(3), merge="product"),
    "needs equal widths, got 3 and 2": lambda: Bidirectional(
        Elman(3), Elman(2), merge="sum"
    ),
    "Residual adds 4 outputs to 3 inputs": lambda: Residual(Elman(4)).init(
        jax.random.key(0), 3
    ),
    "jax.nn has no activation 'sine'": lambda: Elman(3, activation="sine"),
    "output_activation must be": lambda: LSTM(3, output_activation="relu"),
    "leak must be in": lambda: make("echo_state(leak=0.0)", features=3),
    "density must be in": lambda: make("echo_state(density=1.5)", features=3),
}


@pytest.mark.parametrize(
    ("message", "build"), BAD_LAYERS.items(), ids=BAD_LAYERS.keys()
)
def test_bad_layers_are_refused(message, build):
    with pytest.raises(ValueError, match=message):
        build()


@over({k: v for k, v in LAYERS.items() if k not in STEPPERS})
def test_what_needs_the_whole_sequence_cannot_be_stepped(layer):
    params, xs, carry = data(layer)
    with pytest.raises(NotImplementedError, match="use unroll, not step"):
        layer.step(params, carry, xs[0])


def test_an_activation_may_be_a_function():
    named, given = Elman(4, activation="tanh"), Elman(4, activation=jnp.tanh)
    params, xs, carry = data(named)
    assert_close(named.unroll(params, xs, carry), given.unroll(params, xs, carry))


def test_random_carries_are_normal_and_leaves_differ():
    layer = LSTM(500)
    h, c = seqjax.random_carry(layer, jax.random.key(0), (40,), 2.0, jnp.float64)
    assert h.shape == (40, 500)
    assert np.all(h != c)
    for leaf in (h, c):
        np.testing.assert_allclose(leaf.std(), 2, rtol=0.05)
        assert abs(leaf.mean()) < 0.05
    assert seqjax.random_carry(seqjax.Readout(3), jax.random.key(0)) == ()


def test_the_worked_example_is_stacked():
    params = jax.eval_shape(lambda: Elman(100).init(jax.random.key(0), 10_000))
    assert jax.eval_shape(to_stacked, params).shape == (100, 10_100)


@over(FUSED)
def test_stacking_goes_both_ways(layer):
    params, other = random_params(layer), random_params(layer, seed=9)
    gates, width = params.w_h.shape[1], FEATURES + IN
    w_a = to_stacked(params)
    assert w_a.shape == (gates, width)
    back = from_stacked(other, w_a)
    kernels = {"w_x": params.w_x, "w_h": params.w_h}
    chex.assert_trees_all_equal(back, other._replace(**kernels))
    with pytest.raises(ValueError, match="W_a must be"):
        from_stacked(params, w_a.T)


def test_the_stacked_form_is_the_step():
    def both_ways(layer):
        """The step's new state, and W_a [a; x] + b."""
        params, carry = random_params(layer), random_carry(layer, (ROWS,))
        x = random_inputs(ROWS)
        after, y = layer.step(params, carry, x)
        assert_close(after.h, y)
        both = jnp.concatenate([carry.h, x], axis=-1)
        return y, carry.h, both @ to_stacked(params).T + params.b

    found, _, z = both_ways(Elman(4))
    assert_close(found, jnp.tanh(z))

    found, c, z = both_ways(SimplifiedGRU(4))
    Γu, c̃ = jax.nn.sigmoid(z[:, :4]), jnp.tanh(z[:, 4:])
    assert_close(found, Γu * c̃ + (1 - Γu) * c)


def test_a_closed_update_gate_remembers():
    layer = SimplifiedGRU(4)
    params, carry = random_params(layer), random_carry(layer, (ROWS,))
    closed = np.log(1e-6 / (1 - 1e-6))
    params = params._replace(
        w_x=params.w_x.at[:, :4].set(0),
        w_h=params.w_h.at[:, :4].set(0),
        b=params.b.at[:4].set(closed),
    )
    xs = random_inputs(50, ROWS)
    (last,), _ = layer.unroll(params, xs, carry)
    assert 0 < np.abs(last - carry.h).max() < 50 * 1e-6 * (1 + np.abs(carry.h).max())
    forgotten = layer.unroll(params._replace(b=params.b.at[:4].set(3)), xs, carry)
    assert np.abs(forgotten[0].h - carry.h).max() > 0.5


def test_cells_are_made_from_their_names():
    for name, cell in CELLS.items():
        assert make(name, features=4) == cell(4)
        assert make(f" {name}(features=5) ") == cell(5)
        assert getattr(cells, cell.__name__) is cell
    found = make("lstm(coupled=True, forget_bias=-2)", features=3)
    assert found == LSTM(3, coupled=True, forget_bias=-2)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("lstn", "no cell 'lstn'; there are echo_state, elman, .*lstm"),
        ("", "a cell is a name"),
        ("lstm(", "a cell is a name"),
        ("lstm(4)", "a cell is a name"),
        ("lstm(coupled=yes)", "a cell is a name"),
        ("lstm(chrono={[]: 1})", "a cell is a name"),
        ("seqjax.lstm", "a cell is a name"),
        ("lstm()()", "a cell is a name"),
        ("lstm, gru", "a cell is a name"),
        ("lstm(couple=True)", "'lstm.couple=True.'.*unexpected .*'couple'"),
        ("lstm(features=3)", "multiple values for keyword argument 'features'"),
        ("lstm(chrono=[9])", r"LSTM\.chrono must be a hashable"),
        ("echo_state(leak=2.0)", "leak must be in"),
        ("elman(activation='sine')", "no activation 'sine'"),
    ],
)
def test_bad_cell_names_are_one_clear_sentence(text, fault):
    with pytest.raises(ValueError, match=fault) as raised:
        make(text, features=4)
    assert "\n" not in str(raised.value)
    with pytest.raises(ValueError, match="missing .*'features'"):
        make("gru")


def draw(initializer, *shape, seed=0):
    return np.asarray(initializer(jax.random.key(seed), shape, jnp.float64))


@pytest.mark.parametrize("shape", [(6, 6), (3, 7), (7, 3)], ids=str)
def test_orthogonal_kernels(shape):
    w = draw(Orthogonal(1.5), *shape) / 1.5
    small = w @ w.T if shape[0] < shape[1] else w.T @ w
    assert_close(small, np.eye(min(shape)))
    assert np.any(draw(Orthogonal(), *shape, seed=1) != draw(Orthogonal(), *shape))


@pytest.mark.parametrize("initializer", [Orthogonal(), Sparse(density=0.5)], ids=repr)
def test_kernels_are_drawn_in_half_precision_too(initializer):
    for dtype in (jnp.bfloat16, jnp.float16):
        half, whole = (
            initializer(jax.random.key(0), (6, 6), d) for d in (dtype, jnp.float32)
        )
        assert half.dtype == dtype
        np.testing.assert_allclose(half.astype(jnp.float32), whole, atol=0.01)


def test_scales_of_kernels():
    he, glorot = draw(He(), 200, 300), draw(Glorot(), 200, 300)
    np.testing.assert_allclose(he.var(), 2 / 200, rtol=0.02)
    np.testing.assert_allclose(glorot.var(), 2 / 500, rtol=0.02)
    assert_close(draw(ScaledIdentity(0.3), 4, 4), 0.3 * np.eye(4))
    assert not np.any(draw(Zeros(), 3, 4))


@pytest.mark.parametrize("density", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_reservoirs_have_their_density_and_spectral_radius(density, dtype):
    w = Sparse(density, 1.3)(jax.random.key(0), (150, 150), dtype)
    assert w.dtype == dtype
    np.testing.assert_allclose(np.mean(w != 0), density, rtol=0.1)
    radius = np.abs(np.linalg.eigvals(np.asarray(w, np.float64))).max()
    np.testing.assert_allclose(radius, 1.3, rtol=1e-4)
    assert w.min() < 0 < w.max()


def test_nilpotent_reservoirs_are_left_alone():
    w = jnp.triu(random_inputs(3), 1)
    chex.assert_trees_all_equal(initializers.scale_to_spectral_radius(w, 0.9), w)


def test_an_echo_state_is_scaled_as_its_fields_say():
    layer = make(
        "echo_state(spectral_radius=0.7, density=0.2, input_scale=0.5, bias_scale=0.3)",
        features=200,
    )
    params = layer.init(jax.random.key(0), 30, jnp.float64)
    radius = np.abs(np.linalg.eigvals(params.w_h)).max()
    np.testing.assert_allclose(radius, 0.7, rtol=1e-4)
    np.testing.assert_allclose(np.mean(params.w_h != 0), 0.2, rtol=0.1)
    for leaf, scale in ((params.w_x, 0.5), (params.b, 0.3)):
        assert 0.97 * scale < leaf.max() <= scale
        assert -scale <= leaf.min() < -0.97 * scale
