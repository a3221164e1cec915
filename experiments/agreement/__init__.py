"""Long-range agreement of subject and verb."""
