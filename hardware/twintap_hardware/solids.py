"""Solids to triangles and files, the same twice: STL (binary), STEP, and meshes to measure and to draw."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import re
import struct
import tempfile
from pathlib import Path

import numpy as np
import trimesh
from build123d import Part, export_step
from OCP.BRep import BRep_Tool
from OCP.BRepMesh import BRepMesh_IncrementalMesh
from OCP.BRepTools import BRepTools
from OCP.StdPrs import StdPrs_ToolTriangulatedShape
from OCP.TopAbs import TopAbs_REVERSED
from OCP.TopLoc import TopLoc_Location

FINE_MM = 0.03  # no triangle is further from the true surface
FINE_RAD = 0.45  # nor turned further against its neighbour
_UM = 1000


def triangles(part: Part) -> np.ndarray:
    """The surface as triangles, shape (n, 3, 3), in whole µm, turned and sorted: the same for the same solid.

    Those that are thinner than a µm fall away.
    """
    # Always meshed anew: what an earlier use has left on the solid would be another mesh.
    BRepTools.Clean_s(part.wrapped)
    BRepMesh_IncrementalMesh(part.wrapped, FINE_MM, False, FINE_RAD, False)
    corners, faces = part.tessellate(10 * FINE_MM, 10 * FINE_RAD)
    points = np.rint(np.array([[at.X, at.Y, at.Z] for at in corners]) * _UM).astype(np.int64)
    found = points[np.array(faces)]
    is_flat = (found == found[:, (1, 2, 0)]).all(axis=2).any(axis=1)
    found = found[~is_flat]
    # The least corner first, the turn kept.
    keys = found[:, :, 0] * 10**14 + found[:, :, 1] * 10**7 + found[:, :, 2]
    first = keys.argmin(1)
    turned = found[np.arange(len(found))[:, None], (first[:, None] + np.arange(3)) % 3]
    flat = turned.reshape(len(turned), 9)
    return flat[np.lexsort(flat.T[::-1])].reshape(-1, 3, 3)


def faces(part: Part, finer: float = 1.0) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Each face by itself: its corners (n, 3) in mm, the true surface's normals there, its triangles (m, 3).

    `finer` than what is printed by this factor.
    """
    BRepTools.Clean_s(part.wrapped)
    BRepMesh_IncrementalMesh(part.wrapped, FINE_MM / finer, False, FINE_RAD / finer, False)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for face in part.faces():
        location = TopLoc_Location()
        meshed = BRep_Tool.Triangulation_s(face.wrapped, location)
        if meshed is None:
            continue
        StdPrs_ToolTriangulatedShape.ComputeNormals_s(face.wrapped, meshed)
        turn = location.Transformation()
        count = range(1, meshed.NbNodes() + 1)
        nodes = [meshed.Node(at).Transformed(turn) for at in count]
        normals = [meshed.Normal(at).Transformed(turn) for at in count]
        corners = np.array([[at.X(), at.Y(), at.Z()] for at in nodes])
        outwards = np.array([[way.X(), way.Y(), way.Z()] for way in normals])
        order = [meshed.Triangle(at).Get() for at in range(1, meshed.NbTriangles() + 1)]
        index = np.array(order) - 1
        if face.wrapped.Orientation() == TopAbs_REVERSED:
            index, outwards = index[:, ::-1], -outwards
        found.append((corners, outwards, index))
    return found


def mesh(part: Part) -> trimesh.Trimesh:
    """The same triangles as a mesh to measure, in mm."""
    corners = triangles(part).reshape(-1, 3)
    points, index = np.unique(corners, axis=0, return_inverse=True)
    return trimesh.Trimesh(points / _UM, index.reshape(-1, 3), process=False)


def stl(part: Part, name: str) -> bytes:
    """The solid as binary STL, in mm: `name` stands in its header, which has no date."""
    found = triangles(part).astype(np.float64) / _UM
    normals = np.cross(found[:, 1] - found[:, 0], found[:, 2] - found[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    record = np.zeros(len(found), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("spare", "<u2")])
    record["normal"] = np.round(normals, 4) + 0.0
    record["corners"] = found
    return name.encode("ascii")[:80].ljust(80) + struct.pack("<I", len(found)) + record.tobytes()


def step(part: Part, name: str) -> bytes:
    """The solid as STEP, without date, author and program's name."""
    part.label = name
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.step"
        export_step(part, str(path))
        text = path.read_text("utf-8")
    text = re.sub(
        r"FILE_NAME\(.*?\);",
        f"FILE_NAME('{name}','1970-01-01T00:00:00',(''),(''),'','','');",
        text,
        count=1,
        flags=re.S,
    )
    # The kernel counts over all exports of one run; here each file stands for itself.
    text = re.sub(r"(NEXT_ASSEMBLY_USAGE_OCCURRENCE\()'\d+'", r"\1'1'", text)
    return text.encode("utf-8")
