"""Who gets in at a real sshd that asks the stand-in, and why the others do not."""

import subprocess

import pytest

from tests.ports import free_port
from tests.servers import running
from tests.ssh.sshd import HOST, Login, Sshd, running_sshd
from tests.ssh.standin import StandIn, written

pytestmark = [
    pytest.mark.timeout(400),  # What makes RSA keys steps back behind all else on a busy machine.
    pytest.mark.system("openssh-server", "sshd"),
    pytest.mark.system("openssh-client", "ssh-keygen"),
    pytest.mark.system("curl", "curl"),
]

NAMES = {"ed25519": "ssh-ed25519", "ecdsa": "ecdsa-sha2-nistp521", "rsa": "ssh-rsa"}
# With these exit statuses of curl the command ends, and sshd logs them.
NOBODY_LISTENS, NOT_FOUND = "status 7", "status 22"


def let_in(sshd: Sshd) -> Login:
    """Return how a login ends that succeeds: the host tells the name of the account."""
    return Login(0, f"{sshd.account.name}\n", "")


def turned_away(sshd: Sshd) -> Login:
    """Return how one ends that sshd refuses."""
    return Login(255, "", f"{sshd.account.name}@127.0.0.1: Permission denied (publickey).\n")


def question(sshd: Sshd, fingerprint: str, name: str = "ssh-ed25519") -> str:
    """Return what the real tms_keycmd posts for a key, byte for byte."""
    return (
        f'{{"user":"{sshd.account.name}","user_uid":"{sshd.account.uid}","host":"{HOST}",'
        f'"public_key_fingerprint":"{fingerprint}","key_type":"{name}"}}'
    )


def causes(sshd: Sshd, fingerprint: str) -> list[str]:
    """Return how the command ended whenever it failed for a key, as sshd tells."""
    lines = [line for line in sshd.log().splitlines() if fingerprint in line and "AuthorizedKeysCommand" in line]
    return [line.rpartition(" failed, ")[2] for line in lines]


def check_not_found(sshd: Sshd, standin: StandIn, fingerprint: str, before: int = 0) -> None:
    """Check that sshd has asked for this key, behind so many other questions, and that the answer was the cause."""
    assert standin.asked()[before:] == [(question(sshd, fingerprint), 404)]
    assert causes(sshd, fingerprint) == [NOT_FOUND]


@pytest.mark.parametrize("key_type", list(NAMES))
def test_a_new_key_logs_in_until_it_is_deleted(sshd, standin, tmp_path, key_type):
    """The private key that was answered gets in, after two questions: at its offer and at its proof."""
    key = standin.create_key(sshd.account.name, key_type=key_type)
    fingerprint, private_key = key["public_key_fingerprint"], written(key, tmp_path / "key")
    asked = question(sshd, fingerprint, NAMES[key_type])
    assert sshd.log_in(private_key) == let_in(sshd)
    assert (standin.asked(), causes(sshd, fingerprint)) == ([(asked, 200)] * 2, [])
    assert standin.delete_key(fingerprint)["num_deleted"] == 1
    assert sshd.log_in(private_key) == turned_away(sshd)
    assert (standin.asked()[2:], causes(sshd, fingerprint)) == ([(asked, 404)], [NOT_FOUND])


def test_an_ordinary_user_may_run_the_server(own_sshd, standin, tmp_path):
    """He logs in to his own account."""
    key = standin.create_key(own_sshd.account.name)
    assert own_sshd.log_in(written(key, tmp_path / "key")) == let_in(own_sshd)
    assert standin.asked() == [(question(own_sshd, key["public_key_fingerprint"]), 200)] * 2


def test_an_expired_key_does_not_under_strict(sshd, standin, tmp_path):
    """An hour's key logs in within the hour, not after it, and then again without `strict`, as at the real server."""
    key = standin.create_key(sshd.account.name, ttl_minutes=60)
    fingerprint, private_key = key["public_key_fingerprint"], written(key, tmp_path / "key")
    standin.control.settings.set(strict=True)
    standin.control.clock.advance(3500)
    assert sshd.log_in(private_key) == let_in(sshd)
    standin.control.clock.advance(200)
    assert sshd.log_in(private_key) == turned_away(sshd)
    check_not_found(sshd, standin, fingerprint, before=2)
    standin.control.settings.set(strict=False)
    assert sshd.log_in(private_key) == let_in(sshd)


def test_a_login_takes_two_uses_under_strict(sshd, standin, tmp_path):
    """OpenSSH asks when a key is offered and when it is proved, so two uses are one login and a third is none."""
    key = standin.create_key(sshd.account.name, num_uses=3)
    fingerprint, private_key = key["public_key_fingerprint"], written(key, tmp_path / "key")
    standin.control.settings.set(strict=True)
    assert sshd.log_in(private_key) == let_in(sshd)
    assert sshd.log_in(private_key) == turned_away(sshd)
    asked = question(sshd, fingerprint)
    assert standin.asked() == [*[(asked, 200)] * 3, (asked, 404)]
    assert causes(sshd, fingerprint) == [NOT_FOUND]


@pytest.mark.parametrize("changed", [{"host_account": "somebody-else"}, {"host": "another-host"}], ids=str)
def test_a_key_for_another_account_or_host_does_not(sshd, standin, tmp_path, changed):
    """TMS knows the key, but not for who asks, or not where."""
    key = standin.create_key(**{"host_account": sshd.account.name, **changed})
    assert sshd.log_in(written(key, tmp_path / "key")) == turned_away(sshd)
    check_not_found(sshd, standin, key["public_key_fingerprint"])


def test_a_key_that_tms_does_not_know_does_not(sshd, standin, tmp_path):
    """It was made elsewhere."""
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")]
    subprocess.run(made, check=True)
    told = subprocess.run(["ssh-keygen", "-l", "-f", str(tmp_path / "key")], check=True, capture_output=True, text=True)
    assert sshd.log_in(tmp_path / "key") == turned_away(sshd)
    check_not_found(sshd, standin, told.stdout.split()[1])


def test_nobody_gets_in_while_the_standin_is_down(somebody, tmp_path):
    """Without an answer sshd refuses; the same key logs in once the stand-in runs again on the same port and data."""
    port = free_port()
    with running_sshd(f"http://127.0.0.1:{port}", somebody, as_root=somebody.is_made) as sshd:
        with running(tmp_path, http_port=port) as server:
            key = StandIn(server.url).create_key(somebody.name)
            private_key = written(key, tmp_path / "key")
            assert sshd.log_in(private_key) == let_in(sshd)
        assert sshd.log_in(private_key) == turned_away(sshd)
        assert causes(sshd, key["public_key_fingerprint"]) == [NOBODY_LISTENS]
        with running(tmp_path, http_port=port):
            assert sshd.log_in(private_key) == let_in(sshd)
