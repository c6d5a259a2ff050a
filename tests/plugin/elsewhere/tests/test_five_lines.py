"""The five lines that the README shows."""


def test_version(tms):
    """The stand-in answers."""
    answer = tms.client.get("/v1/tms/version")
    assert answer.json()["tms_version"] == "0.3.0"
