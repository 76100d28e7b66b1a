"""A page read as a browser reads it, and the rules that it breaks."""

import re
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "input", "br", "hr"}
BLOCKS = {
    "td",
    "th",
    "li",
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "dt",
    "dd",
    "caption",
    "tr",
    "div",
    "title",
    "summary",
}


@dataclass
class Parsed(HTMLParser):
    """Its tags with their attributes, in order, the text of scripts and styles, and the text that is read."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    code: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    text: str = ""
    unbalanced: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag in BLOCKS:
            self.text += "\n"
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):
            self.opened.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        if not self.opened or self.opened.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if self.opened and self.opened[-1] in ("script", "style"):
            self.code.append((self.opened[-1], self.tags[-1][1], data))
        else:
            self.text += data


def parsed(html: str) -> Parsed:
    page = Parsed()
    page.feed(html)
    page.close()
    return page


def broken(html: str) -> list[str]:
    """What a page must not have, [] where all is well."""
    page = parsed(html)
    attributes = [(tag, name, value) for tag, attrs in page.tags for name, value in attrs.items()]
    ids = Counter(value for _, name, value in attributes if name == "id")
    return [
        *(f"tags out of order: {tag}" for tag in page.unbalanced + page.opened),
        *(f"style attribute: {tag}" for tag, name, _ in attributes if name == "style"),
        *(f"inline handler: {tag} {name}" for tag, name, _ in attributes if name.startswith("on")),
        *(f"id twice: {name}" for name, count in ids.items() if count > 1),
        *(
            f"leads nowhere: {v}"
            for _, n, v in attributes
            if n == "href" and v[:1] == "#" and v[1:] not in ids
        ),
        *(f"from elsewhere: {v[:40]}" for _, n, v in attributes if n == "src" and not v.startswith("data:")),
        *(f"a link with a scheme: {v}" for t, n, v in attributes if (t, n) == ("a", "href") and ":" in v),
        *(f"no label: {v}" for _, n, v in attributes if n == "aria-labelledby" and v not in ids),
        *(
            f"no words for a picture: {tag}"
            for tag, attrs in page.tags
            if tag == "img" and not attrs.get("alt")
        ),
        *(f"not allowed: {kind}" for kind in _without_hash(page)),
        *_policy(page),
    ]


def policy(page: Parsed) -> dict[str, list[str]]:
    """The directives of the content-security policy."""
    (content,) = (
        attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    return {words[0]: words[1:] for words in (part.split() for part in content.split(";"))}


def _policy(page: Parsed) -> list[str]:
    said = policy(page)
    wanted = {
        "default-src": ["'none'"],
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    loose = [
        word
        for words in said.values()
        for word in words
        if not re.fullmatch(r"'none'|data:|'sha256-.*'", word)
    ]
    return [f"policy: {name}" for name, words in wanted.items() if said.get(name) != words] + [
        f"loose policy: {word}" for word in loose
    ]


def _without_hash(page: Parsed) -> list[str]:
    """Scripts and styles that the policy does not let through; JSON is no script."""
    said = policy(page)
    return [
        kind
        for kind, attrs, code in page.code
        if attrs.get("type") != "application/json"
        and f"'sha256-{b64encode(sha256(code.encode()).digest()).decode()}'"
        not in said.get(f"{kind}-src", [])
    ]
