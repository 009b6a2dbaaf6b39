"""Making a table by real training: in parts, over processes or Dask, with its datasheet."""
