"""Many small networks trained at once, each as if it were trained alone."""
