"""Settings: which source wins, and what an error says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.errors import FormatError
from node.settings import data_folder, load_settings, write_settings


def test_defaults_are_the_embedded_node(tmp_path: Path) -> None:
    """Without any setting a node keeps everything in its folder and listens to this machine only."""
    settings = load_settings(tmp_path)
    assert settings.database == f"sqlite:///{tmp_path}/ledger.db"
    assert (settings.host, settings.address) == ("127.0.0.1", "http://127.0.0.1:8000")
    assert settings.public == tmp_path / "public"
    assert settings.log_keys == tmp_path / "keys" / "log.json"


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts a node has the last word; a flag that was not given says nothing."""
    (tmp_path / "fengtu.toml").write_text('port = 1\norigin = "log.example/file"\nwait_s = 3\n')
    assert load_settings(tmp_path).port == 1
    monkeypatch.setenv("FENGTU_PORT", "2")
    assert load_settings(tmp_path, {"port": None}).port == 2
    settings = load_settings(tmp_path, {"port": 3})
    assert (settings.port, settings.origin, settings.wait_s) == (3, "log.example/file", 3)


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    """The file that init leaves gives the settings it was made from, whatever characters they hold."""
    settings = load_settings(tmp_path, {"origin": 'log.example/風"\\土', "port": 8123})
    write_settings(settings, {"port": 8123, "base_url": None})
    assert load_settings(tmp_path) == settings
    with pytest.raises(FormatError, match=r"no settings there yet"):
        write_settings(settings, {})


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("port = 70000", "port"),
        ('port = "many"', "port"),
        ("prot = 8000", "prot"),
        ('origin = "two words"', "origin"),
        ('actor = "two words"', "actor"),
        ('database = "mysql://here"', "database"),
        ('base_url = "ledger.example"', "base_url"),
        ("wait_s = 0", "wait_s"),
        ("port = ", "fengtu.toml"),
    ],
)
def test_errors_name_the_setting_and_its_source(tmp_path: Path, content: str, name: str) -> None:
    """An operator has to learn which line to mend."""
    (tmp_path / "fengtu.toml").write_text(content + "\n")
    with pytest.raises(FormatError, match=name) as caught:
        load_settings(tmp_path)
    assert str(tmp_path / "fengtu.toml") in str(caught.value)


def test_errors_name_flag_and_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for the other two sources."""
    with pytest.raises(FormatError, match=r"port \(--port\)"):
        load_settings(tmp_path, {"port": -1})
    monkeypatch.setenv("FENGTU_MAX_AGE_S", "old")
    with pytest.raises(FormatError, match=r"max_age_s \(FENGTU_MAX_AGE_S\).*got 'old'"):
        load_settings(tmp_path)


def test_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flag, variable, `./data`."""
    monkeypatch.delenv("FENGTU_DATA", raising=False)
    assert data_folder(None) == Path("data")
    monkeypatch.setenv("FENGTU_DATA", "/elsewhere")
    assert data_folder(None) == Path("/elsewhere")
    assert data_folder(Path("here")) == Path("here")


def test_an_address_can_be_said_or_follows(tmp_path: Path) -> None:
    """Links and policies carry the public address where there is one."""
    assert load_settings(tmp_path, {"base_url": "https://ledger.example/"}).address == "https://ledger.example"
    assert load_settings(tmp_path, {"host": "::1", "port": 1}).address == "http://[::1]:1"
