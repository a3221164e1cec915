"""A recogniser of speech to ask: what was said in a WAV file, or while it is read."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.audio import FrontEnd
from seqjax.data.batches import Batch, Batches
from seqjax.data.vocabulary import Vocabulary
from seqjax.decode import PrefixBeam, WordList
from seqjax.models.transcriber import Transcriber
from seqjax.predict import hypotheses
from seqjax.predict.batched import apply, attention_weights, lengths_of
from seqjax.predict.hearing import (
    Sounds,
    Spoken,
    batches_of_sounds,
    example_of_sound,
    inputs_of,
    is_one,
    one_or_several,
)
from seqjax.predict.hypotheses import Letters
from seqjax.predict.language import LanguagePredictor


class Heard(NamedTuple):
    """One hypothesis of what was said."""

    text: str
    acoustic: float  # log P of the text given the sound, in nats
    language: float = 0.0  # log P of the text by the language model, if there is one


@dataclasses.dataclass(frozen=True, eq=False)
class SpeechPredictor:
    """A trained recogniser of speech.

    Attributes:
      model: a `Transcriber`, whose blank is the letters' `<EOS>`, or an
        `EncoderDecoder` that reads vectors.
      front: turns sound into the model's inputs.
      letters: that the model writes.
      words: the only words that a `Transcriber` writes; any if there are none.
      longest: the most letters of a text that an `EncoderDecoder` writes.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> predictor = seqjax.load("runs/digits")  # doctest: +SKIP
      >>> predictor.transcribe("one.wav")  # doctest: +SKIP
      'one'
    """

    model: Any
    front: FrontEnd
    letters: Vocabulary
    words: tuple[str, ...] = ()
    longest: int = 200
    variables: Any = None

    def __post_init__(self):
        blank = getattr(self.model, "blank", self.letters.eos)
        if blank != self.letters.eos:
            raise ValueError(f"the blank must be that of <EOS>: {blank}")

    @property
    def aligned(self) -> bool:
        """Whether the model says something at each step (CTC), or writes by itself."""
        return isinstance(self.model, Transcriber)

    @property
    def streams(self) -> bool:
        """Whether text can be written before the sound has ended."""
        return self.aligned and self.model.layer.causal and self.front.streams

    def example(self) -> tuple[Any, ...]:
        """Returns a sound of one step, and a text of one letter, for `init`."""
        sound = example_of_sound(self.front)
        return sound if self.aligned else (*sound, jnp.ones((1, 1), int), jnp.ones(1))

    def transcribe(
        self, sound: Sounds | Sequence[Sounds], **options: Any
    ) -> str | list[str]:
        """Returns what was said in a sound, or in each of several.

        Args:
          sound: a path of a WAV file, a `Sound`, or a list of them.
          **options: as in `n_best`.

        Raises:
          DataError: a file cannot be used.
        """
        inputs = [self.inputs(each) for each in one_or_several(sound)]
        texts = self.texts(self.batches(inputs), **options)
        return texts[0] if is_one(sound) else texts

    def inputs(self, sound: Sounds) -> np.ndarray:
        """Returns what the model reads of a sound, [T, features]."""
        return inputs_of(self.front, sound)

    def encode(
        self, inputs: Sequence[np.ndarray], texts: Sequence[str]
    ) -> list[Spoken]:
        """Returns inputs [T, features] and their texts as examples to learn from."""
        letters = [self.letters.encode(text, eos=not self.aligned) for text in texts]
        return [Spoken(*pair) for pair in zip(inputs, letters, strict=True)]

    def batches(
        self, inputs: Sequence[np.ndarray], batch_size: int = 32, buckets: int = 1
    ) -> Batches:
        """Returns inputs, each [T, features], batched for the other methods."""
        return batches_of_sounds(inputs, batch_size, buckets)

    def log_probs(self, batches: Batches) -> list[np.ndarray]:
        """Returns log P of each letter, and of none (`<EOS>`), at each step: [T, K]."""

        def function(batch: Batch) -> jax.Array:
            return apply(self.model, "log_probs", self.variables, *batch)

        rows, lengths = batches.map_rows(function), lengths_of(batches)
        return [row[:length] for row, length in zip(rows, lengths, strict=True)]

    def attention_weights(
        self, inputs: Sequence[np.ndarray], texts: Sequence[str]
    ) -> list[np.ndarray]:
        """Returns how much each letter attended to each step, of a decoder that does.

        Args:
          inputs: what the model reads of each sound, [T, features].
          texts: what is written of each.

        Returns:
          For each sound [L + 1, T], `<EOS>` counted as a letter; rows sum to 1.

        Raises:
          ValueError: the model has no decoder.
        """
        if self.aligned:
            raise ValueError("a model with CTC has no attention")
        pairs = self.encode(inputs, texts)
        return attention_weights(self.model, self.variables, pairs, 64)

    def texts(self, batches: Batches, *, beam: int = 1, **options: Any) -> list[str]:
        """Returns the likeliest text of each sound, in their order.

        Args:
          batches: of `batches`.
          beam: hypotheses that are kept; 1 takes the likeliest letter at each step.
          **options: as in `n_best`.
        """
        if beam == 1 and self.aligned and not self.words and not options:
            return [self._spell(self._path(row)) for row in self.log_probs(batches)]
        found = self.n_best(batches, beam=beam, **options)
        return [hypotheses[0].text for hypotheses in found]

    def n_best(
        self,
        batches: Batches,
        *,
        beam: int = 16,
        language: LanguagePredictor | None = None,
        weight: float = 0.5,
        bonus: float = 0.0,
    ) -> list[list[Heard]]:
        """Returns hypotheses for each sound, the best first.

        Args:
          batches: of `batches`, in one bucket.
          beam: how many are kept.
          language: a language model of letters, for a model with CTC; in its place the
            list of `words`, if there is one.
          weight: of its log P.
          bonus: added for each letter.

        Raises:
          ValueError: the language model does not fit.
        """
        search = PrefixBeam(beam, self.letters.eos, weight, bonus)
        if language is not None and not self.aligned:
            raise ValueError("a language model helps a model with CTC alone")
        guide = self._guide_of(language)
        found = []
        for batch in batches.once():
            if self.aligned:
                known = self.variables, guide
                prefixes = hypotheses.search(
                    self.model, search, self.letters.unk, known, batch
                )
                columns = prefixes.labels, prefixes.acoustic, prefixes.language
            else:
                forms = self.longest, self.letters.eos, (self.letters.unk,)
                written = hypotheses.write(
                    self.model, beam, forms, self.variables, batch
                )
                scores = written.log_probs
                columns = written.tokens, scores, jnp.zeros_like(scores)
            rows = zip(*map(np.asarray, columns), batch.lengths, strict=True)
            found += [self._heard(*row) for *row, length in rows if length]
        return found

    def follow(self, pieces: Iterable[np.ndarray]) -> Iterator[str]:
        """Transcribes while a sound comes in: yields the text so far after each piece.

        The last one is what `transcribe` says of the whole sound.

        Args:
          pieces: samples [N] at the rate of the front end, of any lengths.

        Raises:
          ValueError: the model looks ahead, or its front end does.
        """
        if not self.streams:
            raise ValueError(
                "this model needs the whole sound: a direction, deltas or the mean of "
                "an utterance look ahead"
            )
        carry = self.model.apply(self.variables, 1, method="initial_carry")
        path: list[int] = []
        for inputs in self.front.follow(pieces):
            if len(inputs):
                arguments = self.variables, carry, inputs[None]
                carry, log_probs = apply(self.model, "advance", *arguments)
                path += self._path(np.asarray(log_probs)[0])
            yield self._spell(path)

    def _path(self, log_probs: np.ndarray) -> list[int]:
        """Returns the likeliest class of each step, `<UNK>` never."""
        known = np.arange(log_probs.shape[1]) != self.letters.unk
        return np.where(known, log_probs, -np.inf).argmax(axis=1).tolist()

    def _spell(self, path: Sequence[int]) -> str:
        """Merges equal neighbours of a path, and drops blanks."""
        pairs = zip([self.letters.eos, *path], path, strict=False)
        return "".join(
            self.letters.tokens[label]
            for before, label in pairs
            if label not in (before, self.letters.eos)
        )

    def _heard(self, labels, acoustic, language) -> list[Heard]:
        return [
            Heard("".join(self.letters.decode(row)), float(a), float(b))
            for row, a, b in zip(labels, acoustic, language, strict=True)
            if a > -np.inf
        ]

    def _guide_of(
        self, language: LanguagePredictor | None
    ) -> Letters | WordList | None:
        if language is None:
            known = self.letters.tokens, self.letters.eos
            return WordList.build(self.words, *known) if self.words else None
        return Letters.of(language, self.letters)
