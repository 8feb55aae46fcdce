"""
AWS KMS as a key service.

Credentials, region and endpoint are found as every tool of AWS finds them. What is wrapped is bound
to a context, which the trail of the KMS shows beside each use.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnected

from adapters.vault.key import VaultFault

#: Four attempts, with pauses between them that grow: some ten seconds where nobody answers.
_CONFIG: Final = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)
_CONTEXT: Final = {"application": "homezone", "holds": "master key"}


class AwsKeyService:
    """
    Satisfies ``KeyService``.

    :param key: an ARN, of a key or an alias; or an id or ``alias/NAME`` in the region that is set.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        parts = key.split(":")
        region = parts[3] if len(parts) > 3 else os.environ.get("AWS_REGION")
        with _faults(key):
            self._client: Any = boto3.client("kms", region_name=region, config=_CONFIG)

    def wrap(self, secret: bytes) -> tuple[str, bytes]:
        """The ARN of the key, and the ciphertext."""
        with _faults(self._key):
            answer = self._client.encrypt(
                KeyId=self._key, Plaintext=secret, EncryptionContext=_CONTEXT
            )
        return str(answer["KeyId"]), bytes(answer["CiphertextBlob"])

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        """The plaintext."""
        with _faults(self._key):
            answer = self._client.decrypt(
                KeyId=key, CiphertextBlob=wrapped, EncryptionContext=_CONTEXT
            )
        return bytes(answer["Plaintext"])


@contextmanager
def _faults(key: str) -> Iterator[None]:
    """One line for the operator; none of it quotes what was sent."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "no reason given"))
        raise VaultFault(f"the KMS refuses aws-kms://{key}: {code}") from None
    except (NotConnected, HTTPClientError):
        raise VaultFault(f"the KMS of aws-kms://{key} cannot be reached") from None
    except (BotoCoreError, ValueError) as error:
        raise VaultFault(f"the KMS of aws-kms://{key} cannot be asked: {error}") from None
