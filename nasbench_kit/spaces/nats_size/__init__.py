"""NATS-Bench, size search space."""
