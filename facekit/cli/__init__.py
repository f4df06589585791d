"""The command line: one file per command, thin: parse, build options, call, say."""
