"""What a trained network does: memories as fixed points, chaos as an exponent."""
