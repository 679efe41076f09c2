"""What controllers speak with: HTTP and WebSocket under `/api/v1`, described exactly by OpenAPI."""

from .app import create_app

__all__ = ["create_app"]
