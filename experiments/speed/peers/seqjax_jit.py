"""Seqjax in an ordinary `jax.jit`: on one device, as its peers are."""

import functools

import jax

from experiments.speed.peers import seqjax

PACKAGES = seqjax.PACKAGES
sequence = functools.partial(seqjax.sequence, compiler=jax.jit)
language_model = functools.partial(seqjax.language_model, compiler=jax.jit)
streaming = seqjax.streaming
