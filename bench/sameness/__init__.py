"""One corpus for `bench/same.py`: what is asked, and what comes of it. It knows no commit."""
