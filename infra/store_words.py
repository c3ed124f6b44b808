"""The words of the store's failures: what was tried, where, what went wrong, and what to do about it.

Owns which error a refusal becomes. Knows no client: infra/storage.py catches boto3's errors and asks here.
"""

from infra.errors import ObjectMissing, StoreError
from infra.location import Location
from infra.settings import StoreAccess

_CREDENTIAL_CODES = frozenset(
    {"AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "403", "401"}
)
_MISSING_CODES = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound"})


def refused(action: str, place: Location | None, access: StoreAccess, code: str) -> StoreError:
    """The error for an answer that says no. `code` is the store's own word for why, such as `AccessDenied`."""
    what = f"cannot {action} {place or 'the store'} at {shown(access)}"
    if code == "NoSuchBucket":
        return StoreError(
            f"{what}: there is no bucket {place.bucket if place else ''!r}; create it or name another one"
        )
    if code in _MISSING_CODES:
        return ObjectMissing(f"{what}: there is no such object ({code})")
    if code in _CREDENTIAL_CODES:
        return StoreError(
            f"{what}: refused ({code}); expected credentials with the right to do so: "
            "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE and the bucket's policy"
        )
    return StoreError(f"{what}: the store answered {code}; see its log, then run again")


def unreachable(action: str, place: Location | None, access: StoreAccess, error: Exception) -> StoreError:
    """The error where no answer came, or none that could be read."""
    # Not the error's own words: they may quote headers or the address with its credentials.
    return StoreError(
        f"cannot {action} {place or 'the store'} at {shown(access)}: {type(error).__name__}; expected an "
        "S3-compatible service that answers there: check AWS_ENDPOINT_URL, the credentials and the network"
    )


def shown(access: StoreAccess) -> str:
    """The endpoint as it may be printed: without a user name and password that somebody put into it."""
    if access.endpoint_url is None:
        return f"AWS S3 ({access.region})"
    scheme, _, rest = access.endpoint_url.rpartition("://")
    host = rest.rpartition("@")[2]
    return f"{scheme}://{host}" if scheme else host
