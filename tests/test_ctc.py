"""CTC against the sum over alignments, prefix beam search against all labels."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.test_util import check_grads

from seqjax import losses
from seqjax.decode import Guide, PrefixBeam, WordList
from seqjax.losses import ctc
from seqjax.masks import from_lengths

T, K, BLANK = 5, 3, 1
LOG_P = jax.jit(ctc.log_likelihood, static_argnums=4)


def collapse(path):
    """Merges equal neighbours, then drops blanks."""
    return tuple(k for k, _ in itertools.groupby(path) if k != BLANK)


def enumerate_labels(log_probs):
    """log P of every labelling, by walking through all alignments."""
    found = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        log_p = sum(log_probs[t, k] for t, k in enumerate(path))
        labels = collapse(path)
        found[labels] = np.logaddexp(found.get(labels, -np.inf), log_p)
    return found


def draw(rng, *shape):
    logits = 2 * rng.normal(size=shape)
    return logits, np.asarray(jax.nn.log_softmax(jnp.asarray(logits)))


def padded(rows, length, fill):
    labels = np.full((length, len(rows)), fill)
    for b, row in enumerate(rows):
        labels[: len(row), b] = row
    return jnp.asarray(labels), from_lengths(jnp.array([*map(len, rows)]), length)


def test_log_likelihood_is_the_sum_over_alignments():
    rng = np.random.default_rng(0)
    logits, log_probs = draw(rng, T, K)
    expected = enumerate_labels(log_probs)
    labels, real = padded(list(expected), T + 1, 2)  # padding that looks like a label
    same = jnp.broadcast_to(logits[:, None], (T, len(expected), K))
    found = LOG_P(same, labels, None, real, BLANK)
    np.testing.assert_allclose(found, list(expected.values()), rtol=1e-9)
    assert np.all(found <= 0)


def test_log_likelihood_is_never_above_zero():
    """Of a sure model, whose likelihoods Optax sums to more than 1."""
    path = np.full((20, 1), BLANK)
    path[10] = 2
    logits = 20 * jax.nn.one_hot(path, K, dtype=jnp.float32)
    labels, none = jnp.full((1, 1), 2), jnp.zeros((1, 20))
    sure = jnp.zeros((1, 1))
    nats = optax.ctc_loss(logits.swapaxes(0, 1), none, labels, sure, blank_id=BLANK)
    assert nats[0] < 0
    assert -1e-6 < LOG_P(logits, labels, None, None, BLANK)[0] <= 0


def test_padding_has_no_effect():
    rng = np.random.default_rng(0)
    logits, _ = draw(rng, 9, 4, 2, K)
    logits = jnp.asarray(logits)
    labels = jnp.asarray(rng.choice([0, 2], (3, 4, 2)))
    mask = jnp.asarray(rng.random((9, 4, 2)) < 0.8)
    real = from_lengths(jnp.array([[3, 1], [0, 2], [2, 2], [1, 3]]), 3)

    def total(logits, labels):
        log_p = LOG_P(logits, labels, mask, real, BLANK)
        return jnp.sum(log_p, where=log_p > -jnp.inf)

    clean = jax.value_and_grad(total)(logits, labels)
    poisoned = jnp.where(mask[..., None], logits, jnp.nan)
    dirty = jax.value_and_grad(total)(poisoned, jnp.where(real, labels, 2 - labels))
    np.testing.assert_array_equal(clean[0], dirty[0])
    np.testing.assert_array_equal(jnp.where(mask[..., None], clean[1], 0), dirty[1])
    for a, b in itertools.product(range(4), range(2)):  # each row by itself, packed
        packed = logits[mask[:, a, b], a, b][:, None]
        own = labels[: int(real[:, a, b].sum()), a, b]
        alone = LOG_P(packed, own[:, None], None, None, BLANK)[0]
        together = LOG_P(logits, labels, mask, real, BLANK)[a, b]
        np.testing.assert_allclose(alone, together, rtol=1e-9)


def test_rows_without_an_alignment_are_left_out():
    rng = np.random.default_rng(0)
    logits = jnp.asarray(draw(rng, 4, 5, K)[0])
    labels, real = padded([[0, 2], [0, 0, 2], [0, 0, 0], [], [0, 2]], 3, 0)
    lengths = jnp.array([2, 4, 4, 0, 1])
    mask = from_lengths(lengths, 4)
    enough = ctc.feasible(labels, mask, real)
    assert enough.tolist() == [True, True, False, True, False]
    loss, gradient = jax.value_and_grad(
        lambda x: ctc.loss(x, labels, mask, real, BLANK).total
    )(logits)
    each = LOG_P(logits, labels, mask, real, BLANK)
    assert np.isneginf(each[2]) and np.isneginf(each[4])
    np.testing.assert_allclose(loss, -each[0] - each[1])
    assert ctc.loss(logits, labels, mask, real, BLANK).weight == 2  # one is empty
    assert not np.any(gradient[:, 2:]) and np.all(np.isfinite(gradient))


def test_gradient_by_differences():
    rng = np.random.default_rng(0)
    logits = jnp.asarray(draw(rng, 6, 2, K)[0])
    labels, real = padded([[0, 0, 2], [2]], 3, 2)
    mask = from_lengths(jnp.array([6, 3]), 6)
    check_grads(
        lambda x: losses.ctc.loss(x, labels, mask, real, BLANK).result(),
        (logits,),
        order=1,
        modes=["rev"],
    )


def as_dict(prefixes, row):
    return {
        tuple(labels[:length].tolist()): float(log_p)
        for labels, length, log_p in zip(
            prefixes.labels[row],
            prefixes.lengths[row],
            prefixes.acoustic[row],
            strict=True,
        )
        if log_p > -np.inf
    }


def test_a_wide_beam_is_all_labels():
    rng, lengths = np.random.default_rng(0), (T, 3, 0)
    _, log_probs = draw(rng, T, len(lengths), K)
    mask = from_lengths(jnp.array(lengths), T)
    poisoned = jnp.where(mask[..., None], log_probs, jnp.nan)
    found = jax.jit(PrefixBeam(64, BLANK).search)(poisoned, mask)
    for row, length in enumerate(lengths):
        expected = enumerate_labels(log_probs[:length, row])
        ours = as_dict(found, row)
        assert ours.keys() == expected.keys()
        for labels, log_p in expected.items():
            np.testing.assert_allclose(ours[labels], log_p, rtol=1e-9)
        order = np.asarray(found.acoustic[row])
        assert np.all(order[:-1] >= order[1:])


def bigram(rng):
    """A language model over the labels whose state is the label before."""
    table = np.asarray(jax.nn.log_softmax(jnp.asarray(rng.normal(size=(K + 1, K)))))

    def step(carry, label):
        del carry
        return label, jnp.asarray(table)[label]

    def log_p(labels):
        path = [K, *labels, BLANK]  # the blank's class stands for the end here
        return sum(table[a, b] for a, b in itertools.pairwise(path))

    return step, table, log_p


def test_a_language_model_is_added():
    rng = np.random.default_rng(0)
    _, log_probs = draw(rng, T, 2, K)
    step, table, log_p = bigram(rng)
    first = jnp.broadcast_to(table[K], (2, K))
    guide = Guide(step, jnp.zeros(2, int), first, end=BLANK)
    beam = PrefixBeam(64, BLANK, weight=0.7, bonus=0.4)
    found = jax.jit(lambda p: beam.search(p, guide=guide))(log_probs)
    scores = beam.scores(found)
    for row in range(2):
        expected = {
            labels: acoustic + 0.7 * log_p(labels) + 0.4 * len(labels)
            for labels, acoustic in enumerate_labels(log_probs[:, row]).items()
        }
        ours = dict(zip(as_dict(found, row), scores[row].tolist(), strict=False))
        assert list(ours) == sorted(expected, key=expected.get, reverse=True)
        for labels, score in expected.items():
            np.testing.assert_allclose(ours[labels], score, rtol=1e-9)


def test_pieces_equal_the_whole():
    rng = np.random.default_rng(0)
    _, log_probs = draw(rng, 11, 3, 4)
    log_probs, mask = jnp.asarray(log_probs), from_lengths(jnp.array([11, 8, 2]), 11)
    step, table, _ = bigram(rng)
    table = jnp.pad(jnp.asarray(table), ((0, 1), (0, 1)))
    guide = Guide(lambda c, k: (c, table[k]), (), jnp.broadcast_to(table[K], (3, 4)))
    beam = PrefixBeam(5, BLANK, weight=0.5)
    whole = jax.jit(lambda *xs: beam.search(*xs, guide))(log_probs, mask)
    prefixes = beam.begin(3, 11, 4, guide)
    advance = jax.jit(lambda *xs: beam.advance(*xs, guide))
    for piece in (slice(0, 4), slice(4, 5), slice(5, 11)):
        prefixes = advance(prefixes, log_probs[piece], mask[piece])
    jax.tree.map(np.testing.assert_array_equal, whole, beam.finish(prefixes, guide))


def test_a_narrow_beam_does_not_exceed_the_whole():
    rng = np.random.default_rng(0)
    _, log_probs = draw(rng, T, 1, K)
    expected = enumerate_labels(log_probs[:, 0])
    for width in (1, 2, 3, 8):
        narrow = as_dict(jax.jit(PrefixBeam(width, BLANK).search)(log_probs), 0)
        assert len(narrow) <= width
        for labels, log_p in narrow.items():
            assert log_p <= expected[labels] + 1e-9


def test_a_beam_of_no_width_is_refused():
    with pytest.raises(ValueError, match="width must be at least 1: 0"):
        PrefixBeam(0)


def test_a_list_of_words_leaves_no_others():
    letters = ("<EOS>", "a", "b", " ")
    words = ["ab", "a", "ba", "bab"]
    made = WordList.build(words, letters, 0)
    tree = jax.tree.map(np.asarray, made)
    total = 0.0
    for length in range(8):  # P of all strings up to this length, by brute force
        for text in itertools.product("ab ", repeat=length):
            path = [letters.index(letter) for letter in text]
            node, log_p = 0, 0.0
            for letter in path:
                log_p += tree.log_probs[node, letter]
                node = tree.following[node, letter]
            log_p += tree.log_probs[node, 0]
            parts = "".join(text).split(" ")
            legal = bool(text) and set(parts) <= set(words)
            expected = len(parts) * np.log(1 / 8) if legal else -np.inf
            np.testing.assert_allclose(log_p, expected)
            total += np.exp(log_p)
    assert 0.7 < total < 1
    rng = np.random.default_rng(2)
    _, log_probs = draw(rng, 12, 2, 4)
    beam = PrefixBeam(40, weight=1.0)
    found = jax.jit(lambda p: beam.search(p, guide=made.guide(2, 0)))(log_probs)
    for row in range(2):
        best = found.labels[row, 0][: found.lengths[row, 0]]
        assert set("".join(letters[i] for i in best).split(" ")) <= set(words)
    with pytest.raises(ValueError, match="'abc' cannot be written"):
        WordList.build(["abc"], letters, 0)
