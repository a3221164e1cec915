"""Classifiers, taggers, encoders and decoders: padding, distributions, gradients."""

import functools
import itertools

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import jit

from seqjax import CELLS, Bidirectional, Stack
from seqjax.cells import GRU, LSTM, EchoState, Elman
from seqjax.decode import Beam, generate, log_probs
from seqjax.layers.attention import AdditiveAttention, MultiplicativeAttention
from seqjax.models import (
    Classifier,
    EncoderDecoder,
    FeedForward,
    Generator,
    LanguageModel,
    Tagger,
    WordFeatures,
    Words,
)
from seqjax.models.recurrent import BOS

V, LABELS = 5, 3
TOKENS = jnp.array([[0, 2, 4, 1], [2, 1, 7, 99], [3, 8, 8, 8]])
LENGTHS = jnp.array([4, 2, 1])
TARGET = jnp.array([[1, 0, 2], [2, 2, 77], [0, 1, 9]])
TARGET_LENGTHS = jnp.array([3, 2, 2])

AHEAD, BOTH = LSTM(4), Bidirectional(GRU(3))
CLASSIFIERS = {
    f"{pooling}-{name}": Classifier(layer, LABELS, nn.Embed(V, 6), pooling)
    for pooling, name, layer in (
        ("last", "ahead", AHEAD),
        ("last", "both", BOTH),
        ("mean", "both", BOTH),
        ("max", "ahead", AHEAD),
        ("attention", "both", BOTH),
    )
}
TAGGERS = {
    "softmax": Tagger(Bidirectional(LSTM(4)), LABELS, nn.Embed(V, 6)),
    "binary": Tagger(LSTM(4), 1, nn.Embed(V, 6)),
    "crf": Tagger(Stack((GRU(4), LSTM(3))), LABELS, nn.Embed(V, 6), crf=True),
}
READERS = CLASSIFIERS | TAGGERS
TRANSLATORS = {
    kind: EncoderDecoder(encoder, decoder, V, LABELS, 6, kind)
    for kind, encoder, decoder in (
        ("none", Bidirectional(GRU(4)), GRU(5)),
        ("additive", LSTM(4), Stack((LSTM(3), Elman(4)))),
        ("multiplicative", Bidirectional(LSTM(3)), GRU(5)),
    )
}


def over(models):
    return pytest.mark.parametrize("model", models.values(), ids=models.keys())


def arguments(model, rows=slice(None)):
    if isinstance(model, EncoderDecoder):
        both = TOKENS, LENGTHS, TARGET, TARGET_LENGTHS
        return tuple(a[rows] for a in both)
    return TOKENS[rows], LENGTHS[rows]


@functools.cache
def random_variables(model):
    """Initial variables and noise in float64, so that no bias is zero."""
    variables = model.init(jax.random.key(0), *arguments(model))
    leaves, structure = jax.tree.flatten(variables)
    rng = np.random.default_rng(1)
    return structure.unflatten([a + 0.5 * rng.normal(size=a.shape) for a in leaves])


@functools.cache
def compiled(model, method, options):
    """`apply` as one program, made quickly."""

    def apply(variables, args, rngs):
        return model.apply(variables, *args, method=method, rngs=rngs, **dict(options))

    return jit(apply)


def call(model, *args, method=None, rngs=None, variables=None, **options):
    options = tuple(sorted(options.items()))
    variables = random_variables(model) if variables is None else variables
    return compiled(model, method, options)(variables, args, rngs)


@over(READERS)
def test_a_padded_batch_gives_what_single_rows_give(model):
    whole = call(model, *arguments(model))
    for row, length in enumerate(LENGTHS.tolist()):
        alone = call(model, TOKENS[row : row + 1, :length], LENGTHS[row : row + 1])[0]
        found = whole[row] if isinstance(model, Classifier) else whole[row, :length]
        np.testing.assert_allclose(found, alone, rtol=1e-10)


@over(TRANSLATORS)
def test_a_padded_pair_gives_what_it_gives_alone(model):
    whole = call(model, *arguments(model))
    for row in range(len(TOKENS)):
        source, target = LENGTHS[row], TARGET_LENGTHS[row]
        alone = call(
            model,
            TOKENS[row : row + 1, :source],
            source[None],
            TARGET[row : row + 1, :target],
            target[None],
        )[0]
        np.testing.assert_allclose(whole[row, :target], alone, rtol=1e-10)


@over(READERS | TRANSLATORS)
def test_an_empty_row_is_finite_and_changes_no_other(model):
    args = arguments(model)
    empty = tuple(a.at[1].set(0) if a.ndim == 1 else a for a in args)
    found, expected = call(model, *empty), call(model, *args)
    assert jnp.isfinite(found).all()
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[2], expected[2])


@over(READERS | TRANSLATORS)
def test_every_parameter_matters(model):
    def value(variables):
        out = model.apply(variables, *arguments(model))
        return jnp.sum(jnp.sin(out * jnp.arange(1.0, 1 + out.size).reshape(out.shape)))

    slopes = jit(jax.grad(value))(random_variables(model))
    for path, slope in jax.tree_util.tree_leaves_with_path(slopes):
        if "'crf'" in jax.tree_util.keystr(path):
            continue  # of the loss alone
        assert jnp.any(slope != 0), jax.tree_util.keystr(path)


@over(READERS | TRANSLATORS)
def test_lean_and_plain_gradients_are_equal(model):
    plain = model.clone(gradient="plain")

    def value(model, variables):
        return jnp.sum(jnp.sin(model.apply(variables, *arguments(model))))

    lean, other = (
        jit(jax.grad(functools.partial(value, m)))(random_variables(model))
        for m in (model, plain)
    )
    chex.assert_trees_all_close(lean, other, rtol=1e-9, atol=1e-12)


@over(READERS | TRANSLATORS)
def test_noise_is_for_training_alone(model):
    noisy = model.clone(dropout=0.5)
    args, variables = arguments(model), random_variables(model)
    expected = call(model, *args)
    quiet = call(noisy, *args, variables=variables)
    chex.assert_trees_all_equal(quiet, expected)
    drawn = [
        call(
            noisy,
            *args,
            variables=variables,
            train=True,
            rngs={"dropout": jax.random.key(i)},
        )
        for i in (0, 0, 1)
    ]
    chex.assert_trees_all_equal(drawn[0], drawn[1])
    assert jnp.any(drawn[0] != drawn[2]) and jnp.any(drawn[0] != expected)


@over({k: m for k, m in CLASSIFIERS.items() if k.startswith("attention")})
def test_attention_pools_over_valid_steps(model):
    weights = call(model, *arguments(model), method="attention_weights")
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-10)
    assert not weights[np.arange(4) >= LENGTHS[:, None]].any()
    assert weights[0].std() > 0.01


@over(TAGGERS)
def test_the_probabilities_of_all_labellings_sum_to_one(model):
    choices = range(max(model.labels, 2))
    for row, length in enumerate(LENGTHS.tolist()):
        inputs = TOKENS[row : row + 1, :length]
        each = [
            call(
                model,
                inputs,
                jnp.array([labels]),
                LENGTHS[row : row + 1],
                method="loss",
            )
            for labels in itertools.product(choices, repeat=length)
        ]
        p = np.exp([-nats.total for nats in each])
        np.testing.assert_allclose(p.sum(), 1, rtol=1e-10)
        best = list(itertools.product(choices, repeat=length))[p.argmax()]
        tags = call(model, inputs, LENGTHS[row : row + 1], method="tag")
        assert tuple(tags[0].tolist()) == best


@over(TAGGERS)
def test_a_loss_is_of_valid_steps_and_probabilities_are_their_own(model):
    labels = jnp.array([[0, 1, 1, 0], [1, 0, 9, 9], [1, 9, 9, 9]])
    whole = call(model, TOKENS, labels, LENGTHS, method="loss")
    rows = [
        call(
            model,
            TOKENS[i : i + 1, :n],
            labels[i : i + 1, :n],
            LENGTHS[i : i + 1],
            method="loss",
        )
        for i, n in enumerate(LENGTHS.tolist())
    ]
    np.testing.assert_allclose(whole.result(), np.mean([r.total for r in rows]))
    p = call(model, TOKENS, LENGTHS, method="probabilities")
    valid = np.arange(4) < LENGTHS[:, None]
    assert not p[~valid].any()
    if model.labels > 1:
        np.testing.assert_allclose(p[valid].sum(-1), 1, rtol=1e-10)


def test_a_crf_of_one_label_is_refused():
    with pytest.raises(ValueError, match="two labels or more, not 1"):
        Tagger(LSTM(3), 1, crf=True).init(
            jax.random.key(0), jnp.zeros((1, 2, 3)), jnp.ones(1, int)
        )


@over(TRANSLATORS)
def test_the_probabilities_of_all_targets_sum_to_one(model):
    targets = jnp.array(list(itertools.product(range(LABELS), repeat=3)))
    count = len(targets)
    source = jnp.repeat(TOKENS[1:2], count, 0), jnp.repeat(LENGTHS[1:2], count)
    logits = call(model, *source, targets, jnp.full(count, 3))
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], -1)
    p = jnp.exp(chosen[..., 0].sum(1))
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-10)
    assert p.std() > 0.01 / count


def stepping(model):
    """A step for the decoder, and the state it begins with."""

    def step(carry, token):
        return model.apply(random_variables(model), carry, token, method="step")

    return step, call(model, TOKENS, LENGTHS, method="initial_carry")


@over(TRANSLATORS)
def test_a_translator_steps_as_it_scores(model):
    logits = call(model, *arguments(model))
    chosen = jnp.take_along_axis(
        jax.nn.log_softmax(logits), jnp.clip(TARGET, 0, LABELS - 1)[..., None], -1
    )[..., 0]
    valid = np.arange(3) < TARGET_LENGTHS[:, None]
    step, begin = stepping(model)
    first = jnp.full(len(TOKENS), BOS)
    score = jit(functools.partial(log_probs, step))
    found = score(begin, first, TARGET, TARGET_LENGTHS)
    np.testing.assert_allclose(found, np.where(valid, chosen, 0), rtol=1e-6)
    loss = call(model, *arguments(model), method="loss").total
    np.testing.assert_allclose(loss, -np.sum(chosen[valid]), rtol=1e-10)


@over(TRANSLATORS)
def test_a_beam_over_a_translator_is_enumeration(model):
    """With memory and carry of each hypothesis its own row's."""
    length, stop = 3, 0
    step, begin = stepping(model)
    ends = [
        sequence
        for n in range(length)
        for sequence in ((*g, stop) for g in itertools.product((1, 2), repeat=n))
    ] + list(itertools.product((1, 2), repeat=length))
    first = jnp.full(len(TOKENS), BOS)
    options = {"strategy": Beam(len(ends)), "length": length, "eos_id": stop}
    found = jit(functools.partial(generate, step, **options))(begin, first)
    score = jit(functools.partial(log_probs, step))
    padded = jnp.array([(*s, *[0] * (length - len(s))) for s in ends])
    lengths = jnp.array([len(s) for s in ends])
    for row in range(len(TOKENS)):
        many = jax.tree.map(
            lambda a, row=row: jnp.repeat(a[row : row + 1], len(ends), 0), begin
        )
        log_p = score(many, first[:1].repeat(len(ends)), padded, lengths)
        order = np.argsort(-log_p.sum(1))
        np.testing.assert_allclose(found.log_probs[row], log_p.sum(1)[order], rtol=1e-6)
        np.testing.assert_array_equal(found.tokens[row][0], padded[order[0]])


@over({k: m for k, m in TRANSLATORS.items() if not k.startswith("none")})
def test_alignments_are_distributions_over_the_source(model):
    found = call(model, TOKENS, LENGTHS, TARGET, method="attention_weights")
    assert found.shape == (3, 3, 4)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-10)
    outside = np.arange(4) >= LENGTHS[:, None]
    assert not np.moveaxis(found, 1, 2)[outside].any()
    assert found[0].std(0).max() > 1e-3, "it moves"


@over(TRANSLATORS)
def test_scheduled_sampling_feeds_back_what_the_model_draws(model):
    def loss(sampled, seed=0):
        rngs = {"dropout": jax.random.key(seed)}
        args = arguments(model)
        return call(model, *args, method="loss", sampled=sampled, rngs=rngs).total

    assert loss(0.0) == loss(0.0, seed=1)
    assert len({float(loss(1.0, seed=seed)) for seed in range(8)}) > 1
    assert loss(1e-9) == pytest.approx(loss(0.0))


GENERATORS = {
    "vector": (
        Generator(LanguageModel(Stack((LSTM(4), GRU(3))), V, 6)),
        jnp.array([[0.3, -1.0], [2.0, 0.1], [-0.4, 0.8]]),
    ),
    "integer": (Generator(LanguageModel(LSTM(4), V), nn.Embed(4, 5)), jnp.arange(3)),
}
GENERATED = TOKENS % V


@pytest.mark.parametrize(("model", "x"), GENERATORS.values(), ids=GENERATORS.keys())
def test_a_generator_writes_from_x_alone(model, x):
    variables = model.init(jax.random.key(0), x, GENERATED, LENGTHS)

    def apply(*args, method=None):
        call = functools.partial(model.apply, variables, method=method)
        return jit(call)(*args)

    logits = apply(x, GENERATED, LENGTHS)
    for row, n in enumerate(LENGTHS.tolist()):
        one = slice(row, row + 1)
        alone = apply(x[one], GENERATED[one, :n], LENGTHS[one])[0]
        np.testing.assert_allclose(logits[row, :n], alone, rtol=1e-5, atol=1e-6)
    assert jnp.abs(logits[0, 0] - logits[1, 0]).max() > 1e-3, "x matters"

    every = jnp.array(list(itertools.product(range(V), repeat=2)))
    many = jnp.repeat(x[1:2], len(every), axis=0)
    scores = apply(many, every, jnp.full(len(every), 2))
    log_p = jnp.take_along_axis(jax.nn.log_softmax(scores), every[..., None], -1)
    np.testing.assert_allclose(jnp.exp(log_p.sum((1, 2))).sum(), 1, rtol=1e-5)

    def step(carry, token):
        return model.apply(variables, carry, token, method="step")

    begun, first = apply(x, method="initial_carry"), jnp.full(3, BOS)
    each = jit(functools.partial(log_probs, step))(begun, first, GENERATED, LENGTHS)
    loss = apply(x, GENERATED, LENGTHS, method="loss")
    np.testing.assert_allclose(loss.result(), -each.sum() / 3, rtol=1e-5)


def test_every_parameter_of_a_generator_matters():
    for model, x in GENERATORS.values():
        variables = model.init(jax.random.key(0), x, GENERATED, LENGTHS)

        def value(variables, model=model, x=x):
            return model.apply(variables, x, GENERATED, LENGTHS, method="loss").total

        for path, slope in jax.tree_util.tree_leaves_with_path(
            jit(jax.grad(value))(variables)
        ):
            assert jnp.any(slope != 0), jax.tree_util.keystr(path)
        assert all(jax.tree.leaves(model.trainable(variables)))
    fixed = Generator(LanguageModel(EchoState(4), V))
    x = GENERATORS["vector"][1]
    variables = fixed.init(jax.random.key(0), x, GENERATED, LENGTHS)
    marks = fixed.trainable(variables)["params"]
    assert not any(jax.tree.leaves(marks["write"]["recurrent"]))
    assert all(jax.tree.leaves(marks["begin"]))


def test_a_feed_forward_net_knows_places_and_not_order():
    """Its output is that of the formula; a place that moves changes it."""
    model = FeedForward((6, 4), 2, nn.Embed(V, 3))
    variables = model.init(jax.random.key(0), GENERATED)
    found = model.apply(variables, GENERATED)
    p = variables["params"]
    x = np.asarray(p["embed"]["embedding"])[np.asarray(GENERATED)].reshape(3, -1)
    for name in ("Dense_0", "Dense_1"):
        x = np.maximum(x @ p[name]["kernel"] + p[name]["bias"], 0)
    expected = x @ p["Dense_2"]["kernel"] + p["Dense_2"]["bias"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    moved = model.apply(variables, jnp.roll(GENERATED, 1, axis=1))
    assert jnp.abs(moved - found).max() > 1e-3
    noisy = model.clone(dropout=0.5)
    rngs = {"dropout": jax.random.key(0)}
    assert jnp.any(noisy.apply(variables, GENERATED, True, rngs=rngs) != found)
    np.testing.assert_array_equal(noisy.apply(variables, GENERATED), found)


def test_words_are_read_by_their_letters_however_padded():
    """And a word's vector does not know its neighbours."""
    rng = np.random.default_rng(0)
    model = WordFeatures(9, 7, 6, 4, Bidirectional(GRU(3)))
    length = jnp.array([[3, 1, 4], [2, 0, 0]])
    letters = jnp.asarray(rng.integers(0, 7, (2, 3, 4)))
    word, casing = (jnp.asarray(rng.integers(0, 6, (2, 3))) for _ in range(2))
    inputs = Words(word, letters, length, casing)
    variables = model.init(jax.random.key(0), inputs)
    whole = model.apply(variables, inputs)
    assert whole.shape == (2, 3, 4 + 2 * 6 + 8)
    for row, t in zip(*np.nonzero(length), strict=True):
        n = length[row, t]
        alone = Words(*(a[row, t][None, None] for a in inputs))
        alone = alone._replace(letters=alone.letters[..., :n])
        found = model.apply(variables, alone)[0, 0]
        np.testing.assert_allclose(whole[row, t], found, rtol=1e-5, atol=1e-6)
    other = inputs._replace(letters=inputs.letters.at[0, 2, 3].add(1))
    assert jnp.any(model.apply(variables, other)[0, 2] != whole[0, 2])


ATTENTIONS = {
    "additive": AdditiveAttention(LSTM(3), 2),
    "multiplicative": MultiplicativeAttention(GRU(3), 2),
}


@pytest.mark.parametrize("layer", ATTENTIONS.values(), ids=ATTENTIONS.keys())
def test_attention_differentiates_with_respect_to_its_memory(layer):
    rng = np.random.default_rng(0)
    params = layer.init(jax.random.key(0), 2, jnp.float64)
    xs, values = (
        jnp.asarray(rng.normal(size=(5, 3, 2))),
        jnp.asarray(rng.normal(size=(3, 4, 2))),
    )
    mask = jnp.arange(4) < jnp.array([4, 2, 1])[:, None]
    flags = {"mask": jnp.arange(5)[:, None] < jnp.array([5, 3, 0])}

    def value(params, xs, values, gradient):
        remembered = layer.remember(params, values, mask)
        carry, ys = layer.unroll(remembered, xs, gradient=gradient, **flags)
        return jnp.sum(jnp.sin(ys)) + sum(jnp.sum(a) for a in jax.tree.leaves(carry))

    slopes = jit(jax.grad(value, argnums=(0, 1, 2)), static_argnums=3)
    lean, plain, remat = (
        slopes(params, xs, values, gradient) for gradient in ("lean", "plain", "remat")
    )
    chex.assert_trees_all_close(lean, plain, rtol=1e-10, atol=1e-12)
    chex.assert_trees_all_close(remat, plain, rtol=1e-10, atol=1e-12)
    read = mask & jnp.array([True, True, False])[:, None]  # the last row is empty
    assert not lean[2][~read].any() and lean[2][read].all()


def test_what_an_embedding_holds_fixed_is_marked():
    features = WordFeatures(9, 7, 6, 4, EchoState(3))
    one = jnp.ones((1, 1), int)
    words = Words(one, one[..., None], one, one), jnp.ones(1, int)
    for model in (Tagger(LSTM(4), 2, features), Classifier(LSTM(4), 2, features)):
        marks = model.trainable(model.init(jax.random.key(0), *words))["params"]
        assert not any(jax.tree.leaves(marks["embed"]["read"]))
        assert all(jax.tree.leaves((marks["embed"]["word"], marks["recurrent"])))


def test_what_a_fixed_layer_holds_is_marked():
    model = EncoderDecoder(EchoState(4), Stack((EchoState(3), LSTM(4))), V, LABELS, 6)
    marks = model.trainable(random_variables(model))["params"]
    assert not any(jax.tree.leaves(marks["read"]["layer"]))
    reservoir, lstm = marks["write"].layer
    assert not any(jax.tree.leaves(reservoir)) and all(jax.tree.leaves(lstm))
    assert all(jax.tree.leaves((marks["write"].w_q, marks["source"], marks["readout"])))


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_any_cell_reads_and_writes(cell):
    model = EncoderDecoder(CELLS[cell](4), CELLS[cell](4), V, LABELS, 6)
    assert jnp.isfinite(call(model, *arguments(model))).all()
    reader = Classifier(CELLS[cell](4), LABELS, nn.Embed(V, 6))
    assert jnp.isfinite(call(reader, *arguments(reader))).all()
