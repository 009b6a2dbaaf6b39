"""Inner loops over arrays, one subject per file: the NumPy form, and below it the compiled one where there is one."""
