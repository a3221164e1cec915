"""A writer of captions to ask: what is in a picture, in words, and where is each?"""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from seqjax.data.batches import Batches
from seqjax.data.images import read_image, resized
from seqjax.data.tokenize import Tokenizer
from seqjax.predict.batched import attention_weights, one_or_more
from seqjax.predict.hypotheses import write
from seqjax.predict.translation import Pair

Image = str | pathlib.Path | np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class CaptionPredictor:
    """A trained writer of captions.

    Attributes:
      model: an `EncoderDecoder` whose `reader` reads images.
      words: the tokenizer of the captions.
      height: of the images; others are scaled.
      width: of the images.
      longest: the most tokens of a caption.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> predictor = seqjax.load("runs/scenes")  # doctest: +SKIP
      >>> predictor.caption("a.png")  # doctest: +SKIP
      'a small red circle left of a large blue square'
    """

    model: Any
    words: Tokenizer
    height: int
    width: int
    longest: int = 30
    variables: Any = None

    def __post_init__(self):
        sizes = self.model.target_vocabulary, len(self.words.tokens)
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"the model has {sizes[0]} tokens, but the tokenizer {sizes[1]}"
            )
        for name in ("longest", "height", "width"):
            one_or_more(getattr(self, name), name)

    def example(self) -> tuple[Any, ...]:
        """Returns a blank image and a caption of one token, for `init`."""
        image = jnp.zeros((1, self.height, self.width, 3))
        one = jnp.ones(1, int)
        return image, jnp.full(1, self.height), one[:, None], one

    def caption(
        self,
        image: Image | Sequence[Image],
        *,
        beam: int = 4,
        batch_size: int = 64,
    ) -> str | list[str]:
        """Returns the caption of an image, or of each of several.

        Args:
          image: a path of a file, or colours [H, W, 3] from 0 to 255; or a list. Those
            of another size are scaled to that of the model.
          beam: how many hypotheses the beam search keeps.
          batch_size: how many captions are written at once.

        Raises:
          DataError: a file cannot be used.
          ValueError: an image is not [H, W, 3].
        """
        is_one = isinstance(image, Image)
        images = [image] if isinstance(image, Image) else image
        inputs = [self.inputs(each) for each in images]
        vocabulary = self.words.vocabulary
        forms = self.longest, vocabulary.eos, (vocabulary.unk,)
        function = functools.partial(write, self.model, beam, forms, self.variables)
        batches = Batches(inputs, min(batch_size, len(inputs)))
        rows = batches.map_rows(lambda batch: function(batch).tokens[:, 0])
        texts = [self.words.detokenize(vocabulary.decode(row)) for row in rows]
        return texts[0] if is_one else texts

    def attention_weights(
        self, images: Sequence[Image], captions: Sequence[str], batch_size: int = 64
    ) -> list[np.ndarray]:
        """Returns how much each word of a caption attended to each part of an image.

        Args:
          images: as in `caption`.
          captions: of each image.
          batch_size: as in `caption`.

        Returns:
          For each image [T + 1, S], `<EOS>` counted; S parts of the grid that the
          model's reader makes, row by row. Rows sum to 1.
        """
        pairs = self.encode(list(zip(images, captions, strict=True)))
        return attention_weights(
            self.model, self.variables, pairs, batch_size, whole=True
        )

    def encode(self, pairs: Sequence[tuple[Image, str]]) -> list[Pair]:
        """Returns images [H, W, 3], and captions as integers with `<EOS>`."""
        return [
            Pair(self.inputs(image), self.words.encode(caption))
            for image, caption in pairs
        ]

    def inputs(self, image: Image) -> np.ndarray:
        """Returns what the model reads of an image, [height, width, 3] from 0 to 1."""
        is_path = isinstance(image, str | pathlib.Path)
        read = read_image(image, "RGB") if is_path else np.asarray(image)
        if read.ndim != 3 or read.shape[2] != 3 or not read.size:
            raise ValueError(f"an image must be [H, W, 3], not of shape {read.shape}")
        return resized(read, (self.height, self.width)).astype(np.float32) / 255
