"""``python -m nasbench_kit.cli``."""

from nasbench_kit.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
