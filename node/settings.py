"""A node's settings: the file `DATA/fengtu.toml`, over it the environment, over both the command line.

    origin = "log.example/hsinchu"
    actor = "operator"
    base_url = "https://ledger.example"
    port = 8000

`FENGTU_PORT=9000` in the environment wins over the file's port, `--port 9001` over both. A relative path is below DATA.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ledger.errors import FengtuError, FormatError
from ledger.note import check_key_name
from node.files import SECRET, write_file

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "fengtu.toml"
ENVIRONMENT = "FENGTU_"
DATA_DEFAULT = Path("data")
ORIGIN_DEFAULT = "localhost/fengtu"
SCHEMES = ("sqlite:///", "postgresql://")

Actor = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]


class _FileSource(PydanticBaseSettingsSource):
    """What stands in the file."""

    def __init__(self, settings_cls: type[BaseSettings], data: Path) -> None:
        super().__init__(settings_cls)
        self._data = data

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base class's form
        """Not asked for: the file is taken whole, so that a name that is no setting shows."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the file's settings, none where there is no file."""
        return _read_file(self._data / FILE_NAME)


class Settings(BaseSettings):
    """The settings of one node.

    Attributes:
        data: the data folder: `fengtu.toml`, `keys/`, `vault.db`, `images/`, `sightings.db`, and with the embedded
            default `ledger.db`.
        origin: the log's name, as its checkpoints carry it.
        actor: the operator's actor id.
        database: `sqlite:///PATH` or `postgresql://…`; `DATA/ledger.db` where none is given.
        base_url: how others reach this node, without a slash at the end; `http://HOST:PORT` where none is given.
        host: the address to listen on.
        port: the port to listen on, 0 for any that is free.
        public: the folder that tiles are published to.
        publish_every_s: how often they are, in seconds; 0 for never.
        wait_s: how long a request may wait for a seal, in seconds.
        max_age_s: the age that the recommended policy calls fresh, in seconds.
        queue_max: how many records may wait in this process.
        seal_after_ms: how long after a public record a seal is due, in milliseconds.
        metrics_token: what a Prometheus on another machine sends as its bearer token; without one `/metrics` answers
            this machine only.
    """

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT, extra="forbid", frozen=True)

    data: Path
    origin: str = ORIGIN_DEFAULT
    actor: Actor = "operator"
    database: str = ""
    base_url: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public: Path = Path("public")
    publish_every_s: float = Field(default=10.0, ge=0)
    wait_s: float = Field(default=10.0, gt=0, le=120)
    max_age_s: int = Field(default=86_400, ge=1)
    queue_max: int = Field(default=20_000, ge=1)
    seal_after_ms: int = Field(default=1_000, ge=100, le=60_000)
    metrics_token: str = Field(default="", pattern=r"^([A-Za-z0-9._~+/=-]{16,256})?$", repr=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class's form
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class's form
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources, the strongest first."""
        data = Path(init_settings()["data"])
        return init_settings, env_settings, _FileSource(settings_cls, data)

    @field_validator("origin")
    @classmethod
    def _check_origin(cls, value: str) -> str:
        return _reworded(check_key_name, value)

    @field_validator("database")
    @classmethod
    def _fill_database(cls, value: str, info: ValidationInfo) -> str:
        if value and not value.startswith(SCHEMES):
            raise ValueError("a URL that begins with " + " or ".join(SCHEMES))
        return value or f"sqlite:///{info.data['data'] / 'ledger.db'}"

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        if value and (not value.startswith(("http://", "https://")) or any(mark in value for mark in " ?#")):
            raise ValueError("a URL that begins with http:// or https://")
        return value.rstrip("/")

    @field_validator("public")
    @classmethod
    def _below_data(cls, value: Path, info: ValidationInfo) -> Path:
        return Path(info.data["data"]) / value

    @property
    def address(self) -> str:
        """How others reach this node, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.base_url or f"http://{host}:{self.port}"

    @property
    def keys(self) -> Path:
        """The folder of keys."""
        return self.data / "keys"

    @property
    def log_keys(self) -> Path:
        """The file of the log's own keys."""
        return self.keys / "log.json"

    @property
    def vault(self) -> Path:
        """The file of the keys of hidden fields."""
        return self.data / "vault.db"

    @property
    def images(self) -> Path:
        """The folder of works' images."""
        return self.data / "images"

    @property
    def sightings(self) -> Path:
        """The file of where serials were seen in the last day."""
        return self.data / "sightings.db"

    @property
    def demo(self) -> Path:
        """The folder of the demo's answers."""
        return self.data / "demo"


def data_folder(flag: Path | None) -> Path:
    """Return the data folder: the flag's, else that of FENGTU_DATA, else `./data`."""
    return flag or Path(os.environ.get(f"{ENVIRONMENT}DATA") or DATA_DEFAULT)


def load_settings(data: Path | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of a data folder.

    Args:
        data: the folder; see `data_folder`.
        flags: what the command line says; a None says nothing.

    Raises:
        FormatError: a setting that cannot be; the message names it and where it came from.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    folder = data_folder(data)
    try:
        return Settings(data=folder, **given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise FormatError(
            f"the setting {name} ({_source(name, given, folder)})",
            expected="a setting that there is" if first["type"] == "extra_forbidden" else _expected(first["msg"]),
            got=repr(first["input"])[:80],
        ) from error


def write_settings(settings: Settings, flags: Mapping[str, Any]) -> None:
    """Write the settings' file with the origin, the actor and what else the command line said.

    Raises:
        FormatError: the file is there already.
    """
    path = settings.data / FILE_NAME
    if path.exists():
        raise FormatError(f"{path}", expected="no settings there yet", got="a file")
    values: dict[str, Any] = {"origin": settings.origin, "actor": settings.actor}
    values.update((name, value) for name, value in flags.items() if value is not None)
    # A TOML basic string and number are written as JSON's are.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    # A database URL may hold a password.
    write_file(path, ("\n".join(lines) + "\n").encode(), SECRET)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"the settings in {path}", expected="TOML", got=str(error)) from error


def _source(name: str, given: Mapping[str, Any], folder: Path) -> str:
    if name in given:
        return f"--{name.replace('_', '-')}"
    variable = ENVIRONMENT + name.upper()
    return variable if variable in os.environ else str(folder / FILE_NAME)


def _expected(message: str) -> str:
    for before in ("Value error, ", "Input should be "):
        message = message.removeprefix(before)
    return message


def _reworded(check: Any, value: str) -> str:
    try:
        return str(check(value))
    except FengtuError as error:
        # pydantic collects ValueErrors only.
        raise ValueError(str(error.expected)) from error
