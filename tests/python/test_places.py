"""Places that are no folder, served by programs that are not ours: an S3-compatible server (moto), a
stand-in for Google's JSON API, and Python's own web server, which knows no ranges."""

import base64
import functools
import hashlib
import http.server
import json
import os
import struct
import subprocess
import threading
import urllib.parse

import boto3
import botocore
import pytest
from moto.server import ThreadedMotoServer

from conftest import SPYHOP


def wav(samples, rate=2000):
    """A WAV of one channel and 16 bits."""
    data = struct.pack(f"<{len(samples)}h", *samples)
    head = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt "
    head += struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)
    return head + b"data" + struct.pack("<I", len(data)) + data


FILES = {
    "sbnms/source-audio/NOPP6_EST_20090328_000000_CH10.wav": wav([1, 2, 3] * 4000),
    "sbnms/source-audio/NOPP6_EST_20090328_001500_CH10.wav": wav([4, 5, 6] * 4000),
    "sbnms/source-audio/NOPP6_EST_20090329_000000_CH10.wav": wav([7, 8, 9] * 4000),
    "sbnms/detections/log.csv": b"Selection, Channel\n1, 1\n",
    "sbnms/source-audio/bad.wav": b"this is no recording at all",
}


def run(*args, env=None):
    """The program's exit code, output and errors; without any account of the machine."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "GOOGLE_"))}
    args = [SPYHOP, *map(str, args)]
    done = subprocess.run(args, capture_output=True, text=True, check=False, env=clean | (env or {}))
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def s3():
    """A public bucket on a server that speaks S3; how the program finds it."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=botocore.config.Config(s3={"addressing_style": "path"}),
    )
    client.create_bucket(Bucket="whales")
    for name, content in FILES.items():
        client.put_object(Bucket="whales", Key=name, Body=content, ACL="public-read")
    yield {"AWS_ENDPOINT_URL": url}
    server.stop()


class Google(http.server.BaseHTTPRequestHandler):
    """As much of Google's storage as is asked of it: the JSON list, the XML list, and reading."""

    damaged = None

    def do_GET(self):  # noqa: N802, the name is the base class's
        path = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(path.query)
        if path.path.endswith("/o"):
            prefix = query.get("prefix", [""])[0]
            items = [
                {"name": n, "md5Hash": base64.b64encode(hashlib.md5(c).digest()).decode()}
                for n, c in FILES.items()
                if n.startswith(prefix)
            ]
            return self.send(200, json.dumps({"items": items}).encode())
        if path.path.strip("/") == "whales":
            prefix = query.get("prefix", [""])[0]
            rows = "".join(
                f"<Contents><Key>{n}</Key><Size>{len(c)}</Size><ETag>\"{hash(n) & 0xFFFF}\"</ETag>"
                "<LastModified>2024-06-01T12:00:00.000Z</LastModified></Contents>"
                for n, c in FILES.items()
                if n.startswith(prefix)
            )
            xml = f"<ListBucketResult>{rows}<IsTruncated>false</IsTruncated></ListBucketResult>"
            return self.send(200, xml.encode())
        name = urllib.parse.unquote(path.path).removeprefix("/whales/")
        content = FILES.get(name)
        if content is None:
            return self.send(404, b"")
        if name == Google.damaged:
            content = content[:-1] + b"!"
        headers = {"ETag": f'"{hash(name) & 0xFFFF}"', "Last-Modified": "Sat, 01 Jun 2024 12:00:00 GMT"}
        wanted = self.headers.get("Range")
        if wanted is None:
            return self.send(200, content, headers)
        first, last = wanted.removeprefix("bytes=").split("-")
        part = content[int(first) : int(last) + 1]
        headers["Content-Range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
        return self.send(206, part, headers)

    def send(self, status, body, headers=None):
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(handler):
    """A web server on a free port of this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture
def google():
    server, url = serve(Google)
    yield {"STORAGE_EMULATOR_HOST": url}
    server.shutdown()
    Google.damaged = None


@pytest.fixture
def web(tmp_path):
    """Python's own server, which lists folders and sends files only whole."""
    root = tmp_path / "web"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server, url = serve(functools.partial(quiet, directory=root))
    yield url
    server.shutdown()


def indexed(place, folder, env=None):
    code, out, errors = run("index", place, "--json", "--state", folder / "state", env=env)
    assert code in (0, 3), errors
    return json.loads(out)


def check_index(found, again):
    assert (found["deployments"], found["recordings"], found["read"]) == (1, 4, 4)
    assert [f["name"] for f in found["failures"]] == ["bad.wav"]
    assert (again["read"], again["added"], again["changed"], again["removed"]) == (0, 0, 0, 0)


def test_a_public_bucket_is_indexed_without_an_account_and_without_reading_it_twice(s3, tmp_path):
    first = indexed("s3://whales/sbnms", tmp_path, s3)
    check_index(first, indexed("s3://whales/sbnms/", tmp_path, s3))


def test_googles_bucket_is_indexed_in_the_same_way(google, tmp_path):
    first = indexed("gs://whales/sbnms", tmp_path, google)
    check_index(first, indexed("gs://whales/sbnms", tmp_path, google))


def test_info_of_a_bucket_lays_its_recordings_on_their_clock(s3):
    code, out, errors = run("info", "s3://whales/sbnms", "--json", env=s3)
    assert code == 0, errors
    told = json.loads(out)
    line = told["lines"][0]
    assert (line["sample_rate_hz"], len(line["runs"]), len(line["gaps"])) == (2000.0, 3, 2)
    assert line["gaps"][0]["duration_s"] == 900 - 6


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_bucket_is_copied_with_its_folders_and_checked(scheme, s3, google, tmp_path):
    env = s3 | google
    code, out, errors = run("fetch", f"{scheme}://whales/sbnms", tmp_path, env=env)
    assert code == 0, errors
    assert "5 files" in out.splitlines()[0], "the size is told first"
    for name, content in FILES.items():
        assert (tmp_path / name.removeprefix("sbnms/")).read_bytes() == content
    code, out, errors = run("fetch", f"{scheme}://whales/sbnms", tmp_path, env=env)
    assert code == 0 and "5 of them are there already" in out


def test_the_first_days_of_a_bucket_are_copied(s3, tmp_path):
    code, _, errors = run("fetch", "s3://whales/sbnms", tmp_path, "--days", 1, env=s3)
    assert code == 0, errors
    names = sorted(p.name for p in (tmp_path / "source-audio").iterdir())
    assert names == ["NOPP6_EST_20090328_000000_CH10.wav", "NOPP6_EST_20090328_001500_CH10.wav", "bad.wav"]


def test_a_file_that_arrives_damaged_is_thrown_away_and_told_of(google, tmp_path):
    Google.damaged = "sbnms/source-audio/NOPP6_EST_20090328_000000_CH10.wav"
    code, _, errors = run("fetch", "gs://whales/sbnms", tmp_path, env=google)
    assert code == 1 and "checksum" in errors and "NOPP6_EST_20090328_000000_CH10.wav" in errors
    names = sorted(p.name for p in (tmp_path / "source-audio").iterdir())
    assert len(names) == 3 and "NOPP6_EST_20090328_000000_CH10.wav" not in names
    Google.damaged = None
    assert run("fetch", "gs://whales/sbnms", tmp_path, env=google)[0] == 0


def test_a_web_server_without_ranges_is_copied_from_and_not_indexed(web, tmp_path):
    code, _, errors = run("index", f"{web}/sbnms", "--state", tmp_path / "state")
    assert code == 1 and "only whole" in errors and "spyhop fetch" in errors
    code, _, errors = run("fetch", f"{web}/sbnms", tmp_path / "copy")
    assert code == 0, errors
    for name, content in FILES.items():
        assert (tmp_path / "copy" / name.removeprefix("sbnms/")).read_bytes() == content


def test_a_store_that_is_not_there_is_told_of(tmp_path):
    nobody = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    code, _, errors = run("index", "s3://whales/x", "--state", tmp_path / "state", env=nobody)
    assert code == 1 and "s3://whales/x can't be listed" in errors, errors
