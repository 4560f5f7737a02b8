"""LibreOffice as a service: one start converts as many workbooks as are asked for.

Run by a Python that has LibreOffice's own module `uno`, which ours hasn't: a task is a line of JSON
on standard input, and a line on standard output says how it went.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException

PATIENCE = 120  # seconds for LibreOffice to start


def desktop(pipe: str):
    """The running LibreOffice, once it listens."""
    here = uno.getComponentContext()
    resolver = here.ServiceManager.createInstanceWithContext(
        "com.sun.star.bridge.UnoUrlResolver", here
    )
    end = time.monotonic() + PATIENCE
    while True:
        try:
            there = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except NoConnectException:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return there.ServiceManager.createInstanceWithContext(
                "com.sun.star.frame.Desktop", there
            )


def convert(office, source: str, target: str, filter_name: str) -> None:
    how = tuple(PropertyValue(Name=name, Value=True) for name in ("Hidden", "ReadOnly"))
    document = office.loadComponentFromURL(Path(source).as_uri(), "_blank", 0, how)
    if document is None:
        raise ValueError(f"can't open {source}")
    try:
        way = PropertyValue(Name="FilterName", Value=filter_name)
        document.storeToURL(Path(target).as_uri(), (way,))
    finally:
        document.close(True)


def main(pipe: str) -> None:
    office = desktop(pipe)
    for line in sys.stdin:
        try:
            convert(office, *json.loads(line))
        except Exception as error:
            print(json.dumps(str(error) or repr(error)), flush=True)
        else:
            print("null", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
