"""Builds the filter of a list, which the script brings to life and which is hidden without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.site.elements import element

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

__all__ = ["choice", "filter_form"]


def filter_form(noun: str, count: int, *fields: Element, label: str) -> Element:
    """Build `form.dl-filter`. The script shows a row where each field is empty or fits it.

    A field of the name `topic`, `status` or `kind` fits the attribute `data-topic`, … of a row or
    of what the row stands in.

    Args:
        noun: what a row is, "question".
        count: how many rows there are.
        fields: those beside the one for words.
        label: what the filter is for, to those who do not see it.
    """
    find = element(
        "input", type="search", name="find", placeholder=f"Find a {noun}", autocomplete="off"
    )
    find.set("aria-label", f"Find a {noun}")
    return element(
        "form",
        find,
        *fields,
        element("output", f"{count} of {count}", aria_live="polite"),
        element("p", f"No {noun} matches.", class_="dl-none", hidden="hidden"),
        class_="dl-filter",
        role="search",
        aria_label=label,
        data_search_exclude="",
    )


def choice(name: str, label: str, every: str, options: Mapping[str, str]) -> Element:
    """Build a list to choose one of, "" for all.

    Args:
        name: of the field.
        label: what is chosen.
        every: the words for all.
        options: words by value.
    """
    entries = [element("option", every, value="")]
    entries += [element("option", words, value=value) for value, words in options.items()]
    return element("select", *entries, name=name, aria_label=label)
