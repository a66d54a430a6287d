"""`python -m edge_runtime.cli` is `fieldward`."""

from edge_runtime.cli.main import main

main()
