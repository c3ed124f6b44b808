"""Where the services of a run are, whoever started them. Frozen values; starting them is infra/stack.py's part."""

import re
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from infra.errors import PrefectError
from infra.location import Location
from infra.settings import HEARTBEAT_S, TELEMETRY_OFF, StoreAccess, basic_auth, bypass_proxies, export

_PROBE_S = 10.0

LOCAL_BUCKET = re.compile(r"media-[a-z0-9-]*-[0-9a-f]{8}|media-[0-9a-f]{8}")
"""Name of a bucket under which a local folder is served (infra/folders.py)."""


def is_local_bucket(uri: str) -> bool:
    """Whether a URI lies in a local folder's bucket, by its name."""
    return LOCAL_BUCKET.fullmatch(Location.parse(uri).bucket) is not None


@dataclass(frozen=True)
class Services:
    """The services that a run uses.

    Attributes:
        store: Where results go, and media under s3://.
        local_store: Where local folders are served; None where the local store does not run.
        prefect_api_url: The Prefect server's API; empty where it was not asked for.
        ray_address: The Ray cluster, as `ray.init` reads it; empty where it was not asked for.
        ray_token: File with the token of the local Ray; None for a cluster of somebody else.
        local_root: Folder whose entries are the local store's buckets.
        prefect_auth: `user:password` of the Prefect server; None where it asks for none.
    """

    store: StoreAccess
    local_store: StoreAccess | None
    prefect_api_url: str
    ray_address: str
    ray_token: Path | None = None
    local_root: Path | None = None
    prefect_auth: str | None = field(default=None, repr=False)

    def access_for(self, uri: str) -> StoreAccess:
        """The store that holds `uri`: the local one for a local folder, else the one of the results.

        Raises:
            UsageError: It is no s3:// URI.
        """
        bucket = Location.parse(uri).bucket
        if self.local_store and self.local_root and LOCAL_BUCKET.fullmatch(bucket):
            here = self.local_root / bucket
            return self.local_store if here.exists() or here.is_symlink() else self.store
        return self.store

    def local_path(self, uri: str) -> Path | None:
        """The file behind `uri` on this machine, or None where another store holds it."""
        if self.local_root is None or self.access_for(uri) != self.local_store:
            return None
        place = Location.parse(uri)
        return self.local_root / place.bucket / place.key

    def check_prefect(self) -> None:
        """Ask the Prefect server for something that it tells nobody without its password, if it has one.

        Raises:
            PrefectError: Nothing answers there, or it refuses.
        """
        try:
            urllib.request.urlopen(self._prefect_probe(), timeout=_PROBE_S).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in {401, 403}:
                raise PrefectError(
                    f"the Prefect server at {self.prefect_api_url} refuses ({error.code}): "
                    "set PREFECT_API_AUTH_STRING to its user:password"
                ) from None
            return  # it answers; what ails it, the first request tells
        except (OSError, ValueError) as error:
            raise PrefectError(
                f"no Prefect server answers at {self.prefect_api_url} ({error}): check PREFECT_API_URL, "
                "or unset it to use a local one (`seraph up`)"
            ) from error

    def _prefect_probe(self) -> urllib.request.Request:
        headers = basic_auth(self.prefect_auth)
        return urllib.request.Request(f"{self.prefect_api_url}/admin/version", headers=headers)  # noqa: S310

    def export(self) -> None:
        """Point this process there: telemetry off, no proxy on the way. Before Prefect or Ray is imported.

        Its flow runs, and those of its children, then give signs of life: one that ends without a word is found out.
        """
        export(**TELEMETRY_OFF, PREFECT_FLOWS_HEARTBEAT_FREQUENCY=str(HEARTBEAT_S))
        if self.prefect_api_url:
            export(PREFECT_API_URL=self.prefect_api_url, PREFECT_API_AUTH_STRING=self.prefect_auth)
        bypass_proxies()
