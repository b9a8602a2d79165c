"""The command line: `etelecom COMMAND`, one module per command."""
