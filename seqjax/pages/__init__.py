"""Pages to explore in a browser what a network holds while it reads.

Each function writes one HTML file that holds all it needs: its numbers, its style and
its script. It works offline, by mouse and by keyboard, on light and on dark screens.
"""

from seqjax.pages.looking_back import connectivity
from seqjax.pages.states import Held, Highlight, characters, heat_map

__all__ = ["Held", "Highlight", "characters", "connectivity", "heat_map"]
