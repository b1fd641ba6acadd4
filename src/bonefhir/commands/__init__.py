"""One module per command: `run(options) -> exit code`. What a command needs is imported when it runs."""
