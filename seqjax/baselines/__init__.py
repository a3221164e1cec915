"""Baselines that a recurrent model has to beat: n-grams, words, a linear model."""

from seqjax.baselines.linear import logistic_regression
from seqjax.baselines.ngram import Ngram, best_ngram, unigram
from seqjax.baselines.word_for_word import WordForWord, word_for_word

__all__ = [
    "Ngram",
    "WordForWord",
    "best_ngram",
    "logistic_regression",
    "unigram",
    "word_for_word",
]
