"""`python -m klosed` is the command line."""

from klosed.cli import main

if __name__ == "__main__":
    main()
