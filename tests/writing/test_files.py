"""A file is written whole or not at all."""

from __future__ import annotations

import os
import stat
import threading

import pytest

from dlfaq.writing.files import replacing, write_whole


def test_text_is_utf_8_and_bytes_are_bytes(tmp_path):
    write_whole(tmp_path / "text", "é\n")
    write_whole(tmp_path / "bytes", b"\xff\r\n")
    assert (tmp_path / "text").read_bytes() == b"\xc3\xa9\n"
    assert (tmp_path / "bytes").read_bytes() == b"\xff\r\n"


def test_until_it_is_whole_others_read_the_old_contents(tmp_path):
    file = tmp_path / "file"
    write_whole(file, "old")
    with replacing(file) as stream:
        stream.write(b"n" * 100_000)
        stream.flush()
        assert file.read_text() == "old"
    assert file.read_text() == "n" * 100_000


def test_a_failure_leaves_the_old_contents_and_nothing_else(tmp_path):
    file = tmp_path / "file"
    write_whole(file, "old")
    with pytest.raises(TypeError), replacing(file) as stream:
        stream.writelines([b"half", "no bytes"])
    assert file.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_missing_folder_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "file", "text")


def test_a_new_file_has_the_rights_of_any_new_file(tmp_path):
    mask = os.umask(0o022)
    try:
        write_whole(tmp_path / "file", "text")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


def test_a_name_as_long_as_the_system_allows_is_written(tmp_path):
    write_whole(tmp_path / ("n" * 255), "text")
    assert (tmp_path / ("n" * 255)).read_text() == "text"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_whole(pipe, "text")
    reader.join(timeout=10)
    assert read == ["text"]
    assert pipe.is_fifo()
