"""Entry point of the command `etelecom`: small, to catch Ctrl-C during the other imports."""

import gc
import sys

__all__ = ["run"]


def run() -> int:
    """Run the command line and return its exit code."""
    # Imports make hundreds of thousands of objects that stay: look for garbage less often.
    gc.set_threshold(50_000)
    try:
        from .cli.app import main

        return main()
    except KeyboardInterrupt:
        print("etelecom: stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(run())
