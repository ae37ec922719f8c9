"""`python -m cmrtf_cli` is `cmrtf`."""

from cmrtf_cli.main import main

main()
