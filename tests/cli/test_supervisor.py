import configparser
import shlex
from pathlib import Path

import pytest

from data_agent.cli.programs import Program, Stage
from data_agent.cli.supervisor import render, socket_path
from data_agent.core.errors import EnvironmentFault
from tests.cli.support import script


def read(text: str) -> configparser.RawConfigParser:
    """As supervisord reads it: `;` and ` #` begin a comment, `%%` is a `%`."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=True)
    parser.read_string(text)
    return parser


def render_one(program: Program, directory: Path = Path("/data")) -> configparser.RawConfigParser:
    return read(render([program], directory=directory, working_directory=Path("/work")))


def test_a_program_dies_with_the_supervisor_and_is_started_again_for_ever() -> None:
    section = render_one(script("one", "pass"))["program:one"]
    assert shlex.split(section["command"])[:4] == ["setpriv", "--pdeathsig", "TERM", "--"]
    assert (section["autorestart"], section["autostart"]) == ("true", "false")
    assert int(section["startretries"]) >= 1000


def test_logs_are_rotated_one_file_per_program() -> None:
    section = render_one(script("one", "pass"))["program:one"]
    assert section["stdout_logfile"] == "/data/logs/one.log"
    assert int(section["stdout_logfile_maxbytes"]) * (int(section["stdout_logfile_backups"]) + 1) <= 100_000_000


def test_services_stop_before_the_servers_they_use() -> None:
    programs = [script("one", "pass", stage=Stage.SERVERS), script("two", "pass", stage=Stage.SERVICES)]
    parsed = read(render(programs, directory=Path("/data"), working_directory=Path("/work")))
    assert parsed["group:servers"]["programs"] == "one"
    assert parsed["group:services"]["programs"] == "two"
    # supervisord stops the group of the highest priority first, and waits for it
    assert int(parsed["group:services"]["priority"]) > int(parsed["group:servers"]["priority"])


def test_blanks_quotes_and_percent_signs_reach_the_program_as_they_are() -> None:
    text = "print('100 %', \"a b\")"
    command = render_one(script("one", text), Path("/data at 50%"))["program:one"]["command"]
    assert shlex.split(command.replace("%%", "%"))[-1] == text


@pytest.mark.parametrize("name", ["a #1", "a ;b", "a\nb"])
def test_what_supervisord_cannot_be_told_is_refused(name: str) -> None:
    with pytest.raises(EnvironmentFault, match="supervisord cannot be told"):
        render([script("one", "pass")], directory=Path("/data") / name, working_directory=Path("/work"))


def test_the_socket_of_a_deep_directory_is_short_and_its_own() -> None:
    deep, deeper = Path("/" + "d" * 120), Path("/" + "d" * 121)
    assert socket_path(Path("/data")) == Path("/data/supervisor.sock")
    assert len(str(socket_path(deep))) < 100
    assert socket_path(deep) == socket_path(deep) != socket_path(deeper)
