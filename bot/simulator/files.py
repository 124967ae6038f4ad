"""Files as Telegram keeps them: by identifier for bots, by path for downloads."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, kw_only=True)
class File:
    id: str
    path: str
    name: str
    content: bytes
    content_type: str

    def as_json(self) -> dict[str, Any]:
        return {
            "file_id": self.id,
            "file_unique_id": f"unique-{self.id}",
            "file_size": len(self.content),
        }


@dataclass
class Files:
    """All files of one Telegram."""

    _by_id: dict[str, File] = field(default_factory=dict)

    def store(self, folder: str, name: str, content: bytes, content_type: str) -> File:
        number = len(self._by_id) + 1
        extension = name.rpartition(".")[2] if "." in name else "bin"
        file = File(
            id=f"file-{number}",
            path=f"{folder}/file_{number}.{extension}",
            name=name,
            content=content,
            content_type=content_type,
        )
        self._by_id[file.id] = file
        return file

    def find(self, file_id: str) -> File | None:
        return self._by_id.get(file_id)

    def at(self, path: str) -> File | None:
        return next((file for file in self._by_id.values() if file.path == path), None)


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or JPEG; None for what is neither."""
    if content.startswith(_PNG) and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    return _jpeg_size(content) if content.startswith(_JPEG) else None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None
