"""The first symbol is to be named at the end."""

import functools
import types

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import jit

from experiments.gradient_flow import model
from experiments.gradient_flow.data import (
    LEAST,
    Symbols,
    Windows,
    read_symbols,
    split_symbols,
)
from experiments.gradient_flow.pictures import mean_over_seeds
from experiments.shared import distances
from experiments.shared.errors import UsageError
from seqjax.cells import GRU
from seqjax.data import DataError

KINDS = 3
NETWORK = model.make_network(GRU(5), KINDS)
SYMBOLS = np.random.default_rng(0).integers(0, KINDS, (6, 7))


def test_loss_and_share_are_those_of_each_sequence_alone():
    drawn = NETWORK.init(jax.random.key(1), KINDS, float)
    xs = jnp.eye(KINDS)[SYMBOLS]
    unroll = jit(lambda row: NETWORK.unroll(drawn, row)[1][-1])
    ends = np.array([unroll(row) for row in xs])
    log_p = jax.nn.log_softmax(ends)
    nats = -sum(log_p[b, SYMBOLS[b, 0]] for b in range(6))
    mean, tokens, _ = model.loss_of(NETWORK)(drawn, SYMBOLS, None, ())
    assert float(mean.total) == pytest.approx(float(nats), rel=1e-9)
    assert mean.weight == 6 and tokens == 6
    right = (ends.argmax(axis=-1) == SYMBOLS[:, 0]).mean()
    share = float(model.share_recalled(NETWORK, drawn, SYMBOLS))
    assert share == pytest.approx(right, rel=1e-6)
    assert 0 < right < 1 and len(set(SYMBOLS[:, 0])) == KINDS


def test_gradients_are_averaged_over_the_seeds_of_a_cell():
    norms = [{"trained": [1.0, n]} for n in (1e-4, 1.0, 1e-2)]
    gru, lstm = mean_over_seeds(["gru", "lstm", "gru"], norms).values()
    assert gru["trained"] == pytest.approx([1.0, 1e-3])
    assert lstm["trained"] == pytest.approx([1.0, 1.0])


def test_what_is_learned_is_grouped_by_cell_and_distance():
    results = [
        {"cell": cell, "learned": {"20": share, "5": 1.0}}
        for cell, share in (("gru", 0.2), ("lstm", 0.9), ("gru", 0.4))
    ]
    learned = distances.by_cell(results)
    assert learned["gru"] == {20: [0.2, 0.4], 5: [1.0, 1.0]}
    assert learned["lstm"] == {20: [0.9], 5: [1.0]}
    assert "20 by 1 of 1, distance 5 by 1 of 1" in distances.in_words(learned["lstm"])
    assert "20 by 0 of 2" in distances.in_words(learned["gru"])


def test_nothing_reaches_what_truncation_leaves_out():
    """What is said of the last two steps is what the whole says; the rest is zero."""
    drawn = NETWORK.init(jax.random.key(1), KINDS, float)
    whole = np.array(model.norms_by_lag(NETWORK, drawn, SYMBOLS))
    cut = np.array(model.norms_by_lag(NETWORK, drawn, SYMBOLS, 2))
    np.testing.assert_allclose(cut[:2], whole[:2], rtol=1e-9)
    assert cut.shape == whole.shape and not cut[2:].any() and whole.all()


def test_truncation_updates_all_weights_from_the_last_steps_alone():
    drawn = NETWORK.init(jax.random.key(1), KINDS, float)

    @functools.partial(jit, static_argnums=0)
    def gradient(reach, drawn):
        loss = model.loss_of(NETWORK, reach)
        return jax.grad(lambda p: loss(p, SYMBOLS, None, ())[0].total)(drawn)

    @jit
    def by_hand(drawn):
        xs = jnp.eye(KINDS)[SYMBOLS.T]
        carry, _ = NETWORK.unroll(drawn, xs[:-2])

        def total(rest):
            ends = NETWORK.unroll(rest, xs[-2:], carry)[1][-1]
            return -jax.nn.log_softmax(ends)[jnp.arange(6), SYMBOLS[:, 0]].sum()

        return jax.grad(total)(drawn)

    cut, full = gradient(2, drawn), gradient(None, drawn)
    chex.assert_trees_all_close(cut, by_hand(drawn))
    assert all((leaf != 0).all() for leaf in jax.tree.leaves(cut))
    chex.assert_trees_all_equal(gradient(7, drawn), full)
    assert (cut[0].w_h != full[0].w_h).all()


def test_windows_are_pieces_of_the_row_and_a_function_of_the_step():
    ids = np.arange(50) ** 2
    windows = Windows(ids, length=4, batch_size=5, seed=1)
    three = windows.stacked(7, 3)
    assert three.shape == (3, 5, 4)
    starts = np.sqrt(three[..., 0]).astype(int)
    np.testing.assert_array_equal(three, ids[starts[..., None] + np.arange(4)])
    np.testing.assert_array_equal(windows.stacked(8, 1)[0], three[1])
    assert (three[0] != three[1]).any()
    other = Windows(ids, length=4, batch_size=5, seed=2).stacked(7, 3)
    assert (other != three).any()
    seen = Windows(ids, 4, 500, 0).stacked(0, 1)[0, :, 0]
    assert seen.min() == 0 and seen.max() == 46**2, "every place, and none beyond"


def test_the_parts_share_no_symbol():
    parts = split_symbols(Symbols(np.arange(105), 105))
    assert [len(part) for part in parts] == [80, 10, 15]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(105))


def test_a_text_is_read_as_symbols(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("abca\n" * LEAST)
    symbols = read_symbols(path)
    assert symbols.count == 4  # the end of a line is one
    assert symbols.ids[:5].tolist() == [1, 2, 3, 1, 0]
    for text in ("ab", "a" * LEAST):
        path.write_text(text)
        with pytest.raises(DataError, match=r"text\.txt: \d+ characters"):
            read_symbols(path)


@pytest.mark.parametrize("given", [[], ["1", "20"], ["ten"], ["5.5"]])
def test_distances_that_cannot_be_are_refused(given):
    with pytest.raises(UsageError, match="--distances"):
        distances.distances_of(types.SimpleNamespace(distances=given))
    some = types.SimpleNamespace(distances=["20", "3", "20"])
    assert distances.distances_of(some) == [3, 20]
