"""Features that were computed elsewhere, of sounds that are not at hand."""

import dataclasses
from typing import Any, NoReturn


@dataclasses.dataclass(frozen=True)
class Given:
    """Stands where a `FrontEnd` has an extractor; a sound cannot be given to it.

    Attributes:
      features: the width of a frame's features.
    """

    features: int

    @property
    def streams(self) -> bool:
        """Whether a frame depends on its own window alone; nobody knows."""
        return False

    @property
    def rate(self) -> int:
        """Samples a second.

        Raises:
          ValueError: always, as of all that is asked about sound.
        """
        self._refuse()

    @property
    def hop(self) -> int:
        """Samples from one frame to the next; raises as `rate` does."""
        self._refuse()

    @property
    def window(self) -> int:
        """Samples of a frame; raises as `rate` does."""
        self._refuse()

    def length(self, samples: int) -> int:
        """Returns how many frames so many samples give; raises as `rate` does."""
        self._refuse()

    def __call__(self, samples: Any) -> Any:
        """Computes the features; raises as `rate` does."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ValueError(
            f"this model reads {self.features} features a frame that were computed "
            f"elsewhere, and cannot hear a sound"
        )
