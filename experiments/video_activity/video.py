"""What a video is here: frames of pixels, or of points that were tracked."""

from typing import NamedTuple

import numpy as np


class Video(NamedTuple):
    """Frames and what is done in them."""

    name: str
    frames: np.ndarray  # [T, H, W, C], 0 to 1; or [T, coordinates]
    label: str
    part: str = ""  # "train" or "test", where the data says so

    @property
    def has_pixels(self) -> bool:
        """Whether the frames are images, not points."""
        return self.frames.ndim == 4
