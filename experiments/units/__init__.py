"""What a network holds while it reads: quotation marks, and the number of a subject."""
