"""Language models of words or characters."""
