"""Who shows what, as the package's face names them."""

from __future__ import annotations

from importlib import import_module

import gradbook
from tests.cases import for_each


@for_each("shown_by", gradbook._SHOWN_BY.values())
def test_whoever_is_named_is_there(shown_by):
    module, _, function = shown_by.partition(":")
    assert callable(getattr(import_module(module), function))
