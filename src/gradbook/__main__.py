"""`python -m gradbook` is `gradbook`."""

from gradbook.cli.main import entry

if __name__ == "__main__":
    entry()
