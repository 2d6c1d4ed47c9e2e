"""lithops' Lambda backend with the study's storage in its zip.

None of this can be tried on a laptop: lithops calls AWS's own host.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from lithops.serverless import ServerlessHandler
from lithops.serverless.backends.aws_lambda import ServerlessBackend

from headrace import executor_storage


class LambdaBackend(ServerlessBackend):  # type: ignore[misc]
    """Makes lithops' function and its layer."""

    @staticmethod
    def _create_handler_bin(remove: bool = True) -> bytes:
        return with_storage(ServerlessBackend._create_handler_bin(remove))

    def _create_layer(self, runtime_name: str) -> Any:
        try:
            return super()._create_layer(runtime_name)
        finally:
            # lithops' layer builder writes its zip to the bucket's root, by its own client.
            key = self._format_layer_name(runtime_name)
            bucket = self.internal_storage.bucket
            self.internal_storage.get_client().delete_object(Bucket=bucket, Key=key)


class LambdaHandler(ServerlessHandler):  # type: ignore[misc]
    """Hands jobs to the backend."""

    def _load_backend(self, internal_storage: Any) -> LambdaBackend:
        return LambdaBackend(self.config[self.backend_name], internal_storage)


def with_storage(handler: bytes) -> bytes:
    """Put the study's storage backend into lithops' zip, where lithops looks for backends."""
    held = io.BytesIO(handler)
    folder = executor_storage.MODULE.replace(".", "/")
    with zipfile.ZipFile(held, "a", zipfile.ZIP_DEFLATED) as file:
        file.write(Path(executor_storage.__file__), f"{folder}/__init__.py")
        file.writestr(
            f"{folder}/config.py", f"from {executor_storage.MODULE} import load_config  # noqa\n"
        )
    return held.getvalue()
