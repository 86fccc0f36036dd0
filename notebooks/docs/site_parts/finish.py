"""Last touches to pages: names that break at their joints, DOIs that lead somewhere, signatures that say something.

Names are broken by a hint in the HTML, which is not copied with them.
"""

import dataclasses
import inspect
import re

PIECE = re.compile(r'(?<=<span class="pre">)[^<]+(?=</span>)')
JOINT = re.compile(r"(?<=\w)([_/])(?=\w)|(?<=\w{3})([.])(?=\w)")
UNTOUCHED = re.compile(r"(<pre.*?</pre>|<a .*?</a>|<math.*?</math>)", flags=re.DOTALL)
DOI = re.compile(r"\bdoi:(10\.\d{4,}/[^\s<>,;]*[\w/])")
LINK = r'<a class="reference external" href="https://doi.org/\1">doi:\1</a>'


def breakable(body: str) -> str:
    """Return HTML whose code within lines may break after the joints of a name."""
    return PIECE.sub(lambda found: JOINT.sub(r"\g<0><wbr>", found[0]), body)


def linked(body: str) -> str:
    """Return HTML in which DOIs of the running text are links."""
    parts = UNTOUCHED.split(body)
    parts[::2] = [DOI.sub(LINK, text) for text in parts[::2]]
    return "".join(parts)


def finish(app, pagename, templatename, context, doctree) -> None:
    """Have Sphinx write a page with both."""
    if doctree is not None:
        context["body"] = breakable(linked(context["body"]))


def signature(app, what, name, thing, options, signature, returns):
    """Return how a class is called: nothing for a protocol, and plain defaults for settings."""
    if not inspect.isclass(thing):
        return None
    if getattr(thing, "_is_protocol", False):
        return "", None
    if dataclasses.is_dataclass(thing):
        return f"({', '.join(map(argument, dataclasses.fields(thing)))})", None
    return None


def argument(field: dataclasses.Field) -> str:
    """Return a field of a dataclass as it stands in a signature."""
    if field.default is not dataclasses.MISSING:
        return f"{field.name}={field.default!r}"
    if field.default_factory is dataclasses.MISSING:
        return field.name
    made = field.default_factory()
    return f"{field.name}={type(made).__name__}()" if dataclasses.is_dataclass(made) else f"{field.name}={made!r}"


def setup(app) -> dict:
    """Add them to Sphinx."""
    app.connect("html-page-context", finish)
    app.connect("autodoc-process-signature", signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
