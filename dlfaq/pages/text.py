"""The text of a file of the site, whatever its line ends."""

from __future__ import annotations

from dlfaq.errors import PageError

__all__ = ["page_text"]


def page_text(data: bytes, path: str) -> str:
    """The text of a page: UTF-8, a byte-order mark dropped, every line end a newline.

    Raises:
        PageError: the file is not UTF-8; the message gives the offset of the first bad byte.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PageError(
            path, line, f"not UTF-8 at byte {error.start} of the file; save it as UTF-8"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
