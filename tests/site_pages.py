"""The pages of the built documentation as a browser would follow them: where links lead, and what is loaded."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"), ("video", "src")}
STORED_ELSEWHERE = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"]?)(?:https?:)?//""")


class Page(HTMLParser):
    """One page.

    Attributes
    ----------
    names : set of str
        What a link may lead to within it.
    links : list of str
        Where its links lead.
    loads : list of str
        What it needs to be shown.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.names, self.links, self.loads = path, set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.names.update(given[name] for name in ("id", "name") if given.get(name))
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        is_loaded = given.get("rel") not in ("canonical", "index", "search", "next", "prev", "author", "copyright")
        self.loads += [
            given[name] for name in ("src", "href") if (tag, name) in LOADS and given.get(name) and is_loaded
        ]


def pages_of(site: Path) -> dict[Path, Page]:
    """Return every page of a site; what themes keep beside their scripts is none."""
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts}


def broken_links(pages: dict[Path, Page]) -> list[str]:
    """Return every link and every load of the pages that leads nowhere on the site."""
    return [
        f"{page.path.name}: {target}"
        for page in pages.values()
        for target in [*page.links, *page.loads]
        if not urlsplit(target).scheme and not _leads_somewhere(page, target, pages)
    ]


def _leads_somewhere(page: Page, target: str, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(target)
    path = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
    if not path.is_file():
        return False
    return not parts.fragment or path not in pages or unquote(parts.fragment) in pages[path].names


def foreign_loads(site: Path, pages: dict[Path, Page]) -> list[str]:
    """Return what pages or style sheets would load from elsewhere."""
    found = [
        f"{page.path.name}: {target}" for page in pages.values() for target in page.loads if urlsplit(target).netloc
    ]
    sheets = (path for path in site.rglob("*.css") if STORED_ELSEWHERE.search(path.read_text(encoding="utf-8")))
    return found + [path.name for path in sheets]
