"""An image in words, with attention over a grid of its parts."""
