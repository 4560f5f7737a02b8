"""Mark workbooks and work networks on a page in your browser, which only this computer can reach.

Drop a class's workbooks on it and see them judged one by one; save the page, the grades and the
marked copies that 'gradbook check' would write. A network that is typed in is explained, made into
a workbook or swept. The address has a secret word in it; what is dropped is gone when it stops.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from threading import Thread

from gradbook.cli.terminal.arguments import whole_number

EXAMPLES = """\
  gradbook serve                            opens the page; Ctrl-C stops it
  gradbook serve --no-browser               only says the address
  gradbook serve --port 8020 --workers 4    at that port, four books at once
"""

WORKERS = 2


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--port", metavar="N", type=whole_number(0, 65_535), default=0, help="default: a free one"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="say the address, but open no browser"
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=whole_number(1, 64),
        default=WORKERS,
        help=f"how many books at once (default: {WORKERS})",
    )


def run(options: Namespace) -> int:
    from gradbook.interruption import heard_alike
    from gradbook.serve.server import serving
    from gradbook.serve.site import opened_site
    from gradbook.system import open_in_browser

    try:
        with heard_alike(), opened_site(options.workers) as site, serving(site, options.port) as on:
            print(f"open {on.address}", flush=True)
            print("only this computer can reach it; Ctrl-C stops it", flush=True)
            if not options.no_browser:
                Thread(target=open_in_browser, args=(on.address,), daemon=True).start()
            on.serve()
    except KeyboardInterrupt:
        print("stopped; nothing is left of what was dropped")
    return 0
