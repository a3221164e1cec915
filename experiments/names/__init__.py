"""Names, made up letter by letter."""
