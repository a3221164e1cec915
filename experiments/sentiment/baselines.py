"""Baselines of sentiment: the most frequent class, and a logistic regression."""

import collections
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.sentiment.data import Review
from seqjax.data import Splits
from seqjax.extras import library


class Predicted(NamedTuple):
    """Stars of the validation and of the test split, [N] each."""

    valid: np.ndarray
    test: np.ndarray


def majority(splits: Splits) -> Predicted:
    """Baseline: gives every text the most frequent stars of the training split."""
    most = collections.Counter(stars_of(splits.train).tolist()).most_common(1)[0][0]
    return Predicted(*(np.full(len(part), most) for part in splits[1:]))


def logistic_regression(splits: Splits) -> Predicted:
    """Baseline: scikit-learn's logistic regression on the words of a text.

    On words, or on words and pairs of them, weighted by rarity; both that choice and
    the penalty are the best on the validation split.
    """
    text = library("sklearn.feature_extraction.text")
    linear = library("sklearn.linear_model")
    train, *asked = ([review.text for review in part] for part in splits)
    gold, gold_valid = (stars_of(part) for part in splits[:2])
    best, predicted = -1.0, None
    for longest in (1, 2):
        vectors = text.TfidfVectorizer(
            ngram_range=(1, longest), token_pattern=r"\w+|[^\w\s]", sublinear_tf=True
        )
        seen = vectors.fit_transform(train)
        unseen = [vectors.transform(texts) for texts in asked]
        for c in (0.3, 1, 3, 10):
            model = linear.LogisticRegression(C=c, max_iter=1000).fit(seen, gold)
            stars = Predicted(*(model.predict(texts) for texts in unseen))
            if (right := float(np.mean(stars.valid == gold_valid))) > best:
                best, predicted = right, stars
    return predicted


def stars_of(reviews: Sequence[Review]) -> np.ndarray:
    """Gold stars, [N]."""
    return np.array([review.stars for review in reviews])
