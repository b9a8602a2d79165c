"""Where the command `etelecom` begins: small, so that Ctrl-C is heard while the rest is still being imported."""

import sys

__all__ = ["run"]


def run() -> int:
    """The exit code of the command line."""
    try:
        from .cli.app import main

        return main()
    except KeyboardInterrupt:
        print("etelecom: stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(run())
