"""Tests of app/modes.py."""

from dataclasses import asdict

import pytest

from app.modes import Modes
from app.settings import Settings
from app.wire import WIRES


def modes(**changed):
    """Return the modes of the defaults, some changed."""
    return Modes.of(Settings(**changed))


def test_of_takes_the_modes_of_the_settings():
    """With no setting given they are the documented defaults (design 2.2), and nothing else is taken over."""
    assert asdict(modes()) == {
        "enable_mvp": True,
        "enable_test_tenant": True,
        "new_clients": "allow",
        "quirks": "intended",
        "strict": False,
        "wire_version": "0.3.0",
        "race": False,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enable_mvp", False),
        ("enable_test_tenant", False),
        ("new_clients", "disallow"),
        ("quirks", "real"),
        ("strict", True),
        ("wire_version", "0.1.0"),
    ],
)
def test_each_mode_follows_its_own_setting(name, value):
    """One setting changes one mode and leaves the others."""
    assert asdict(modes(**{name: value})) == {**asdict(modes()), name: value}


@pytest.mark.parametrize("version", ["0.3.0", "0.1.0"])
def test_the_wire_is_that_of_the_version_in_force(version):
    """It follows the version when that is changed while the stand-in runs."""
    changing = modes()
    changing.wire_version = version
    assert changing.wire is WIRES[version]
    assert changing.wire.version == version


@pytest.mark.parametrize(
    ("quirks", "version", "real"),
    [
        ("intended", "0.3.0", False),
        ("intended", "0.1.0", False),
        ("real", "0.3.0", True),
        ("real", "0.1.0", False),
    ],
)
def test_the_real_defects_are_those_of_0_3_0_alone(quirks, version, real):
    """D1 and D2 do not show in 0.1.0, whatever is asked for (contract section 5)."""
    assert modes(quirks=quirks, wire_version=version).real_defects is real


@pytest.mark.parametrize(
    ("enable_mvp", "new_clients", "open_"),
    [
        (False, "allow", True),
        (False, "disallow", False),
        (True, "allow", False),
        (True, "disallow", False),
    ],
)
def test_clients_may_be_created_unless_either_mode_forbids_it(enable_mvp, new_clients, open_):
    """MVP mode forbids it whatever new_clients says (contract 1.11)."""
    assert modes(enable_mvp=enable_mvp, new_clients=new_clients).clients_may_be_created is open_
