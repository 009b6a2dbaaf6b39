"""Pictures of arrays, frames and architectures."""
