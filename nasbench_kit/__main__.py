"""``python -m nasbench_kit``."""

from nasbench_kit_command import main

if __name__ == "__main__":
    raise SystemExit(main())
