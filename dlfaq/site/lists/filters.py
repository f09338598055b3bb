"""Builds the filter of a list, which the script brings to life and which is hidden without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.site.elements import element

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

__all__ = ["choice", "filter_form"]


def filter_form(
    noun: str, count: int, *fields: Element, label: str, searched: bool = False
) -> Element:
    """Build `form.dl-filter`. The script shows a row where each field is empty or fits it.

    A field of the name `topic`, `status` or `kind` fits the attribute `data-topic`, … of a row or
    of what the row stands in. Words are found in the text of a row and in its `data-asked`.

    Args:
        noun: what a row is, "question".
        count: how many rows there are.
        fields: those beside the one for words.
        label: what the filter is for, to those who do not see it.
        searched: where no row matches, offer to search the whole site for the same words.
    """
    find = element(
        "input", type="search", name="find", placeholder=f"Find a {noun}", autocomplete="off"
    )
    find.set("aria-label", f"Find a {noun}")
    # The search of the theme opens with the words of the address; the script writes them there.
    none: list[str | Element] = [f"No {noun} matches."]
    if searched:
        none += [" ", element("a", "Search all pages", href="?q=")]
    return element(
        "form",
        find,
        *fields,
        element("output", f"{count} of {count}", aria_live="polite"),
        element("p", *none, class_="dl-none", hidden="hidden"),
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
