"""Make a table by training networks: in parts, over processes or Dask, with a datasheet."""
