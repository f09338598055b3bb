"""The store: what is put is got, what is damaged is a miss with a warning, writes are atomic."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import multiprocessing
import os
from dataclasses import replace

import pytest

from dlfaq.errors import InputError
from dlfaq.execution.inputs import file_hash
from dlfaq.execution.key import version
from dlfaq.execution.output import Output
from dlfaq.execution.result import Failure, Outcome, Result
from dlfaq.execution.store import Store
from dlfaq.pages.config import read_settings
from dlfaq.protocol import Claim


@pytest.fixture
def store(site):
    (site / "lab.py").write_text("x = 1\n", encoding="utf-8")
    return Store(read_settings(site))


@pytest.fixture
def result(site):
    return Result(
        outputs=[Output("é\n", "", [("text", "1")], [{"wide": "<svg/>"}], None), Output()],
        values={"x": "1"},
        claims=[Claim("s", "identity", "value", "at_most", -math.inf, 2.0, 1.5, line=3)],
        elapsed_s=1.25,
        peak_bytes=100,
        finished="2026-01-02",
        environment={"python": "3.11"},
        inputs={"lab.py": file_hash(site / "lab.py")},
        distributions={"numpy": version("numpy")},
    )


def files(store, folder):
    return list((store.folder / folder).iterdir())


def test_a_result_comes_back_whole(store, result):
    store.put("first", result)
    assert store.get("first", 2) == result
    assert store.get("other", 2) is None


def test_a_file_that_the_chain_read_has_changed_and_comes_back(store, result, site):
    store.put("first", result)
    (site / "lab.py").write_text("x = 22\n", encoding="utf-8")
    assert store.get("first", 2) is None
    (site / "lab.py").unlink()
    assert store.get("first", 2) is None
    (site / "lab.py").write_text("x = 1\n", encoding="utf-8")
    assert store.get("first", 2) == result


def test_a_result_belongs_to_the_files_it_saw_not_to_those_there_are_now(store, result, site):
    (site / "lab.py").write_text("x = 22\n", encoding="utf-8")
    store.put("first", result)
    assert store.get("first", 2) is None


def test_a_distribution_has_another_version(store, result):
    store.put("first", replace(result, distributions={"numpy": "0"}))
    assert store.get("first", 2) is None


@pytest.mark.parametrize("folder", ["used", "results"])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-1], id="cut"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda data: data.replace(b"lab.py", b"lib.py"), id="changed"),
        pytest.param(lambda data: b"\xff\x00" + data, id="not text"),
    ],
)
def test_a_damaged_entry_is_a_miss_with_a_warning(store, result, caplog, folder, damage):
    store.put("first", result)
    (file,) = files(store, folder)
    file.write_bytes(damage(file.read_bytes()))
    assert store.get("first", 2) is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.messages == [f"the stored result {file.name} is damaged: run again"]
    store.put("first", result)
    assert store.get("first", 2) == result


@pytest.mark.parametrize("folder", ["used", "results"])
@pytest.mark.parametrize(
    "other", [[], {"outputs": 1}, {}, "text", {"inputs": 1, "distributions": 2}]
)
def test_an_entry_of_another_form_is_a_miss_with_a_warning(store, result, caplog, folder, other):
    store.put("first", result)
    (file,) = files(store, folder)
    body = json.dumps({"name": file.name, "data": other}).encode()
    file.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    assert store.get("first", 2) is None
    assert [f"{file.name} is of another form" in message for message in caplog.messages] == [True]


@pytest.mark.parametrize("folder", ["used", "results"])
def test_the_entry_of_another_chain_is_a_miss_with_a_warning(store, result, caplog, folder):
    store.put("first", result)
    store.put("other", replace(result, values={"x": "2"}, inputs={}))
    first, other = sorted(files(store, folder), key=lambda file: file.stat().st_mtime_ns)
    first.write_bytes(other.read_bytes())
    assert store.get("first", 2) is None
    assert [f"it was written as {other.name}" in message for message in caplog.messages] == [True]


@pytest.mark.parametrize(
    "change",
    [
        {"outputs": []},
        {"outputs": [Output(stdout=3), Output()]},
        {"outputs": [Output(display=[("text", 3)]), Output()]},
        {"outputs": [Output(figures=[{"wide": 3}]), Output()]},
        {"values": {"x": 3}},
        {"values": ["x"]},
        {"distributions": {"numpy": None}},
        {"elapsed_s": "1"},
    ],
)
def test_what_no_run_of_the_chain_gives_is_a_miss_with_a_warning(store, result, caplog, change):
    store.put("first", result)
    (file,) = files(store, "results")
    store._write(file, replace(result, **change).to_json())
    assert store.get("first", 2) is None
    assert [f"{file.name} is of another form" in message for message in caplog.messages] == [True]


def _put_often(store, result, number):
    for _ in range(150):
        store.put("first", replace(result, elapsed_s=float(number), values={"x": "y" * 10**5}))


def test_two_processes_write_one_entry_and_a_third_reads_it_whole(store, result, caplog):
    store.put("first", result)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_put_often, args=(store, result, n)) for n in (1, 2)]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        found = store.get("first", 2)
        assert found is not None
        seen.add(found.elapsed_s)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert caplog.messages == []
    assert len(files(store, "results")) == 1  # no temporary file is left
    assert len(seen) > 1


def test_a_write_that_fails_leaves_what_was_there(store, result, monkeypatch):
    store.put("first", result)
    monkeypatch.setattr("pathlib.Path.replace", _no_space)
    with pytest.raises(InputError, match=r"No space left.*DLFAQ_STORE"):
        store.put("first", replace(result, elapsed_s=9.0))
    monkeypatch.undo()
    assert store.get("first", 2) == result
    assert len(files(store, "results")) == 1


def _no_space(*_):
    raise OSError(28, "No space left on device")


def test_serve_remembers_the_last_good_result_and_the_last_failure(store, result):
    failed = Outcome(
        replace(result, values={}), [Failure("docs/a.md", 3, "E", "m", ["b"], [(3, "t")], 3)]
    )
    assert (store.last_good("a"), store.last_failure("a", "key")) == (None, None)
    store.remember("a", "key", Outcome(result))
    store.remember("a", "key 2", failed)
    assert store.last_good("a") == result
    assert store.last_failure("a", "key 2") == failed
    assert store.last_failure("a", "key") is None
    assert store.get("key 2", 2) is None


def test_a_damaged_memory_is_no_memory(store, result, caplog):
    store.remember("a", "key", Outcome(result, [Failure("docs/a.md", 3, "E", "m")]))
    (file,) = files(store, "last")
    data = {"name": file.name, "data": {"key": "key", "outcome": {}}}
    body = json.dumps(data).encode()
    file.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    assert store.last_failure("a", "key") is None
    assert len(caplog.messages) == 1


def test_pruning_keeps_what_chains_refer_to_as_their_files_are_now(store, result, site):
    store.put("gone", replace(result, values={"x": "2"}, inputs={}))
    store.put("first", result)
    store.remember("a", "first", Outcome(result))
    store.remember("b", "gone", Outcome(result))
    (site / "lab.py").write_text("x = 2\n", encoding="utf-8")
    now = replace(result, inputs={"lab.py": file_hash(site / "lab.py")}, values={"x": "3"})
    store.put("first", now)
    before = sum(file.stat().st_size for file in store.folder.rglob("*") if file.is_file())
    freed = store.prune(["first"], ["a"])
    after = sum(file.stat().st_size for file in store.folder.rglob("*") if file.is_file())
    assert freed == before - after > 0
    assert store.get("first", 2) == now
    assert store.get("gone", 2) is None
    assert (store.last_good("a"), store.last_good("b")) == (result, None)
    assert len(files(store, "results")) == 1
    assert store.prune(["first"], ["a"]) == 0


def test_a_store_that_is_small_enough_is_left_alone(store, result):
    for key in ("first", "second", "third"):
        store.put(key, replace(result, values={"x": key * 1000}))
    assert store.prune([], [], above=10**6) == 0
    sizes = [file.stat().st_size for file in store.folder.rglob("*") if file.is_file()]
    assert store.prune([], [], above=sum(sizes) - 1) > 0
    assert store.get("first", 2) is None
    assert store.get("third", 2) is not None


def test_pruning_takes_away_what_killed_writers_left_and_nothing_that_is_being_written(
    store, result
):
    store.put("first", result)
    left, begun = (store.folder / "results" / f".{name}.part" for name in ("left", "begun"))
    for file in (left, begun):
        file.write_bytes(b"half")
    os.utime(left, (1, 1))
    assert store.prune(["first"], [], above=10**6) == 4
    assert (left.exists(), begun.exists()) == (False, True)
    assert store.get("first", 2) == result


def test_pruning_a_store_that_was_never_written_frees_nothing(store):
    assert store.prune([], []) == 0
