"""The yardstick: a bare ASGI callable with one fixed answer under the same uvicorn. It does nothing else."""

import argparse

import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

BODY = b'{"result_code":"0","result_msg":"success","tms_version":"0.3.0"}'
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(BODY)).encode()),
    ],
}
REST = {"type": "http.response.body", "body": BODY}


async def answer(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:  # noqa: ARG001 - ASGI
    """Answer every request with the same small JSON body."""
    await send(START)
    await send(REST)


def main() -> None:
    """Serve the yardstick on 127.0.0.1 until terminated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(
        answer,
        host="127.0.0.1",
        port=parser.parse_args().port,
        http="httptools",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
