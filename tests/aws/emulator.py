"""Runs the emulator of AWS for as long as standard input is open.

The test process holds the other end: when it ends, however it ends, the emulator, the functions it
runs and the folder they used go with it.

    emulator.py PORT LOGFILE ENDPOINT

The functions reach all services at ENDPOINT, which leads to PORT.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

GRACE_SECONDS = 5


def environment(port: str, endpoint: str, state: str) -> dict[str, str]:
    """Nothing of the caller's environment but the search path reaches the emulator or the functions."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": state,
        "TMPDIR": state,
        "STATE_DIR": f"{state}/state",
        "S3_DATA_DIR": f"{state}/s3",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": port,
        # Each function may do what its role allows, no more.
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def main() -> int:
    port, log, endpoint = sys.argv[1:]
    state = tempfile.mkdtemp(prefix="nuncio-emulator-")
    with open(log, "wb") as output:
        emulator = subprocess.Popen(
            [os.path.join(os.path.dirname(sys.executable), "ministack")],
            env=environment(port, endpoint, state),
            cwd=state,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def end_with_the_tests() -> None:
        sys.stdin.buffer.read()
        emulator.terminate()
        try:
            emulator.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        try:
            # What it started is in its group.
            os.killpg(emulator.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    for number in (signal.SIGINT, signal.SIGTERM):
        # A terminal's interrupt reaches the tests too, whose end is what counts.
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=end_with_the_tests, daemon=True).start()
    code = emulator.wait()
    try:
        os.killpg(emulator.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    shutil.rmtree(state, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
