"""What is in an image: one to one, by rows or columns, or pixel by pixel."""
