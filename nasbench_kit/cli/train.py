"""Make your own table: train networks of a search space and store them as a benchmark.

Repeat a killed call to resume it. The bundled table was made by `nasbench-kit train nb201 --dataset digits`.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from pathlib import Path

from nasbench_kit.cli.extras import needs_training
from nasbench_kit.cli.natives import read_natives
from nasbench_kit.cli.output import print_json, progress_bars, say, warnings_on_stderr
from nasbench_kit.cli.own import OWN
from nasbench_kit.cli.setting import add_setting_arguments, setting_of
from nasbench_kit.spaces import list_spaces
from nasbench_kit.spaces import space as space_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("space", help=f"the search space: {', '.join(list_spaces())}, {OWN}")
    parser.add_argument("-o", "--output", metavar="FILE", help="store to write (default: SPACE-DATASET.h5)")
    parser.add_argument(
        "--sample",
        metavar="N|all",
        help="number of distinct networks to draw at random, each trained in its canonical genotype (default: all networks "
        "of the space)",
    )
    parser.add_argument(
        "--file", metavar="FILE", help="file of architectures to train, one native form per line; - for stdin"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample (default %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="trainings per network (default %(default)s)")
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="train on the workers of this Dask scheduler, or 'local' to start one (extra 'dask')",
    )
    parser.add_argument(
        "--checkpoints",
        metavar="FOLDER",
        help="folder for checkpoints of running trainings (default: beside the store; with --dask ADDRESS none, unless you "
        "give a folder that all workers share)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_setting_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    space = space_of(options.space)
    with needs_training("training networks"):
        from nasbench_kit.training.tables.choice import choose_networks
        from nasbench_kit.training.tables.cluster import dask_executor
        from nasbench_kit.training.tables.making import parts_folder, train_table
    sample = options.sample or "all"
    if sample != "all" and not (sample.isdecimal() and int(sample) > 0):
        raise ValueError(f"--sample must be a number of networks or 'all', not {sample!r}")
    if options.sample and options.file:
        raise ValueError("give --sample or --file, not both")
    if options.seed < 0:
        raise ValueError(f"--seed must be at least 0, not {options.seed}")
    if options.seeds < 1:
        raise ValueError(f"--seeds must be at least 1, not {options.seeds}")
    if options.processes and options.dask not in (None, "local"):
        raise ValueError("give --processes or --dask ADDRESS, not both: the scheduler determines the number of workers")
    setting = setting_of(options, space)
    output = Path(options.output or f"{space.name}-{setting.data.name}.h5")
    if options.file:
        X = space.encode(read_natives([], options.file))
    else:
        X = choose_networks(space, None if sample == "all" else int(sample), options.seed)
    checkpoints = options.checkpoints
    if checkpoints is None and options.dask == "local":
        checkpoints = parts_folder(output) / "checkpoints"
    start = time.perf_counter()
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings_on_stderr())
        executor = stack.enter_context(dask_executor(options.dask, options.processes)) if options.dask else None
        update = stack.enter_context(progress_bars(["training"]))
        bench = train_table(
            setting,
            X,
            range(options.seeds),
            output,
            executor=executor,
            processes=options.processes,
            device=options.device,
            checkpoints=checkpoints,
            progress=lambda share: update("training", share),
        )
    seconds = time.perf_counter() - start
    if options.json:
        print_json({**bench.info, "seconds": seconds})
    else:
        say(f"{bench.path}: {len(bench):,} networks trained")
        say(f"took {seconds:.0f} s", error=True)
    return 0
