"""The demo district, its people and sample files, the benchmark and the match quality. Not the product."""
