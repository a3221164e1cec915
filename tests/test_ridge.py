"""Ridge regression in closed form: one part or many, it is NumPy's least squares."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqjax.train import ridge

N, P, M = 60, 7, 3


def examples(seed=0, scales=True):
    """Inputs of very different sizes, and targets that they explain in part."""
    rng = np.random.default_rng(seed)
    xs = rng.normal(1, 2, (N, P)) * (10.0 ** np.arange(P) if scales else 1)
    ys = 5 + xs @ rng.normal(size=(P, M)) / 100 + rng.normal(size=(N, M))
    return xs, ys, rng.uniform(0.1, 3, N)


def by_lstsq(xs, ys, weights, penalty):
    """Least squares of the system with a row √λ for each weight, and a free bias."""
    rows = np.concatenate([xs, np.ones((len(xs), 1))], axis=1)
    root = np.sqrt(weights / weights.sum())[:, None]
    extra = np.sqrt(penalty) * np.eye(P, P + 1)
    a = np.concatenate([rows * root, extra])
    b = np.concatenate([ys * root, np.zeros((P, ys.shape[1]))])
    solution = np.linalg.lstsq(a, b, rcond=None)[0]
    return solution[:P], solution[P]


@pytest.mark.parametrize("penalty", [0.0, 1e-6, 0.3, 50.0])
def test_the_solution_is_that_of_the_augmented_least_squares(penalty):
    xs, ys, weights = examples()
    found = ridge.solve(ridge.observe(xs, jnp.asarray(ys), weights), penalty)
    w, b = by_lstsq(xs, ys, weights, penalty)
    np.testing.assert_allclose(found.w, w, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(found.b, b, rtol=1e-7)
    plain = ridge.solve(ridge.observe(xs, jnp.asarray(ys)), penalty)
    np.testing.assert_allclose(
        plain.w, by_lstsq(xs, ys, np.ones(N), penalty)[0], rtol=1e-7, atol=1e-12
    )


def test_parts_in_any_order_are_the_whole():
    """One by one, and in parts shorter than the width of an example."""
    xs, ys, weights = examples(1, scales=False)
    whole = ridge.observe(xs, jnp.asarray(ys), weights)
    cuts = [(0, 2), (2, 40), (40, 41), (41, N)]
    parts = [
        ridge.observe(xs[a:b], jnp.asarray(ys[a:b]), weights[a:b]) for a, b in cuts
    ]
    for order in ((0, 1, 2, 3), (3, 1, 0, 2)):
        merged = parts[order[0]]
        for i in order[1:]:
            merged = merged.merge(parts[i])
        for a, b in zip(merged, whole, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
        assert merged.weight == pytest.approx(weights.sum())
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts)
    for a, b in zip(ridge.merge(stacked), whole, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_what_is_masked_has_no_effect():
    xs, ys, _ = examples(2)
    mask = np.random.default_rng(3).random(N) < 0.7
    poisoned = np.where(mask[:, None], xs, np.nan), np.where(mask[:, None], ys, np.inf)
    shaped = (jnp.asarray(a).reshape(12, 5, -1) for a in poisoned)
    found = ridge.solve(ridge.observe(*shaped, jnp.asarray(mask).reshape(12, 5)), 0.1)
    w, b = by_lstsq(xs[mask], ys[mask], np.ones(mask.sum()), 0.1)
    np.testing.assert_allclose(found.w, w, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(found.b, b, rtol=1e-7)


def test_columns_that_say_the_same_share_their_weight():
    """λ = 0 and a state that is a copy: the solution of smallest norm."""
    xs, ys, _ = examples(4, scales=False)
    xs[:, 3] = xs[:, 1]
    found = ridge.solve(ridge.observe(xs, jnp.asarray(ys)), 0.0)
    np.testing.assert_allclose(found.w[3], found.w[1], rtol=1e-8)
    centred = np.linalg.lstsq(xs - xs.mean(0), ys - ys.mean(0), rcond=None)[0]
    np.testing.assert_allclose(found.w, centred, rtol=1e-8, atol=1e-12)


def test_cross_validation_is_a_loop_over_blocks():
    xs, ys, weights = examples(5)
    cuts, penalties = [(0, 25), (25, 31), (31, N)], np.array([1e-3, 0.1, 10.0, 1e3])
    parts = [
        ridge.observe(xs[a:b], jnp.asarray(ys[a:b]), weights[a:b]) for a, b in cuts
    ]
    blocks = jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts)
    found = ridge.cross_validate(blocks, penalties)
    missed = np.zeros(4)
    for a, b in cuts:
        kept = np.r_[0:a, b:N]
        for k, penalty in enumerate(penalties):
            w, bias = by_lstsq(xs[kept], ys[kept], weights[kept], penalty)
            off = ys[a:b] - xs[a:b] @ w - bias
            missed[k] += np.sum(weights[a:b, None] * off**2)
    np.testing.assert_allclose(found.errors, missed / weights.sum(), rtol=1e-6)
    assert found.best == np.argmin(missed)
