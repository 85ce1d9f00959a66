"""Settings of the model and of how it is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import (
    Field,
    SecretStr,
    field_serializer,
    field_validator,
    model_validator,
)

from pipeline.settings.secret import is_reference, read
from pipeline.settings.section import Section

USUAL_ADDRESSES = {
    "torchserve": "http://127.0.0.1:8080",
    "torchserve-grpc": "127.0.0.1:7070",
    "open-inference": "http://127.0.0.1:8000",
    "open-inference-grpc": "127.0.0.1:8001",
    "in-process": "",
}
ModelKind = Literal["torchserve", "torchserve-grpc", "open-inference", "open-inference-grpc", "in-process"]


class ModelSettings(Section):
    """A model, and how it is reached."""

    kind: ModelKind = Field(
        "torchserve-grpc",
        description="how the model is reached; open-inference: KServe's protocol V2, as Triton speaks it",
    )
    url: str = Field(
        "",
        description="the model server's address, host:port for gRPC; several, comma separated, share the work; empty: "
        "this machine, the kind's usual port",
    )
    model_name: str = Field("emonext", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    model: str | None = Field(None, description="folder of the model; none: the default of model_store")
    timeout_seconds: float = Field(20, gt=0, description="deadline of one request, below TorchServe's responseTimeout")
    token: SecretStr | None = Field(
        None,
        description="the server's inference token, where it asks for one: env:NAME, file:PATH, or itself; sent in clear"
        " but over https",
    )
    ca_file: Path | None = Field(
        None,
        description="PEM file of the authorities that the server's certificate may come from; gRPC then uses TLS",
    )
    threads: int = Field(1, ge=1, description="threads of the model (in-process, and each worker of --local)")

    @model_validator(mode="after")
    def _url_fits_kind(self) -> Self:
        for url in self.addresses if self.url else []:
            if not url or self.kind.endswith("grpc") == ("://" in url):
                wanted = "host:port" if self.kind.endswith("grpc") else "http://host:port"
                raise ValueError(f"url: {url!r} does not fit kind {self.kind}, which wants {wanted}")
        if len(set(self.addresses)) < len(self.addresses):
            raise ValueError(f"url: an address is named twice in {self.url!r}")
        return self

    @field_validator("model")
    @classmethod
    def _from_here(cls, model: str | None) -> str | None:
        """Roles and actors run in other folders."""
        return model and str(Path(model).absolute())

    @field_validator("ca_file")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path and path.absolute()

    @field_serializer("token", when_used="json")
    def _tell(self, token: SecretStr | None) -> str | None:
        """Roles and actors are given their settings as JSON."""
        return token.get_secret_value() if token else None

    @property
    def secret(self) -> str | None:
        """`token`, in clear. Raises UsageError where what it refers to is not to be had."""
        text = self.token.get_secret_value() if self.token else None
        return read(text, "classify.token") if text and is_reference(text) else text

    @property
    def addresses(self) -> list[str]:
        """Those of `url`, or where a server of this kind listens unless told otherwise."""
        return [url.strip() for url in (self.url or USUAL_ADDRESSES[self.kind]).split(",")]

    @property
    def address(self) -> str:
        """The first of them."""
        return self.addresses[0]


class ShadowSettings(ModelSettings):
    """A second model, in each analyzer's own process unless a server is named."""

    kind: ModelKind = Field("in-process", description="how the shadow is reached; as `classify.kind`")
    batches: int = Field(16, ge=1, description="requests that wait for the shadow; more are skipped and counted")
    mebibytes: float = Field(32, gt=0, description="the same, as bytes of crops")


class ClassifySettings(ModelSettings):
    workers: int = Field(1, ge=1, description="TorchServe workers of --local")
    shadow: ShadowSettings | None = Field(
        None, description="a second model that reads the same crops, only to be compared; fields as below"
    )
