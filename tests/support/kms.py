"""
An AWS KMS on this machine, in memory, in a process of its own; and keys in it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3

from tests.support.s3 import free_port, running_s3

REGION = "eu-central-1"


class Kms:
    """A running one. ``environment`` is what a client of it is to find in its own."""

    def __init__(self, url: str) -> None:
        self.environment = {
            "AWS_ENDPOINT_URL_KMS": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
        }
        self.client: Any = boto3.client(
            "kms",
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    @property
    def out_of_reach(self) -> Mapping[str, str]:
        """The same environment, with nobody at its endpoint."""
        return {**self.environment, "AWS_ENDPOINT_URL_KMS": f"http://127.0.0.1:{free_port()}"}

    def key(self) -> str:
        """The URL of a new key, by its ARN."""
        return f"aws-kms://{self.client.create_key()['KeyMetadata']['Arn']}"

    def alias(self, name: str) -> str:
        """The URL of an alias of a new key."""
        key = self.client.create_key()["KeyMetadata"]["KeyId"]
        self.client.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
        return f"aws-kms://alias/{name}"


@contextmanager
def running_kms() -> Iterator[Kms]:
    """Until the block ends."""
    with running_s3() as aws:
        yield Kms(aws.url)
