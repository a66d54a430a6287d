"""The command line. Each group is loaded when it is named, so a command pays only for what it uses."""
