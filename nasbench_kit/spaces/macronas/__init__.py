"""MacroNAS."""
