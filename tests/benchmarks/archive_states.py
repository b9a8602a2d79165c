"""Run the state machine of the archive for long.

    python tests/benchmarks/archive_states.py [--examples 300] [--steps 40] [--seed 1]

Each example is an order of fetches, syncs, failures and maintenance, while the server's calls
change; a dictionary predicts the result of each step. Prints how often each operation ran,
also after Ctrl-C.
"""

import argparse
import os
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["TQDM_DISABLE"] = "1"

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from support.archive_machine import ArchiveMachine


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs the state machine of the archive.")
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    steps, examples = Counter[str](), 0

    class Counted(ArchiveMachine):
        """The machine, which adds up its steps."""

        def teardown(self) -> None:
            nonlocal examples
            examples += 1
            steps.update(self.steps)
            super().teardown()

    began = time.monotonic()
    with suppress(KeyboardInterrupt):
        run_state_machine_as_test(
            seed(arguments.seed)(Counted),
            settings=settings(
                max_examples=arguments.examples,
                stateful_step_count=arguments.steps,
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
    seconds = time.monotonic() - began
    print(f"{examples} examples of up to {arguments.steps} steps in {seconds:.0f} s")
    for name, count in steps.most_common():
        print(f"{count:6,} {name}")


if __name__ == "__main__":
    main()
