"""`python -m hansa.cli` is `hansa`."""

from hansa.cli.main import main

main()
