"""An exported step and sequence are those of the layer, for every shape."""

import json
import pathlib
import subprocess
import sys

import flatbuffers
import jax
import jax.numpy as jnp
import numpy as np
from discovered import FEATURES, IN, NESTINGS, assert_close, over
from jax import export as jax_export
from random_data import random_carry, random_inputs, random_params

import seqjax
from seqjax import CELLS, LSTM, export
from seqjax.data import Tokenizer
from seqjax.models import LanguageModel
from seqjax.predict import LanguagePredictor, init

NESTED = ("stack_of_learned_start", "bidirectional", "zoneout")
EXPORTED = {
    **{name: cell(FEATURES) for name, cell in CELLS.items()},
    **{name: NESTINGS[name] for name in NESTED},
}


def mask_of(time, rows):
    """Holes, and one row that is empty."""
    mask = np.random.default_rng(time).random((time, rows)) < 0.7
    mask[:, -1] &= rows == 1
    return jnp.asarray(mask)


def reloaded(exported):
    return jax_export.deserialize(exported.serialize()).call


@over(EXPORTED)
def test_a_sequence_of_any_shape_is_that_of_unroll(layer):
    """The NamedTuples come back from the bytes. One row of it is that row alone."""
    params, carry = random_params(layer), random_carry(layer, (3,))
    whole = reloaded(export.sequence(layer, IN, "float64", plain=False))
    xs, mask = random_inputs(5, 3), mask_of(5, 3)
    found = whole(params, carry, xs, mask)
    wanted = jax.jit(layer.unroll)(params, xs, carry, mask=mask)
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    assert_close(found, wanted)
    alone = jax.tree.map(lambda a: a[1:2], carry)
    after, begun = whole(params, alone, xs[:2, 1:2], mask[:2, 1:2])
    if not layer.causal:
        part = xs[:2, 1:2], alone
        wanted = jax.jit(layer.unroll)(params, *part, mask=mask[:2, 1:2])
        assert_close((after, begun), wanted)
    else:
        assert_close(begun, found[1][:2, 1:2])
        after, _ = whole(params, after, xs[2:, 1:2], mask[2:, 1:2])
        assert_close(after, jax.tree.map(lambda a: a[1:2], found[0]))


@over({name: layer for name, layer in EXPORTED.items() if layer.causal})
def test_steps_of_any_number_of_rows_are_those_of_the_layer(layer):
    params = random_params(layer)
    one = reloaded(export.step(layer, IN, "float64"))
    carry, x = random_carry(layer, (3,)), random_inputs(3)
    found = one(export.to_plain(params), export.to_plain(carry), x)
    wanted = jax.jit(layer.step)(params, carry, x)
    assert_close(export.from_plain(wanted, found), wanted)
    plain, alone, x = jax.tree.map(lambda a: a[1:2], (found, export.to_plain(carry), x))
    assert_close(one(export.to_plain(params), alone, x), plain)


SERVE = """
import sys
sys.modules["seqjax"] = None  # it cannot be imported
import pathlib, json, jax, numpy as np
begin, step = (
    jax.export.deserialize(bytearray(pathlib.Path(name).read_bytes())).call
    for name in ("begin.bin", "step.bin")
)
tokens = np.array(json.loads(sys.argv[1]), np.int32)  # [T, B], the first one counted
carry, log_p = begin(tokens[0]), []
for token in tokens:
    carry, logits = step(carry, token)
    log_p.append(jax.nn.log_softmax(logits).tolist())
print(json.dumps(log_p))
"""


def test_a_model_streams_without_seqjax_what_the_batch_is(tmp_path):
    """Token by token in a process that cannot import it; all at once here."""
    names = Tokenizer.build(["anna", "hanna", "jonas"], "chars")
    model = LanguageModel(seqjax.Stack((LSTM(5), CELLS["lru"](4))), len(names.tokens))
    predictor = LanguagePredictor(model, names, stream=False)
    variables = init(predictor, jax.random.key(0))
    predictor = LanguagePredictor(model, names, stream=False, variables=variables)
    token = jax.ShapeDtypeStruct(jax_export.symbolic_shape("b"), "int32")

    def begin(token):
        return predictor.initial_carry(token.shape[0])

    carry = jax.eval_shape(begin, token)
    programs = {
        "begin.bin": export.exported(begin, token),
        "step.bin": export.exported(predictor.step, carry, token),
    }
    for name, program in programs.items():
        (tmp_path / name).write_bytes(program.serialize())
    texts = ["anna", "nojs"]
    ids = np.array([names.vocabulary.encode(list(text)) for text in texts]).T
    read = np.concatenate([np.full((1, 2), predictor.first), ids[:-1]])
    beside = str(pathlib.Path(flatbuffers.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", SERVE, json.dumps(read.tolist())],
        cwd=tmp_path,
        env={"JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1", "PYTHONPATH": beside},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    streamed = np.array(json.loads(done.stdout))  # [T, B, V]
    found = np.take_along_axis(streamed, ids[..., None], -1)[..., 0]
    for row, text in zip(found.T, texts, strict=True):
        whole = [log_p for _, log_p in predictor.score(text)]
        np.testing.assert_allclose(row, whole, rtol=1e-5)


def test_a_chunk_that_is_asked_for_is_all_steps_where_they_have_no_number():
    cell, params = LSTM(FEATURES), random_params(LSTM(FEATURES))
    t, b = jax_export.symbolic_shape("t, b")
    xs = jax.ShapeDtypeStruct((t, b, IN), "float64")

    def run(xs):
        return cell.unroll(params, xs, chunk=2)[1]

    x = random_inputs(5, 2)
    assert_close(export.exported(run, xs).call(x), run(x))


def test_a_program_has_a_gradient():
    cell, params = LSTM(FEATURES), random_params(LSTM(FEATURES))
    t, b = jax_export.symbolic_shape("t, b")

    def loss(params, xs):
        return jnp.sum(jnp.sin(cell.unroll(params, xs)[1]))

    xs = jax.ShapeDtypeStruct((t, b, IN), "float64")
    step = jax.grad(loss)
    x = random_inputs(5, 2)
    found = export.exported(step, params, xs).call(export.to_plain(params), x)
    assert_close(export.from_plain(params, found), step(params, x))
