"""Lines of a file as records, by the shape that their columns have: even, plain, quoted, fixed width."""
