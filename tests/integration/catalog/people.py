"""Users of one organisation and project, and what they ask of custom models."""

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.type.decimal_pb2 import Decimal

from pantheon.auth.v1.access_pb2 import ROLE_MEMBER, Role
from pantheon.catalog.v1.catalog_service_pb2 import (
    CheckCustomModelRequest,
    CreateCustomModelRequest,
    DeleteCustomModelRequest,
    GetCustomModelRequest,
    ListCustomModelsRequest,
    UpdateCustomModelRequest,
)
from pantheon.catalog.v1.custom_model_pb2 import CostPerThousandTokens, CustomModel
from services.runtime.ids import uuid7
from tests.integration.catalog.replica import Catalog, Metadata, as_user

ELSEWHERE = "https://9.9.9.9/v1/chat/completions"
"""A public address: nothing is resolved."""


def fresh() -> str:
    return str(uuid7())


@dataclass(frozen=True, slots=True)
class Person:
    """A user and what the credential says of them."""

    id: str = field(default_factory=fresh)
    organisation: str = field(default_factory=fresh)
    project: str = field(default_factory=fresh)
    role: Role.ValueType = ROLE_MEMBER

    def colleague(self, role: Role.ValueType = ROLE_MEMBER, project: str = "") -> "Person":
        """Another user of the organisation; of the same project unless another is named."""
        return Person(fresh(), self.organisation, project or self.project, role)

    @property
    def metadata(self) -> Metadata:
        return as_user(self.id, organisation=self.organisation, project=self.project, role=self.role)

    async def create(self, catalog: Catalog, model: CustomModel, api_key: str = "", request_id: str = "") -> Any:
        request = CreateCustomModelRequest(custom_model=model, api_key=api_key, request_id=request_id)
        return (await catalog.stub.CreateCustomModel(request, metadata=self.metadata)).custom_model

    async def update(self, catalog: Catalog, model: CustomModel, *paths: str, api_key: str | None = None) -> Any:
        mask = FieldMask(paths=paths)
        request = UpdateCustomModelRequest(custom_model=model, update_mask=mask, api_key=api_key)
        return (await catalog.stub.UpdateCustomModel(request, metadata=self.metadata)).custom_model

    async def get(self, catalog: Catalog, name: str) -> Any:
        answer = await catalog.stub.GetCustomModel(GetCustomModelRequest(id=name), metadata=self.metadata)
        return answer.custom_model

    async def list(self, catalog: Catalog) -> list[Any]:
        answer = await catalog.stub.ListCustomModels(ListCustomModelsRequest(), metadata=self.metadata)
        return list(answer.custom_models)

    async def delete(self, catalog: Catalog, name: str) -> None:
        await catalog.stub.DeleteCustomModel(DeleteCustomModelRequest(id=name), metadata=self.metadata)

    async def check(self, catalog: Catalog, model: CustomModel) -> Any:
        request = CheckCustomModelRequest(custom_model=model)
        return (await catalog.stub.CheckCustomModel(request, metadata=self.metadata)).custom_model


def described(slug: str = "my-model", **fields: Any) -> CustomModel:
    """A model at an endpoint of nobody's, without a price."""
    plain = {"model_id": f"custom/{slug}", "name": "Mine", "provider": "openai", "api_endpoint": ELSEWHERE}
    return CustomModel(**(plain | fields))


def cost(prompt: str, completion: str) -> CostPerThousandTokens:
    figures = (Decimal(value=text) for text in (prompt, completion))
    return CostPerThousandTokens(input=next(figures), output=next(figures))
