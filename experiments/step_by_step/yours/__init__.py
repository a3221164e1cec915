"""A student's own functions of the assignment, checked term by term."""
