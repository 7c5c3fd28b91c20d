"""`python -m netlab` is `netlab`."""

from netlab.cli.main import main

if __name__ == "__main__":
    main()
