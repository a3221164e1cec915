"""A datastore of states and tokens beside a language model."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from model_data import apply, random_variables_for

from seqjax.cells import GRU
from seqjax.models import LanguageModel, remember

V = 5
MODEL = LanguageModel(GRU(4), V, dropout=0.5)
TOKENS = np.array([[0, 2, 4, 1], [2, 1, 7, 99], [3, 8, 8, 8]])
LENGTHS = np.array([4, 2, 1])
MASK = np.arange(4) < LENGTHS[:, None]
VARIABLES = random_variables_for(MODEL, TOKENS, LENGTHS)
ASKED, ASKED_LENGTHS = np.array([[1, 3, 0], [4, 4, 9]]), np.array([3, 2])
PLACES = (TOKENS, LENGTHS), (TOKENS[::-1, :2], np.minimum(LENGTHS[::-1], 2))


def test_it_is_its_definition():
    """Place by place, with loops; padding is not remembered."""
    model, variables = remember(MODEL, VARIABLES, PLACES, 0.3, 0.7)
    found = apply(model, variables, ASKED, ASKED_LENGTHS)
    places = [
        (state, token)
        for tokens, lengths in PLACES
        for row, states, n in zip(
            tokens, states_of(tokens, lengths), lengths, strict=True
        )
        for token, state in zip(row[:n], states[:n], strict=True)
    ]
    assert model.places == len(places) == 7 + 5
    own = jax.nn.softmax(apply(MODEL, VARIABLES, ASKED, ASKED_LENGTHS))
    for b, states in enumerate(states_of(ASKED, ASKED_LENGTHS)):
        for t in range(ASKED_LENGTHS[b]):
            near = [np.exp(-np.sum((states[t] - h) ** 2) / 0.7) for h, _ in places]
            expected = 0.7 * np.array(own[b, t])
            for weight, (_, token) in zip(near, places, strict=True):
                expected[token] += 0.3 * weight / sum(near)
            np.testing.assert_allclose(np.exp(found[b, t]), expected, rtol=1e-9)


def states_of(tokens, lengths):
    return np.asarray(apply(MODEL, VARIABLES, tokens, lengths, method="states"))


def test_its_loss_and_its_steps_are_its_scores():
    model, variables = remember(MODEL, VARIABLES, PLACES)
    logits = apply(model, variables, ASKED, ASKED_LENGTHS)
    rows, steps = np.nonzero(np.arange(3) < ASKED_LENGTHS[:, None])
    nats = -logits[rows, steps, ASKED[rows, steps]]
    loss = apply(model, variables, ASKED, ASKED_LENGTHS, method="loss")
    assert float(loss.total) == pytest.approx(float(nats.sum()), rel=1e-12)
    carry, read = model.apply(variables, 2, method="initial_carry"), jnp.full(2, -1)
    for t in range(2):
        carry, scores = apply(model, variables, carry, read, method="step")
        np.testing.assert_allclose(scores, logits[:, t], rtol=1e-5)  # a float32 carry
        read = ASKED[:, t]


@pytest.mark.parametrize(("neighbors", "temperature"), [(0, 1), (1, 1), (0.5, 0)])
def test_numbers_out_of_range_are_refused(neighbors, temperature):
    with pytest.raises(ValueError, match="between 0 and 1"):
        remember(MODEL, VARIABLES, PLACES, neighbors, temperature)
