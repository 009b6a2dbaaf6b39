"""Files in the official formats, of any size, with made-up values: they serve to test loaders and to measure them."""
