"""The lab of the tiny site: a module of the site, as `dlfaq` is of the real one."""


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def lazily() -> int:
    from late import answer  # an import that nobody sees before it happens

    return answer()
