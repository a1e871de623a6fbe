"""A server that speaks as much of OpenSearch's REST API as the loader needs, and refuses what OpenSearch would refuse.

It compares every document, by `innerproduct` as the k-NN plugin scores it. What a graph finds is not tried here.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

Json = dict[str, Any]
Answer = tuple[int, object]


class Server(ThreadingHTTPServer):
    """Its indexes, and every request that it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mappings: dict[str, Json] = {}
        self.settings: dict[str, Json] = {}
        self.documents: dict[str, dict[str, Json]] = {}
        self.unseen: dict[str, dict[str, Json]] = {}
        self.bulks: list[int] = []
        self.searches: list[Json] = []
        self.login: tuple[str, str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, method: str, path: str, content: bytes, kind: str) -> Answer:
        """Status and body."""
        name, _, action = path.strip("/").partition("/")
        known = name in self.mappings
        match method, action:
            case "HEAD", "":
                return (200 if known else 404), None
            case "PUT", "":
                return self.make(name, json.loads(content))
            case "GET", "_mapping":
                return (200, {name: {"mappings": self.mappings[name]}}) if known else (404, {})
            case "POST" | "PUT", "_bulk":
                assert kind == "application/x-ndjson" or kind == "application/json", kind
                return self.bulk(name, content)
            case "POST", "_refresh":
                self.documents[name] |= self.unseen.pop(name, {})
                return 200, {"_shards": {"failed": 0}}
            case "POST" | "GET", "_count":
                return 200, {"count": len(self.documents[name])}
            case "POST" | "GET", "_search":
                return self.search(name, json.loads(content))
        return 400, {"error": f"{method} {path}"}

    def make(self, name: str, body: Json) -> Answer:
        field = body["mappings"]["properties"]["vector"]
        method = field["method"]
        assert field["type"] == "knn_vector" and {*method} == {"name", "engine", "space_type", "parameters"}
        assert (method["name"], method["engine"], method["space_type"]) == ("hnsw", "faiss", "innerproduct")
        assert {*method["parameters"]} == {"m", "ef_construction"}
        assert body["settings"] == {"index": {"knn": True}}
        self.mappings[name], self.documents[name] = body["mappings"], {}
        return 200, {"acknowledged": True, "index": name}

    def bulk(self, name: str, content: bytes) -> Answer:
        """One line says what to do, the next has the document; the last line ends as well."""
        assert content.endswith(b"\n")
        lines = [json.loads(line) for line in content.decode().split("\n")[:-1]]
        assert len(lines) % 2 == 0
        self.bulks.append(len(lines) // 2)
        items, properties = [], self.mappings[name]["properties"]
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            [(does, where)] = action.items()
            assert does == "index" and where.get("_index", name) == name
            assert 0 < len(where["_id"].encode()) <= 512
            assert {*document} == {*properties}
            assert len(document["vector"]) == properties["vector"]["dimension"]
            self.unseen.setdefault(name, {})[where["_id"]] = document
            items.append({"index": {"_id": where["_id"], "_index": name, "status": 201}})
        return 200, {"took": 1, "errors": False, "items": items}

    def search(self, name: str, body: Json) -> Answer:
        asked = body["query"]["knn"]["vector"]
        assert {*asked} == {"vector", "k", "method_parameters"} and {*asked["method_parameters"]} == {"ef_search"}
        self.searches.append(body)
        found = list(self.documents[name].items())
        products = np.array([one["vector"] for _, one in found]) @ np.array(asked["vector"])
        scores = np.where(products >= 0, 1 + products, 1 / (1 - products))
        hits = [
            {
                "_id": found[row][0],
                "_score": float(scores[row]),
                "_source": {key: found[row][1][key] for key in body["_source"]},
            }
            for row in np.argsort(-scores, kind="stable")[: body["size"]]
        ]
        return 200, {"hits": {"hits": hits}}


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, body = 401, None
        if self.is_known():
            path = self.path.partition("?")[0]
            status, body = self.server.answer(self.command, path, content, self.headers.get("Content-Type", ""))
        text = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_HEAD = handle_any

    def is_known(self) -> bool:
        if self.server.login is None:
            return "Authorization" not in self.headers
        told = base64.b64encode(":".join(self.server.login).encode()).decode()
        return self.headers.get("Authorization") == f"Basic {told}"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is told."""


@contextmanager
def server() -> Iterator[Server]:
    """A server with nothing in it."""
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            found.shutdown()
            thread.join()
