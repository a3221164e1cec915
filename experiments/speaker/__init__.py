"""Voices, a woman's or a man's, or whose: many to one, on sound."""
