"""A layer in bfloat16 is what `unroll(dtype=…)` computes, wherever it goes."""

import json
import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import processes
import pytest
from discovered import IN, LAYERS
from random_data import random_arguments, random_flags
from trained import uses

import seqjax
from experiments.shared.layers import layer_of
from seqjax import GRU, LSTM, Bidirectional, MixedPrecision, Stack
from seqjax.models.spec import from_json, to_json
from seqjax.recurrence import cast

STEPS, ROWS = 5, 4
FLAGS = random_flags(STEPS, ROWS)
TRIED = "gru layer_norm_lstm stack bidirectional learned_start"


def data(layer):
    """Parameters, inputs and a carry, in float32."""
    return cast(random_arguments(layer, STEPS, ROWS), jnp.float32)


def assert_equal(one, other):
    """All leaves are the same numbers, in the same dtypes.

    But for one rounding to bfloat16, which XLA leaves out where it is undone at once.
    """
    for a, b in zip(*map(jax.tree.leaves, (one, other)), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=2**-8, atol=1e-4)


@pytest.mark.parametrize("name", TRIED.split())
def test_it_computes_what_unroll_computes_in_the_dtype(name):
    layer = LAYERS[name]
    narrow = MixedPrecision(layer)
    params, xs, carry = data(layer)

    def run(layer, dtype, params, xs, carry):
        last, ys = layer.unroll(params, xs, carry, dtype=dtype, **FLAGS)
        return jnp.sum(jnp.sin(ys.astype(jnp.float32)) * weights), (last, ys)

    weights = np.random.default_rng(0).normal(size=(STEPS, ROWS, layer.features))
    weights = weights.astype(np.float32)
    step = jax.jit(
        jax.value_and_grad(run, argnums=(2, 3), has_aux=True), static_argnums=(0, 1)
    )
    (_, (last, ys)), grads = step(narrow, None, params, xs, carry)
    (_, (own_last, own_ys)), own_grads = step(layer, jnp.bfloat16, params, xs, carry)
    assert_equal((last, ys, grads), (own_last, own_ys.astype(jnp.float32), own_grads))
    assert {a.dtype for a in jax.tree.leaves((last, grads))} == {jnp.dtype("float32")}
    (_, (_, wide)), _ = step(layer, None, params, xs, carry)
    assert 0 < np.max(np.abs(wide - ys)) < 0.1


def test_steps_are_its_unrolling():
    layer = MixedPrecision(Stack((GRU(4), LSTM(4))))
    params, xs, carry = data(layer)
    last, ys = layer.unroll(params, xs, carry)
    for x, y in zip(xs, ys, strict=True):
        carry, stepped = layer.step(params, carry, x)
        assert stepped.dtype == y.dtype == jnp.float32
        np.testing.assert_allclose(stepped, y, atol=0.02)
    assert jax.tree.all(jax.tree.map(lambda a, b: a.dtype == b.dtype, last, carry))


def test_its_layer_is_kept_as_json_and_by_the_flags():
    flags = {"cell": "lstm", "features": 3, "layers": 2, "bidirectional": True}
    more = {"zoneout": 0.0, "recurrent_dropout": 0.0, "parameters": 0}
    layers = [
        layer_of(types.SimpleNamespace(**flags, **more, dtype=dtype))
        for dtype in ("float32", "bfloat16")
    ]
    whole = Stack((Bidirectional(LSTM(3)),) * 2)
    assert layers == [whole, MixedPrecision(whole, "bfloat16")]
    for layer in layers:
        assert from_json(json.loads(json.dumps(to_json(layer)))) == layer


def test_it_learns_what_is_wide():
    """A hundred steps of Adam reach what float32 reaches; parameters are float32."""
    layer = LSTM(8)
    rng = np.random.default_rng(0)
    xs = jnp.asarray(rng.normal(size=(12, 32, IN)), jnp.float32)
    wanted = jnp.cumsum(xs[..., :1], axis=0) / 4
    optimizer = optax.adam(0.02)

    @jax.jit
    def fit(params):
        def loss(params):
            ys = narrow.unroll(params, xs)[1]
            return jnp.mean((ys[..., :1] - wanted) ** 2)

        def body(_, state):
            grads = jax.grad(loss)(state[0])
            updates, opt_state = optimizer.update(grads, state[1])
            return optax.apply_updates(state[0], updates), opt_state

        first = loss(params)
        params, _ = jax.lax.fori_loop(0, 100, body, (params, optimizer.init(params)))
        return first, loss(params), params

    params = layer.init(jax.random.key(0), IN)
    ends = {}
    for dtype in ("float32", "bfloat16"):
        narrow = MixedPrecision(layer, dtype)
        fit.clear_cache()
        first, ends[dtype], learned = fit(params)
        assert learned.w_h.dtype == jnp.float32
    assert ends["bfloat16"] < 0.5 * first
    assert ends["bfloat16"] < 1.2 * ends["float32"]


@uses("names")
def test_an_experiment_trains_in_bfloat16_and_is_loaded_as_it_was(trained):
    run = trained("names bfloat16")
    lines = (run.folder / "run" / "metrics.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    model = seqjax.load(run.folder / "run")
    assert model.model.layer == MixedPrecision(LSTM(6))
    dtypes = {a.dtype.name for a in jax.tree.leaves(model.variables["params"])}
    assert dtypes == {"float32"}
    flags = ["--mode=sample", "--samples=20", "--workdir=run"]
    code, out, err = processes.run("names", *flags, cwd=run.folder)
    new = (run.folder / "run" / "names.txt").read_text().splitlines()
    assert code == 0 and len(new) > 9 and set(new) <= set(out.splitlines()), err
    assert run.result["score"] != trained("names").result["score"]
